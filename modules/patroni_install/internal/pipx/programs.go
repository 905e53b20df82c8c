package pipx

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// ClosedError reports a program that the user of a build cannot start, as one in root's home. It is as good as not
// there: errors.Is takes it for fs.ErrNotExist.
type ClosedError struct {
	Program string
	User    string
	Cause   error // a *fsys.ClosedError
}

// Error names the program and what is closed.
func (e *ClosedError) Error() string {
	return fmt.Sprintf("user %s cannot start %s: %v", e.User, e.Program, e.Cause)
}

// Unwrap returns what is closed.
func (e *ClosedError) Unwrap() error { return e.Cause }

// Is tells that nothing is there for the user.
func (e *ClosedError) Is(target error) bool { return target == fs.ErrNotExist }

// findProgram returns the first of a program's places where root alone may write it and the user can start it. The
// error is fs.ErrNotExist if there is none, a *ClosedError if there is one for others.
func findProgram(files *fsys.FS, user *host.User, places ...string) (string, error) {
	var closed error
	for _, name := range places {
		trusted, err := isRootProgram(files, name)
		if err != nil {
			return "", err
		}
		if !trusted {
			continue
		}
		err = CheckProgram(files, user, name)
		if err == nil {
			return name, nil
		}
		closed = cmp.Or(closed, err)
	}
	return "", cmp.Or(closed, fs.ErrNotExist)
}

// isRootProgram tells whether name leads to a program that root alone may write.
func isRootProgram(files *fsys.FS, name string) (bool, error) {
	target, err := files.Resolve(name)
	if _, link := errors.AsType[*fsys.LinkError](err); link || errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info, err := files.Lstat(target)
	if err != nil {
		return false, err
	}
	return info.Type == fsys.File && info.UID == 0 && info.Mode&0o022 == 0 && info.Mode&0o111 != 0, nil
}

// maxScripts bounds how many programs are started for one: a script by another script, as in the kernel.
const maxScripts = 4

// CheckProgram returns a *ClosedError if the user surely cannot start a program, or what a script is started by. What
// cannot be told, as of a program that is not there, or behind a link of the user's, is no error.
func CheckProgram(files *fsys.FS, user *host.User, name string) error {
	for program, i := name, 0; program != "" && i < maxScripts; i++ {
		err := files.CheckAccess(program, user.UID, user.GID, fsys.Execute)
		script := interpreterIn(files, program)
		if err == nil && script != "" {
			err = files.CheckAccess(program, user.UID, user.GID, fsys.Read)
		}
		if closed, ok := errors.AsType[*fsys.ClosedError](err); ok {
			return &ClosedError{Program: name, User: user.Name, Cause: closed}
		}
		program = script
	}
	return nil
}

// checkModule does so for what a program imports, if it is there.
func checkModule(files *fsys.FS, user *host.User, program, module string) error {
	err := files.CheckAccess(module, user.UID, user.GID, fsys.Read)
	if closed, ok := errors.AsType[*fsys.ClosedError](err); ok {
		return &ClosedError{Program: program, User: user.Name, Cause: closed}
	}
	return nil
}

// interpreterIn is the program that starts a script, "" for what is none. If the interpreter's path is too long for
// the first line, or has blanks, that names a shell, which the second line makes start it.
func interpreterIn(files *fsys.FS, name string) string {
	target, err := files.Resolve(name)
	if err != nil {
		return ""
	}
	file, err := files.Open(target)
	if err != nil {
		return ""
	}
	defer file.Close() //nolint:errcheck // read only
	lines := bufio.NewReader(io.LimitReader(file, 4<<10))
	if begin, _ := lines.Peek(2); string(begin) != "#!" {
		return ""
	}
	first, _ := lines.ReadString('\n')
	second, _ := lines.ReadString('\n')
	if command, isShells := strings.CutPrefix(second, "'''exec' "); isShells {
		return firstWord(command)
	}
	return firstWord(strings.TrimPrefix(first, "#!"))
}

// firstWord is the path that a line begins with, "" for another word.
func firstWord(line string) string {
	line = strings.TrimSpace(line)
	end := " \t"
	if line != "" && strings.ContainsRune(`"'`, rune(line[0])) {
		line, end = line[1:], line[:1]
	}
	if at := strings.IndexAny(line, end); at >= 0 {
		line = line[:at]
	}
	if !path.IsAbs(line) {
		return ""
	}
	return line
}
