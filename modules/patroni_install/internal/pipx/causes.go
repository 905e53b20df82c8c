package pipx

import "slices"

// cause is a reason for a failed build: signs of it in the output, and any one will do, and what
// to tell then. A sign is found within one line; each * in it stands for some text. $1 and $2 in
// the advice are what the first and the second * stood for. If $1 is empty, so are the brackets
// around it. $compiler is where to say how a compiler or headers that are missing come, and $settings which settings of
// pip keep it from other packages.
type cause struct {
	signs  []string
	advice string
}

// noPackage begins what is told where the index is out of reach.
const noPackage = "no package could be fetched: "

// anyCompiler is told for $compiler by who does not know the packages.
const anyCompiler = "install a compiler and the headers that it needs"

// causes lists the reasons from the most telling to the least: pip reports several of them, and
// then also says that it found no version.
func causes(from Source) []cause {
	damaged := damagedCauses
	if from != Index {
		damaged = damagedWheels
	}
	return slices.Concat(diskCauses(), compilerCauses(), indexCauses(), networkCauses(), damaged(), packageCauses(from))
}

// diskCauses lists what the file system can do to a build.
func diskCauses() []cause {
	return []cause{
		{
			[]string{"No space left on device", "Errno 28]"},
			"the file system is full; free space in the home of the user (df -h and df -i show what is used up) and try again",
		},
		{
			[]string{"Too many open files", "Errno 24]"},
			"there are too many open files; raise root's limit (ulimit -n shows it, LimitNOFILE of sshd's unit or " +
				"/etc/security/limits.conf sets it) and try again",
		},
		{
			[]string{"Disk quota exceeded", "Errno 122]"},
			"the user's disk quota is used up; raise it and try again",
		},
		{
			[]string{"Read-only file system", "Errno 30]"},
			"the file system is mounted read-only; remount it writable (dmesg says why if nobody did it on purpose)",
		},
		{
			[]string{"Input/output error", "Errno 5]"},
			"the disk does not work (input/output error; journalctl -k tells what it said); check it and its file system, and " +
				"try again",
		},
	}
}

// compilerCauses lists what packages miss that come as source only.
func compilerCauses() []cause {
	return []cause{
		{
			[]string{"pg_config executable not found", "libpq-fe.h: No such file"},
			"psycopg2 must be compiled and PostgreSQL's headers are missing$settings; $compiler, " +
				"or ask for the extra psycopg2-binary instead",
		},
		{
			[]string{
				"Python.h: No such file", "command '*cc*' failed", "command '*clang*' failed", "unable to execute '*gcc",
				"No such file or directory: '*gcc'", "No such file or directory: '*clang'", "error: Microsoft", "Unknown compiler",
			},
			"a package must be compiled and there is no working compiler$settings; $compiler",
		},
		{
			[]string{
				"No such file or directory: 'pkg-config'", "Cannot find libsystemd", "libsystemd*not found",
				"systemd/sd-*.h: No such file",
			},
			"systemd-python must be compiled and systemd's headers are missing$settings; $compiler, " +
				"or leave out the extra systemd",
		},
	}
}

// indexCauses lists what the index, or what stands before it, can refuse.
func indexCauses() []cause {
	return []cause{
		{
			[]string{"Configuration file could not be loaded", "Configuration file contains invalid * characters in"},
			"pip cannot load a file of its settings; mend it (python3 -m pip config debug lists the files), or do without all " +
				"of them (PIP_CONFIG_FILE=/dev/null in the task's environment)",
		},
		{
			[]string{"Could not open requirements file: *"},
			"the file of constraints cannot be read by the user ($1); make it readable, and its directory passable",
		},
		{
			[]string{"The repository located at * is not a trusted or secure host"},
			noPackage + "pip takes an index without encryption from this host alone, and not from $1; use https in index_url, " +
				"or name that host in PIP_TRUSTED_HOST in the task's environment",
		},
		{
			[]string{"Tunnel connection failed: *'", "Tunnel connection failed", "connect to proxy", "ProxyError",
				"tunnel error: *"}, // uv's
			noPackage + "the proxy does not answer or refuses ($1); check http_proxy, https_proxy and no_proxy in the task's " +
				"environment",
		},
		{
			[]string{
				"Could not find a suitable TLS CA certificate bundle, invalid path: *",
				"Could not find a suitable TLS CA certificate bundle",
			},
			noPackage + "the file with the authorities' certificates cannot be read ($1); check ca_cert",
		},
		{
			[]string{"certificate verify failed: certificate is not yet valid",
				"certificate verify failed: certificate has expired",
				"invalid peer certificate: certificate expired", "invalid peer certificate: certificate not valid yet"},
			noPackage + "the index's certificate is not valid at the time that this host's clock shows; set the clock " +
				"(timedatectl), or have the certificate renewed",
		},
		{
			[]string{
				"certificate verify failed: Hostname mismatch, certificate is not valid for '*'",
				"certificate verify failed: IP address mismatch, certificate is not valid for '*'",
				"CertificateError(\"hostname '*' doesn't match", "invalid peer certificate: certificate not valid for name \"*\"",
			},
			noPackage + "the index's certificate is not for the name in index_url ($1); set index_url to a " +
				"name that is in the certificate, or have it issued for this one",
		},
		{
			[]string{"CERTIFICATE_VERIFY_FAILED] certificate verify failed: * (", "invalid peer certificate: *"},
			noPackage + "the index's certificate is not trusted ($1); name the authority's file with ca_cert",
		},
		{
			[]string{"SSLError", "SSLCertVerificationError", "[SSL: ", "confirming the ssl certificate",
				"received corrupt message of type"},
			noPackage + "the encrypted connection to the index failed; check index_url, ca_cert and the proxy",
		},
		{
			[]string{"401 Client Error", "401 Error", "status code 401", "403 Client Error", "403 Error", "status code 403",
				"(401 Unauthorized)", "returned a 403 Forbidden error"},
			noPackage + "the index refuses the credentials; check the user and the password in index_url",
		},
		{
			[]string{
				"too many * error responses", "HTTP status server error (*)", "Server Error: * for url",
				"HTTP error 500", "HTTP error 502", "HTTP error 503", "HTTP error 504",
			},
			noPackage + "the index, or a proxy before it, answers with an error of its own ($1); try again later, or set " +
				"another index_url",
		},
	}
}

// networkCauses lists what keeps the host from reaching the index.
func networkCauses() []cause {
	return []cause{
		{
			[]string{
				"Name or service not known", "Temporary failure in name resolution", "No address associated",
				"nodename nor servname", "NameResolutionError",
			},
			noPackage + "the index's name cannot be resolved; check the host's DNS, or set index_url or a proxy",
		},
		{
			[]string{"Network is unreachable", "No route to host"},
			noPackage + "the host has no way to the network; check its route, or set index_url or a proxy",
		},
		{
			[]string{"Connection refused"},
			noPackage + "the index refuses connections; check index_url and that it runs",
		},
		{
			[]string{
				"ConnectTimeout", "ReadTimeout", "timed out", "Connection aborted", "Connection reset",
				"ConnectionResetError", "RemoteDisconnected", "IncompleteRead",
				"connection closed before message completed", "end of file before message length reached",
			},
			noPackage + "the index does not answer, or the connection broke; check the network, the firewall and the proxy, " +
				"and try again",
		},
		{
			[]string{"Failed to fetch: `*`", "Failed to fetch: *"}, // uv, of whatever else
			noPackage + "uv cannot fetch $1; check index_url, the network and the proxy",
		},
	}
}

// damagedCauses is that a package is none, where packages come from an index.
func damagedCauses() []cause {
	return []cause{
		{
			[]string{"Wheel '*' located at * is invalid", "JSONDecodeError", "BadZipFile",
				"Received some unexpected JSON"},
			noPackage + "what the index answers is damaged, or is something else; check index_url, and whether a proxy " +
				"or a login page of the network answers in its place",
		},
	}
}

// damagedWheels is the same where they come from a wheelhouse.
func damagedWheels() []cause {
	return []cause{
		{
			[]string{"Wheel '*' located at * is invalid", "BadZipFile"},
			"a wheel ($1) is damaged; copy the wheelhouse again, or build it anew",
		},
	}
}

// packageCauses lists what packages, the interpreter and the host can be short of.
func packageCauses(from Source) []cause {
	return []cause{
		{
			[]string{"THESE PACKAGES DO NOT MATCH THE HASHES"},
			"a package is not the one whose hash is on record; a mirror may be damaged, or somebody changed the package",
		},
		{
			[]string{"requires a different Python: * not in '*'", "current Python version (*) does not satisfy Python* and"},
			"the interpreter is Python $1 and the package needs $2; set python to a newer one, or version to an older Patroni",
		},
		{
			[]string{"Cannot import build backend", "BackendUnavailable", "backend-unavailable"},
			"a package's build tools could not be loaded; " + from.String() + " may not have them$settings",
		},
		{
			[]string{
				"ERROR: ResolutionImpossible", "conflicting dependencies",
				"Because * depends on *, we can conclude that", // uv's
			},
			"the packages that were asked for exclude each other$settings; loosen version or constraints, or those that pip's " +
				"configuration sets",
		},
		{
			[]string{"MemoryError", "Cannot allocate memory", "signal: killed", "died with <Signals.SIGKILL", "Killed"},
			"it was killed, or got no memory; the host may be short of it (journalctl -k tells of the kernel's OOM killer)",
		},
		{
			[]string{
				"No module named venv", "No module named 'venv", "No module named ensurepip", "No module named 'ensurepip",
				"ensurepip is not available",
			},
			"the interpreter has no module venv; install python3-venv, or set python to a complete one",
		},
		{
			// pipx asks the venv's Python where its packages are, and takes all that it prints for the answer.
			[]string{"venvs/patroni/bin/python: No module named pip"},
			"pipx did not find out where the venv has its packages; see whether the interpreter prints anything when it " +
				"starts (python3 -c ''), such as by a sitecustomize.py or a .pth file, and keep it from that",
		},
		{
			[]string{"No module named pip\n", "No module named 'pip'"},
			"the interpreter has no pip; install the package python3-pip, or leave prerequisites unset (in the role: " +
				"patroni_prerequisites), which installs it if it is needed",
		},
		{
			[]string{"there is no pip, neither in"}, // newest.py
			"the interpreter has no pip; install python3-pip, or on the Debian family python3-venv",
		},
		{
			[]string{"[Errno 13] Permission denied: '*'"},
			"the user may not write $1; check who owns the home and what is in it",
		},
		{
			// A program of that name begins with the path of the interpreter whose place it took: itself.
			[]string{"Too many levels of symbolic links: '*/venvs/patroni/bin/python"},
			"a package has a program of its own that is named python, which took the place of the interpreter in the venv; " +
				"ask for another version, other extras or other constraints, without that package",
		},
		{
			// A pipx that is at work runs: the last line of its traceback tells more than any advice.
			[]string{"/pipx/main.py\", line *, in run_pipx_command"},
			"",
		},
		{
			// A traceback that begins in pipx's own program, and ends in its cause.
			[]string{`/bin/pipx", line`, `/pipx/__main__.py", line`},
			"pipx itself does not run; try it as the user (pipx --version), and reinstall it by the package manager, " +
				"or if pip installed it: python3 -m pip install --user --force-reinstall pipx",
		},
	}
}
