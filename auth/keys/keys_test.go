package keys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestKeyIsMadeOnceAndKeptPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	if _, err := Load(path, nil); err == nil {
		t.Error("loaded a key that is not there")
	}
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			keys, err := LoadOrCreate(path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = keys.Signing().ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Error("two processes that started at once have different keys")
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, nil); err == nil {
		t.Error("loaded a key that others can read")
	}
	if err := errors.Join(os.WriteFile(path, []byte("junk"), 0o600), os.Chmod(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(path, nil); err == nil {
		t.Error("replaced or accepted a damaged key")
	}
}

// A rotation never leaves a file that cannot be read, whatever the clock. An incomplete file is refused, instead of being read as
// one with fewer keys.
func TestKeyFilesAreWholeOrRefused(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	var failed atomic.Int32
	path := filepath.Join(t.TempDir(), "key.pem")
	keys, err := LoadOrCreate(path, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	keys.Failed = func(error) { failed.Add(1) }
	for _, at := range []time.Duration{0, -time.Hour, time.Minute} { // set back, and on again
		if _, err := Rotate(path, clock.Add(at)); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(reloadInterval)
	if n := len(keys.All()); n != 4 || failed.Load() != 0 {
		t.Fatalf("%d keys, %d failures", n, failed.Load())
	}
	for name, text := range map[string][]byte{
		"cut": whole[:len(whole)-40], "damaged": bytes.Replace(whole, []byte("PRIVATE KEY-----\n"), []byte("PRIVATE KEY-----\n!!!!"), 1), "empty": nil,
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, nil); err == nil {
			t.Errorf("a %s file is read", name)
		}
		if _, err := Rotate(path, clock); err == nil {
			t.Errorf("a %s file is rotated", name)
		}
	}
	clock = clock.Add(reloadInterval)
	if n := len(keys.All()); n != 4 || failed.Load() == 0 {
		t.Errorf("with a file that can't be read there are %d keys, and %d failures were reported", n, failed.Load())
	}
}

// Refresh tokens in the database and codes in mails depend on these values, so they never change.
func TestDerivedValuesStayTheSame(t *testing.T) {
	t.Parallel()
	k := newKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), time.Time{})
	for use, want := range map[string]string{
		"freehold refresh tag":   "ce5de298d7142acae959c0864ba30e69e29338e227ac5dfc134563364f37bca7",
		"freehold one-time code": "800fcbfda5171ac2f3e3bd0ce99b5934ed0ffeba7a74097f0abaedd1c980e330",
	} {
		if got := hex.EncodeToString(k.MAC(use, []byte("message"))); got != want {
			t.Errorf("%s: %s, want %s", use, got, want)
		}
	}
}

// No verb of fmt, and no log, prints the private part of a key.
func TestKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0xa7}, ed25519.SeedSize))
	key := newKey(private, time.Time{})
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("x", "key", key, "keys", []Key{key})
	slog.New(slog.NewJSONHandler(&log, nil)).Error("x", "key", key, "keys", []Key{key})
	printed := fmt.Sprintf("%v %+v %#v %s %d %x %v", key, key, key, key, key, key, []*Key{&key}) + log.String()
	for _, secret := range []string{"167 167", "a7a7", "167,167", "0xa7, 0xa7", `\xa7`} {
		if strings.Contains(printed, secret) {
			t.Errorf("the private key is printed: %s", printed)
		}
	}
	if !strings.Contains(printed, key.ID) {
		t.Errorf("the id is not printed: %s", printed)
	}
}
