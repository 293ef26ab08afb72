package mail

import (
	"bytes"
	stdmail "net/mail"
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a@x.org":                          "a@x.org",
		"Ada.Love+tag@Mail.X.ORG":          "Ada.Love+tag@mail.x.org", // what is before the @ is the host's to judge
		"o'neill@x.org":                    "o'neill@x.org",
		"a@bücher.example":                 "a@xn--bcher-kva.example",
		"a@BÜCHER.example":                 "a@xn--bcher-kva.example",
		"a@bu\u0308cher.example":           "a@xn--bcher-kva.example",
		"a@xn--bcher-kva.example":          "a@xn--bcher-kva.example",
		"a@例え.テスト":                         "a@xn--r8jz45g.xn--zckzah",
		strings.Repeat("a", 64) + "@x.org": strings.Repeat("a", 64) + "@x.org",
	} {
		if got, err := ParseAddress(text); err != nil || got.String() != want {
			t.Errorf("%q is read as %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestAddressInjection: each of these means something else to one of the parsers between here and the mailbox.
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
		got, err := ParseAddress(text)
		if err == nil {
			t.Errorf("%q is read as %q", text, got)
		} else if got != (Address{}) || err.Error() != errAddress.Error() {
			t.Errorf("%q is refused with %q, %v", text, got, err)
		}
	}
}

// FuzzRecipient looks at a recipient with the eyes of those who read it after us: the one who builds the message, and
// whoever reads its header.
func FuzzRecipient(f *testing.F) {
	for _, text := range []string{
		"a@x.org", "a@x.org,b@y.org", "a@x.org\r\nBcc: b@y.org", `"a@y.org"@x.org`, "a\uff20x.org", "a@x.org>", "a@bücher.example", "=?utf-8?q?a?=@x.org", "a@b@x.org", "",
	} {
		f.Add(text)
	}
	s, err := NewSMTP(SMTPOptions{URL: "smtp://localhost", From: "Example <no-reply@example.org>"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		to, err := ParseAddress(text)
		if err != nil {
			return
		}
		spec := to.String()
		if strings.Count(spec, "@") != 1 || strings.ContainsAny(spec, "\r\n,;<>\" ") || strings.ContainsFunc(spec, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("%q is read as %q", text, spec)
		}
		if again, err := ParseAddress(spec); err != nil || again != to {
			t.Errorf("%q is read as %q, which is read as %q, %v", text, spec, again, err)
		}
		message, err := s.compose(Message{To: to, Subject: "Subject", Text: "text", HTML: "html"})
		if err != nil {
			t.Fatalf("no message to %q: %v", spec, err)
		}
		if got, err := message.GetRecipients(); err != nil || len(got) != 1 || got[0] != "<"+spec+">" {
			t.Errorf("a message to %q goes to %q, %v", spec, got, err)
		}
		var raw bytes.Buffer
		if _, err := message.WriteTo(&raw); err != nil {
			t.Fatalf("a message to %q: %v", spec, err)
		}
		sent, err := stdmail.ReadMessage(&raw)
		if err != nil {
			t.Fatalf("a message to %q cannot be read: %v", spec, err)
		}
		if list, err := sent.Header.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != spec || list[0].Name != "" || sent.Header.Get("Cc")+sent.Header.Get("Bcc") != "" {
			t.Errorf("a message to %q has the header %q, %v", spec, sent.Header, err)
		}
	})
}
