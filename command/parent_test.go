package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program watches its parent only if go run has started it, not because of the name of its folder.
func TestGoRunIsRecognised(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("27be353c", 8)
	for _, c := range []struct {
		executable, parent string
		want               bool
	}{
		{"/tmp/go-build298730142/b001/exe/freehold", "/usr/local/go/bin/go", true},
		{"/root/.cache/go-build/27/" + hash + "-d/freehold", "/usr/local/go/bin/go", true},
		{"/var/cache/27/" + hash + "-d/freehold", "go", true},
		{"/tmp/go-build298730142/b001/exe/freehold", "/usr/bin/bash", false},
		{"/root/.cache/go-build/27/" + hash + "-d/freehold", "/usr/lib/systemd/systemd", false},
		{"/srv/go-build/freehold", "/usr/local/go/bin/go", false},
		{"/srv/go-build1/freehold", "/usr/local/go/bin/go", false},
		{"/srv/freehold", "/usr/local/go/bin/go", false},
		{"/tmp/go-build298730142/b001/exe/freehold", "/usr/bin/mongo", false},
		{"/tmp/go-build298730142/b001/exe/freehold", "", false},
	} {
		if got := isGoRun(c.executable, c.parent); got != c.want {
			t.Errorf("%s of %q: %v", c.executable, c.parent, got)
		}
	}
}

// A program that go run has started recognises its own path and its parent, whether it was built or cached.
func TestGoRunLooksLikeGoRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const program = `package main

import ("fmt"; "os")

func main() { path, _ := os.Executable(); fmt.Printf("%s\n%d\n", path, os.Getppid()); fmt.Scanln() }
`
	for name, text := range map[string]string{"go.mod": "module example\n\ngo 1.26\n", "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, times := range []string{"first", "second"} {
		command := exec.CommandContext(t.Context(), "go", "run", ".")
		command.Dir = dir
		input, err := command.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		output, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		var path string
		var parent int
		if _, err := fmt.Fscan(output, &path, &parent); err != nil {
			t.Fatal(err)
		}
		if parent != command.Process.Pid || !isGoRun(path, executableOf(t.Context(), parent)) {
			t.Errorf("the %s run: %s, whose parent %d is %q", times, path, parent, executableOf(t.Context(), parent))
		}
		input.Close()
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	}
	if isGoRun("/tmp/go-build1/b001/exe/x", executableOf(t.Context(), os.Getpid())) {
		t.Error("this test counts as the go command")
	}
}
