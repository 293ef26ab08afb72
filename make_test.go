package main

import (
	"os"
	"os/exec"
	"path/filepath"
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
			"Makefile": string(makefile), "scripts/need.sh": "#!/bin/sh\n", "docs/access.md": "before\n", "docs/schema.sql": "before\n",
			"fakego": "#!/bin/sh\necho half a page\n[ \"$1\" != " + failing + " ]\n",
		} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		command := exec.CommandContext(t.Context(), "make", "generate", "GO=./fakego")
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
