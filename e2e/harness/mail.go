package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"freehold.dev/freehold/internal/eventually"
)

// Work runs the jobs of a service, such as sending mails, until the test ends. It returns the service.
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

// Mail is a mail in the mailbox of development.
type Mail struct{ ID, Kind, To, Subject, Text, HTML, Link string }

// Mailbox returns the mails of /dev/mail.json, newest first, once there are at least n.
func (s *Service) Mailbox(n int) (list []Mail) {
	s.T.Helper()
	eventually.True(s.T, mailTime, fmt.Sprintf("the mailbox has %d mails", n), func() bool {
		list = nil
		r := s.Fetch("/dev/mail.json")
		if err := json.Unmarshal([]byte(r.Body), &list); err != nil || r.Status != http.StatusOK {
			s.T.Fatalf("%d %s: %v", r.Status, r.Body, err)
		}
		return len(list) >= n
	})
	return list
}

// mailTime is the longest that a mail may take.
const mailTime = 20 * time.Second

// AwaitOutbox waits until the worker has sent, or given up, every mail.
func (s *Service) AwaitOutbox() {
	s.T.Helper()
	eventually.True(s.T, mailTime, "the outbox has no mail to send", func() bool {
		return s.DB.Query(s.T, `SELECT count(*) FROM app.outbox WHERE sent_at IS NULL AND parked_at IS NULL`)[0] == "0"
	})
}

// MailTo returns the newest mail of a kind to an address, once there are at least n.
func (s *Service) MailTo(to, kind string, n int) Mail {
	s.T.Helper()
	var all []Mail
	eventually.True(s.T, mailTime, fmt.Sprintf("there are %d mails of the kind %s to %s", n, kind, to), func() bool {
		all = slices.DeleteFunc(s.Mailbox(0), func(m Mail) bool { return m.To != to || m.Kind != kind })
		return len(all) >= n
	})
	return all[0]
}

// CodeInText matches the code in the text of a mail.
var CodeInText = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b`)

// CodeTo returns the code in that mail.
func (s *Service) CodeTo(to, kind string, n int) string {
	s.T.Helper()
	m := s.MailTo(to, kind, n)
	code := CodeInText.FindString(m.Text)
	if code == "" {
		s.T.Fatalf("no code in %s", m.Text)
	}
	return code
}
