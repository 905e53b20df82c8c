package pipx

import (
	_ "embed"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// prepareShared makes pipx's shared venv and addTools completes it; runPip runs its pip;
// compileTree makes the bytecode of a directory. What needs the interpreter's own wheels has
// bundledWheels before it.
var (
	//go:embed bundled.py
	bundledWheels string
	//go:embed shared.py
	prepareShared string
	//go:embed tools.py
	addTools string
	//go:embed pip.py
	runPip string
	//go:embed compile.py
	compileTree string
)

// buildPath is where the programs of a build are searched, compilers among them.
const buildPath = "/usr/local/bin:/usr/bin:/bin"

// Build describes the building of a venv. Nothing of it may lie in the user's real home: the
// caller runs it where Home and BinDir are staging directories.
type Build struct {
	Layout
	Program

	Python      string     // interpreter of the venv, absolute
	Requirement string     // "patroni[psycopg2-binary,etcd]==4.0.7"
	User        *host.User // who builds and owns it
	Scratch     string     // existing directory, the user's, for temporary files, caches and whatever is not kept

	IndexURL       string // "" leaves pip's own configuration alone, as do the next two
	ExtraIndexURLs []string
	CACert         string
	Environ        []string // the environment that the operator set; see passed
	PipFiles       []PipFile

	// The next five are of the user, or can be read by him.
	Constraints string // a file
	Lock        string // a file as ParseLock takes it: nothing else is installed
	Tools       string // the part of it that Lock.Tools returns
	Pipx        string // the part of it that Lock.Pipx returns, where Python is not what installs pipx
	Wheels      string // a directory of packages, which stands in for every index

	Installer Installer // nil is Pip

	// UserBase is where pip puts pipx itself and Python looks for it, "" for the user's real one.
	UserBase string

	// checked tells that all packages have passed a lock, so that they need no hashes any more.
	checked bool

	// Isolated builds each source package with build tools of its own, fetched for it alone. It
	// costs seconds, so it is what Retry falls back to.
	Isolated bool
}

// Fetch returns the commands that prepare the build, to be run in this order: whatever comes from
// outside is there, and checked if there is a lock, when they have succeeded. archive is an
// archive of packages to be unpacked into Wheels, which is an empty directory then, or nil.
//
// pipx would make its shared venv by itself, but spends more time on that than on Patroni:
// it lets ensurepip install the bundled pip and then pip replace itself from the index. Unpacking
// the bundled wheels is enough for pipx to take them, and to replace them when it next wants to.
func (b Build) Fetch(archive *os.File) []host.Command {
	var commands []host.Command
	if archive != nil {
		unpack := b.command(b.Python, "-I", "-B", "-c", bundledWheels+inspectWheelhouse, "unpack", b.Wheels)
		unpack.Stdin = archive
		commands = append(commands, unpack)
	}
	if !b.installer().UsesPip() && b.Lock == "" {
		return commands
	}
	shared := []string{b.Python, "-I", "-c", bundledWheels + prepareShared, b.Shared()}
	if b.Lock == "" {
		shared[3] += addTools
		return append(commands, b.command(append(shared, b.Wheels)...))
	}
	commands = append(commands, b.command(shared...))
	if b.Tools != "" {
		commands = append(commands, b.command(b.Python, "-I", "-c", bundledWheels+addTools, b.Shared(), b.Wheels, b.Tools))
	}
	return append(commands, b.download())
}

// download fetches the locked packages. pipx has no way to hand hashes to pip; so pip checks them
// here, and pipx then installs from nothing but what passed.
func (b Build) download() host.Command {
	cmd := b.command(b.Python, "-I", "-c", runPip, b.Shared(), "download", "-r", b.Lock, "-d", b.sealed().Wheels)
	// A variable, so that it also holds for the pips that this one starts.
	cmd.Env = append(cmd.Env, "PIP_REQUIRE_HASHES=1")
	return cmd
}

// sealed is the build that installs what download has fetched.
func (b Build) sealed() Build {
	if b.Lock != "" {
		b.Wheels, b.Lock, b.checked = path.Join(b.Scratch, "locked"), "", true
	}
	return b
}

// Install returns the commands that build the venv from what Fetch has prepared, to be run in this
// order. They hold no credentials in their arguments. Their umask must be 022, or nobody but their
// user can run the result. pip compiles file by file what a compiler with all processors makes in
// half the time.
func (b Build) Install() []host.Command {
	b = b.sealed()
	return []host.Command{
		b.command(append(append([]string{}, b.Argv...), "install", b.Requirement)...),
		b.command(path.Join(b.Venv(), "bin", "python"), "-I", "-c", compileTree, path.Join(b.Venv(), "lib")),
	}
}

// BringPipx returns the commands that install pipx itself, in the newest version that fits its
// interpreter, into UserBase, to be run in this order. What Fetch let pass is for Python; where pipx
// is for another interpreter, that one fetches its own share of the lock first.
func (b Build) BringPipx() []host.Command {
	var commands []host.Command
	from := b.sealed()
	if b.Pipx != "" {
		from.Wheels = path.Join(b.Scratch, "locked-pipx")
		fetch := b.command(b.Argv[0], "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-r", b.Pipx, "-d",
			from.Wheels)
		fetch.Env = append(fetch.Env, "PIP_REQUIRE_HASHES=1")
		commands = append(commands, fetch)
	}
	return append(commands, from.command(b.Argv[0], "-m", "pip", "install", "--user", "pipx"))
}

func (b Build) command(argv ...string) host.Command {
	return host.Command{Argv: argv, Env: b.Env(), User: b.User, Dir: b.Scratch}
}

// Retry returns the build that may succeed where b failed, and whether there is one: a package
// whose build tools are none of ours wants them fetched. Its arguments are those of [Explain].
func (b Build) Retry(err error, texts ...[]byte) (Build, bool) {
	if b.Isolated || !wantsIsolation(failureText(err, texts...)) {
		return b, false
	}
	b.Isolated = true
	return b, true
}

// Env returns the environment of the commands: the operator's settings for pip first, ours
// after them, so that ours hold where both have a say.
func (b Build) Env() []string {
	env := append(passed(b.Environ),
		"HOME="+b.User.Home,
		"USER="+b.User.Name,
		"LOGNAME="+b.User.Name,
		"PATH="+buildPath,
		"LC_ALL=C.UTF-8",
		"NO_COLOR=1",
		"TMPDIR="+b.Scratch,
		"XDG_CACHE_HOME="+path.Join(b.Scratch, "cache"),
		"XDG_DATA_HOME="+path.Join(b.Scratch, "data"),
		"XDG_STATE_HOME="+path.Join(b.Scratch, "state"),
		"PIPX_HOME="+b.Home,
		"PIPX_BIN_DIR="+b.BinDir,
		"PIPX_MAN_DIR="+path.Join(b.Scratch, "man"),
		"PIPX_COMPLETION_DIR="+path.Join(b.Scratch, "completion"),
		"PIPX_DEFAULT_PYTHON="+b.Python,
		"PIPX_USE_EMOJI=0", "USE_EMOJI=0", // since 1.8, before
		"PIP_CACHE_DIR="+path.Join(b.Scratch, "cache", "pip"),
		"PIP_DISABLE_PIP_VERSION_CHECK=1",
		"PIP_NO_INPUT=1",
		"PIP_PROGRESS_BAR=off",
		// Empty is unset to Python. pipx 1.18 sets it if it is not set, and setup.py of ydiff,
		// which imports its own module, then fails.
		"PYTHONSAFEPATH=",
	)
	if !b.Isolated {
		// The variable sets the option's value, not the option: 0 is "no isolation".
		env = append(env, "PIP_NO_BUILD_ISOLATION=0")
	}
	if len(b.Argv) == 1 {
		// The pipx of the system must not import from the user's own packages.
		env = append(env, "PYTHONNOUSERSITE=1")
	}
	if b.UserBase != "" {
		env = append(env, "PYTHONUSERBASE="+b.UserBase, "PIP_NO_WARN_SCRIPT_LOCATION=1")
	}
	if b.checked {
		env = append(env, variableOf(requireHashes)+"=0")
	}
	return slices.Concat(env, b.takenBack().env(), b.installer().settings(b).env(), b.index())
}

// setting is a variable of the environment.
type setting struct{ name, value string }

type settings []setting

// env returns those that have a value.
func (s settings) env() []string {
	var env []string
	for _, one := range s {
		if one.value != "" {
			env = append(env, one.name+"="+one.value)
		}
	}
	return env
}

// fileURL returns the address of a directory: pip and uv take white space for the end of a path.
func fileURL(dir string) string { return (&url.URL{Scheme: "file", Path: dir}).String() }

// index returns the settings of the package index. They are no arguments, which everybody on
// the host could read and pipx would write down.
func (b Build) index() []string {
	env := settings{{"PIP_CERT", b.CACert}, {"PIP_CONSTRAINT", b.Constraints}}
	if b.Wheels != "" {
		return append(env, setting{"PIP_FIND_LINKS", fileURL(b.Wheels)}, setting{"PIP_NO_INDEX", "1"}).env()
	}
	if b.IndexURL != "" {
		env = append(env, setting{"PIP_INDEX_URL", b.IndexURL}, setting{"PIP_NO_INDEX", "0"})
	}
	return append(env, setting{"PIP_EXTRA_INDEX_URL", strings.Join(b.ExtraIndexURLs, " ")}).env()
}
