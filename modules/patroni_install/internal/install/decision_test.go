package install

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// answers is who is asked, and notes what for.
type answers struct {
	problem string
	index   Answer
	wheels  pipx.Contents
	err     error
	asked   []string
}

func (a *answers) Trial(context.Context) (string, error) {
	a.asked = append(a.asked, "trial")
	return a.problem, a.err
}

func (a *answers) Index(context.Context) (Answer, error) {
	a.asked = append(a.asked, "index")
	return a.index, a.err
}

func (a *answers) Wheels(_ context.Context, wanted []wanted) (pipx.Contents, error) {
	a.asked = append(a.asked, "wheels for "+wanted[0].needs.Requirements[0])
	return a.wheels, a.err
}

// TestDecide: each reason for a build counts before those below it, and who can be spared a question is not asked.
func TestDecide(t *testing.T) {
	const extras = "patroni[psycopg2-binary,etcd]"
	newer := pipx.Contents{Files: []string{"patroni-4.1.5-py3-none-any.whl"}, Newest: "4.1.5"}
	for name, c := range map[string]struct {
		arguments string
		edit      func(o *sketch)
		answers   answers
		want      Decision
		asked     []string
	}{
		"healthy": {arguments: `{}`, want: Decision{Kept: "4.0.7", Requirement: extras + "==4.0.7"}},
		"missing, though the newest is wanted": {
			arguments: `{"state": "latest", "verify": "full"}`, edit: func(o *sketch) { o.Installed = nil },
			want: Decision{Why: "Patroni is not installed", Requirement: extras},
		},
		"missing, and pipx comes by pip": {
			arguments: `{}`, edit: func(o *sketch) { o.Installed, o.Pipx, o.Family = nil, nil, families()[1] },
			want: Decision{Why: "Patroni is not installed", Requirement: extras, BringsPipx: true},
		},
		"broken, and of another version": {
			arguments: `{"version": "4.1.5", "verify": "full"}`,
			edit:      func(o *sketch) { o.Installed.Problems = []string{"a", "b"} },
			want:      Decision{Why: "it was broken: a; b", Problems: []string{"a", "b"}, Requirement: extras + "==4.1.5"},
		},
		"broken, and the manifest tells its version": {
			arguments: `{}`, edit: func(o *sketch) {
				o.Installed.Problems, o.Installed.Version, o.Installed.Recorded = []string{"a"}, "", "4.0.6"
			},
			want: Decision{Why: "it was broken: a", Problems: []string{"a"}, Kept: "4.0.6", Requirement: extras + "==4.0.6"},
		},
		"another version, and another Python": {
			arguments: `{"version": "4.1.5", "python": "/opt/python3.12"}`, edit: func(o *sketch) { o.Asked.Version = "3.12" },
			want: Decision{Why: "version 4.1.5 was asked for", Requirement: extras + "==4.1.5"},
		},
		"another Python, and an extra": {
			arguments: `{"python": "/opt/python3.12"}`, edit: func(o *sketch) {
				o.Installed = inspected(t, "etcd")
				o.Asked.Version = "3.12"
			},
			want: Decision{Why: "it was made for Python 3.11, and /opt/python3.12 was asked for", Kept: "4.0.7",
				Requirement: extras + "==4.0.7"},
		},
		"another lock, and an extra": {
			arguments: `{"verify": "full", "lockfile": "/l", "_lockfile": ` + quoted(lockText("4.0.7")) + `}`,
			edit: func(o *sketch) {
				o.Installed = inspected(t, "etcd")
				o.Installed.Packages["click"] = "7.0"
			},
			want: Decision{Why: "the lock file has click 8.1.7 in place of 7.0", Requirement: extras + "==4.0.7"},
		},
		"an extra, and the newest": {
			arguments: `{"state": "latest", "verify": "full"}`, edit: func(o *sketch) { o.Installed = inspected(t, "etcd") },
			want: Decision{Why: "it lacked psycopg2-binary", Requirement: extras},
		},
		"a trial that fails, and the newest": {
			arguments: `{"state": "latest", "verify": "full"}`, answers: answers{problem: "it fails"}, asked: []string{"trial"},
			want: Decision{Why: "it was broken: it fails", Problems: []string{"it fails"}, Requirement: extras},
		},
		"the newest": {
			arguments: `{"state": "latest", "verify": "full"}`, answers: answers{index: Answer{Newest: "4.1.5"}},
			asked: []string{"trial", "index"},
			want:  Decision{Why: "the package index has 4.1.5", Newest: "4.1.5", Requirement: extras + "==4.1.5"},
		},
		"nothing newer": {
			arguments: `{"state": "latest"}`, asked: []string{"index"}, want: Decision{Requirement: extras},
		},
		"no answer": {
			arguments: `{"state": "latest"}`, answers: answers{index: Answer{Unknown: true, Warning: "no route"}},
			asked: []string{"index"},
			want:  Decision{Why: "the package index may have a newer one", Requirement: extras, Warnings: []string{"no route"}},
		},
		"the newest of a wheelhouse": {
			arguments: `{"state": "latest", "wheelhouse": "/w"}`, answers: answers{wheels: newer},
			asked: []string{"wheels for " + extras},
			want:  Decision{Why: "the wheelhouse has 4.1.5", Newest: "4.1.5", Requirement: extras + "==4.1.5", Wheels: &newer},
		},
		"a wheelhouse that decides nothing": {arguments: `{"wheelhouse": "/w"}`, want: Decision{Kept: "4.0.7", Requirement: extras + "==4.0.7"}},
		"a wheelhouse to build from": {
			arguments: `{"version": "4.1.5", "wheelhouse": "/w"}`, answers: answers{wheels: newer},
			asked: []string{"wheels for " + extras + "==4.1.5"},
			want:  Decision{Why: "version 4.1.5 was asked for", Requirement: extras + "==4.1.5", Wheels: &newer},
		},
		"a removal": {
			arguments: `{"state": "absent", "verify": "full"}`, edit: func(o *sketch) { o.Installed.Problems = []string{"a"} },
			want: Decision{Problems: []string{"a"}},
		},
		"packages that fail": {
			arguments: `{"method": "package", "verify": "full"}`, answers: answers{problem: "it fails"},
			asked: []string{"trial"},
			want:  Decision{Problems: []string{"it fails"}, Kept: "4.0.7", Requirement: extras + "==4.0.7"},
		},
		"packages that this run has added": {
			arguments: `{"method": "package"}`, edit: func(o *sketch) { o.Before = &sketch{} }, asked: []string{"trial"},
			want: Decision{Kept: "4.0.7", Requirement: extras + "==4.0.7"},
		},
		"packages that are missing": {
			arguments: `{"method": "package", "verify": "full"}`, edit: func(o *sketch) { o.Installed = nil },
			want: Decision{Requirement: extras},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := desired(t, c.arguments)
			if want.Lockfile != "" {
				var err error
				if want, err = readSources(nil, want); err != nil {
					t.Fatal(err)
				}
			}
			o := healthy(t, c.arguments)
			if c.edit != nil {
				c.edit(o)
			}
			got, err := Decide(t.Context(), &want, o.view(), &c.answers)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.asked, c.answers.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			c.answers.err = errors.New("no answer")
			if _, err := Decide(t.Context(), &want, o.view(), &c.answers); (err != nil) != (len(c.asked) > 0) {
				t.Errorf("who is asked has no answer: %v", err)
			}
		})
	}
}
