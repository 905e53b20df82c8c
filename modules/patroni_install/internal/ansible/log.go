package ansible

import (
	"log/syslog"
	"slices"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
)

// Logger writes lines to the host's journal. The zero value is silent.
type Logger struct {
	send func(message string, fields map[string]string) error
	req  *Request
}

// Info writes message, without secrets, to the journal under the module's name,
// so that journalctl -t NAME -f follows a long run. It is silent if there is no
// journal, and never fails: a run does not depend on its log.
func (l Logger) Info(message string) {
	if l.send == nil || l.req.NoLog {
		return
	}
	_ = l.send(l.req.logLine(message), map[string]string{
		"SYSLOG_IDENTIFIER": l.req.Params.spec.Name,
		"SYSLOG_FACILITY":   l.req.facility(),
	})
}

// logs are the places that a log line can go to; nil if there is none.
type logs struct {
	journal func(message string, fields map[string]string) error
	syslog  func(facility syslog.Priority, tag, message string) error
}

// hostLogs finds the host's logs.
func hostLogs() logs {
	l := logs{syslog: sendSyslog}
	if journal.Enabled() {
		l.journal = func(message string, fields map[string]string) error {
			return journal.Send(message, journal.PriInfo, fields)
		}
	}
	return l
}

func sendSyslog(facility syslog.Priority, tag, message string) error {
	w, err := syslog.New(facility|syslog.LOG_INFO, tag)
	if err != nil {
		return err
	}
	defer w.Close() //nolint:errcheck // what was written is sent
	return w.Info(message)
}

// invoked logs the call as AnsibleModule does: to the journal with a field for
// each argument, else to syslog. Without either it goes unlogged.
func (l logs) invoked(req *Request) {
	if req.NoLog {
		return
	}
	tag := "ansible-" + req.ModuleName
	values := req.loggedArgs()
	line := req.logLine(invocation(values))
	if l.journal != nil && l.journal(tag+" "+line, req.journalFields(values)) == nil {
		return
	}
	if l.syslog != nil {
		_ = l.syslog(facilityNumber(req.SyslogFacility), tag, line)
	}
}

func (r *Request) logLine(message string) string {
	if r.TargetLogInfo != "" {
		message = r.TargetLogInfo + " " + message
	}
	return r.Scrubber.String(message)
}

func invocation(values map[string]string) string {
	parts := []string{"Invoked"}
	for i, name := range sortedKeys(values) {
		if i == 0 {
			parts = append(parts, "with")
		}
		parts = append(parts, name+"="+values[name])
	}
	return strings.Join(parts, " ")
}

// loggedArgs returns the arguments as the log may show them.
func (r *Request) loggedArgs() map[string]string {
	values := map[string]string{}
	for name, value := range r.moduleArgs {
		arg, _ := r.Params.spec.lookup(name)
		switch {
		case isInternal(name):
		case arg.NoLog:
			values[name] = "NOT_LOGGING_PARAMETER"
		case looksLikePassword(name):
			values[name] = "NOT_LOGGING_PASSWORD"
		default:
			values[name] = r.Scrubber.String(maskPasswords(pyStr(value)))
		}
	}
	return values
}

// journalFields adds the arguments to the fields, except where the name belongs
// to the journal itself or is none that it accepts.
func (r *Request) journalFields(values map[string]string) map[string]string {
	fields := map[string]string{}
	for name, value := range values {
		if name = strings.ToUpper(name); isFieldName(name) {
			fields[name] = value
		}
	}
	fields["MODULE"] = r.Params.spec.Name
	fields["SYSLOG_FACILITY"] = r.facility()
	return fields
}

func isFieldName(name string) bool {
	return charset.MadeOf(name, charset.Alphanumeric+"_") && name[0] != '_' && !slices.Contains([]string{
		"PRIORITY", "MESSAGE", "MESSAGE_ID", "CODE_FILE", "CODE_LINE", "CODE_FUNC",
		"SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID",
	}, name)
}

func (r *Request) facility() string {
	return strconv.Itoa(int(facilityNumber(r.SyslogFacility) >> 3))
}

// facilityNumber is the facility of that name, LOG_USER when there is none.
func facilityNumber(name string) syslog.Priority {
	facility, ok := map[string]syslog.Priority{
		"LOG_KERN": syslog.LOG_KERN, "LOG_USER": syslog.LOG_USER, "LOG_MAIL": syslog.LOG_MAIL,
		"LOG_DAEMON": syslog.LOG_DAEMON, "LOG_AUTH": syslog.LOG_AUTH, "LOG_SYSLOG": syslog.LOG_SYSLOG,
		"LOG_LPR": syslog.LOG_LPR, "LOG_NEWS": syslog.LOG_NEWS, "LOG_UUCP": syslog.LOG_UUCP,
		"LOG_CRON": syslog.LOG_CRON, "LOG_AUTHPRIV": syslog.LOG_AUTHPRIV,
		"LOG_LOCAL0": syslog.LOG_LOCAL0, "LOG_LOCAL1": syslog.LOG_LOCAL1, "LOG_LOCAL2": syslog.LOG_LOCAL2,
		"LOG_LOCAL3": syslog.LOG_LOCAL3, "LOG_LOCAL4": syslog.LOG_LOCAL4, "LOG_LOCAL5": syslog.LOG_LOCAL5,
		"LOG_LOCAL6": syslog.LOG_LOCAL6, "LOG_LOCAL7": syslog.LOG_LOCAL7,
	}[name]
	if !ok {
		return syslog.LOG_USER
	}
	return facility
}
