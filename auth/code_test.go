package auth

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth/keys"
)

// The code of a seed is always the same, is easy to type, and is valid for its purpose and address only. Neither its seed nor its
// id reveals anything to somebody with another key.
func TestCodesAreDerivedFromTheirSeed(t *testing.T) {
	t.Parallel()
	secrets := NewSecrets(testKeys(t, nil))
	shown := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`)
	seen := map[string]bool{}
	for range 1000 {
		seed, id := secrets.NewCode("A", "a@example.org")
		code := secrets.Code(seed)
		if !shown.MatchString(code) || code != secrets.Code(seed) || seen[code] {
			t.Fatalf("the code of %s is %s, then %s", seed, code, secrets.Code(seed))
		}
		seen[code] = true
		if !slices.Equal(secrets.CodeIDs("A", "a@example.org", code), []uuid.UUID{id}) {
			t.Fatalf("%s does not have the id that it was created with", code)
		}
		for _, other := range [][]uuid.UUID{
			secrets.CodeIDs("B", "a@example.org", code), secrets.CodeIDs("A", "b@example.org", code), secrets.CodeIDs("A", "a@example.org", "0000-0000"),
			secrets.CodeIDs("", "A\x00a@example.org", code), secrets.CodeIDs("A", "a@example.org", ""),
		} {
			if slices.Contains(other, id) {
				t.Fatalf("%s is valid for another purpose or address, or another code has its id", code)
			}
		}
	}
	others := NewSecrets(testKeys(t, nil))
	seed, id := secrets.NewCode("A", "a@example.org")
	if code := others.Code(seed); code != "" || slices.Contains(others.CodeIDs("A", "a@example.org", secrets.Code(seed)), id) {
		t.Errorf("another key derives the code %q from the seed, or the id of the code", code)
	}
}

// The secret of a seed is always the same, and only the key of its seed derives it.
func TestSecretsAreDerivedFromTheirSeed(t *testing.T) {
	t.Parallel()
	secrets := NewSecrets(testKeys(t, nil))
	others := NewSecrets(testKeys(t, nil))
	seen := map[string]bool{}
	for range 100 {
		seed, secret := secrets.NewSecret()
		if len(secret) != 43 || secret != secrets.Secret(seed) || seen[secret] || secret == secrets.Code(seed) {
			t.Fatalf("the secret of %s is %s, then %s", seed, secret, secrets.Secret(seed))
		}
		seen[secret] = true
		if others.Secret(seed) != "" {
			t.Fatal("another key derives a secret from the seed")
		}
	}
}

func TestTypedCodesAreReadGenerously(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"0123-4567": "01234567", "O1i3-45l7": "01134517", "abcd  efgh": "ABCDEFGH", "a-b-c-d-e-f-g-h": "ABCDEFGH", "VWXYZ012": "VWXYZ012",
		"0123\n4567": "01234567", "\t0123\u00a04567\r\n": "01234567", "\u30000123\u20034567": "01234567", "\u200901234567\u2028": "01234567", // white space
		"0123\u20114567": "01234567", "0123\u20134567": "01234567", "0123\u20144567": "01234567", "0123\u22124567": "01234567", // dashes
		"0123\uff0d4567": "01234567", "0123\ufe634567": "01234567", "0123\u30fc4567": "01234567", "0123\u27964567": "01234567", "0123\uff704567": "01234567",
		"\ufeff0123\u200b4567": "01234567", "\u206801\u00ad234567\u2069": "01234567", "0123\u2796\ufe0f4567": "01234567", "\u202a01234567\u202c": "01234567", // invisible
		"\uff10\uff11\uff12\uff13\uff21\uff42\uff23\uff44": "0123ABCD", "\uff2f1\uff493-\uff2c567": "01131567", // full-width
		"\u0660\u0661\u0662\u0663-\u06f4\u06f5\u06f6\u06f7": "01234567", "\u0966\u0967\u0968\u0969\u096a\u096b\u096c\u096d": "01234567", // other digits
		"": "", "0123-456": "", "0123-45678": "", "U123-4567": "", "0123-456é": "", "0123\n456": "", "0123_4567": "", "0123456=": "", "0123456\x00": "",
		"0123\u0430456": "", "0123456\xff": "", "01234567 or 0": "",
		strings.Repeat("-", longestTyped-8) + "01234567": "01234567",
		strings.Repeat("-", longestTyped-7) + "01234567": "", // too long to be read
	} {
		if got, ok := readCode(typed, codeBytes); ok != (want != "") || ok && got != want {
			t.Errorf("%.20q is read as %q, %v; want %q", typed, got, ok, want)
		}
	}
}

// A code that was sent before a rotation stays valid after it, until its key is deleted.
func TestCodesSurviveARotation(t *testing.T) {
	t.Parallel()
	path, now := filepath.Join(t.TempDir(), "keys.pem"), time.Now()
	clock := func() time.Time { return now }
	set, err := keys.LoadOrCreate(path, clock)
	if err != nil {
		t.Fatal(err)
	}
	secrets := NewSecrets(set)
	seed, id := secrets.NewCode("A", "a@example.org")
	code := secrets.Code(seed)
	counts := func() bool { return slices.Contains(secrets.CodeIDs("A", "a@example.org", code), id) }
	if _, err := keys.Rotate(path, now); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	later, _ := secrets.NewCode("A", "a@example.org")
	if secrets.Code(seed) != code || !counts() || bytes.Equal(later[:keyMark], seed[:keyMark]) {
		t.Errorf("the code is %s before the rotation, and %s after it, and valid: %v", code, secrets.Code(seed), counts())
	}
	now = now.Add(48 * time.Hour)
	if _, err := keys.Rotate(path, now); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(path, now, now)
	now = now.Add(time.Hour)
	if secrets.Code(seed) != "" || counts() || secrets.Code(later) == "" {
		t.Error("a code of a deleted key is valid, or one of a present key is not")
	}
}

func FuzzCode(f *testing.F) {
	f.Add("o1Il-89ab")
	f.Add("U\x00-é")
	f.Add("\uff10\uff11 \u066234\u2212\ufeff\uff41BC")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := readCode(typed, codeBytes)
		if !ok {
			return
		}
		if again, ok := readCode(strings.ToLower(code[:3]+"-"+code[3:]), codeBytes); !ok || again != code {
			t.Errorf("%q is read as %s, which is read as %s", typed, code, again)
		}
		if raw, err := codeEncoding.DecodeString(code); err != nil || codeEncoding.EncodeToString(raw) != code {
			t.Errorf("%q is read as %q, which no id can have", typed, code)
		}
		if shown := code[:4] + "-" + code[4:]; strings.Trim(code, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" || !CanBeCode("\u2068"+shown+" \u2069") {
			t.Errorf("%q is read as %q, which is not a code as we show it", typed, code)
		}
	})
}
