package db_test

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

// sharedTables are notebooks that are shared with editors and members, the notes in them, and comments on the notes. A comment has
// no owner column: its owner is that of the note.
const sharedTables = `
	CREATE TABLE app.notebooks (
	  id         uuid PRIMARY KEY,
	  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
	  title      text,
	  visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC')),
	  UNIQUE (id, user_id)
	);
	CREATE INDEX ON app.notebooks (user_id);
	CREATE TABLE app.readers (notebook_id uuid REFERENCES app.notebooks ON DELETE CASCADE, user_id uuid, role text);
	SELECT app.protect('readers', sees => 'nobody');
	GRANT SELECT ON app.readers, app.notebooks TO freehold_definer;
	CREATE TABLE app.notes (
	  id          uuid PRIMARY KEY,
	  user_id     uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
	  notebook_id uuid NOT NULL,
	  body        text,
	  CONSTRAINT notes_notebook FOREIGN KEY (notebook_id, user_id) REFERENCES app.notebooks (id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
	);
	CREATE INDEX ON app.notes (user_id);
	CREATE INDEX notes_notebook_id ON app.notes (notebook_id);
	CREATE TABLE app.comments (id uuid PRIMARY KEY, notebook_id uuid NOT NULL REFERENCES app.notebooks ON DELETE CASCADE, body text);
	CREATE INDEX comments_notebook_id ON app.comments (notebook_id);
	GRANT USAGE, CREATE ON SCHEMA app TO freehold_definer;
	SET LOCAL ROLE freehold_definer;
	CREATE FUNCTION app.notebook_relation(p_id uuid) RETURNS text
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$
	  SELECT CASE WHEN b.user_id = app.viewer_id() THEN 'OWNER' ELSE r.role END
	    FROM app.notebooks b LEFT JOIN app.readers r ON r.notebook_id = b.id AND r.user_id = app.viewer_id()
	   WHERE b.id = p_id
	$$;
	GRANT EXECUTE ON FUNCTION app.notebook_relation TO freehold_app;
	RESET ROLE;`

// The arguments of app.protect for these tables.
const (
	byNotebook      = `, relation => 'app.notebook_relation(notebook_id)', relations => '{EDITOR,MEMBER}'`
	sharedNotebooks = `'notebooks', sees => 'visibility', inserts => true, updates => '{title,visibility}', deletes => true,
		relation => 'app.notebook_relation(id)', relations => '{EDITOR,MEMBER}', updates_as => 'EDITOR', owner_updates => '{visibility}',
		sees_scopes => '{notes:read}', deletes_scopes => '{notes:read,notes:clear}'`
	sharedNotes    = `'notes', sees => 'relation', inserts => true, updates => '{body}', deletes => true, inserts_as => 'EDITOR', updates_as => 'EDITOR'` + byNotebook
	sharedComments = `'comments', owner => NULL, sees => 'relation', inserts => true, updates => '{body}', deletes => true, inserts_as => 'MEMBER'` + byNotebook
)

// function returns a definition of app.notebook_relation with a change.
func function(change string) string {
	return `ALTER FUNCTION app.notebook_relation ` + change
}

// app.protect rejects relations and scopes that would not protect the rows, with a hint.
func TestProtectRefusesRelations(t *testing.T) {
	t.Parallel()
	owner := connect(t, dbtest.New(t).Owner)
	const own = `, relation => 'app.notebook_relation(id)', relations => '{EDITOR,MEMBER}'`
	for _, c := range []struct{ name, before, call, want, hint string }{
		{"null relations", ``, `'notebooks', relations => NULL`, "notebooks has an invalid list of relations", "relations => '{EDITOR,MEMBER}'"},
		{"OWNER among the relations", ``, `'notebooks', relation => 'app.notebook_relation(id)', relations => '{OWNER,EDITOR}'`, "notebooks has an invalid list of relations", "without OWNER"},
		{"a relation twice", ``, `'notebooks', relation => 'app.notebook_relation(id)', relations => '{EDITOR,EDITOR}'`, "notebooks has an invalid list of relations", "the strongest first"},
		{"no name of a relation", ``, `'notebooks', relation => 'app.notebook_relation(id)', relations => '{editor}'`, "notebooks has an invalid list of relations", "relations => '{EDITOR,MEMBER}'"},
		{"a null relation", ``, `'notebooks', relation => 'app.notebook_relation(id)', relations => '{EDITOR,NULL}'`, "notebooks has an invalid list of relations", "relations => '{EDITOR,MEMBER}'"},
		{"null columns for the owner", ``, `'notebooks', owner_updates => NULL`, "notebooks has an invalid list of relations or of owner_updates", "owner_updates => '{visibility}'"},
		{"unseen relations", ``, `'notebooks', sees => 'nobody'` + own, "no viewer sees notebooks, so it cannot have relations", "sees => 'relation'"},
		{"relations without a function", ``, `'notebooks', relations => '{EDITOR}'`, "notebooks has relations, but no function", "relation => 'app.notebook_relation(id)'"},
		{"viewers with a relation without a function", ``, `'notebooks', sees => 'relation'`, "notebooks has relations, but no function", "relation => 'app.notebook_relation(id)'"},
		{"a command for a relation without a function", ``, `'notebooks', deletes => true, deletes_as => 'EDITOR'`, "notebooks has relations, but no function", "deletes_as"},
		{"a column for the owner without a function", ``, `'notebooks', updates => '{title}', owner_updates => '{title}'`, "notebooks has relations, but no function", "owner_updates"},
		{"a function without relations", ``, `'notebooks', relation => 'app.notebook_relation(id)'`, "notebooks has a relation, but relations does not say which", "relations => '{EDITOR,MEMBER}'"},
		{"an unknown relation that inserts", ``, `'notes', inserts => true, inserts_as => 'ADMIN'` + byNotebook, "ADMIN is not one of the relations of notes", "Write one of EDITOR, MEMBER"},
		{"an unknown relation that updates", ``, `'notes', updates => '{body}', updates_as => 'OWNER'` + byNotebook, "OWNER is not one of the relations of notes", "only the owner may"},
		{"an unknown relation that deletes", ``, `'notes', deletes => true, deletes_as => 'editor'` + byNotebook, "editor is not one of the relations of notes", "Write one of EDITOR, MEMBER"},
		{"an unknown relation that sees", ``, `'notes', sees => 'ADMIN'` + byNotebook, "notes has an invalid value for sees: ADMIN", "one of the relations"},
		{"a relation for no command", ``, `'notes', sees => 'relation', inserts_as => 'EDITOR'` + byNotebook, "notes has inserts_as, updates_as or deletes_as for a command", "inserts => true"},
		{"a relation for no update", ``, `'notes', sees => 'relation', updates_as => 'EDITOR'` + byNotebook, "notes has inserts_as, updates_as or deletes_as for a command", "updates => '{title,…}'"},
		{"a relation for no deletion", ``, `'notes', sees => 'relation', deletes_as => 'EDITOR'` + byNotebook, "notes has inserts_as, updates_as or deletes_as for a command", "deletes => true"},
		{"editors who see nothing", ``, `'notes', updates => '{body}', updates_as => 'EDITOR'` + byNotebook, "EDITOR may write rows of notes that it does not see", "sees => 'EDITOR'"},
		{"members who see nothing", ``, `'notes', sees => 'EDITOR', deletes => true, deletes_as => 'MEMBER'` + byNotebook, "MEMBER may write rows of notes that it does not see", "sees => 'MEMBER'"},
		{"a limit for owners alone", ``, `'notebooks', sees => 'relation', updates => '{title}', owner_updates => '{title}'` + own, "owner_updates of notebooks limits nothing", "updates_as => 'EDITOR'"},
		{"a limit for other columns", ``, `'notebooks', sees => 'relation', updates => '{title}', updates_as => 'EDITOR', owner_updates => '{visibility}'` + own, "owner_updates of notebooks limits nothing", "owner_updates => '{visibility}'"},
		{"an expression", ``, `'notebooks', relation => 'COALESCE(app.notebook_relation(id), role)', relations => '{EDITOR}'`, "the relation of notebooks is not a call of one function", "relation => 'app.notebook_relation(id)'"},
		{"a column that does not exist", ``, `'notes', relation => 'app.notebook_relation(book_id)', relations => '{EDITOR}'`, "the relation of notes is not a call of one function", "name the column"},
		{"a function of another schema", ``, `'notebooks', relation => 'public.notebook_relation(id)', relations => '{EDITOR}'`, "the relation of notebooks is not a call of one function", "app.notebook_relation(id)"},
		{"no function", ``, `'notebooks', relation => 'app.book_relation(id)', relations => '{EDITOR}'`, "there is no function app.book_relation(uuid)", "functions/book_relation.sql"},
		{"a function of another type", ``, `'notebooks', relation => 'app.notebook_relation(title)', relations => '{EDITOR}'`, "there is no function app.notebook_relation(text)", "-- Created: before the tables"},
		{"a volatile function", function(`VOLATILE`), `'notebooks'` + own, "app.notebook_relation(uuid) cannot answer which relation a viewer has", "STABLE"},
		{"an immutable function", function(`IMMUTABLE`), `'notebooks'` + own, "app.notebook_relation(uuid) cannot answer", "STABLE"},
		{"a function with the viewer's privileges", function(`SECURITY INVOKER`), `'notebooks'` + own, "app.notebook_relation(uuid) cannot answer", "SECURITY DEFINER"},
		{"a function of another owner", function(`OWNER TO freehold_owner`), `'notebooks'` + own, "app.notebook_relation(uuid) cannot answer", "freehold_definer owns it"},
		{"a function with any search_path", function(`RESET search_path`), `'notebooks'` + own, "app.notebook_relation(uuid) cannot answer", "SET search_path"},
		{"a function that viewers cannot call", `REVOKE EXECUTE ON FUNCTION app.notebook_relation FROM freehold_app`, `'notebooks'` + own, "app.notebook_relation(uuid) cannot answer", "-- Executed by: freehold_app"},
		{"new rows with a relation to themselves", ``, `'notebooks', sees => 'relation', inserts => true, inserts_as => 'EDITOR'` + own, "nobody has a relation to a new row of notebooks", "relation => 'app.notebook_relation(notebook_id)'"},
		{"rows that own themselves", ``, `'comments', owner => NULL` + own, "nobody has a relation to a new row of comments", "relation => 'app.notebook_relation(notebook_id)'"},
		{"rows without a parent", `ALTER TABLE app.notes ALTER notebook_id DROP NOT NULL`, `'notes'` + byNotebook, "notes.notebook_id may be NULL", "Write notebook_id uuid NOT NULL"},
		{
			"rows that a stranger owns",
			`ALTER TABLE app.notes DROP CONSTRAINT notes_notebook, ADD FOREIGN KEY (notebook_id) REFERENCES app.notebooks ON DELETE CASCADE`,
			`'notes', sees => 'relation', inserts => true, inserts_as => 'EDITOR'` + byNotebook, "no foreign key of notes with notebook_id, user_id", "FOREIGN KEY (notebook_id, user_id) REFERENCES app.notebooks (id, user_id)",
		},
		{
			"rows that move to a stranger",
			`ALTER TABLE app.notes DROP CONSTRAINT notes_notebook, ADD FOREIGN KEY (notebook_id) REFERENCES app.notebooks ON DELETE CASCADE`,
			`'notes', updates => '{notebook_id}'` + byNotebook, "no foreign key of notes with notebook_id, user_id", "without user_id, a row could belong to another user's row",
		},
		{
			"rows that outlive their owner",
			`ALTER TABLE app.comments DROP CONSTRAINT comments_notebook_id_fkey, ADD FOREIGN KEY (notebook_id) REFERENCES app.notebooks`,
			`'comments', owner => NULL` + byNotebook, "no foreign key of comments with notebook_id", "REFERENCES app.notes ON DELETE CASCADE",
		},
		{"no index of the parent", `DROP INDEX app.notes_notebook_id`, `'notes'` + byNotebook, "no index of notes begins with notebook_id", "CREATE INDEX notes_notebook_id ON app.notes (notebook_id)"},
		{"no scope", ``, `'notebooks', sees_scopes => NULL`, "notebooks has an invalid scope: NULL", "sees_scopes => '{notes:read}'"},
		{"a null scope", ``, `'notebooks', sees_scopes => '{NULL}'`, "notebooks has an invalid scope: NULL", "sees_scopes => '{notes:read}'"},
		{"two scopes in one", ``, `'notebooks', sees_scopes => '{notes read}'`, "notebooks has an invalid scope: notes read", "sees_scopes => '{notes:read}'"},
		{"an unseen scope", ``, `'notebooks', sees => 'nobody', sees_scopes => '{notes:read}'`, "no viewer sees notebooks, so it cannot have scopes", "sees => 'owner'"},
		{"a scope for no update", ``, `'notebooks', sees_scopes => '{a}', updates_scopes => '{a}'`, "notebooks has scopes for a command that no viewer may use", "updates => '{title,…}'"},
		{"a scope for no deletion", ``, `'notebooks', sees_scopes => '{a}', deletes_scopes => '{a}'`, "notebooks has scopes for a command that no viewer may use", "deletes => true"},
		{"a scope that sees nothing", ``, `'notebooks', deletes => true, sees_scopes => '{a}', deletes_scopes => '{a,b}'`, "a viewer with the scope b may write rows of notebooks that they do not see", "sees_scopes => '{b}'"},
	} {
		err := attempt(t, owner, sharedTables+c.before, `SELECT app.protect(`+c.call+`)`)
		e := pq.As(err)
		if e == nil || !strings.HasPrefix(e.Message, "app.protect: "+c.want) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s: got %v\nwant %q, and the hint %q", c.name, err, c.want, c.hint)
			if e != nil {
				t.Errorf("the hint is %q", e.Hint)
			}
		}
	}
}

// Policies with relations compare the owner first, and call the relation's function only for the rows of others.
func TestProtectWritesRelations(t *testing.T) {
	t.Parallel()
	owner := connect(t, dbtest.New(t).Owner)
	related := func(relations string) string {
		return `CASE WHEN (app.notebook_relation(notebook_id) = ANY ('{` + relations + `}'::text[])) THEN true ELSE false END`
	}
	owned := func(relations string) string {
		return strings.Replace(related(relations), "CASE", "CASE WHEN (user_id = app.viewer_id()) THEN true", 1)
	}
	for name, c := range map[string]struct {
		call     string
		policies []string
	}{
		"notes": {sharedNotes, []string{
			"SELECT " + owned("OWNER,EDITOR,MEMBER"), "INSERT " + owned("OWNER,EDITOR"), "UPDATE " + owned("OWNER,EDITOR") + " " + owned("OWNER,EDITOR"), "DELETE (user_id = app.viewer_id())",
		}},
		"comments": {sharedComments, []string{
			"SELECT " + related("OWNER,EDITOR,MEMBER"), "INSERT " + related("OWNER,EDITOR,MEMBER"),
			"UPDATE " + related("OWNER") + " " + related("OWNER"), "DELETE " + related("OWNER"),
		}},
		"private notes": {`'notes', sees => 'EDITOR'` + byNotebook, []string{"SELECT " + owned("OWNER,EDITOR")}},
		"notes for operators": {`'notes', sees_scopes => '{notes:read,notes:clear}', deletes => true, deletes_scopes => '{notes:clear}'`, []string{
			"SELECT CASE WHEN (user_id = app.viewer_id()) THEN true WHEN app.has_scope('notes:read'::text) THEN true WHEN app.has_scope('notes:clear'::text) THEN true ELSE false END",
			"DELETE CASE WHEN (user_id = app.viewer_id()) THEN true WHEN app.has_scope('notes:clear'::text) THEN true ELSE false END",
		}},
	} {
		table, _, _ := strings.Cut(strings.TrimPrefix(c.call, "'"), "'")
		got := queryAfter(t, owner, sharedTables+`SELECT app.protect(`+c.call+`)`, `
			SELECT regexp_replace(concat_ws(' ', cmd, qual, with_check), '\s+', ' ', 'g') FROM pg_policies WHERE tablename = '`+table+`' AND 'freehold_app' = ANY (roles)`)
		diff(t, name, got, c.policies)
	}
	// A further call replaces the trigger as well.
	triggers := queryAfter(t, owner, sharedTables+`SELECT app.protect(`+sharedNotebooks+`); SELECT app.protect('notebooks')`, `
		SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 'app.notebooks'::regclass`)
	diff(t, "triggers", triggers, nil)
}

// Each command admits the owner, the relations that it names and stronger ones, and operators with the scopes that it names.
func TestRelationsDecideWhoMayWhat(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	people := map[string]string{"the owner": id(1), "an editor": id(2), "a member": id(3), "a stranger": id(4), "a reading operator": id(4), "a clearing operator": id(4), "nobody": `''`}
	scopes := map[string]string{"a reading operator": "notes:read", "a clearing operator": "notes:clear notes:read"}
	inTransaction(t, connect(t, server.Owner), sharedTables+strings.NewReplacer("$owner", id(1), "$editor", id(2), "$member", id(3), "$stranger", id(4), "$book", id(0xb), "$other", id(0xc)).Replace(`
		SELECT app.protect(`+sharedNotebooks+`); SELECT app.protect(`+sharedNotes+`); SELECT app.protect(`+sharedComments+`);
		INSERT INTO app.users (id) VALUES ($owner), ($editor), ($member), ($stranger);
		INSERT INTO app.notebooks (id, user_id, visibility) VALUES ($book, $owner, 'PRIVATE'), ($other, $editor, 'PRIVATE');
		INSERT INTO app.readers VALUES ($book, $editor, 'EDITOR'), ($book, $member, 'MEMBER');
		INSERT INTO app.notes (id, user_id, notebook_id) VALUES ($book, $owner, $book);
		INSERT INTO app.comments (id, notebook_id) VALUES ($book, $book)`))
	app := connect(t, server.App)
	all := "the owner, an editor, a member"
	for _, c := range []struct{ statement, admitted string }{
		{`SELECT FROM app.notebooks WHERE id = $book`, all + ", a reading operator, a clearing operator"},
		{`UPDATE app.notebooks SET title = 'x' WHERE id = $book`, "the owner, an editor"},
		{`UPDATE app.notebooks SET visibility = 'PUBLIC' WHERE id = $book`, "the owner"},
		{`UPDATE app.notebooks SET title = 'x', visibility = visibility WHERE id = $book`, "the owner, an editor"},
		{`DELETE FROM app.notebooks WHERE id = $book`, "the owner, a reading operator, a clearing operator"},
		{`SELECT FROM app.notes WHERE id = $book`, all},
		{`INSERT INTO app.notes (id, user_id, notebook_id) VALUES ($new, $owner, $book)`, "the owner, an editor"},
		{`INSERT INTO app.notes (id, user_id, notebook_id) VALUES ($new, $editor, $book)`, ""},
		{`UPDATE app.notes SET body = 'x' WHERE id = $book`, "the owner, an editor"},
		{`DELETE FROM app.notes WHERE id = $book`, "the owner"},
		{`SELECT FROM app.comments WHERE id = $book`, all},
		{`INSERT INTO app.comments (id, notebook_id) VALUES ($new, $book)`, all},
		{`INSERT INTO app.comments (id, notebook_id) VALUES ($new, $other)`, "an editor"},
		{`UPDATE app.comments SET body = 'x' WHERE id = $book`, "the owner"},
		{`DELETE FROM app.comments WHERE id = $book`, "the owner"},
	} {
		for who, viewer := range people {
			got := affects(t, app, viewer, scopes[who], strings.NewReplacer("$owner", id(1), "$editor", id(2), "$book", id(0xb), "$other", id(0xc), "$new", id(0xd)).Replace(c.statement))
			if want := strings.Contains(", "+c.admitted+",", ", "+who+","); got != want {
				t.Errorf("%s as %s: %t, want %t", c.statement, who, got, want)
			}
		}
	}
}

// The tables above, as types declare them.
var declaredTables = map[string]db.Table{
	sharedNotebooks: {
		Name: "notebooks", Admits: db.AdmitsVisible, Insert: true, Update: []string{"title", "visibility"}, Delete: true,
		Relation: "app.notebook_relation(id)", Relations: []string{"EDITOR", "MEMBER"}, As: map[string]string{"UPDATE": "EDITOR"},
		OwnerUpdate: []string{"visibility"}, Scopes: map[string][]string{"SELECT": {"notes:read"}, "DELETE": {"notes:read", "notes:clear"}},
	},
	sharedNotes: {
		Name: "notes", Admits: db.AdmitsRelated, Insert: true, Update: []string{"body"}, Delete: true,
		Relation: "app.notebook_relation(notebook_id)", Relations: []string{"EDITOR", "MEMBER"}, As: map[string]string{"INSERT": "EDITOR", "UPDATE": "EDITOR"},
	},
	sharedComments: {
		Name: "comments", Admits: db.AdmitsRelated, Insert: true, Update: []string{"body"}, Delete: true, OfParent: true,
		Relation: "app.notebook_relation(notebook_id)", Relations: []string{"EDITOR", "MEMBER"}, As: map[string]string{"INSERT": "MEMBER"},
	},
	`'notebooks', sees => 'EDITOR', relation => 'app.notebook_relation(id)', relations => '{EDITOR,MEMBER}'`: {
		Name: "notebooks", Admits: "EDITOR", Relation: "app.notebook_relation(id)", Relations: []string{"EDITOR", "MEMBER"},
	},
	`'comments', owner => NULL, relation => 'app.notebook_relation(notebook_id)'`: {
		Name: "comments", OfParent: true, Relation: "app.notebook_relation(notebook_id)",
	},
	`'notes', owner => 'notebook_id'`: {Name: "notes", Owner: "notebook_id"},
}

// A declaration agrees with the database exactly if app.protect was called as the error says that it must be.
func TestDeclaredRelationsAreThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	owner := connect(t, server.Owner)
	inTransaction(t, owner, sharedTables+`ALTER TABLE app.notes ADD FOREIGN KEY (notebook_id) REFERENCES app.users ON DELETE CASCADE`)
	d := open(t, db.Options{URL: server.App})
	check := func(table db.Table) error {
		t.Helper()
		problems, err := d.CheckTables(t.Context(), []db.Table{table})
		if err != nil {
			t.Fatal(err)
		}
		return problems[0]
	}
	call := regexp.MustCompile(`SELECT app\.protect\(.*\)`)
	for written, table := range declaredTables {
		for other := range declaredTables {
			inTransaction(t, owner, `SELECT app.protect(`+other+`)`)
			if name, _, _ := strings.Cut(other, ","); name != "'"+table.Name+"'" {
				continue
			}
			err := check(table)
			if other == written {
				if err != nil {
					t.Errorf("%s: %v", written, err)
				}
				continue
			}
			if err == nil || !call.MatchString(err.Error()) {
				t.Fatalf("%s, protected as %s: %v, want what to write", written, other, err)
			}
			inTransaction(t, owner, call.FindString(err.Error()))
			if err := check(table); err != nil {
				t.Errorf("%s, after what the error said: %v", written, err)
			}
		}
	}
	inTransaction(t, owner, `SELECT app.protect(`+sharedNotebooks+`)`)
	for change, want := range map[string]string{
		`ALTER TABLE app.notebooks DISABLE TRIGGER notebooks_owner_updates`:                "the database keeps other columns of app.notebooks for owners",
		`CREATE POLICY everyone ON app.notebooks USING (true)`:                             "the database has the row policy everyone, which the type does not declare",
		`ALTER POLICY notebooks_update ON app.notebooks USING (true)`:                      "the row policy notebooks_update admits other viewers than the type declares",
		`ALTER POLICY notebooks_select ON app.notebooks USING (user_id = app.viewer_id())`: "the row policy notebooks_select admits other viewers",
	} {
		inTransaction(t, owner, change)
		if err := check(declaredTables[sharedNotebooks]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", change, err, want)
		}
		inTransaction(t, owner, `DROP POLICY IF EXISTS everyone ON app.notebooks; SELECT app.protect(`+sharedNotebooks+`)`)
	}
}

// Reading their own rows costs owners no call of the relation's function.
func TestOwnRowsCallNoFunction(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	inTransaction(t, connect(t, server.Owner), sharedTables+strings.NewReplacer("$owner", id(1), "$book", id(0xb)).Replace(`
		SELECT app.protect(`+sharedNotebooks+`); SELECT app.protect(`+sharedNotes+`);
		INSERT INTO app.users (id) VALUES ($owner);
		INSERT INTO app.notebooks (id, user_id, visibility) VALUES ($book, $owner, 'PRIVATE');
		INSERT INTO app.notes (id, user_id, notebook_id) VALUES ($book, $owner, $book);
		SET LOCAL ROLE freehold_definer;
		CREATE OR REPLACE FUNCTION app.notebook_relation(p_id uuid) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$ BEGIN RAISE EXCEPTION 'called'; END $$`))
	app := connect(t, server.App)
	for _, statement := range []string{`SELECT FROM app.notebooks`, `UPDATE app.notebooks SET visibility = 'PUBLIC'`, `SELECT FROM app.notes`, `UPDATE app.notes SET body = 'x'`} {
		if !affects(t, app, id(1), "", statement) {
			t.Errorf("%s: the owner was refused, or the function was called", statement)
		}
	}
	if err := attempt(t, app, `SELECT set_config('app.viewer_id', `+id(2)+`::text, true)`, `SELECT FROM app.notes`); err == nil || !strings.Contains(err.Error(), "called") {
		t.Errorf("another viewer: %v, want the error of the function", err)
	}
}

// affects reports whether a statement as a viewer affects a row. It rolls back.
func affects(t *testing.T, app *sql.DB, viewer, scopes, statement string) bool {
	t.Helper()
	tx, err := app.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), `SELECT set_config('app.viewer_id', `+viewer+`::text, true), set_config('app.scopes', '`+scopes+`', true)`); err != nil {
		t.Fatal(err)
	}
	result, err := tx.ExecContext(t.Context(), statement)
	if e := pq.As(err); e != nil && slices.Contains([]pqerror.Code{pqerror.InsufficientPrivilege, pqerror.ForeignKeyViolation, "FH009"}, e.Code) {
		return false
	} else if err != nil {
		t.Errorf("%s: %v", statement, err)
		return false
	}
	n, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n == 1
}

func inTransaction(t *testing.T, pool *sql.DB, statements string) {
	t.Helper()
	tx, err := pool.BeginTx(context.WithoutCancel(t.Context()), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}
