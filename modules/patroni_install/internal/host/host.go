// Package host is the machine that the steps of an installation act on: its files, commands and accounts. Everything
// that tests replace is a field of [Host]; nothing is a package variable.
package host

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// Host is one machine.
type Host struct {
	FS  *fsys.FS
	Run Runner
	// Progress tells the operator what takes time, one sentence a call; it goes to the journal.
	Progress func(message string)
}

// Runner runs commands.
type Runner interface {
	// Run runs a command to its end. If it could not be started, failed or was stopped, Run returns an error, a
	// *CommandError if the command ran, with the output so far.
	Run(ctx context.Context, cmd Command) (Output, error)
}

// Command is a program run by argv, never by a shell, with this environment and no other.
type Command struct {
	Argv []string // a name without a slash is searched in Env's PATH
	Env  []string // "NAME=value"
	Dir  string   // "" is "/"
	User *User    // nil runs it as we run
	// Stdin is what the command reads; nil is /dev/null.
	Stdin *os.File

	// Detached commands are not stopped with us: a package manager that has begun must finish. All others die with us.
	// Detached ones ignore the context's end, and may go on printing after we were killed. Their output is held in
	// memory, however much it is.
	Detached bool
	// Confined commands are detached ones that SELinux confines, such as semanage. Its policy lets them write to our
	// pipe, but not to a file in memory (user_tmpfs_t), so their output would be lost. After our end nobody reads the
	// pipe. So this is only for a program that has done its work before it prints. A package manager has not, and
	// neither have the scripts that it starts.
	Confined bool
	// Output, when set, is called with each line the command prints, as it comes, by one
	// goroutine at a time; never for detached commands.
	Output func(line string)
}

// String returns the command for people, without operands of several lines, which are programs.
func (c Command) String() string {
	words := slices.Clone(c.Argv)
	for i, word := range words {
		if strings.Contains(word, "\n") {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

// shortLine bounds the command line in a message, in bytes.
const shortLine = 120

// Short returns as many whole words of the command as a message has room for. A word is never cut: what hides secrets
// would not know the rest of one.
func (c Command) Short() string {
	line := c.String()
	if len(line) <= shortLine {
		return line
	}
	const more = " …"
	if end := strings.LastIndexByte(line[:shortLine-len(more)+1], ' '); end > 0 {
		return line[:end] + more
	}
	return "…"
}

// Output is the output of a command, each stream cut to its last 256 KiB.
type Output struct {
	Stdout, Stderr []byte
}
