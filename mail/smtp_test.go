package mail

import (
	"context"
	"errors"
	"io"
	"net"
	stdmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"
)

// received is what a server got of one message.
type received struct {
	from string
	to   []string
	data string
}

// mailServer is a real SMTP server in the process, which answers 550 to a recipient of poison@, and 451 to busy@.
type mailServer struct {
	mu       sync.Mutex
	received []received
}

func (s *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &mailSession{server: s}, nil
}

type mailSession struct {
	server *mailServer
	received
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch local, _, _ := strings.Cut(to, "@"); local {
	case "poison":
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user " + to}
	case "busy":
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "come again"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.data = string(text)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.received = append(s.server.received, s.received)
	return err
}

func (s *mailSession) Reset()        { s.received = received{} }
func (s *mailSession) Logout() error { return nil }

func (s *mailServer) all() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.received...)
}

// serveMail starts the server and returns its URL.
func serveMail(t *testing.T) (*mailServer, string) {
	t.Helper()
	backend := &mailServer{}
	server := smtp.NewServer(backend)
	server.Domain = "localhost"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return backend, "smtp://" + l.Addr().String()
}

func newSender(t *testing.T, url string) *SMTP {
	t.Helper()
	s, err := NewSMTP(SMTPOptions{URL: url, From: `"Freehold, Inc." <no-reply@example.org>`})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func message(t *testing.T, to string) Message {
	t.Helper()
	address, err := ParseAddress(to)
	if err != nil {
		t.Fatal(err)
	}
	return Message{
		ID: uuid.New(), MessageID: "x@id.example", Kind: ResetPassword, To: address, Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Subject: "Grüße", Text: "The code is 0123-ABCD.\n.\nQUIT\n", HTML: "<p>The code is 0123-ABCD.</p>",
	}
}

// A message arrives whole at a real server, for one recipient, and nothing in it ends it early.
func TestMessageArrivesWhole(t *testing.T) {
	t.Parallel()
	server, url := serveMail(t)
	if err := newSender(t, url).Send(t.Context(), message(t, "ann@bücher.example")); err != nil {
		t.Fatal(err)
	}
	all := server.all()
	if len(all) != 1 || all[0].from != "no-reply@example.org" || len(all[0].to) != 1 || all[0].to[0] != "ann@xn--bcher-kva.example" {
		t.Fatalf("the server got %+v", all)
	}
	m, err := stdmail.ReadMessage(strings.NewReader(all[0].data))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"To": "<ann@xn--bcher-kva.example>", "Message-Id": "<x@id.example>", "Auto-Submitted": "auto-generated", "Subject": "=?UTF-8?q?Gr=C3=BC=C3=9Fe?=",
		"Date": "Fri, 02 Jan 2026 03:04:05 +0000", "From": `"Freehold, Inc." <no-reply@example.org>`, "Bcc": "", "Cc": "",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if kind := m.Header.Get("Content-Type"); !strings.HasPrefix(kind, "multipart/alternative") {
		t.Errorf("Content-Type: %s", kind)
	}
	if strings.Count(all[0].data, "0123-ABCD") != 2 || !strings.Contains(all[0].data, "QUIT") {
		t.Errorf("the parts are %s", all[0].data)
	}
}

// What goes wrong is told by its kind, without the address, and whether it is for good.
func TestFailuresAreToldByTheirKind(t *testing.T) {
	t.Parallel()
	_, url := serveMail(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := "smtp://" + l.Addr().String() // nobody accepts
	t.Cleanup(func() { l.Close() })
	plain := newSender(t, url)
	plain.server.plain = false // as if it were another machine
	for name, c := range map[string]struct {
		sender    *SMTP
		to, want  string
		permanent bool
	}{
		"refused":              {newSender(t, url), "poison@example.org", "smtp 550 recipient", true},
		"busy":                 {newSender(t, url), "busy@example.org", "smtp 451 recipient", false},
		"down":                 {newSender(t, "smtp://127.0.0.1:1"), "ann@example.org", "connection", false},
		"silent":               {newSender(t, silent), "ann@example.org", "timeout", false},
		"without its STARTTLS": {plain, "ann@example.org", "connection", false},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		err := c.sender.Send(ctx, message(t, c.to))
		cancel()
		failure, ok := errors.AsType[*Failure](err)
		if !ok || failure.Kind != c.want || failure.Permanent != c.permanent {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), c.to) || strings.Contains(err.Error(), "0123")) {
			t.Errorf("%s tells too much: %v", name, err)
		}
	}
}

func TestSettingsOfAServer(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]server{
		"smtp://u:p%40ss@mail.example.org": {host: "mail.example.org", port: 587, user: "u", password: "p@ss"},
		"smtps://mail.example.org:2465":    {host: "mail.example.org", port: 2465, implicitTLS: true},
		"smtp://127.0.0.1:2525":            {host: "127.0.0.1", port: 2525, plain: true},
		"smtp://localhost/":                {host: "localhost", port: 587, plain: true},
	} {
		if got, err := parseSMTPURL(url); err != nil || got != want {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
	for _, url := range []string{"", "mail.example.org", "http://mail.example.org", "smtp://", "smtp://h:0", "smtp://h:99999", "smtp://h/path", "smtp://h?tls=off", "smtp://u:s3cret@h:x"} {
		if err := CheckSMTPURL(url); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", url, err)
		}
	}
	for from, fine := range map[string]bool{
		"no-reply@example.org": true, "Example <no-reply@example.org>": true, "": false, "a@x.org, b@y.org": false, "Example": false, "x <a b@x.org>": false,
	} {
		if err := CheckFrom(from); (err == nil) != fine {
			t.Errorf("%q: %v", from, err)
		}
	}
}
