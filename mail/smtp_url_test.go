package mail

import (
	"testing"
)

func TestSMTPURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]server{
		"smtp://mail.example.org":                      {host: "mail.example.org", port: 587},
		"smtp://mail.example.org:25/":                  {host: "mail.example.org", port: 25},
		"smtps://mail.example.org":                     {host: "mail.example.org", port: 465, implicitTLS: true},
		"SMTPS://u:p@mail.example.org:2465":            {host: "mail.example.org", port: 2465, implicitTLS: true, user: "u", password: "p"},
		"smtp://u%40x.org:p%2F%3A%40@mail.example.org": {host: "mail.example.org", port: 587, user: "u@x.org", password: "p/:@"},
		"smtp://localhost:1025":                        {host: "localhost", port: 1025, plain: true},
		"smtp://127.0.0.1":                             {host: "127.0.0.1", port: 587, plain: true},
		"smtp://127.9.9.9":                             {host: "127.9.9.9", port: 587, plain: true},
		"smtp://[::1]:25":                              {host: "::1", port: 25, plain: true},
		"smtps://localhost":                            {host: "localhost", port: 465, implicitTLS: true},
		// These hosts only look like this machine: STARTTLS is required.
		"smtp://localhost.example.org": {host: "localhost.example.org", port: 587},
		"smtp://127.0.0.1.example.org": {host: "127.0.0.1.example.org", port: 587},
		"smtp://10.0.0.1":              {host: "10.0.0.1", port: 587},
		"smtp://0.0.0.0":               {host: "0.0.0.0", port: 587},
		"smtp://mail":                  {host: "mail", port: 587},
	} {
		if got, err := parseSMTPURL(text); err != nil || got != want {
			t.Errorf("%s is read as %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "canary", "canary:25", "canary.example.com:25", "//canary", "http://canary", "smtp:canary", "smtp://", "smtp://:25", "smtp://u:canary@",
		"smtp://canary:0", "smtp://canary:65536", "smtp://canary:x", "smtp://canary:-1", "smtp://canary/path", "smtp://canary?tls=no", "smtp://canary#a",
		"smtp://u:canary/@example.com", "smtp://u:canary%@example.com", "smtp://canary example.com", "smtp://canary\n",
	} {
		err := CheckSMTPURL(text)
		if err == nil {
			t.Errorf("%q is accepted", text)
			continue
		}
		discreet(t, err)
		if _, err := NewSMTP(SMTPOptions{URL: text, From: "a@x.org"}); err == nil {
			t.Errorf("NewSMTP accepts %q", text)
		}
	}
}
