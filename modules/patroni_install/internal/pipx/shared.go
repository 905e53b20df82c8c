package pipx

import (
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

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
