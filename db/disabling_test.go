package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
)

// shares is an adopter's table whose rows have another owner column and a key of two columns, and one that only owners see.
var shares = db.MigrationSet{Name: "shares", Files: fstest.MapFS{"0001_shares.sql": {Data: []byte(`
-- +goose Up
CREATE TABLE app.shares (
  "Year"     int  NOT NULL,
  title      text NOT NULL,
  author_id  uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  editor_id  uuid REFERENCES app.users ON DELETE SET NULL,
  visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC')),
  PRIMARY KEY (title, "Year")
);
CREATE INDEX shares_author_id ON app.shares (author_id);
SELECT app.protect('shares', sees => 'visibility', owner => 'author_id', inserts => true, updates => '{visibility}', deletes => true);
CREATE TABLE app.notices (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  visibility text NOT NULL
);
CREATE INDEX notices_user_id ON app.notices (user_id);
SELECT app.protect('notices');
`)}}}

// The rows of a disabled account are hidden in every table in which rows have a visibility, also in those of adopters, and come back as
// they were.
func TestDisablingHidesRowsOfEveryTable(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t, shares)
	d := open(t, db.Options{URL: server.App})
	ann, bob := member(t, d, "ann", "PUBLIC"), member(t, d, "bob", "PUBLIC")
	server.Query(t, `INSERT INTO app.shares ("Year", title, author_id, editor_id, visibility) VALUES
		(1, 'a', $1, $2, 'PUBLIC'), (2, 'a', $1, NULL, 'MEMBERS'), (1, 'b', $1, NULL, 'PRIVATE'), (1, 'c', $2, $1, 'PUBLIC'), (2, 'c', $1, NULL, 'PUBLIC')`, ann.UserID, bob.UserID)
	server.Query(t, `INSERT INTO app.notices (id, user_id, visibility) VALUES ($1, $1, 'PUBLIC')`, ann.UserID)
	const rows = `
		SELECT concat_ws(' ', 'share', "Year", title, visibility) FROM app.shares UNION ALL
		SELECT concat_ws(' ', 'profile', username, visibility) FROM app.profiles UNION ALL
		SELECT concat_ws(' ', 'notice', visibility) FROM app.notices`
	before := server.Query(t, rows)

	server.Query(t, `SELECT app.set_disabled($1, true, NULL)`, ann.UserID)
	diff(t, "rows of a disabled account", server.Query(t, rows), []string{
		"share 1 a PRIVATE", "share 2 a PRIVATE", "share 1 b PRIVATE", "share 1 c PUBLIC", "share 2 c PRIVATE",
		"profile ann PRIVATE", "profile bob PUBLIC", "notice PUBLIC",
	})
	server.Query(t, `DELETE FROM app.shares WHERE title = 'c' AND "Year" = 2`) // by something else than its owner
	server.Query(t, `SELECT app.set_disabled($1, false, NULL)`, ann.UserID)
	var after []string
	for _, row := range before {
		if row != "share 2 c PUBLIC" {
			after = append(after, row)
		}
	}
	diff(t, "rows of an account that is enabled again", server.Query(t, rows), after)
	diff(t, "rows that are remembered as hidden", server.Query(t, `SELECT table_name FROM app.hidden_rows`), nil)
}

// A table whose rows could not be hidden, or could not be found again, is refused.
func TestVisibleTableThatCannotBeHidden(t *testing.T) {
	t.Parallel()
	const visible = `visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC'))`
	for migration, want := range map[string]string{
		`CREATE TABLE app.loose (user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE, ` + visible + `);
		 CREATE INDEX loose_user_id ON app.loose (user_id);
		 SELECT app.protect('loose', sees => 'visibility');`: "app.loose has rows with a visibility, but no primary key\nWrite id uuid PRIMARY KEY",
		`CREATE TABLE app.loose (id uuid PRIMARY KEY, profile_id uuid NOT NULL REFERENCES app.profiles ON DELETE CASCADE, ` + visible + `);
		 CREATE INDEX loose_profile_id ON app.loose (profile_id);
		 SELECT app.protect('loose', sees => 'visibility', owner => NULL, relation => 'app.loose_relation(profile_id)');`: "app.loose has rows with a visibility, but no column for their owner\nLeave the visibility to the row that has an owner",
	} {
		err := db.Migrate(t.Context(), dbtest.New(t).Owner, db.MigrationSet{Name: "loose", Files: fstest.MapFS{
			"0001_loose.sql": {Data: []byte("-- +goose Up\n" + migration)},
			"functions/loose_relation.sql": {Data: []byte(`-- Executed by: freehold_app
-- Created: before the tables
CREATE OR REPLACE FUNCTION app.loose_relation(p_id uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT 'OWNER' FROM app.profiles p WHERE p.id = p_id AND p.user_id = app.viewer_id() $$;`)},
		}})
		if err == nil || !strings.Contains(err.Error(), strings.SplitN(want, "\n", 2)[0]) || !strings.Contains(err.Error(), strings.SplitN(want, "\n", 2)[1]) {
			t.Errorf("%s: %v", migration, err)
		}
	}
}

const makePublic = `UPDATE app.profiles SET visibility = 'PUBLIC' WHERE user_id = $1`

// Disabling an account waits for its writers in flight, and hides what they have written. It waits for no reader, and for no other
// account.
func TestDisablingWaitsForWritersInFlight(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App, StatementTimeout: time.Minute})
	ann, bob := member(t, d, "ann", "PRIVATE"), member(t, d, "bob", "PRIVATE")
	disabled := make(chan struct{})
	err := d.Write(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.ExecOne(ctx, makePublic, ann.UserID); err != nil {
			return err
		}
		go func() {
			defer close(disabled)
			server.Query(t, `SELECT app.set_disabled($1, true, NULL)`, ann.UserID)
		}()
		awaitLock(t, server)
		server.Query(t, `SELECT app.set_disabled($1, true, NULL)`, bob.UserID)
		select {
		case <-disabled:
			return errors.New("the account was disabled while it was writing")
		case <-time.After(200 * time.Millisecond):
			return nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	<-disabled
	diff(t, "what the writer has written", server.Query(t, `SELECT visibility FROM app.profiles WHERE user_id = $1`, ann.UserID), []string{"PRIVATE"})
}

// A writer that begins while its account is being disabled waits, and is then refused, however it writes.
func TestWriterOfAnAccountThatIsBeingDisabled(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(ctx context.Context, d *db.DB, v auth.Viewer) error{
		"in a transaction": func(ctx context.Context, d *db.DB, v auth.Viewer) error {
			return d.Write(ctx, v, func(ctx context.Context, tx *db.Tx) error { return tx.ExecOne(ctx, makePublic, v.UserID) })
		},
		"with one statement": func(ctx context.Context, d *db.DB, v auth.Viewer) error {
			_, err := d.UpdateProfile(ctx, v, v.UserID, db.ProfileFields{Visibility: text("PUBLIC")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := dbtest.New(t)
			d := open(t, db.Options{URL: server.App, StatementTimeout: time.Minute})
			ann := member(t, d, "ann", "PRIVATE")
			pool := connect(t, server.Superuser)
			disabling, err := pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer disabling.Rollback()
			if _, err := disabling.ExecContext(t.Context(), `SELECT app.set_disabled($1, true, NULL)`, ann.UserID); err != nil {
				t.Fatal(err)
			}
			written := make(chan error, 1)
			go func() { written <- write(t.Context(), d, ann) }()
			awaitLock(t, server)
			if _, err := d.FindPrivate(t.Context(), ann, ann.UserID); err != nil {
				t.Errorf("a reader waits or is refused before the account is disabled: %v", err)
			}
			if err := disabling.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-written; !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("the writer: %v", err)
			}
			diff(t, "what is visible", server.Query(t, `SELECT visibility FROM app.profiles`), []string{"PRIVATE"})
		})
	}
}

// Whatever happens at the same time, no row of a disabled account is visible.
func TestDisablingRacingWriters(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	for i := range 20 {
		ann := member(t, d, fmt.Sprintf("ann-%d", i), "PRIVATE")
		done := make(chan struct{})
		for range 3 {
			go func() {
				for {
					_ = d.Write(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error { return tx.ExecOne(ctx, makePublic, ann.UserID) })
					select {
					case done <- struct{}{}:
						return
					default:
					}
				}
			}()
		}
		time.Sleep(time.Duration(i) * time.Millisecond)
		server.Query(t, `SELECT app.set_disabled($1, true, NULL)`, ann.UserID)
		for range 3 {
			<-done
		}
		diff(t, "what is visible", server.Query(t, `SELECT visibility FROM app.profiles WHERE user_id = $1`, ann.UserID), []string{"PRIVATE"})
	}
}

// awaitLock waits until a session waits for an advisory lock.
func awaitLock(t *testing.T, server dbtest.Database) {
	t.Helper()
	for range 1000 {
		if len(server.Query(t, `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)) > 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("nothing waits for the lock of an account")
}
