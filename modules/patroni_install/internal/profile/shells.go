package profile

import (
	"path"
	"slices"
)

// File is a start-up file of a shell, named from the home.
type File struct {
	Name string
	Kind Kind
}

// Shell says which files of the home a shell reads.
type Shell struct {
	// programs are the names of the shell, as they end its path in passwd.
	programs []string
	// login: login shells read the first of these that is there. If none is, the first is made.
	login []File
	// further files are read by shells that are no login shells, or by those as well.
	further []File
}

// shells are the known ones. A new shell is a row, if it takes the statements of one of the languages in block.go.
func shells() []Shell {
	return []Shell{
		{
			[]string{"bash", "rbash"},
			[]File{{".bash_profile", Login}, {".bash_login", Login}, {".profile", Login}},
			[]File{{".bashrc", Interactive}},
		},
		// Interactive shells of these read the file that ENV names, and no login sets it by itself. An account without a
		// shell (nologin, false) is entered by su -s or sudo, with sh or bash, and both read .profile.
		{
			[]string{"", "sh", "dash", "ash", "nologin", "false"},
			[]File{{".profile", Login}},
			nil,
		},
		// Without ENV, interactive shells of these read a file of their own. If ksh is mksh by another name, it reads
		// that of mksh.
		{
			[]string{"ksh", "ksh93"},
			[]File{{".profile", Login}},
			[]File{{".kshrc", Interactive}},
		},
		{
			[]string{"mksh"},
			[]File{{".profile", Login}},
			[]File{{".mkshrc", Interactive}},
		},
		{
			[]string{"zsh"},
			[]File{{".zprofile", Login}},
			[]File{{".zshrc", Interactive}},
		},
		// Every shell of fish reads all files of the directory. This one is nobody else's.
		{
			[]string{"fish"},
			[]File{{".config/fish/conf.d/patroni_install.fish", Fish}},
			nil,
		},
	}
}

// ShellOf returns the row of a shell, given its path as passwd has it ("" is sh there). An unknown one has no files.
func ShellOf(program string) (shell Shell, known bool) {
	name := path.Base(program)
	if program == "" {
		name = ""
	}
	for _, s := range shells() {
		if slices.Contains(s.programs, name) {
			return s, true
		}
	}
	return Shell{}, false
}

// Files returns each file that any shell reads.
func Files() []File {
	var files []File
	for _, s := range shells() {
		for _, file := range slices.Concat(s.login, s.further) {
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	return files
}

// MayRead tells whether the shell reads a file if that is there.
func (s Shell) MayRead(file File) bool {
	return slices.Contains(s.login, file) || slices.Contains(s.further, file)
}

// Reads returns the files that shells of this kind read, given which exist. The first is the one of login shells.
func (s Shell) Reads(existing func(name string) bool) []File {
	if len(s.login) == 0 {
		return nil
	}
	login := slices.IndexFunc(s.login, func(f File) bool { return existing(f.Name) })
	return append([]File{s.login[max(login, 0)]}, s.further...)
}
