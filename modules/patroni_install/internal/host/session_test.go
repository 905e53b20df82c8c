package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// sessionVariable makes this program start a command as another user, as main does, instead of running tests, and print
// what that command has of the session that started this program.
const sessionVariable = "HOST_TEST_SESSION"

// secretKey is the description of a key of root's.
const secretKey = "patroni_install_test_secret"

func showChild() error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("-500"), 0)
	for _, resource := range []int{unix.RLIMIT_RTPRIO, unix.RLIMIT_NICE} {
		_ = unix.Setrlimit(resource, &unix.Rlimit{Cur: 20, Max: 20})
	}
	ForgetSession()
	cmd := sh(`echo keys $(grep -c ` + secretKey + ` /proc/keys)
		set -- $(sed 's/.*) //' /proc/self/stat); echo nice ${17} policy ${39}
		echo io $(ionice -p $$)
		echo personality $(cat /proc/self/personality)
		echo oom $(cat /proc/self/oom_score_adj)
		echo limits $(grep -E '^Max (nice|realtime) priority' /proc/self/limits | tr -dc '0-9 ')
		echo $(grep -E '^Cap(Inh|Prm|Eff|Amb):' /proc/self/status)`)
	cmd.User = &User{UID: 12345, GID: 23456}
	out, err := run(context.Background(), cmd)
	fmt.Print(string(out.Stdout))
	return err
}

// prepare gives the calling thread what a session of root's may have. What cannot be had here is told.
func prepare(t *testing.T) {
	t.Helper()
	must(t, joinKeyring())
	ring := int32(unix.KEY_SPEC_SESSION_KEYRING)
	_, err := unix.AddKey("user", secretKey, []byte("secret"), int(ring))
	must(t, err)
	for name, err := range map[string]error{
		"a real-time priority": unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 5}, 0),
		"a priority at disks":  sys(unix.SYS_IOPRIO_SET, ioprioProcess, 0, ioprioRealTime<<ioprioShift|3),
		"no randomisation":     sys(unix.SYS_PERSONALITY, 0x0040000, 0, 0),
		"ambient rights":       inherit(),
	} {
		if err != nil {
			t.Logf("not tried: %s: %v", name, err)
		}
	}
}

func sys(number, a, b, c uintptr) error {
	if _, _, errno := unix.Syscall(number, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

func inherit() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return err
	}
	sets[0].Inheritable = sets[0].Permitted
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return err
	}
	const secbitNoSetuidFixup = 1 << 2 // or they go with root's number
	return errors.Join(unix.Prctl(unix.PR_SET_SECUREBITS, secbitNoSetuidFixup, 0, 0, 0),
		unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_CHOWN, 0, 0))
}

// TestNothingOfRootsSession: neither keys nor priorities nor rights of the session that started us come with a user's
// command, and it cannot get them back.
func TestNothingOfRootsSession(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: runs as another user")
	}
	var out []byte
	var err error
	OnFreshThread(func() {
		prepare(t)
		helper := exec.Command("/proc/self/exe")
		helper.Env = append(os.Environ(), sessionVariable+"=1")
		out, err = helper.CombinedOutput()
	})
	must(t, err)
	zero := strings.Repeat("0", 16)
	want := "keys 0\nnice 0 policy 0\nio none: prio 0\npersonality 00000000\noom 0\nlimits 0 0 0 0\n" +
		"CapInh: " + zero + " CapPrm: " + zero + " CapEff: " + zero + " CapAmb: " + zero + "\n"
	got := strings.Join(strings.Split(strings.ReplaceAll(string(out), "   ", ""), "  "), " ")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOwnKeyring: if the kernel has no keys, or a filter forbids this to the command too, nothing can leak. Otherwise
// a command without a keyring of its own is not started.
func TestOwnKeyring(t *testing.T) {
	for err, want := range map[error]string{
		nil: "", unix.ENOSYS: "", unix.EPERM: "",
		unix.EDQUOT: "kernel.keys.root_maxkeys",
		unix.ENOMEM: "cannot give a command a session keyring of its own: cannot allocate memory",
	} {
		got := ownKeyring(err)
		if (got == nil) != (want == "") ||
			got != nil && (!strings.Contains(got.Error(), want) || !errors.Is(got, ErrKeyring)) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// TestSpareNobody: whom root protects when memory is short is not what we start; who is to go first stays so.
func TestSpareNobody(t *testing.T) {
	for before, want := range map[string]string{"-500\n": "0", "0\n": "0\n", "300\n": "300\n"} {
		name := filepath.Join(t.TempDir(), "oom_score_adj")
		must(t, os.WriteFile(name, []byte(before), 0o600))
		spareNobody(name)
		if got, err := os.ReadFile(name); err != nil || string(got[:len(want)]) != want {
			t.Errorf("%q became %q, %v", before, got, err)
		}
	}
}

// TestThreadEnds: a thread that left root's session serves nobody else.
func TestThreadEnds(t *testing.T) {
	thread := 0
	OnFreshThread(func() { thread = unix.Gettid() })
	if thread == unix.Getpid() {
		t.Error("it is the main thread")
	}
	for range 100 {
		runtime.LockOSThread()
		again := unix.Gettid() == thread
		runtime.UnlockOSThread()
		if again {
			t.Fatal("it came back")
		}
		runtime.Gosched()
	}
}
