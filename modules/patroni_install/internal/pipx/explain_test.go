package pipx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/ini"
)

// TestExplainCaptured explains what pipx 1.1 with pip 23.0 and pipx 1.7 with pip 25.1 really
// printed, each with its log, and pip 23.2 and uv 0.13 by themselves. Frames of tracebacks and the index's name were
// taken out.
func TestExplainCaptured(t *testing.T) {
	const index = "no package could be fetched: "
	tests := map[string]string{
		"version_pip23":   "the index has no version for patroni[etcd]==9.9.9; it offers …, ",
		"version_pip25":   "the index has no version for patroni==9.9.9; it offers …, ",
		"unknown_package": "the index does not know patroni[etcd,psycopg2-binary]; check index_url",
		"dns":             index + "the index's name cannot be resolved",
		"refused":         index + "the index refuses connections",
		"tls":             index + "the index's certificate is not trusted (self-signed certificate); name the authority's file with ca_cert",
		"proxy":           index + "the proxy does not answer or refuses; check http_proxy",
		"ca_cert":         index + "the file with the authorities' certificates cannot be read (/nonexistent.pem); check ca_cert",
		"psycopg2":        "psycopg2 must be compiled and PostgreSQL's headers are missing; " + anyCompiler + ", or ask for the extra psycopg2-binary",
		"systemd":         "systemd-python must be compiled and systemd's headers are missing; " + anyCompiler + ", or leave out the extra systemd",
		"memory":          "it was killed, or got no memory",
		"memory_pip25":    "it was killed, or got no memory",
		"killed":          "pip was killed (signal 9)",
		"isolation_pip23": "a package's build tools could not be loaded; the index may not have them",
		"isolation_pip25": "a package's build tools could not be loaded; the index may not have them",
		"no_space":        "the file system is full",
		"no_space_pip25":  "the file system is full",

		"conflict_pip23":        "the packages that were asked for exclude each other; loosen version or constraints",
		"conflict_pip25":        "the packages that were asked for exclude each other; loosen version or constraints",
		"damaged_index_pip23":   index + "what the index answers is damaged, or is something else; check index_url",
		"damaged_index_pip25":   index + "what the index answers is damaged, or is something else; check index_url",
		"damaged_wheel_pip23":   index + "what the index answers is damaged, or is something else; check index_url",
		"file_error_pip23":      index + "the index, or a proxy before it, answers with an error of its own (500); try again later",
		"hashes_pip23":          "a package is not the one whose hash is on record",
		"no_constraints_pip23":  "the file of constraints cannot be read by the user ([Errno 2] No such file or directory: '/nonexistent.txt')",
		"no_route_pip23":        index + "the host has no way to the network",
		"none_for_python_pip23": "no version of patroni==4.1.5 is for this Python; set python to a newer one",
		"proxy_dead_pip23":      index + "the proxy does not answer or refuses; check http_proxy",
		"python_too_old_pip23":  "the interpreter is Python 3.11.2 and the package needs >=3.99; set python to a newer one",
		"python_too_old_pip25":  "the interpreter is Python 3.13.5 and the package needs >=3.99; set python to a newer one",
		"read_only_pip23":       "the file system is mounted read-only",
		"slow_pip23":            index + "the index does not answer, or the connection broke",

		"extra_index_pip23":    "the index has no version for patroni[etcd]==99; it offers …, ",
		"extra_index_pip25":    "the index has no version for patroni==99; it offers …, ",
		"untrusted_http_pip23": index + "pip takes an index without encryption from this host alone, and not from index.example; use https",
		"untrusted_http_pip25": index + "pip takes an index without encryption from this host alone, and not from index.example; use https",
		"only_binary_pip23":    "the index has no version for ydiff!=1.4.0,!=1.4.1,<1.5,>=1.2.0; it offers 1.5",
		"only_binary_pip25":    "the index has no version for ydiff!=1.4.0,!=1.4.1,<1.5,>=1.2.0; it offers 1.5",

		"s401_pip23":      index + "the index refuses the credentials; check the user",
		"s403_pip23":      index + "the index refuses the credentials; check the user",
		"s503_pip23":      index + "the index, or a proxy before it, answers with an error of its own (503)",
		"expired_pip23":   index + "the index's certificate is not valid at the time that this host's clock shows",
		"future_pip23":    index + "the index's certificate is not valid at the time that this host's clock shows",
		"wrong_pip23":     index + "the index's certificate is not for the name in index_url (index.example); set",
		"plain_tls_pip23": index + "the encrypted connection to the index failed",
		"drop_pip23":      index + "the index does not answer, or the connection broke",
		"json_pip23":      index + "what the index answers is damaged, or is something else",
		"p407_pip23":      index + "the proxy does not answer or refuses (407 Proxy Authentication Required)",

		"no_gcc_pip23": "a package must be compiled and there is no working compiler; " + anyCompiler,
		"denied_pip23": "the user may not write /home/x/.local; check",
		"files_pip23":  "there are too many open files; raise root's limit",
		"no_pip":       "the interpreter has no pip; install the package python3-pip",

		"uv_s401":        index + "the index refuses the credentials; check the user",
		"uv_s403":        index + "the index refuses the credentials; check the user",
		"uv_s503":        index + "the index, or a proxy before it, answers with an error of its own (503 Service Unavailable)",
		"uv_expired":     index + "the index's certificate is not valid at the time that this host's clock shows",
		"uv_future":      index + "the index's certificate is not valid at the time that this host's clock shows",
		"uv_wrong":       index + "the index's certificate is not for the name in index_url (index.example); set",
		"uv_unknownca":   index + "the index's certificate is not trusted (UnknownIssuer); name",
		"uv_plain_tls":   index + "the encrypted connection to the index failed",
		"uv_cut":         index + "the index does not answer, or the connection broke",
		"uv_drop":        index + "the index does not answer, or the connection broke",
		"uv_json":        index + "what the index answers is damaged, or is something else",
		"uv_p407":        index + "the proxy does not answer or refuses (proxy authorization required)",
		"uv_deadproxy":   index + "the proxy does not answer or refuses (failed to create underlying connection)",
		"uv_refused":     index + "the index refuses connections",
		"uv_dns":         index + "the index's name cannot be resolved",
		"uv_unknown":     "the index does not know patroni; check index_url",
		"uv_version":     "the index has no version for patroni==9.9.9",
		"uv_wheel":       "the index does not know patroni; check", // TestExplainBySource has the wheelhouse
		"uv_conflict":    "the packages that were asked for exclude each other; loosen",
		"uv_constr":      "the packages that were asked for exclude each other; loosen",
		"uv_needpy":      "the interpreter is Python 3.11.7 and the package needs >=3.12; set python",
		"settings_pip23": "pip cannot load a file of its settings; mend it",
		"uv_lock": "pip was told to take nothing without a hash (require-hashes), and no lock file was " +
			"given; set lockfile",
	}
	for name, want := range tests {
		text, err := os.ReadFile(filepath.Join("testdata", "explain", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if got := Explain(nil, text).Text; !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q…", name, got, want)
		}
	}
	captured, err := filepath.Glob("testdata/explain/*.txt")
	if err != nil || len(captured) != len(tests) {
		t.Errorf("%d captured outputs and %d cases, %v", len(captured), len(tests), err)
	}
}

func TestExplain(t *testing.T) {
	tests := []struct{ text, want string }{
		{"error: command '/usr/bin/x86_64-linux-gnu-gcc' failed with exit code 1", "there is no working compiler"},
		{"fatal error: Python.h: No such file or directory", "there is no working compiler; " + anyCompiler},
		{"./psycopg/psycopg.h:35:10: fatal error: libpq-fe.h: No such file or directory", "PostgreSQL's headers are missing; " + anyCompiler},
		{
			"ERROR: Could not open requirements file: [Errno 13] Permission denied: '/root/c.txt'",
			"constraints cannot be read by the user ([Errno 13] Permission denied: '/root/c.txt')",
		},
		{"Configuration file could not be loaded.\nWhile reading from '/etc/pip.conf' [line  3]: section 'global' already exists", "pip cannot load a file of its settings; mend"},
		{"Configuration file contains invalid utf-8 characters in /etc/pip.conf.", "pip cannot load a file of its settings; mend"},
		{"PIP STDOUT\n----------\nCollecting x\n\nPIP STDERR\n----------\n", "pip was killed (signal 9)"},
		{"OSError: [Errno 30] Read-only file system: '/home/x'", "mounted read-only"},
		{"OSError: [Errno 5] Input/output error", "the disk does not work"},
		{"OSError: [Errno 122] Disk quota exceeded", "quota"},
		{"ERROR: Package 'patroni' requires a different Python: 3.6.8 not in '>=3.7'", "the interpreter is Python 3.6.8 and the package needs >=3.7"},
		{"OSError('Tunnel connection failed: 407 Proxy Authentication Required')", "refuses (407 Proxy Authentication Required)"},
		{"HTTPError: 401 Client Error: Unauthorized for url: https://index.example/simple/patroni/", "refuses the credentials"},
		{
			"Could not fetch URL https://index.example/simple/patroni/: connection error: HTTPSConnectionPool(host='index.example', port=443): " +
				"Max retries exceeded with url: /simple/patroni/ (Caused by ResponseError('too many 503 error responses')) - skipping\n" +
				"ERROR: Could not find a version that satisfies the requirement patroni (from versions: none)",
			"the index, or a proxy before it, answers with an error of its own (503); try again later",
		},
		{"ERROR: HTTP error 500 while getting https://index.example/x.whl", "answers with an error of its own; try"},
		{"500 Server Error: Internal Server Error for url: https://index.example/simple/patroni/", "of its own (Internal Server Error); try"},
		{"  Caused by: HTTP status server error (503 Service Unavailable) for url (https://index.example/)", "of its own (503 Service Unavailable); try"},
		{"ERROR: HTTP error 404 while getting https://index.example/x.whl", ""},
		{"  cause: invalid peer certificate: UnknownIssuer\n", "is not trusted (UnknownIssuer); name the authority's file with ca_cert"},
		{"error: Failed to fetch: `https://index.example/simple/patroni/`\n", "uv cannot fetch https://index.example/simple/patroni/; check"},
		{"ProxyError('Unable to connect to proxy')", "answer or refuses; check"},
		{"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'a'. (_ssl.c:997)", "for the name in index_url (a); set"},
		{"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid (_ssl.c:992)", "set the clock"},
		{"ERROR: Wheel 'patroni' located at /tmp/pip-unpack-_13f/patroni-4.1.5-py3-none-any.whl is invalid.", "is damaged, or is something else"},
		{"json.decoder.JSONDecodeError: Unterminated string starting at: line 1 column 76 (char 75)", "is damaged, or is something else"},
		{"Read timed out. (read timeout=15)", "does not answer"},
		{"[Errno 101] Network is unreachable", "no way to the network"},
		{"[Errno -3] Temporary failure in name resolution", "cannot be resolved"},
		{"ERROR: ResolutionImpossible: for help visit https://example.org", "exclude each other"},
		{ // with -v, pip tells how it came to know that there is none
			"    raise ResolutionImpossible(e.causes)\npip._vendor.resolvelib.resolvers.ResolutionImpossible: [RequirementInformation(x)]\n" +
				"ERROR: Could not find a version that satisfies the requirement patroni (from versions: none)",
			"the index does not know patroni; check index_url",
		},
		{"/usr/bin/python3: No module named venv", "python3-venv"},
		{"/usr/bin/python3: No module named pip", "the interpreter has no pip; install the package python3-pip, or leave prerequisites unset"},
		{"/usr/bin/python3: No module named pipx", ""},
		{"PermissionError: [Errno 13] Permission denied: '/home/x/.local'", "may not write /home/x/.local"},
		{
			"ERROR: Ignored the following versions that require a different python version: 4.9 Requires-Python >=3.12\n" +
				"ERROR: Could not find a version that satisfies the requirement patroni (from versions: none)", "no version of patroni is for this Python",
		},
		{"ERROR: Could not find a version that satisfies the requirement x==9 (from versions: 1, 2)", "it offers 1, 2"},
		{
			"Traceback (most recent call last):\n  File \"/usr/bin/pipx\", line 5, in <module>\nModuleNotFoundError: No module named 'userpath'",
			"pipx itself does not run; try it",
		},
		{"OSError: [Errno 24] Too many open files: '/home/x'", "raise root's limit"},
		{ // of pipx 1.7
			"Traceback (most recent call last):\n  File \"/usr/bin/pipx\", line 8, in <module>\n  File \"/usr/lib/python3/dist-packages/" +
				"pipx/commands/install.py\", line 60, in install\nOSError: [Errno 40] Too many levels of symbolic links: " +
				"'/home/x/.local/share/pipx/venvs/patroni/bin/python'",
			"a package has a program of its own that is named python",
		},
		{ // a pipx that is at work runs
			"Traceback (most recent call last):\n  File \"/usr/bin/pipx\", line 8, in <module>\n  File \"/usr/lib/python3/dist-packages/" +
				"pipx/main.py\", line 202, in run_pipx_command\nKeyError: 'x'", "",
		},
		{ // pipx 1.1 without one of its modules
			"Traceback (most recent call last):\n  File \"/usr/bin/pipx\", line 5, in <module>\n  File \"/usr/lib/python3/dist-packages/" +
				"pipx/commands/ensure_path.py\", line 5, in <module>\nModuleNotFoundError: No module named 'userpath'",
			"pipx itself does not run; try it",
		},
		{ // pipx 1.7 with Python 3.13 and a sitecustomize.py that prints
			"PIP STDERR\n----------\n/home/x/.local/share/pipx/venvs/patroni/bin/python: No module named pip\n",
			"see whether the interpreter prints anything when it starts",
		},
		{"", ""},
		{"something else went wrong", ""},
	}
	for _, test := range tests {
		got := Explain(nil, []byte(test.text)).Text
		if !strings.Contains(got, test.want) || (test.want == "" && got != "") {
			t.Errorf("Explain(%q) = %q, want %q in it", test.text, got, test.want)
		}
		if strings.Contains(got, "$") || strings.Contains(got, "()") {
			t.Errorf("Explain(%q) = %q has an unfilled place", test.text, got)
		}
	}
}

// TestExplainBySource: if there is no index, nobody is sent to it.
func TestExplainBySource(t *testing.T) {
	const none = "ERROR: Could not find a version that satisfies the requirement click>=4.1 (from patroni) (from " +
		"versions: none)"
	const some = "ERROR: Could not find a version that satisfies the requirement click>=9 (from versions: 8.1.7)"
	const unlocked = "ERROR: In --require-hashes mode, all requirements must have their versions pinned with ==. These " +
		"do not:\n" +
		"    click>=4.1 from file:///x/click-8.1.7-py3-none-any.whl (from patroni==4.1.5->-r lock.txt (line 1))\n    boto3 from https://x\n" +
		"Traceback:\n    raise HashErrors\n"
	const uv = "error: No solution found when resolving dependencies\n  cause: Because "
	const unhashed = "ERROR: Hashes are required in --require-hashes mode, but they are missing from some requirements " +
		"here. Here is a list\n    click==8.1.7 --hash=sha256:00\n"
	const withoutLock = "pip was told to take nothing without a hash (require-hashes), and no lock file was " +
		"given; set lockfile"
	locked := string(Build{Lock: "/lock.txt"}.Told())
	for _, test := range []struct {
		from       Source
		text, want string
	}{
		{Index, none, "the index does not know click>=4.1"},
		{InWheels, none, "the wheelhouse has no click>=4.1 for this host; build it on a host of the same platform"},
		{WhatPassed, none, "the lock file does not hold click>=4.1 for this host; lock what is asked for"},
		{InWheels, some, "the wheelhouse has no version for click>=9; it offers 8.1.7"},
		{WhatPassed, some, "the lock file has no version for click>=9; it offers 8.1.7"},
		{Index, unlocked + locked, "the lock file does not hold click>=4.1, boto3; lock what is asked for, extras included"},
		{WhatPassed, unlocked, "the lock file does not hold click>=4.1, boto3; lock what"},
		{InWheels, unhashed + locked, "the lock file does not hold click==8.1.7; lock"},
		{Index, unlocked, withoutLock},
		{InWheels, unhashed, withoutLock},
		{Index, "error: In `--require-hashes` mode, all requirements must have a hash, but none were provided for: x\n" + locked, "the lock file does not hold x with a hash; lock"},
		{InWheels, locked + "In --require-hashes mode, all requirements must have their versions pinned", "the lock file does not hold all that its packages need; "},
		{InWheels, "pip._internal.exceptions.InvalidWheel: Wheel 'click' located at /x is invalid.", "a wheel (click) is damaged; copy"},
		{InWheels, uv + "patroni was not found in the provided package locations and you", "the wheelhouse has no patroni for this host; build"},
		{WhatPassed, uv + "there is no version of x==9 and you require x==9, we", "the lock file has no version for x==9"},
		{InWheels, "zipfile.BadZipFile: File is not a zip file", "a wheel is damaged; copy"},
		{InWheels, "BackendUnavailable", "a package's build tools could not be loaded; the wheelhouse may not have them"},
	} {
		if got := test.from.Explain(nil, []byte(test.text)).Text; !strings.HasPrefix(got, test.want) {
			t.Errorf("%d, %q: %q, want %q", test.from, test.text, got, test.want)
		}
	}
}

// TestCausesAreRecorded: each cause explains something that a program really printed, but for the few that could not be
// brought about where the outputs were recorded.
func TestCausesAreRecorded(t *testing.T) {
	unrecorded := []string{
		"Disk quota exceeded", "Input/output error",
		"No module named venv", "venvs/patroni/bin/python: No module named pip", "there is no pip, neither in",
		"Too many levels of symbolic links: '*/venvs/patroni/bin/python",
		`/pipx/main.py", line *, in run_pipx_command`, `/bin/pipx", line`,
	}
	var texts strings.Builder
	names, err := filepath.Glob("testdata/explain/*.txt")
	for _, name := range names {
		text, readErr := os.ReadFile(name)
		texts.Write(text)
		err = errors.Join(err, readErr)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range causes(Index) {
		if hasAny(texts.String(), c.signs...) == slices.Contains(unrecorded, c.signs[0]) {
			t.Errorf("%q: recorded, and said not to be, or the reverse", c.signs[0])
		}
	}
}

// TestWhatPipSaysLastIsNoKill: whatever pip said on its standard error, it was not killed in silence.
func TestWhatPipSaysLastIsNoKill(t *testing.T) {
	for said, want := range map[string]string{"": "pip was killed (signal 9)", "it rains\n": ""} {
		root := write(t, map[string]string{
			"home/logs/x_pip_errors.log": "PIP STDOUT\n---\nCollecting x\n\nPIP STDERR\n----------\n" + said,
		}, nil)
		err := &host.CommandError{Status: "exit status 1", Stderr: "Fatal error from pip prevented installation."}
		got := Explain(err, PipLog(fsys.New(root), "/home"), Build{Lock: "/lock.txt"}.Told()).Text
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q: got %q", said, got)
		}
	}
}

// TestLastErrorDecides: what pip warned of, it got over, unless it found nothing at all.
func TestLastErrorDecides(t *testing.T) {
	const (
		retry = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(\"[Errno 111] " +
			"Connection refused\")'\n"
		skipped = "Could not fetch URL https://a/simple/x/: connection error: ReadTimeout - skipping\n"
		lacks   = "ERROR: Could not find a version that satisfies the requirement x==9 "
		uv      = "error: Failed to fetch: `https://a/simple/x/`"
		refused = noPackage + "the index refuses connections"
	)
	for _, c := range [][2]string{
		{retry + "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "a package is not the one whose hash"},
		{skipped + "ERROR: ResolutionImpossible: for help", "the packages that were asked for exclude each other; loosen"},
		{retry + lacks + "(from versions: 8)", "the index has no version for x==9; it offers 8"},
		{retry + lacks + "(from versions: none)", refused},
		{skipped + "PIP STDOUT\n---\nCollecting x\n", "pip was killed (signal 9)"},
		{"  " + retry + "x", refused},
		{"error: Connection refused\n" + skipped, refused},
		{"warning: Connection refused\n" + uv, noPackage + "uv cannot fetch https://a/simple/x/"},
	} {
		if got := Explain(nil, []byte(c[0])).Text; !strings.HasPrefix(got, c[1]) {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
	}
}

// TestSettingsAreTold: settings that keep pip from packages are named if it lacks some, and only then.
func TestSettingsAreTold(t *testing.T) {
	b := Build{Environ: []string{"PIP_NO_BINARY=", "PIP_ONLY_BINARY=:all:", "PIP_PRE=1"}}
	const told = " (PIP_ONLY_BINARY of the task's environment forbids others)"
	for text, want := range map[string]string{
		"Could not find a version that satisfies the requirement x<2 (from versions: 3)": "it offers 3" + told,
		"ERROR: ResolutionImpossible: for help":                                          "exclude each other" + told + "; loosen",
		"Error: pg_config executable not found.":                                         "headers are missing" + told + "; " + anyCompiler,
		"error: command '/usr/bin/gcc' failed":                                           "no working compiler" + told + "; " + anyCompiler,
		"BackendUnavailable":                                                             "may not have them" + told,
		"No space left on device":                                                        "the file system is full; free",
	} {
		got := Explain(nil, []byte(text), b.Told()).Text
		if !strings.Contains(got, want) || strings.Contains(Explain(nil, []byte(text), Build{}.Told()).Text, told) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestSettingsOfFilesAreTold: pip's files count as its variables do, if pip reads them, and the index is not blamed
// if nothing at all was found.
func TestSettingsOfFilesAreTold(t *testing.T) {
	only := PipFile{Path: "/etc/pip.conf", Settings: []ini.Setting{inGlobal("pre", "1"), inGlobal("only-binary", ":all:")}}
	closed := only
	closed.Closed = fs.ErrPermission
	const none = "ERROR: Could not find a version that satisfies the requirement x<2 (from patroni) (from versions: none)"
	const without = "the index does not know x<2; check index_url"
	const may = "the index has no x<2 that pip may take ("
	for _, c := range []struct {
		b    Build
		want string
	}{
		{Build{PipFiles: []PipFile{only}}, may + "only-binary in /etc/pip.conf forbids others); change that setting"},
		{Build{PipFiles: []PipFile{closed}}, without},
		{Build{Environ: []string{"PIP_ONLY_BINARY=:all:"}}, may + "PIP_ONLY_BINARY of the task's environment forbids others); change"},
		{
			Build{Environ: []string{"PIP_NO_BINARY=a"}, PipFiles: []PipFile{only}},
			may + "PIP_NO_BINARY of the task's environment, only-binary in /etc/pip.conf forbid others); change",
		},
		{Build{}, without},
		{Build{PipFiles: []PipFile{only}, Installer: UV{}}, without},
	} {
		if got := Explain(nil, []byte(none), c.b.Told()).Text; !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.b, got, c.want)
		}
		_, err := c.b.ReadNewest(host.Output{}, &host.CommandError{Status: "exit status 1", Stderr: none})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("the newest version: %v, want %q", err, c.want)
		}
	}
	other := none + "\nERROR: Ignored the following versions that require a different python version: 1 Requires-Python"
	told := Build{PipFiles: []PipFile{only}}.Told()
	if got := Explain(nil, []byte(other), told).Text; !strings.Contains(got, "for this Python") {
		t.Errorf("of a Python that is too old: %q", got)
	}
	if got := InWheels.Explain(nil, []byte(none), Build{PipFiles: []PipFile{only}}.Told()).Text; !strings.HasPrefix(got,
		"the wheelhouse has no x<2 that pip may take (only-binary") {
		t.Errorf("from a wheelhouse: %q", got)
	}
}

// TestExplainCompiler: who knows the packages that bring a compiler names them, and only if one is missing.
func TestExplainCompiler(t *testing.T) {
	const advice = "install gcc"
	for text, want := range map[string]string{
		"fatal error: libpq-fe.h: No such file or directory": "psycopg2 must be compiled and PostgreSQL's headers are missing; " +
			"install gcc, or ask for the extra psycopg2-binary instead",
		"error: command '/usr/bin/gcc' failed": "a package must be compiled and there is no working compiler; install gcc",
		"Cannot find libsystemd": "systemd-python must be compiled and systemd's headers are missing; install gcc, or leave out " +
			"the extra systemd",
		"MemoryError": "",
		"nothing":     "",
	} {
		got := Explain(nil, []byte(text))
		if told := got.WithCompiler(advice); got.NeedsCompiler != (want != "") || want != "" && told != want ||
			want == "" && told != got.Text {
			t.Errorf("%q: %+v, with the advice %q, want %q", text, got, told, want)
		}
	}
	if !LacksLibrary(errors.New("ImportError: libpq.so.5: cannot open shared object file: No such file or directory")) ||
		LacksLibrary(errors.New("ImportError: No module named x")) || LacksLibrary(nil) {
		t.Error("it is not seen whether a library is missing")
	}
}

func TestFindSign(t *testing.T) {
	tests := []struct {
		text, sign string
		stars      []string
		found      bool
	}{
		{"a\nfull disk\n", "full", nil, true},
		{"a\nfull disk\n", "empty", nil, false},
		{"needs 3.6 not in '>=3.7' or 'x'", "needs * not in '*'", []string{"3.6", ">=3.7"}, true},
		{"needs 3.6\n not in '>=3.7'", "needs * not in '*'", nil, false},
		{"needs it\nneeds 3.6 not in '3.7'", "needs * not in '*'", []string{"3.6", "3.7"}, true},
		{"path: /a b.pem \r\nnext", "path: *", []string{"/a b.pem"}, true},
		{"path: ", "path: *", []string{""}, true},
		{"x (from versions: none)", "x *(from versions: *)", []string{"", "none"}, true},
		{"", "x", nil, false},
	}
	for _, test := range tests {
		stars, found := find(test.text, test.sign)
		if diff := cmp.Diff(test.stars, stars); diff != "" || found != test.found {
			t.Errorf("find(%q, %q): %v, stars (-want +got):\n%s", test.text, test.sign, found, diff)
		}
	}
}

// TestSignsExplain holds that each sign leads to the advice that stands beside it, unless one that
// tells more is found in it too.
func TestSignsExplain(t *testing.T) {
	var before []cause
	for _, c := range causes(Index) {
		for _, sign := range c.signs {
			text := strings.ReplaceAll(sign, "*", "it")
			earlier := slices.ContainsFunc(before, func(b cause) bool { return hasAny(text, b.signs...) })
			advice := strings.NewReplacer(compilerPlace, anyCompiler, "$settings", "").Replace(c.advice)
			advice, _, _ = strings.Cut(advice, "$1")
			if got := Explain(nil, []byte(text)).Text; !earlier && !strings.HasPrefix(got, strings.TrimSuffix(advice, " (")) {
				t.Errorf("Explain(%q) = %q, want %q", text, got, c.advice)
			}
			if strings.Contains(c.advice, "$2") && strings.Count(sign, "*") < 2 {
				t.Errorf("%q leaves $2 of %q empty", sign, c.advice)
			}
		}
		before = append(before, c)
	}
}

func TestExplainReadsTheError(t *testing.T) {
	killed := &host.CommandError{Argv: []string{"pipx"}, Status: "signal: killed", Code: -1}
	if got := Explain(errors.Join(errors.New("cannot build"), killed)).Text; !strings.Contains(got, "OOM killer") {
		t.Errorf("a killed command: %q", got)
	}
	if got := Explain(errors.New("No space left on device")).Text; !strings.Contains(got, "full") {
		t.Errorf("a plain error: %q", got)
	}
}

func TestRetry(t *testing.T) {
	captured := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join("testdata", "explain", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	tests := []struct {
		name  string
		text  []byte
		again bool
	}{
		{"backend missing, pip 23", captured("isolation_pip23"), true},
		{"backend missing, pip 25", captured("isolation_pip25"), true},
		{"old setuptools", []byte("configuration error: `project.license` must be valid\nerror: metadata-generation-failed"), true},
		{"headers missing", captured("psycopg2"), false},
		{"no network", captured("dns"), false},
		{"no such version", captured("version_pip23"), false},
		{"nothing known", nil, false},
	}
	for _, test := range tests {
		next, again := Build{}.Retry(nil, test.text)
		if again != test.again || next.Isolated != test.again {
			t.Errorf("%s: retry %v with isolation %v, want %v", test.name, again, next.Isolated, test.again)
		}
	}
	if _, again := (Build{Isolated: true}).Retry(nil, captured("isolation_pip25")); again {
		t.Error("an isolated build is tried again")
	}
}

func TestPipLog(t *testing.T) {
	root := write(t, map[string]string{
		"home/logs/cmd_2026-01-01_10.00.00_pip_errors.log": "old",
		"home/logs/cmd_2026-01-02_10.00.00_pip_errors.log": "new",
		"home/logs/cmd_2026-01-03_10.00.00.log":            "pipx's own",
		"linked/logs/a_pip_errors.log":                     "-> /etc/passwd",
		"empty/logs/other":                                 "x",
	}, nil)
	files := fsys.New(root)
	for home, want := range map[string]string{"/home": "new" + logEnd, "/linked": "", "/empty": "", "/none": ""} {
		if got := string(PipLog(files, home)); got != want {
			t.Errorf("log of %s is %q, want %q", home, got, want)
		}
	}
}
