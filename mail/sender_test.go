package mail

import (
	"bytes"
	"mime"
	stdmail "net/mail"
	"strings"
	"testing"
)

// The name of a product can have any visible character. It arrives unchanged in the subject and as the name of the sender, and adds
// no headers.
func TestNamesInHeaders(t *testing.T) {
	t.Parallel()
	server := serve(t, nil, false, nil)
	sent := 0
	for _, name := range []string{
		"freehold", `Ann's "Größe" & Söhne`, `back\slash" <b@y.org>, "`, "Böses, GmbH; (x) @home <b@y.org>", "日本語のサービス", "👩‍👩‍👧 Family ❤️", "a:b = ?",
		strings.Repeat("ö", 60), strings.Repeat("👧", 60),
	} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		for from, want := range map[string]string{"no-reply@example.org": name, `"The \"other\" one" <no-reply@example.org>`: `The "other" one`} {
			s, err := NewSMTP(SMTPOptions{URL: "smtp://" + server.address, From: from, Name: name})
			if err != nil {
				t.Fatal(err)
			}
			m := letter(t)
			m.Subject = "Confirm your email address for " + name
			if err := send(t, s, m); err != nil {
				t.Errorf("%q: %v", name, err)
				continue
			}
			got, err := stdmail.ReadMessage(bytes.NewReader(server.all()[sent].data))
			sent++
			if err != nil {
				t.Fatal(err)
			}
			h := got.Header
			sender, err := h.AddressList("From")
			if err != nil || len(sender) != 1 || *sender[0] != (stdmail.Address{Name: want, Address: "no-reply@example.org"}) {
				t.Errorf("%q: From is %v, %v", name, h["From"], err)
			}
			if subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject")); err != nil || subject != m.Subject {
				t.Errorf("%q: Subject is %q, decoded %q, %v", name, h["Subject"], subject, err)
			}
			for header := range h {
				switch header {
				case "From", "To", "Subject", "Date", "Message-Id", "Auto-Submitted", "Content-Type", "Mime-Version":
				default:
					t.Errorf("%q added the header %s: %q", name, header, h[header])
				}
			}
		}
	}
}
