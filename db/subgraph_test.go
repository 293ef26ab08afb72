package db_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/eventually"
)

// notesSet is what an adopter's module brings.
var notesSet = db.MigrationSet{Name: "notes", Files: filesOf(map[string]string{"0001_notes.sql": `-- +goose Up
CREATE TABLE app.notes (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC'))
);
CREATE INDEX notes_user_id ON app.notes (user_id);
SELECT app.protect('notes', sees => 'visibility', inserts => true, deletes => true);
`})}

// newSubgraph returns a database of a second subgraph with notes.
func newSubgraph(t *testing.T) (dbtest.Database, *db.DB) {
	t.Helper()
	server := dbtest.NewSubgraph(t, notesSet)
	return server, open(t, db.Options{URL: server.App, Subgraph: true, MaxConnections: 2})
}

// tokenViewer returns the viewer of a token that is valid for a minute.
func tokenViewer() auth.Viewer {
	return auth.Viewer{UserID: uuid.New(), SessionID: uuid.New(), Until: time.Now().Add(time.Minute).Unix()}
}

func addNote(ctx context.Context, d *db.DB, viewer auth.Viewer, owner uuid.UUID, visibility string) error {
	return d.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.ExecOne(ctx, `INSERT INTO app.notes (id, user_id, visibility) VALUES ($1, $2, $3)`, uuid.New(), owner, visibility)
	})
}

func countNotes(t *testing.T, d *db.DB, viewer auth.Viewer) (n int) {
	t.Helper()
	err := d.Read(t.Context(), viewer, func(ctx context.Context, tx *db.Tx) error {
		return tx.Get(ctx, &n, `SELECT count(*) FROM app.notes`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The two kinds of database share no way to enter: the one with accounts proves sessions, the other one accepts verified tokens.
func TestWaysToEnterAreApart(t *testing.T) {
	t.Parallel()
	subgraph, _ := newSubgraph(t)
	const entries = `SELECT proname FROM pg_proc WHERE pronamespace = 'app'::regnamespace AND proname ~ '^(enter|forget)'`
	diff(t, "with accounts", dbtest.New(t).Query(t, entries), []string{"enter", "enter_account", "enter_removal", "enter_session"})
	diff(t, "without", subgraph.Query(t, entries), []string{"enter_verified", "forget_user"})
	diff(t, "executed by the app's role", subgraph.Query(t, entries+` AND has_function_privilege('freehold_app', oid, 'EXECUTE')`), []string{"enter_verified"})
	if _, err := fs.Stat(db.OwnMigrations().Files, "functions/enter_verified.sql"); err == nil {
		t.Error("the migrations of a database with accounts have app.enter_verified")
	}
}

// The functions that both kinds of database have are the same files.
func TestSubgraphSharesFunctions(t *testing.T) {
	t.Parallel()
	own, theirs := db.OwnMigrations().Files, db.SubgraphMigrations().Files
	names, err := fs.Glob(theirs, "functions/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var shared, alone []string
	for _, name := range names {
		text, err := fs.ReadFile(theirs, name)
		if err != nil {
			t.Fatal(err)
		}
		function := strings.TrimSuffix(strings.TrimPrefix(name, "functions/"), ".sql")
		if same, err := fs.ReadFile(own, name); err == nil && string(same) == string(text) {
			shared = append(shared, function)
		} else {
			alone = append(alone, function)
		}
	}
	diff(t, "functions of subgraphs alone", alone, []string{"enter_verified", "forget_user", "is_disabled"})
	for _, function := range []string{"protect", "check_protection", "viewer_id", "has_scope", "count_attempt"} {
		if !slices.Contains(shared, function) {
			t.Errorf("app.%s is not shared, unlike %v", function, shared)
		}
	}
	server, d := newSubgraph(t)
	if err := d.CheckRole(t.Context()); err != nil {
		t.Error(err)
	}
	diff(t, "tables without forced row security", server.Query(t, `
		SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'app'::regnamespace AND NOT (relrowsecurity AND relforcerowsecurity)`), nil)
	diff(t, "functions of PUBLIC", server.Query(t, `
		SELECT proname FROM pg_proc p, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE pronamespace = 'app'::regnamespace AND a.grantee = 0`), nil)
	if _, err := d.CountHits(t.Context(), db.Bucket{Name: "x", Limit: 1, Window: time.Nanosecond}); err != nil {
		t.Error(err)
	}
	if _, err := d.Purge(t.Context(), time.Hour, 1); err != nil {
		t.Error(err)
	}
}

// A viewer of a verified token has the rows of the policies, in each kind of transaction. The first one that writes records the user.
func TestVerifiedViewerEnters(t *testing.T) {
	t.Parallel()
	server, d := newSubgraph(t)
	ann, bob := tokenViewer(), tokenViewer()
	if countNotes(t, d, ann) != 0 || len(server.Query(t, `SELECT id FROM app.users`)) > 0 {
		t.Error("a read recorded a user")
	}
	for _, visibility := range []string{"PRIVATE", "MEMBERS", "PUBLIC"} {
		if err := addNote(t.Context(), d, ann, ann.UserID, visibility); err != nil {
			t.Fatal(err)
		}
	}
	diff(t, "users", server.Query(t, `SELECT id FROM app.users`), []string{ann.UserID.String()})
	for _, c := range []struct {
		who    string
		viewer auth.Viewer
		want   int
	}{{"the owner", ann, 3}, {"another member", bob, 2}, {"nobody", auth.Viewer{}, 1}} {
		if got := countNotes(t, d, c.viewer); got != c.want {
			t.Errorf("%s sees %d notes, want %d", c.who, got, c.want)
		}
	}
	if err := addNote(t.Context(), d, bob, ann.UserID, "PUBLIC"); err == nil {
		t.Error("bob wrote a note of ann")
	}
	if err := d.ProveSession(t.Context(), ann); err != nil {
		t.Error(err)
	}
	operator := ann
	operator.Scopes = "notes:read notes:write"
	for _, v := range []auth.Viewer{operator, ann} {
		if got, err := d.GrantedScopes(t.Context(), v); err != nil || got != v.Scopes {
			t.Errorf("the scopes are %q, %v; the token has %q", got, err, v.Scopes)
		}
	}
}

// BEGIN and entering take one round trip, as with a session.
func TestVerifiedViewerEntersInOneTrip(t *testing.T) {
	t.Parallel()
	server := dbtest.NewSubgraph(t, notesSet)
	var ran []string
	d := open(t, db.Options{URL: server.App, Subgraph: true, MaxConnections: 1, Observer: db.Observer{Query: func(query string) { ran = append(ran, query) }}})
	ann := tokenViewer()
	countNotes(t, d, ann)
	if len(ran) != 2 || !strings.Contains(ran[0], "app.enter_verified($1") {
		t.Errorf("a read ran %q", ran)
	}
	ran = nil
	if err := addNote(t.Context(), d, ann, ann.UserID, "PRIVATE"); err != nil || len(ran) != 4 || ran[0] != "BEGIN" || !strings.Contains(ran[1], "app.enter_verified($1") {
		t.Errorf("a write ran %q: %v", ran, err)
	}
}

// A token that has expired, was never valid, or whose user was forgotten enters nothing.
func TestRefusedTokensEnterNothing(t *testing.T) {
	t.Parallel()
	server, d := newSubgraph(t)
	expired, without, forgotten := tokenViewer(), tokenViewer(), tokenViewer()
	expired.Until, without.Until = time.Now().Unix()-1, 0
	if _, err := db.Forget(t.Context(), server.Owner, forgotten.UserID); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who    string
		viewer auth.Viewer
		want   fault.Reason
	}{{"expired", expired, fault.Expired}, {"without an expiry", without, fault.Expired}, {"forgotten", forgotten, fault.Invalid}} {
		for how, err := range map[string]error{
			"proving": d.ProveSession(t.Context(), c.viewer),
			"writing": addNote(t.Context(), d, c.viewer, c.viewer.UserID, "PRIVATE"),
		} {
			if !fault.Is(err, fault.Unauthenticated) || reasonOf(err) != c.want {
				t.Errorf("%s, %s: %v", c.who, how, err)
			}
		}
	}
	diff(t, "users", server.Query(t, `SELECT id FROM app.users`), nil)
}

// Forgetting a user deletes everything of the user, and nothing of others. It waits for a transaction that is recording the user, so
// that nothing of it stays.
func TestForget(t *testing.T) {
	t.Parallel()
	server, d := newSubgraph(t)
	ann, bob := tokenViewer(), tokenViewer()
	for _, v := range []auth.Viewer{ann, bob} {
		if err := addNote(t.Context(), d, v, v.UserID, "PUBLIC"); err != nil {
			t.Fatal(err)
		}
	}
	server.Query(t, `INSERT INTO app.forgotten_users (user_id, forgotten_at) VALUES ($1, now() - interval '25 hours')`, uuid.New())
	for _, want := range []bool{true, false} {
		if found, err := db.Forget(t.Context(), server.Owner, ann.UserID); err != nil || found != want {
			t.Errorf("got %v, %v, want %v", found, err, want)
		}
	}
	diff(t, "owners of notes", server.Query(t, `SELECT user_id FROM app.notes`), []string{bob.UserID.String()})
	diff(t, "forgotten", server.Query(t, `SELECT user_id FROM app.forgotten_users`), []string{ann.UserID.String()})
	if err := addNote(t.Context(), d, bob, bob.UserID, "PUBLIC"); err != nil {
		t.Errorf("bob: %v", err)
	}

	late, forgot := tokenViewer(), make(chan error, 1)
	err := d.Write(t.Context(), late, func(ctx context.Context, tx *db.Tx) error {
		go func() {
			_, err := db.Forget(t.Context(), server.Owner, late.UserID)
			forgot <- err
		}()
		eventually.True(t, 10*time.Second, "the deletion waits", func() bool {
			return len(server.Query(t, `SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'app.users'::regclass`)) > 0
		})
		return tx.ExecOne(ctx, `INSERT INTO app.notes (id, user_id, visibility) VALUES ($1, $2, 'PUBLIC')`, uuid.New(), late.UserID)
	})
	if err := errors.Join(err, <-forgot); err != nil {
		t.Fatal(err)
	}
	diff(t, "rows of a user who was forgotten while writing", server.Query(t, `SELECT id FROM app.users WHERE id = $1`, late.UserID), nil)
	if _, err := db.Forget(t.Context(), server.App, bob.UserID); err == nil {
		t.Error("the app's role forgets users")
	}
}

// A database has accounts or belongs to a second subgraph, and not both.
func TestDatabaseIsOfOneKind(t *testing.T) {
	t.Parallel()
	server, service := dbtest.NewSubgraph(t), dbtest.New(t)
	for name, err := range map[string]error{
		"accounts in a subgraph's":  db.Migrate(t.Context(), server.Owner),
		"a subgraph in a service's": db.MigrateSubgraph(t.Context(), service.Owner),
		"a subgraph on a service's": open(t, db.Options{URL: service.App, Subgraph: true}).CheckVersion(t.Context()),
		"a service on a subgraph's": open(t, db.Options{URL: server.App}).CheckVersion(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "use another database") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := open(t, db.Options{URL: server.App, Subgraph: true}).CheckVersion(t.Context()); err != nil {
		t.Error(err)
	}
}

func reasonOf(err error) fault.Reason {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return ""
	}
	return f.Reason
}
