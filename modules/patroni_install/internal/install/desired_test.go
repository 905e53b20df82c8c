package install

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

func parse(arguments string) (Desired, error) {
	req, err := ansible.ParseRequest(Spec(), []byte(arguments))
	if err != nil {
		return Desired{}, err
	}
	return NewDesired(req.Params, []string{"http_proxy=http://proxy:3128"})
}

func TestDefaults(t *testing.T) {
	want := Desired{
		State: "present", Method: "pipx", Extras: []string{"psycopg2-binary", "etcd"}, User: "postgres",
		ConfigDir:  "/etc/patroni",
		ConfigFile: "patroni.yaml", Verify: "quick", Installer: "auto", ServiceName: "patroni", ManagePath: true,
		InstallPrerequisites: true,
		LockTimeout:          5 * time.Minute, Timeout: 15 * time.Minute, Environ: []string{"http_proxy=http://proxy:3128"},
	}
	got, err := parse(`{}`)
	if diff := cmp.Diff(want, got, cmp.Comparer(sameSpec), cmp.Comparer(sameLock),
		cmp.AllowUnexported(Sources{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func sameLock(a, b pipx.Lock) bool { return a.String() == b.String() }

func sameSpec(a, b pipx.Spec) bool { return a.String() == b.String() }

// TestValues are values that are taken, in another form than they were given where that is said.
func TestValues(t *testing.T) {
	for name, c := range map[string]struct {
		arguments string
		got       func(d Desired) any
		want      any
	}{
		"service with its suffix": {`{"service_name": "patroni-main.service"}`, func(d Desired) any { return d.ServiceName }, "patroni-main"},
		"template of a service":   {`{"service_name": "patroni@a"}`, func(d Desired) any { return d.ServiceName }, "patroni@a"},
		"untidy path":             {`{"bin_dir": "/opt//patroni/./bin/"}`, func(d Desired) any { return d.BinDir }, "/opt/patroni/bin"},
		"path with dots":          {`{"config_dir": "/etc/x/../patroni"}`, func(d Desired) any { return d.ConfigDir }, "/etc/patroni"},
		"exact version":           {`{"version": "4.0.7"}`, func(d Desired) any { return d.Version.String() }, "==4.0.7"},
		"specifier":               {`{"version": ">=4.0,<4.1"}`, func(d Desired) any { return d.Version.String() }, ">=4.0,<4.1"},
		"extras in a text":        {`{"extras": "psycopg3, etcd3"}`, func(d Desired) any { return d.Extras }, []string{"psycopg3", "etcd3"}},
		"no extras":               {`{"extras": []}`, func(d Desired) any { return d.Extras }, []string{}},
		"no prerequisites":        {`{"prerequisites": []}`, func(d Desired) any { return d.Prerequisites }, []string{}},
		"the family's":            {`{"prerequisites": null}`, func(d Desired) any { return d.Prerequisites }, []string(nil)},
		"foreign architecture": {
			`{"prerequisites": ["pipx:arm64"]}`, func(d Desired) any { return d.Prerequisites }, []string{"pipx:arm64"},
		},
		"a user of a directory": {
			`{"user": "svc-pg@corp.example.com"}`, func(d Desired) any { return d.User }, "svc-pg@corp.example.com",
		},
		"a user of a domain": {`{"user": "CORP\\svc+pg"}`, func(d Desired) any { return d.User }, `CORP\svc+pg`},
		"a user by number":   {`{"user": 26}`, func(d Desired) any { return d.User }, "26"},
		"no waiting":         {`{"lock_timeout": 0}`, func(d Desired) any { return d.LockTimeout }, time.Duration(0)},
		"seconds as text":    {`{"timeout": "90"}`, func(d Desired) any { return d.Timeout }, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parse(c.arguments)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, c.got(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadValues(t *testing.T) {
	const (
		user     = "value of user must be a user name, got: "
		service  = "value of service_name must be the name of a systemd service, such as patroni, got: "
		file     = "value of config_file must be a file name without a directory, such as patroni.yaml, got: "
		extras   = "value of extras must be names of Patroni's extras, such as psycopg2-binary,etcd, got: "
		packages = "value of prerequisites must be names of OS packages, such as pipx, got: "
		named    = "value of packages must be names of OS packages, such as patroni, got: "
		version  = `cannot use version `
		rightOne = `; write a version such as 4.0.7, or a specifier without spaces such as ">=4.0,<4.1" or "~=4.0"`
		times    = "value of lock_timeout must not be negative and that of timeout must be above zero, got: "
	)
	long := strings.Repeat("a", 201)
	for arguments, want := range map[string]string{
		`{"version": "newest"}`:                        version + `"newest": it is neither a version nor a version specifier` + rightOne,
		`{"version": ">= 4.0"}`:                        version + `">= 4.0": it is neither a version nor a version specifier` + rightOne,
		`{"version": "4.0; python_version<'3'"}`:       version + `"4.0; python_version<'3'": it is neither a version nor a version specifier` + rightOne,
		`{"version": "--pre"}`:                         version + `"--pre": it is neither a version nor a version specifier` + rightOne,
		`{"user": ""}`:                                 user + `""`,
		`{"user": "-u"}`:                               user + `"-u"`,
		`{"user": "a b"}`:                              user + `"a b"`,
		`{"user": "a\\"}`:                              user + `"a\\"`,
		`{"user": "@corp"}`:                            user + `"@corp"`,
		`{"user": "` + long + `"}`:                     user + `"` + long + `"`,
		`{"service_name": "patroni\\"}`:                service + `"patroni\\"`,
		`{"service_name": ""}`:                         service + `""`,
		`{"service_name": "../patroni"}`:               service + `"../patroni"`,
		`{"service_name": "patroni@"}`:                 service + `"patroni@"`,
		`{"service_name": ".service"}`:                 service + `""`,
		`{"config_file": "a/b"}`:                       file + `"a/b"`,
		`{"config_file": ".."}`:                        file + `".."`,
		`{"config_file": "a\nb"}`:                      file + `"a\nb"`,
		`{"extras": ["etcd]"]}`:                        extras + `"etcd]"`,
		`{"extras": ["psycopg3", "-r /etc/passwd"]}`:   extras + `"-r /etc/passwd"`,
		`{"prerequisites": ["pipx", "-o"]}`:            packages + `"-o"`,
		`{"prerequisites": ["pipx/testing"]}`:          packages + `"pipx/testing"`,
		`{"method": "package", "packages": ["./x"]}`:   named + `"./x"`,
		`{"prerequisites": ["*"]}`:                     packages + `"*"`,
		`{"lock_timeout": -1}`:                         times + "-1 and 900",
		`{"timeout": 0}`:                               times + "300 and 0",
		`{"bin_dir": "/opt/a:b"}`:                      `value of bin_dir must not contain a colon, since PATH could not name it, got: "/opt/a:b"`,
		`{"state": "newest"}`:                          "value of state must be one of: present, latest, absent, got: newest",
		`{"manage_path": "perhaps"}`:                   "argument 'manage_path' is of type str and we were unable to convert to bool: The value 'perhaps' is not a valid boolean. Valid booleans include: ",
		`{"timeout": "soon"}`:                          `argument 'timeout' is of type str and we were unable to convert to int: "'soon'" cannot be converted to an int`,
		`{"extras": {"etcd": true}}`:                   "argument 'extras' is of type dict and we were unable to convert to list: ",
		`{"colour": "red", "_ansible_module_name": 1}`: "Unsupported parameters for (patroni_install) module: colour. Supported parameters include: ",
	} {
		t.Run(arguments, func(t *testing.T) {
			_, err := parse(arguments)
			if err == nil {
				t.Fatal("no error")
			}
			if got := err.Error(); got != want && !(strings.HasSuffix(want, ": ") && strings.HasPrefix(got, want)) {
				t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
			}
		})
	}
}

// TestPaths tries each option of type path. The table has the list of them.
func TestPaths(t *testing.T) {
	var tried []string
	for _, option := range Spec().Arguments {
		if option.Type != ansible.Path {
			continue
		}
		tried = append(tried, option.Name)
		for given, want := range map[string]string{
			"/srv//x/./y/": "/srv/x/y", "/srv/x/../y": "/srv/y", "/srv/x": "/srv/x", "": "",
			"x": "", "./x": "", "../x": "", "default/": "", "/": "", "/x/..": "", "/x\ny": "", "/x\x7f": "", "/x\x1b": "",
		} {
			d, err := desiredBy(option.Name, given)
			refused := fmt.Sprintf("value of %s must be an absolute path below /, without control characters, got: %q",
				option.Name, given)
			switch {
			case given == "" || want != "":
				if got := valueOf(&d, option.Name); err != nil || got != want {
					t.Errorf("%s %q: got %q, want %q (%v)", option.Name, given, got, want, err)
				}
			case err == nil || err.Error() != refused:
				t.Errorf("%s %q: got %v, want %s", option.Name, given, err, refused)
			}
		}
	}
	all := []string{
		"home", "bin_dir", "config_dir", "pipx_home", "python", "constraints", "lockfile", "wheelhouse", "ca_cert",
		"_wheelhouse",
	}
	if diff := cmp.Diff(all, tried); diff != "" {
		t.Errorf("options of type path (-want +got):\n%s", diff)
	}
	for _, name := range all {
		d, err := desiredBy(name, "default")
		if taken := err == nil && valueOf(&d, name) == "default"; taken != (name == "lockfile") {
			t.Errorf("%s default: %v", name, err)
		}
	}
}

func desiredBy(option, value string) (Desired, error) {
	arguments, err := json.Marshal(map[string]string{option: value})
	if err != nil {
		return Desired{}, err
	}
	return parse(string(arguments))
}

func valueOf(d *Desired, name string) string {
	for _, option := range d.options() {
		if option.Name == name {
			return *option.To.(*string)
		}
	}
	return "no such option"
}

// TestEachOptionHasItsPlace, in the field of its name.
func TestEachOptionHasItsPlace(t *testing.T) {
	var d Desired
	fields := map[any]string{}
	for _, struc := range []reflect.Value{reflect.ValueOf(&d).Elem(), reflect.ValueOf(&d.Sources).Elem()} {
		for i := range struc.NumField() {
			fields[struc.Field(i).Addr().UnsafePointer()] = struc.Type().Field(i).Name
		}
	}
	others := map[string]string{
		"version": "", "remote_src": "", // NewDesired's, and the action plugin's
		"_constraints": "constraints", "_lockfile": "lock", "_wheels": "wheels", "_wheelhouse": "brought",
	}
	for _, option := range d.options() {
		field := ""
		if option.To != nil {
			field = fields[reflect.ValueOf(option.To).UnsafePointer()]
		}
		want, other := others[option.Name]
		same := strings.EqualFold(field, strings.ReplaceAll(option.Name, "_", ""))
		if other && field != want || !other && !same {
			t.Errorf("%s goes to field %q", option.Name, field)
		}
	}
}

func postgres() *host.User {
	return &host.User{Name: "postgres", Group: "dba", UID: 26, GID: 27, Home: home, Shell: "/bin/bash"}
}

func TestLayout(t *testing.T) {
	usual := Layout{
		Layout: pipx.Layout{Home: pipxHome, BinDir: binDir}, User: postgres(), ConfigDir: "/etc/patroni",
		Config: "/etc/patroni/patroni.yaml",
		Unit:   unitFile, Stage: pipxHome + "/.patroni_install.stage", Scratch: StateDir + "/stage", OldHome: oldPipx,
		UserStage: home + "/.local/.patroni_install.stage",
	}
	elsewhere := usual
	elsewhere.Home, elsewhere.BinDir, elsewhere.ConfigDir = "/srv/pipx", "/opt/patroni/bin", "/srv/patroni"
	elsewhere.Config = "/srv/patroni/patroni.yaml"
	elsewhere.Stage, elsewhere.Unit = "/srv/pipx/.patroni_install.stage", "/etc/systemd/system/p2.service"
	for name, c := range map[string]struct {
		arguments string
		want      Layout
	}{
		"defaults":   {`{}`, usual},
		"right home": {`{"home": "/var/lib/postgresql/"}`, usual},
		"all elsewhere": {
			`{"pipx_home": "/srv/pipx", "bin_dir": "/opt/patroni/bin", "config_dir": "/srv/patroni", "service_name": "p2"}`, elsewhere,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := desired(t, c.arguments).layout(postgres())
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestLayoutRefused(t *testing.T) {
	for name, c := range map[string]struct {
		arguments, home, want string
	}{
		"another home": {`{"home": "/home/postgres"}`, home, "value of home is /home/postgres, but the home of user postgres is " + home +
			": leave home (in the role: pg_home) unset, or set it to that"},
		"home is the root": {`{}`, "/", `cannot install for user postgres: its home "/" is no directory of its own`},
		"no home":          {`{}`, "", `cannot install for user postgres: its home "" is no directory of its own`},
		"relative home":    {`{}`, "x", `cannot install for user postgres: its home "x" is no directory of its own`},
		"bin_dir in pipx_home": {
			`{"bin_dir": "` + pipxHome + `/bin"}`, home, "value of bin_dir, " + pipxHome + "/bin, lies inside pipx_home, " + pipxHome,
		},
		"bin_dir is pipx_home": {`{"bin_dir": "` + pipxHome + `"}`, home, "value of bin_dir, " + pipxHome + ", lies inside pipx_home"},
		"config_dir in pipx_home": {
			`{"config_dir": "` + pipxHome + `/etc"}`, home, "value of config_dir, " + pipxHome + "/etc, lies inside pipx_home",
		},
		"pipx_home in bin_dir": {
			`{"pipx_home": "/opt/bin/x", "bin_dir": "/opt/bin"}`, home, "pipx_home, /opt/bin/x, lies inside bin_dir, /opt/bin",
		},
		"config_dir is /etc": {
			`{"config_dir": "/etc"}`, home, "value of config_dir, /etc, must be a directory of its own: it becomes 0700 and user postgres's, and /etc/systemd/system is in it",
		},
		"config_dir above the home": {`{"config_dir": "/var"}`, home, "value of config_dir, /var, must be a directory of its own"},
		"bin_dir of the system":     {`{"bin_dir": "/usr/bin"}`, home, "values of bin_dir, /usr/bin, and pipx_home, " + pipxHome + ", must not be or hold /usr/bin"},
		"pipx_home of the system":   {`{"pipx_home": "/usr"}`, home, "values of bin_dir, " + binDir + ", and pipx_home, /usr, must not be or hold /usr/bin"},
		"config_dir is the home": {
			`{"config_dir": "` + home + `"}`, home, "value of config_dir, " + home + ", must be a directory of its own",
		},
		"config_dir above pipx_home": {
			`{"config_dir": "` + home + `/.local"}`, home, "value of config_dir, " + home + "/.local, must be a directory of its own",
		},
		"config_dir is bin_dir": {
			`{"config_dir": "/opt/p", "bin_dir": "/opt/p"}`, home, "value of config_dir, /opt/p, must be a directory of its own",
		},
	} {
		t.Run(name, func(t *testing.T) {
			user := postgres()
			user.Home = c.home
			_, err := desired(t, c.arguments).layout(user)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error %v, want %s…", err, c.want)
			}
		})
	}
}
