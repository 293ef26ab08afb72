// Package programs tests what `freehold init` and `freehold new type` write: programs in Go modules of their own, which must pass
// their tests without an edit.
package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// freehold is the command under test, and checkout its source.
var freehold, checkout string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "freehold-programs-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if checkout, err = filepath.Abs("../.."); err != nil {
			panic(err)
		}
		freehold = filepath.Join(dir, "freehold")
		if out, err := exec.Command("go", "build", "-o", freehold, checkout).CombinedOutput(); err != nil {
			panic(err.Error() + "\n" + string(out))
		}
		return m.Run()
	}())
}

// run runs a command in a folder, and returns what it prints.
func run(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := run(t, dir, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return out
}

// newProgram creates a program in an empty folder.
func newProgram(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "program")
	mustRun(t, ".", freehold, "init", dir, "--module", "example.com/program", "--freehold", checkout)
	return dir
}

// A program with new types of each kind, and with fields of each type, passes its tests without an edit: the access proof of all its
// types too. A second generation changes nothing.
func TestNewTypesPassTheirTests(t *testing.T) {
	t.Parallel()
	dir := newProgram(t)
	mustRun(t, dir, freehold, "new", "type", "Note", "body:String!", "pinned:Boolean")
	mustRun(t, filepath.Join(dir, "notes"), freehold, "new", "type", "--visible=visibility", "TodoCategory",
		"title:String!", "dueOn:Date", "at:DateTime!", "size:Int", "ratio:Float!", "imageUrl:URL")
	if out := mustRun(t, dir, "gofmt", "-l", "."); out != "" {
		t.Errorf("these files are not formatted:\n%s", out)
	}
	before := mustRun(t, dir, "sh", "-c", "find . -type f -newer go.mod -name '*.go' -o -name '*.graphqls' | sort | xargs cksum")
	mustRun(t, dir, "go", "generate", "./...")
	if after := mustRun(t, dir, "sh", "-c", "find . -type f -newer go.mod -name '*.go' -o -name '*.graphqls' | sort | xargs cksum"); after != before {
		t.Errorf("a second generation changes files:\n%s\n%s", before, after)
	}
	if out := mustRun(t, dir, "go", "mod", "tidy", "-diff"); out != "" {
		t.Errorf("go.mod is not tidy:\n%s", out)
	}
	mustRun(t, dir, "go", "vet", "./...")
	mustRun(t, dir, "go", "test", "./...")
}

// The access proof of a program fails for a weak row policy, for a mutation that the database refuses, and for a type of which it
// cannot create a row. It says what to change.
func TestProofOfAProgramFails(t *testing.T) {
	t.Parallel()
	dir := newProgram(t)
	mustRun(t, dir, freehold, "new", "type", "Note", "body:String!")
	migration := filepath.Join(dir, "notes", "migrations", "0001_create.sql")
	text, err := os.ReadFile(migration)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sql   string
		part  string // of the proof, which takes long as a whole
		wants []string
	}{
		"weak policy":       {"ALTER POLICY notes_select ON app.notes USING (true);", "policies", []string{"--- FAIL: TestAccess", "the row policy notes_select admits other viewers than the type declares"}},
		"missing privilege": {"REVOKE DELETE ON app.notes FROM freehold_app;", "policies|permissions", []string{"--- FAIL: TestAccess/policies", "deleteNote"}},
		"missing seed":      {"ALTER TABLE app.notes ADD CHECK (body = 'the only one');", "fields", []string{"--- FAIL: TestAccess/seeds", "createNote creates no Note", "Seed"}},
	} {
		if err := os.WriteFile(migration, append(append([]byte{}, text...), c.sql+"\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := run(t, dir, "go", "test", "-run", "TestAccess/(seeds|"+c.part+")", ".")
		if err == nil {
			t.Errorf("%s: the proof passes", name)
		}
		for _, want := range c.wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s: the proof does not say %q:\n%.4000s", name, want, out)
			}
		}
	}
}

// Invalid input gets an error that names it, and nothing is written.
func TestInvalidCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		args string
		want string
	}{
		{"init", "usage: freehold init DIR --module PATH"},
		{"init a b --module example.com/x", "usage: freehold init"},
		{"init a --modul example.com/x", "flag provided but not defined: -modul"},
		{"init a --module Example", `--module: "Example" is not the path of a Go module`},
		{"init a --module example.com/x --freehold .", "--freehold: . is not a folder with freehold's source"},
		{"init a --module example.com/x", "this build of freehold has no version"},
		{"new", "usage: freehold new type NAME FIELD:TYPE..."},
		{"new typ Note body:String", "usage: freehold new type"},
		{"new type", "usage: freehold new type"},
		{"new type Note body:Strin", `field "body": the type Strin is not one of`},
		{"new type Note body:String --visible=all", `--visible: "all" is not owner or visibility`},
		{"new type Note body:String", "is not in a Go module: create a program with `freehold init`"},
		{"schema --files", "unknown command"},
	} {
		if out, err := run(t, dir, freehold, strings.Fields(c.args)...); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v, %s; want %s", c.args, err, out, c.want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v was left behind (%v)", left, err)
	}
}

// If the generator fails, the program is as it was before.
func TestFailuresUndoEverything(t *testing.T) {
	t.Parallel()
	dir := newProgram(t)
	broken := filepath.Join(dir, "schema", "broken.graphqls")
	if err := os.WriteFile(broken, []byte("extend type Query { broken: Int }\n"), 0o600); err != nil { // no module resolves it
		t.Fatal(err)
	}
	list := func() string { return mustRun(t, dir, "sh", "-c", "find . -type f | sort | xargs cksum") }
	before := list()
	if out, err := run(t, dir, freehold, "new", "type", "Note", "body:String!"); err == nil || !strings.Contains(out, "go build ./...: exit status 1") {
		t.Errorf("%v, %s", err, out)
	}
	if after := list(); after != before {
		t.Errorf("the program has changed:\n%s\n%s", before, after)
	}
}
