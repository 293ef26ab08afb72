package db_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/db"
	"freehold/db/dbtest"
	"freehold/fault"
)

// usersSeen are those whose private rows a viewer sees.
func usersSeen(t *testing.T, d *db.DB, viewer auth.Viewer) (seen []uuid.UUID) {
	t.Helper()
	err := d.Read(t.Context(), viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.Select(ctx, &seen, `SELECT user_id FROM app.user_private`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// The session is proved by one statement, whose viewer ends with it: the connection, which is the only one, has none left.
func TestSessionUserIsFoundByOneStatement(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	var ran []string
	d := open(t, db.Options{URL: server.App, MaxConnections: 1, Observe: func(query string) { ran = append(ran, query) }})
	ann, bob := member(t, d, "ann", "PRIVATE"), member(t, d, "bob", "PRIVATE")
	for _, viewer := range []auth.Viewer{ann, bob} {
		ran = nil
		if user, err := d.FindSessionUser(t.Context(), viewer.SessionID); err != nil || user != viewer.UserID {
			t.Fatalf("found %v, %v", user, err)
		}
		if want := []string{`SELECT app.enter($1, $2)`}; !slices.Equal(ran, want) {
			t.Errorf("ran %q, want %q", ran, want)
		}
		if seen := usersSeen(t, d, auth.Viewer{}); len(seen) > 0 {
			t.Errorf("afterwards nobody sees %v", seen)
		}
		if _, err := d.FindProfileOfUser(t.Context(), auth.Viewer{}, viewer.UserID); !fault.Is(err, fault.NotFound) {
			t.Errorf("afterwards nobody finds a private profile: %v", err)
		}
	}
	if _, err := d.FindSessionUser(t.Context(), uuid.New()); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("of an unknown session: %v", err)
	}
	if seen := usersSeen(t, d, ann); !slices.Equal(seen, []uuid.UUID{ann.UserID}) {
		t.Errorf("after an error, ann sees %v", seen)
	}
}

// entries are the ways to prove a session.
var entries = map[string]func(context.Context, *db.DB, auth.Viewer) error{
	"the session's user": func(ctx context.Context, d *db.DB, v auth.Viewer) error {
		_, err := d.FindSessionUser(ctx, v.SessionID)
		return err
	},
}

// A connection that was lost is replaced, however many there are, and a lock that a migration holds for a moment is waited
// for. The server ends what waits, so that nothing is left there.
func TestEnteringIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, entry := range entries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := dbtest.New(t)
			retries := map[string]int{}
			d := open(t, db.Options{URL: server.App, MaxConnections: 1, Hooks: db.Hooks{Retry: func(reason string) { retries[reason]++ }}})
			ann := member(t, d, "ann", "PRIVATE")
			terminate := `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`
			server.Query(t, terminate)
			if err := entry(t.Context(), d, ann); err != nil {
				t.Errorf("after the connection was lost: %v", err)
			}
			lock := func() (wait func()) {
				released := make(chan struct{})
				go func() {
					defer close(released)
					server.Query(t, `DO $$ BEGIN LOCK TABLE app.sessions; PERFORM pg_sleep(2); END $$`)
				}()
				time.Sleep(200 * time.Millisecond)
				return func() { <-released }
			}
			wait := lock()
			begun := time.Now()
			if err := entry(t.Context(), d, ann); err != nil || retries["query_canceled"] == 0 || time.Since(begun) < time.Second {
				t.Errorf("after a lock, %v and the retries %v: %v", time.Since(begun), retries, err)
			}
			wait()
			defer lock()()
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if err := entry(ctx, d, ann); !fault.Is(err, fault.Unavailable) {
				t.Errorf("with little time: %v", err)
			}
			if n := server.Query(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app' AND state = 'active'`)[0]; n != "0" {
				t.Errorf("%s connections still wait for the lock", n)
			}
		})
	}
}
