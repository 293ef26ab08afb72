package totp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The codes are those of RFC 6238, appendix B, with six digits.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	secret := Secret("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got, err := secret.Code(time.Unix(at, 0)); err != nil || got != want {
			t.Errorf("the code at %d is %s, %v, want %s", at, got, err, want)
		}
	}
}

// A code is accepted in its step, in the one before and in the one after, however it is typed.
func TestStep(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	now := time.Unix(1_800_000_015, 0)
	current := now.Unix() / 30
	code := func(steps int64) string {
		text, err := secret.Code(now.Add(time.Duration(steps) * 30 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for steps := int64(-3); steps <= 3; steps++ {
		step, ok := secret.Step(code(steps), now)
		if near := steps >= -1 && steps <= 1; ok != near || near && step != current+steps {
			t.Errorf("the code of %+d steps has the step %d, %t", steps, step, ok)
		}
	}
	right := code(0)
	for typed, want := range map[string]bool{
		right: true, right[:3] + " " + right[3:]: true, " " + right + "\n": true, right[:3] + "-" + right[3:]: true, "\u200e" + right: true,
		strings.Map(func(r rune) rune { return r - '0' + '٠' }, right): true, strings.Map(func(r rune) rune { return r - '0' + '０' }, right): true, //nolint:gosmopolitan // scripts of digits
		"": false, right[1:]: false, right + "0": false, "abcdef": false, strings.Repeat(" ", 300) + right: false,
	} {
		if _, ok := secret.Step(typed, now); ok != want {
			t.Errorf("%q is accepted: %t", typed, ok)
		}
		if want && !CanBeCode(typed) {
			t.Errorf("%q cannot be a code", typed)
		}
	}
	if _, ok := NewSecret().Step(right, now); ok {
		t.Error("another secret accepts the code")
	}
}

// Apps read the issuer, the account and the secret from the URI, whatever characters the names have.
func TestURI(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	for _, issuer := range []string{"Example", "Ex: ample & Söhne", "a/b?c#d"} {
		text := secret.URI(issuer, "ann+b@example.org")
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		shown := strings.ReplaceAll(issuer, ":", " ")
		q := u.Query()
		if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/"+shown+":ann+b@example.org" || q.Get("issuer") != shown || q.Get("secret") != secret.Text() ||
			q.Get("digits") != "6" || q.Get("period") != "30" || q.Get("algorithm") != "SHA1" || strings.Contains(u.RawQuery, "+") {
			t.Errorf("the URI for %q is %s", issuer, text)
		}
	}
}

func newVault(t *testing.T, keys ...string) *Vault {
	t.Helper()
	v, err := NewVault(strings.Join(keys, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A secret can be opened with each key of a vault, for its own row only, and not after it was changed.
func TestVault(t *testing.T) {
	t.Parallel()
	older, newer := NewKey(), NewKey()
	secret, id := NewSecret(), []byte("a row")
	sealed := newVault(t, older).Seal(secret, id)
	rotated := newVault(t, newer, older)
	for name, v := range map[string]*Vault{"the same": newVault(t, older), "a rotated": rotated} {
		if opened, err := v.Open(sealed, id); err != nil || !bytes.Equal(opened, secret) {
			t.Errorf("%s vault opens %x, %v", name, opened, err)
		}
	}
	again := rotated.Seal(secret, id)
	if !bytes.HasPrefix(again, rotated.Marks()[0]) || !bytes.HasPrefix(sealed, rotated.Marks()[1]) || bytes.Contains(sealed, secret) {
		t.Errorf("the marks are %x, for %x and %x", rotated.Marks(), again, sealed)
	}
	if _, err := newVault(t, older).Open(again, id); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("without its key: %v", err)
	}
	if _, err := rotated.Open(sealed, []byte("another row")); err == nil {
		t.Error("the secret can be moved to another row")
	}
	for at := range sealed {
		changed := bytes.Clone(sealed)
		changed[at] ^= 1
		if _, err := rotated.Open(changed, id); err == nil {
			t.Errorf("a change of byte %d is not noticed", at)
		}
	}
	for _, length := range []int{0, 1, 9, 10, 21, 30} {
		if _, err := rotated.Open(sealed[:length], id); err == nil {
			t.Errorf("%d bytes are opened", length)
		}
	}
}

// Keys are 32 bytes in base64. No error repeats one.
func TestKeys(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString(make([]byte, 31))
	for text, fine := range map[string]bool{
		NewKey(): true, NewKey() + "," + NewKey(): true, "\n" + NewKey() + " \r\n" + NewKey() + "\n": true,
		"": false, "\n\n": false, short: false, "canary": false, NewKey() + "," + short: false,
	} {
		_, err := NewVault(text)
		if (err == nil) != fine || err != nil && (strings.Contains(err.Error(), short) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("the keys %q: %v", text, err)
		}
	}
}

// In development, the first process creates the key, which only its owner can read. A file that others can read is refused.
func TestKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := LoadVault(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	first, err := LoadOrCreateVault(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreateVault(path)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := second.Open(first.Seal([]byte("x"), nil), nil); err != nil || string(opened) != "x" {
		t.Errorf("the second process has another key: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateVault(path); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a file that others can read: %v", err)
	}
	if err := os.WriteFile(path, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadVault(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file without a key: %v", err)
	}
}
