package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"freehold.dev/freehold/mail/address"
)

// mailServer is a real SMTP server. Tests can change its answer at a stage (auth, mail, rcpt, data, reset).
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

// serve starts a server. With useTLS, it offers STARTTLS or, if implicit, uses TLS from the first byte.
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

// session is the session of one client.
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

// certificate returns the TLS configurations of a server, and of a client that trusts it.
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

// letter returns a message with a canary in each of its parts.
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

// send sends a message, with a timeout.
func send(t *testing.T, s *SMTP, m Message) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return s.Send(ctx, m)
}
