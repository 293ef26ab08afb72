package mail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/mail/outbox"
)

// Outbox is where mails wait. Several workers can use it at once.
type Outbox interface {
	// ClaimMails returns up to limit mails that are due. No other worker gets them before the lease ends.
	ClaimMails(ctx context.Context, limit int, lease time.Duration) ([]outbox.Claimed, error)
	// SettleMail records how an attempt ended. It reports false if it recorded nothing, since the mail is not claimed any more.
	SettleMail(ctx context.Context, s outbox.Settled) (recorded bool, err error)
}

// WorkerOptions configure a worker. Zero durations and numbers mean the defaults.
type WorkerOptions struct {
	Outbox    Outbox
	Templates *Templates
	Sender    Sender
	Code      func(id uuid.UUID) string // derives the one-time code from a mail's id; "" if this instance does not have the key
	Secret    func(id uuid.UUID) string // derives the secret of an Extra in the same way
	Log       *slog.Logger
	Settled   func(Kind, outbox.Outcome) // called after each attempt, for metrics; can be nil

	Poll         time.Duration // how often it checks the outbox without a Nudge; 1 s
	Timeout      time.Duration // of one attempt; 30 s
	Lease        time.Duration // longer than an attempt and its settlement; 2 min
	FirstRetry   time.Duration // after the first failure, doubled after each further one; 5 s
	LongestRetry time.Duration // 1 h
	Attempts     int           // before a mail is parked; 20, which takes about half a day
	AtOnce       int           // messages that are sent at once; 4
}

// Worker sends what waits in an outbox. Any number of workers can share an outbox: one of them claims a mail, for a lease. If a
// worker is killed after it has sent a mail and before it has recorded that, another one sends the mail again, with the same
// Message-ID and code. This is the only way to a duplicate.
type Worker struct {
	WorkerOptions
	nudged chan struct{}
}

// NewWorker returns a worker. It does nothing before Run.
func NewWorker(o WorkerOptions) *Worker {
	o.Poll, o.Timeout, o.Lease = cmp.Or(o.Poll, time.Second), cmp.Or(o.Timeout, 30*time.Second), cmp.Or(o.Lease, 2*time.Minute)
	o.FirstRetry, o.LongestRetry = cmp.Or(o.FirstRetry, 5*time.Second), cmp.Or(o.LongestRetry, time.Hour)
	o.Attempts, o.AtOnce = cmp.Or(o.Attempts, 20), cmp.Or(o.AtOnce, 4)
	if o.Settled == nil {
		o.Settled = func(Kind, outbox.Outcome) {}
	}
	return &Worker{WorkerOptions: o, nudged: make(chan struct{}, 1)}
}

// Nudge makes the worker check the outbox now. A nil worker ignores it.
func (w *Worker) Nudge() {
	if w == nil {
		return
	}
	select {
	case w.nudged <- struct{}{}:
	default: // a check is already due
	}
}

// Run sends mails until ctx ends. It returns after the running attempts have ended, which takes no longer than one attempt.
func (w *Worker) Run(ctx context.Context) {
	var under sync.WaitGroup
	defer under.Wait()
	free := make(chan struct{}, w.AtOnce)
	for range w.AtOnce {
		free <- struct{}{}
	}
	failing := false
	for {
		claimed, err := w.claim(ctx, len(free))
		if (err != nil) != failing && ctx.Err() == nil { // logged once, not every second
			if failing = err != nil; failing {
				w.Log.WarnContext(ctx, "failed to read the outbox; will retry", "error", err)
			} else {
				w.Log.InfoContext(ctx, "the outbox can be read again")
			}
		}
		for _, m := range claimed {
			<-free
			under.Go(func() {
				w.deliver(context.WithoutCancel(ctx), m)
				free <- struct{}{}
				w.Nudge() // there may be more mails than it could claim
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-w.nudged:
		case <-time.After(w.Poll):
		}
	}
}

func (w *Worker) claim(ctx context.Context, limit int) ([]outbox.Claimed, error) {
	if limit == 0 {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return w.Outbox.ClaimMails(ctx, limit, w.Lease)
}

// deliver makes one attempt to send a mail, and settles it.
func (w *Worker) deliver(ctx context.Context, m outbox.Claimed) {
	err := w.try(ctx, m)
	s := w.settlement(m, err)
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	log := w.Log.With("mail", m.ID, "kind", m.Kind, "attempt", m.Attempt)
	if _, err := w.Outbox.SettleMail(ctx, s); err != nil {
		log.ErrorContext(ctx, "failed to record the outcome of a mail; it may be sent again", "outcome", s.Outcome, "error", err)
	}
	w.Settled(m.Kind, s.Outcome)
	failure, _ := errors.AsType[*Failure](err)
	switch s.Outcome {
	case outbox.Sent:
		log.DebugContext(ctx, "sent a mail")
	case outbox.Parked:
		log.ErrorContext(ctx, "gave up on a mail", "failure", s.Failure, "detail", failure.Detail)
	default:
		log.WarnContext(ctx, "failed to send a mail; will retry", "failure", s.Failure, "detail", failure.Detail, "retry_in", s.RetryIn.Round(time.Second).String())
	}
}

// settlement returns how an attempt ended.
func (w *Worker) settlement(m outbox.Claimed, err error) outbox.Settled {
	s := outbox.Settled{ID: m.ID, Attempt: m.Attempt, Outcome: outbox.Sent}
	if err == nil {
		return s
	}
	failure, _ := errors.AsType[*Failure](err)
	s.Outcome, s.Failure, s.RetryIn = outbox.Failed, failure.Kind, w.pause(m.Attempt)
	if failure.Permanent || m.Attempt >= w.Attempts {
		s.Outcome = outbox.Parked
	}
	return s
}

// pause returns how long to wait after a number of attempts. It doubles with each attempt up to a maximum, and up to half of it
// is random, so that mails that failed together do not return together.
func (w *Worker) pause(attempts int) time.Duration {
	longest := w.LongestRetry
	if doublings := attempts - 1; w.FirstRetry <= longest>>doublings { // so the doubling cannot overflow
		longest = w.FirstRetry << doublings
	}
	return longest - rand.N(longest/2+1) //nolint:gosec // jitter, not a secret
}

// try renders a mail and sends it. Its error is a *Failure, even after a panic: the next attempt may succeed.
func (w *Worker) try(ctx context.Context, m outbox.Claimed) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			w.Log.ErrorContext(ctx, "sending a mail panicked", "mail", m.ID, "stack", string(debug.Stack()))
			err = &Failure{Kind: "panic"}
		}
	}()
	switch {
	case m.Attempt > w.Attempts: // each earlier worker was killed, maybe by this mail
		return &Failure{Kind: "attempts", Permanent: true}
	case m.Expires && m.ValidFor <= 0:
		return &Failure{Kind: "expired", Permanent: true}
	}
	code := ""
	if m.HasCode {
		derive := w.Code
		if w.Templates.HasSecret(m.Kind) {
			derive = w.Secret
		}
		if code = derive(m.ID); code == "" {
			return &Failure{Kind: "code"} // this instance does not have its key, or not yet
		}
	}
	message, err := w.Templates.Render(m, code)
	switch {
	case errors.Is(err, errRecipient):
		return &Failure{Kind: "recipient", Permanent: true}
	case err != nil:
		return &Failure{Kind: "template", Permanent: true}
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	err = w.Sender.Send(ctx, message)
	if _, ok := errors.AsType[*Failure](err); err != nil && !ok {
		return fmt.Errorf("%w: %w", &Failure{Kind: "other"}, err)
	}
	return err
}
