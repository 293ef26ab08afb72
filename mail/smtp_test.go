package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	stdmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

func TestMessageArrivesWhole(t *testing.T) {
	t.Parallel()
	server := serve(t, nil, false, nil)
	m := letter(t)
	if err := send(t, newSMTP(t, "smtp://"+server.address, nil), m); err != nil {
		t.Fatal(err)
	}
	all := server.all()
	if len(all) != 1 || all[0].from != "no-reply@people.example.org" || !slices.Equal(all[0].to, []string{"canary-to@example.com"}) {
		t.Fatalf("the server received %+v", all)
	}
	got, err := stdmail.ReadMessage(bytes.NewReader(all[0].data))
	if err != nil {
		t.Fatal(err)
	}
	h := got.Header
	from, err := h.AddressList("From")
	if err != nil || len(from) != 1 || *from[0] != (stdmail.Address{Name: "Freehold, Ünal", Address: "no-reply@people.example.org"}) {
		t.Errorf("From is %v, %v", from, err)
	}
	to, err := h.AddressList("To")
	if err != nil || len(h["To"]) != 1 || len(to) != 1 || *to[0] != (stdmail.Address{Address: "canary-to@example.com"}) {
		t.Errorf("To is %v, %v", to, err)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject")); err != nil || subject != m.Subject {
		t.Errorf("Subject is %q, %v", subject, err)
	}
	if date, err := h.Date(); err != nil || !date.Equal(m.Date) {
		t.Errorf("Date is %v, %v", date, err)
	}
	for name, want := range map[string]string{"Message-ID": "<" + m.MessageID + ">", "Auto-Submitted": "auto-generated", "Cc": "", "Bcc": "", "User-Agent": "", "X-Mailer": ""} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media != "multipart/alternative" {
		t.Fatalf("Content-Type is %q, %v", media, err)
	}
	parts := multipart.NewReader(got.Body, params["boundary"])
	for _, want := range [][2]string{{"text/plain", m.Text}, {"text/html", m.HTML}} { // the last is the preferred: RFC 2046
		media, body := readPart(t, parts)
		if media != want[0] || strings.TrimSpace(body) != strings.TrimSpace(want[1]) {
			t.Errorf("a part is %s %q, want %q", media, body, want)
		}
	}
	if _, err := parts.NextRawPart(); !errors.Is(err, io.EOF) {
		t.Errorf("there is a third part, or %v", err)
	}
}

func readPart(t *testing.T, parts *multipart.Reader) (media, body string) {
	t.Helper()
	part, err := parts.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	media, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil || !strings.EqualFold(params["charset"], "utf-8") || part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
		t.Errorf("the header of a part is %v, %v", part.Header, err)
	}
	raw, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		t.Error(err)
	}
	return media, strings.ReplaceAll(string(raw), "\r\n", "\n")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for stage, codes := range map[string]map[int]Failure{
		"rcpt": {550: {Kind: "smtp 550 recipient", Permanent: true}, 451: {Kind: "smtp 451 recipient"}},
		"data": {554: {Kind: "smtp 554 data", Permanent: true}, 452: {Kind: "smtp 452 data"}},
		"mail": {550: {Kind: "smtp 550 sender"}, 451: {Kind: "smtp 451 sender"}}, // the configuration's fault
		"auth": {535: {Kind: "smtp 535 sign-in"}},
	} {
		for code, want := range codes {
			t.Run(want.Kind, func(t *testing.T) {
				t.Parallel()
				server := serve(t, nil, false, func(at string, _ *smtp.Conn) error {
					if at != stage {
						return nil
					}
					return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: "no canary-to@example.com, Canary-text, canary-password"}
				})
				err := send(t, newSMTP(t, "smtp://canary-user:canary-password@"+server.address, nil), letter(t))
				failure, ok := errors.AsType[*Failure](err)
				if !ok || *failure != want {
					t.Errorf("the failure is %+v, want %+v", err, want)
				}
				discreet(t, err)
				if all := server.all(); len(all) != 0 {
					t.Errorf("the server received %+v", all)
				}
			})
		}
	}
}

// discreet fails the test if an error contains a secret.
func discreet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Error("there is no error")
		return
	}
	text := strings.ToLower(err.Error())
	for _, secret := range []string{"canary", "example.com", "7k3d"} {
		if strings.Contains(text, secret) {
			t.Errorf("the error repeats %q: %v", secret, err)
		}
	}
}

func TestServerIsDown(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = send(t, newSMTP(t, "smtp://canary-user:canary-password@"+listener.Addr().String(), nil), letter(t))
	if failure, ok := errors.AsType[*Failure](err); !ok || failure.Permanent || failure.Kind != "connection" || !strings.Contains(failure.Detail, "refused") {
		t.Errorf("the failure is %+v", err)
	}
	discreet(t, err)
}

// A connection that ends badly does not cause a duplicate.
func TestSentIsSent(t *testing.T) {
	t.Parallel()
	server := serve(t, nil, false, func(stage string, c *smtp.Conn) error {
		if stage == "reset" {
			c.Conn().Close()
		}
		return nil
	})
	if err := send(t, newSMTP(t, "smtp://"+server.address, nil), letter(t)); err != nil || len(server.all()) != 1 {
		t.Errorf("the server received %+v, %v", server.all(), err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := certificate(t)
	for name, c := range map[string]struct {
		scheme   string
		server   *tls.Config
		implicit bool
		client   *tls.Config
		failure  string // "" for sent
	}{
		"STARTTLS":                   {"smtp", serverTLS, false, clientTLS, ""},
		"TLS from the first byte":    {"smtps", serverTLS, true, clientTLS, ""},
		"no STARTTLS":                {"smtp", nil, false, clientTLS, "connection"},
		"STARTTLS of a stranger":     {"smtp", serverTLS, false, nil, "tls"},
		"TLS of a stranger":          {"smtps", serverTLS, true, nil, "tls"},
		"no TLS from the first byte": {"smtps", nil, false, clientTLS, "connection"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, c.server, c.implicit, nil)
			s := newSMTP(t, c.scheme+"://canary-user:canary-password@"+server.address, c.client)
			s.server.plain = false // as if the server were on another machine
			err := send(t, s, letter(t))
			all := server.all()
			if c.failure == "" {
				if err != nil || len(all) != 1 || !all[0].encrypted || all[0].user != "canary-user" || all[0].password != "canary-password" {
					t.Errorf("the server received %+v, %v", all, err)
				}
				return
			}
			if failure, ok := errors.AsType[*Failure](err); !ok || failure.Permanent || failure.Kind != c.failure || failure.Detail == "" || len(all) != 0 {
				t.Errorf("the failure is %+v, the server received %+v", err, all)
			}
			discreet(t, err)
		})
	}
}

// A refused connection does not stay open: a mail is retried for half a day.
func TestNoConnectionIsLeft(t *testing.T) {
	t.Parallel()
	server := serve(t, nil, false, nil)
	dial, hangUp := newSMTP(t, "smtp://"+server.address, nil).dialer(t.Context())
	hangUp() // of nothing
	conn, err := dial(t.Context(), "tcp", server.address)
	if err != nil {
		t.Fatal(err)
	}
	hangUp()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestSilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // it never accepts; the system does
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	over := make(chan struct{})
	stuck := serve(t, nil, false, func(stage string, _ *smtp.Conn) error {
		if stage == "data" {
			<-over
		}
		return nil
	})
	t.Cleanup(func() { close(over) }) // before the server is closed
	for name, address := range map[string]string{"from the start": listener.Addr().String(), "when it has the message": stuck.address} {
		for _, how := range []string{"deadline", "cancel"} {
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if how == "cancel" { // has no deadline that could be the connection's too
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(100*time.Millisecond, cancel)
			}
			err := newSMTP(t, "smtp://"+address, nil).Send(ctx, letter(t))
			cancel()
			if failure, ok := errors.AsType[*Failure](err); !ok || *failure != (Failure{Kind: "timeout"}) {
				t.Errorf("%s, %s: the failure is %+v", name, how, err)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("%s, %s: it took %s", name, how, took)
			}
		}
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"no-reply@example.org":                   {"", "no-reply@example.org"},
		"<no-reply@example.org>":                 {"", "no-reply@example.org"},
		"Example <no-reply@example.org>":         {"Example", "no-reply@example.org"},
		`"Example, Inc." <no-reply@example.org>`: {"Example, Inc.", "no-reply@example.org"},
		"Übung <no-reply@Example.org>":           {"Übung", "no-reply@example.org"},
		"=?utf-8?q?=C3=9Cbung?= <a@example.org>": {"Übung", "a@example.org"},
	} {
		name, from, err := parseFrom(text)
		if err != nil || name != want[0] || from.String() != want[1] {
			t.Errorf("%q is read as %q, %q, %v", text, name, from, err)
		}
		if err := CheckFrom(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "canary", "canary@", "canary@localhost", "canary@example.com, b@y.org", "Canary <a@example.com>, b@y.org", "Canary <a@example.com", "canary a@example.com",
		"canary@example.com\r\nBcc: b@y.org", "Canary\r\nBcc: b@y.org <a@example.com>", "=?utf-8?q?canary=0D=0ABcc:_b@y.org?= <a@example.com>",
		`"canary b"@example.com`, "canary\uff20example.com",
	} {
		err := CheckFrom(text)
		if err == nil {
			t.Errorf("%q is accepted", text)
			continue
		}
		discreet(t, err)
		if _, err := NewSMTP(SMTPOptions{URL: "smtp://localhost", From: text}); err == nil {
			t.Errorf("NewSMTP accepts %q", text)
		}
	}
}
