package mail

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/mail/outbox"
)

// These tests run in synctest bubbles: their times are exact, and take no real time.

func TestWorkerSends(t *testing.T) {
	parallel(t, func(t *testing.T) {
		var of uuid.UUID
		var reported []string
		w := work(t, nil, func(o *WorkerOptions) {
			o.Code = func(id uuid.UUID) string { of = id; return testCode }
			o.Settled = func(k Kind, outcome outbox.Outcome) { reported = append(reported, string(k)+" "+string(outcome)) }
		})
		id := w.shelf.put(VerifyEmail, func(m *shelved) { m.HasCode = true })
		time.Sleep(10 * time.Minute)
		w.stop()
		tries, _ := w.sent.of(id)
		if len(tries) != 1 || tries[0].To.String() != "ada@example.com" || !strings.Contains(tries[0].Text, testCode) || !strings.Contains(tries[0].Text, "24 hours") {
			t.Errorf("it sent %+v", tries)
		}
		if of != id {
			t.Errorf("the code is of %s, want %s", of, id)
		}
		if got, want := w.shelf.endsOf(id), []outbox.Settled{{ID: id, Attempt: 1, Outcome: outbox.Sent}}; !slices.Equal(got, want) {
			t.Errorf("the outcomes are %+v, want %+v", got, want)
		}
		if want := []string{"verify_email sent"}; !slices.Equal(reported, want) {
			t.Errorf("reported %q, want %q", reported, want)
		}
	})
}

func TestWorkerRetries(t *testing.T) {
	parallel(t, func(t *testing.T) {
		const failures = 8
		left := failures
		w := work(t, func(context.Context, Message) error {
			if left--; left >= 0 {
				return &Failure{Kind: "connection"}
			}
			return nil
		}, func(o *WorkerOptions) {
			o.Poll, o.FirstRetry, o.LongestRetry = 5*time.Millisecond, 20*time.Millisecond, time.Second
		})
		id := w.shelf.put(VerifyEmail, nil)
		time.Sleep(5 * time.Second)
		ends := w.shelf.endsOf(id)
		tries, at := w.sent.of(id)
		if len(ends) != failures+1 || len(tries) != failures+1 || ends[failures].Outcome != outbox.Sent {
			t.Fatalf("the outcomes are %+v after %d tries", ends, len(tries))
		}
		for i, end := range ends[:failures] {
			longest := min(time.Second, 20*time.Millisecond<<i)
			if end.Outcome != outbox.Failed || end.Failure != "connection" || end.Attempt != i+1 || end.RetryIn > longest || end.RetryIn < longest/2 {
				t.Errorf("attempt %d ended as %+v, want a pause up to %s", i+1, end, longest)
			}
			if pause := at[i+1].Sub(at[i]); pause < end.RetryIn || pause > end.RetryIn+5*time.Millisecond {
				t.Errorf("the pause after attempt %d was %s, want %s", i+1, pause, end.RetryIn)
			}
			if tries[i].MessageID != tries[failures].MessageID || tries[i].Text != tries[failures].Text {
				t.Errorf("attempt %d sent another message: %+v", i+1, tries[i])
			}
		}
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	w := NewWorker(WorkerOptions{})
	for attempts := 1; attempts < 200; attempts++ {
		longest := time.Hour
		if attempts <= 10 {
			longest = 5 * time.Second << (attempts - 1)
		}
		if got := w.pause(attempts); got < longest/2 || got > longest {
			t.Errorf("the pause after %d attempts is %s, want up to %s", attempts, got, longest)
		}
	}
}

// Mails that are refused or hang do not delay the others.
func TestWorkerParks(t *testing.T) {
	parallel(t, func(t *testing.T) {
		var refused, hanging uuid.UUID
		w := work(t, func(ctx context.Context, m Message) error {
			switch m.ID {
			case refused:
				return &Failure{Kind: "smtp 550 recipient", Permanent: true}
			case hanging:
				<-ctx.Done()
				return &Failure{Kind: "timeout"}
			}
			return nil
		}, nil)
		synctest.Wait()
		refused, hanging = w.shelf.put(VerifyEmail, nil), w.shelf.put(VerifyEmail, nil)
		var others []uuid.UUID
		for range 20 {
			others = append(others, w.shelf.put(PasswordChanged, nil))
		}
		w.Nudge()
		synctest.Wait()
		for _, id := range others {
			if ends := w.shelf.endsOf(id); len(ends) != 1 || ends[0].Outcome != outbox.Sent {
				t.Errorf("another ended as %+v", ends)
			}
		}
		if ends := w.shelf.endsOf(refused); len(ends) != 1 || ends[0].Outcome != outbox.Parked || ends[0].Failure != "smtp 550 recipient" {
			t.Errorf("the refused ended as %+v", ends)
		}
		if ends := w.shelf.endsOf(hanging); len(ends) != 0 {
			t.Errorf("the hanging ended as %+v at once", ends)
		}
		time.Sleep(31 * time.Second)
		if ends := w.shelf.endsOf(hanging); len(ends) != 1 || ends[0].Outcome != outbox.Failed || ends[0].Failure != "timeout" {
			t.Errorf("the hanging ended as %+v", ends)
		}
		if tries, _ := w.sent.of(refused); len(tries) != 1 {
			t.Errorf("the refused was sent %d times", len(tries))
		}
	})
}

func TestWorkerGivesUp(t *testing.T) {
	parallel(t, func(t *testing.T) {
		w := work(t, func(context.Context, Message) error { return &Failure{Kind: "connection"} }, func(o *WorkerOptions) { o.Poll = time.Minute })
		id := w.shelf.put(PasswordChanged, nil)
		time.Sleep(48 * time.Hour)
		ends := w.shelf.endsOf(id)
		_, at := w.sent.of(id)
		if len(ends) != 20 || len(at) != 20 || ends[18].Outcome != outbox.Failed || ends[19].Outcome != outbox.Parked || ends[19].Failure != "connection" {
			t.Fatalf("the outcomes are %+v after %d tries", ends, len(at))
		}
		if took := at[19].Sub(at[0]); took < 5*time.Hour || took > 12*time.Hour {
			t.Errorf("it was parked after %s, want about half a day", took)
		}
	})
}

func TestWorkerSurvivesPanic(t *testing.T) {
	parallel(t, func(t *testing.T) {
		first := true
		w := work(t, func(_ context.Context, m Message) error {
			if first {
				first = false
				panic("cannot send to " + m.To.String())
			}
			return nil
		}, nil)
		id := w.shelf.put(VerifyEmail, nil)
		time.Sleep(time.Minute)
		w.stop()
		if ends := w.shelf.endsOf(id); len(ends) != 2 || ends[0].Outcome != outbox.Failed || ends[0].Failure != "panic" || ends[1].Outcome != outbox.Sent {
			t.Errorf("the outcomes are %+v", ends)
		}
		if log := w.log.String(); !strings.Contains(log, "worker_test.go") || strings.Contains(log, "ada@") {
			t.Errorf("the log lacks the place, or has the recipient: %s", log)
		}
	})
}

func TestWorkerEnds(t *testing.T) {
	parallel(t, func(t *testing.T) {
		w := work(t, func(ctx context.Context, _ Message) error {
			select {
			case <-time.After(10 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, func(o *WorkerOptions) { o.AtOnce = 2 })
		synctest.Wait()
		under, waiting := []uuid.UUID{w.shelf.put(VerifyEmail, nil), w.shelf.put(VerifyEmail, nil)}, w.shelf.put(VerifyEmail, nil)
		w.Nudge()
		synctest.Wait()
		begun := time.Now()
		w.stop()
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("the worker ended after %s", took)
		}
		for _, id := range under {
			if ends := w.shelf.endsOf(id); len(ends) != 1 || ends[0].Outcome != outbox.Sent {
				t.Errorf("the running attempt ended as %+v", ends)
			}
		}
		if tries, _ := w.sent.of(waiting); len(tries) != 0 {
			t.Error("an attempt began after the end")
		}
	})
}

func TestNudge(t *testing.T) {
	parallel(t, func(t *testing.T) {
		(*Worker)(nil).Nudge()
		w := work(t, nil, func(o *WorkerOptions) { o.Poll = time.Hour })
		synctest.Wait()
		id := w.shelf.put(VerifyEmail, nil)
		synctest.Wait()
		if tries, _ := w.sent.of(id); len(tries) != 0 {
			t.Error("the worker checks the outbox all the time")
		}
		w.Nudge()
		w.Nudge() // does not block
		synctest.Wait()
		if ends := w.shelf.endsOf(id); len(ends) != 1 || ends[0].Outcome != outbox.Sent {
			t.Errorf("the outcomes are %+v", ends)
		}
		later := w.shelf.put(VerifyEmail, nil)
		time.Sleep(time.Hour + time.Second)
		if ends := w.shelf.endsOf(later); len(ends) != 1 {
			t.Errorf("without a nudge, the outcomes are %+v", ends)
		}
	})
}

// A mail whose code this instance cannot derive is retried: its key may arrive, or another instance may have it.
func TestWorkerWaitsForTheKeyOfACode(t *testing.T) {
	parallel(t, func(t *testing.T) {
		var key atomic.Bool
		w := work(t, nil, func(o *WorkerOptions) {
			o.Code = func(uuid.UUID) string { return map[bool]string{true: testCode}[key.Load()] }
		})
		id := w.shelf.put(VerifyEmail, func(m *shelved) { m.HasCode = true })
		time.Sleep(w.Poll + time.Millisecond)
		synctest.Wait()
		if tries, _ := w.sent.of(id); len(tries) != 0 {
			t.Errorf("without its code it was sent: %+v", tries)
		}
		key.Store(true)
		time.Sleep(10 * time.Minute)
		ends := w.shelf.endsOf(id)
		if len(ends) < 2 || ends[0].Outcome != outbox.Failed || ends[0].Failure != "code" || ends[len(ends)-1].Outcome != outbox.Sent {
			t.Errorf("the outcomes are %+v", ends)
		}
	})
}

// Mails that are useless or malformed are parked without an attempt.
func TestWorkerParksUnsent(t *testing.T) {
	parallel(t, func(t *testing.T) {
		w := work(t, nil, nil)
		for failure, change := range map[string]func(*shelved){
			"expired":   func(m *shelved) { m.expires = time.Now().Add(-time.Second) },
			"attempts":  func(m *shelved) { m.Attempt = 20 }, // each worker that had it was killed
			"recipient": func(m *shelved) { m.Recipient = "ada@example.com,b@y.org" },
			"template":  func(m *shelved) { m.Data = map[string]string{"username": "ada"} },
		} {
			id := w.shelf.put(VerifyEmail, change)
			time.Sleep(time.Minute)
			if ends := w.shelf.endsOf(id); len(ends) != 1 || ends[0].Outcome != outbox.Parked || ends[0].Failure != failure {
				t.Errorf("%s: the outcomes are %+v", failure, ends)
			}
			if tries, _ := w.sent.of(id); len(tries) != 0 {
				t.Errorf("%s: was sent", failure)
			}
		}
		id := w.shelf.put(PasswordChanged, func(m *shelved) { m.expires = time.Time{} })
		time.Sleep(time.Minute)
		if ends := w.shelf.endsOf(id); len(ends) != 1 || ends[0].Outcome != outbox.Sent {
			t.Errorf("a mail that never expires ended as %+v", ends)
		}
	})
}

// An outbox that cannot be read for a night does not fill the log.
func TestWorkerTellsOnce(t *testing.T) {
	parallel(t, func(t *testing.T) {
		w := work(t, nil, nil)
		set := func(broken bool) {
			w.shelf.mu.Lock()
			w.shelf.broken = broken
			w.shelf.mu.Unlock()
			time.Sleep(10 * time.Minute)
		}
		set(true)
		id := w.shelf.put(VerifyEmail, nil)
		set(false)
		w.stop()
		if ends := w.shelf.endsOf(id); len(ends) != 1 || ends[0].Outcome != outbox.Sent {
			t.Errorf("the outcomes are %+v", ends)
		}
		if log := w.log.String(); strings.Count(log, "failed to read the outbox") != 1 || strings.Count(log, "the outbox can be read again") != 1 {
			t.Errorf("the log is %s", log)
		}
	})
}

// Whatever fails, the log and the outbox contain nothing of a message.
func TestWorkerIsDiscreet(t *testing.T) {
	parallel(t, func(t *testing.T) {
		n := 0
		w := work(t, func(_ context.Context, m Message) error {
			all := m.To.String() + " " + m.Subject + " " + m.Text + " " + m.Link
			switch n++; n {
			case 1:
				return errors.New(all)
			case 2:
				panic(all)
			case 3:
				return &Failure{Kind: "connection", Detail: "refused"}
			}
			return nil
		}, nil)
		settled := w.shelf.put(ResetPassword, func(m *shelved) { m.Recipient, m.Data["username"] = "canary@example.com", "canary" })
		time.Sleep(10 * time.Minute)
		for _, change := range []func(*shelved){
			func(m *shelved) { m.Recipient = "canary@example.com,ada@example.com" },
			func(m *shelved) { m.Data["username"] = "canary\n" },
			func(m *shelved) { m.Data["canary"] = "canary" },
			func(m *shelved) { m.expires = time.Now() },
		} {
			w.shelf.put(ResetPassword, change)
			time.Sleep(10 * time.Minute)
		}
		w.stop()
		ends := w.shelf.endsOf(settled)
		if len(ends) != 4 || ends[0].Failure != "other" || ends[1].Failure != "panic" || ends[2].Failure != "connection" || ends[3].Outcome != outbox.Sent || len(w.shelf.ends) != 8 {
			t.Errorf("the outcomes are %+v", w.shelf.ends)
		}
		for _, end := range w.shelf.ends {
			w.log.WriteString(end.Failure + "\n")
		}
		said := w.log.String()
		if !strings.Contains(said, "detail=refused") || !strings.Contains(said, "gave up on a mail") {
			t.Errorf("the log lacks details: %s", said)
		}
		for _, secret := range []string{"canary", "ada@", "ada_", "example.com", testCode, "Choose a new", "Someone", "people.example.org"} {
			if strings.Contains(said, secret) {
				t.Errorf("the log or the outbox has %q: %s", secret, said)
			}
		}
	})
}
