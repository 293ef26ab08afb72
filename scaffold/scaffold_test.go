package scaffold

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain keeps the go command from asking for modules that do not exist.
func TestMain(m *testing.M) {
	os.Setenv("GOPROXY", "off")
	os.Exit(m.Run())
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// contents returns the texts of all files below a folder, and its folders with an empty text.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || entry.IsDir() {
			found[name+"/"] = ""
			return err
		}
		text, err := os.ReadFile(path)
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func expectSame(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if other, ok := got[name]; !ok || other != text {
			t.Errorf("%s was changed or removed", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s was left behind", name)
		}
	}
}

const modulesGo = `package modules

import (
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/core"
)

// Program returns the program.
func Program() (*app.Program, error) {
	return app.NewProgram(Graph(), []app.Module{
		core.Module(), // the first
	}...)
}
`

func noteType(t *testing.T) Type {
	t.Helper()
	note, err := ParseType("Note", "", "", []string{"body:String!"})
	if err != nil {
		t.Fatal(err)
	}
	return note
}

// A program that a type cannot be added to gets an error that says why, and stays as it is.
func TestTypesThatCannotBeAdded(t *testing.T) {
	t.Parallel()
	program := map[string]string{
		"go.mod": "module example.com/program\n\ngo 1.26\n", "modules/modules.go": modulesGo,
		"schema/freehold.graphqls": "type Query { me: User }\ntype User { id: ID! }\n", "main.go": "package main\n\nfunc main() {}\n",
	}
	for name, c := range map[string]struct {
		change map[string]string // of the program; "-" removes a file
		below  string            // the folder in which the command runs
		want   string
	}{
		"no module":           {map[string]string{"go.mod": "-"}, "", "is not in a Go module: create a program with `freehold init`"},
		"no program":          {map[string]string{"modules/modules.go": "-"}, "", "has no modules/modules.go, so it is not a program"},
		"folder below":        {map[string]string{"modules/modules.go": "-"}, "schema", "has no modules/modules.go"},
		"package exists":      {map[string]string{"notes/notes.go": "package notes\n"}, "", "notes.go exists already, and is not overwritten"},
		"migration exists":    {map[string]string{"notes/migrations/0001_create.sql": "--\n"}, "", "0001_create.sql exists already"},
		"type exists":         {map[string]string{"other/o.graphqls": "type NoteEdge { x: Int }\n"}, "", "the schema has NoteEdge already, in other/o.graphqls"},
		"field exists":        {map[string]string{"other/o.graphqls": "extend type User { notes: Int }\n"}, "", "the schema has User.notes already, in other/o.graphqls"},
		"only others have it": {map[string]string{"a/testdata/o.graphqls": "type Note { x: Int }\n", "b/go.mod": "module b\n", "b/o.graphqls": "type Note { x: Int }\n"}, "", "go mod tidy: exit status 1"},
		"schema is invalid":   {map[string]string{"other/o.graphqls": "typ X\n"}, "", "read the schema: other/o.graphqls:1"},
		"list without module": {map[string]string{"modules/modules.go": "package modules\n\nimport (\n\t\"fmt\"\n)\n"}, "", "modules/modules.go has no list []app.Module{…}"},
		"list is no Go":       {map[string]string{"modules/modules.go": "package modules\n\nimports\n"}, "", "read the list of modules: modules/modules.go:3"},
		"registered already":  {map[string]string{"modules/modules.go": strings.Replace(modulesGo, "import (", "import (\n\t\"example.com/program/notes\"", 1)}, "", "modules/modules.go imports notes already"},
		"generator fails":     {map[string]string{"main.go": "package main\n\n//go:generate false\n\nfunc main() {}\n"}, "", "go generate ./...: exit status 1"},
		"program is broken":   {nil, "", "go mod tidy: exit status 1"}, // there are no packages of freehold
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, program)
			for path, text := range c.change {
				if text == "-" {
					if err := os.Remove(filepath.Join(dir, path)); err != nil {
						t.Fatal(err)
					}
				} else {
					writeFiles(t, dir, map[string]string{path: text})
				}
			}
			before := contents(t, dir)
			var out strings.Builder
			err := NewType(t.Context(), filepath.Join(dir, c.below), noteType(t), &out)
			if err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
				t.Errorf("%v; want %s (%s)", err, c.want, &out)
			}
			expectSame(t, contents(t, dir), before)
		})
	}
}

// A module is added to the end of the list, and comments stay.
func TestModulesAreRegistered(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{
		"list": modulesGo, "comma": strings.Replace(modulesGo, "core.Module(), // the first", "core.Module()}...)\n\treturn app.NewProgram(Graph(), []app.Module{core.Module(),", 1),
		"one line": strings.Replace(modulesGo, "{\n\t\tcore.Module(), // the first\n\t}", "{core.Module()}", 1), "empty": strings.Replace(modulesGo, "\t\tcore.Module(), // the first\n", "", 1),
	} {
		after, err := register([]byte(before), "example.com/program/notes", "notes")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range []string{"\t\"example.com/program/notes\"\n", "notes.Module(),\n"} {
			if strings.Count(string(after), want) != 1 {
				t.Errorf("%s has %q not once:\n%s", name, want, after)
			}
		}
		if strings.Contains(before, "// the first") != strings.Contains(string(after), "// the first") {
			t.Errorf("%s has lost a comment:\n%s", name, after)
		}
	}
}

// A program that cannot be created leaves nothing behind, and what is in the folder stays.
func TestProgramsThatCannotBeCreated(t *testing.T) {
	t.Parallel()
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	fine := Program{Module: "example.com/notes", Checkout: checkout}
	for name, c := range map[string]struct {
		change func(p *Program)
		files  map[string]string // in the folder
		want   string
	}{
		"no module":       {func(p *Program) { p.Module = "" }, nil, "--module is required"},
		"upper case":      {func(p *Program) { p.Module = "example.com/Notes" }, nil, `--module: "example.com/Notes" is not the path of a Go module`},
		"space":           {func(p *Program) { p.Module = "my notes" }, nil, `--module: "my notes" is not`},
		"parent":          {func(p *Program) { p.Module = "example.com/../notes" }, nil, "--module:"},
		"key word":        {func(p *Program) { p.Module = "example.com/select" }, nil, "must not be a reserved word"},
		"no version":      {func(p *Program) { p.Checkout = "" }, nil, "this build of freehold has no version: name a folder with its source by --freehold"},
		"no checkout":     {func(p *Program) { p.Checkout = filepath.Join(checkout, "docs") }, nil, "is not a folder with freehold's source"},
		"files are there": {func(*Program) {}, map[string]string{"main.go": "package main\n"}, "is not empty, and nothing in it is overwritten"},
		"a version fails": {func(p *Program) { p.Checkout, p.Version = "", "v0.0.0-none" }, nil, "go mod tidy: exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, exists := range []bool{true, false} {
				dir := filepath.Join(t.TempDir(), "new")
				if exists {
					if err := os.Mkdir(dir, 0o755); err != nil {
						t.Fatal(err)
					}
				} else if len(c.files) > 0 {
					continue
				}
				writeFiles(t, dir, c.files)
				before := contents(t, filepath.Dir(dir))
				p := fine
				c.change(&p)
				if err := NewProgram(t.Context(), dir, p, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v; want %s", err, c.want)
				}
				expectSame(t, contents(t, filepath.Dir(dir)), before)
			}
		})
	}
}
