package install

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// reportOf is the report of a run, or of a check, with 3 ms for every step.
func reportOf(t *testing.T, arguments string, o *sketch, out Outcome, check bool) *Report {
	t.Helper()
	p, err := planFor(t, desired(t, arguments), o)
	if err != nil {
		t.Fatal(err)
	}
	r := newReport(result{plan: p}, txn.NothingPending)
	if check {
		if err := r.predict(txn.NothingPending, false); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if p.Why != "" {
		r.outcome = out
		r.took = []Took{{"build", venv, 2 * time.Second}, {"verify", venv, time.Second}}
	}
	change, err := p.Switch(r.outcome)
	if err != nil {
		t.Fatal(err)
	}
	for _, steps := range [][]txn.Step{p.Packages, p.Stage, change} {
		for _, s := range steps {
			r.done = append(r.done, txn.Done{Step: s, Took: 3 * time.Millisecond})
		}
	}
	return r
}

func TestMessages(t *testing.T) {
	edited := func(o *sketch) { o.file(unitFile, editedUnit, fsys.Attr{Mode: 0o644}) }
	same := func(*sketch) {}
	for name, c := range map[string]struct {
		arguments  string
		edit       func(o *sketch)
		run, check string
	}{
		"nothing to do": {`{}`, same, "Patroni 4.0.7 is installed as it should be; nothing had to be changed.", ""},
		"fresh": {
			`{}`, func(o *sketch) { o.Installed = nil; o.noBin() }, "Patroni 4.1.5 was installed.", "Patroni would be installed.",
		},
		"upgrade": {
			`{"version": "4.1.5"}`, same, "Patroni 4.1.5 was installed in place of 4.0.7, since version 4.1.5 was asked for.",
			"Patroni 4.1.5 would be installed in place of 4.0.7, since version 4.1.5 was asked for.",
		},
		"repair": {
			`{}`, func(o *sketch) { o.Installed.Problems = []string{"its interpreter is gone"} },
			"Patroni 4.1.5 was rebuilt, since it was broken: its interpreter is gone.",
			"Patroni 4.0.7 would be rebuilt, since it was broken: its interpreter is gone.",
		},
		"a part": {
			`{}`, edited, "Patroni 4.0.7 is installed; changed: unit.",
			"Patroni 4.0.7 is installed; would change: unit.",
		},
		"several parts": {
			`{}`, func(o *sketch) {
				edited(o)
				o.dir("/etc/patroni", users)
				delete(o.Entries, binDir+"/patroni")
				delete(o.Entries, binDir+"/patronictl")
			},
			"Patroni 4.0.7 is installed; changed: link, configuration directory and unit.",
			"Patroni 4.0.7 is installed; would change: link, configuration directory and unit.",
		},
		"unit not read": {
			`{}`, func(o *sketch) { o.Service.LoadState = "not-found" }, "Patroni 4.0.7 is installed; changed: systemd's view of the unit.",
			"Patroni 4.0.7 is installed; would change: systemd's view of the unit.",
		},
		"unit read before it was edited": {
			`{}`, func(o *sketch) { o.Service.NeedDaemonReload = true }, "Patroni 4.0.7 is installed; changed: systemd's view of the unit.",
			"Patroni 4.0.7 is installed; would change: systemd's view of the unit.",
		},
		"removal": {
			`{"state": "absent"}`, same, "Patroni was removed: unit, link, shell profile and " + treeName + ".",
			"Patroni would be removed: unit, link, shell profile and " + treeName + ".",
		},
		"nothing to remove": {`{"state": "absent"}`, func(o *sketch) { *o = *bare(t, `{"state": "absent"}`) },
			"Patroni is not installed; nothing had to be changed.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for check, want := range map[bool]string{false: c.run, true: c.check} {
				o := healthy(t, c.arguments)
				c.edit(o)
				if want == "" {
					want = c.run
				}
				got := reportOf(t, c.arguments, o, built(), check).Result(false)
				if got.Msg != want {
					t.Errorf("check %t:\n got %s\nwant %s", check, got.Msg, want)
				}
				if changed := !strings.HasSuffix(want, "nothing had to be changed."); got.Changed != changed {
					t.Errorf("check %t: changed %t, want %t", check, got.Changed, changed)
				}
			}
		})
	}
}

// TestRecoveryIsAChange: what an interrupted run left was changed, though the plan was empty.
func TestRecoveryIsAChange(t *testing.T) {
	p, err := planFor(t, desired(t, `{}`), healthy(t, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	got := newReport(result{plan: p}, txn.Finished).Result(true)
	want := ansible.Result{
		Changed: true, Msg: "Patroni 4.0.7 is installed; changed: what an interrupted run left.",
		Warnings: []string{"an earlier run was interrupted; its changes were finished first"},
	}
	if diff := cmp.Diff(want, ansible.Result{Changed: got.Changed, Msg: got.Msg, Warnings: got.Warnings,
		Diff: got.Diff}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPredictionsOfInterruptedHosts(t *testing.T) {
	for name, c := range map[string]struct {
		pending txn.Recovery
		busy    bool
		want    string
	}{
		"undone":   {txn.Undone, false, "has its changes undone first"},
		"finished": {txn.Finished, false, "has its changes finished first"},
		"busy":     {txn.Undone, true, "another run is changing this host right now"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := planFor(t, desired(t, `{}`), healthy(t, `{}`))
			if err != nil {
				t.Fatal(err)
			}
			r := newReport(result{plan: p}, txn.NothingPending)
			if err := r.predict(c.pending, c.busy); err != nil {
				t.Fatal(err)
			}
			if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], c.want) {
				t.Errorf("warnings %q, want one with %q", r.Warnings, c.want)
			}
			if got := r.Result(false); !got.Changed || !strings.Contains(got.Msg, "would change: what an interrupted run left") {
				t.Errorf("changed=%t, %q; the real run recovers, and says so", got.Changed, got.Msg)
			}
		})
	}
}

func ignoreEmpty() cmp.Option {
	return cmp.FilterValues(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())
}

// step is what Ansible is told of a step.
func toldStep(name, action, where string, milliseconds any) map[string]any {
	s := map[string]any{"name": name, "action": action, "path": where}
	if milliseconds != nil {
		s["milliseconds"] = milliseconds
	}
	return s
}

func TestStepsOfTheResult(t *testing.T) {
	arguments := `{"version": "4.1.5"}`
	got := reportOf(t, arguments, healthy(t, arguments), withoutOldHome(built()), false).Result(false)
	want := []map[string]any{
		toldStep("build", "run", venv, int64(2000)),
		toldStep("verify", "run", venv, int64(1000)),
		toldStep(treeName, "change", venv, int64(3)),
		toldStep("link", "create", binDir+"/patroni_aws", int64(3)),
	}
	if diff := cmp.Diff(want, got.Extra["steps"]); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	o := healthy(t, `{}`)
	o.dir("/etc/patroni", users)
	got = reportOf(t, `{}`, o, Outcome{}, true).Result(false)
	want = []map[string]any{toldStep("configuration directory", "change", "/etc/patroni", nil)}
	if diff := cmp.Diff(want, got.Extra["steps"]); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
}

// TestDiff is shown only to who asked for it, and holds of a profile nothing but the block.
func TestDiff(t *testing.T) {
	arguments := `{"version": "4.1.5"}`
	o := healthy(t, arguments)
	o.Pipx = nil
	o.Packages = Packages{Missing: []string{"pipx"},
		Add: []pkgmgr.Package{{Name: "pipx", Version: "1.1.0-1", Arch: "all"}}}
	o.dir("/etc/patroni", fsys.Attr{Mode: 0o755, UID: 26, GID: 27})
	o.file(home+"/.bashrc", "export SECRET=1\n", fsys.Attr{Mode: 0o600, UID: 26, GID: 27})
	r := reportOf(t, arguments, o, withoutOldHome(built()), false)
	if diff := r.Result(false).Diff; diff != nil {
		t.Errorf("a diff that nobody asked for: %v", diff)
	}
	header := func(text, before, after string) ansible.Diff {
		return ansible.Diff{Before: before, After: after, BeforeHeader: text, AfterHeader: text}
	}
	block := r.Result(true).Diff[4]
	if strings.Contains(block.Before+block.After, "SECRET") || !strings.Contains(block.After, binDir) {
		t.Errorf("diff of the profile: %+v", block)
	}
	want := []ansible.Diff{
		header("package set pipx", "", "pipx=1.1.0-1\n"),
		header(treeName+" "+venv, oldText, newText),
		header("link "+binDir+"/patroni_aws", "", "link to "+venv+"/bin/patroni_aws\n"),
		header("configuration directory /etc/patroni", "directory 0755 26:27\n", "directory 0700 26:27\n"),
		header("shell profile "+home+"/.bashrc", block.Before, block.After),
	}
	if diff := cmp.Diff(want, r.Result(true).Diff); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFacts(t *testing.T) {
	service := map[string]any{
		"name": "patroni", "unit": unitFile, "load_state": "loaded", "active_state": "", "enabled_state": "",
	}
	base := func(facts map[string]any) map[string]any {
		all := map[string]any{
			"version": nil, "previous_version": "4.0.7", "python": nil, "pipx": "1.7.1", "venv": venv, "bin_dir": binDir,
			"config_dir": "/etc/patroni", "apps": []string{}, "packages": map[string]string{}, "service": service,
		}
		maps.Copy(all, facts)
		return all
	}
	old := map[string]string{"patroni": "4.0.7", "click": "8.1.7", "psycopg2-binary": "2.9.9", "python-etcd": "0.4.5"}
	for name, c := range map[string]struct {
		arguments string
		check     bool
		want      map[string]any
	}{
		"no-op": {`{}`, false, base(map[string]any{
			"version": "4.0.7", "python": "3.11", "apps": []string{"patroni", "patronictl"}, "packages": old,
		})},
		"upgrade": {`{"version": ">4.1"}`, false, base(map[string]any{
			"version": "4.1.5", "python": "3.11", "apps": built().Tree.Apps, "packages": built().Tree.Packages,
			"pipx": "1.1.0",
		})},
		"predicted":                {`{"version": "4.1.5"}`, true, base(map[string]any{"version": "4.1.5"})},
		"predicted by a specifier": {`{"version": ">4.1"}`, true, base(nil)},
		"absent":                   {`{"state": "absent"}`, false, base(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			got := reportOf(t, c.arguments, healthy(t, c.arguments), built(), c.check).Result(false)
			if diff := cmp.Diff(c.want, got.Extra["patroni"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]any{"pgedge_patroni": got.Extra["patroni"]}, got.AnsibleFacts); diff != "" {
				t.Errorf("ansible_facts (-want +got):\n%s", diff)
			}
			if _, err := jsonvalue.Encode(got.Extra); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPredictedContents: what a check foretells of the tree does not speak of a choice if there is none.
func TestPredictedContents(t *testing.T) {
	for version, want := range map[string]string{
		"4.1.5": "patroni[psycopg2-binary,etcd]==4.1.5 (predicted, with what it needs)\n",
		">4.1":  "patroni[psycopg2-binary,etcd]>4.1 (predicted: the newest that satisfies this)\n",
	} {
		arguments := `{"version": "` + version + `"}`
		for _, d := range reportOf(t, arguments, healthy(t, arguments), Outcome{}, true).diff() {
			if strings.HasPrefix(d.AfterHeader, treeName) && d.After != want {
				t.Errorf("%s (-want +got):\n%s", version, cmp.Diff(want, d.After))
			}
		}
	}
}
