package install

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// The values of option state.
const (
	Present = "present"
	Latest  = "latest"
	Absent  = "absent"
)

// The values of option method.
const (
	ByPipx    = "pipx"
	ByPackage = "package"
)

// Auto is the value of option installer beside the names of [pipx.Installers].
const Auto = "auto"

// The values of option verify.
const (
	Quick = "quick"
	Full  = "full"
)

// Desired is the installation that was asked for. Home, BinDir and PipxHome may be empty until
// the user is known; see Desired.layout.
type Desired struct {
	State   string
	Method  string
	Version pipx.Spec
	Extras  []string
	User    string

	Home, BinDir, PipxHome string
	ConfigDir, ConfigFile  string
	Python                 string
	ServiceName            string
	ManagePath             bool

	Completion, PatronictlConfig, Needrestart, Hardening, AdoptService bool

	Verify    string
	Installer string

	InstallPrerequisites bool
	Prerequisites        []string // nil: the family's
	BuildDependencies    bool
	Packages             []string // with method package; nil: the family's
	LockTimeout, Timeout time.Duration

	IndexURL       string
	ExtraIndexURLs []string
	CACert         string
	Environ        []string // the task's environment

	Sources
}

// Spec returns the module's arguments.
func Spec() ansible.Spec {
	var d Desired
	return ansible.Spec{Name: "patroni_install", Arguments: d.options()}
}

// options is the table of options, each with the place of its value in d. The module's documentation, the
// specifications, defaults and task of the roles and the table in the role's README are made from it, by make options.
func (d *Desired) options() []ansible.Argument {
	return []ansible.Argument{
		{Name: "state", Type: ansible.Str, To: &d.State, Default: Present, Choices: []string{Present, Latest, Absent},
			Help: "Whether Patroni is to be installed, kept at the newest version, or removed."},
		{Name: "method", Type: ansible.Str, To: &d.Method, Default: ByPipx, Choices: []string{ByPipx, ByPackage},
			Help: "What installs Patroni. `pipx` makes a virtual environment, `package` takes the packages of the " +
				"distribution or of pgEdge, which are added and never upgraded."},
		{Name: "packages", Type: ansible.List, To: &d.Packages,
			Help: "The packages to install with `method: package`, Patroni's own first.",
			Unset: "`pgedge-patroni`, or `patroni` if no package source offers that, and the packages that " +
				"`extras` need"},
		{Name: "version", Type: ansible.Str, // parsed by NewDesired
			Help:  "The version of Patroni, exact or as a specifier after PEP 440, such as `>=4.0,<4.1`.",
			Unset: "the newest if none is installed; a healthy installation of any version is left alone"},
		{Name: "extras", Type: ansible.List, To: &d.Extras, Default: []string{"psycopg2-binary", "etcd"},
			Help: "The extras of the Python package `patroni` to install."},
		{Name: "user", Type: ansible.Str, To: &d.User, Default: "postgres",
			Help: "The operating system user that owns the installation."},
		{Name: "home", Type: ansible.Path, To: &d.Home,
			Help:  "The home directory of `user`, which must be the one in the user database.",
			Unset: "the one in the user database"},
		{Name: "bin_dir", Type: ansible.Path, To: &d.BinDir,
			Help:  "The directory that gets the links to `patroni` and `patronictl`.",
			Unset: "`.local/bin` in `home`"},
		{Name: "config_dir", Type: ansible.Path, To: &d.ConfigDir, Default: "/etc/patroni",
			Help: "The directory of Patroni's configuration."},
		{Name: "config_file", Type: ansible.Str, To: &d.ConfigFile, Default: "patroni.yaml",
			Help: "The name of the file in `config_dir` that the service is started with."},
		{Name: "pipx_home", Type: ansible.Path, To: &d.PipxHome,
			Help:  "The home directory of pipx.",
			Unset: "`.local/share/pipx` in `home`"},
		{Name: "python", Type: ansible.Path, To: &d.Python,
			Help: "The interpreter for the virtual environment. An installation for another version of Python is " +
				"built anew.",
			Unset: "the system's `python3`"},
		{Name: "service_name", Type: ansible.Str, To: &d.ServiceName, Default: "patroni",
			Help: "The name of the systemd unit, without `.service`."},
		{Name: "manage_path", Type: ansible.Bool, To: &d.ManagePath, Default: true,
			Help: "Whether to put `bin_dir` on the `PATH` of the user's shells."},
		{Name: "completion", Type: ansible.Bool, To: &d.Completion, Default: false,
			Help: "Whether bash completes `patronictl` for the user. It needs the package `bash-completion`."},
		{Name: "patronictl_config", Type: ansible.Bool, To: &d.PatronictlConfig, Default: false,
			Help: "Whether the user's login shells export `PATRONICTL_CONFIG_FILE`, so that `patronictl` finds the " +
				"configuration. Of several services on one host it can be true for one."},
		{Name: "needrestart", Type: ansible.Bool, To: &d.Needrestart, Default: false,
			Help: "Whether to keep `needrestart` from restarting the service."},
		{Name: "hardening", Type: ansible.Bool, To: &d.Hardening, Default: false,
			Help: "Whether the unit drops the privileges that neither Patroni nor PostgreSQL needs."},
		{Name: "adopt_service", Type: ansible.Bool, To: &d.AdoptService, Default: false,
			Help: "Whether to take over a unit of that name that somebody else wrote, with its settings."},
		{Name: "install_prerequisites", Type: ansible.Bool, To: &d.InstallPrerequisites, Default: true,
			Help: "Whether to install the OS packages that the build needs."},
		{Name: "prerequisites", Type: ansible.List, To: &d.Prerequisites,
			Help: "The OS packages to install instead of the family's own list. An empty list stands for no " +
				"package.",
			Unset: defaultPrerequisites()},
		{Name: "build_dependencies", Type: ansible.Bool, To: &d.BuildDependencies, Default: false,
			Help: "Whether to install a compiler and headers for the build, and to remove them after it. The " +
				"libraries that the extras `psycopg2` and `systemd` are linked with stay."},
		{Name: "verify", Type: ansible.Str, To: &d.Verify, Default: Quick, Choices: []string{Quick, Full},
			Help: "Whether to look at the attributes of the installed files (`quick`), or at all their contents " +
				"and the programs (`full`)."},
		{Name: "lock_timeout", Type: ansible.Int, To: &d.LockTimeout, Default: 300,
			Help: "How many seconds to wait for another run and for the locks of the package manager."},
		{Name: "timeout", Type: ansible.Int, To: &d.Timeout, Default: 900,
			Help: "How many seconds the build may take."},
		{Name: "index_url", Type: ansible.Str, To: &d.IndexURL, Credentials: true,
			Help:  "The address of the Python package index. Credentials in it stay out of results and logs.",
			Unset: "the one that pip is configured for on the host"},
		{Name: "extra_index_urls", Type: ansible.List, To: &d.ExtraIndexURLs, Credentials: true,
			Help: "The addresses of further package indexes. Credentials in them stay out of results and logs."},
		{Name: "constraints", Type: ansible.Path, To: &d.Constraints,
			Help: "A file with constraints of pip for the versions of all packages, on the controller unless " +
				"`remote_src: true`."},
		{Name: "lockfile", Type: ansible.Path, To: &d.Lockfile,
			Help: "A file of requirements with exact versions and hashes, on the controller unless `remote_src: " +
				"true`. Nothing else is installed. `default` is the file that comes with the collection."},
		{Name: "wheelhouse", Type: ansible.Path, To: &d.Wheelhouse,
			Help: "A directory or a tar archive of wheels to install from, on the controller unless `remote_src: " +
				"true`. No package index is asked then."},
		{Name: "installer", Type: ansible.Str, To: &d.Installer, Default: Auto,
			Choices: append([]string{Auto}, slices.Sorted(maps.Keys(pipx.Installers()))...),
			Help: "What pipx installs packages with. `uv` needs pipx 1.12 or newer and the program uv, on the " +
				"host. `auto` takes uv if they are there and neither pip nor uv has a configuration of its own."},
		// For the action plugin: what is on the host is not read on the controller.
		{Name: "remote_src", Type: ansible.Bool, Default: false,
			Help: "Whether `constraints`, `lockfile` and `wheelhouse` are on the managed host."},
		{Name: "ca_cert", Type: ansible.Path, To: &d.CACert,
			Help:  "A file on the host with the certificates of the authorities to trust for the package index.",
			Unset: "the system's"},
		// From the action plugin: two texts of the controller's, the names in its wheelhouse, and
		// the archive with these, once that was brought.
		{Name: "_constraints", Type: ansible.Str, To: &d.constraints},
		{Name: "_lockfile", Type: ansible.Str, To: &d.lock},
		{Name: "_wheels", Type: ansible.List, To: &d.wheels},
		{Name: "_wheelhouse", Type: ansible.Path, To: &d.brought},
	}
}

// NewDesired checks the arguments' values and returns what they ask for. It touches nothing.
func NewDesired(p ansible.Params, environ []string) (Desired, error) {
	version, err := pipx.ParseSpec(p.String("version"))
	if err != nil {
		return Desired{}, err
	}
	d := Desired{Version: version, Environ: environ}
	p.Fill(d.options())
	d.ServiceName = strings.TrimSuffix(d.ServiceName, ".service")
	if err := d.check(); err != nil {
		return Desired{}, err
	}
	d.cleanPaths()
	return d, nil
}

func (d *Desired) check() error {
	for _, c := range []struct {
		option          string
		values          []string
		lead, more, end string // what is allowed beside letters and digits: first and anywhere, but not last
		right           string
	}{
		// A directory service has names such as svc@corp.example.com and CORP\svc.
		{"user", []string{d.User}, "_", `_.@+\-`, `\`, "a user name"},
		{"service_name", []string{d.ServiceName}, "", ":_.@-", "@", "the name of a systemd service, such as patroni"},
		{"config_file", []string{d.ConfigFile}, "", "_.+-", "", "a file name without a directory, such as patroni.yaml"},
		{"extras", d.Extras, "", "_.-", "", "names of Patroni's extras, such as psycopg2-binary,etcd"},
		{"packages", d.Packages, "", "_.+:=~-", "", "names of OS packages, such as patroni"},
		{"prerequisites", d.Prerequisites, "", "_.+:=~-", "", "names of OS packages, such as pipx"},
	} {
		for _, value := range c.values {
			if !isName(value, c.lead, c.more) || strings.ContainsAny(value[len(value)-1:], c.end) {
				return fmt.Errorf("value of %s must be %s, got: %q", c.option, c.right, value)
			}
		}
	}
	if d.LockTimeout < 0 || d.Timeout <= 0 {
		return fmt.Errorf("value of lock_timeout must not be negative and that of timeout must be above zero, "+
			"got: %d and %d", d.LockTimeout/time.Second, d.Timeout/time.Second)
	}
	for _, check := range []func() error{d.checkMethod, d.checkIndexes, d.checkPaths} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// maxName bounds a name, in bytes.
const maxName = 200

// isName tells whether text consists of ASCII letters, digits and the characters of more, and
// begins with a letter, a digit or a character of lead.
func isName(text, lead, more string) bool {
	return charset.MadeOf(text, charset.Alphanumeric+more) && charset.MadeOf(text[:1], charset.Alphanumeric+lead) &&
		len(text) <= maxName
}

// givenPath is the value of an option of type path.
type givenPath struct {
	option string
	value  *string
}

// paths returns the paths that are given, in the order of the table. The name of our own lock file is none.
func (d *Desired) paths() []givenPath {
	var paths []givenPath
	for _, option := range d.options() {
		if option.Type != ansible.Path {
			continue
		}
		value := option.To.(*string)
		if *value == "" || option.Name == "lockfile" && *value == ourLock {
			continue
		}
		paths = append(paths, givenPath{option.Name, value})
	}
	return paths
}

func (d *Desired) checkPaths() error {
	for _, p := range d.paths() {
		if !path.IsAbs(*p.value) || path.Clean(*p.value) == "/" || charset.HasControl(*p.value) {
			return fmt.Errorf("value of %s must be an absolute path below /, without control characters, got: %q",
				p.option, *p.value)
		}
	}
	if strings.Contains(d.BinDir, ":") {
		return fmt.Errorf("value of bin_dir must not contain a colon, since PATH could not name it, got: %q", d.BinDir)
	}
	return nil
}

// cleanPaths puts the given paths into their shortest form.
func (d *Desired) cleanPaths() {
	for _, p := range d.paths() {
		*p.value = path.Clean(*p.value)
	}
}
