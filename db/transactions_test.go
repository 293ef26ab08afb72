package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
)

func TestTransactionRollsBackOnAnErrorAndOnAPanic(t *testing.T) {
	t.Parallel()
	d := open(t, db.Options{URL: dbtest.New(t).App, MaxConnections: 1})
	ann, ctx := member(t, d, "ann", "PRIVATE"), t.Context()
	bio := func() string {
		p, err := d.FindProfileOfUser(ctx, ann, ann.UserID)
		if err != nil {
			t.Fatal(err)
		}
		if p.Bio == nil {
			return ""
		}
		return *p.Bio
	}
	write := func(end func() error) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = errors.New("panicked")
			}
		}()
		return d.Write(ctx, ann, func(ctx context.Context, tx *db.Tx) error {
			if err := tx.ExecOne(ctx, `UPDATE app.profiles SET bio = 'changed' WHERE user_id = $1`, ann.UserID); err != nil {
				t.Error(err)
			}
			return end()
		})
	}
	if err := write(func() error { return errors.New("no") }); err == nil || bio() != "" {
		t.Errorf("after an error (%v) the row says %q", err, bio())
	}
	if err := write(func() error { panic("no") }); err == nil || bio() != "" { // the only connection went back to the pool, too
		t.Errorf("after a panic (%v) the row says %q", err, bio())
	}
	if err := write(func() error { return nil }); err != nil || bio() != "changed" {
		t.Errorf("after success (%v) the row says %q", err, bio())
	}
}

func TestTransactionInsideAnotherIsRefused(t *testing.T) {
	t.Parallel()
	d := open(t, db.Options{URL: dbtest.New(t).App})
	err := d.AsSystem(t.Context(), func(ctx context.Context, _ *db.SystemTx) error {
		_, _, err := d.FindTaken(ctx, "a", "b")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "inside another") {
		t.Errorf("got %v", err)
	}
}

func TestReadCannotWrite(t *testing.T) {
	t.Parallel()
	d := open(t, db.Options{URL: dbtest.New(t).App})
	ann := member(t, d, "ann", "PRIVATE")
	err := d.Read(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error {
		return tx.ExecOne(ctx, `UPDATE app.profiles SET bio = 'x' WHERE user_id = $1`, ann.UserID)
	})
	if err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("a write in a Read gave %v", err)
	}
}

// Two transactions that lock two rows in opposite order deadlock. The whole loser is retried, and both succeed.
func TestDeadlockIsRetriedWhole(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	server.Query(t, `CREATE TABLE app.counters (id int PRIMARY KEY, n int NOT NULL)`)
	server.Query(t, `INSERT INTO app.counters VALUES (1, 0), (2, 0)`)
	server.Query(t, `GRANT SELECT, UPDATE ON app.counters TO freehold_app`)
	var runs atomic.Int32
	var met, wg sync.WaitGroup
	met.Add(2)
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		first := true
		wg.Go(func() {
			err := d.Write(t.Context(), auth.Viewer{}, func(ctx context.Context, tx *db.Tx) error {
				runs.Add(1)
				if err := tx.ExecOne(ctx, `UPDATE app.counters SET n = n + 1 WHERE id = $1`, order[0]); err != nil {
					return err
				}
				if first {
					first = false
					met.Done()
					met.Wait()
				}
				return tx.ExecOne(ctx, `UPDATE app.counters SET n = n + 1 WHERE id = $1`, order[1])
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := server.Query(t, `SELECT n FROM app.counters ORDER BY id`); got[0] != "2" || got[1] != "2" {
		t.Errorf("counters are %v, want 2 and 2", got)
	}
	if runs.Load() < 3 {
		t.Errorf("there were %d runs: nothing deadlocked, so nothing was shown", runs.Load())
	}
}

func TestTransactionSurvivesATerminatedBackend(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App, MaxConnections: 1})
	ann := member(t, d, "ann", "PRIVATE")
	runs := 0
	err := d.Write(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error {
		if runs++; runs == 1 {
			var pid int
			if err := tx.Get(ctx, &pid, `SELECT pg_backend_pid()`); err != nil {
				return err
			}
			server.Query(t, `SELECT pg_terminate_backend($1, 5000)`, pid)
		}
		return tx.ExecOne(ctx, `UPDATE app.profiles SET bio = 'once' WHERE user_id = $1`, ann.UserID)
	})
	if err != nil || runs != 2 {
		t.Errorf("after %d runs: %v; want success in the second", runs, err)
	}
}

func TestStatementsStopAtTheDeadlineAndAtCancellation(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	err := d.Read(ctx, auth.Viewer{}, func(_ context.Context, tx *db.Tx) error {
		var s string
		return tx.Get(context.WithoutCancel(ctx), &s, `SELECT pg_sleep(30)::text`) // so that only the server can cancel it
	})
	if took := time.Since(begun); !fault.Is(err, fault.Unavailable) || took > 10*time.Second {
		t.Errorf("a slow statement ended after %v with %v; want UNAVAILABLE at the deadline", took, err)
	}
	if n := server.Query(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()`); n[0] != "0" {
		t.Error("the statement still runs in the server")
	}
}
