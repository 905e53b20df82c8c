package systemd

// hardening are directives that drop privileges which neither Patroni, PostgreSQL nor the operator's commands need.
// Much is missing here because of these commands. Callbacks, archive and restore commands use sudo, and every
// directive that filters system calls disables set-id programs as well. Data directories, sockets and tablespaces may
// be anywhere, in /home and /tmp too.
func hardening() []directive {
	return []directive{
		{"The system's programs are not for a database to write. What is built by hand may keep its data below\n" +
			"/usr/local, as PostgreSQL's own documentation has it.",
			"ProtectSystem", "true"},
		{"", "ReadWritePaths", "-/usr/local"},
		{"Limits of memory and processors are systemd's to set.", "ProtectControlGroups", "true"},
		{"What no program of a cluster does, also not as root by sudo: set the clock, read the kernel's log, reach the\n" +
			"hardware's ports, change labels, terminals' settings or process accounting, wake the machine.",
			"CapabilityBoundingSet", "~CAP_SYS_TIME CAP_SYSLOG CAP_SYS_RAWIO CAP_MAC_ADMIN CAP_MAC_OVERRIDE " +
				"CAP_SYS_TTY_CONFIG CAP_SYS_PACCT CAP_WAKE_ALARM"},
		{"Key rings are of no other service's.", "KeyringMode", "private"},
	}
}
