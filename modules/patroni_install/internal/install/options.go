package install

import (
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
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

// Spec returns the module's arguments.
func Spec() ansible.Spec {
	return ansible.Spec{Name: "patroni_install", Arguments: []ansible.Argument{
		{Name: "state", Type: ansible.Str, Default: Present, Choices: []string{Present, Latest, Absent}, Help: "whether Patroni is to be installed, and kept at the newest version"},
		{Name: "method", Type: ansible.Str, Default: ByPipx, Choices: []string{ByPipx, ByPackage}, Help: "what installs Patroni: pipx, or the package manager of the operating system"},
		{Name: "packages", Type: ansible.List, Help: "with method package: the packages to install instead of the family's, Patroni's own first"},
		{Name: "version", Type: ansible.Str, Help: "exact version or PEP 440 specifier, such as 4.0.7 or >=4.0,<4.1"},
		{Name: "extras", Type: ansible.List, Default: []string{"psycopg2-binary", "etcd"}, Help: "Patroni's extras"},
		{Name: "user", Type: ansible.Str, Default: "postgres", Help: "owner of the installation"},
		{Name: "home", Type: ansible.Path, Help: "the user's home; refused when it is another one"},
		{Name: "bin_dir", Type: ansible.Path, Help: "where the links to the programs go; HOME/.local/bin when unset"},
		{Name: "config_dir", Type: ansible.Path, Default: "/etc/patroni", Help: "Patroni's configuration directory"},
		{Name: "config_file", Type: ansible.Str, Default: "patroni.yaml", Help: "name of the configuration file in config_dir"},
		{Name: "pipx_home", Type: ansible.Path, Help: "pipx's home; HOME/.local/share/pipx when unset"},
		{Name: "python", Type: ansible.Path, Help: "interpreter of the virtual environment; the system's python3 when unset"},
		{Name: "service_name", Type: ansible.Str, Default: "patroni", Help: "name of the systemd unit, without .service"},
		{Name: "manage_path", Type: ansible.Bool, Default: true, Help: "put bin_dir on the PATH of the user's shells"},
		{Name: "completion", Type: ansible.Bool, Default: false, Help: "let the user's bash complete patronictl"},
		{Name: "patronictl_config", Type: ansible.Bool, Default: false, Help: "name the configuration to patronictl in the user's login shells"},
		{Name: "needrestart", Type: ansible.Bool, Default: false, Help: "keep needrestart from restarting the service"},
		{Name: "hardening", Type: ansible.Bool, Default: false, Help: "take rights from the service that nothing in it uses"},
		{Name: "adopt_service", Type: ansible.Bool, Default: false, Help: "take over a unit of that name that somebody else wrote, with its settings"},
		{Name: "install_prerequisites", Type: ansible.Bool, Default: true, Help: "install the OS packages that are missing"},
		{Name: "prerequisites", Type: ansible.List, Help: "OS packages to install instead of the family's"},
		{Name: "build_dependencies", Type: ansible.Bool, Default: false, Help: "install a compiler and headers for the build, and remove them after it"},
		{Name: "installer", Type: ansible.Str, Default: Auto, Choices: []string{Auto, Pip, UV}, Help: "what pipx installs packages with"},
		{Name: "verify", Type: ansible.Str, Default: Quick, Choices: []string{Quick, Full}, Help: "how to judge whether an installation is healthy"},
		{Name: "lock_timeout", Type: ansible.Int, Default: 300, Help: "seconds to wait for another run and for the package manager's locks"},
		{Name: "timeout", Type: ansible.Int, Default: 900, Help: "seconds that the build may take"},
		{Name: "index_url", Type: ansible.Str, Credentials: true, Help: "package index to use instead of the default"},
		{Name: "extra_index_urls", Type: ansible.List, Credentials: true, Help: "further package indexes"},
		{Name: "constraints", Type: ansible.Path, Help: "file with pip's constraints, which bound the versions of all packages"},
		{Name: "lockfile", Type: ansible.Path, Help: "file of requirements with hashes, which decides what is installed; default is the one that comes with the module"},
		{Name: "wheelhouse", Type: ansible.Path, Help: "directory or tar archive of packages, which stands in for every index"},
		{Name: "remote_src", Type: ansible.Bool, Default: false, Help: "the three are on the host, not on the controller"},
		{Name: "ca_cert", Type: ansible.Path, Help: "CA bundle for the package indexes"},
		// From the action plugin: two texts of the controller's, the names in its wheelhouse, and
		// the archive with these, once that was brought.
		{Name: "_constraints", Type: ansible.Str},
		{Name: "_lockfile", Type: ansible.Str},
		{Name: "_wheels", Type: ansible.List},
		{Name: "_wheelhouse", Type: ansible.Path},
	}}
}

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

// NewDesired checks the arguments' values and returns what they ask for. It touches nothing.
func NewDesired(p ansible.Params, environ []string) (Desired, error) {
	version, err := pipx.ParseSpec(p.String("version"))
	if err != nil {
		return Desired{}, err
	}
	d := Desired{
		State: p.String("state"), Method: p.String("method"), Version: version, Extras: p.List("extras"), User: p.String("user"),
		Home: p.String("home"), BinDir: p.String("bin_dir"), PipxHome: p.String("pipx_home"),
		ConfigDir: p.String("config_dir"), ConfigFile: p.String("config_file"), Python: p.String("python"),
		ServiceName: strings.TrimSuffix(p.String("service_name"), ".service"), ManagePath: p.Bool("manage_path"),
		Completion: p.Bool("completion"), PatronictlConfig: p.Bool("patronictl_config"), Needrestart: p.Bool("needrestart"),
		Hardening: p.Bool("hardening"), AdoptService: p.Bool("adopt_service"),
		Verify: p.String("verify"), Installer: p.String("installer"),
		InstallPrerequisites: p.Bool("install_prerequisites"), BuildDependencies: p.Bool("build_dependencies"),
		LockTimeout: time.Duration(p.Int("lock_timeout")) * time.Second,
		Timeout:     time.Duration(p.Int("timeout")) * time.Second,
		IndexURL:    p.String("index_url"), ExtraIndexURLs: p.List("extra_index_urls"), CACert: p.String("ca_cert"),
		Environ: environ,
		Sources: newSources(p),
	}
	if p.IsSet("prerequisites") {
		d.Prerequisites = append([]string{}, p.List("prerequisites")...)
	}
	if p.IsSet("packages") {
		d.Packages = append([]string{}, p.List("packages")...)
	}
	if err := d.check(); err != nil {
		return Desired{}, err
	}
	d.clean()
	return d, nil
}

func (d Desired) check() error {
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
		return fmt.Errorf("value of lock_timeout must not be negative and that of timeout must be above zero, got: %d and %d",
			d.LockTimeout/time.Second, d.Timeout/time.Second)
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
	alphanumeric := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	for i, r := range text {
		allowed := more
		if i == 0 {
			allowed = lead
		}
		if !alphanumeric(r) && !strings.ContainsRune(allowed, r) {
			return false
		}
	}
	return text != "" && len(text) <= maxName
}

// checkPaths checks those paths that are given.
func (d Desired) checkPaths() error {
	for _, c := range []struct{ option, value string }{
		{"home", d.Home}, {"bin_dir", d.BinDir}, {"config_dir", d.ConfigDir}, {"pipx_home", d.PipxHome},
		{"python", d.Python}, {"ca_cert", d.CACert}, {"constraints", d.Constraints}, {"lockfile", d.Lockfile}, {"wheelhouse", d.Wheelhouse}, {"_wheelhouse", d.brought},
	} {
		if c.value == "" || c.option == "lockfile" && c.value == ourLock {
			continue
		}
		if !path.IsAbs(c.value) || path.Clean(c.value) == "/" || strings.ContainsFunc(c.value, isControl) {
			return fmt.Errorf("value of %s must be an absolute path below /, without control characters, got: %q", c.option, c.value)
		}
	}
	if strings.Contains(d.BinDir, ":") {
		return fmt.Errorf("value of bin_dir must not contain a colon, since PATH could not name it, got: %q", d.BinDir)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }

// clean puts the given paths into their shortest form.
func (d *Desired) clean() {
	for _, p := range []*string{&d.Home, &d.BinDir, &d.ConfigDir, &d.PipxHome, &d.Python, &d.CACert, &d.Constraints, &d.Lockfile, &d.Wheelhouse} {
		if *p != "" {
			*p = path.Clean(*p)
		}
	}
}
