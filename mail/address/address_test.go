package address

import (
	"errors"
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a@x.org":                          "a@x.org",
		"Ada.Love+tag@Mail.X.ORG":          "Ada.Love+tag@mail.x.org", // only its host knows the meaning of the local part
		"o'neill@x.org":                    "o'neill@x.org",
		"a@bücher.example":                 "a@xn--bcher-kva.example",
		"a@BÜCHER.example":                 "a@xn--bcher-kva.example",
		"a@bu\u0308cher.example":           "a@xn--bcher-kva.example",
		"a@xn--bcher-kva.example":          "a@xn--bcher-kva.example",
		"a@例え.テスト":                         "a@xn--r8jz45g.xn--zckzah",
		strings.Repeat("a", 64) + "@x.org": strings.Repeat("a", 64) + "@x.org",
	} {
		if got, err := Parse(text); err != nil || got.String() != want {
			t.Errorf("%q is read as %q, %v, want %q", text, got, err, want)
		}
	}
}

// Each of these texts has another meaning for one of the parsers between us and the mailbox.
func TestAddressInjection(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "@", "a@", "@x.org", "a", "x.org",
		"a@x.org,b@y.org", "a@x.org;b@y.org", "a@x.org b@y.org", "a@b@x.org", "a@x.org@y.org", "a%b@x.org,c@y.org",
		"a@x.org\r\nBcc: b@y.org", "a@x.org\nBcc: b@y.org", "a\r\n@x.org", "a@x.org\r\n", "a@x.org\n", "a@x.org\x00", "\r\na@x.org",
		"a@x.org\u2028b@y.org", "a@x.org\u0085", "a@x.org\tb",
		`"a"@x.org`, `"a b"@x.org`, `"a@y.org"@x.org`, `"a,b@y.org"@x.org`, `a\@y.org@x.org`,
		"a\uff20x.org", "a\uff20y.org@x.org", "a@x.org\uff20y.org", "a\uff0cb@x.org", "a@x\uff0eorg", "a@x\u3002org", "é@x.org",
		" a@x.org", "a@x.org ", "a @x.org", "a@ x.org", "a@x .org", "a\u00a0@x.org",
		"<a@x.org>", "a@x.org>", "<a@x.org", "A <a@x.org>", "a@x.org> SIZE=1", "a@x.org>,<b@y.org", "a@x.org(b)", "(b)a@x.org",
		"group:a@x.org;", "@y.org:a@x.org", "mailto:a@x.org",
		".a@x.org", "a.@x.org", "a..b@x.org",
		"a@localhost", "a@127.0.0.1", "a@[127.0.0.1]", "a@x.org.", "a@.x.org", "a@x..org", "a@-x.org", "a@x-.org", "a@x_y.org", "a@xn--.org",
		strings.Repeat("a", 65) + "@x.org", "a@" + strings.Repeat("b", 64) + ".org", "a@" + strings.Repeat("bcd.", 64) + "org",
	} {
		got, err := Parse(text)
		if err == nil {
			t.Errorf("%q is read as %q", text, got)
		} else if got != (Address{}) || !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrTooLong) && !errors.Is(err, ErrLocalTooLong) {
			t.Errorf("%q is refused with %q, %v", text, got, err)
		}
	}
}

func TestKeyAndMailbox(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"Ann@Example.ORG":             {"ann@example.org", "ann@example.org"},
		"Ann+Freehold@bücher.example": {"ann+freehold@xn--bcher-kva.example", "ann@xn--bcher-kva.example"},
		"ann+a+b@x.org":               {"ann+a+b@x.org", "ann@x.org"},
		"+a@x.org":                    {"+a@x.org", "+a@x.org"}, // nothing is left without it
	} {
		a, err := Parse(text)
		if err != nil || a.Key() != want[0] || Mailbox(a.Key()) != want[1] {
			t.Errorf("%q is read as %q with the key %q of the mailbox %q, %v; want %q", text, a, a.Key(), Mailbox(a.Key()), err, want)
		}
	}
}
