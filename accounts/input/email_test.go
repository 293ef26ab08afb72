package input

import (
	"net/mail"
	"strings"
	"testing"

	"freehold.dev/freehold/internal/runes"
)

func TestEmailsAreValidatedAndKeyed(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]string{
		"Ann@Example.ORG":           "ann@example.org",
		"a.b+tag@sub.example.org":   "a.b+tag@sub.example.org",
		"o'neil@example.org":        "o'neil@example.org",
		"ann@bücher.example":        "ann@xn--bcher-kva.example",
		"ann@BÜCHER.example":        "ann@xn--bcher-kva.example",
		"ann@xn--bcher-kva.example": "ann@xn--bcher-kva.example",
		"mıke@example.org":          "", // a dotless i is not an i: no mail to mike
		"ann":                       "", "@example.org": "", "ann@": "", "ann@example": "", "ann@example.org.": "", "ann@@example.org": "",
		"ann@exa mple.org": "", "ann@-x.org": "", "ann@\x00example.org": "", "ann @example.org": "", "\x00ann@example.org": "",
		// Pasted with white space around it:
		" ann@example.org": "ann@example.org", "ann@example.org ": "ann@example.org", "\tann@example.org\r\n": "ann@example.org", "\u3000Ann@example.org\u00a0": "ann@example.org",
		"\ufeffann@example.org": "ann@example.org", "ann@example.org\u200b": "ann@example.org", "\u2068ann@example.org\u2069": "ann@example.org", "\u202aann@example.org\u202c": "ann@example.org", "\u200fann@example.org\u200e": "ann@example.org",
		"ann\u200b@example.org": "", "ann@example\u2069.org": "", " ": "", "\ufeff": "",
		"a@x.org,b@y.org": "", "a@x.org;b@y.org": "", `"a"@x.org`: "", "a..b@x.org": "", ".a@x.org": "", "a.@x.org": "",
		"a(b)@x.org": "", "<a@x.org>": "", "Ann <a@x.org>": "", "a@[192.0.2.1]": "", "a＠x.org": "", "a@x。org": "", "a@exam\u200bple.org": "", "a@exam\u00adple.org": "", "a@ｘ.org": "", "a\x00@x.org": "",
		strings.Repeat("a", 64) + "@" + strings.Repeat("b", 63) + ".org": strings.Repeat("a", 64) + "@" + strings.Repeat("b", 63) + ".org",
		strings.Repeat("a", 65) + "@x.org":                               "",
		"a@192.0.2.1":                                                    "", "a@x..org": "", "a@.x.org": "", "a@" + strings.Repeat("b", 64) + ".org": "",
	} {
		if got, flaw := ReadEmail(email); got.Key != want || flaw.IsZero() != (want != "") || (flaw.Message == "") != flaw.IsZero() || got.Text != runes.Trim(email) {
			t.Errorf("ReadEmail(%q) = %q, %v; want the key %q", email, got, flaw, want)
		}
	}
}

func FuzzEmail(f *testing.F) {
	f.Add("Ann@Example.org")
	f.Add("a@x.org,b@y.org")
	f.Add("ann@bücher.example")
	f.Fuzz(func(t *testing.T, email string) {
		read, flaw := ReadEmail(email)
		if !flaw.IsZero() {
			return
		}
		key := read.Key
		for _, text := range []string{key, read.Text} {
			if again, flaw := ReadEmail(text); !flaw.IsZero() || again.Key != key || again.Text != text {
				t.Errorf("%q is read as %q, of which %q is read as %q (%v)", email, read, text, again, flaw)
			}
		}
		address, err := mail.ParseAddress(key)
		if err != nil || address.Address != key || address.Name != "" || strings.Count(key, "@") != 1 {
			t.Errorf("the key %q of %q is read by others as %v, %v", key, email, address, err)
		}
	})
}

func FuzzUsername(f *testing.F) {
	f.Add("Ann_Lee-2.0")
	f.Add("İß\u202e")
	f.Fuzz(func(t *testing.T, username string) {
		key, ok := UsernameKey(username)
		if !ok {
			return
		}
		if again, ok := UsernameKey(key); !ok || again != key || len(key) < 3 || len(key) > 30 || !strings.EqualFold(key, username) || strings.Contains("."+key+".", "..") {
			t.Errorf("the key of %q is %q, whose key is %q", username, key, again)
		}
		for _, c := range []byte(key) {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_.-", rune(c)) {
				t.Errorf("the key of %q has %q", username, c)
			}
		}
	})
}
