package mountns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/kerneltest"
)

// filtered names the filter of system calls below which this program runs.
const filtered = "MOUNTNS_TEST_FILTER"

// denials are filters below which nothing can be mounted.
func denials() map[string]func() error {
	return map[string]func() error{
		"no namespaces": func() error { return kerneltest.Forbid(unix.EPERM, unix.SYS_UNSHARE) },
		"no mounts": func() error {
			return errors.Join(kerneltest.OldKernel(), kerneltest.Forbid(unix.EPERM, unix.SYS_MOUNT))
		},
	}
}

// filters are kernels, and filters of containers, that do not have the calls of today.
func filters() map[string]func() error {
	return map[string]func() error{
		"Linux 4.18": kerneltest.OldKernel,
		"Linux 5.4":  func() error { return kerneltest.Forbid(unix.ENOSYS, unix.SYS_MOUNT_SETATTR) },
		"no new calls": func() error {
			return kerneltest.Forbid(unix.EPERM, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_MOUNT_SETATTR)
		},
	}
}

func putOnFilter(name string) error {
	if name == "" {
		return nil
	}
	for _, known := range []map[string]func() error{filters(), denials()} {
		if filter, found := known[name]; found {
			return filter()
		}
	}
	return fmt.Errorf("there is no filter %q", name)
}

// again runs tests of this program below a filter, and returns what it prints.
func again(t *testing.T, filter, tests string) string {
	t.Helper()
	newPlace(t) // which says what this needs
	program := exec.Command("/proc/self/exe", "-test.v", "-test.run="+tests)
	program.Env = append(os.Environ(), filtered+"="+filter)
	out, err := program.CombinedOutput()
	if err != nil {
		t.Errorf("below filter %q: %v", filter, err)
	}
	return string(out)
}

// TestOtherKernels runs every test of this package that mounts something where the calls of today are missing.
func TestOtherKernels(t *testing.T) {
	if os.Getenv(filtered) != "" {
		return // it is one of those
	}
	listed, err := exec.Command("/proc/self/exe", "-test.list=^Test").Output()
	if err != nil {
		t.Fatal(err)
	}
	for filter := range filters() {
		t.Run(filter, func(t *testing.T) {
			out := again(t, filter, "^Test")
			for name := range strings.FieldsSeq(string(listed)) {
				if !strings.Contains(out, "--- PASS: "+name+" ") {
					t.Errorf("%s did not pass:\n%s", name, out)
					return
				}
			}
		})
	}
}

// mounters are the way to mount that this kernel gets, and the one by mount(2).
func mounters(files *fsys.FS, binds []Bind) map[string]func() (mounter, error) {
	return map[string]func() (mounter, error){
		"chosen":   func() (mounter, error) { return newMounter(files, binds) },
		"mount(2)": func() (mounter, error) { return &staged{files: files, binds: binds}, nil },
	}
}

// inNamespace runs work in a namespace that ends with it.
func inNamespace(t *testing.T, m mounter, work func() error) error {
	t.Helper()
	var err error
	host.OnFreshThread(func() { err = within(m, work) })
	return err
}

// within moves the calling thread into a new namespace for work.
func within(m mounter, work func() error) error {
	defer m.close()
	err := errors.Join(unix.Unshare(unix.CLONE_NEWNS), mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	if err == nil {
		err = m.entered()
	}
	if err == nil {
		err = work()
	}
	return err
}

// replaced moves a directory away and puts another one into its place, as the owner of its directory can.
func replaced(name string) error {
	return errors.Join(os.Rename(name, name+".away"), os.Mkdir(name, 0o755),
		os.WriteFile(filepath.Join(name, "decoy"), nil, 0o644))
}

// TestTargetReplacedBeforeTheMount: what comes into the place of the target after it was opened is not covered, and the
// run does not take it for what is covered.
func TestTargetReplacedBeforeTheMount(t *testing.T) {
	for name := range mounters(nil, nil) {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			m, err := mounters(p.files, []Bind{p.bind(t)})[name]()
			if err != nil {
				t.Fatal(err)
			}
			var now, away []string
			err = inNamespace(t, m, func() error {
				target, err := p.files.OpenDir(p.target)
				if err != nil {
					return err
				}
				defer target.Close() //nolint:errcheck // only a place
				if err := replaced(p.target); err != nil {
					return err
				}
				_, err = cover(p.files, m, 0, target)
				now, away = names(t, p.target), names(t, p.target+".away")
				return err
			})
			if err == nil || !strings.Contains(err.Error(), p.target+" was moved or replaced") {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff([][]string{{"decoy"}, {"staged"}}, [][]string{now, away}); diff != "" {
				t.Errorf("what was covered (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSourceReplacedBeforeTheMount: nothing is shown but what was opened.
func TestSourceReplacedBeforeTheMount(t *testing.T) {
	changes := map[string]func(string) error{
		"by a directory": replaced,
		"by a link": func(name string) error {
			return errors.Join(os.Rename(name, name+".away"), os.Symlink("/etc", name))
		},
		"by nothing": func(name string) error { return os.Rename(name, name+".away") },
	}
	for name := range mounters(nil, nil) {
		for how, change := range changes {
			t.Run(name+" "+how, func(t *testing.T) {
				p := newPlace(t)
				p.source = filepath.Join(filepath.Dir(p.target), "stage") // in a directory of the user's
				if err := errors.Join(os.Mkdir(p.source, 0o755), os.WriteFile(p.source+"/staged", nil, 0o644)); err != nil {
					t.Fatal(err)
				}
				m, err := mounters(p.files, []Bind{p.bind(t)})[name]()
				if err != nil {
					t.Fatal(err)
				}
				if err := change(p.source); err != nil {
					t.Fatal(err)
				}
				shows := []string{}
				err = inNamespace(t, m, func() error {
					_, err := attach(p.files, m, 0, p.target)
					shows = names(t, p.target)
					return err
				})
				if _, byName := m.(*staged); byName {
					if err == nil || !strings.Contains(err.Error(), p.source) || len(shows) > 0 {
						t.Errorf("got %v, and the target shows %q", err, shows)
					}
				} else if diff := cmp.Diff([]string{"staged"}, shows); err != nil || diff != "" {
					t.Errorf("got %v, and the target shows (-want +got):\n%s", err, diff)
				}
			})
		}
	}
}

// TestFlagsOfTheSource: a bind takes away no flag that the mount of its source has, and has no peer.
func TestFlagsOfTheSource(t *testing.T) {
	for name := range mounters(nil, nil) {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			flags := ""
			var m mounter
			show := func() error {
				_, err := attach(p.files, m, 0, p.target)
				flags = flagsOf(p.target)
				return err
			}
			err := inNamespace(t, &detached{}, func() error {
				err := mount("none", p.source, "tmpfs", unix.MS_RDONLY|unix.MS_NOEXEC|unix.MS_NOATIME, "")
				if err := errors.Join(err, mount("none", p.source, "", unix.MS_SHARED, "")); err != nil {
					return err
				}
				if m, err = mounters(p.files, []Bind{p.bind(t)})[name](); err != nil {
					return err
				}
				return within(m, show)
			})
			if diff := cmp.Diff("ro,nosuid,nodev,noexec,noatime -", flags); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// flagsOf are the flags of the mount at a place in this thread's namespace, and its peers.
func flagsOf(place string) string {
	text, _ := os.ReadFile("/proc/thread-self/mountinfo")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[4] == place {
			return fields[5] + " " + fields[6]
		}
	}
	return ""
}

// TestTry: what is tried leaves nothing, and if a filter forbids it, that is said.
func TestTry(t *testing.T) {
	p := newPlace(t)
	if _, forbids := denials()[os.Getenv(filtered)]; forbids {
		err := Try(p.files)
		if _, ok := errors.AsType[*ForbiddenError](err); !ok || !strings.Contains(err.Error(), "(seccomp) forbids ") {
			t.Errorf("got %v", err)
		}
		return
	}
	before := mountsOf(t)
	if err := Try(p.files); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, mountsOf(t)); diff != "" {
		t.Errorf("mounts (-before +after):\n%s", diff)
	}
	if os.Getenv(filtered) != "" {
		return
	}
	for filter := range denials() {
		if out := again(t, filter, "^TestTry$"); !strings.Contains(out, "--- PASS: TestTry ") {
			t.Errorf("below filter %q:\n%s", filter, out)
		}
	}
}

func mountsOf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func BenchmarkTry(b *testing.B) {
	files := fsys.New("/")
	for b.Loop() {
		if err := Try(files); err != nil {
			b.Fatal(err)
		}
	}
}
