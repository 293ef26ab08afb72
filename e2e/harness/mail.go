package harness

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// Work lets a service do what it does beside requests, until the test ends.
func (s *Service) Work() *Service {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.App.Work(ctx)
	}()
	s.T.Cleanup(func() {
		stop()
		<-done
	})
	return s
}

type Mail struct{ ID, Kind, To, Subject, Text, HTML, Link string }

// Mailbox returns the mails of /dev/mail.json once there are so many.
func (s *Service) Mailbox(n int) (list []Mail) {
	s.T.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status, _, body := s.Fetch(http.MethodGet, s.URL+"/dev/mail.json")
		if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK {
			s.T.Fatalf("%d %s: %v", status, body, err)
		}
		if len(list) >= n || time.Now().After(deadline) {
			return list
		}
	}
}

// AwaitOutbox waits until no mail does.
func (s *Service) AwaitOutbox() {
	s.T.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if n := s.DB.Query(s.T, `SELECT count(*) FROM app.outbox WHERE sent_at IS NULL AND parked_at IS NULL`); n[0] == "0" {
			return
		} else if time.Now().After(deadline) {
			s.T.Fatalf("%s mails wait", n)
		}
	}
}

// MailTo returns the newest mail of a kind to an address, once there are so many of them.
func (s *Service) MailTo(to, kind string, n int) Mail {
	s.T.Helper()
	var all []Mail
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		all = slices.DeleteFunc(s.Mailbox(0), func(m Mail) bool { return m.To != to || m.Kind != kind })
		if len(all) >= n {
			return all[0]
		}
	}
	s.T.Fatalf("%d mails of kind %s to %s, want %d", len(all), kind, to, n)
	return Mail{}
}

var CodeInText = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b`)

// CodeTo is the code of the newest mail of a kind to an address, once there are so many.
func (s *Service) CodeTo(to, kind string, n int) string {
	s.T.Helper()
	m := s.MailTo(to, kind, n)
	code := CodeInText.FindString(m.Text)
	if code == "" {
		s.T.Fatalf("no code in %s", m.Text)
	}
	return code
}
