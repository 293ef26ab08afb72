package db_test

import (
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/db/migrate"
)

// The version of a set is the highest number of its migrations.
func TestNumbersOfAnAdoptersSet(t *testing.T) {
	t.Parallel()
	const first, second = "-- +goose Up\nCREATE TABLE app.x (id int);\n", "-- +goose Up\nCREATE TABLE app.y (id int);\n"
	for name, c := range map[string]struct {
		texts map[string]string
		fault string // of migrating; empty for none
	}{
		"with a gap":      {map[string]string{"0001_x.sql": first, "0003_y.sql": second}, ""},
		"timestamps":      {map[string]string{"20261125190000_x.sql": first, "20261125190001_y.sql": second}, ""},
		"then timestamps": {map[string]string{"0001_x.sql": first, "20261125190001_y.sql": second}, ""},
		"unpadded":        {map[string]string{"9_x.sql": first, "10_y.sql": second}, "9_x.sql: the number must be greater than 10"},
		"twice":           {map[string]string{"0001_x.sql": first, "0001_y.sql": second}, "0001_y.sql: the number must be greater than 1"},
		"no number":       {map[string]string{"0001_x.sql": first, "y.sql": second}, "y.sql: the name of a migration must be <number>_<name>.sql"},
		"none":            {nil, "the set has no migration"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t)
			further := db.MigrationSet{Name: "further", Files: filesOf(c.texts)}
			for what, err := range map[string]error{
				"migrating": db.Migrate(t.Context(), d.Owner, further),
				"checking":  open(t, db.Options{URL: d.App}).CheckVersion(t.Context(), further),
			} {
				if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
					t.Errorf("%s: got %v, want an error that says %q", what, err, c.fault)
				}
			}
		})
	}
}

func TestDeclarationsOfServedBuilds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, want string }{
		"earlier":      {"-- Serves builds from: 2\n", "3, serves builds from 2"},
		"none":         {"", "3, serves builds from 3"},
		"itself":       {"-- Serves builds from: 3\n", "3, serves builds from 3"},
		"later":        {"-- Serves builds from: 4\n", ""},
		"no number":    {"-- Serves builds from: two\n", ""},
		"too large":    {"-- Serves builds from: 99999999999999999999\n", ""},
		"another form": {"-- serves builds from 2\n", ""},
		"two":          {"-- Serves builds from: 2\n-- Serves builds from: 1\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t)
			err := db.Migrate(t.Context(), d.Owner, db.MigrationSet{Name: "further", Files: filesOf(map[string]string{
				"0002_x.sql": tableX, "0003_y.sql": c.line + "-- +goose Up\nCREATE TABLE app.y (id int);\n",
			})})
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), "0003_y.sql: want one line") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "the published version", d.Query(t, `SELECT obj_description('migrations.further'::regclass, 'pg_class')`), []string{c.want})
		})
	}
}

// R27: a build serves a database with newer migrations if each of them says that it serves this build.
func TestOlderAndNewerBuilds(t *testing.T) {
	t.Parallel()
	const breaks, serves = "", "-- Serves builds from: %d\n"
	for name, c := range map[string]struct {
		database []string // what each migration after the common ones declares about builds with the last common one
		build    int      // how many of these migrations the build has
		check    string   // the error of serving; empty for none
		migrate  string   // the error of migrating
	}{
		"equal":                       {database: []string{breaks}, build: 1},
		"equal, compatible":           {database: []string{serves}, build: 1},
		"newer":                       {database: nil, build: 1, check: "run `freehold migrate` with this build"},
		"newer by two":                {database: []string{serves}, build: 2, check: "run `freehold migrate` with this build"},
		"older":                       {database: []string{breaks}, check: "upgrade ", migrate: "upgrade "},
		"older, compatible":           {database: []string{serves}},
		"older by two, compatible":    {database: []string{serves, serves}},
		"older, the first breaks":     {database: []string{breaks, serves}, check: "upgrade ", migrate: "upgrade "},
		"older, the second breaks":    {database: []string{serves, breaks}, check: "upgrade ", migrate: "upgrade "},
		"older, with what breaks":     {database: []string{breaks, serves}, build: 1},
		"older, without all of those": {database: []string{serves, serves, breaks}, build: 2, check: "upgrade ", migrate: "upgrade "},
	} {
		for set, common := range map[string]fstest.MapFS{"freehold": ownFiles(t), "further": filesOf(map[string]string{"0001_x.sql": tableX, "20261125190000_z.sql": "-- +goose Up\n"})} {
			t.Run(set+", "+name, func(t *testing.T) {
				t.Parallel()
				last := lastNumber(t, common)
				// with returns the common files, the declared migrations, and a function.
				with := func(declared []string, function string) db.MigrationSet {
					files := maps.Clone(common)
					for i, text := range declared {
						if text != breaks {
							text = fmt.Sprintf(text, last)
						}
						number := last + int64(i) + 1
						files[fmt.Sprintf("%04d_next.sql", number)] = &fstest.MapFile{Data: fmt.Appendf(nil, "%s-- +goose Up\nCREATE TABLE app.next_%d (id int);\n", text, number)}
					}
					files["functions/which_x.sql"] = &fstest.MapFile{Data: []byte(
						"-- Executed by: nobody\nCREATE OR REPLACE FUNCTION app.which_x() RETURNS text LANGUAGE sql AS $$ SELECT '" + function + "' $$;\n")}
					return db.MigrationSet{Name: set, Files: files}
				}
				known := make([]string, max(c.build, len(c.database)))
				copy(known, c.database)
				build := with(known[:c.build], "of the build")
				d := dbtest.New(t)
				if _, err := migrate.Run(t.Context(), d.Owner, nil, with(c.database, "of the database")); err != nil {
					t.Fatal(err)
				}
				expect := func(what string, err error, want string) {
					t.Helper()
					if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
						t.Errorf("%s: got %v, want an error that says %q", what, err, want)
					}
				}
				app := open(t, db.Options{URL: d.App})
				expect("serving", app.CheckSet(t.Context(), build), c.check)
				plan, err := migrate.Plan(t.Context(), d.Owner, build)
				expect("planning", err, "")
				done, err := migrate.Run(t.Context(), d.Owner, nil, build)
				expect("migrating", err, c.migrate)
				if err == nil {
					diff(t, "what was done", []string{fmt.Sprint(done)}, []string{fmt.Sprint(plan)})
				}
				if c.migrate == "" {
					expect("serving after its own migration", app.CheckSet(t.Context(), build), "")
				}
				want := "of the build"
				if c.build < len(c.database) {
					want = "of the database"
				}
				diff(t, "the function", d.Query(t, `SELECT app.which_x()`), []string{want})
			})
		}
	}
}

// ownFiles returns the files of freehold's set.
func ownFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, pattern := range []string{"*.sql", "functions/*.sql"} {
		names, err := fs.Glob(db.OwnMigrations().Files, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(db.OwnMigrations().Files, name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: text}
		}
	}
	return files
}

func lastNumber(t *testing.T, files fs.FS) int64 {
	t.Helper()
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	number, err := goose.NumericComponent(names[len(names)-1])
	if err != nil {
		t.Fatal(err)
	}
	return number
}
