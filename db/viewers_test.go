package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
)

func TestViewerSeesTheirOwnRows(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App, MaxConnections: 1}) // a viewer left over on the only connection would show
	ann, bob := member(t, d, "ann", "PRIVATE"), member(t, d, "bob", "MEMBERS")
	nobody := auth.Viewer{}
	for _, c := range []struct {
		name    string
		viewer  auth.Viewer
		of      auth.Viewer
		profile bool
		private bool
	}{
		{"ann of ann", ann, ann, true, true}, {"bob of ann", bob, ann, false, false}, {"nobody of ann", nobody, ann, false, false},
		{"ann of bob", ann, bob, true, false}, {"bob of bob", bob, bob, true, true}, {"nobody of bob", nobody, bob, false, false},
	} {
		if _, err := d.FindProfileOfUser(t.Context(), c.viewer, c.of.UserID); (err == nil) != c.profile || err != nil && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: profile seen: %v, want %v", c.name, err, c.profile)
		}
		if _, err := d.FindPrivate(t.Context(), c.viewer, c.of.UserID); (err == nil) != c.private || err != nil && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: private seen: %v, want %v", c.name, err, c.private)
		}
		for _, table := range []string{"user_private", "profile_private"} { // each table, not only their join
			var rows int
			err := d.Read(t.Context(), c.viewer, func(ctx context.Context, tx *db.Tx) error {
				return tx.Get(ctx, &rows, `SELECT count(*) FROM app.`+table+` WHERE user_id = $1`, c.of.UserID)
			})
			if err != nil || (rows == 1) != c.private {
				t.Errorf("%s: %d rows of %s, %v", c.name, rows, table, err)
			}
		}
	}
}

func TestWritesToOthersAndToFixedColumnsAreRefused(t *testing.T) {
	t.Parallel()
	d := open(t, db.Options{URL: dbtest.New(t).App})
	ann, bob := member(t, d, "ann", "PUBLIC"), member(t, d, "bob", "PUBLIC")
	for query, want := range map[string]string{
		`UPDATE app.profiles SET bio = 'x' WHERE user_id = $1`:                              "NOT_FOUND",
		`UPDATE app.profile_private SET phone_number = 'x' WHERE user_id = $1`:              "NOT_FOUND",
		`UPDATE app.profiles SET user_id = app.viewer_id() WHERE user_id = $1`:              "permission denied",
		`UPDATE app.profiles SET username = 'x' WHERE user_id = $1`:                         "permission denied",
		`UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $1`:          "permission denied",
		`UPDATE app.sessions SET revoked_at = NULL WHERE user_id = $1`:                      "permission denied",
		`DELETE FROM app.profiles WHERE user_id = $1`:                                       "permission denied",
		`INSERT INTO app.profile_private (user_id) VALUES ($1)`:                             "row-level security",
		`INSERT INTO app.users (id) SELECT gen_random_uuid() WHERE $1::uuid IS NOT NULL`:    "permission denied",
		`SELECT app.start_session($1, gen_random_uuid(), 'x', 100, 100, '{}', false, NULL)`: "permission denied",
	} {
		err := d.Write(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error { return tx.ExecOne(ctx, query, bob.UserID) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want an error with %q", query, err, want)
		}
	}
	for _, query := range []string{
		`SELECT count(*) FROM app.users`, `SELECT count(*) FROM app.accounts`, `SELECT count(*) FROM migrations.freehold`, `SELECT count(refresh_hash) FROM app.sessions`,
		`SELECT count(previous_hash) FROM app.sessions`, `SELECT count(*) FROM app.rate_limits`, `SELECT count(s) FROM app.sessions s`,
	} {
		err := d.Read(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error {
			var n int
			return tx.Get(ctx, &n, query)
		})
		if err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestEndedSessionIsRejected(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	for reason, meddle := range map[fault.Reason]string{
		fault.Revoked: `UPDATE app.sessions SET revoked_at = now() WHERE id = $1`,
		fault.Expired: `UPDATE app.sessions SET expires_at = now() WHERE id = $1`,
		fault.Invalid: `UPDATE app.accounts SET disabled_at = now() WHERE user_id = (SELECT user_id FROM app.sessions WHERE id = $1)`,
	} {
		v := member(t, d, "m-"+string(reason), "PUBLIC")
		if _, err := d.FindPrivate(t.Context(), v, v.UserID); err != nil {
			t.Fatal(err)
		}
		server.Query(t, meddle, v.SessionID)
		_, err := d.FindPrivate(t.Context(), v, v.UserID)
		if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.Unauthenticated || e.Reason != reason {
			t.Errorf("%s session: %v", reason, err)
		}
		for name, entry := range entries {
			if err := entry(t.Context(), d, v); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s session: %s: %v", reason, name, err)
			}
		}
	}
}

// D04: viewers share two connections, and half of the requests are cancelled midway. No viewer ever sees another's rows.
func TestViewersNeverCrossWhileRequestsAreCancelled(t *testing.T) {
	t.Parallel()
	d := open(t, db.Options{URL: dbtest.New(t).App, MaxConnections: 2})
	viewers := []auth.Viewer{member(t, d, "ann", "PRIVATE"), member(t, d, "bob", "PRIVATE"), {}}
	var wg sync.WaitGroup
	var answered atomic.Int32
	for worker := range 8 {
		wg.Go(func() {
			for i := range 150 {
				v := viewers[(worker+i)%3]
				ctx, cancel := context.WithCancel(t.Context())
				if i%2 == 0 {
					time.AfterFunc(time.Duration(i%10)*50*time.Microsecond, cancel)
				}
				var seen []uuid.UUID
				err := d.Read(ctx, v, func(ctx context.Context, tx *db.Tx) error {
					return tx.Select(ctx, &seen, `SELECT user_id FROM app.user_private`)
				})
				cancel()
				if err != nil {
					continue
				}
				answered.Add(1)
				if v.IsMember() != (len(seen) == 1) || v.IsMember() && seen[0] != v.UserID {
					t.Errorf("viewer %v saw %v", v.UserID, seen)
				}
			}
		})
	}
	wg.Wait()
	if answered.Load() < 400 {
		t.Errorf("only %d requests were answered; want at least 400", answered.Load())
	}
}
