package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A generator that fails leaves the file that it was to write as it was.
func TestGenerateKeepsFilesWhenItFails(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]string{"the access page": "run", "the schema page": "test"} {
		dir := t.TempDir()
		makefile, err := os.ReadFile("Makefile")
		if err != nil {
			t.Fatal(err)
		}
		for path, text := range map[string]string{
			"Makefile": string(makefile), "scripts/need.sh": "#!/bin/sh\n", "docs/access.md": "before\n", "docs/schema.sql": "before\n", "examples/notes/go.mod": "module x\n",
			"fakego": "#!/bin/sh\necho half a page\n[ \"$1\" != " + failing + " ]\n",
		} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		command := exec.CommandContext(t.Context(), "make", "generate", "GO="+filepath.Join(dir, "fakego"))
		command.Dir = dir
		if out, err := command.CombinedOutput(); err == nil {
			t.Errorf("%s: make succeeded although its generator failed:\n%s", name, out)
		}
		kept := map[string]string{"docs/access.md": "before\n", "docs/schema.sql": "before\n"}
		if failing != "run" {
			kept["docs/access.md"] = "half a page\n"
		}
		for path, want := range kept {
			if got, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(got) != want {
				t.Errorf("%s: %s is %q, %v; want %q", name, path, got, err, want)
			}
		}
		files, err := os.ReadDir(filepath.Join(dir, "docs"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasPrefix(file.Name(), ".") {
				t.Errorf("%s: docs/%s was left", name, file.Name())
			}
		}
	}
}

// quick runs `make quick` on a machine without PostgreSQL, Node.js and a browser. It must not find those of this machine.
func quick(t *testing.T, settings ...string) (output string, err error) {
	t.Helper()
	missing := regexp.MustCompile(`^(postgres|initdb|pg_.*|psql|node|nodejs|npm|npx|chromium.*|google-chrome.*)$`)
	bin := t.TempDir()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		programs, _ := os.ReadDir(dir) // a folder of PATH may not exist
		for _, program := range programs {
			if !missing.MatchString(program.Name()) {
				os.Symlink(filepath.Join(dir, program.Name()), filepath.Join(bin, program.Name())) // the first folder of PATH wins
			}
		}
	}
	command := exec.CommandContext(t.Context(), "make", append([]string{"quick"}, settings...)...)
	command.Env = append(os.Environ(), "PATH="+bin, "PG_BIN=", "DATABASE_URL=", "CHROMIUM=")
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestQuickNeedsOnlyGo(t *testing.T) {
	t.Parallel()
	output, err := quick(t)
	if err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	for _, name := range []string{"", "/access", "/accounts", "/auth", "/directives", "/mail", "/owned", "/resolvers"} {
		if !strings.Contains(output, "\t"+modulePath+name+"\t") {
			t.Errorf("%s was not tested:\n%s", modulePath+name, output)
		}
	}
}

// A package that starts PostgreSQL without db/dbtest makes quick fail on any machine.
func TestQuickFailsWhereAPackageStartsPostgreSQL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests, err := filepath.Glob("owned/*_test.go")
	if err != nil || len(tests) == 0 {
		t.Fatalf("find a test to replace: %v", err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {tests[0]: filepath.Join(dir, "starts_test.go")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"overlay.json": string(overlay), "starts_test.go": `package owned_test

import (
	"testing"

	"freehold.dev/freehold/devpg"
)

func TestStarts(t *testing.T) {
	if _, err := devpg.Start(t.Context(), devpg.Options{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output, err := quick(t, "PACKAGES=./owned", "GO=go", "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+filepath.Join(dir, "overlay.json"))
	if err == nil || !strings.Contains(output, "PG_BIN is set to") {
		t.Errorf("%v:\n%s", err, output)
	}
}
