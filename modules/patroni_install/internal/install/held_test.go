package install

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// stalled is a namespace in which a command that has this word in it does not end before its context, and what it gives
// then.
type stalled struct {
	Namespace

	word string
	end  func(ctx context.Context, argv []string) error
}

func (s stalled) Run(ctx context.Context, cmd host.Command) (host.Output, error) {
	if !slices.Contains(cmd.Argv, s.word) {
		return s.Namespace.Run(ctx, cmd)
	}
	if deadline, bounded := ctx.Deadline(); !bounded || time.Until(deadline) > time.Minute {
		return host.Output{}, errors.New("nothing bounds it")
	}
	<-ctx.Done()
	return host.Output{}, s.end(ctx, cmd.Argv)
}

func wasStopped(ctx context.Context, argv []string) error {
	return &host.CommandError{Argv: argv, Code: -1, Cause: context.Cause(ctx)}
}

func isHeld(_ context.Context, argv []string) error {
	return &host.HeldError{Argv: argv,
		By: "its process 12 (pipx) is traced by process 34 (hold); end that one (kill -9 34) and run this again"}
}

// stalling is an installer whose commands with this word stall.
func (m *machine) stalling(arguments, word string, end func(context.Context, []string) error) *Installer {
	i := m.installer(arguments)
	i.Want.Timeout = 50 * time.Millisecond
	i.Namespace = func(files *fsys.FS, binds []mountns.Bind) (Namespace, error) {
		ns, err := m.namespace(files, binds)
		return stalled{ns, word, end}, err
	}
	return i
}

// TestLookIsBounded: the user can stop the process that looks into a wheelhouse, or have its own pip loop for ever.
// That ends a check and a run alike, before anything is changed.
func TestLookIsBounded(t *testing.T) {
	const arguments = `{"wheelhouse": "/srv/wheels", "remote_src": true}`
	for name, c := range map[string]struct {
		end  func(context.Context, []string) error
		want []string
	}{
		"stopped": {wasStopped, []string{"cannot look into wheelhouse /srv/wheels as user postgres: that did not end within 50ms; ", "ps -u postgres"}},
		"held":    {isHeld, []string{"cannot look into wheelhouse /srv/wheels", "traced by process 34 (hold)"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.run(`{}`) // so that there is somebody who knows what fits
			m.remove(venv)
			m.write("/srv/wheels/patroni-4.0.7-py3-none-any.whl", "wheel")
			before := m.state()
			_, foretold := m.stalling(arguments, "look", c.end).Check(t.Context())
			_, err := m.stalling(arguments, "look", c.end).Run(t.Context())
			if foretold == nil || err == nil || foretold.Error() != err.Error() {
				t.Fatalf("check: %v\nrun: %v", foretold, err)
			}
			for _, part := range append(c.want, "nothing was changed") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q lacks %q", err, part)
				}
			}
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("it changed something (-before +after):\n%s", diff)
			}
		})
	}
}

// TestHeldBuildIsLeft: what does not end may write once more, so nothing is undone beside it. The journal stays, and
// the next run, which waits for nobody, undoes the rest first.
func TestHeldBuildIsLeft(t *testing.T) {
	m := newMachine(t)
	before := m.state()
	_, err := m.stalling(`{}`, "install", isHeld).Run(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"cannot build Patroni: it was stopped: it took more than", "traced by process 34 (hold)",
		"kill -9 34", "the next run undoes it first"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("message %q lacks %q", err, part)
		}
	}
	if pending, err := m.installer(`{}`).transaction().Pending(); pending != txn.Undone || err != nil {
		t.Errorf("pending %q, %v", pending, err)
	}
	if recovery, err := m.installer(`{}`).Recover(t.Context()); recovery != txn.Undone || err != nil {
		t.Errorf("recovery %q, %v", recovery, err)
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("not undone (-before +after):\n%s", diff)
	}
}
