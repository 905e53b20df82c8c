package install

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// setClock gives everything that is on the machine the time of a clock which jumped there.
func (m *machine) setClock(at time.Time) {
	times := []unix.Timespec{unix.NsecToTimespec(at.UnixNano()), unix.NsecToTimespec(at.UnixNano())}
	m.each(func(name string, _ fs.FileInfo) {
		m.must(unix.UtimesNanoAt(unix.AT_FDCWD, m.real(name), times, unix.AT_SYMLINK_NOFOLLOW))
	})
}

// TestClockJumps lets the clock jump between any two operations, to the far future and back before
// everything else: what is done depends on no time of any file, in a recovery neither, and the next
// run finds nothing to do.
func TestClockJumps(t *testing.T) {
	future, past := time.Date(2105, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC)
	eachScenario(t, func(t *testing.T, s scenario) {
		x := newMatrix(t, s)
		for n := range len(x.operations) + 1 { // killed at operation n, 0 is never
			if n > 0 && n%7 != 0 {
				continue // each jump touches every file
			}
			m := x.start.clone(t)
			kill := m.killAt(n)
			killing, count := m.fault, 0
			m.fault = func(kind, object string) error {
				at := past
				if count++; count%2 == 0 {
					at = future
				}
				m.setClock(at.Add(time.Duration(count) * time.Hour)) // never the same time again
				return killing(kind, object)
			}
			err := m.live(func() error { _, err := m.installer(s.arguments).Run(t.Context()); return err })
			if (err != nil) != kill.dead {
				t.Errorf("killed at %d (%t): error %v", n, kill.dead, err)
			}
			m.setClock(past)
			m.must(m.recover())
			m.setClock(future)
			after := x.isAfter(t, m, fmt.Sprintf("killed at %d", n))
			if n == 0 && !after {
				t.Error("the run did not lead to the state after")
			}
			if again := m.run(s.arguments); after && again.Changed() {
				t.Errorf("killed at %d: the next run found something to do: %s", n, again.message())
			}
		}
	})
}
