package mail

import (
	"bytes"
	stdmail "net/mail"
	"strings"
	"testing"

	"freehold.dev/freehold/mail/address"
)

// FuzzRecipient reads a recipient as the programs after us do: the one that builds the message, and the one that reads its header.
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
		to, err := address.Parse(text)
		if err != nil {
			return
		}
		spec := to.String()
		if strings.Count(spec, "@") != 1 || strings.ContainsAny(spec, "\r\n,;<>\" ") || strings.ContainsFunc(spec, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("%q is read as %q", text, spec)
		}
		if again, err := address.Parse(spec); err != nil || again != to {
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
