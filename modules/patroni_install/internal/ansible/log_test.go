package ansible

import (
	"errors"
	"log/syslog"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type journalEntry struct {
	Message string
	Fields  map[string]string
}

// recorder keeps what is logged.
type recorder struct {
	journal []journalEntry
	syslog  []string
	refuse  bool
}

func (r *recorder) logs() logs {
	return logs{
		journal: func(message string, fields map[string]string) error {
			if r.refuse {
				return errors.New("no space left on device")
			}
			r.journal = append(r.journal, journalEntry{message, fields})
			return nil
		},
		syslog: func(facility syslog.Priority, tag, message string) error {
			r.syslog = append(r.syslog, facilityName(facility)+" "+tag+": "+message)
			return nil
		},
	}
}

func facilityName(facility syslog.Priority) string {
	return map[syslog.Priority]string{syslog.LOG_USER: "user", syslog.LOG_LOCAL3: "local3"}[facility]
}

func TestInvokedGoesToTheJournal(t *testing.T) {
	spec := Spec{Name: "tryout", Arguments: []Argument{
		{Name: "name"}, {Name: "priority"}, {Name: "a-b"}, {Name: "force", Type: Bool}, {Name: "list", Type: List},
		{Name: "token", NoLog: true}, {Name: "db_password"}, {Name: "url", Credentials: true}, {Name: "other"}, {Name: "unset"},
	}}
	req, err := ParseRequest(spec, []byte(`{"name": "n", "priority": "high", "a-b": "c", "force": "yes", "list": "a,b",
		"token": "t0ken", "db_password": "pw", "url": "https://t0ken2@host/", "other": "ftp://u:p@h and t0ken",
		"_ansible_module_name": "ns.c.tryout", "_ansible_target_log_info": "job=7", "_ansible_syslog_facility": "LOG_LOCAL3"}`))
	if err != nil {
		t.Fatal(err)
	}
	var r recorder
	r.logs().invoked(req)
	want := []journalEntry{{
		"ansible-ns.c.tryout job=7 Invoked with a-b=c db_password=NOT_LOGGING_PASSWORD force=True list=['a', 'b'] name=n " +
			"other=ftp://u:********@h and ******** priority=high token=NOT_LOGGING_PARAMETER unset=None url=https:********@host/",
		map[string]string{
			"MODULE": "tryout", "SYSLOG_FACILITY": "19", "NAME": "n", "FORCE": "True", "LIST": "['a', 'b']",
			"TOKEN": "NOT_LOGGING_PARAMETER", "DB_PASSWORD": "NOT_LOGGING_PASSWORD", "UNSET": "None",
			"OTHER": "ftp://u:********@h and ********", "URL": "https:********@host/",
		},
	}}
	if diff := cmp.Diff(want, r.journal); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	if len(r.syslog) > 0 {
		t.Errorf("also in syslog: %v", r.syslog)
	}
}

func TestInvokedFallsBackToSyslog(t *testing.T) {
	spec := Spec{Name: "tryout", Arguments: []Argument{{Name: "name"}}}
	req, err := ParseRequest(spec, []byte(`{"name": "n"}`))
	if err != nil {
		t.Fatal(err)
	}
	refusing := recorder{refuse: true}
	refusing.logs().invoked(req)
	var absent recorder
	without := absent.logs()
	without.journal = nil
	without.invoked(req)
	want := []string{"user ansible-tryout: Invoked with name=n"}
	if diff := cmp.Diff(want, refusing.syslog); diff != "" {
		t.Errorf("journal refuses (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, absent.syslog); diff != "" {
		t.Errorf("journal absent (-want +got):\n%s", diff)
	}
	logs{}.invoked(req) // nowhere to go is no failure
}

func TestInvokedWithoutArguments(t *testing.T) {
	req, err := ParseRequest(Spec{Name: "tryout"}, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	var r recorder
	r.logs().invoked(req)
	if len(r.journal) != 1 || r.journal[0].Message != "ansible-tryout Invoked" {
		t.Errorf("journal %v", r.journal)
	}
}

func TestNoLogIsSilent(t *testing.T) {
	req := parse(t, `{"_ansible_no_log": true, "name": "n"}`)
	var r recorder
	r.logs().invoked(req)
	Logger{send: r.logs().journal, req: req}.Info("progress")
	if len(r.journal)+len(r.syslog) > 0 {
		t.Errorf("journal %v, syslog %v", r.journal, r.syslog)
	}
}

func TestLogger(t *testing.T) {
	req := parse(t, `{"token": "t0ken", "_ansible_target_log_info": "job=7", "_ansible_module_name": "ns.c.tryout"}`)
	var r recorder
	Logger{send: r.logs().journal, req: req}.Info("logged in with t0ken")
	want := []journalEntry{{"job=7 logged in with ********",
		map[string]string{"SYSLOG_IDENTIFIER": "tryout", "SYSLOG_FACILITY": "1"}}}
	if diff := cmp.Diff(want, r.journal); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	refusing := recorder{refuse: true}
	Logger{send: refusing.logs().journal, req: req}.Info("a full disk is no failure")
	Logger{}.Info("nor is silence")
}

func TestFacilityNumber(t *testing.T) {
	for name, want := range map[string]string{"LOG_USER": "1", "LOG_LOCAL7": "23", "LOG_AUTHPRIV": "10",
		"INFO": "1", "": "1"} {
		if got := (&Request{SyslogFacility: name}).facility(); got != want {
			t.Errorf("%q is facility %s, want %s", name, got, want)
		}
	}
}
