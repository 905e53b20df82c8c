package install

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// layers are those of docs/architecture.md: a file uses what is declared in its own layer and in those before it. A
// file that is in none is a part.
func layers() []struct{ name, files string } {
	return []struct{ name, files string }{
		{"what was asked for and where it goes", "options indexes methodoption sources layout family osplaces namespace"},
		{"the view", "view closed installed packages outcome services ours"},
		{"the decision", "decision wheels"},
		{"what looks at accounts, venvs and the package manager", "observe gone tools findvenv findpackages"},
		{"the parts", ""},
		{"the methods", "method packaged packageplan packagenames"},
		{"the plan", "plan refuse refusewheels"},
		{"what asks and builds", "newest wheelhouse verify build buildstage built bringpipx builderror compiler copies fetch " +
			"shared"},
		{"report", "report message"},
		{"run", "run advice"},
	}
}

// TestLayers looks at types, functions, constants and variables of the package. Methods do not count.
func TestLayers(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	layer, parts := map[string]int{}, 0
	for i, l := range layers() {
		if l.name == "the parts" {
			parts = i
		}
		for name := range strings.FieldsSeq(l.files) {
			layer[name+".go"] = i
		}
	}
	files, declared := map[string]*ast.File{}, map[string]string{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = file
		if _, listed := layer[path]; !listed {
			layer[path] = parts
		}
		for name := range file.Scope.Objects {
			declared[name] = path
		}
	}
	for path := range layer {
		if files[path] == nil {
			t.Errorf("%s is in a layer and not there", path)
		}
	}
	for path, file := range files {
		for _, used := range file.Unresolved {
			if at, ours := declared[used.Name]; ours && layer[at] > layer[path] {
				t.Errorf("%s (%s) uses %s of %s (%s)", path, layers()[layer[path]].name, used.Name, at, layers()[layer[at]].name)
			}
		}
	}
}
