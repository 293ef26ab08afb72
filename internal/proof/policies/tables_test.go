package policies

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/core"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/stage"
	"freehold.dev/freehold/owned"
)

// shelf are tables of kinds that the service does not have: several rows per account, private rows keyed by the row that they
// belong to, no nullable column, unique columns, and rows that owners may delete.
var shelf = []owned.Type{
	{
		Name: "Clipping", Table: db.Table{Name: "clippings", Admits: db.AdmitsVisible, Insert: true, Update: []string{"url", "visibility"}, Delete: true},
		Fields: map[string]owned.Part{"note": {
			Table: db.Table{Name: "clipping_private", Key: "clipping_id", Insert: true, Update: []string{"note"}}, Row: "clipping_id",
		}},
	},
	{Name: "Label", Table: db.Table{Name: "clipping_labels", Key: "label_id", Owner: "owner_id", Insert: true, Update: []string{"name"}, Delete: true}},
	{Name: "Receipt", Table: db.Table{Name: "clipping_receipts"}},
	{
		Name: "Album", Table: db.Table{
			Name: "albums", Admits: db.AdmitsVisible, Insert: true, Update: []string{"title", "visibility"}, Delete: true,
			Relation: "app.album_relation(id)", Relations: albumRelations, As: map[string]string{"UPDATE": "EDITOR"}, OwnerUpdate: []string{"visibility"},
			Scopes: map[string][]string{"SELECT": {"albums:read", "albums:clear"}, "DELETE": {"albums:clear"}},
		},
		Fields: map[string]owned.Part{"key": {
			Table: db.Table{
				Name: "album_keys", Key: "album_id", Admits: "EDITOR", Insert: true, Update: []string{"key"},
				Relation: "app.album_relation(album_id)", Relations: albumRelations,
			}, Row: "album_id",
		}},
	},
	{Name: "Photo", Table: db.Table{
		Name: "photos", Admits: db.AdmitsRelated, Insert: true, Update: []string{"file"}, Delete: true,
		Relation: "app.album_relation(album_id)", Relations: albumRelations, As: map[string]string{"INSERT": "EDITOR", "UPDATE": "MEMBER", "DELETE": "EDITOR"},
	}},
	{Name: "Remark", Table: db.Table{
		Name: "remarks", OfParent: true, Admits: db.AdmitsRelated, Insert: true, Update: []string{"text"}, Delete: true,
		Relation: "app.album_relation(album_id)", Relations: albumRelations, As: map[string]string{"INSERT": "MEMBER"},
	}},
}

var albumRelations = []string{"EDITOR", "MEMBER"}

const shelfTables = `
	CREATE TABLE app.clippings (
	  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
	  url        text NOT NULL CHECK (url LIKE 'https://%'),
	  visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC')),
	  UNIQUE (id, user_id)
	);
	CREATE TABLE app.clipping_private (
	  clipping_id uuid PRIMARY KEY,
	  user_id     uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
	  note        text NOT NULL,
	  FOREIGN KEY (clipping_id, user_id) REFERENCES app.clippings (id, user_id) ON DELETE CASCADE
	);
	CREATE TABLE app.clipping_labels (
	  label_id uuid   PRIMARY KEY DEFAULT gen_random_uuid(),
	  owner_id uuid   NOT NULL REFERENCES app.users ON DELETE CASCADE,
	  name     text   NOT NULL UNIQUE,
	  number   bigint GENERATED ALWAYS AS IDENTITY,
	  serial   int    NOT NULL UNIQUE
	);
	CREATE TABLE app.clipping_receipts (
	  id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	  user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE
	);
	CREATE TABLE app.albums (
	  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
	  title      text NOT NULL,
	  visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC')),
	  UNIQUE (id, user_id)
	);
	CREATE TABLE app.album_members (album_id uuid NOT NULL REFERENCES app.albums ON DELETE CASCADE, user_id uuid NOT NULL, role text NOT NULL);
	SELECT app.protect('album_members', sees => 'nobody');
	GRANT SELECT ON app.album_members, app.albums TO freehold_definer;
	CREATE TABLE app.album_keys (
	  album_id uuid PRIMARY KEY,
	  user_id  uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
	  key      text NOT NULL,
	  FOREIGN KEY (album_id, user_id) REFERENCES app.albums (id, user_id) ON DELETE CASCADE
	);
	CREATE TABLE app.photos (
	  id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	  album_id uuid NOT NULL,
	  user_id  uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
	  file     text NOT NULL,
	  UNIQUE (id, album_id),
	  FOREIGN KEY (album_id, user_id) REFERENCES app.albums (id, user_id) ON DELETE CASCADE
	);
	CREATE TABLE app.remarks (
	  id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	  album_id uuid NOT NULL REFERENCES app.albums ON DELETE CASCADE,
	  photo_id uuid NOT NULL,
	  text     text NOT NULL,
	  FOREIGN KEY (photo_id, album_id) REFERENCES app.photos (id, album_id) ON DELETE CASCADE
	);
	CREATE INDEX ON app.albums (user_id);
	CREATE INDEX ON app.album_keys (user_id);
	CREATE INDEX ON app.photos (user_id);
	CREATE INDEX ON app.photos (album_id);
	CREATE INDEX ON app.remarks (album_id);
	SET LOCAL ROLE freehold_definer;
	CREATE FUNCTION app.album_relation(p_id uuid) RETURNS text
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$
	  SELECT CASE WHEN a.user_id = app.viewer_id() THEN 'OWNER' ELSE m.role END
	    FROM app.albums a LEFT JOIN app.album_members m ON m.album_id = a.id AND m.user_id = app.viewer_id()
	   WHERE a.id = p_id
	$$;
	GRANT EXECUTE ON FUNCTION app.album_relation TO freehold_app;
	RESET ROLE;
	CREATE INDEX ON app.clippings (user_id);
	CREATE INDEX ON app.clipping_private (user_id);
	CREATE INDEX ON app.clipping_labels (owner_id);
	CREATE INDEX ON app.clipping_receipts (user_id)`

// shelfRows inserts three rows of each table for a user.
const shelfRows = `
	INSERT INTO app.clippings (user_id, url, visibility) SELECT $1, 'https://example.org/' || n, $2 FROM generate_series(1, 3) n;
	INSERT INTO app.clipping_private (clipping_id, user_id, note) SELECT id, user_id, 'mine' FROM app.clippings WHERE user_id = $1;
	INSERT INTO app.clipping_labels (owner_id, name, serial) SELECT $1, $1::text || n, (random() * 2000000000)::int FROM generate_series(1, 3) n;
	INSERT INTO app.clipping_receipts (user_id) SELECT $1 FROM generate_series(1, 3) n;
	INSERT INTO app.albums (user_id, title, visibility) SELECT $1, 'album ' || n, $2 FROM generate_series(1, 2) n;
	INSERT INTO app.album_keys (album_id, user_id, key) SELECT id, user_id, 'mine' FROM app.albums WHERE user_id = $1;
	INSERT INTO app.photos (album_id, user_id, file) SELECT id, user_id, 'mine' FROM app.albums WHERE user_id = $1;
	INSERT INTO app.remarks (photo_id, album_id, text) SELECT id, album_id, 'mine' FROM app.photos WHERE user_id = $1`

// sharedRows has the shared rows of a user: those of their first album.
var sharedRows = map[string]string{
	"Album":  `SELECT id FROM app.albums WHERE user_id = $1 ORDER BY title LIMIT 1`,
	"Photo":  `SELECT p.id FROM app.photos p JOIN app.albums a ON a.id = p.album_id WHERE a.user_id = $1 ORDER BY a.title LIMIT 1`,
	"Remark": `SELECT r.id FROM app.remarks r JOIN app.albums a ON a.id = r.album_id WHERE a.user_id = $1 ORDER BY a.title LIMIT 1`,
}

// protect gives a table the policies that are declared, as its migration would.
func protect(t *testing.T, owners *sql.DB, table db.Table) {
	t.Helper()
	sees := map[db.Admits]string{"": "owner", db.AdmitsOwner: "owner", db.AdmitsVisible: "visibility", db.AdmitsRelated: "relation"}[table.Admits]
	owner := sql.NullString{String: cmp.Or(table.Owner, "user_id"), Valid: !table.OfParent}
	text := func(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
	list := func(s []string) pq.StringArray { return append(pq.StringArray{}, s...) }
	_, err := owners.ExecContext(t.Context(), `
		SELECT app.protect($1, sees => $2, inserts => $3, updates => $4, deletes => $5, owner => $6, relation => $7, relations => $8, inserts_as => $9,
		                   updates_as => $10, deletes_as => $11, owner_updates => $12, sees_scopes => $13, updates_scopes => $14, deletes_scopes => $15)`,
		table.Name, cmp.Or(sees, string(table.Admits)), table.Insert, list(table.Update), table.Delete, owner, text(table.Relation), list(table.Relations),
		text(table.As["INSERT"]), text(table.As["UPDATE"]), text(table.As["DELETE"]), list(table.OwnerUpdate),
		list(table.Scopes["SELECT"]), list(table.Scopes["UPDATE"]), list(table.Scopes["DELETE"]))
	if err != nil {
		t.Fatalf("%s: %v", table.Name, err)
	}
}

// newShelf returns a prober of these tables, and their policies.
func newShelf(t *testing.T) (*Prober, []Stored) {
	t.Helper()
	types := slices.Clone(shelf)
	for i := range types {
		types[i].Model = &owned.By{}
		if types[i].Table.Admits == db.AdmitsVisible {
			types[i].Model = &owned.ByVisibility{}
		}
		types[i].Rows = func(context.Context, *db.Tx, []uuid.UUID) ([]owned.Row, error) { return nil, nil }
	}
	r, err := owned.NewRegistry(types...)
	if err != nil {
		t.Fatal(err)
	}
	s := stage.New(t, stage.Program{Program: harness.Program, Facts: core.Facts()})
	tables := map[string]db.Table{}
	for _, p := range r.Guards() {
		tables[p.Table.Name] = p.Table
	}
	owners := open(t, s.Maker.DB.Owner)
	s.Maker.DB.Query(t, `GRANT CREATE ON SCHEMA app TO freehold_definer`)
	if _, err := owners.ExecContext(t.Context(), "BEGIN;"+shelfTables+";COMMIT"); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		protect(t, owners, table)
	}
	if _, err := owners.ExecContext(t.Context(), `SELECT app.prepare_export()`); err != nil { // as migrate does
		t.Fatal(err)
	}
	for visibility, person := range s.Targets {
		for statement := range strings.SplitSeq(shelfRows, ";") {
			statement = strings.ReplaceAll(strings.ReplaceAll(statement, "$2", "'"+visibility+"'"), "$1", "'"+person.RowID("User").String()+"'::uuid")
			s.Maker.DB.Query(t, statement)
		}
	}
	share(t, s)
	p := New(t, s, r)
	stored := slices.DeleteFunc(All(t, s.Maker.DB), func(p Stored) bool { return tables[p.Table].Name == "" })
	return p, stored
}

// share makes two people EDITOR and MEMBER of an album of each target.
func share(t *testing.T, s *stage.Stage) {
	t.Helper()
	for _, relation := range albumRelations {
		other := s.Make(t, "PRIVATE")
		s.Others[cases.Related(relation)] = other
		for _, target := range s.Targets {
			for typ, query := range sharedRows {
				target.Objects[typ] = map[string]any{cases.ID: s.Maker.DB.Query(t, query, target.RowID("User"))[0]}
			}
			s.Maker.DB.Query(t, `INSERT INTO app.album_members (album_id, user_id, role) VALUES ($1, $2, $3)`, target.Objects["Album"][cases.ID], other.RowID("User"), relation)
		}
	}
}

// mistakes are weaker policies that a person might write, besides those that score tries for every policy.
var mistakes = map[string][]string{
	"clippings_select":         {`user_id = app.viewer_id() OR visibility = 'PUBLIC'`, `visibility <> 'PRIVATE' OR user_id = app.viewer_id()`, `user_id = app.viewer_id()`},
	"clippings_update":         {`user_id = app.viewer_id() OR visibility = 'PUBLIC'`},
	"clippings_delete":         {`user_id = app.viewer_id() OR visibility = 'MEMBERS'`, `false`},
	"clipping_private_select":  {`EXISTS (SELECT FROM app.clippings b WHERE b.id = clipping_id)`},
	"clipping_private_update":  {`EXISTS (SELECT FROM app.clippings b WHERE b.id = clipping_id)`, `false`},
	"clipping_labels_delete":   {`name <> ''`},
	"clipping_receipts_select": {`id IS NOT NULL`, `false`},
	"albums_select":            {`user_id = app.viewer_id() OR app.album_relation(id) IS NOT NULL`, `visibility <> 'PRIVATE' OR app.album_relation(id) IS NOT NULL`},
	"album_keys_select":        {`user_id = app.viewer_id()`, `app.album_relation(album_id) IS NOT NULL`},
	"photos_delete":            {`user_id = app.viewer_id()`, `false`},
	"remarks_select":           {`EXISTS (SELECT FROM app.photos p WHERE p.id = photo_id AND p.user_id = app.viewer_id())`, `false`},
}

// The prober finds no fault in correct policies of tables that it has not seen, and a fault in each weakened one.
func TestProberFindsWeakPolicies(t *testing.T) {
	t.Parallel()
	p, stored := newShelf(t)
	if len(stored) != 4+3+4+1+4+3+4+4 {
		t.Errorf("%d policies: %v", len(stored), stored)
	}
	for _, policy := range stored {
		check := func() []findings.Finding { return p.Check(t.Context(), policy) }
		findings.ExpectNone(t, check())
		weakenings := policy.Weakenings(p.tables[policy.Table])
		for _, using := range mistakes[policy.Name] {
			on := policy.Name + " ON app." + policy.Table
			weakenings = append(weakenings, Weakening{
				using, "ALTER POLICY " + on + expressions(using, policy.Check.String), "ALTER POLICY " + on + expressions(policy.Using.String, policy.Check.String),
			})
		}
		for _, w := range weakenings {
			p.Alter(t, w.Weaken)
			if len(check()) == 0 {
				t.Errorf("%s, %s: the prober finds nothing", policy.Name, w.Name)
			}
			p.Alter(t, w.Restore)
		}
		findings.ExpectNone(t, check())
	}
}

// The prober reports what it cannot try. It tries more than the policies.
func TestProberReportsWhatItCannotTry(t *testing.T) {
	t.Parallel()
	p, stored := newShelf(t)
	for _, c := range []struct{ policy, change, want string }{
		{"clipping_private_insert", `ALTER TABLE app.clipping_private DROP CONSTRAINT clipping_private_clipping_id_user_id_fkey,
			ADD FOREIGN KEY (clipping_id) REFERENCES app.clippings ON DELETE CASCADE`, "refers to another user's row in clippings"},
		{"clippings_update", `REVOKE UPDATE (url, visibility) ON app.clippings FROM freehold_app`, "may update no column of clippings"},
		{"clipping_labels_delete", `REVOKE DELETE ON app.clipping_labels FROM freehold_app`, "permission denied"},
		{"clipping_private_select", `DELETE FROM app.clipping_private`, "no Clipping of any person has a row in clipping_private"},
		{"clipping_labels_update", `DELETE FROM app.clipping_labels`, "has a row in clipping_labels"},
	} {
		i := slices.IndexFunc(stored, func(s Stored) bool { return s.Name == c.policy })
		findings.ExpectNone(t, p.Check(t.Context(), stored[i]))
		p.Alter(t, c.change)
		if got := fmt.Sprint(p.Check(t.Context(), stored[i])); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %v, want %q", c.policy, got, c.want)
		}
	}
	if got := p.Check(t.Context(), Stored{Table: "clippings", Name: "clippings_everything", Command: "SELECT"}); len(got) != 1 || !strings.Contains(got[0].What, "no owned type declares") {
		t.Errorf("a policy without a declaration: %v", got)
	}
}

// A function that answers which relation a viewer has, and takes one away or gives a stronger one, is noticed by a trial of a policy, if
// the tables make a difference between the two. Its changes are undone.
func TestProberFindsWrongRelations(t *testing.T) {
	t.Parallel()
	p, stored := newShelf(t)
	var definition string
	const query = `SELECT pg_get_functiondef('app.album_relation'::regproc)`
	if err := p.super.QueryRowContext(t.Context(), query).Scan(&definition); err != nil {
		t.Fatal(err)
	}
	check := func() (faults []findings.Finding) {
		for _, policy := range stored {
			if p.tables[policy.Table].Relation != "" {
				faults = append(faults, p.Check(t.Context(), policy)...)
			}
		}
		return faults
	}
	changes := FunctionChanges("app.album_relation", definition, albumRelations)
	if len(changes) != 4 {
		t.Errorf("%d changes: %v", len(changes), changes)
	}
	for _, c := range changes {
		p.Alter(t, c.Weaken)
		if len(check()) == 0 {
			t.Errorf("%s: the prober finds nothing", c.Name)
		}
		p.Alter(t, c.Restore)
	}
	findings.ExpectNone(t, check())
	var after string
	if err := p.super.QueryRowContext(t.Context(), query).Scan(&after); err != nil || after != definition {
		t.Errorf("the function is %s (%v)", after, err)
	}
}
