package db_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

// A session holds a lock that a migration needs, as pg_dump does for hours. The migration waits for it without keeping requests waiting, and
// migrates when the session ends. Each set is migrated once.
func TestMigrationLetsRequestsPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ table, mode, migration string }{
		"in a transaction":                {"app.profiles", "ACCESS SHARE", "-- +goose Up\nALTER TABLE app.profiles ADD COLUMN next text;\n"},
		"after one without a transaction": {"migrations.further", "SHARE UPDATE EXCLUSIVE", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE app.y (id int);\n"},
		"with another table locked first": {"app.profiles", "ROW EXCLUSIVE", "-- +goose Up\nALTER TABLE app.users ADD COLUMN next text;\nCREATE INDEX next ON app.profiles (bio);\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := blockMigration(t, c.table, c.mode, c.migration)
			app := open(t, db.Options{URL: b.server.App})
			for begun := time.Now(); time.Since(begun) < 3*time.Second; time.Sleep(time.Millisecond) {
				if _, err := app.FindProfilePage(t.Context(), auth.Viewer{}, db.Range{Size: 1}); err != nil {
					t.Fatalf("a read while the migration waits: %v", err)
				}
			}
			b.release()
			r := <-b.result
			if r.err != nil {
				t.Fatal(r.err)
			}
			if last := r.done[len(r.done)-1]; !slices.Equal(last.Migrations, []string{"0002_next.sql"}) {
				t.Errorf("it migrated %v", last)
			}
			if err := app.CheckVersion(t.Context(), b.set); err != nil {
				t.Error(err)
			}
		})
	}
}

// A migration that ends before the other session says why, and changes nothing.
func TestMigrationGivesUp(t *testing.T) {
	t.Parallel()
	b := blockMigration(t, "app.profiles", "ACCESS SHARE", "-- +goose Up\nALTER TABLE app.profiles ADD COLUMN next text;\n")
	b.cancel()
	if r := <-b.result; r.err == nil || !errors.Is(r.err, context.Canceled) || !strings.Contains(r.err.Error(), "another session held a lock") || !strings.Contains(r.err.Error(), "0002_next.sql") {
		t.Errorf("got %v", r.err)
	}
	b.release()
	if n := b.server.Query(t, `SELECT count(*) FROM information_schema.columns WHERE column_name = 'next'`)[0]; n != "0" {
		t.Error("the migration has run in part")
	}
}

// A migration without a transaction is not repeated, because it cannot be undone.
func TestMigrationWithoutTransactionIsNotRepeated(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	server.Lock(t, "app.profiles", "ACCESS SHARE")
	migration := "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE app.y (id int);\nSET lock_timeout = '10ms';\nALTER TABLE app.profiles ADD COLUMN next text;\n"
	m := db.NewMigrator(server.Owner, false, db.MigrationSet{Name: "further", Files: fstest.MapFS{"0001_next.sql": {Data: []byte(migration)}}})
	m.Notice = func(err error) { t.Errorf("it waits: %v", err) }
	if _, err := m.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "0001_next.sql") || !strings.Contains(err.Error(), "lock timeout") {
		t.Errorf("got %v", err)
	}
}

// blocked is a migration that waits for a lock.
type blocked struct {
	server  dbtest.Database
	set     db.MigrationSet
	release func()
	cancel  func()
	result  chan result
}

type result struct {
	done []db.MigrationChange
	err  error
}

// blockMigration locks a table, starts a migration, and returns when the migration waits.
func blockMigration(t *testing.T, table, mode, migration string) blocked {
	t.Helper()
	files := fstest.MapFS{"0001_x.sql": {Data: []byte("-- +goose Up\nCREATE TABLE app.x (id int);\n")}}
	set := db.MigrationSet{Name: "further", Files: files}
	server := dbtest.New(t, set)
	release := server.Lock(t, table, mode)
	files["0002_next.sql"] = &fstest.MapFile{Data: []byte(migration)}
	ctx, cancel := context.WithCancel(t.Context())
	b := blocked{server, set, release, cancel, make(chan result, 1)}
	waits := make(chan struct{}, 1)
	m := db.NewMigrator(server.Owner, false, set)
	m.Notice = func(error) { waits <- struct{}{} }
	go func() {
		done, err := m.Run(ctx)
		b.result <- result{done, err}
	}()
	select {
	case <-waits:
	case r := <-b.result:
		t.Fatalf("the migration has not waited: %v", r)
	case <-time.After(20 * time.Second):
		t.Fatal("the migration does not say that it waits")
	}
	return b
}
