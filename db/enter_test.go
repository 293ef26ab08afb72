package db_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/db/literal"
	"freehold.dev/freehold/fault"
)

// whoSees returns the users whose private rows a viewer sees.
func whoSees(ctx context.Context, d *db.DB, viewer auth.Viewer) (seen []uuid.UUID, err error) {
	err = d.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.Select(ctx, &seen, `SELECT user_id FROM app.user_private`)
	})
	return seen, err
}

func usersSeen(t *testing.T, d *db.DB, viewer auth.Viewer) []uuid.UUID {
	t.Helper()
	seen, err := whoSees(t.Context(), d, viewer)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// The viewer of a read ends with each statement, although all use the same connection. Two members and an anonymous viewer take
// turns, with both forms of a message, and over TLS.
func TestViewersTakeTurnsOnOneConnection(t *testing.T) {
	t.Parallel()
	plain := func(url string) string { return url }
	for _, c := range []struct {
		name    string
		url     func(string) string
		inlined bool
	}{
		{"by name", plain, false},
		{"inlined", plain, true},
		{"over TLS", func(url string) string { return dbtest.WithTLS(t, url) }, false},
	} {
		d := open(t, db.Options{URL: c.url(dbtest.New(t).App), MaxConnections: 1})
		ann, bob := member(t, d, "ann", "PRIVATE"), member(t, d, "bob", "PRIVATE")
		if c.inlined {
			d.InlineAll(t)
		}
		for range 8 { // PostgreSQL uses a generic plan after five
			for _, viewer := range []auth.Viewer{ann, {}, bob, {}, {UserID: ann.UserID, SessionID: uuid.New()}} {
				seen, err := whoSees(t.Context(), d, viewer)
				switch {
				case viewer == ann || viewer == bob:
					if err != nil || !slices.Equal(seen, []uuid.UUID{viewer.UserID}) {
						t.Errorf("%s: %v sees %v: %v", c.name, viewer.UserID, seen, err)
					}
				case viewer.IsMember():
					if !fault.Is(err, fault.Unauthenticated) || len(seen) > 0 {
						t.Errorf("%s: an unknown session sees %v: %v", c.name, seen, err)
					}
				case err != nil || len(seen) > 0:
					t.Errorf("%s: an anonymous viewer sees %v: %v", c.name, seen, err)
				}
			}
		}
	}
}

// A session is proved only for its own user, with one statement besides the one that sets the viewer.
func TestProveSession(t *testing.T) {
	t.Parallel()
	var ran []string
	d := open(t, db.Options{URL: dbtest.New(t).App, MaxConnections: 1, Observer: db.Observer{Query: func(query string) { ran = append(ran, query) }}})
	ann, bob := member(t, d, "ann", "PRIVATE"), member(t, d, "bob", "PRIVATE")
	ran = nil
	if err := d.ProveSession(t.Context(), ann); err != nil || len(ran) != 2 || !strings.Contains(ran[0], "app.enter_session($1") {
		t.Errorf("ran %q: %v", ran, err)
	}
	for name, viewer := range map[string]auth.Viewer{
		"nobody": {}, "no session": {UserID: ann.UserID}, "an unknown session": {UserID: ann.UserID, SessionID: uuid.New()},
		"another's session": {UserID: ann.UserID, SessionID: bob.SessionID},
	} {
		if err := d.ProveSession(t.Context(), viewer); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// entries are the ways to prove a session.
var entries = map[string]func(context.Context, *db.DB, auth.Viewer) error{
	"a read": func(ctx context.Context, d *db.DB, v auth.Viewer) error {
		_, err := d.FindPrivate(ctx, v, v.UserID)
		return err
	},
	"one write": func(ctx context.Context, d *db.DB, v auth.Viewer) error {
		_, err := d.UpdateProfile(ctx, v, uuid.Nil, db.ProfileFields{})
		return err
	},
	"a transaction": func(ctx context.Context, d *db.DB, v auth.Viewer) error {
		_, err := d.UpdateProfile(ctx, v, uuid.Nil, db.ProfileFields{Birthday: db.Patch[time.Time]{Set: true}})
		return err
	},
}

// Lost connections are replaced, however many there are. A statement waits for a lock that a migration holds briefly. The server
// cancels waiting statements, so that no statement keeps waiting.
func TestEnteringIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, entry := range entries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := dbtest.New(t)
			retries := map[string]int{}
			d := open(t, db.Options{URL: server.App, MaxConnections: 1, Observer: db.Observer{Retry: func(reason string) { retries[reason]++ }}})
			ann := member(t, d, "ann", "PRIVATE")
			terminate := `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`
			server.Query(t, terminate)
			if err := entry(t.Context(), d, ann); err != nil {
				t.Errorf("after the connection was lost: %v", err)
			}
			release := server.Lock(t, "app.sessions", "ACCESS EXCLUSIVE")
			begun, released := time.Now(), make(chan struct{})
			go func() {
				time.Sleep(2 * time.Second)
				release()
				close(released)
			}()
			if err := entry(t.Context(), d, ann); err != nil || retries["lock_not_available"] == 0 || time.Since(begun) < time.Second {
				t.Errorf("after a lock, %v and the retries %v: %v", time.Since(begun), retries, err)
			}
			<-released
			server.Lock(t, "app.sessions", "ACCESS EXCLUSIVE")
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

// hostile are texts that could end a literal, a statement or a message early.
var hostile = []string{
	``, `'`, `''`, `\`, `\'`, `\\'`, `'; SELECT 1; --`, `'||current_user||'`, `$1`, `$$`, `$2$3`, `E'`, `\x00`, `\u0000`, "\n", "a\tb", `/*`, `--`, "\u2019", "\uff07", "ü😀",
	strings.Repeat(`'\`, 100_000),
}

// Texts arrive unchanged, with each setting for backslashes.
func TestTextsAreInlinedAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, conforming := range []string{"on", "off"} {
		server := dbtest.New(t)
		server.Query(t, `ALTER DATABASE `+server.Query(t, `SELECT current_database()`)[0]+` SET standard_conforming_strings = `+conforming)
		pool, err := sql.Open("postgres", server.App)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		for _, text := range hostile {
			var query strings.Builder
			err := literal.Inline(&query, `SELECT $2, $1, $3::int8, current_setting('standard_conforming_strings')`, []any{text, text + "2", int64(-7)})
			if err != nil {
				t.Fatal(err)
			}
			var first, second, setting string
			var number int64
			err = pool.QueryRowContext(t.Context(), query.String()).Scan(&second, &first, &number, &setting)
			if err != nil || first != text || second != text+"2" || number != -7 || setting != conforming {
				t.Errorf("%.30q became %.30q and %.30q with %q: %v", text, first, second, setting, err)
			}
		}
		d := open(t, db.Options{URL: server.App, MaxConnections: 1})
		ann := member(t, d, "ann", "PRIVATE")
		for _, viewer := range []auth.Viewer{ann, {}} {
			for _, text := range hostile {
				ctx := auth.WithClient(t.Context(), "10.1.2.3:4", text)
				var seen []string
				err := d.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
					return tx.Select(ctx, &seen, `SELECT unnest(ARRAY[current_setting('app.client_device'), current_setting('app.client_ip'), COALESCE(app.viewer_id()::text, '')])`)
				})
				want := []string{auth.ClientFrom(ctx).Device, "10.1.2.3", ""}
				if viewer.IsMember() {
					want[2] = viewer.UserID.String()
				}
				if err != nil || !slices.Equal(seen, want) {
					t.Errorf("a User-Agent of %.30q became %.90q: %v", text, seen, err)
				}
			}
		}
	}
}

// After a viewer was refused, the same connection is clean.
func TestConnectionIsCleanAfterARefusal(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App, MaxConnections: 1})
	ann := member(t, d, "ann", "PRIVATE")
	process := func(viewer auth.Viewer) (pid int) {
		t.Helper()
		err := d.Read(t.Context(), viewer, func(ctx context.Context, tx *db.Tx) error { return tx.Get(ctx, &pid, `SELECT pg_backend_pid()`) })
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := process(ann)
	for name, entry := range entries {
		if err := entry(t.Context(), d, auth.Viewer{UserID: ann.UserID, SessionID: uuid.New()}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: an unknown session: %v", name, err)
		}
		state := server.Query(t, `SELECT state FROM pg_stat_activity WHERE pid = $1`, before)
		if after := process(auth.Viewer{}); after != before || !slices.Equal(state, []string{"idle"}) {
			t.Errorf("%s: the connection %d is %v, and then %d", name, before, state, after)
		}
		if seen := usersSeen(t, d, auth.Viewer{}); len(seen) > 0 {
			t.Errorf("%s: an anonymous viewer sees %v", name, seen)
		}
	}
	for name, entry := range entries {
		if err := entry(t.Context(), d, auth.Viewer{UserID: uuid.New(), SessionID: ann.SessionID}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: the session of another user: %v", name, err)
		}
		if err := entry(t.Context(), d, auth.Viewer{UserID: ann.UserID}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: without a session: %v", name, err)
		}
	}
}

// Two members and an anonymous viewer share the server connections of a transaction pooler.
func TestEnteringThroughAPooler(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	p := dbtest.NewPooler(t, server.App)
	direct := open(t, db.Options{URL: server.App})
	ann, bob := member(t, direct, "ann", "PRIVATE"), member(t, direct, "bob", "PRIVATE")
	var all sync.WaitGroup
	for _, viewer := range []auth.Viewer{ann, {}, bob, {}} {
		d := open(t, db.Options{URL: p.URL(server.App), MaxConnections: 1})
		all.Go(func() {
			for range 20 {
				seen, err := whoSees(t.Context(), d, viewer)
				if err != nil || viewer.IsMember() != (len(seen) == 1) || viewer.IsMember() && seen[0] != viewer.UserID {
					t.Errorf("%v sees %v: %v", viewer.UserID, seen, err)
				}
				if !viewer.IsMember() {
					continue
				}
				for name, entry := range entries {
					if err := entry(t.Context(), d, viewer); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		})
	}
	all.Wait()
}

// A timeout below a millisecond is not 0, which would mean no timeout.
func TestLimitsAreNeverZero(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{-time.Second: "1", 0: "1", 999 * time.Microsecond: "1", 1999 * time.Microsecond: "1", 3 * time.Second: "3000"} {
		if got := db.Milliseconds(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}
