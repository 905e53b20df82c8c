package profile

import (
	"path"
	"slices"
	"strings"
)

// finding is what the user's own lines do.
type finding struct {
	// onPath: every shell that reads the file has the directory on its PATH afterwards.
	onPath bool
	// leaves: a shell may not read the file to its end.
	leaves bool
}

// scanner reads the words of a text, line by line. It is no shell and knows no quotes: in doubt the text leaves, and
// does not put the directory on the PATH. A block is harmless at the top, and if it is not needed.
type scanner struct {
	finding
	dirs []string  // the directory, as it can be spelt
	last [2]string // the last two words
	// function counts the braces that are open from that of a function on: a return leaves only the function.
	function int
	// open counts the compound commands around the line.
	open int
	// about: the last condition looks at the directory, as in the tests that distributions put before their lines.
	about bool
}

// scan looks for return, exit and exec, and for assignments that put dir on the PATH. Those are found as people,
// distributions and pipx write them: on a line of their own, with $HOME, ~ or in full, under no other condition than
// whether the directory is there or on the PATH.
func scan(text, dir, home string) finding {
	s := &scanner{dirs: []string{path.Clean(dir)}}
	if below, found := strings.CutPrefix(s.dirs[0], home+"/"); found && home != "" {
		s.dirs = append(s.dirs, "$HOME/"+below, "${HOME}/"+below)
	}
	for line := range strings.Lines(text) {
		s.line(commandWords(line))
		if s.leaves {
			break
		}
	}
	return s.finding
}

// commandWords are the words of a line up to its comment. What separates commands is a word, too.
func commandWords(line string) []string {
	// What begins with < or > belongs to a redirection.
	spaced := strings.NewReplacer(">&", ">&", "<&", "<&", ">|", ">|",
		";", " ; ", "&", " & ", "|", " | ", "(", " ( ", ")", " ) ").Replace(line)
	words := strings.Fields(spaced)
	if comment := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); comment >= 0 {
		words = words[:comment]
	}
	return words
}

func (s *scanner) line(words []string) {
	for i, word := range words {
		switch {
		case word == "{" && (s.function > 0 || s.beginsFunction()):
			s.function++
		case s.function > 0:
			if word == "}" {
				s.function--
			}
		case word == "return", word == "exit", word == "exec" && startsProgram(words[i+1:]):
			s.leaves = true
			return
		case strings.HasPrefix(word, "PATH="):
			s.assignment(words, i)
		default:
			s.nesting(word, words[i:])
		}
		s.last = [2]string{s.last[1], word}
	}
}

// beginsFunction tells whether the words so far end in `name()`, or in `function name`.
func (s *scanner) beginsFunction() bool {
	return s.last == [2]string{"(", ")"} || s.last[0] == "function"
}

// startsProgram tells whether an exec with these words behind it replaces the shell. One with redirections alone
// does not.
func startsProgram(words []string) bool {
	for i := 0; i < len(words) && !slices.Contains([]string{";", "&", "|", "(", ")"}, words[i]); i++ {
		if !strings.ContainsAny(words[i], "<>") {
			return true
		}
		if strings.TrimRight(words[i], "<>&|") != words[i] {
			i++ // its file
		}
	}
	return false
}

// assignment takes one to PATH. One that neither keeps the old value nor names the directory undoes what was found.
func (s *scanner) assignment(words []string, i int) {
	value := strings.TrimPrefix(words[i], "PATH=")
	if !strings.Contains(value, `"`) { // in which ~ is no home
		value = strings.ReplaceAll(":"+value, ":~/", ":$HOME/")
	}
	value = strings.Trim(value, `"`)
	named := slices.ContainsFunc(strings.Split(value, ":"), func(entry string) bool {
		return slices.Contains(s.dirs, strings.TrimSuffix(entry, "/"))
	})
	alone := i == 0 || i == 1 && words[0] == "export"
	if i+1 < len(words) {
		alone = alone && words[i+1] == ";"
	}
	switch {
	case named && alone && (s.open == 0 || s.open == 1 && s.about):
		s.onPath = true
	case !named && !strings.Contains(value, "$PATH") && !strings.Contains(value, "${PATH"):
		s.onPath = false
	}
}

// nesting counts what opens and closes. The text of a here-document cannot be told from commands: it never closes.
func (s *scanner) nesting(word string, rest []string) {
	switch word {
	case "if", "for", "while", "until", "case", "select", "{":
		s.open++
		s.about = slices.ContainsFunc(rest, func(word string) bool {
			return slices.ContainsFunc(s.dirs, func(dir string) bool { return strings.Contains(word, dir) })
		})
	case "elif", "else":
		s.about = false
	case "fi", "done", "esac", "}":
		s.open = max(s.open-1, 0)
	default:
		if strings.Contains(word, "<<") {
			s.open += 2
		}
	}
}
