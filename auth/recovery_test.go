package auth

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// A recovery code is easy to type, belongs to one user, and no two are the same.
func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	shown := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$`)
	ann, bob := uuid.New(), uuid.New()
	seen := map[string]bool{}
	for range 100 {
		code := NewRecoveryCode()
		hash, ok := HashRecoveryCode(ann, code)
		if !shown.MatchString(code) || !ok || seen[string(hash)] {
			t.Fatalf("the recovery code %s", code)
		}
		seen[string(hash)] = true
		for _, typed := range []string{strings.ToLower(code), strings.ReplaceAll(code, "-", " "), " " + code + "\n", strings.NewReplacer("0", "o", "1", "l").Replace(code)} {
			if read, ok := HashRecoveryCode(ann, typed); !ok || !bytes.Equal(read, hash) {
				t.Fatalf("%q is not read as %s", typed, code)
			}
		}
		if other, _ := HashRecoveryCode(bob, code); bytes.Equal(other, hash) || bytes.Contains(hash, []byte(code[:4])) {
			t.Fatalf("the hash of %s is the same for another user, or contains it", code)
		}
		for _, typed := range []string{"", code[1:], code + "0", code[:len(code)-1] + "U", strings.Repeat("0", 300)} {
			if _, ok := HashRecoveryCode(ann, typed); ok {
				t.Fatalf("%q is read as a recovery code", typed)
			}
		}
	}
}
