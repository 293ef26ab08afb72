package faults

import (
	"io"
	"log"
	"net"
	"net/mail"
	"slices"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// mailServer is a real SMTP server that accepts every mail.
type mailServer struct {
	t       *testing.T
	address string
	server  *smtp.Server
	mu      sync.Mutex
	taken   []takenMail
	refuse  func() error // nil if it accepts mails
}

type takenMail struct{ to, id, text string }

func serveMail(t *testing.T) *mailServer {
	t.Helper()
	m := &mailServer{t: t, address: "127.0.0.1:0"}
	m.start()
	t.Cleanup(m.stop)
	return m
}

// start makes the server listen, at the same address as before.
func (m *mailServer) start() {
	m.t.Helper()
	l, err := net.Listen("tcp", m.address)
	if err != nil {
		m.t.Fatal(err)
	}
	m.address = l.Addr().String()
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{server: m}, nil }))
	m.server.Domain, m.server.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	go m.server.Serve(l)
}

// stop makes the server refuse connections.
func (m *mailServer) stop() { m.server.Close() }

// answer makes the server answer each recipient with what refuse returns; nil accepts them.
func (m *mailServer) answer(refuse func() error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = refuse
}

// refusal returns an answer of the server with a code of SMTP.
func refusal(code int) func() error {
	return func() error { return &smtp.SMTPError{Code: code, Message: "a test refuses it"} }
}

func (m *mailServer) all() []takenMail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.taken)
}

// mailSession is the conversation with one client.
type mailSession struct {
	server *mailServer
	to     string
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	refuse := s.server.refuse
	s.server.mu.Unlock()
	if refuse != nil {
		if err := refuse(); err != nil {
			return err
		}
	}
	s.to += to
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.taken = append(s.server.taken, takenMail{s.to, m.Header.Get("Message-ID"), string(text)})
	return nil
}

func (s *mailSession) Reset() { s.to = "" }

func (s *mailSession) Logout() error { return nil }
