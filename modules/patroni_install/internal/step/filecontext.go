package step

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// contextLimit bounds the local file-context rules, in bytes.
const contextLimit = 16 << 20

// Semanage changes the policy. It is run by the path that is looked at before: another directory of
// the PATH may have one of the same name.
const Semanage = "/usr/sbin/semanage"

// FileContext adds a local file-context rule to SELinux's policy, or removes it, by semanage: files
// whose path is of the pattern then get the type whenever somebody restores the labels.
type FileContext struct {
	Pattern string `json:"pattern"` // a regular expression of paths
	Type    string `json:"type"`    // "bin_t"
	File    string `json:"file"`    // where the policy keeps its local rules
	Remove  bool   `json:"remove"`
}

var _ txn.Step = (*FileContext)(nil)

// Kind implements [txn.Step].
func (s *FileContext) Kind() string { return "file context" }

// Describe implements [txn.Step].
func (s *FileContext) Describe() txn.Description {
	rule := s.Pattern + " " + s.Type + "\n"
	if s.Remove {
		return txn.Description{Name: "SELinux file-context rule", Action: "remove", Path: s.Pattern, Before: rule}
	}
	return txn.Description{Name: "SELinux file-context rule", Action: "create", Path: s.Pattern, After: rule}
}

// Apply implements [txn.Step].
func (s *FileContext) Apply(ctx context.Context, h *host.Host) error {
	return s.ensure(ctx, h, !s.Remove)
}

// Undo implements [txn.Step].
func (s *FileContext) Undo(ctx context.Context, h *host.Host) error {
	return s.ensure(ctx, h, s.Remove)
}

// Finish implements [txn.Step].
func (s *FileContext) Finish(context.Context, *host.Host) error { return nil }

// ensure changes the rule if it is not as wanted. The policy's own word counts, not that of
// semanage alone, which is not stopped with us: it replaces the policy as a whole.
func (s *FileContext) ensure(ctx context.Context, h *host.Host, wanted bool) error {
	there, err := HasFileContext(h.FS, s.File, s.Pattern, s.Type)
	if err != nil || there == wanted {
		return err
	}
	verb, argv := "add", []string{Semanage, "fcontext", "--add", "--type", s.Type, s.Pattern}
	if !wanted {
		verb, argv = "remove", []string{Semanage, "fcontext", "--delete", s.Pattern}
	}
	if _, err := h.Run.Run(ctx, host.Command{Argv: argv, Env: host.SystemEnv(), Detached: true,
		Confined: true}); err != nil {
		return cannot(verb, "SELinux file-context rule", s.Pattern, err)
	}
	if there, err = HasFileContext(h.FS, s.File, s.Pattern, s.Type); err == nil && there != wanted {
		err = fmt.Errorf("semanage reported success, but %s says otherwise", s.File)
	}
	if err == nil {
		err = h.FS.SyncTree(path.Dir(s.File)) // not every release of semanage does it
	}
	return cannot(verb, "SELinux file-context rule", s.Pattern, err)
}

// fileReader reads a file of up to limit bytes.
type fileReader interface {
	ReadFileInfo(name string, limit int64) ([]byte, fsys.Info, error)
}

// HasFileContext tells whether the local rules in file give files of the pattern the type. It
// reads lines such as
//
//	/srv/pipx/venvs/patroni/bin(/.*)?    system_u:object_r:bin_t:s0
func HasFileContext(files fileReader, file, pattern, kind string) (bool, error) {
	data, _, err := files.ReadFileInfo(file, contextLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot read SELinux's file-context rules: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) >= 2 && words[0] == pattern {
			return strings.Contains(words[len(words)-1], ":"+kind+":"), nil
		}
	}
	return false, nil
}
