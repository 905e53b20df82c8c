package install

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// shared decides what becomes of pipx's shared libraries. Those that were built take the place of ones which
// serve nobody. Ones that serve other venvs stay, although they are for another Python than Patroni's: the
// others would lose their pip, and a venv may use those of any Python.
func (b *builder) shared(out *Outcome) error {
	files, shared := b.host.FS, b.plan.seen.Shared()
	if pipx.SharedUsable(files, shared, out.Tree.Python) {
		return nil
	}
	python, needed := pipx.SharedPython(files, shared), len(b.plan.seen.OtherVenvs) > 0
	if needed && pipx.SharedUsable(files, shared, python) {
		return b.leadTo(pipx.UserSite(shared, python), out.Tree)
	}
	staged, err := files.Lstat(b.plan.seen.staged(shared))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out.Shared = staged.ID
	return nil
}

// leadTo leads the built tree to the packages of the shared libraries that stay, where pipx led it to
// those that it saw. A tree that was built by uv has pip from nowhere.
func (b *builder) leadTo(site string, tree *pipx.Venv) error {
	seen := b.plan.seen
	name := path.Join(pipx.UserSite(seen.staged(seen.Layout.Venv()), tree.Python), pipx.SharedLink)
	_, err := b.host.FS.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		attr := fsys.Attr{Mode: 0o644, UID: seen.User.UID, GID: seen.User.GID}
		err = b.host.FS.WriteFile(name, []byte(site+"\n"), attr)
	}
	if err != nil {
		return fmt.Errorf("cannot lead Patroni's venv to the shared libraries of pipx: %w", err)
	}
	return nil
}
