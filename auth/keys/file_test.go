package keys

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// rotateEnv makes this test binary a process that rotates the keys of a file.
const rotateEnv = "FREEHOLD_TEST_ROTATE"

func TestMain(m *testing.M) {
	path := os.Getenv(rotateEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	kid, err := Rotate(path, time.Now())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(kid)
}

// Concurrent rotations, in one process and in several, add a key each.
func TestRotationsAtOnceLoseNoKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	if _, err := LoadOrCreate(path, nil); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const processes, routines = 20, 20
	kids := make(chan string, processes+routines)
	var wg sync.WaitGroup
	for range processes {
		wg.Go(func() {
			command := exec.CommandContext(t.Context(), program)
			command.Env = append(os.Environ(), rotateEnv+"="+path)
			kid, err := command.CombinedOutput()
			if err != nil {
				t.Errorf("a process: %v %s", err, kid)
			}
			kids <- string(kid)
		})
	}
	for range routines {
		wg.Go(func() {
			kid, err := Rotate(path, time.Now())
			if err != nil {
				t.Error(err)
			}
			kids <- kid
		})
	}
	wg.Wait()
	close(kids)
	keys, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, key := range keys.All() {
		kept[key.ID] = true
	}
	for kid := range kids {
		if !kept[kid] {
			t.Errorf("the key %q is lost", kid)
		}
	}
	if len(kept) != 1+processes+routines {
		t.Errorf("%d keys are in the file", len(kept))
	}
}

// The group of a key file can read it, as orchestrators mount it. Other users cannot. A rotation keeps the mode.
func TestModesOfKeyFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	if _, err := LoadOrCreate(path, nil); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o600, 0o400, 0o640, 0o440, 0o644, 0o444, 0o604, 0o660, 0o620, 0o610, 0o601, 0o602, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		fine := mode == 0o600 || mode == 0o400 || mode == 0o640 || mode == 0o440
		_, err := Load(path, nil)
		if (err == nil) != fine || err != nil && !strings.Contains(err.Error(), "chmod") {
			t.Errorf("%04o: %v", mode, err)
		}
		before, readErr := os.ReadFile(path)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if _, err := Rotate(path, time.Now()); (err == nil) != fine {
			t.Errorf("rotating %04o: %v", mode, err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(path)
		if err != nil || info.Mode().Perm() != mode || bytes.Equal(before, after) == fine {
			t.Errorf("after rotating %04o: %04o, changed: %v, %v", mode, info.Mode().Perm(), !bytes.Equal(before, after), err)
		}
	}
}
