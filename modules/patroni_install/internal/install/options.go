package install

import (
	"fmt"
	"path"
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

// The values of option installer.
const (
	Auto = "auto"
	Pip  = "pip"
	UV   = "uv"
)

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
			Help: "whether Patroni is to be installed, kept at the newest version, or removed"},
		{Name: "method", Type: ansible.Str, To: &d.Method, Default: ByPipx, Choices: []string{ByPipx, ByPackage},
			Help: "what installs Patroni: pipx, or the package manager of the operating system"},
		{Name: "packages", Type: ansible.List, To: &d.Packages,
			Unset: "`pgedge-patroni`, else `patroni`, and what the extras need",
			Help:  "packages to install with `method: package`, Patroni's own first"},
		{Name: "version", Type: ansible.Str, // parsed by NewDesired
			Help: "exact version or PEP 440 specifier, such as `4.0.7` or `>=4.0,<4.1`"},
		{Name: "extras", Type: ansible.List, To: &d.Extras, Default: []string{"psycopg2-binary", "etcd"},
			Help: "Patroni's extras"},
		{Name: "user", Type: ansible.Str, To: &d.User, Default: "postgres",
			Help: "owner of the installation"},
		{Name: "home", Type: ansible.Path, To: &d.Home, Unset: "the one in the user database",
			Help: "home of `user`; refused if it is not the one in the user database"},
		{Name: "bin_dir", Type: ansible.Path, To: &d.BinDir, Unset: "`HOME/.local/bin`",
			Help: "directory of the links to the programs"},
		{Name: "config_dir", Type: ansible.Path, To: &d.ConfigDir, Default: "/etc/patroni",
			Help: "Patroni's configuration directory"},
		{Name: "config_file", Type: ansible.Str, To: &d.ConfigFile, Default: "patroni.yaml",
			Help: "name of the configuration file in `config_dir`"},
		{Name: "pipx_home", Type: ansible.Path, To: &d.PipxHome, Unset: "`HOME/.local/share/pipx`",
			Help: "pipx's home"},
		{Name: "python", Type: ansible.Path, To: &d.Python, Unset: "the system's `python3`",
			Help: "interpreter of the virtual environment"},
		{Name: "service_name", Type: ansible.Str, To: &d.ServiceName, Default: "patroni",
			Help: "name of the systemd unit, without `.service`"},
		{Name: "manage_path", Type: ansible.Bool, To: &d.ManagePath, Default: true,
			Help: "put `bin_dir` on the `PATH` of the user's shells"},
		{Name: "completion", Type: ansible.Bool, To: &d.Completion, Default: false,
			Help: "let the user's bash complete `patronictl`"},
		{Name: "patronictl_config", Type: ansible.Bool, To: &d.PatronictlConfig, Default: false,
			Help: "name the configuration to `patronictl` in the user's login shells"},
		{Name: "needrestart", Type: ansible.Bool, To: &d.Needrestart, Default: false,
			Help: "keep `needrestart` from restarting the service"},
		{Name: "hardening", Type: ansible.Bool, To: &d.Hardening, Default: false,
			Help: "drop privileges that the service does not need"},
		{Name: "adopt_service", Type: ansible.Bool, To: &d.AdoptService, Default: false,
			Help: "take over a unit of that name that somebody else wrote, with its settings"},
		{Name: "install_prerequisites", Type: ansible.Bool, To: &d.InstallPrerequisites, Default: true,
			Help: "install the OS packages that are missing"},
		{Name: "prerequisites", Type: ansible.List, To: &d.Prerequisites,
			Unset: "Debian family: `pipx`; RHEL family: `python3-pip`",
			Help:  "OS packages to install instead of the family's; an empty list for none"},
		{Name: "build_dependencies", Type: ansible.Bool, To: &d.BuildDependencies, Default: false,
			Help: "install a compiler and headers for the build, and remove them after it"},
		{Name: "verify", Type: ansible.Str, To: &d.Verify, Default: Quick, Choices: []string{Quick, Full},
			Help: "how to judge whether an installation is healthy"},
		{Name: "lock_timeout", Type: ansible.Int, To: &d.LockTimeout, Default: 300,
			Help: "seconds to wait for another run and for the package manager's locks"},
		{Name: "timeout", Type: ansible.Int, To: &d.Timeout, Default: 900,
			Help: "seconds that the build may take"},
		{Name: "index_url", Type: ansible.Str, To: &d.IndexURL, Credentials: true, Unset: "pip's own",
			Help: "Python package index"},
		{Name: "extra_index_urls", Type: ansible.List, To: &d.ExtraIndexURLs, Credentials: true,
			Help: "further package indexes"},
		{Name: "constraints", Type: ansible.Path, To: &d.Constraints,
			Help: "file with pip's constraints, which bound the versions of all packages"},
		{Name: "lockfile", Type: ansible.Path, To: &d.Lockfile,
			Help: "file of requirements with hashes: nothing else is installed; `default` is the one of the module"},
		{Name: "wheelhouse", Type: ansible.Path, To: &d.Wheelhouse,
			Help: "directory or tar archive of packages: no index is asked"},
		{Name: "installer", Type: ansible.Str, To: &d.Installer, Default: Auto, Choices: []string{Auto, Pip, UV},
			Help: "what pipx installs packages with"},
		// For the action plugin: what is on the host is not read on the controller.
		{Name: "remote_src", Type: ansible.Bool, Default: false,
			Help: "`constraints`, `lockfile` and `wheelhouse` are on the host, not on the controller"},
		{Name: "ca_cert", Type: ansible.Path, To: &d.CACert, Unset: "the system's",
			Help: "CA bundle for the package indexes, on the host"},
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
		option     string
		values     []string
		lead, more string // what is allowed beside letters and digits: first, and anywhere
		right      string
	}{
		{"user", []string{d.User}, "_", "_.-", "a user name"},
		{"service_name", []string{d.ServiceName}, "", ":_.@-", "the name of a systemd service, such as patroni"},
		{"config_file", []string{d.ConfigFile}, "", "_.+-", "a file name without a directory, such as patroni.yaml"},
		{"extras", d.Extras, "", "_.-", "names of Patroni's extras, such as psycopg2-binary,etcd"},
		{"packages", d.Packages, "", "_.+:=~-", "names of OS packages, such as patroni"},
		{"prerequisites", d.Prerequisites, "", "_.+:=~-", "names of OS packages, such as pipx"},
	} {
		for _, value := range c.values {
			if !isName(value, c.lead, c.more) || c.option == "service_name" && strings.HasSuffix(value, "@") {
				return fmt.Errorf("value of %s must be %s, got: %q", c.option, c.right, value)
			}
		}
	}
	if d.LockTimeout < 0 || d.Timeout <= 0 {
		return fmt.Errorf("value of lock_timeout must not be negative and that of timeout must be above zero, "+
			"got: %d and %d", d.LockTimeout/time.Second, d.Timeout/time.Second)
	}
	if err := d.checkMethod(); err != nil {
		return err
	}
	return d.checkPaths()
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
