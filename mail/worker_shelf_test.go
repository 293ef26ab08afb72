package mail

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/mail/outbox"
)

// shelf is an Outbox in memory.
type shelf struct {
	mu     sync.Mutex
	mails  []*shelved
	ends   []outbox.Settled
	broken bool
}

type shelved struct {
	outbox.Claimed
	due     time.Time
	expires time.Time // zero for never
}

func (s *shelf) put(kind Kind, change func(*shelved)) uuid.UUID {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, _ := queued(kind)
	m.Attempt = 0
	entry := &shelved{Claimed: m, due: time.Now(), expires: time.Now().Add(24 * time.Hour)}
	if change != nil {
		change(entry)
	}
	s.mails = append(s.mails, entry)
	return m.ID
}

func (s *shelf) ClaimMails(_ context.Context, limit int, lease time.Duration) ([]outbox.Claimed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, errors.New("the outbox is broken")
	}
	var claimed []outbox.Claimed
	for _, m := range s.mails {
		if len(claimed) < limit && !m.due.After(time.Now()) {
			m.due = time.Now().Add(lease)
			m.Attempt++
			m.ValidFor = time.Until(m.expires)
			claimed = append(claimed, m.Claimed)
		}
	}
	return claimed, nil
}

func (s *shelf) SettleMail(ctx context.Context, end outbox.Settled) (recorded bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	i := slices.IndexFunc(s.mails, func(m *shelved) bool { return m.ID == end.ID && m.Attempt == end.Attempt })
	if i < 0 {
		return false, errors.New("nobody holds this mail")
	}
	s.ends = append(s.ends, end)
	if end.Outcome == outbox.Failed {
		s.mails[i].due = time.Now().Add(end.RetryIn)
	} else {
		s.mails = slices.Delete(s.mails, i, i+1)
	}
	return true, nil
}

// endsOf returns the outcomes of the attempts to send a mail, in order.
func (s *shelf) endsOf(id uuid.UUID) (ends []outbox.Settled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, end := range s.ends {
		if end.ID == id {
			ends = append(ends, end)
		}
	}
	return ends
}

// sending is a Sender that calls a function, and keeps the messages.
type sending struct {
	how func(ctx context.Context, m Message) error

	mu    sync.Mutex
	tries []Message
	at    []time.Time
}

func (s *sending) Send(ctx context.Context, m Message) error {
	s.mu.Lock()
	s.tries, s.at = append(s.tries, m), append(s.at, time.Now())
	s.mu.Unlock()
	if s.how == nil {
		return nil
	}
	return s.how(ctx, m)
}

func (s *sending) of(id uuid.UUID) (tries []Message, at []time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range s.tries {
		if m.ID == id {
			tries, at = append(tries, m), append(at, s.at[i])
		}
	}
	return tries, at
}

// working is a running worker with its outbox, sender and log.
type working struct {
	*Worker
	shelf *shelf
	sent  *sending
	log   *bytes.Buffer // to be read when the worker has ended
	stop  func()        // ends its context, and waits for it
}

func work(t *testing.T, how func(ctx context.Context, m Message) error, change func(*WorkerOptions)) *working {
	t.Helper()
	w := &working{shelf: &shelf{}, sent: &sending{how: how}, log: &bytes.Buffer{}}
	o := WorkerOptions{
		Outbox: w.shelf, Templates: newTemplates(t), Sender: w.sent, Code: func(uuid.UUID) string { return testCode },
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	w.Worker = NewWorker(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	w.stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(w.stop)
	return w
}

// parallel runs a test in parallel, in a bubble with its own clock.
func parallel(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}
