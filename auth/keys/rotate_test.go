package keys

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// S23: a revoked key is no longer in the file, whichever it was. If it signed, a new key signs immediately; otherwise the key that signs
// stays the same. The file is never without a key, and the next rotation can read it.
func TestRevokedKeysAreReplaced(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const day = 24 * time.Hour
	for _, c := range []struct {
		ages   []time.Duration // of the keys, oldest first
		revoke int             // -1 means all
		states string          // of the keys afterwards: letters are those that were there, + is the new one, and * is after the one that signs
	}{
		{[]time.Duration{day}, 0, "+*"},
		{[]time.Duration{day}, -1, "+*"},
		{[]time.Duration{0}, 0, "+*"},
		{[]time.Duration{2 * day, day}, 0, "b*"},
		{[]time.Duration{2 * day, day}, 1, "a+*"},
		{[]time.Duration{2 * day, day}, -1, "+*"},
		{[]time.Duration{day, time.Minute}, 0, "+*b"},
		{[]time.Duration{day, time.Minute}, 1, "a*"},
		{[]time.Duration{day, time.Minute}, -1, "+*"},
		{[]time.Duration{2 * day, day, time.Minute}, 1, "a+*c"},
		{[]time.Duration{2 * day, day, time.Minute}, 0, "b*c"},
		{[]time.Duration{2 * time.Minute, time.Minute}, 0, "+*b"},
		{[]time.Duration{2 * time.Minute, time.Minute}, 1, "a*"},
		{[]time.Duration{day, -time.Hour}, 0, "+*b"}, // the clock was set back
		{[]time.Duration{10 * time.Minute, 10 * time.Minute}, 1, "a+*"},
	} {
		path := filepath.Join(t.TempDir(), "key.pem")
		letters := map[string]string{}
		var ids []string
		for i, age := range c.ages {
			if i == 0 {
				block, _, err := newKeyBlock(now.Add(-age))
				if err != nil {
					t.Fatal(err)
				}
				if err := writeKeys(path, []*pem.Block{block}, os.Link); err != nil {
					t.Fatal(err)
				}
			} else if err := changeKeys(path, appendKey(now.Add(-age))); err != nil {
				t.Fatal(err)
			}
			list, err := List(path, now)
			if err != nil {
				t.Fatal(err)
			}
			id := list[i].ID
			ids, letters[id] = append(ids, id), string(rune('a'+i))
		}
		kid, want := "", ids
		if c.revoke >= 0 {
			kid, want = ids[c.revoke], ids[c.revoke:c.revoke+1]
		}
		revoked, added, err := Revoke(path, kid, now)
		if err != nil || !slices.Equal(revoked, want) || (added != "") != strings.Contains(c.states, "+") {
			t.Errorf("%v, revoking %d: %v, %q, %v", c.ages, c.revoke, revoked, added, err)
		}
		if added != "" {
			letters[added] = "+"
		}
		if _, err := Rotate(path, now); err != nil {
			t.Errorf("%v, revoking %d: the next rotation: %v", c.ages, c.revoke, err)
		}
		list, err := List(path, now)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, k := range list[:len(list)-1] { // without the one of the rotation
			got.WriteString(letters[k.ID])
			if k.State == Signs {
				got.WriteString("*")
			}
		}
		if got.String() != c.states {
			t.Errorf("%v, revoking %d: the file has %s, want %s", c.ages, c.revoke, got.String(), c.states)
		}
	}
}

// A kid that the file does not have, and a file that does not exist, change nothing.
func TestUnknownKeysAreNotRevoked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	keys, err := LoadOrCreate(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Revoke(path, "unknown", time.Now()); err == nil || !strings.Contains(err.Error(), "it has "+keys.Signing().ID) {
		t.Errorf("an unknown key: %v", err)
	}
	if list, err := List(path, time.Now()); err != nil || len(list) != 1 || list[0].ID != keys.Signing().ID || !list[0].Created.IsZero() {
		t.Errorf("the file has %v, %v", list, err)
	}
	missing := filepath.Join(t.TempDir(), "key.pem")
	if _, _, err := Revoke(missing, "", time.Now()); err == nil {
		t.Error("the key of a missing file is revoked")
	}
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(missing), "*")); len(files) > 0 {
		t.Errorf("it created %v", files)
	}
}

// The file keeps its owner, group and mode when root rotates it, and its owner can rotate it afterwards. A user who cannot keep them
// changes nothing and creates no file. Without root, only the last part can be tested with the files of the system.
func TestRotationKeepsTheOwner(t *testing.T) {
	t.Parallel()
	const owner, group, other = 65533, 65532, 65531
	if os.Geteuid() != 0 {
		if _, err := Rotate("/etc/passwd", time.Now()); err == nil || !strings.Contains(err.Error(), "belongs to user 0") {
			t.Errorf("rotating the file of another user: %v", err)
		}
		return
	}
	dir, err := os.MkdirTemp("", "freehold-keys-") // t.TempDir() is below a folder that only root can open
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil { // each of the users must be able to create files
		t.Fatal(err)
	}
	program := filepath.Join(dir, "rotate")
	copyProgram(t, program)
	path := filepath.Join(dir, "key.pem")
	if _, err := LoadOrCreate(path, nil); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chown(path, owner, group), os.Chmod(path, 0o640), os.Chown(dir, owner, group)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		uid, gid uint32
		refusal  string // "" if it rotates
	}{
		{other, group, "belongs to user 65533: run this as that user or as root"}, // can read the file, and create one beside it
		{0, 0, ""},
		{owner, group, ""},
		{owner, other, "give the new file the owner and group of the old one"},
		{0, 0, ""},
		{other, other, "belongs to user 65533"},
	} {
		before := snapshot(t, dir)
		command := exec.CommandContext(t.Context(), program)
		command.Env = append(os.Environ(), rotateEnv+"="+path)
		command.Dir = dir
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.gid}}
		output, err := command.CombinedOutput()
		after := snapshot(t, dir)
		if c.refusal != "" {
			if err == nil || !strings.Contains(string(output), c.refusal) || before != after {
				t.Errorf("user %d of group %d: %v %s\nbefore %s\nafter %s", c.uid, c.gid, err, output, before, after)
			}
			continue
		}
		if err != nil || before == after || !strings.Contains(after, fmt.Sprintf("key.pem -rw-r----- %d %d", owner, group)) {
			t.Errorf("user %d of group %d: %v %s\nbefore %s\nafter %s", c.uid, c.gid, err, output, before, after)
		}
	}
}

// snapshot describes the files of a folder.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		stat := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&text, "%s %s %d %d %d bytes, ", e.Name(), info.Mode(), stat.Uid, stat.Gid, info.Size())
	}
	return text.String()
}

// copyProgram copies this test binary to where every user can run it.
func copyProgram(t *testing.T, to string) {
	t.Helper()
	from, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o755); err != nil {
		t.Fatal(err)
	}
}

// appendKey adds a key to those of a file.
func appendKey(created time.Time) func([]*pem.Block, []Key) ([]*pem.Block, error) {
	return func(blocks []*pem.Block, _ []Key) ([]*pem.Block, error) {
		block, _, err := newKeyBlock(created)
		return append(blocks, block), err
	}
}

// Root may rotate keys in a folder that another user writes, who could make the lock a link to any file of the system.
func TestLockIsAnOrdinaryFile(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(target, lock string) error{
		"a link to nothing": os.Symlink,
		"a link to a file": func(target, lock string) error {
			return errors.Join(os.WriteFile(target, nil, 0o600), os.Symlink(target, lock))
		},
		"a hard link": func(target, lock string) error {
			return errors.Join(os.WriteFile(target, nil, 0o600), os.Link(target, lock))
		},
		"a folder": func(_, lock string) error { return os.Mkdir(lock, 0o700) },
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "key.pem")
		if _, err := LoadOrCreate(path, nil); err != nil {
			t.Fatal(err)
		}
		if err := plant(filepath.Join(dir, "target"), path+".lock"); err != nil {
			t.Fatal(err)
		}
		before := snapshot(t, dir)
		if _, err := Rotate(path, time.Now()); err == nil {
			t.Errorf("%s: the keys were rotated", name)
		}
		if after := snapshot(t, dir); after != before {
			t.Errorf("%s:\nbefore %s\nafter %s", name, before, after)
		}
	}
}
