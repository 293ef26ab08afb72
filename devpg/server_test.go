//go:build unix

package devpg

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNoServer(t *testing.T) {
	t.Parallel()
	_, err := chooseServer(t.Context(), nil, "")
	if !errors.Is(err, ErrNoServer) {
		t.Fatalf("got %v, want ErrNoServer", err)
	}
	contains(t, err.Error(), "apt install postgresql", "brew install postgresql", "DATABASE_URL")
}

// Not parallel: it sets the environment.
func TestEmptyPgBin(t *testing.T) {
	dir, empty := newDir(t), t.TempDir()
	t.Setenv("PG_BIN", empty)
	contains(t, startFails(t, Options{Dir: dir}).Error(), "PG_BIN", empty)
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was created although there is no server")
	}
}

// Not parallel: it sets the environment.
func TestServerSeesNothingOfOurEnvironment(t *testing.T) {
	t.Setenv("PGDATA", "/elsewhere")
	t.Setenv("TOKEN_KEY", "secret")
	a, err := serverAccount()
	must(t, err)
	env, err := exec.LookPath("env")
	must(t, err)
	output, err := a.command(t.Context(), "/", env).Output()
	must(t, err)
	for _, name := range []string{"PGDATA", "TOKEN_KEY"} {
		if strings.Contains(string(output), name) {
			t.Errorf("the server sees %s", name)
		}
	}
}

func TestPgBinIsTheOnlyChoice(t *testing.T) {
	t.Parallel()
	bin := fakeServer(t, "postgres (PostgreSQL) 9.6.24")
	got, err := findServer(t.Context(), bin, "")
	must(t, err)
	if got != bin {
		t.Errorf("got %s, want %s", got, bin)
	}
	_, err = findServer(t.Context(), bin, "15")
	if err == nil {
		t.Fatal("a server of another version was accepted")
	}
	contains(t, err.Error(), "PostgreSQL 15", "9.6.24")
}

func TestServerOfTheDataFoldersVersion(t *testing.T) {
	t.Parallel()
	newer := fakeServer(t, "postgres (PostgreSQL) 18beta1 (Debian 18~beta1-1)")
	older := fakeServer(t, "postgres (PostgreSQL) 15.3")
	for major, want := range map[string]string{"": newer, "18": newer, "15": older} {
		got, err := chooseServer(t.Context(), []string{newer, older}, major)
		must(t, err)
		if got != want {
			t.Errorf("version %q: got %s, want %s", major, got, want)
		}
	}
}

// fakeServer creates binaries that only print their version.
func fakeServer(t *testing.T, version string) string {
	t.Helper()
	bin := t.TempDir()
	for _, program := range []string{"postgres", "initdb"} {
		script := "#!/bin/sh\necho '" + version + "'\n"
		must(t, os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755))
	}
	return bin
}

func TestNewestFirst(t *testing.T) {
	t.Parallel()
	paths := []string{"/pg/9.6/bin", "/pg/16/bin", "/pg/latest/bin", "/pg/9/bin", "/pg/15/bin"}
	newestFirst(paths)
	if want := []string{"/pg/16/bin", "/pg/15/bin", "/pg/9.6/bin", "/pg/9/bin", "/pg/latest/bin"}; !slices.Equal(paths, want) {
		t.Errorf("got %v, want %v", paths, want)
	}
}

func TestIsMajor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		major, version string
		want           bool
	}{
		{"15", "15.3", true},
		{"17", "17beta1", true},
		{"9.6", "9.6.24", true},
		{"1", "15.3", false},
		{"9.6", "9.5.2", false},
		{"15", "16.1", false},
	} {
		if got := isMajor(c.major, c.version); got != c.want {
			t.Errorf("isMajor(%q, %q) = %v, want %v", c.major, c.version, got, c.want)
		}
	}
}

func TestRestartBudget(t *testing.T) {
	t.Parallel()
	var b budget
	now := time.Now()
	for range restartLimit {
		if !b.spend(now) {
			t.Fatal("the budget ended early")
		}
	}
	if b.spend(now.Add(restartWindow - time.Second)) {
		t.Error("the budget allowed too many restarts within the window")
	}
	if !b.spend(now.Add(restartWindow)) {
		t.Error("restarts before the window use up the budget")
	}
}
