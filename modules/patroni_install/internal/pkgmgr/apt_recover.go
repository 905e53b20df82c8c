package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Ready implements [Manager].
func (a apt) Ready(ctx context.Context) error { return a.refuseInterrupted(ctx, nil) }

// interrupted returns the names, sorted, of packages that dpkg left half done, except those of
// ours. While a package manager runs they are its business: call wait first.
func (a apt) interrupted(ours []Package) ([]string, error) {
	db, err := readDatabase(a.Host.FS)
	if err != nil {
		return nil, err
	}
	var names []string
	note := func(s stanza) {
		if !slices.ContainsFunc(ours, s.is) {
			names = append(names, string(s.name))
		}
	}
	for _, s := range db.pending {
		note(s)
	}
	for _, s := range db.stanzas {
		if !s.settled() {
			note(s)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// refuseInterrupted keeps apt-get from finishing somebody else's packages, as it would do on the
// way: that might restart services. Packages of ours may be half done.
func (a apt) refuseInterrupted(ctx context.Context, ours []Package) error {
	if err := a.wait(ctx); err != nil {
		return err
	}
	names, err := a.interrupted(ours)
	if err != nil || len(names) == 0 {
		return err
	}
	return fmt.Errorf("cannot change packages: dpkg was interrupted earlier and left %s unfinished; finish that with: "+
		"dpkg --configure -a (it may restart services of these packages), then run this again",
		strings.Join(names, ", "))
}

// Recover implements [Manager]. Nothing of the set is damaged afterwards, though some may be unpacked only. It starts
// no process when nothing was left.
//
// It calls dpkg, not apt-get -f: that would mend, configure or remove others' packages too, and
// fails when the lists no longer know the versions.
func (a apt) Recover(ctx context.Context, set []Package, dir string) error {
	if err := a.wait(ctx); err != nil {
		return err
	}
	before := ""
	for {
		db, err := readDatabase(a.Host.FS)
		if err != nil {
			return err
		}
		found := db.find(set)
		if len(db.pending) == 0 && !slices.ContainsFunc(found, func(m match) bool { return !m.settled() }) {
			return a.sweep(ctx)
		}
		// Packages may depend on each other, so a round may make the next one possible.
		now := describe(found, db.pending)
		if now == before {
			return judge(found)
		}
		before = now
		if err := a.repair(ctx, found, dir); err != nil {
			return err
		}
	}
}

// describe returns the states as text, to see whether a round changed anything.
func describe(found []match, pending []stanza) string {
	var text strings.Builder
	for _, m := range found {
		fmt.Fprintf(&text, "%s %s\n", ident(m.want), m.status)
	}
	fmt.Fprintf(&text, "%d", len(pending))
	return text.String()
}

// judge accepts packages that are not configured: they can be purged.
func judge(found []match) error {
	for _, m := range found {
		if m.damaged() {
			return fmt.Errorf("cannot recover %s: dpkg still has it %q; repair it with: apt-get install --reinstall %s",
				m.want, m.status, ident(m.want))
		}
	}
	return nil
}

// repair unpacks damaged packages again and configures those unpacked. Its commands' exit
// statuses do not count: dpkg's status does, afterwards. Either one also merges dpkg's journal.
func (a apt) repair(ctx context.Context, found []match, dir string) error {
	var archives, names []string
	for _, m := range found {
		file := path.Join(dir, archive(m.want))
		if m.damaged() && a.exists(file) {
			archives = append(archives, a.Host.FS.Real(file))
		}
		names = append(names, ident(m.want))
	}
	if len(archives) > 0 {
		if err := a.dpkg(ctx, "--unpack", archives...); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return nil
	}
	return a.dpkg(ctx, "--configure", names...)
}

// sweep removes the temporary file of a killed dpkg. It is harmless and the next dpkg that writes
// removes it: this one does so, since its stdin selects nothing, and changes nothing else.
func (a apt) sweep(ctx context.Context) error {
	if !a.exists(unfinishedUpdate) {
		return nil
	}
	return a.dpkg(ctx, "--set-selections")
}

func (a apt) exists(name string) bool {
	_, err := a.Host.FS.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// dpkg runs dpkg and reports only that it could not do so.
func (a apt) dpkg(ctx context.Context, operation string, objects ...string) error {
	cmd := a.command("dpkg", "--force-confdef", "--force-confold", operation)
	cmd.Argv = append(cmd.Argv, objects...)
	cmd.Detached = true
	_, err := a.exclusive(ctx, cmd)
	if _, ok := errors.AsType[*host.CommandError](err); ok {
		return nil
	}
	return err
}
