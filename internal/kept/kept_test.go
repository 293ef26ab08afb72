package kept_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"freehold.dev/freehold/internal/kept"
)

// After a change of any kind, the files are as they were.
func TestFilesAreRestored(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	write := func(name, text string) {
		t.Helper()
		if err := kept.Write(at(name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	read := func() map[string]string {
		t.Helper()
		found := map[string]string{}
		for _, name := range []string{"go.mod", "graph/a.go", "graph/deep/b.go", "graph/c.go", "new.go", "other.go"} {
			if text, err := os.ReadFile(at(name)); err == nil {
				found[name] = string(text)
			}
		}
		return found
	}
	write("go.mod", "module x")
	write("graph/a.go", "package a")
	write("graph/deep/b.go", "package b")
	before := read()
	files, err := kept.Read(at("go.mod"), at("graph"), at("new.go"))
	if err != nil {
		t.Fatal(err)
	}
	write("go.mod", "module y")
	write("graph/c.go", "package c")
	write("new.go", "package new")
	write("other.go", "package other") // which nobody has kept
	if err := os.RemoveAll(at("graph/deep")); err != nil {
		t.Fatal(err)
	}
	if err := files.Restore(); err != nil {
		t.Fatal(err)
	}
	before["other.go"] = "package other"
	if after := read(); !maps.Equal(after, before) {
		t.Errorf("the files are %q, want %q", after, before)
	}
}

// A file with the same content is not touched, and a new one is not executable.
func TestSameContentIsNotTouched(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "a.go")
	var before os.FileInfo
	for _, text := range []string{"package a", "package a"} {
		if err := kept.Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o644 {
			t.Fatalf("%v, %v", info, err)
		}
		if before != nil && !os.SameFile(before, info) {
			t.Error("the file was replaced")
		}
		before = info
	}
}

// A folder is not replaced by a file, and the new text is not left beside it.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "folder")
	if err := kept.Write(filepath.Join(dir, "a.go"), nil); err != nil {
		t.Fatal(err)
	}
	if err := kept.Write(dir, nil); err == nil {
		t.Error("a folder was replaced by a file")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v was left behind (%v)", left, err)
	}
}
