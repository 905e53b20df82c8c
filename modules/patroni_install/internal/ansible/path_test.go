package ansible

import (
	"os/user"
	"testing"
)

func TestPath(t *testing.T) {
	t.Setenv("HOME", "/home/me/")
	t.Setenv("DIR", "/srv")
	t.Setenv("SHY", "$DIR")
	t.Setenv("EMPTY", "")
	tests := []struct{ path, want string }{
		{"", ""},
		{"/plain", "/plain"},
		{"relative/path", "relative/path"},
		{"~", "/home/me"},
		{"~/x", "/home/me/x"},
		{"/a/~/b", "/a/~/b"},
		{"~nobody-of-that-name/x", "~nobody-of-that-name/x"},
		{"$DIR/x", "/srv/x"},
		{"${DIR}x", "/srvx"},
		{"$DIR$DIR", "/srv/srv"},
		{"$DIRx", "$DIRx"},
		{"a$EMPTY", "a"},
		{"$SHY", "$DIR"},
		{"$HOME/x", "/home/me//x"},
		{"$UNKNOWN/x", "$UNKNOWN/x"},
		{"${UNKNOWN}/x", "${UNKNOWN}/x"},
		{"${DIR", "${DIR"},
		{"${}x", "${}x"},
		{"$", "$"},
		{"$$DIR", "$/srv"},
		{"100$/x", "100$/x"},
		{"/ä$DIR", "/ä/srv"},
	}
	for _, test := range tests {
		checkCoercion(t, Path, test.path, test.want)
	}
}

func TestPathWithOddHome(t *testing.T) {
	t.Setenv("HOME", "/")
	checkCoercion(t, Path, "~", "/")
	checkCoercion(t, Path, "~/x", "/x")
	t.Setenv("HOME", "")
	checkCoercion(t, Path, "~", "/")
	t.Setenv("VAR", "~/x")
	checkCoercion(t, Path, "$VAR", "/x")
}

func TestPathOfNamedUser(t *testing.T) {
	root, err := user.Lookup("root")
	if err != nil {
		t.Skipf("no user root here: %v", err)
	}
	checkCoercion(t, Path, "~root/x", root.HomeDir+"/x")
}
