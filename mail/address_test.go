package mail

import (
	"strings"
	"testing"
)

// I05: a recipient is exactly one address, whatever it contains, or it is none.
func TestAddressesAreOneOrNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ann@example.org": "ann@example.org", "Ann.B+c@Sub.Example.org": "Ann.B+c@sub.example.org", "ann@bücher.example": "ann@xn--bcher-kva.example",
		"": "", "ann": "", "@example.org": "", "ann@": "", "ann@localhost": "", "ann@127.0.0.1": "", "ann@[127.0.0.1]": "",
		"a@x.org,b@y.org": "", "a@x.org;b@y.org": "", "a@x.org b@y.org": "", "a@x.org\r\nBcc: b@y.org": "", "a\r\nRCPT TO:<b@y.org>@x.org": "",
		`"a b"@x.org`: "", `"a@y.org"@x.org`: "", "a@y.org@x.org": "", "<a@x.org>": "", "Ann <a@x.org>": "", "a@x.org>": "", "a＠x.org": "", "ä@x.org": "",
		"a@x.org\n": "", " a@x.org": "", ".a@x.org": "", "a..b@x.org": "", strings.Repeat("a", 65) + "@x.org": "",
		"a@" + strings.Repeat("x", 64) + ".org": "", "a@" + strings.Repeat("xxxxxxxxx.", 30) + "org": "",
	} {
		got, err := ParseAddress(text)
		if got.String() != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
		if err != nil && text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats %q", text)
		}
	}
}

func FuzzRecipient(f *testing.F) {
	for _, seed := range []string{"ann@example.org", "a@x.org,b@y.org", "a@x.org\r\nBcc: b@y.org", `"a"@x.org`, "a@bücher.example"} {
		f.Add(seed)
	}
	sender, err := NewSMTP(SMTPOptions{URL: "smtp://127.0.0.1", From: "no-reply@example.org"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		to, err := ParseAddress(text)
		if err != nil {
			return
		}
		if strings.Count(to.String(), "@") != 1 || strings.ContainsAny(to.String(), " ,;<>\"()[]\\\r\n\t\x00") {
			t.Errorf("%q was taken as %q", text, to)
		}
		if _, err := sender.compose(Message{To: to, Subject: "x", Text: "x", HTML: "x"}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
