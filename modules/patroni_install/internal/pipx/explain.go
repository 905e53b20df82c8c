package pipx

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// maxLog bounds what is read of pipx's log of pip's output, in bytes.
const maxLog = 4 << 20

// shownVersions is how many of the newest versions are named where the wanted one does not exist.
const shownVersions = 8

// cause is a reason for a failed build: what its output matches, and what to tell then. $1 in the
// advice is the pattern's first group; where that is empty, so are the brackets around it.
type cause struct {
	pattern string
	advice  string
}

// noPackage begins what is told where the index is out of reach.
const noPackage = "no package could be fetched: "

// causes lists the reasons from the most telling to the least: pip reports several of them, and
// then also says that it found no version.
func causes() []cause {
	return slices.Concat(diskCauses(), compilerCauses(), indexCauses(), packageCauses())
}

// diskCauses lists what the file system can do to a build.
func diskCauses() []cause {
	return []cause{
		{`No space left on device|Errno 28`,
			"the file system is full; free space in the home of the user and try again"},
		{`Disk quota exceeded|Errno 122`,
			"the user's disk quota is used up; raise it and try again"},
		{`Read-only file system|Errno 30\b`,
			"the file system is mounted read-only; remount it writable (dmesg says why if nobody did it on purpose)"},
	}
}

// compilerCauses lists what packages miss that come as source only.
func compilerCauses() []cause {
	return []cause{
		{`pg_config executable not found|libpq-fe\.h: No such file`,
			"psycopg2 must be compiled and PostgreSQL's headers are missing; install gcc, python3-dev and libpq-dev " +
				"(RHEL family: gcc, python3-devel and postgresql-devel), or ask for the extra psycopg2-binary instead"},
		{`Python\.h: No such file|command '[^']*(?:gcc|cc|clang)[^']*' failed|unable to execute '[^']*gcc|error: Microsoft|Unknown compiler`,
			"a package must be compiled and there is no working compiler; install gcc, python3-dev and libpq-dev " +
				"(RHEL family: gcc, python3-devel and postgresql-devel)"},
		{`No such file or directory: 'pkg-config'|Cannot find libsystemd|libsystemd.{0,40}not found|systemd/sd-[a-z]+\.h: No such file`,
			"systemd-python must be compiled and systemd's headers are missing; install gcc, python3-dev, pkg-config and libsystemd-dev " +
				"(RHEL family: gcc, python3-devel, pkgconf and systemd-devel), or leave out the extra systemd"},
	}
}

// indexCauses lists what can lie between the host and the index.
func indexCauses() []cause {
	return []cause{
		{`(?i)Cannot connect to proxy|ProxyError|Tunnel connection failed: (\d+[^'\n]*)?`,
			noPackage + "the proxy does not answer or refuses ($1); check http_proxy, https_proxy and no_proxy in the task's environment"},
		{`Could not find a suitable TLS CA certificate bundle(?:, invalid path: (\S+))?`,
			noPackage + "the file with the authorities' certificates cannot be read ($1); check ca_cert"},
		{`CERTIFICATE_VERIFY_FAILED\] certificate verify failed: ([^(\n]*[^(\n ])`,
			noPackage + "the index's certificate is not trusted ($1); name the authority's file with ca_cert"},
		{`SSLError|SSLCertVerificationError|SSL: [A-Z_]+|confirming the ssl certificate`,
			noPackage + "the encrypted connection to the index failed; check index_url, ca_cert and the proxy"},
		{`401 (?:Client )?Error|403 (?:Client )?Error|status code 40[13]`,
			noPackage + "the index refuses the credentials; check the user and the password in index_url"},
		{`Name or service not known|Temporary failure in name resolution|No address associated|nodename nor servname|NameResolutionError`,
			noPackage + "the index's name cannot be resolved; check the host's DNS, or set index_url or a proxy"},
		{`Network is unreachable|No route to host`,
			noPackage + "the host has no way to the network; check its route, or set index_url or a proxy"},
		{`Connection refused`,
			noPackage + "the index refuses connections; check index_url and that it runs"},
		{`ConnectTimeout|Read timed out|ReadTimeout|timed out|Connection (?:aborted|reset)|RemoteDisconnected|IncompleteRead|ConnectionResetError`,
			noPackage + "the index does not answer, or the connection broke; check the network, the firewall and the proxy, and try again"},
	}
}

// packageCauses lists what packages, the interpreter and the host can be short of.
func packageCauses() []cause {
	return []cause{
		{`THESE PACKAGES DO NOT MATCH THE HASHES`,
			"a package is not the one whose hash is on record; a mirror may be damaged, or somebody changed the package"},
		{`requires a different Python: (\S+) not in '([^']+)'`,
			"the interpreter is Python $1 and the package needs $2; set python to a newer one, or version to an older Patroni"},
		{`Cannot import build backend|BackendUnavailable|backend-unavailable`,
			"a package's build tools could not be loaded; the index may not offer them"},
		{`ResolutionImpossible|conflicting dependencies`,
			"the packages that were asked for exclude each other; loosen version, or the constraints that pip's configuration sets"},
		{`MemoryError|Cannot allocate memory|signal: killed|died with <Signals\.SIGKILL|Killed`,
			"it was killed, or got no memory; the host may be short of it (journalctl -k tells of the kernel's OOM killer)"},
		{`No module named '?(?:venv|ensurepip)|ensurepip is not available`,
			"the interpreter has no module venv; install python3-venv, or set python to a complete one"},
		{`\[Errno 13\] Permission denied: '([^']+)'`,
			"the user may not write $1; check who owns the home and what is in it"},
	}
}

var (
	noVersion      = regexp.MustCompile(`Could not find a version that satisfies the requirement (\S+) .*?\(from versions: ([^)]*)\)`)
	otherPython    = regexp.MustCompile(`different python version: (.*)`)
	backendMissing = regexp.MustCompile(`BackendUnavailable|backend-unavailable|ModuleNotFoundError|Some build dependencies for|invalid command 'bdist_wheel'`)
	buildFailed    = regexp.MustCompile(`metadata-generation-failed|failed-wheel-build|Failed building wheel|Error generating metadata|legacy-install-failure`)
	emptyBracket   = regexp.MustCompile(` \(\$?\d?\)`)
)

// Explain says in one sentence why a build failed and what to do, or "" when it does not know.
// err is what running a command gave, the texts are what the commands printed and [PipLog]. They
// hold what pip printed, which masks passwords in addresses; nothing else of them is repeated.
func Explain(err error, texts ...[]byte) string {
	text := failureText(err, texts...)
	for _, c := range causes() {
		pattern := regexp.MustCompile(c.pattern)
		if m := pattern.FindStringSubmatchIndex(text); m != nil {
			advice := string(pattern.ExpandString(nil, c.advice, text, m))
			return emptyBracket.ReplaceAllString(advice, "")
		}
	}
	return explainVersion(text)
}

// explainVersion explains that pip found no version that fits.
func explainVersion(text string) string {
	m := noVersion.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	if m[2] != "none" {
		return "the index has no version for " + m[1] + "; it offers " + newest(m[2])
	}
	if python := otherPython.FindStringSubmatch(text); python != nil {
		return "no version of " + m[1] + " is for this Python; set python to a newer one, or version to an older Patroni"
	}
	return "the index does not know " + m[1] + "; check index_url, which must end as in https://index.example/simple"
}

// newest shortens pip's list of versions, whose newest comes last.
func newest(list string) string {
	versions := strings.Split(list, ", ")
	if len(versions) <= shownVersions {
		return strings.Join(versions, ", ")
	}
	return "…, " + strings.Join(versions[len(versions)-shownVersions:], ", ")
}

// wantsIsolation tells whether a source package failed for want of its own build tools: where
// they could not be loaded, and where they failed for no reason that fetching them cannot mend.
func wantsIsolation(text string) bool {
	if backendMissing.MatchString(text) {
		return true
	}
	return buildFailed.MatchString(text) && Explain(nil, []byte(text)) == ""
}

// failureText joins what a failed command left behind.
func failureText(err error, texts ...[]byte) string {
	parts := make([]string, 0, len(texts)+1)
	for _, text := range texts {
		parts = append(parts, string(text))
	}
	var failed *host.CommandError
	if errors.As(err, &failed) {
		parts = append(parts, failed.Status, failed.Stderr)
	} else if err != nil {
		parts = append(parts, err.Error())
	}
	return strings.Join(parts, "\n")
}

// PipLog returns pip's full output of the last build that failed below home, a staged PIPX_HOME.
// pipx itself prints only lines that it takes for telling, which leaves out why a network did not
// answer. What cannot be read is empty: it only serves an explanation.
func PipLog(files *fsys.FS, home string) []byte {
	logs := path.Join(home, "logs")
	names, err := entries(files, logs)
	if err != nil {
		return nil
	}
	last := ""
	for _, name := range names { // sorted, and the name begins with the time
		if strings.HasSuffix(name, "_pip_errors.log") {
			last = name
		}
	}
	if last == "" {
		return nil
	}
	data, err := files.ReadFile(path.Join(logs, last), maxLog)
	if err != nil {
		return nil
	}
	return data
}
