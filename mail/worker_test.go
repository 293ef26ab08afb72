package mail

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// fakeOutbox keeps mails in memory.
type fakeOutbox struct {
	mu      sync.Mutex
	waiting []Queued
	settled []Settled
}

func (o *fakeOutbox) Claim(_ context.Context, limit int, _ time.Duration) ([]Queued, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(limit, len(o.waiting))
	claimed := append([]Queued(nil), o.waiting[:n]...)
	o.waiting = o.waiting[n:]
	for i := range claimed {
		claimed[i].Attempt++
	}
	return claimed, nil
}

func (o *fakeOutbox) Settle(_ context.Context, s Settled) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settled = append(o.settled, s)
	return nil
}

func (o *fakeOutbox) put(q Queued) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, q)
}

type senderFunc func(context.Context, Message) error

func (f senderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// startWorker runs a worker over an outbox until stop is called, which returns when it has ended.
func startWorker(t *testing.T, o *fakeOutbox, send senderFunc, log *bytes.Buffer) (w *Worker, stop func()) {
	t.Helper()
	templates, err := NewTemplates(nil, "https://id.example")
	if err != nil {
		t.Fatal(err)
	}
	w = NewWorker(WorkerOptions{
		Outbox: o, Templates: templates, Sender: send, Code: func(uuid.UUID) string { return "0123-ABCD" },
		Log:  slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Poll: time.Hour, Attempts: 3,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	return w, func() {
		cancel()
		<-done
	}
}

// await waits until so many mails were settled, and returns them by what became of them.
func (o *fakeOutbox) await(t *testing.T, n int) map[uuid.UUID]Settled {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		o.mu.Lock()
		all := map[uuid.UUID]Settled{}
		for _, s := range o.settled {
			all[s.ID] = s
		}
		o.mu.Unlock()
		if len(all) >= n {
			return all
		}
	}
	t.Fatalf("fewer than %d mails were settled", n)
	return nil
}

// R16: whatever becomes of one mail, the others are sent; one that fails is tried again, later each time, and given up when
// it was refused for good or tried too often. Nothing of a mail is in the log.
func TestWorkerSendsRetriesAndParks(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := &fakeOutbox{}
	mails := map[string]Queued{}
	for name, attempts := range map[string]int{"fine": 0, "refused": 0, "down": 1, "down for long": 2, "panics": 0, "killed thrice": 3, "expired": 0, "nonsense": 0} {
		q, _ := sample(ResetPassword)
		q.CodeID, q.Attempt, q.Recipient = uuid.New(), attempts, strings.ReplaceAll(name, " ", "-")+"@example.org"
		mails[name] = q
	}
	late, nonsense := mails["expired"], mails["nonsense"]
	late.ValidFor, nonsense.Recipient = -time.Second, "a@x.org, b@y.org"
	mails["expired"], mails["nonsense"] = late, nonsense
	for _, q := range mails {
		o.put(q)
	}
	w, stop := startWorker(t, o, func(_ context.Context, m Message) error {
		switch local, _, _ := strings.Cut(m.To.String(), "@"); {
		case local == "refused":
			return &Failure{Kind: "smtp 550 recipient", Permanent: true}
		case strings.HasPrefix(local, "down"):
			return errors.New("no route to " + m.To.String())
		case local == "panics":
			panic("template of " + m.To.String())
		}
		return nil
	}, &log)
	w.Nudge()
	settled := o.await(t, len(mails))
	stop()
	for name, want := range map[string]Settled{
		"fine": {Outcome: Sent}, "refused": {Outcome: Parked, Failure: "smtp 550 recipient"}, "down": {Outcome: Failed, Failure: "other"},
		"down for long": {Outcome: Parked, Failure: "other"}, "panics": {Outcome: Failed, Failure: "panic"},
		"killed thrice": {Outcome: Parked, Failure: "attempts"}, "expired": {Outcome: Parked, Failure: "expired"}, "nonsense": {Outcome: Parked, Failure: "recipient"},
	} {
		got := settled[mails[name].ID]
		if got.Outcome != want.Outcome || got.Failure != want.Failure {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	for _, secret := range []string{"@example.org", "0123", "x.org", "<i>ann"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log.String())
		}
	}
}

func TestPausesGrowAndAreCapped(t *testing.T) {
	t.Parallel()
	w := NewWorker(WorkerOptions{})
	for attempts, longest := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 5: 80 * time.Second, 12: time.Hour, 31: time.Hour, 32: time.Hour, 33: time.Hour, 64: time.Hour, 1000: time.Hour} {
		for range 100 {
			if p := w.pause(attempts); p < longest/2 || p > longest {
				t.Errorf("after %d attempts %v, want up to %v", attempts, p, longest)
			}
		}
	}
}

// A worker that is stopped settles what it has in hand.
func TestWorkerFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o, begun, finish := &fakeOutbox{}, make(chan struct{}), make(chan struct{})
	q, _ := sample(PasswordChanged)
	o.put(q)
	_, stop := startWorker(t, o, func(context.Context, Message) error {
		close(begun)
		<-finish
		return nil
	}, &log)
	<-begun
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	select {
	case <-stopped:
		t.Error("it did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	<-stopped
	if s := o.await(t, 1)[q.ID]; s.Outcome != Sent {
		t.Errorf("%+v", s)
	}
}
