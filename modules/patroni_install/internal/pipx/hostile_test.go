package pipx

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// TestHostileMetadata: names that lead elsewhere and absurd sizes are refused with a sentence that fits into a message.
func TestHostileMetadata(t *testing.T) {
	const info = site + "patroni-4.1.5.dist-info/"
	long := strings.Repeat("9", 1<<20)
	scripts := venvFiles()[info+"entry_points.txt"]
	for name, c := range map[string]struct{ file, text, want string }{
		"an entry point elsewhere":      {info + "entry_points.txt", scripts + "[console_scripts]\n../../x = a:b\n", `the entry point "../../x" is no name of a program`},
		"an entry point with a slash":   {info + "entry_points.txt", scripts + "[console_scripts]\na/b = a:b\n", `the entry point "a/b" is no name of a program`},
		"an entry point as an option":   {info + "entry_points.txt", scripts + "[console_scripts]\n-rf = a:b\n", `the entry point "-rf" is no name of a program`},
		"an entry point that is hidden": {info + "entry_points.txt", scripts + "[console_scripts]\n.bashrc = a:b\n", `the entry point ".bashrc" is no name of a program`},
		"an entry point for a terminal": {info + "entry_points.txt", scripts + "[console_scripts]\n\x1b[2Jx = a:b\n[console_scripts]\nx\x1b = a:b\n", `the entry point "x\x1b" is no name of a program`},
		"too many entry points":         {info + "entry_points.txt", "[console_scripts]\n" + strings.Repeat("patroni = a:b\n", maxApps+1), `the entry point "patroni" is no name of a program`},
		"entry points without end":      {info + "entry_points.txt", scripts + long, "larger than 65536 bytes"},
		"a version in pyvenv.cfg":       {"venv/pyvenv.cfg", "version = 3." + long, "larger than 65536 bytes"},
		"a version of 60 kB":            {"venv/pyvenv.cfg", "version = 3." + long[:60000], "pyvenv.cfg does not tell the version of Python"},
		"a version that leads away":     {"venv/pyvenv.cfg", "version = ../../../../../../etc.1", "pyvenv.cfg does not tell the version of Python"},
		"a main package of a megabyte":  {"venv/pipx_metadata.json", `{"main_package": {"package": "` + long[:1<<20-50] + `"}}`, `its main package is "9999`},
		"metadata of pipx without end":  {"venv/pipx_metadata.json", `{"main_package": {"package": "` + long + `"}}`, "larger than 1048576 bytes"},
		"metadata without end":          {info + "METADATA", metadataText + long, "larger than 1048576 bytes"},
		"nested without end":            {"venv/pipx_metadata.json", strings.Repeat(`{"main_package":`, 60000), "pipx_metadata.json is damaged"},
		"a shebang of 60 kB":            {"venv/bin/patroni", "#!/" + long[:60000] + "\n", "stat /9999"},
		"an interpreter elsewhere":      {"venv/bin/python", "-> " + strings.Repeat("../", 1300) + "etc/shadow", "/etc/shadow is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			root := write(t, venvFiles(), map[string]string{c.file: c.text})
			v, err := Inspect(fsys.New(root), "/venv", os.Geteuid())
			if err != nil {
				t.Fatal(err)
			}
			checkVenv(t, v)
			if !slices.ContainsFunc(v.Problems, func(problem string) bool { return strings.Contains(problem, c.want) }) {
				t.Errorf("problems %q, want %q", v.Problems, c.want)
			}
		})
	}
}
