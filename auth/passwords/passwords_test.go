package passwords

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/fault"
)

func TestPasswordsAreValidatedByLengthAndCommonness(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"sieben7":                       "TOO_SHORT",
		"äöüßäöü":                       "TOO_SHORT", // 7 code points, 14 bytes
		strings.Repeat("😀1", 4):         "",
		strings.Repeat("ab", 128):       "",
		strings.Repeat("ab", 128) + "c": "TOO_LONG",
		"password":                      "TOO_COMMON",
		"Password123!":                  "TOO_COMMON",
		"TrustNo1":                      "TOO_COMMON",
		"aaaaaaaaaaaa":                  "TOO_COMMON",
		"12345678":                      "TOO_COMMON",
		"hgfedcba":                      "TOO_COMMON",
		"correct horse battery staple":  "",
		"        x":                     "",
	} {
		if flaw := Validate(Normalize(password), 8); flaw.Code != want || (want == "") != (flaw.Message == "") || strings.HasPrefix(want, "TOO_S") != (flaw.Params["min"] == 8) ||
			strings.HasPrefix(want, "TOO_L") != (flaw.Params["max"] == MaxLength) {
			t.Errorf("Validate(%q) = %v; want code %q", password, flaw, want)
		}
	}
}

// P16: a password is refused if it has hardly anything besides the words by which the account or the service is known, whatever
// surrounds them. A password with enough other characters passes.
func TestPasswordsAreValidatedByTheAccountsOwnWords(t *testing.T) {
	t.Parallel()
	own := []string{"id.acme", "Ann_Lee", "ann.lee+news", "mailbox.example", "He\u0301le\u0300ne M\u00fcller-O'Neil", "\u0928\u093f\u0930\u094d\u092e\u0932\u093e", "李明"}
	for password, want := range map[string]string{
		"ann_lee_":                       "TOO_PERSONAL",
		"ANNLEE1234":                     "TOO_PERSONAL",
		"lee-ann-lee-ann":                "TOO_PERSONAL",
		"!!a.n.n.l.e.e!!":                "TOO_PERSONAL",
		"2024annlee":                     "TOO_PERSONAL",
		"ann.lee@mailbox.example":        "TOO_PERSONAL",
		"Ann Lee News 12345":             "TOO_PERSONAL",
		"mailbox2024":                    "TOO_PERSONAL",
		"Acme-Acme-1!":                   "TOO_PERSONAL",
		"acme ann 123":                   "TOO_PERSONAL",
		"HÉLÈNE99":                       "TOO_PERSONAL", // the name has two code points for a letter, and the password one
		"he\u0301le\u0300ne m\u00fcller": "TOO_PERSONAL",
		"oneil oneil":                    "TOO_PERSONAL",
		"निर्मला१२३४५":                   "TOO_PERSONAL",
		"annlee-grows-tulips":            "",
		"ann and the giraffe":            "",
		"acme horse battery":             "",
		"correct horse battery":          "",
		"my-organ-1":                     "",
		"नमस्तेनिशा":                     "", // has letters of that name, but not the name
		"李明七八九十百千":                       "",
		"      !x":                       "",
	} {
		flaw := Validate(Normalize(password), 8, own...)
		if flaw.Code != want || (want == "") != (flaw.Message == "") || want != "" && strings.Contains(flaw.Message, password) {
			t.Errorf("Validate(%q) = %v; want code %q", password, flaw, want)
		}
		if flaw := Validate(Normalize(password), 8); flaw.Code == "TOO_PERSONAL" {
			t.Errorf("%q is too personal without any words", password)
		}
	}
	for _, words := range [][]string{nil, {""}, {"", "a", "an"}, {"---"}, {"@"}} {
		if flaw := Validate("an-an-an-an", 8, words...); !flaw.IsZero() {
			t.Errorf("with the words %q: %v", words, flaw)
		}
	}
}

func TestHashedPasswordMatchesItselfOnly(t *testing.T) {
	t.Parallel()
	h, ctx := NewHasher(t.Context(), HasherConfig{Queue: queueSize}), t.Context()
	long := strings.Repeat("x", 100)
	encoded, err := h.Hash(ctx, long)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(encoded, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("not a PHC string of argon2id with the documented parameters: %s", encoded)
	}
	for password, want := range map[string]bool{long: true, long[:72]: false, long + "x": false, "": false} {
		if hash, outdated, err := h.Salted(ctx, password, saltOf(encoded)); (hash == encoded) != want || outdated || err != nil {
			t.Errorf("Salted(%d bytes) = %s, %v, %v; want that it is %s: %v", len(password), hash, outdated, err, encoded, want)
		}
	}
	if hash, _, err := h.Salted(ctx, "", ""); len(hash) != len(encoded) || err != nil {
		t.Errorf("for an account that does not exist nothing was hashed: %q, %v", hash, err)
	}
}

// saltOf is a PHC string without its key, as the database returns it.
func saltOf(encoded string) string { return encoded[:strings.LastIndex(encoded, "$")+1] }

func TestStoredHashParametersAreCappedAndOldOnesNoticed(t *testing.T) {
	t.Parallel()
	h, ctx := NewHasher(t.Context(), HasherConfig{Queue: queueSize}), t.Context()
	salt := []byte("saltsaltsaltsalt")
	old := argonParams{memory: 8, time: 1, threads: 1}
	encoded := encode(old, salt, derive(old, "pw", salt))
	if hash, outdated, err := h.Salted(ctx, "pw", saltOf(encoded)); hash != encoded || !outdated || err != nil {
		t.Errorf("old parameters: %s, outdated %v, %v; want %s, true, nil", hash, outdated, err, encoded)
	}
	good := encode(current, salt, nil)
	if _, _, err := h.Salted(ctx, "pw", good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"x", strings.Replace(good, "m=19456", "m=4194304", 1), strings.Replace(good, "t=2", "t=1000", 1), strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "argon2id", "argon2i", 1), good[:len(good)-1], good[:len(good)-20] + "$", encoded, encode(current, make([]byte, 65), nil),
	} {
		if _, _, err := h.Salted(ctx, "pw", bad); err == nil {
			t.Errorf("accepted the stored salt %q", bad)
		}
	}
}

const queueSize = 10

func TestHasherRefusesWhenTheQueueIsFullAndWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	h := NewHasher(t.Context(), HasherConfig{Queue: queueSize})
	for range cap(h.running) {
		h.running <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range queueSize {
		wg.Go(func() {
			if _, err := h.Hash(ctx, "pw"); !fault.Is(err, fault.Unavailable) {
				t.Errorf("a caller that gave up got %v, want UNAVAILABLE", err)
			}
		})
	}
	for len(h.waiting) < queueSize {
		time.Sleep(time.Millisecond)
	}
	if _, err := h.Hash(ctx, "pw"); !fault.Is(err, fault.RateLimited) {
		t.Errorf("one caller too many got %v, want RATE_LIMITED", err)
	}
	cancel()
	wg.Wait()
}
