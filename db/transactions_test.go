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
	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
)

func open(t *testing.T, o db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func text(s string) db.Patch[string] { return db.Patch[string]{Set: true, Value: &s} }

// member signs up an account as the use case does, and returns its viewer.
func member(t *testing.T, d *db.DB, name, visibility string) auth.Viewer {
	t.Helper()
	v := auth.Viewer{UserID: uuid.New(), SessionID: uuid.New()}
	err := d.AsSystem(t.Context(), func(ctx context.Context, tx *db.SystemTx) error {
		err := tx.CreateAccount(ctx, db.Account{
			UserID: v.UserID, Email: name + "@example.org", EmailKey: name + "@example.org", PasswordHash: "x",
			Session: db.SessionParams{ID: v.SessionID, RefreshHash: []byte("x"), Idle: time.Hour, Lifetime: time.Hour},
		})
		if err != nil {
			return err
		}
		entered, err := tx.Enter(ctx, v.SessionID)
		if err != nil {
			return err
		}
		return entered.CreateProfile(ctx, uuid.New(), name, name, db.ProfileFields{Visibility: text(visibility)})
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTransactionIsUndoneByAnErrorAndByAPanic(t *testing.T) {
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
	if err := write(func() error { panic("no") }); err == nil || bio() != "" { // with one connection: it was given back, too
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

// Two transactions that lock two rows in opposite order deadlock; the loser is run again, whole, and both succeed.
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
		return tx.Get(context.WithoutCancel(ctx), &s, `SELECT pg_sleep(30)::text`) // without the client's help
	})
	if took := time.Since(begun); !fault.Is(err, fault.Unavailable) || took > 10*time.Second {
		t.Errorf("a slow statement ended after %v with %v; want UNAVAILABLE at the deadline", took, err)
	}
	if n := server.Query(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()`); n[0] != "0" {
		t.Error("the statement still runs in the server")
	}
}

func TestViewerSeesWhatIsHis(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App, MaxConnections: 1}) // one connection: any left-over identity would show
	ann, bob := member(t, d, "ann", "PRIVATE"), member(t, d, "bob", "MEMBERS")
	nobody := auth.Viewer{}
	for _, c := range []struct {
		name    string
		viewer  auth.Viewer
		of      auth.Viewer
		profile bool
		private bool
	}{
		{"ann of herself", ann, ann, true, true}, {"bob of ann", bob, ann, false, false}, {"nobody of ann", nobody, ann, false, false},
		{"ann of bob", ann, bob, true, false}, {"bob of himself", bob, bob, true, true}, {"nobody of bob", nobody, bob, false, false},
	} {
		if _, err := d.FindProfileOfUser(t.Context(), c.viewer, c.of.UserID); (err == nil) != c.profile || err != nil && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: profile seen: %v, want %v", c.name, err, c.profile)
		}
		if _, err := d.FindPrivate(t.Context(), c.viewer, c.of.UserID); (err == nil) != c.private || err != nil && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: private seen: %v, want %v", c.name, err, c.private)
		}
		for _, table := range []string{"user_private", "profile_private"} { // each by itself, not only joined
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
		`UPDATE app.profiles SET bio = 'x' WHERE user_id = $1`:                           "NOT_FOUND",
		`UPDATE app.profile_private SET phone_number = 'x' WHERE user_id = $1`:           "NOT_FOUND",
		`UPDATE app.profiles SET user_id = app.viewer_id() WHERE user_id = $1`:           "permission denied",
		`UPDATE app.profiles SET username = 'x' WHERE user_id = $1`:                      "permission denied",
		`UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $1`:       "permission denied",
		`UPDATE app.sessions SET revoked_at = NULL WHERE user_id = $1`:                   "permission denied",
		`DELETE FROM app.profiles WHERE user_id = $1`:                                    "permission denied",
		`INSERT INTO app.profile_private (user_id) VALUES ($1)`:                          "row-level security",
		`INSERT INTO app.users (id) SELECT gen_random_uuid() WHERE $1::uuid IS NOT NULL`: "permission denied",
		`SELECT app.start_session($1, gen_random_uuid(), 'x', 100, 100)`:                 "permission denied",
	} {
		err := d.Write(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error { return tx.ExecOne(ctx, query, bob.UserID) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want an error with %q", query, err, want)
		}
	}
	for _, query := range []string{
		`SELECT count(*) FROM app.users`, `SELECT count(*) FROM app.credentials`, `SELECT count(*) FROM migrations.freehold`, `SELECT count(refresh_hash) FROM app.sessions`,
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

func TestSessionThatIsOverEntersNothing(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	for reason, meddle := range map[fault.Reason]string{
		fault.Revoked: `UPDATE app.sessions SET revoked_at = now() WHERE id = $1`,
		fault.Expired: `UPDATE app.sessions SET expires_at = now() WHERE id = $1`,
		fault.Invalid: `UPDATE app.credentials SET disabled_at = now() WHERE user_id = (SELECT user_id FROM app.sessions WHERE id = $1)`,
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

// D04: two viewers share two connections, and half of the requests are cancelled midway; nobody ever sees through the
// other's eyes.
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
		t.Errorf("only %d requests were answered, too few to show anything", answered.Load())
	}
}

// Each statement of a read is prepared, and once, whatever it begins with.
func TestQueriesArePreparedOnce(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	var observed []string
	d := open(t, db.Options{URL: server.App, MaxConnections: 1, Observer: db.Observer{Query: func(query string) { observed = append(observed, query) }}})
	ann := member(t, d, "ann", "PUBLIC")
	observed = nil
	for range 3 {
		if _, err := d.FindProfileOfUser(t.Context(), ann, ann.UserID); err != nil {
			t.Fatal(err)
		}
		if _, err := d.FindProfilePage(t.Context(), ann, db.Range{Size: 5}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.FindEventPage(t.Context(), ann, ann.UserID, db.Range{Size: 5}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(observed); n != 18 {
		t.Errorf("nine reads ran %d statements, want enter and SELECT each", n)
	}
	var prepared []string
	err := d.Read(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error {
		return tx.Select(ctx, &prepared, `SELECT statement FROM pg_prepared_statements`)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range observed {
		n := 0
		for _, statement := range prepared {
			if strings.Contains(statement, " AS "+query) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d prepared statements for one query: %s", n, query)
		}
	}
}

// The look-up by a username, as it runs, uses its index under row security. What lists use is in TestListsReadNoHiddenRows.
func TestUsernamesUseTheirIndexUnderRowSecurity(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	server.Query(t, `INSERT INTO app.users (id) SELECT gen_random_uuid() FROM generate_series(1, 5000)`)
	server.Query(t, `INSERT INTO app.profiles (id, user_id, username, username_key, visibility) SELECT gen_random_uuid(), id, id, id, 'PUBLIC' FROM app.users`)
	server.Query(t, `ANALYZE app.users, app.profiles`)
	var ran []string
	d := open(t, db.Options{URL: server.App, Observer: db.Observer{Query: func(query string) { ran = append(ran, query) }}})
	if _, err := d.FindProfileByUsernameKey(t.Context(), auth.Viewer{}, "x"); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	query := ran[len(ran)-1]
	if plan := explain(t, server.App, query, `'x'`); !strings.Contains(plan, "profiles_username_key") {
		t.Errorf("%s\ndoes not use its index:\n%s", query, plan)
	}
}

func explain(t *testing.T, url, query, arguments string) string {
	t.Helper()
	pool, err := sqlx.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	if _, err := pool.ExecContext(t.Context(), `PREPARE q AS `+query); err != nil {
		t.Fatal(err)
	}
	var plan []string
	if err := pool.SelectContext(t.Context(), &plan, `EXPLAIN EXECUTE q (`+arguments+`)`); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}
