package install

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
)

// version is what the facts say is installed.
func (r *Report) version() any { return r.facts()["version"] }

// unchanged runs what must have nothing to do.
func (m *machine) unchanged(arguments string) {
	m.Helper()
	if report := m.run(arguments); report.Changed() {
		m.Errorf("%s changed something: %s", arguments, report.message())
	}
}

func TestLockDecides(t *testing.T) {
	m := newMachine(t)
	m.write("/etc/lock.txt", lockText("4.0.7"))
	const locked = `{"lockfile": "/etc/lock.txt"}`
	if got := m.run(locked).version(); got != "4.0.7" {
		t.Errorf("a fresh host got Patroni %v", got)
	}
	m.unchanged(locked)
	m.unchanged(`{"lockfile": "/etc/lock.txt", "state": "latest"}`)
	m.write("/etc/lock.txt", strings.Replace(lockText("4.0.7"), "click==8.1.7", "click==8.2", 1))
	report, err := m.installer(locked).Check(t.Context())
	if err != nil || !report.Changed() ||
		!strings.Contains(report.message(), "the lock file has click 8.2 in place of 8.1.7") {
		t.Errorf("another click: %v, %v", report.message(), err)
	}
	m.write("/etc/lock.txt", lockText("4.1.5"))
	if got := m.run(locked).version(); got != "4.1.5" {
		t.Errorf("another lock gave Patroni %v", got)
	}
}

// TestSourcesBehindLinks: root's links are followed, such as one to the lock file of the current release.
func TestSourcesBehindLinks(t *testing.T) {
	m := newMachine(t)
	m.write("/srv/releases/1/lock.txt", lockText("4.0.7"))
	m.write("/srv/releases/1/bounds.txt", "click<9\n")
	m.link("/srv/current", "releases/1")
	m.link("/etc/lock.txt", "../srv/current/lock.txt")
	m.link("/etc/bounds.txt", "/srv/current/bounds.txt")
	want, err := readSources(m.files, desired(t, `{"lockfile": "/etc/lock.txt", "constraints": "/etc/bounds.txt"}`))
	if err != nil || want.lock != lockText("4.0.7") || want.constraints != "click<9\n" {
		t.Errorf("%q, %q, %v", want.lock, want.constraints, err)
	}
}

// TestTextsFromTheController: what the action plugin read stands in for the files.
func TestTextsFromTheController(t *testing.T) {
	m := newMachine(t)
	report := m.run(`{"lockfile": "/files/lock.txt", "_lockfile": ` + quoted(lockText("4.0.7")) +
		`, "constraints": "/files/c.txt", "_constraints": "click<9"}`)
	if got := report.version(); got != "4.0.7" {
		t.Errorf("got Patroni %v", got)
	}
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, "\n", `\n`) + `"` }

func TestOurLock(t *testing.T) {
	want, err := readSources(newMachine(t).files, desired(t, `{"lockfile": "default"}`))
	if err != nil {
		t.Fatal(err)
	}
	if version, exact := want.Version.Exact(); !exact || len(want.Lock.Tools()) == 0 ||
		len(want.Lock.Versions("python-etcd")) == 0 {
		t.Errorf("it asks for version %q, builds with %q", version, want.Lock.Tools())
	}
}

func TestSourcesAreRefused(t *testing.T) {
	m := newMachine(t)
	m.write("/etc/lock.txt", lockText("4.0.7"))
	m.write("/etc/bad.txt", "patroni>=4\n")
	m.write("/etc/options.txt", "click<9\n--trusted-host index.example\n")
	m.write("/home/theirs/lock.txt", lockText("4.0.7"))
	m.link("/home/theirs/link.txt", "/etc/lock.txt")
	m.own("/home/theirs")
	m.dir("/srv/wheels", 0o755)
	m.lacks = "click>=4.1"
	for arguments, want := range map[string]string{
		`{"lockfile": "/etc/none.txt"}`:                       "cannot use lockfile /etc/none.txt: ",
		`{"lockfile": "/home/theirs/link.txt"}`:               "cannot use lockfile /home/theirs/link.txt: ",
		`{"lockfile": "/etc/bad.txt"}`:                        "cannot use lockfile /etc/bad.txt: line 1: ",
		`{"lockfile": "/etc/lock.txt", "version": "4.1.5"}`:   "it has Patroni 4.0.7, and version asks for ==4.1.5",
		`{"lockfile": "/etc/lock.txt", "version": ">4,<4.0"}`: "and version asks for >4,<4.0",
		`{"constraints": "/home/theirs/link.txt"}`:            "/home/theirs/link.txt is a symbolic link to /etc/lock.txt in a directory that is not",
		`{"constraints": "/etc/options.txt"}`:                 "cannot use constraints /etc/options.txt: line 2: \"--trusted-host\" is not allowed",
		`{"constraints": "/etc/none.txt"}`:                    "cannot use constraints /etc/none.txt: ",
		`{"wheelhouse": "/srv/none"}`:                         "cannot use wheelhouse /srv/none: ",
		`{"wheelhouse": "/srv/wheels"}`:                       "cannot build Patroni from wheelhouse /srv/wheels: for Python 3.11 of this host it lacks click>=4.1",
	} {
		before := m.snapshot()
		_, err := m.installer(arguments).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "nothing was changed") {
			t.Errorf("%s: %v, want %q", arguments, err, want)
		}
		if diff := cmp.Diff(before, m.snapshot()); diff != "" {
			t.Errorf("%s changed the host (-before +after):\n%s", arguments, diff)
		}
	}
}

// TestRemovalReadsNoSources: what is to go does not depend on where it came from.
func TestRemovalReadsNoSources(t *testing.T) {
	m := newMachine(t)
	m.run(`{}`)
	m.run(`{"state": "absent", "lockfile": "/gone.txt", "constraints": "/gone.txt", "wheelhouse": "/gone"}`)
}

func TestWheelhouse(t *testing.T) {
	m := newMachine(t)
	m.dir("/srv/wheels", 0o755)
	m.newest = "4.0.7"
	const newest = `{"wheelhouse": "/srv/wheels", "state": "latest"}`
	if got := m.run(`{"wheelhouse": "/srv/wheels"}`).version(); got != "4.0.7" {
		t.Errorf("a fresh host got Patroni %v", got)
	}
	m.unchanged(newest)
	m.newest, m.lacks = "4.1.5", "urllib3"
	if _, err := m.installer(newest).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "it lacks urllib3") {
		t.Errorf("an incomplete wheelhouse: %v", err)
	}
	m.unchanged(`{"wheelhouse": "/srv/wheels"}`) // nothing is to be built, so it is not looked into
	m.lacks = ""
	m.takes = "4.0.7" // since constraints, or the interpreter, forbid the newer one
	m.unchanged(newest)
	m.takes = ""
	report, err := m.installer(newest).Check(t.Context())
	if err != nil || !strings.Contains(report.message(), "since the wheelhouse has 4.1.5") {
		t.Errorf("%s, %v", report.message(), err)
	}
	if got := m.run(newest).version(); got != "4.1.5" {
		t.Errorf("a newer wheelhouse gave Patroni %v", got)
	}
}

// TestWheelhouseOnTheController is brought only if something has to be built.
func TestWheelhouseOnTheController(t *testing.T) {
	m := newMachine(t)
	const names = `"wheelhouse": "/wheels", "_wheels": ["patroni-4.1.5-py3-none-any.whl"]`
	before := m.snapshot()
	_, err := m.installer(`{` + names + `}`).Run(t.Context())
	if !errors.Is(err, ErrOnController) || cmp.Diff(map[string]any{"wheelhouse_needed": true}, Details(err)) != "" {
		t.Errorf("a fresh host: %v, %v", err, Details(err))
	}
	if diff := cmp.Diff(before, m.snapshot()); diff != "" {
		t.Errorf("it changed the host (-before +after):\n%s", diff)
	}
	report, err := m.installer(`{` + names + `}`).Check(t.Context())
	if err != nil || !report.Changed() ||
		!strings.Contains(strings.Join(report.Warnings, "; "),
			"wheelhouse /wheels is on the controller, and check mode does not") {
		t.Errorf("check mode: %v, warnings %q", err, report.Warnings)
	}
	m.run(`{"version": "4.0.7"}`)
	m.unchanged(`{` + names + `}`)
	if report, err := m.installer(`{` + names + `}`).Check(t.Context()); err != nil || len(report.Warnings) > 0 {
		t.Errorf("nothing is to be built: %v, warnings %q", err, report.Warnings)
	}
	if _, err := m.installer(`{"state": "latest", ` + names + `}`).Run(t.Context()); !errors.Is(err, ErrOnController) {
		t.Errorf("a newer version on the controller: %v", err)
	}
	m.unchanged(`{"state": "latest", "constraints": "/c.txt", "_constraints": "patroni<4.1", ` + names + `}`)
	m.write("/root/.ansible/tmp/wheelhouse.tar", "4.1.5")
	const brought = names + `, "_wheelhouse": "/root/.ansible/tmp/wheelhouse.tar"`
	if got := m.run(`{"state": "latest", ` + brought + `}`).version(); got != "4.1.5" {
		t.Errorf("what was brought gave Patroni %v", got)
	}
	m.unchanged(`{"state": "latest", ` + names + `}`)
	m.lacks = "click>=4.1"
	_, err = m.installer(`{"version": "4.0.7", ` + brought + `}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "wheelhouse /wheels: ") {
		t.Errorf("the operator's path is not named: %v", err)
	}
}

// TestArchiveIsReadByRoot: where the user cannot look, and in spite of what he puts there.
func TestArchiveIsReadByRoot(t *testing.T) {
	m := newMachine(t)
	m.write("/root/wheels.tar", "4.0.7")
	m.must(os.Chmod(m.real("/root"), 0o700))
	if got := m.run(`{"wheelhouse": "/root/wheels.tar"}`).version(); got != "4.0.7" {
		t.Errorf("got Patroni %v", got)
	}
	m.link(home+"/wheels.tar", "/root/wheels.tar")
	m.own(home)
	_, err := m.installer(`{"version": "4.1.5", "wheelhouse": "` + home + `/wheels.tar"}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cannot use wheelhouse "+home) {
		t.Errorf("the user's link: %v", err)
	}
}

// withPipx is a machine with a pipx of its own, and with a uv.
func withPipx(t *testing.T, version string) *machine {
	m := newMachine(t)
	m.program("/usr/local/bin/pipx", "#!", 0o755)
	m.dir("/usr/local/lib/python3.11/dist-packages/pipx-"+version+".dist-info", 0o755)
	m.program("/usr/local/bin/uv", "#!", 0o755)
	return m
}

func TestInstaller(t *testing.T) {
	for name, test := range map[string]struct {
		pipx, installer string
		change          func(m *machine)
		want            string
	}{
		"by itself":         {"1.18.4", Auto, func(*machine) {}, "uv"},
		"not asked for":     {"1.18.4", "pip", func(*machine) {}, "pip"},
		"an old pipx":       {"1.7.1", Auto, func(*machine) {}, "pip"},
		"no uv":             {"1.18.4", Auto, func(m *machine) { m.remove("/usr/local/bin/uv") }, "pip"},
		"pip's settings":    {"1.18.4", Auto, func(m *machine) { m.write("/etc/pip.conf", "[global]") }, "pip"},
		"uv's settings":     {"1.18.4", Auto, func(m *machine) { m.write("/etc/uv/uv.toml", "") }, "pip"},
		"in spite of them":  {"1.18.4", "uv", func(m *machine) { m.write(home+"/.config/uv/uv.toml", "") }, "uv"},
		"uv in spite of it": {"1.18.4", "uv", func(m *machine) { m.write("/etc/pip.conf", "[global]") }, "uv"},
	} {
		t.Run(name, func(t *testing.T) {
			m := withPipx(t, test.pipx)
			test.change(m)
			m.run(`{"installer": "` + test.installer + `"}`)
			if m.backend != test.want {
				t.Errorf("pipx was told to install by %q", m.backend)
			}
		})
	}
}

func TestInstallerIsRefused(t *testing.T) {
	old, without := withPipx(t, "1.7.1"), withPipx(t, "1.18.4")
	without.remove("/usr/local/bin/uv")
	for want, m := range map[string]*machine{"pipx 1.7.1 cannot, 1.12 or newer is needed": old,
		"there is no uv in /usr/local/bin or /usr/bin": without} {
		before := m.snapshot()
		_, err := m.installer(`{"installer": "uv"}`).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "nothing was changed") {
			t.Errorf("%v, want %q", err, want)
		}
		if diff := cmp.Diff(before, m.snapshot()); diff != "" {
			t.Errorf("it changed the host (-before +after):\n%s", diff)
		}
		m.run(`{}`)
		m.unchanged(`{"installer": "uv"}`) // nothing is to be built
	}
}

// TestPipxForTheSystemsPython: whatever the venv's interpreter is, pip of the system's brings pipx.
func TestPipxForTheSystemsPython(t *testing.T) {
	const other = "/opt/python/bin/python3"
	const arguments = `{"wheelhouse": "/srv/wheels", "python": "` + other + `"}`
	machine := func() *machine {
		m := newMachine(t)
		bareRHEL(m)
		m.program(other, "#!", 0o755)
		m.dir("/srv/wheels", 0o755)
		return m
	}
	m := machine()
	m.lacks, m.lacksFor = "pipx", systemPython
	before := m.snapshot()
	_, err := m.installer(arguments).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(),
		"for Python 3.11 of this host it lacks pipx; pipx is installed by that interpreter") || !strings.HasSuffix(err.Error(), "nothing was changed") {
		t.Errorf("a wheelhouse without a pipx for the system: %v", err)
	}
	if diff := cmp.Diff(before, m.snapshot()); diff != "" {
		t.Errorf("it changed the host (-before +after):\n%s", diff)
	}
	m.lacksFor = other
	if _, err := m.installer(arguments).Run(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "for "+other+" of this host it lacks pipx; build it on a host of the same platform") {
		t.Errorf("the venv's interpreter: %v", err)
	}
	m.lacks = ""
	m.run(arguments)
	want := map[string][]string{other: {"need:patroni[psycopg2-binary,etcd]", "tools:"}, systemPython: {"need:pipx"}}
	if diff := cmp.Diff(want, m.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	m = machine()
	m.remove("/usr/bin/python3")
	if report, err := m.installer(arguments).Check(t.Context()); err != nil || !report.plan.Unlooked() {
		t.Errorf("the system's Python is still to come: %v", err)
	}
	m = machine()
	m.write("/etc/lock.txt", lockText("4.0.7"))
	m.run(`{"lockfile": "/etc/lock.txt", "python": "` + other + `"}`)
	if !slices.ContainsFunc(m.trace, func(line string) bool {
		return strings.HasPrefix(line, "run "+systemPython+" -m pip download --no-deps ") &&
			strings.HasSuffix(line, "/locked-pipx")
	}) {
		t.Errorf("the locked pipx is not fetched for the system's Python: %q", m.trace)
	}
}

// TestWheelhouseMustHoldTheLock: what is locked and what bounds it is looked for, too.
func TestWheelhouseMustHoldTheLock(t *testing.T) {
	m := newMachine(t)
	m.dir("/srv/wheels", 0o755)
	m.write("/etc/lock.txt", lockText("4.1.5"))
	m.unlocked = "boto3>1"
	before := m.snapshot()
	const arguments = `{"wheelhouse": "/srv/wheels", "lockfile": "/etc/lock.txt", "constraints": "/c.txt", ` +
		`"_constraints": "click<9 # ours"}`
	_, err := m.installer(arguments).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(),
		"cannot build Patroni with lockfile /etc/lock.txt: for Python 3.11 of this host it does not hold boto3>1; lock ") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(before, m.snapshot()); diff != "" {
		t.Errorf("it changed the host (-before +after):\n%s", diff)
	}
	want := []string{
		"need:patroni[psycopg2-binary,etcd]==4.1.5", "need:patroni==4.1.5", "need:click==8.1.7", "need:wheel==0.45", "need:pipx==1.11.2",
		"lock:patroni==4.1.5", "lock:click==8.1.7", "lock:wheel==0.45", "lock:pipx==1.11.2", "bound:click<9", "tools:",
	}
	if diff := cmp.Diff(want, m.asked[systemPython]); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

// TestLockWithoutPipx: where pip brings pipx, it must be locked, too.
func TestLockWithoutPipx(t *testing.T) {
	m := newMachine(t)
	bareRHEL(m)
	text, _, _ := strings.Cut(lockText("4.1.5"), "pipx==")
	m.write("/etc/lock.txt", text)
	const locked = `{"lockfile": "/etc/lock.txt"}`
	_, err := m.installer(locked).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cannot install pipx: lockfile /etc/lock.txt does not hold it") ||
		!strings.HasSuffix(err.Error(), "nothing was changed") {
		t.Errorf("%v", err)
	}
	m.program("/usr/local/bin/pipx", "#!", 0o755)
	m.run(locked)
}

// TestUnreadableWheelhouse: what to do depends on what it is.
func TestUnreadableWheelhouse(t *testing.T) {
	m := newMachine(t)
	m.dir("/srv/wheels", 0o755)
	m.write("/srv/wheels.tar", "4.1.5")
	m.says = func(line string) string {
		if strings.Contains(line, " look ") {
			return "Traceback\ntarfile.ReadError: unexpected end of data"
		}
		return ""
	}
	for name, want := range map[string]string{
		"/srv/wheels": "end of data; make it readable for this user", "/srv/wheels.tar": "end of data; it is to be a whole tar archive",
	} {
		if _, err := m.installer(`{"wheelhouse": "` + name + `"}`).Run(t.Context()); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRepairFromANewerWheelhouse: a repair keeps the version, and where the wheelhouse has moved on, the
// operator has to say so.
func TestRepairFromANewerWheelhouse(t *testing.T) {
	m := newMachine(t)
	m.dir("/srv/wheels", 0o755)
	m.run(`{"version": "4.0.7"}`)
	m.remove(venv + "/bin/python")
	_, err := m.installer(`{"wheelhouse": "/srv/wheels"}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(),
		"cannot rebuild Patroni 4.0.7 from wheelhouse /srv/wheels, which has other versions only, 4.1.5 being") ||
		!strings.Contains(err.Error(), "set version to one that it has, or state to latest") {
		t.Errorf("%v", err)
	}
	_, err = m.installer(`{"wheelhouse": "/srv/wheels", "version": "4.0.7"}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(),
		"it lacks patroni==4.0.7 (it has patroni-4.1.5-py3-none-any.whl); build it") {
		t.Errorf("a version that was asked for: %v", err)
	}
	if got := m.run(`{"wheelhouse": "/srv/wheels", "state": "latest"}`).version(); got != "4.1.5" {
		t.Errorf("state latest gave Patroni %v", got)
	}
}

// TestFailureNamesTheSource: what pip misses, it misses where it looked.
func TestFailureNamesTheSource(t *testing.T) {
	for _, test := range []struct{ options, fails, want string }{
		{`"index_url": "https://index.example/simple"`, "pipx install", "cannot build Patroni from index_url https://index.example/simple: the index does not know click"},
		{`"wheelhouse": "/srv/wheels", "index_url": "https://index.example/simple"`, "pipx install", "cannot build Patroni: the wheelhouse has no click"},
		{`"lockfile": "/etc/lock.txt"`, "pipx install", "cannot build Patroni: the lock file does not hold click"},
		{`"lockfile": "/etc/lock.txt"`, "download -r", "cannot build Patroni: the index does not know click"},
		{`"lockfile": "/etc/lock.txt", "wheelhouse": "/srv/wheels"`, "download -r", "cannot build Patroni: the wheelhouse has no click"},
		{`"lockfile": "/etc/lock.txt"`, "pip install --user", "cannot install pipx for user postgres: the lock file does not hold click"},
		{`"wheelhouse": "/srv/wheels"`, "pip install --user", "cannot install pipx for user postgres: the wheelhouse has no click"},
	} {
		m := newMachine(t)
		if strings.Contains(test.fails, "--user") {
			bareRHEL(m)
		}
		m.dir("/srv/wheels", 0o755)
		m.write("/srv/wheels/patroni-4.1.5-py3-none-any.whl", "")
		m.write("/etc/lock.txt", lockText("4.1.5"))
		m.says = func(line string) string {
			if strings.Contains(line, test.fails) {
				return "ERROR: Could not find a version that satisfies the requirement click (from versions: none)"
			}
			return ""
		}
		_, err := m.installer(`{` + test.options + `}`).Run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s, %s: %v, want %q", test.options, test.fails, err, test.want)
		}
	}
}

// TestWheelhouseIsLookedIntoAgain: the pip that knows what fits may come with the prerequisites, and so
// may Python itself.
func TestWheelhouseIsLookedIntoAgain(t *testing.T) {
	m := newMachine(t)
	m.dir("/srv/wheels", 0o755)
	m.lacks, m.unlooked = "click>=4.1, ydiff", true
	before := m.state()
	_, err := m.installer(`{"wheelhouse": "/srv/wheels"}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(),
		"for Python 3.11 of this host it lacks click>=4.1, ydiff; build it on") ||
		!strings.HasSuffix(err.Error(), "as it was before") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("it changed the host (-before +after):\n%s", diff)
	}
	if slices.ContainsFunc(m.trace, func(line string) bool { return strings.Contains(line, "pipx install") }) {
		t.Error("it was built all the same")
	}
	m.lacks = ""
	m.run(`{"wheelhouse": "/srv/wheels"}`)
}

// TestInternalArguments: people are not told of them.
func TestInternalArguments(t *testing.T) {
	_, err := ansible.ParseRequest(Spec(), []byte(`{"wheels": "x"}`))
	if err == nil || strings.Contains(err.Error(), "_wheels") || strings.Contains(Spec().Usage(), "_wheels") {
		t.Errorf("%v\n%s", err, Spec().Usage())
	}
}

// TestLockOfSeveralVersions: the interpreter decides between them, so that no version is asked for by the lock.
func TestLockOfSeveralVersions(t *testing.T) {
	m := newMachine(t)
	m.write("/etc/lock.txt", lockText("4.0.7")+lockText("4.1.5"))
	for version, want := range map[string]string{"": "", ">=4.0": ">=4.0", "4.1.5": "==4.1.5"} {
		got, err := readSources(m.files, desired(t, `{"lockfile": "/etc/lock.txt", "version": "`+version+`"}`))
		if err != nil || got.Version.String() != want {
			t.Errorf("of %q, version %q is asked for: %v", version, got.Version, err)
		}
	}
}

// TestProxies: what says how to reach the network goes to the package manager, in either spelling, and nothing else.
func TestProxies(t *testing.T) {
	want := []string{
		"http_proxy=a", "https_proxy=b", "ftp_proxy=c", "no_proxy=d", "all_proxy=e", "HTTP_PROXY=f", "HTTPS_PROXY=g",
		"FTP_PROXY=h", "NO_PROXY=i", "ALL_PROXY=j", "http_proxy",
	}
	got := proxies(slices.Concat([]string{"PATH=/bin", "my_http_proxy=x", "http_proxy_user=x", "PIP_PROXY=x"}, want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPipFiles: settings that nothing takes back, and those that pip would not see, are refused before anything is
// changed. What makes no difference is not.
func TestPipFiles(t *testing.T) {
	const sets = "/etc/pip.conf sets target in [install], which pip obeys and a build cannot take back; remove the line"
	target := func(m *machine) { m.write("/etc/pip.conf", "[install]\ntarget = /srv\n") }
	unreadable := func(text string) func(m *machine) {
		return func(m *machine) { m.program("/etc/pip.conf", text, 0o600) }
	}
	index := unreadable("[global]\nindex-url = https://index.example/simple\n")
	uv := func(m *machine) {
		m.program("/usr/local/bin/pipx", "#!", 0o755)
		m.write("/usr/local/lib/python3.11/dist-packages/pipx-1.18.4.dist-info/METADATA", "")
		m.program("/usr/local/bin/uv", "#!", 0o755)
	}
	for name, c := range map[string]struct {
		arguments string
		edit      func(m *machine)
		refused   string // "": it succeeds
		warned    string
	}{
		"a target": {`{}`, target, sets, ""},
		"no index": {
			`{}`, func(m *machine) { m.write("/etc/pip.conf", "[install]\nno-index = yes\n") },
			"no-index in /etc/pip.conf keeps pip from every index, and no other place for packages is set; set index_url", "",
		},
		"no index, and one all the same": {
			`{"index_url": "https://other.example"}`, func(m *machine) { m.write("/etc/pip.conf", "[install]\nno-index = yes\n") },
			"", "",
		},
		"two sections of a name": {
			`{}`, func(m *machine) { m.write("/etc/pip.conf", "[global]\ntimeout = 1\n[global]\n") },
			"pip cannot load its settings in /etc/pip.conf: line 3: there is a section [global] already; mend", "",
		},
		"a byte order mark": {
			`{}`, func(m *machine) { m.write("/etc/pip.conf", "\ufeff[global]\nindex-url = https://x/\n") },
			"line 1: it begins with a byte order mark", "",
		},
		"damaged, by uv": {
			`{"installer": "uv"}`, func(m *machine) { uv(m); m.write("/etc/pip.conf", "user\n") }, "", "",
		},
		"a target for all": {
			`{}`, func(m *machine) { m.write("/etc/pip.conf", "[DEFAULT]\ntarget = /srv\n[global]\ntimeout = 60\n") },
			"/etc/pip.conf sets target in [DEFAULT], which pip obeys", "",
		},
		"for a user":  {`{}`, func(m *machine) { m.write("/etc/pip.conf", "[global]\nuser = true\n") }, "", ""},
		"by uv":       {`{"installer": "uv"}`, func(m *machine) { uv(m); target(m) }, "", ""},
		"uv, locked":  {`{"installer": "uv", "lockfile": "default"}`, func(m *machine) { uv(m); target(m) }, sets, ""},
		"pip's pipx":  {`{"installer": "uv"}`, func(m *machine) { bareRHEL(m); m.program("/usr/local/bin/uv", "#!", 0o755); target(m) }, sets, ""},
		"with hashes": {`{}`, func(m *machine) { m.write("/etc/pip.conf", "[global]\nrequire-hashes = true\n") }, "/etc/pip.conf sets require-hashes in [global], and only a lock file has the hashes", ""},
		"an index that is not read": {
			`{}`, index, "user postgres cannot use pip's settings in /etc/pip.conf (index-url): it may not read " +
				"/etc/pip.conf (0600 0:0), and pip would go without them and say nothing", "",
		},
		"the user's own that is root's": {`{}`, func(m *machine) {
			m.program(home+"/.config/pip/pip.conf", "[global]\npre = 1\n", 0o600)
		}, "it may not read " + home + "/.config/pip/pip.conf (0600 0:0)", ""},
		"an index that is not needed": {
			`{"index_url": "https://other.example"}`, index, "",
			"user postgres cannot use pip's settings in /etc/pip.conf: it may not read /etc/pip.conf (0600 0:0); this build does not need them",
		},
		"nothing that is not read": {`{}`, unreadable("# nothing\n"), "", ""},
		"a target that is not read": {
			`{}`, unreadable("[install]\nuser = 1\n"), "", "this build does not need them",
		},
		"certificates that are not read": {`{"ca_cert": "/etc/ca.pem"}`, func(m *machine) { m.program("/etc/ca.pem", "", 0o600) },
			"cannot use ca_cert /etc/ca.pem: it is user postgres who asks the index, and it may not read /etc/ca.pem (0600 0:0)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.edit(m)
			if c.refused != "" {
				m.refuses(c.arguments, c.refused)
				return
			}
			if got := strings.Join(m.run(c.arguments).Warnings, "; "); !strings.Contains(got, c.warned) ||
				c.warned == "" && strings.Contains(got, "pip's settings") {
				t.Errorf("warnings %q", got)
			}
		})
	}
}

// TestPipsVariables: one that asks for what only a lock file has is refused as pip's file is, and so is a file that pip
// would look for in the build's own directory.
func TestPipsVariables(t *testing.T) {
	const refused = "PIP_REQUIRE_HASHES in the task's environment asks for the hashes of all packages, and only a lock " +
		"file has them; set lockfile"
	for _, c := range []struct {
		arguments, variable, file, want string
	}{
		{`{}`, "PIP_REQUIRE_HASHES=1", "", refused},
		{`{}`, "PIP_REQUIRE_HASHES=0", "require-hashes = 1", ""},
		{`{"lockfile": "default"}`, "PIP_REQUIRE_HASHES=1", "", ""},
		{`{}`, "PIP_CONFIG_FILE=pip.conf", "", `PIP_CONFIG_FILE in the task's environment is no absolute path; pip would`},
		{`{}`, "PIP_CONFIG_FILE=", "", ""},
	} {
		m := newMachine(t)
		m.write("/etc/pip.conf", "[global]\n"+c.file)
		in := m.installer(c.arguments)
		in.Want.Environ = []string{c.variable}
		_, err := in.Check(t.Context())
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	m := newMachine(t)
	m.run(`{}`)
	in := m.installer(`{"state": "latest"}`)
	in.Want.Environ = []string{"PIP_REQUIRE_HASHES=1"}
	if _, err := in.Run(t.Context()); err == nil || !strings.Contains(err.Error(), refused) {
		t.Errorf("the question for the newest version: %v", err)
	}
}

// TestUVsFiles: no build reads them, and where uv would have its packages from is never lost without a word.
func TestUVsFiles(t *testing.T) {
	const names = "/etc/uv/uv.toml tells uv where packages come from (index-url), and no build reads that " +
		"file; set index_url"
	const unread = "uv's settings in /etc/uv/uv.toml are not used"
	index := func(m *machine) { m.write("/etc/uv/uv.toml", "index-url = \"https://index.example/simple\"\n") }
	other := func(m *machine) { m.write("/etc/uv/uv.toml", "[pip]\ntarget = \"/x\"\n") }
	for name, c := range map[string]struct {
		pipx, arguments string
		edit            func(m *machine)
		refused, warned string
	}{
		"an index":               {"1.18.4", `{"installer": "uv"}`, index, names, ""},
		"an index, by itself":    {"1.18.4", `{}`, index, names, ""},
		"and others beside":      {"1.18.4", `{"installer": "uv", "extra_index_urls": ["https://other.example"]}`, index, names, ""},
		"another index":          {"1.18.4", `{"index_url": "https://other.example"}`, index, "", unread},
		"a lock":                 {"1.18.4", `{"installer": "uv", "lockfile": "default"}`, index, "", unread},
		"pip was asked for":      {"1.18.4", `{"installer": "pip"}`, index, "", ""},
		"a pipx that knows none": {"1.7.1", `{}`, index, "", ""},
		"pip is configured":      {"1.18.4", `{}`, func(m *machine) { index(m); m.write("/etc/pip.conf", "[global]") }, "", ""},
		"no uv":                  {"1.18.4", `{}`, func(m *machine) { index(m); m.remove("/usr/local/bin/uv") }, "", ""},
		"other settings":         {"1.18.4", `{"installer": "uv"}`, other, "", unread},
		"that root alone reads": {
			"1.18.4", `{"installer": "uv"}`, func(m *machine) { m.program("/etc/uv/uv.toml", "offline = true\n", 0o600) },
			"(offline)", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := withPipx(t, c.pipx)
			c.edit(m)
			if c.refused != "" {
				m.refuses(c.arguments, c.refused)
				return
			}
			if got := strings.Join(m.run(c.arguments).Warnings, "; "); !strings.Contains(got, c.warned) ||
				c.warned == "" && strings.Contains(got, "uv's settings") {
				t.Errorf("warnings %q", got)
			}
		})
	}
}

// TestPipFilesOfAnInstallation: they matter if something is built, or the index is asked.
func TestPipFilesOfAnInstallation(t *testing.T) {
	m := newMachine(t)
	m.run(`{}`)
	m.program("/etc/pip.conf", "[global]\nindex-url = https://index.example/simple\n", 0o600)
	m.unchanged(`{}`)
	m.refuses(`{"state": "latest"}`, "cannot use pip's settings in /etc/pip.conf (index-url)")
	m.run(`{"state": "absent"}`)
}
