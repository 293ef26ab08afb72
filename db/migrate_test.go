package db_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

// Migrations are numbered 0001, 0002, … without a gap, and have no Down part.
func TestMigrationsAreNumberedAndForwardOnly(t *testing.T) {
	t.Parallel()
	files := db.OwnMigrations().Files
	names, err := fs.Glob(files, "*")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for i, name := range names {
		if !regexp.MustCompile(fmt.Sprintf(`^%04d_[a-z0-9_]+\.sql$`, i+1)).MatchString(name) {
			t.Errorf("migration %d is called %s", i+1, name)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "-- +goose Up\n") || strings.Contains(string(text), "+goose Down") {
			t.Errorf("%s does not go forward only", name)
		}
	}
}

func TestMigratingTwiceAndAtOnceIsClean(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	further := db.MigrationSet{Name: "further", Files: fstest.MapFS{
		"0001_x.sql":           {Data: []byte("-- +goose Up\nCREATE TABLE app.x (id int);\n")},
		"functions/read_x.sql": {Data: []byte(readX)},
	}}
	app := open(t, db.Options{URL: server.App})
	if err := app.CheckVersion(t.Context()); err != nil {
		t.Errorf("after migrating: %v", err)
	}
	if err := app.CheckVersion(t.Context(), further); err == nil || !strings.Contains(err.Error(), "freehold migrate") {
		t.Errorf("with a set that was not migrated: %v", err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := db.Migrate(t.Context(), server.Owner, further); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := app.CheckVersion(t.Context(), further); err != nil {
		t.Error(err)
	}
}

func TestMigratingAsTheAppIsRefused(t *testing.T) {
	t.Parallel()
	if err := db.Migrate(t.Context(), dbtest.New(t).App); err == nil {
		t.Error("the app's role migrated")
	}
}
