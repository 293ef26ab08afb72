package db_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/lib/pq"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

const notesTable = `
	CREATE TABLE app.notes (
	  id         uuid PRIMARY KEY,
	  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
	  title      text,
	  visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC'))
	);
	CREATE INDEX notes_user_id ON app.notes (user_id);`

// app.protect rejects a table whose rows it would leave unprotected or slow to read, with a hint.
func TestProtectRefuses(t *testing.T) {
	t.Parallel()
	owner := connect(t, dbtest.New(t).Owner)
	for _, c := range []struct{ name, before, call, want, hint string }{
		{"no table", `DROP TABLE app.notes`, `'notes'`, "there is no table notes in schema app", "CREATE TABLE app.notes"},
		{"a table elsewhere", `CREATE SCHEMA x; ALTER TABLE app.notes SET SCHEMA x`, `'notes'`, "there is no table notes in schema app", "CREATE TABLE app.notes"},
		{"a name with the schema", ``, `'app.notes'`, "there is no table app.notes in schema app", "the name without the schema"},
		{"no table of this name", ``, `NULL`, "there is no table NULL in schema app", "CREATE TABLE app.notes"},
		{"a view", `CREATE VIEW app.x AS SELECT 1`, `'x'`, "there is no table x in schema app", "CREATE TABLE app.notes"},
		{"other viewers", ``, `'notes', sees => 'members'`, "notes has an invalid value for sees: members", "sees => 'visibility'"},
		{"null viewers", ``, `'notes', sees => NULL`, "notes has an invalid value for sees: NULL", "sees => 'visibility'"},
		{"null inserts", ``, `'notes', inserts => NULL`, "notes has NULL for inserts, updates or deletes, or an empty list for reads", "inserts => true"},
		{"null updates", ``, `'notes', updates => NULL`, "notes has NULL for inserts, updates or deletes, or an empty list for reads", "updates => '{title,…}'"},
		{"null deletes", ``, `'notes', deletes => NULL`, "notes has NULL for inserts, updates or deletes, or an empty list for reads", "deletes => true"},
		{"no column to read", ``, `'notes', reads => '{}'`, "notes has NULL for inserts, updates or deletes, or an empty list for reads", "reads => '{id,…}'"},
		{"unseen inserts", ``, `'notes', sees => 'nobody', inserts => true`, "no viewer sees notes", "sees => 'owner'"},
		{"unseen updates", ``, `'notes', sees => 'nobody', updates => '{title}'`, "no viewer sees notes", "sees => 'owner'"},
		{"unseen deletes", ``, `'notes', sees => 'nobody', deletes => true`, "no viewer sees notes", "sees => 'owner'"},
		{"unseen reads", ``, `'notes', sees => 'nobody', reads => '{id}'`, "no viewer sees notes", "sees => 'owner'"},
		{"no owner", ``, `'notes', owner => 'author_id'`, "notes has no column author_id", "user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE"},
		{"a dropped owner", `ALTER TABLE app.notes DROP COLUMN user_id`, `'notes'`, "notes has no column user_id", "owner => 'author_id'"},
		{"a null owner", ``, `'notes', owner => NULL`, "notes has no column for the owner of a row, and no relation to a row that has one", "owner => 'author_id'"},
		{"rows without an owner", `ALTER TABLE app.notes ALTER user_id DROP NOT NULL`, `'notes', inserts => true`, "notes.user_id may be NULL", "Write user_id uuid NOT NULL"},
		{"no reference", `ALTER TABLE app.notes DROP CONSTRAINT notes_user_id_fkey`, `'notes'`, "notes.user_id does not refer to app.users ON DELETE CASCADE", "Write user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE"},
		{
			"a reference that keeps the account",
			`ALTER TABLE app.notes DROP CONSTRAINT notes_user_id_fkey, ADD FOREIGN KEY (user_id) REFERENCES app.users`,
			`'notes'`, "notes.user_id does not refer to app.users ON DELETE CASCADE", "ON DELETE CASCADE",
		},
		{
			"a reference to something else",
			`ALTER TABLE app.notes DROP CONSTRAINT notes_user_id_fkey, ADD FOREIGN KEY (user_id) REFERENCES app.profiles (user_id) ON DELETE CASCADE`,
			`'notes'`, "notes.user_id does not refer to app.users ON DELETE CASCADE", "REFERENCES app.users",
		},
		{"no visibility", `ALTER TABLE app.notes DROP COLUMN visibility`, `'notes', sees => 'visibility'`, "notes has no column visibility that is PRIVATE, MEMBERS or PUBLIC", "visibility text NOT NULL CHECK"},
		{"a null visibility", `ALTER TABLE app.notes ALTER visibility DROP NOT NULL`, `'notes', sees => 'visibility'`, "notes has no column visibility", "visibility text NOT NULL CHECK"},
		{"any visibility", `ALTER TABLE app.notes DROP CONSTRAINT notes_visibility_check`, `'notes', sees => 'visibility'`, "notes has no column visibility", "visibility text NOT NULL CHECK"},
		{
			"a further visibility",
			`ALTER TABLE app.notes DROP CONSTRAINT notes_visibility_check, ADD CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC', 'FRIENDS'))`,
			`'notes', sees => 'visibility'`, "notes has no column visibility", "visibility text NOT NULL CHECK",
		},
		{
			"a visibility that is only sometimes checked",
			`ALTER TABLE app.notes DROP CONSTRAINT notes_visibility_check, ADD CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC') OR length(visibility) > 9)`,
			`'notes', sees => 'visibility'`, "notes has no column visibility", "visibility text NOT NULL CHECK",
		},
		{"an unknown column to update", ``, `'notes', updates => '{title,txt}'`, "notes has no column txt", "updates and reads"},
		{"an unknown column to read", ``, `'notes', reads => '{id,txt}'`, "notes has no column txt", "updates and reads"},
		{"an owner that may be updated", ``, `'notes', updates => '{title,user_id}'`, "notes.user_id identifies the row or its owner", "Leave user_id out"},
		{"a key that may be updated", ``, `'notes', updates => '{id}'`, "notes.id identifies the row or its owner", "Leave id out"},
		{"no index", `DROP INDEX app.notes_user_id`, `'notes'`, "no index of notes begins with user_id", "CREATE INDEX notes_user_id ON app.notes (user_id)"},
		{"an index that begins otherwise", `DROP INDEX app.notes_user_id; CREATE INDEX ON app.notes (title, user_id)`, `'notes'`, "no index of notes begins with user_id", "CREATE INDEX"},
		{"an index of some rows", `DROP INDEX app.notes_user_id; CREATE INDEX ON app.notes (user_id) WHERE visibility = 'PUBLIC'`, `'notes'`, "no index of notes begins with user_id", "CREATE INDEX"},
	} {
		err := attempt(t, owner, notesTable+c.before, `SELECT app.protect(`+c.call+`)`)
		e := pq.As(err)
		if e == nil || !strings.HasPrefix(e.Message, "app.protect: "+c.want) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s: got %v\nwant %q, and the hint %q", c.name, err, c.want, c.hint)
			if e != nil {
				t.Errorf("the hint is %q", e.Hint)
			}
		}
	}
}

// A migration with such a table fails with the name of its file and the hint.
func TestMigrationSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	files := filesOf(map[string]string{"0001_notes.sql": "-- +goose Up\n" + notesTable + "\nDROP INDEX app.notes_user_id;\nSELECT app.protect('notes');\n"})
	err := db.Migrate(t.Context(), dbtest.New(t).Owner, db.MigrationSet{Name: "further", Files: files})
	for _, want := range []string{"0001_notes.sql", "no index of notes begins with user_id", "Write CREATE INDEX notes_user_id ON app.notes (user_id)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// app.protect creates the policies and grants that its arguments describe.
func TestProtect(t *testing.T) {
	t.Parallel()
	const owned, seen = `(user_id = app.viewer_id())`, `
CASE visibility
    WHEN 'PUBLIC'::text THEN true
    WHEN 'MEMBERS'::text THEN (app.viewer_id() IS NOT NULL)
    ELSE (user_id = app.viewer_id())
END`
	owner := connect(t, dbtest.New(t).Owner)
	roles := []string{"notes_owner ALL true true", "notes_definer ALL true true"}
	for name, c := range map[string]struct {
		calls            []string
		policies, grants []string // besides roles
	}{
		"defaults":      {[]string{`'notes'`}, []string{"notes_select SELECT " + owned}, []string{"SELECT"}},
		"nobody":        {[]string{`'notes', sees => 'nobody'`}, nil, nil},
		"some columns":  {[]string{`'notes', reads => '{id,title}'`}, []string{"notes_select SELECT " + owned}, []string{"SELECT id", "SELECT title"}},
		"another owner": {[]string{`'notes', owner => 'id'`}, []string{"notes_select SELECT (id = app.viewer_id())"}, []string{"SELECT"}},
		"everything": {
			[]string{`'notes', sees => 'visibility', inserts => true, updates => '{title,visibility}', deletes => true`},
			[]string{"notes_select SELECT " + seen, "notes_insert INSERT " + owned, "notes_update UPDATE " + owned + " " + owned, "notes_delete DELETE " + owned},
			[]string{"SELECT", "INSERT", "UPDATE title", "UPDATE visibility", "DELETE"},
		},
		"again": {
			[]string{`'notes', sees => 'visibility', inserts => true, updates => '{title}', deletes => true, reads => '{id,title}'`, `'notes', updates => '{visibility}'`},
			[]string{"notes_select SELECT " + owned, "notes_update UPDATE " + owned + " " + owned}, []string{"SELECT", "UPDATE visibility"},
		},
		"the same twice": {[]string{`'notes'`, `'notes'`}, []string{"notes_select SELECT " + owned}, []string{"SELECT"}},
		"rows without an owner, which only functions write": {
			[]string{`'notes', owner => 'reviewer_id'`}, []string{"notes_select SELECT (reviewer_id = app.viewer_id())"}, []string{"SELECT"},
		},
	} {
		before := notesTable + `
			ALTER TABLE app.notes ADD FOREIGN KEY (id) REFERENCES app.users ON DELETE CASCADE, ADD COLUMN reviewer_id uuid REFERENCES app.users ON DELETE CASCADE;
			CREATE INDEX ON app.notes (reviewer_id);
			SELECT app.protect(` + strings.Join(c.calls, `); SELECT app.protect(`) + `)`
		read := func(query string) []string {
			t.Helper()
			return queryAfter(t, owner, before, query)
		}
		diff(t, name+": policies", read(`SELECT concat_ws(' ', policyname, cmd, qual, with_check) FROM pg_policies WHERE tablename = 'notes'`), append(c.policies, roles...))
		diff(t, name+": grants", read(`
			SELECT a.privilege_type FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = 'app.notes'::regclass AND a.grantee = 'freehold_app'::regrole
			UNION ALL
			SELECT a.privilege_type || ' ' || attname FROM pg_attribute, aclexplode(attacl) a WHERE attrelid = 'app.notes'::regclass`), c.grants)
		diff(t, name+": row security", read(`SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'app.notes'::regclass`), []string{"true"})
	}
}

// queryAfter runs a query after other statements, rolls back, and returns the rows.
func queryAfter(t *testing.T, pool *sql.DB, before, query string) []string {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), before); err != nil {
		t.Fatalf("%s: %v", before, err)
	}
	rows, err := values(t.Context(), tx, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if rows == "no row" {
		return nil
	}
	return strings.Split(rows, "; ")
}

// Only the owner role can protect tables, and app.protect runs with its caller's privileges.
func TestProtectIsForMigrations(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := attempt(t, connect(t, d.App), ``, `SELECT app.protect('profiles')`); err == nil || !strings.Contains(err.Error(), "permission denied for function protect") {
		t.Errorf("the app role: %v", err)
	}
	err := attempt(t, connect(t, d.Superuser), `GRANT EXECUTE ON FUNCTION app.protect, app.check_protection, app.check_relations, app.check_scopes, app.admission TO freehold_app; SET LOCAL ROLE freehold_app`, `SELECT app.protect('profiles')`)
	if err == nil || !strings.Contains(err.Error(), "must be owner of table profiles") {
		t.Errorf("the app role with a mistaken grant: %v", err)
	}
}

func connect(t *testing.T, url string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// attempt runs a statement after others, rolls back, and returns the error.
func attempt(t *testing.T, pool *sql.DB, before, statement string) error {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), before); err != nil {
		t.Fatalf("%s: %v", before, err)
	}
	_, err = tx.ExecContext(t.Context(), statement)
	return err
}
