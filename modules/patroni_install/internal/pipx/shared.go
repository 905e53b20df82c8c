package pipx

import (
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// SharedLink is the file among a venv's packages that leads to those of the shared venv. pipx lets venvs
// of all Pythons use one shared venv: the line in it names the latter's own Python.
const SharedLink = "pipx_shared.pth"

// SharedPython returns the version of Python, "3.11", that pipx's shared venv at a path was made for, ""
// when it does not tell.
func SharedPython(files *fsys.FS, shared string) string {
	v := &Venv{Path: shared}
	if err := v.readConfig(files); err != nil {
		return ""
	}
	return v.Python
}

// SharedUsable tells whether pipx's shared venv at a path can serve venvs of this Python ("3.11"):
// it has pip for it, and an interpreter that exists.
func SharedUsable(files *fsys.FS, shared, python string) bool {
	for name, want := range map[string]fsys.Type{
		"bin/pip": fsys.File,
		"lib/python" + python + "/site-packages/pip": fsys.Directory,
	} {
		info, err := files.Lstat(path.Join(shared, name))
		if err != nil || info.Type != want {
			return false
		}
	}
	v := &Venv{Path: shared, Python: python}
	return v.readInterpreter(files) == nil && len(v.Problems) == 0
}
