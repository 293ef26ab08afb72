package accounts

import (
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"freehold/db"
	"freehold/fault"
)

func TestEmailsAreJudgedAndKeyed(t *testing.T) {
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
		"ann@exa mple.org": "", " ann@example.org": "", "ann@example.org ": "", "ann@example.org\n": "", "ann@-x.org": "",
		"a@x.org,b@y.org": "", "a@x.org;b@y.org": "", `"a"@x.org`: "", "a..b@x.org": "", ".a@x.org": "", "a.@x.org": "",
		"a(b)@x.org": "", "<a@x.org>": "", "Ann <a@x.org>": "", "a@[192.0.2.1]": "", "a＠x.org": "", "a@x。org": "", "a@exam\u200bple.org": "", "a@exam\u00adple.org": "", "a@ｘ.org": "", "a\x00@x.org": "",
		strings.Repeat("a", 64) + "@" + strings.Repeat("b", 63) + ".org": strings.Repeat("a", 64) + "@" + strings.Repeat("b", 63) + ".org",
		strings.Repeat("a", 65) + "@x.org":                               "",
		"a@192.0.2.1":                                                    "", "a@x..org": "", "a@.x.org": "", "a@" + strings.Repeat("b", 64) + ".org": "",
	} {
		if key, flaw := judgeEmail(email); key != want || flaw.IsZero() != (want != "") || (flaw.Message == "") != flaw.IsZero() {
			t.Errorf("judgeEmail(%q) = %q, %v; want the key %q", email, key, flaw, want)
		}
	}
}

func FuzzEmail(f *testing.F) {
	f.Add("Ann@Example.org")
	f.Add("a@x.org,b@y.org")
	f.Add("ann@bücher.example")
	f.Fuzz(func(t *testing.T, email string) {
		key, flaw := judgeEmail(email)
		if !flaw.IsZero() {
			return
		}
		if again, flaw := judgeEmail(key); !flaw.IsZero() || again != key {
			t.Errorf("the key of %q is %q, whose key is %q (%v)", email, key, again, flaw)
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
		if again, ok := UsernameKey(key); !ok || again != key || len(key) < 3 || len(key) > 30 || !strings.EqualFold(key, username) {
			t.Errorf("the key of %q is %q, whose key is %q", username, key, again)
		}
		for _, c := range []byte(key) {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_.-", rune(c)) {
				t.Errorf("the key of %q has %q", username, c)
			}
		}
	})
}

func TestTextsKeepJoinersAndLoseTricks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"  Ann ":                 "Ann",
		"Rome\u0301":             "Romé",
		"👩\u200d🚀 می\u200cخواهم": "👩\u200d🚀 می\u200cخواهم",
		"line\nline":             "!", "tab\t": "!", "\x00": "!", "\x7f": "!", "a\u202eb": "!", "a\u2066b": "!", "\ufffd": "!", "\ufeffx": "!",
		"\uffff": "!", "\U0001fffe": "!", "\ufdd0": "!", "\ue000": "!", "a\u2028b": "!", "\xff": "!", "\u0085": "!",
		"a\u200bb": "!", "\u00ad": "!", "\u2060": "!", "\u200d": "!", "\u0301": "!", " ": "", "": "",
		"🏴\U000e0067\U000e0062\U000e007f": "🏴\U000e0067\U000e0062\U000e007f",
		strings.Repeat("é", 12):           strings.Repeat("é", 12),
		strings.Repeat("é", 13):           "!",
	} {
		var faults fault.Faults
		field := db.Patch[string]{Set: true, Value: &text}
		judgeText(&faults, "x", &field, 12, false)
		got := ""
		if field.Value != nil {
			got = *field.Value
		}
		if bad := faults.Err() != nil; bad != (want == "!") || !bad && (got != want || !utf8.ValidString(got)) {
			t.Errorf("judgeText(%q) = %q, fault %v; want %q", text, got, faults.Err(), want)
		}
	}
	var faults fault.Faults
	lines := "one\n\ttwo"
	if judgeText(&faults, "x", &db.Patch[string]{Set: true, Value: &lines}, 10, true); faults.Err() != nil {
		t.Errorf("lines: %v", faults.Err())
	}
}
