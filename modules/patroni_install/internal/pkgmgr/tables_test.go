package pkgmgr

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// TestCauses: each line that a package manager prints leads to its advice.
func TestCauses(t *testing.T) {
	for _, tool := range []struct {
		name    string
		explain func(error) error
		count   int // of causes
		lines   [][2]string
	}{
		{"apt", explain, len(causes()), [][2]string{
			{"E: Write error - write (28: No space left on device)", "free space below /var"},
			{"E: Problem executing scripts DPkg::Post-Invoke 'exit 3'", "hook in apt's configuration failed, DPkg::Post-Invoke 'exit 3';"},
			{"E: Failure running script /bin/false", "hook in apt's configuration failed, /bin/false;"},
			{"E: List directory /var/lib/apt/lists/partial is missing. - Acquire (30: Read-only file system)",
				"remount it writable"},
			{"E: Failed to fetch http://m.example/p.deb  Temporary failure resolving 'm.example'", "check the host's DNS"},
			{"E: Failed to fetch http://m.example/InRelease  Could not resolve 'm.example'", "check the host's DNS"},
			{"E: Failed to fetch http://m.example/InRelease  407  Proxy Authentication Required [IP: 192.0.2.1 80]",
				"proxy refuses the user"},
			{"E: Failed to fetch https://m.example/InRelease  Invalid response from proxy: HTTP/1.1 403 Forbidden",
				"proxy refuses to fetch packages, HTTP/1.1 403 Forbidden;"},
			{"E: Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)", "refuses connections"},
			{"E: Cannot initiate the connection to m.example:80 (2001:db8::1). - connect (101: Network is unreachable)",
				"check its route"},
			{"E: Could not connect to m.example:80 (192.0.2.1). - connect (113: No route to host)", "check its route"},
			{"E: Could not connect to m.example:80 (192.0.2.1), connection timed out", "does not answer"},
			{"E: Failed to fetch http://m.example/InRelease  Connection failed [IP: 192.0.2.1 80]", "ends the connection"},
			{"E: Certificate verification failed: The certificate is NOT trusted. The certificate chain uses expired certificate.",
				"set the clock"},
			{"E: Certificate verification failed: The certificate is NOT trusted. The certificate chain uses not yet valid " +
				"certificate.", "set the clock"},
			{"E: Certificate verification failed: The certificate is NOT trusted. The name in the certificate does not match the " +
				"expected.  Could not handshake: Error in the certificate verification.", "call it by"},
			{"E: Failed to fetch https://m.example/InRelease  Could not handshake: An unexpected TLS packet was received.",
				"does not speak TLS as apt's sources say, An unexpected TLS packet was received.;"},
			{"E: Failed to fetch http://m.example/InRelease  401  Unauthorized [IP: 192.0.2.1 80]", "refuses this host"},
			{"E: Failed to fetch http://m.example/InRelease  403  Forbidden [IP: 192.0.2.1 80]\n" +
				"E: The repository 'http://m.example x InRelease' is not signed.", "refuses this host"},
			{"E: Failed to fetch http://m.example/InRelease  500  Internal Server Error [IP: 192.0.2.1 80]", "error of its own"},
			{"E: Failed to fetch http://m.example/InRelease  502  Bad Gateway [IP: 192.0.2.1 80]", "error of its own"},
			{"E: Failed to fetch http://m.example/InRelease  503  Service Unavailable [IP: 192.0.2.1 80]", "error of its own"},
			{"E: Failed to fetch http://m.example/InRelease  504  Gateway Timeout [IP: 192.0.2.1 80]", "error of its own"},
			{"E: Failed to fetch http://m.example/p.deb  404  Not Found [IP: 192.0.2.1 80]", "lacks a file that its lists name"},
			{"E: Failed to fetch http://m.example/Packages  Hash Sum mismatch", "is not what its lists say"},
			{"E: Failed to fetch http://m.example/Packages  File has unexpected size (1 != 10). Mirror sync in progress?",
				"is not what its lists say"},
			{"E: Failed to fetch http://m.example/InRelease  Clearsigned file isn't valid, got 'NOSPLIT' (does the network require " +
				"authentication?)", "login page"},
			{"W: GPG error: http://m.example InRelease: The following signatures were invalid: BADSIG 0123456789ABCDEF x",
				"are not what was signed"},
			{"E: Certificate verification failed: The certificate is NOT trusted.", "install its authority's certificate"},
			{"W: GPG error: http://m.example stable InRelease: NO_PUBKEY 0123456789ABCDEF", "signing key is not known"},
			{"E: Release file for http://m.example/InRelease is not valid yet (invalid for another 3h)", "clock is behind"},
			{"E: The repository 'http://m.example stable Release' does not have a Release file.", "for this release of the distribution"},
			{"E: Release file for http://m.example/InRelease is expired (invalid since 1063d).", "lists are expired"},
		}},
		{"dnf", func(err error) error { return explainBy(dnfCauses(), err) }, len(dnfCauses()), [][2]string{
			{"[Errno 28] No space left on device: '/var/cache/dnf/x'", "free space below /var"},
			{"Error: Transaction test error:\n  At least 5MB more space needed on the / filesystem.", "free space on it"},
			{"OSError: [Errno 30] Read-only file system: '/var/log/dnf.log'", "remount it writable"},
			{"error: Unable to open sqlite database /var/lib/rpm/rpmdb.sqlite: unable to open database file\nerror: cannot open " +
				"Packages index using sqlite - Operation not permitted (1)\nerror: cannot open Packages database in /var/lib/rpm",
				"user nobody, who asks"}, // rpm 4.18
			{"error: cannot open Packages index using db5 - Permission denied (13)\nerror: cannot open Packages database in " +
				"/var/lib/rpm", "chmod -R a+rX"},
			{"error: sqlite failure: database disk image is malformed", "rpm --rebuilddb"},
			{"error: cannot open Packages database in /var/lib/rpm", "rpm --rebuilddb"},
			{"error: rpmdb: BDB0113 Thread/process failed: Thread died in Berkeley DB library", "rpm --rebuilddb"},
			{`Error: There are no enabled repositories in "/etc/yum.repos.d".`, "enable one below /etc/yum.repos.d"},
			{"This system is not registered with an entitlement server.", "no subscription"},
			{"Curl error (6): Could not resolve host: mirrors.example.com", "check the host's DNS"},
			{"Curl error (5): Couldn't resolve proxy name for https://m.example [Couldn't resolve proxy 'p.example']",
				"check the proxy that is set"},
			{"Curl error (7): Couldn't connect to server for https://m.example", "refuses connections"},
			{"Curl error (56): Failure when receiving data from the peer for https://m.example [CONNECT tunnel failed, response 407]",
				"proxy refuses the user"},
			{"Curl error (56): Failure when receiving data from the peer for https://m.example [Received HTTP code 407 from proxy " +
				"after CONNECT]", "proxy refuses the user"}, // RHEL 9's curl
			{"  - Status code: 401 for http://m.example/repodata/repomd.xml (IP: 192.0.2.1)", "refuses this host"},
			{"  - Status code: 403 for http://m.example/repodata/repomd.xml (IP: 192.0.2.1)", "refuses this host"},
			{"  - Status code: 404 for http://m.example/repodata/repomd.xml (IP: 192.0.2.1)", "dnf repolist -v"},
			{"  - Status code: 503 for http://m.example/repodata/repomd.xml (IP: 192.0.2.1)", "error of its own"},
			{"Error: Failed to download metadata for repo 'x': repomd.xml parser error: Element <repomd> was not found - Bad " +
				"repomd file", "login page"},
			{"  - Curl error (37): Couldn't read a file:// file for file:///nosuch/repodata/repomd.xml", "mount or copy it"},
			{"  - Curl error (52): Server returned nothing (no headers, no data) for http://m.example", "connection to a repository"},
			{"  - Curl error (18): Transferred a partial file for http://m.example", "connection to a repository"},
			{"  - Curl error (56): Failure when receiving data from the peer for http://m.example", "connection to a repository"},
			{"Curl error (60): SSL peer certificate or SSH remote key was not OK for https://m.example [SSL certificate problem: " +
				"certificate has expired]", "set the clock (timedatectl)"}, // with OpenSSL
			{"Curl error (60): SSL peer certificate or SSH remote key was not OK for https://m.example [SSL certificate problem: " +
				"certificate is not yet valid]", "set the clock (timedatectl)"},
			{"Curl error (60): SSL peer certificate or SSH remote key was not OK for https://m.example [SSL: certificate subject " +
				"name (wrong) does not match target host name 'm.example']", "not for the name in its address"},
			{"Curl error (35): SSL connect error for https://m.example [gnutls_handshake() failed: An unexpected TLS packet was " +
				"received.]", "does not speak TLS"},
			{"Curl error (28): Timeout was reached for https://m.example", "does not answer"},
			{"Curl error (60): SSL peer certificate or SSH remote key was not OK for https://m.example",
				"install its authority's certificate"},
			{"Error: GPG check FAILED", "import the repository's key"},
			{"Error: Unable to find a match: a b", "offers a b; see to the repositories"},
			{"Package a-1-1.noarch.rpm is not signed", "wants signatures"},
		}},
	} {
		diff(t, tool.name+"'s causes, each in a line here", len(tool.lines), tool.count)
		for _, line := range tool.lines {
			err := tool.explain(&host.CommandError{Argv: []string{tool.name}, Status: "exit status 1", Code: 1, Stderr: line[0]})
			if !strings.Contains(err.Error(), line[1]) {
				t.Errorf("%s prints %q, explained by %q, want %q", tool.name, line[0], err, line[1])
			}
		}
	}
}

// TestKeepsWhatIsBeside: what lies beside a configuration file comes back if it was there, and goes if the package
// manager made it, each by the end of its name.
func TestKeepsWhatIsBeside(t *testing.T) {
	for name, c := range map[string]struct {
		ends beside
		made []string // by the package manager
		any  []string // those, and what it removes whoever made it
	}{
		"dpkg": {besideConffiles(), []string{".dpkg-new", ".dpkg-old", ".dpkg-dist", ".dpkg-tmp"},
			[]string{".dpkg-new", ".dpkg-old", ".dpkg-dist", ".dpkg-tmp", "~", ".bak", "%"}},
		"rpm": {besideConfigfiles(), []string{".rpmnew", ".rpmorig", ".rpmsave"},
			[]string{".rpmnew", ".rpmorig", ".rpmsave"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newHost(t, "")
			files := f.apt.Host.FS
			for _, end := range append(c.any, "") {
				f.write("/etc/was"+end, "before"+end)
			}
			var b before
			if err := b.keep(files, []string{"/etc/was", "/etc/new"}, c.ends); err != nil {
				t.Fatal(err)
			}
			want := f.tree("/etc")
			if err := os.RemoveAll(filepath.Join(f.root, "etc")); err != nil {
				t.Fatal(err)
			}
			for _, end := range append(slices.Clone(c.made), "") {
				f.write("/etc/new"+end, "the package's")
			}
			f.write("/etc/new.notes", "somebody's")
			if err := b.putBack(files); err != nil {
				t.Fatal(err)
			}
			got := f.tree("/etc")
			if _, there := got["/etc/new.notes"]; !there {
				t.Error("what is nobody's configuration is removed")
			}
			delete(got, "/etc/new.notes")
			diff(t, "what is there", want, got)
		})
	}
}

// TestCommandsKeepToTheSet: what each command of a package manager must be told, so that it does no more than asked.
func TestCommandsKeepToTheSet(t *testing.T) {
	pipx, _, _ := pipxSet()
	pip, _ := pipSet()
	f := newHost(t, "")
	for name, c := range map[string]struct {
		cmd     host.Command
		options []string
	}{
		"apt-get": {f.apt.command("apt-get", "-q", "install"), []string{
			"--no-install-recommends", "APT::Install-Suggests=false", "Dpkg::Options::=--force-confdef",
			"Dpkg::Options::=--force-confold", "DPkg::Lock::Timeout=10",
		}},
		"dnf": {f.dnf().command("install"), []string{
			"--assumeyes", "--color=never", "--setopt=install_weak_deps=False", "--setopt=exit_on_lock=True",
		}},
	} {
		for _, option := range c.options {
			if !hasOption(c.cmd, option) {
				t.Errorf("%s misses %s: %q", name, option, c.cmd.Argv)
			}
		}
	}
	for start, options := range map[string][]string{
		"apt-get -q update": {
			"APT::Update::Error-Mode=any", "Acquire::Languages=none", "APT::Get::List-Cleanup=false",
		},
		"apt-get -q download": {"APT::Sandbox::User=root"},
		"dnf --assumeyes":     {"--setopt=assumeno=False"},
		"apt-get -qy install": {
			"--no-download", "--no-remove", "--no-upgrade", "APT::Sandbox::User=root", "APT::Keep-Downloaded-Packages=true",
		},
		"apt-get -s":         {"--no-auto-remove"},
		"apt-get -qy purge":  {"--no-auto-remove"},
		"dpkg --force":       {"--force-confdef", "--force-confold"},
		"rpm --erase --test": {"--allmatches"},
	} {
		asked := false
		f.on[start] = func(cmd host.Command) (string, error) {
			asked = true
			for _, option := range options {
				if !hasOption(cmd, option) {
					t.Errorf("%s misses %s: %q", start, option, cmd.Argv)
				}
			}
			return "", nil
		}
		defer func() {
			if !asked {
				t.Errorf("%s was not called", start)
			}
		}()
	}
	// What comes of them does not matter here.
	dir := archivesOf(f, pipx)
	f.on["dpkg-deb"] = prints("")
	_ = f.apt.Refresh(t.Context())
	_ = f.apt.Download(t.Context(), []Package{pipx}, dir)
	_ = f.dnf().Download(t.Context(), []Package{pip}, dir)
	_ = f.apt.Install(t.Context(), []Package{pipx}, []string{"pipx"}, dir)
	f.write(statusFile, entry(pipx, "install ok unpacked"))
	_ = f.apt.Recover(t.Context(), []Package{pipx}, dir)
	f.write(statusFile, entry(pipx, "install ok installed"))
	_, _ = f.apt.Remove(t.Context(), []Package{pipx}, dir)
	installed := []Package{pip}
	f.database(&installed)
	f.on["rpm --erase --allmatches"] = prints("")
	_, _ = f.dnf().Remove(t.Context(), []Package{pip}, "/nowhere")
}
