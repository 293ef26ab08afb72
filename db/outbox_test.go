package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/mail/outbox"
)

func enqueue(t *testing.T, d *db.DB, mails ...outbox.Mail) {
	t.Helper()
	err := d.AsSystem(t.Context(), func(ctx context.Context, tx *db.SystemTx) error {
		for _, m := range mails {
			if err := tx.EnqueueMail(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func claim(t *testing.T, d *db.DB, limit int, lease time.Duration) []outbox.Claimed {
	t.Helper()
	claimed, err := d.ClaimMails(t.Context(), limit, lease)
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func settle(t *testing.T, d *db.DB, s outbox.Settled) bool {
	t.Helper()
	noted, err := d.SettleMail(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return noted
}

// A mail exists if and only if its transaction is committed. Only then does Enqueued run.
func TestMailsAreOneWithTheirTransaction(t *testing.T) {
	t.Parallel()
	var enqueued atomic.Int32
	d := open(t, db.Options{URL: dbtest.New(t).App, Observer: db.Observer{Enqueued: func() { enqueued.Add(1) }}})
	ann := member(t, d, "ann", "PRIVATE")
	m := outbox.Mail{
		ID: uuid.New(), Kind: "verify_email", UserID: ann.UserID, Recipient: "ann@example.org", CodeID: uuid.New(), ValidFor: time.Hour, Data: map[string]string{"a": "b"},
	}
	undone := errors.New("undone")
	err := d.Write(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.EnqueueMail(ctx, m); err != nil {
			t.Error(err)
		}
		return undone
	})
	if !errors.Is(err, undone) || len(claim(t, d, 10, time.Hour)) != 0 || enqueued.Load() != 0 {
		t.Errorf("a mail of a transaction that was rolled back (%v) exists, or Enqueued ran %d times", err, enqueued.Load())
	}
	err = d.Write(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error { return tx.EnqueueMail(ctx, m) })
	if err != nil {
		t.Fatal(err)
	}
	claimed := claim(t, d, 10, time.Hour)
	if len(claimed) != 1 || enqueued.Load() != 1 {
		t.Fatalf("claimed %v, and Enqueued ran %d times", claimed, enqueued.Load())
	}
	got := claimed[0]
	if got.ValidFor <= 59*time.Minute || got.ValidFor > time.Hour || time.Since(got.CreatedAt) > time.Hour {
		t.Errorf("valid for %v, made at %v", got.ValidFor, got.CreatedAt)
	}
	want := outbox.Claimed{
		ID: m.ID, Kind: m.Kind, Recipient: m.Recipient, HasCode: true, Data: m.Data,
		CreatedAt: got.CreatedAt, Attempt: 1, Expires: true, ValidFor: got.ValidFor,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A claimed mail cannot be claimed again until the lease ends. A settled mail cannot be claimed again at all.
func TestClaimsLeasesAndOutcomes(t *testing.T) {
	t.Parallel()
	d := open(t, db.Options{URL: dbtest.New(t).App})
	enqueue(t, d, outbox.Mail{Kind: "first", Recipient: "a@example.org"})
	enqueue(t, d, outbox.Mail{Kind: "second", Recipient: "b@example.org"})
	first := claim(t, d, 1, 0)[0] // its lease ends at once
	if first.Kind != "first" || first.HasCode || first.Expires {
		t.Errorf("the longest waiting is %+v", first)
	}
	both := claim(t, d, 5, time.Hour)
	if len(both) != 2 || len(claim(t, d, 5, time.Hour)) != 0 {
		t.Fatalf("claimed %v, and more after that", both)
	}
	again := both[slices.IndexFunc(both, func(m outbox.Claimed) bool { return m.ID == first.ID })]
	second := both[slices.IndexFunc(both, func(m outbox.Claimed) bool { return m.ID != first.ID })]
	if again.Attempt != 2 || second.Attempt != 1 {
		t.Errorf("attempts %d and %d, want 2 and 1", again.Attempt, second.Attempt)
	}
	if settle(t, d, outbox.Settled{ID: first.ID, Attempt: first.Attempt, Outcome: outbox.Parked}) {
		t.Error("a claim that has ended parked the mail of another's claim")
	}
	if !settle(t, d, outbox.Settled{ID: first.ID, Attempt: first.Attempt, Outcome: outbox.Sent}) {
		t.Error("that a mail was sent counts, even if the claim has ended")
	}
	if settle(t, d, outbox.Settled{ID: again.ID, Attempt: again.Attempt, Outcome: outbox.Failed}) {
		t.Error("a mail that was sent is to be tried again")
	}
	if !settle(t, d, outbox.Settled{ID: second.ID, Attempt: second.Attempt, Outcome: outbox.Failed, Failure: "connection"}) {
		t.Error("an attempt that failed was not noted")
	}
	second = claim(t, d, 5, time.Hour)[0]
	if s, err := d.OutboxState(t.Context()); err != nil || s.Waiting != 1 || second.Attempt != 2 {
		t.Errorf("%d wait (%v), the one that is tried again for the time %d", s.Waiting, err, second.Attempt)
	}
	settle(t, d, outbox.Settled{ID: second.ID, Attempt: second.Attempt, Outcome: outbox.Parked, Failure: "smtp 550"})
	if s, err := d.OutboxState(t.Context()); err != nil || s.Waiting != 0 || len(claim(t, d, 5, 0)) != 0 {
		t.Errorf("%d wait (%v) after all is settled", s.Waiting, err)
	}
	if _, err := d.SettleMail(t.Context(), outbox.Settled{ID: second.ID, Outcome: "lost"}); err == nil {
		t.Error("an outcome that is none was noted")
	}
}

// Concurrent workers claim each mail once, and none waits for another.
func TestRivalsClaimEachMailOnce(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App, MaxConnections: 8})
	const mails = 200
	list := make([]outbox.Mail, mails)
	for i := range list {
		list[i] = outbox.Mail{Kind: "k", Recipient: fmt.Sprintf("a%d@example.org", i)}
	}
	enqueue(t, d, list...)
	server.Query(t, `ANALYZE app.outbox`)
	var mu sync.Mutex
	seen := map[uuid.UUID]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				claimed, err := d.ClaimMails(t.Context(), 7, time.Hour)
				if err != nil || len(claimed) > 7 {
					t.Errorf("claimed %d: %v", len(claimed), err)
				}
				if len(claimed) == 0 {
					return
				}
				mu.Lock()
				for _, m := range claimed {
					seen[m.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != mails || slices.Max(slices.Collect(maps.Values(seen))) != 1 {
		t.Errorf("%d mails were claimed, some more than once", len(seen))
	}
}

// A locked row does not block claims and purges of other rows.
func TestClaimingAndPurgingPassOverLockedRows(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	enqueue(t, d, outbox.Mail{Kind: "locked", Recipient: "a@example.org"})
	enqueue(t, d, outbox.Mail{Kind: "free", Recipient: "a@example.org"})
	server.Query(t, `UPDATE app.outbox SET created_at = now() - interval '1 year'`)
	pool, err := sql.Open("postgres", server.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	other, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	if _, err := other.ExecContext(t.Context(), `SELECT FROM app.outbox WHERE kind = 'locked' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	if claimed := claim(t, d, 5, time.Hour); len(claimed) != 1 || claimed[0].Kind != "free" {
		t.Errorf("claimed %v", claimed)
	}
	if deleted, err := d.Purge(t.Context(), 90*24*time.Hour, 1000); err != nil || deleted["outbox"] != 1 {
		t.Errorf("purged %v, %v", deleted, err)
	}
	if left := server.Query(t, `SELECT kind FROM app.outbox`); len(left) != 1 || left[0] != "locked" {
		t.Errorf("left: %v", left)
	}
}

// The app role reaches the outbox only through functions, and the outbox accepts only valid mails.
func TestOutboxIsClosedAndBounded(t *testing.T) {
	t.Parallel()
	d := open(t, db.Options{URL: dbtest.New(t).App})
	ann := member(t, d, "ann", "PRIVATE")
	for _, query := range []string{
		`SELECT count(*) FROM app.outbox`, `DELETE FROM app.outbox`, `UPDATE app.outbox SET recipient = 'm@example.org'`,
		`INSERT INTO app.outbox (id, kind, recipient) VALUES (gen_random_uuid(), 'k', 'm@example.org')`,
	} {
		err := d.Write(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error { return tx.ExecOne(ctx, query) })
		if err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", query, err)
		}
	}
	for name, m := range map[string]outbox.Mail{
		"no kind":                      {Recipient: "a@example.org"},
		"no recipient":                 {Kind: "k"},
		"a long recipient":             {Kind: "k", Recipient: strings.Repeat("a", 255)},
		"a code without end":           {Kind: "k", Recipient: "a@example.org", CodeID: uuid.New()},
		"a lot of data":                {Kind: "k", Recipient: "a@example.org", Data: map[string]string{"x": strings.Repeat("x", 5000)}},
		"an account that is not there": {Kind: "k", Recipient: "a@example.org", UserID: uuid.New()},
	} {
		err := d.AsSystem(t.Context(), func(ctx context.Context, tx *db.SystemTx) error { return tx.EnqueueMail(ctx, m) })
		if err == nil {
			t.Errorf("a mail with %s was taken", name)
		}
	}
}

// Two concurrent calls of Purge together delete exactly the rows that are past their time.
func TestPurgeByTwoAtOnce(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	ann := member(t, d, "ann", "PRIVATE")
	enqueue(t, d, outbox.Mail{Kind: "kept", Recipient: "a@example.org"})
	if _, err := d.CountHits(t.Context(), db.Bucket{Name: "kept", Limit: 1, Window: time.Minute}); err != nil {
		t.Fatal(err)
	}
	server.Query(t, `INSERT INTO app.outbox (id, kind, recipient, created_at) SELECT gen_random_uuid(), 'over', 'a@example.org', now() - interval '8 days' FROM generate_series(1, 2500)`)
	server.Query(t, `INSERT INTO app.rate_limits (bucket, hits, ends_at) SELECT 'over ' || n, 1, now() - interval '2 hours' FROM generate_series(1, 2500) n`)
	server.Query(t, `INSERT INTO app.sessions (id, user_id, refresh_hash, idle_expires_at, expires_at)
		SELECT gen_random_uuid(), $1, '\x00', now() - interval '8 days', now() - interval '8 days' FROM generate_series(1, 2500)`, ann.UserID)
	var wg sync.WaitGroup
	var total [3]atomic.Int64
	for range 2 {
		wg.Go(func() {
			deleted, err := d.Purge(t.Context(), 90*24*time.Hour, 1000)
			if err != nil {
				t.Error(err)
			}
			for i, table := range []string{"outbox", "rate_limits", "sessions"} {
				total[i].Add(int64(deleted[table]))
			}
		})
	}
	wg.Wait()
	for i := range total {
		if n := total[i].Load(); n != 2500 {
			t.Errorf("table %d: %d rows were purged by both together, want 2500", i, n)
		}
	}
	left := server.Query(t, `SELECT kind FROM app.outbox UNION ALL SELECT bucket FROM app.rate_limits UNION ALL SELECT user_id::text FROM app.sessions`)
	if want := []string{"kept", "kept", ann.UserID.String()}; !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}
