package auth

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// A code is the same each time it is asked for, looks as people can type it, and is of its id alone.
func TestCodesAreDerivedFromTheirID(t *testing.T) {
	t.Parallel()
	keys, err := LoadOrMakeKeys(filepath.Join(t.TempDir(), "keys.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`)
	seen := map[string]bool{}
	for range 1000 {
		id, other := uuid.New(), uuid.New()
		code := keys.Code(id)
		if !shown.MatchString(code) || code != keys.Code(id) || seen[code] {
			t.Fatalf("the code of %s is %s, then %s", id, code, keys.Code(id))
		}
		seen[code] = true
		if !keys.IsCode(id, code) || keys.IsCode(other, code) {
			t.Fatalf("%s is not the code of its id, or that of another", code)
		}
	}
}

func TestTypedCodesAreReadGenerously(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"0123-4567": "01234567", "O1i3-45l7": "01134517", "abcd  efgh": "ABCDEFGH", "a-b-c-d-e-f-g-h": "ABCDEFGH", "VWXYZ012": "VWXYZ012",
		"": "", "0123-456": "", "0123-45678": "", "U123-4567": "", "0123-456é": "", "0123\n4567": "", "0123\n456": "", "0123_4567": "", "0123456=": "",
		strings.Repeat("-", 1<<20) + "01234567": "01234567",
	} {
		if got, ok := readCode(typed); ok != (want != "") || ok && got != want {
			t.Errorf("%.20q is read as %q, %v; want %q", typed, got, ok, want)
		}
	}
}

// A code that was mailed before a rotation counts after it, and no longer once its key is gone.
func TestCodesSurviveARotation(t *testing.T) {
	t.Parallel()
	path, now := filepath.Join(t.TempDir(), "keys.pem"), time.Now()
	clock := func() time.Time { return now }
	keys, err := LoadOrMakeKeys(path, clock)
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.New()
	before := keys.Code(id)
	if _, err := RotateKeys(path, now); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	after := keys.Code(id)
	if after == before || !keys.IsCode(id, before) || !keys.IsCode(id, after) {
		t.Errorf("before the rotation %s, after it %s: both must count, and they must differ", before, after)
	}
	now = now.Add(2 * keptAfterRotation)
	if _, err := RotateKeys(path, now); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(path, now, now)
	now = now.Add(time.Hour)
	if keys.IsCode(id, before) || !keys.IsCode(id, after) {
		t.Error("a code of a key that is gone counts, or one of a key that is there does not")
	}
}

func FuzzCode(f *testing.F) {
	f.Add("o1Il-89ab")
	f.Add("U\x00-é")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := readCode(typed)
		if !ok {
			return
		}
		if again, ok := readCode(strings.ToLower(code[:3] + "-" + code[3:])); !ok || again != code {
			t.Errorf("%q is read as %s, which is read as %s", typed, code, again)
		}
		if raw, err := codeEncoding.DecodeString(code); err != nil || codeEncoding.EncodeToString(raw) != code {
			t.Errorf("%q is read as %q, which no id can have", typed, code)
		}
	})
}
