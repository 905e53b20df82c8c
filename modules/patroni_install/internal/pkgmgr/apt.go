package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// APT is the name of the package manager of the Debian family.
const APT = "apt"

// apt manages packages by apt-get and dpkg.
type apt struct{ Settings }

var _ Manager = apt{}

func newAPT(s Settings) Manager { return apt{s} }

// Installed implements [Manager]. It starts no process.
func (a apt) Installed(_ context.Context, names []string) (installed []Package, missing []string, err error) {
	db, err := readDatabase(a.Host.FS)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		r, err := parseRequest(name)
		if err != nil {
			return nil, nil, err
		}
		if p, found := db.provider(r); found {
			installed = append(installed, p)
		} else {
			missing = append(missing, name)
		}
	}
	sortPackages(installed)
	slices.Sort(missing)
	return slices.Compact(installed), slices.Compact(missing), nil
}

// Refresh implements [Manager]. Translated descriptions, a third of the time, are not fetched; those that are there
// stay.
func (a apt) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	_, err := a.exclusive(ctx, a.command("apt-get", "-q", "update", "-o", "APT::Update::Error-Mode=any",
		"-o", "Acquire::Languages=none", "-o", "APT::Get::List-Cleanup=false"))
	if err != nil {
		return fmt.Errorf("cannot refresh the package lists: %w", explain(err))
	}
	return nil
}

// Download implements [Manager]. apt checks the archives by its own hashes.
func (a apt) Download(ctx context.Context, set []Package, dir string) error {
	if len(set) == 0 {
		return nil
	}
	out, err := a.fetch(ctx, set, dir)
	if err != nil && gone(out) {
		refreshed := a.Refresh(ctx)
		if out, err = a.fetch(ctx, set, dir); err != nil {
			err = errors.Join(explain(err), refreshed)
		}
	}
	if err != nil && len(unknown(out)) > 0 {
		err = errors.Join(ErrChanged, err)
	}
	if err == nil {
		err = a.checkArchives(set, dir)
	}
	if err != nil {
		return fmt.Errorf("cannot download %s: %w", count(set), explain(err))
	}
	return nil
}

// fetch downloads as root: apt's own user cannot enter a directory that is root's alone.
func (a apt) fetch(ctx context.Context, set []Package, dir string) (host.Output, error) {
	cmd := a.command("apt-get", "-q", "download", "-o", "APT::Sandbox::User=root")
	cmd.Argv = append(cmd.Argv, versions(set)...)
	cmd.Dir = a.Host.FS.Real(dir)
	return a.Host.Run.Run(ctx, cmd)
}

// gone tells whether a server answered "404  Not Found".
func gone(out host.Output) bool {
	return strings.Contains(strings.Join(strings.Fields(string(out.Stderr)), " "), " 404 Not Found")
}

func (a apt) checkArchives(set []Package, dir string) error {
	for _, p := range set {
		if _, err := a.Host.FS.Lstat(path.Join(dir, archive(p))); err != nil {
			return err
		}
	}
	return a.Host.FS.SyncTree(dir)
}

// Install implements [Manager]. What asked does not name is marked as automatically installed.
func (a apt) Install(ctx context.Context, set []Package, asked []string, dir string) error {
	if len(set) == 0 {
		return nil
	}
	if err := a.refuseInterrupted(ctx, set); err != nil {
		return err
	}
	err := a.install(ctx, set, dir)
	if err == nil {
		err = a.markAutomatic(ctx, set, asked)
	}
	if err != nil {
		return fmt.Errorf("cannot install %s: %w", strings.Join(asked, ", "), explain(err))
	}
	return nil
}

func (a apt) install(ctx context.Context, set []Package, dir string) error {
	cmd := a.command("apt-get", "-qy", "install", "--no-download", "--no-remove", "--no-upgrade",
		"-o", "APT::Sandbox::User=root", "-o", "APT::Keep-Downloaded-Packages=true",
		"-o", "Dir::Cache::archives="+a.Host.FS.Real(dir),
		// Else dpkg gets a directory of links in /tmp, which stays there when apt-get is killed.
		"-o", "Dpkg::Install::Recursive::Minimum=100000")
	cmd.Argv = append(cmd.Argv, versions(set)...)
	cmd.Detached = true
	if _, err := a.exclusive(ctx, cmd); err != nil {
		return err
	}
	return a.expectInstalled(set)
}

// expectInstalled asks dpkg, since apt-get may succeed with a package left half done.
func (a apt) expectInstalled(set []Package) error {
	db, err := readDatabase(a.Host.FS)
	if err != nil {
		return err
	}
	found := db.find(set)
	for _, p := range set {
		whole := slices.ContainsFunc(found, func(m match) bool { return m.installed() && m.pkg() == p })
		if !whole {
			return fmt.Errorf("dpkg does not have %s installed", p)
		}
	}
	return nil
}

// markAutomatic marks the dependencies. apt-get marked all as asked for, since their versions
// had to be named.
func (a apt) markAutomatic(ctx context.Context, set []Package, asked []string) error {
	db, err := readDatabase(a.Host.FS)
	if err != nil {
		return err
	}
	manual := map[Package]bool{}
	for _, name := range asked {
		r, err := parseRequest(name)
		if err != nil {
			return err
		}
		if p, found := db.provider(r); found {
			manual[p] = true
		}
	}
	automatic := slices.DeleteFunc(slices.Clone(set), func(p Package) bool { return manual[p] })
	if len(automatic) == 0 {
		return nil
	}
	cmd := a.command("apt-mark", "-q", "auto")
	cmd.Argv = append(cmd.Argv, idents(automatic)...)
	cmd.Detached = true
	_, err = a.exclusive(ctx, cmd)
	return err
}

// command prepares a program of the package manager: it asks nothing, keeps configuration files
// as they are, and takes neither recommended nor suggested packages.
func (a apt) command(name string, args ...string) host.Command {
	argv := append([]string{name}, args...)
	if name == "apt-get" {
		argv = append(argv, "--no-install-recommends", "-o", "APT::Install-Suggests=false",
			"-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
			"-o", "DPkg::Lock::Timeout=10")
	}
	env := host.SystemEnv("DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1",
		"APT_LISTCHANGES_FRONTEND=none", "APT_LISTBUGS_FRONTEND=none", "UCF_FORCE_CONFFOLD=1")
	return host.Command{Argv: argv, Env: append(env, a.Env...)}
}

// ident names a package for a command; "all" is no architecture one can ask for.
func ident(p Package) string {
	if p.Arch == "all" || p.Arch == "" {
		return p.Name
	}
	return p.Name + ":" + p.Arch
}

func idents(set []Package) []string {
	names := make([]string, len(set))
	for i, p := range set {
		names[i] = ident(p)
	}
	return names
}

func versions(set []Package) []string {
	names := idents(set)
	for i, p := range set {
		names[i] += "=" + p.Version
	}
	return names
}

// archive is apt's name for a package's archive: the colon of an epoch is escaped.
func archive(p Package) string {
	return fmt.Sprintf("%s_%s_%s.deb", p.Name, strings.ReplaceAll(p.Version, ":", "%3a"), p.Arch)
}

// causes are those of apt, from the most telling to the least.
func causes() []cause {
	return []cause{
		{"No space left on device", "the file system is full; free space below /var"},
		{"Problem executing scripts ", "a hook in apt's configuration failed, $1; mend it or take it away (apt-config dump " +
			"shows the hooks, /etc/apt/apt.conf.d has them)"},
		{"Failure running script ", "a hook in apt's configuration failed, $1; mend it or take it away (apt-config dump " +
			"shows the hooks, /etc/apt/apt.conf.d has them)"},
		{"Read-only file system", "a file system is mounted read-only; remount it writable"},
		{"resolving '", noName},
		{"Could not resolve '", noName},
		{"Proxy Authentication Required", "the proxy refuses the user, or there is none; check http_proxy and https_proxy " +
			"in the task's environment, and apt's configuration"},
		{"Invalid response from proxy: ", "the proxy refuses to fetch packages, $1; check the proxy"},
		{"Connection refused", "the package mirror or the proxy refuses connections; check apt's sources and the proxy"},
		{"Network is unreachable", "the host has no way to the package mirror; check its route, or set a proxy"},
		{"No route to host", "the host has no way to the package mirror; check its route, or set a proxy"},
		{"onnection timed out", "the package mirror does not answer; check the network, the firewall and the proxy"},
		{"Connection failed", "the package mirror ends the connection; check the network, the firewall and the proxy"},
		{"uses expired certificate", wrongTime},
		{"uses not yet valid certificate", wrongTime},
		{"name in the certificate does not match", "the package mirror's certificate is not for the name that apt's " +
			"sources call it by; use a name that is in the certificate"},
		{"Certificate verification failed",
			"the package mirror's certificate is not trusted; install its authority's certificate"},
		{"Could not handshake: ", "the package mirror does not speak TLS as apt's sources say, $1; check them and the proxy"},
		{"401  Unauthorized", refusesUser},
		{"403  Forbidden", refusesUser},
		{"500  Internal", mirrorFails},
		{"502  ", mirrorFails},
		{"503  ", mirrorFails},
		{"504  ", mirrorFails},
		{"404  Not Found", "the package mirror lacks a file that its lists name; it may be in the middle of an update: try " +
			"again later, or use another mirror"},
		{"Hash Sum mismatch", notAsListed},
		{"File has unexpected size", notAsListed},
		{"got 'NOSPLIT'", "what answers in the package mirror's place is something else, such as a login page of the " +
			"network; check apt's sources and the proxy"},
		{"NO_PUBKEY", "the package mirror's signing key is not known to apt; install it"},
		{"BADSIG", "the package mirror's lists are not what was signed; try again later, or use another mirror"},
		{"is not valid yet", "the host's clock is behind the package mirror's; set it"},
		{"does not have a Release file", "one of apt's sources leads to no repository, or has none for this release of the " +
			"distribution (apt-get update names it); mend it or take it away"},
		{"Release file", "the package mirror's lists are expired; check the host's clock, and whether the mirror is still " +
			"kept"},
	}
}

const (
	noName = "the package mirror's name cannot be resolved; check the host's DNS, or set http_proxy in the task's " +
		"environment or apt's configuration"
	wrongTime = "the package mirror's certificate is not valid at the time that this host's clock shows; set the clock " +
		"(timedatectl)"
	refusesUser = "the package mirror, or a proxy before it, refuses this host; check apt's sources and the credentials " +
		"below /etc/apt/auth.conf.d"
	mirrorFails = "the package mirror, or a proxy before it, answers with an error of its own; try again later, or use " +
		"another mirror"
	notAsListed = "a file of the package mirror is not what its lists say; it may be in the middle of an update, or a " +
		"proxy keeps an old copy: try again later, or use another mirror"
)

// explain turns an error of apt into one that says what to do, if that is known.
func explain(err error) error { return explainBy(causes(), err) }
