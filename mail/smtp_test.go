package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	stdmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"freehold.dev/freehold/mail/address"
)

// mailServer is a real SMTP server. What it answers at a stage (auth, mail, rcpt, data, reset) can be changed.
type mailServer struct {
	address string
	answer  func(stage string, c *smtp.Conn) error

	mu       sync.Mutex
	received []envelope
}

type envelope struct {
	user, password, from string
	to                   []string
	data                 []byte
	encrypted            bool
}

// serve starts a server. With useTLS it offers STARTTLS, or speaks TLS from the first byte if implicit.
func serve(t *testing.T, useTLS *tls.Config, implicit bool, answer func(stage string, c *smtp.Conn) error) *mailServer {
	t.Helper()
	m := &mailServer{answer: answer}
	if answer == nil {
		m.answer = func(string, *smtp.Conn) error { return nil }
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{m: m, c: c}, nil }))
	server.Domain, server.AllowInsecureAuth, server.ErrorLog = "localhost", true, log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.address = listener.Addr().String()
	if implicit {
		listener = tls.NewListener(listener, useTLS)
	} else {
		server.TLSConfig = useTLS
	}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return m
}

func (m *mailServer) all() []envelope {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.received)
}

// session is one client's.
type session struct {
	m *mailServer
	c *smtp.Conn
	e envelope
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.e.from = from
	return s.m.answer("mail", s.c)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.e.to = append(s.e.to, to)
	return s.m.answer("rcpt", s.c)
}

func (s *session) Data(r io.Reader) (err error) {
	if s.e.data, err = io.ReadAll(r); err != nil {
		return err
	}
	if err := s.m.answer("data", s.c); err != nil {
		return err
	}
	_, s.e.encrypted = s.c.TLSConnectionState()
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.received = append(s.m.received, s.e)
	return nil
}

func (s *session) Reset() {
	s.m.answer("reset", s.c)
	s.e = envelope{user: s.e.user, password: s.e.password}
}

func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.e.user, s.e.password = user, password
		return s.m.answer("auth", s.c)
	}), nil
}

// certificate is a server's, and a client's that trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	web := httptest.NewTLSServer(nil) // it has one for 127.0.0.1
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return &tls.Config{Certificates: web.TLS.Certificates}, &tls.Config{RootCAs: roots}
}

func newSMTP(t *testing.T, url string, config *tls.Config) *SMTP {
	t.Helper()
	s, err := NewSMTP(SMTPOptions{URL: url, From: `"Freehold, Ünal" <no-reply@people.example.org>`, TLS: config})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// letter is a message with a canary in each of its parts.
func letter(t *testing.T) Message {
	t.Helper()
	to, err := address.Parse("canary-to@example.com")
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.New()
	return Message{
		ID: id, MessageID: id.String() + "@people.example.org", Kind: VerifyEmail, To: to, Date: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Subject: "Canary-subject für dich", Text: "Canary-text: 7K3D-9QXW\n.\nQUIT\n", HTML: "<p>Canary-html: ü 7K3D-9QXW</p>",
	}
}

// send sends within a time in which nothing should take long.
func send(t *testing.T, s *SMTP, m Message) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return s.Send(ctx, m)
}

func TestMessageArrivesWhole(t *testing.T) {
	t.Parallel()
	server := serve(t, nil, false, nil)
	m := letter(t)
	if err := send(t, newSMTP(t, "smtp://"+server.address, nil), m); err != nil {
		t.Fatal(err)
	}
	all := server.all()
	if len(all) != 1 || all[0].from != "no-reply@people.example.org" || !slices.Equal(all[0].to, []string{"canary-to@example.com"}) {
		t.Fatalf("received was %+v", all)
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
					t.Errorf("received was %+v", all)
				}
			})
		}
	}
}

// discreet looks for what an error must not repeat.
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

// TestSentIsSent: a parting that goes wrong must not make a duplicate.
func TestSentIsSent(t *testing.T) {
	t.Parallel()
	server := serve(t, nil, false, func(stage string, c *smtp.Conn) error {
		if stage == "reset" {
			c.Conn().Close()
		}
		return nil
	})
	if err := send(t, newSMTP(t, "smtp://"+server.address, nil), letter(t)); err != nil || len(server.all()) != 1 {
		t.Errorf("received was %+v, %v", server.all(), err)
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
					t.Errorf("received was %+v, %v", all, err)
				}
				return
			}
			if failure, ok := errors.AsType[*Failure](err); !ok || failure.Permanent || failure.Kind != c.failure || failure.Detail == "" || len(all) != 0 {
				t.Errorf("the failure is %+v, received was %+v", err, all)
			}
			discreet(t, err)
		})
	}
}

// TestNoConnectionIsLeft: a mail is tried for half a day, and a refused connection must not stay open each time.
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
		// Not this machine, whatever they look like: STARTTLS must be had.
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
			t.Errorf("%q is taken", text)
			continue
		}
		discreet(t, err)
		if _, err := NewSMTP(SMTPOptions{URL: text, From: "a@x.org"}); err == nil {
			t.Errorf("NewSMTP takes %q", text)
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
			t.Errorf("%q is taken", text)
			continue
		}
		discreet(t, err)
		if _, err := NewSMTP(SMTPOptions{URL: "smtp://localhost", From: text}); err == nil {
			t.Errorf("NewSMTP takes %q", text)
		}
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	var box Mailbox
	var ids []uuid.UUID
	for range mailboxSize + 2 {
		m := letter(t)
		ids = append(ids, m.ID)
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	all := box.Messages()
	if len(all) != mailboxSize || all[0].ID != ids[mailboxSize+1] || all[mailboxSize-1].ID != ids[2] {
		t.Errorf("there are %d messages, or not the newest first", len(all))
	}
	if m, ok := box.Find(ids[2]); !ok || m.ID != ids[2] {
		t.Error("a message that is there is not found")
	}
	if _, ok := box.Find(ids[1]); ok {
		t.Error("the box keeps more than it should")
	}
}
