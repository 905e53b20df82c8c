package systemd

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// of is a unit, or a drop-in, with these lines of a service.
func of(lines ...string) []byte { return []byte("[Service]\n" + strings.Join(lines, "\n") + "\n") }

func dropIn(name string, lines ...string) Source {
	return Source{Path: Directory + "/patroni.service.d/" + name, Text: of(lines...)}
}

func adopter() Unit {
	return Unit{
		Name: "patroni", User: "postgres", Group: "postgres",
		Exec: "/usr/local/bin/patroni", ConfigPath: "/etc/patroni/p.yml",
	}
}

// TestStarts: the settings that systemd reads from a unit and its drop-ins count.
func TestStarts(t *testing.T) {
	const start = "ExecStart=/opt/bin/patroni /etc/p.yml"
	type want struct{ Config, User, Error string }
	for name, c := range map[string]struct {
		text    []byte
		dropIns []Source
		want    want
	}{
		"plain":                    {of(start, "User=dba"), nil, want{"/etc/p.yml", "dba", ""}},
		"by an interpreter":        {of("ExecStart=/usr/bin/python3.11 /opt/bin/patroni /etc/p.yml"), nil, want{"/etc/p.yml", "", ""}},
		"quoted, failure ignored":  {of(`ExecStart=-"/opt/bin/patroni" "/etc/a b.yml"`), nil, want{"/etc/a b.yml", "", ""}},
		"spelled with specifiers":  {of("ExecStart=:/opt/bin/patroni /etc/100%%$$.yml", "User=a%%b"), nil, want{"/etc/100%$.yml", "a%b", ""}},
		"no configuration":         {of("ExecStart=/opt/bin/patroni"), nil, want{"", "", ""}},
		"user of a drop-in":        {of(start, "User=dba"), []Source{dropIn("a.conf", "User=x"), dropIn("b.conf", "User=y")}, want{"/etc/p.yml", "y", ""}},
		"user taken back":          {of(start, "User=dba"), []Source{dropIn("a.conf", "User=")}, want{"/etc/p.yml", "", ""}},
		"program of a drop-in":     {of(start), []Source{dropIn("a.conf", "ExecStart=", "ExecStart=/b/patroni /q.yml")}, want{"/q.yml", "", ""}},
		"one more in a drop-in":    {of(start), []Source{dropIn("a.conf", start)}, want{"", "", "it has 2 commands in ExecStart, not one"}},
		"taken back in a drop-in":  {of(start), []Source{dropIn("a.conf", "ExecStart=")}, want{"", "", "it has 0 commands in ExecStart, not one"}},
		"of another section":       {[]byte("[Unit]\nUser=x\n" + string(of(start))), nil, want{"/etc/p.yml", "", ""}},
		"another program":          {of("ExecStart=/usr/bin/etcd /etc/p.yml"), nil, want{"", "", "it does not start Patroni"}},
		"started by another one":   {of("ExecStart=/usr/bin/numactl -i all /opt/bin/patroni /etc/p.yml"), nil, want{"", "", "another program, or a mark, before"}},
		"with a variable":          {of("ExecStart=/usr/bin/env PGPASSWORD=hunter2 /opt/bin/patroni /etc/p.yml"), nil, want{"", "", "another program, or a mark, before"}},
		"with root's rights":       {of("ExecStart=+/opt/bin/patroni /etc/p.yml", "User=dba"), nil, want{"", "dba", "another program, or a mark, before"}},
		"without its user's":       {of("ExecStart=!/opt/bin/patroni /etc/p.yml"), nil, want{"", "", "another program, or a mark, before"}},
		"under a name of its own":  {of("ExecStart=@/opt/bin/patroni ha /etc/p.yml"), nil, want{"", "", "another program, or a mark, before"}},
		"with more":                {of("ExecStart=/opt/bin/patroni --validate-config /etc/p.yml"), nil, want{"", "", "more than a configuration file"}},
		"a module of Python":       {of("ExecStart=/usr/bin/python3 -m patroni /etc/p.yml"), nil, want{"", "", "another program, or a mark, before"}},
		"a path that is not whole": {of("ExecStart=patroni /etc/p.yml"), nil, want{"", "", "another program, or a mark, before"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got want
			var err error
			got.Config, got.User, err = Starts(c.text, c.dropIns)
			if (err != nil) != (c.want.Error != "") || err != nil && !strings.Contains(err.Error(), c.want.Error) {
				t.Errorf("error %v, want %q", err, c.want.Error)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error has a secret: %v", err)
			}
			c.want.Error = ""
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestOverridden: a drop-in that stays must not start our program in the way of another one.
func TestOverridden(t *testing.T) {
	for name, c := range map[string]struct {
		dropIns []Source
		want    string
	}{
		"none":                  {nil, ""},
		"what is the service's": {[]Source{dropIn("a.conf", "LimitNOFILE=1", "Environment=A=b", "Restart=always", "KillMode=mixed")}, ""},
		"the same":              {[]Source{dropIn("a.conf", "Type=simple", "User=postgres", "ExecStart=", "ExecStart=/usr/local/bin/patroni /etc/patroni/p.yml")}, ""},
		"taken back again":      {[]Source{dropIn("a.conf", "Type=notify"), dropIn("b.conf", "Type=simple")}, ""},
		"of another section":    {[]Source{{Path: "x", Text: []byte("[Unit]\nType=notify\n")}}, ""},
		"type":                  {[]Source{dropIn("a.conf", "Type=notify"), dropIn("b.conf", "Nice=1")}, "a.conf Type"},
		"user":                  {[]Source{dropIn("a.conf", "User=nobody")}, "a.conf User"},
		"no user":               {[]Source{dropIn("a.conf", "User=")}, "a.conf User"},
		"no program":            {[]Source{dropIn("a.conf", "ExecStart=")}, "a.conf ExecStart"},
		"another program":       {[]Source{dropIn("a.conf", "ExecStart=", "ExecStart=/opt/bin/patroni /etc/patroni/p.yml")}, "a.conf ExecStart"},
		"one more program":      {[]Source{dropIn("a.conf", "ExecStart=/opt/bin/patroni /etc/patroni/p.yml")}, "a.conf ExecStart"},
		"a program between": {[]Source{
			dropIn("a.conf", "ExecStart=/opt/bin/x", "ExecStart=/usr/local/bin/patroni /etc/patroni/p.yml"),
		}, "a.conf ExecStart"},
		"a watchdog":           {[]Source{dropIn("a.conf", "WatchdogSec=30")}, "a.conf WatchdogSec"},
		"who may notify":       {[]Source{dropIn("a.conf", "NotifyAccess=all")}, "a.conf NotifyAccess"},
		"a file of its number": {[]Source{dropIn("a.conf", "PIDFile=/run/p.pid")}, "a.conf PIDFile"},
		"a name on the bus":    {[]Source{dropIn("a.conf", "BusName=org.p")}, "a.conf BusName"},
		"a guess":              {[]Source{dropIn("a.conf", "GuessMainPID=no")}, "a.conf GuessMainPID"},
		"what stays":           {[]Source{dropIn("a.conf", "RemainAfterExit=yes")}, "a.conf RemainAfterExit"},
		"over two lines":       {[]Source{dropIn("a.conf", "Type= \\", "# why", "notify")}, "a.conf Type"},
	} {
		file, setting := adopter().Overridden(c.dropIns)
		if got := strings.TrimPrefix(strings.TrimSpace(file+" "+setting), Directory+"/patroni.service.d/"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestUnfit: settings of a unit for a program elsewhere may keep ours from starting.
func TestUnfit(t *testing.T) {
	inHome, inRoot := adopter(), adopter()
	inHome.Exec, inRoot.Exec = "/home/dba/.local/bin/patroni", "/root/bin/patroni"
	for name, c := range map[string]struct {
		unit Unit
		text []byte
		want string
	}{
		"nothing":              {adopter(), of("Environment=A=b", "ProtectHome=yes", "RootDirectory=/"), ""},
		"another root":         {adopter(), of("RootDirectory=/srv/p"), "RootDirectory"},
		"an image":             {adopter(), of("RootImage=/srv/p.raw"), "RootImage"},
		"modules":              {adopter(), of("Environment=A=b", `Environment="PYTHONPATH=/opt/p" B=c`), "PYTHONPATH in Environment"},
		"a library":            {adopter(), of("Environment=PYTHONHOME=/opt/p"), "PYTHONHOME in Environment"},
		"taken back":           {adopter(), of("Environment=PYTHONHOME=/opt/p", "Environment="), ""},
		"no homes":             {inHome, of("ProtectHome=true"), "ProtectHome"},
		"empty homes":          {inRoot, of("ProtectHome=tmpfs"), "ProtectHome"},
		"homes that stay":      {inHome, of("ProtectHome=no"), ""},
		"homes by a number":    {inHome, of("ProtectHome=0"), ""},
		"homes by a letter":    {inHome, of("ProtectHome=N"), ""},
		"homes, not so":        {inHome, of("ProtectHome=false"), ""},
		"homes, shortly":       {inHome, of("ProtectHome=f"), ""},
		"homes that are read":  {inHome, of("ProtectHome=read-only"), ""},
		"no programs":          {inHome, of("NoExecPaths=/usr /", "ExecPaths=/usr"), "NoExecPaths"},
		"programs of ours":     {inHome, of("NoExecPaths=/", "ExecPaths=/usr -/home/dba/.local"), ""},
		"programs elsewhere":   {inHome, of("NoExecPaths=/var", "InaccessiblePaths=-/home/other /homes", "TemporaryFileSystem=/var:ro"), ""},
		"a closed directory":   {inHome, of("InaccessiblePaths=-/home/dba/.local"), "InaccessiblePaths"},
		"an earlier name":      {inHome, of("InaccessibleDirectories=+/home"), "InaccessibleDirectories"},
		"an empty directory":   {inHome, of(`TemporaryFileSystem="/home:ro,size=1M"`), "TemporaryFileSystem"},
		"opened again":         {inHome, of("InaccessiblePaths=/home", "InaccessiblePaths="), ""},
		"not the last setting": {inHome, of("ProtectHome=yes", "ProtectHome=off"), ""},
	} {
		if got := c.unit.Unfit(c.text, nil); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := adopter().Unfit(nil, []Source{dropIn("a.conf", "RootImage=/x")}); got != "RootImage" {
		t.Errorf("in a drop-in: %q", got)
	}
}

// TestAdopt: the drop-in has what counted for the service and what the unit does not have.
func TestAdopt(t *testing.T) {
	const told = "Restart=always\nKillMode=mixed\nTimeoutSec=60\n"
	const untold = "\n# What that unit left to systemd, as systemd had it.\n[Service]\n"
	manager := []Source{
		{Text: []byte("[Manager]\nDefaultTimeoutStopSec=300\n")},
		{Text: []byte("[Manager]\nDefaultTimeoutStopSec=10min\n")},
	}
	for name, c := range map[string]struct {
		text             []byte
		dropIns, manager []Source
		want             string // after the head
	}{
		"told": {of("Restart=always", "KillMode=mixed", "TimeoutSec=60"), nil, manager, "\n[Service]\n" + told},
		"left to systemd": {
			of("Nice=1"), nil, nil,
			"\n[Service]\nNice=1\n" + untold + "Restart=no\nKillMode=control-group\nTimeoutStartSec=90\nTimeoutStopSec=90\n",
		},
		"left to its settings": {
			of("KillMode=process", "Restart=on-failure"), nil, manager,
			untold + "TimeoutStartSec=90\nTimeoutStopSec=10min\n",
		},
		"one time": {
			of("KillMode=process", "Restart=on-failure", "TimeoutStopSec=600"), nil, nil,
			"\n[Service]\nTimeoutStopSec=600\n" + untold + "TimeoutStartSec=90\n",
		},
		"back to ours": {
			of("KillMode=mixed", "KillMode=process", "Restart=on-failure", "TimeoutSec=30"), nil, nil,
			"\n[Service]\nKillMode=mixed\nKillMode=process\n",
		},
		"two commands": {
			of("ExecReload=/bin/a", "ExecReload=/bin/kill -s HUP $MAINPID", "KillMode=process", "Restart=on-failure",
				"TimeoutSec=30"), nil, nil,
			"\n[Service]\nExecReload=\nExecReload=/bin/a\nExecReload=/bin/kill -s HUP $MAINPID\n",
		},
		"a command of a drop-in alone": {
			of("KillMode=process", "Restart=on-failure", "TimeoutSec=30"), []Source{dropIn("a.conf", "ExecReload=/bin/a")}, nil,
			untold + "ExecReload=\n",
		},
		"nothing": {of("KillMode=process", "Restart=on-failure", "TimeoutSec=30", "Type=simple"), nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := string(adopter().Adopt(c.text, c.dropIns, c.manager))
			if c.want != "" {
				_, got, _ = strings.Cut(got, "you change here stays.\n")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestBefore: of two drop-ins the later name wins.
func TestBefore(t *testing.T) {
	ours := of("Nice=1")
	for name, c := range map[string]struct {
		dropIn Source
		found  bool
	}{
		"before":            {dropIn("00-a.conf", "Nice=2"), true},
		"before, of others": {dropIn("00-a.conf", "LimitNOFILE=2"), false},
		"after":             {dropIn("10-a.conf", "Nice=2"), false},
	} {
		if got := Before("00-patroni.conf", ours, []Source{c.dropIn}); (got != "") != c.found {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestDropInDirs: also those for several services, and the administrator's before a package's.
func TestDropInDirs(t *testing.T) {
	dirs := DropInDirs("pg-ha-b@17.service")
	last := -1
	for _, want := range []string{
		"/etc/systemd/system.control/pg-ha-b@17.service.d", "/etc/systemd/system/pg-ha-b@17.service.d", "/etc/systemd/system/pg-ha-b@.service.d",
		"/etc/systemd/system/pg-ha-.service.d", "/etc/systemd/system/pg-.service.d", "/run/systemd/system/pg-ha-b@17.service.d",
		"/usr/lib/systemd/system/pg-.service.d", "/etc/systemd/system/service.d", "/usr/lib/systemd/system/service.d",
	} {
		at := slices.Index(dirs, want)
		if at <= last {
			t.Errorf("%s is at %d, after %d", want, at, last)
		}
		last = at
	}
	var own []string
	for _, dir := range DropInDirs("patroni.service") {
		if before, found := strings.CutSuffix(dir, "/patroni.service.d"); found {
			own = append(own, before)
		}
	}
	// As systemd.unit(5) has them, with /lib for systems where that is a directory of its own.
	want := []string{
		"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
		"/run/systemd/generator.early", "/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system",
		"/run/systemd/system.attached", "/run/systemd/generator", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late",
	}
	if diff := cmp.Diff(want, own); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if slices.Contains(DropInDirs("patroni.service"), "/etc/systemd/system/.service.d") {
		t.Error("a name without a dash has one")
	}
}
