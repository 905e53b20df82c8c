package mountns

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// helperKeys makes this program show what commands in a namespace have of the keys of the session that started it.
const helperKeys = "MOUNTNS_TEST_KEYS"

// secretKey is the description of a key of root's.
const secretKey = "mountns_test_secret"

func showKeys() int {
	n, err := Open(fsys.New("/"), nil)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, user := range []*host.User{{UID: 65534, GID: 65534}, nil} {
		cmd := sh("grep -c " + secretKey + " /proc/keys")
		cmd.User = user
		out, _ := n.Run(context.Background(), cmd) // grep fails if it finds nothing
		fmt.Print(string(out.Stdout))
	}
	return 0
}

// TestNamespaceHasNoKeysOfOurs: possession of root's session keyring asks for no user.
func TestNamespaceHasNoKeysOfOurs(t *testing.T) {
	newPlace(t)
	var out []byte
	var err error
	host.OnFreshThread(func() {
		_, _, errno := unix.Syscall6(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0, 0)
		if errno != 0 {
			err = errno
			return
		}
		ring := int32(unix.KEY_SPEC_SESSION_KEYRING)
		if _, err = unix.AddKey("user", secretKey, []byte("secret"), int(ring)); err != nil {
			return
		}
		helper := exec.Command("/proc/self/exe")
		helper.Env = append(os.Environ(), helperKeys+"=1")
		out, err = helper.CombinedOutput()
	})
	// Root sees its own keys, whoever possesses them.
	if err != nil || string(out) != "0\n1\n" {
		t.Errorf("the user's command and root's see %q of the keys, %v", out, err)
	}
}
