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
}

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
	CREATE INDEX ON app.clippings (user_id);
	CREATE INDEX ON app.clipping_private (user_id);
	CREATE INDEX ON app.clipping_labels (owner_id);
	CREATE INDEX ON app.clipping_receipts (user_id)`

// shelfRows inserts three rows of each table for a user.
const shelfRows = `
	INSERT INTO app.clippings (user_id, url, visibility) SELECT $1, 'https://example.org/' || n, $2 FROM generate_series(1, 3) n;
	INSERT INTO app.clipping_private (clipping_id, user_id, note) SELECT id, user_id, 'mine' FROM app.clippings WHERE user_id = $1;
	INSERT INTO app.clipping_labels (owner_id, name, serial) SELECT $1, $1::text || n, (random() * 2000000000)::int FROM generate_series(1, 3) n;
	INSERT INTO app.clipping_receipts (user_id) SELECT $1 FROM generate_series(1, 3) n`

// protect gives a table the policies that are declared, as its migration would.
func protect(t *testing.T, owners *sql.DB, table db.Table) {
	t.Helper()
	sees := map[db.Admits]string{"": "owner", db.AdmitsOwner: "owner", db.AdmitsVisible: "visibility"}[table.Admits]
	_, err := owners.ExecContext(t.Context(), `SELECT app.protect($1, sees => $2, inserts => $3, updates => $4, deletes => $5, owner => $6)`,
		table.Name, sees, table.Insert, pq.StringArray(append([]string{}, table.Update...)), table.Delete, cmp.Or(table.Owner, "user_id"))
	if err != nil {
		t.Fatal(err)
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
	if _, err := owners.ExecContext(t.Context(), shelfTables); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		protect(t, owners, table)
	}
	for visibility, person := range s.Targets {
		for statement := range strings.SplitSeq(shelfRows, ";") {
			statement = strings.ReplaceAll(strings.ReplaceAll(statement, "$2", "'"+visibility+"'"), "$1", "'"+person.RowID("User").String()+"'::uuid")
			s.Maker.DB.Query(t, statement)
		}
	}
	p := New(t, s, r)
	stored := slices.DeleteFunc(All(t, s.Maker.DB), func(p Stored) bool { return tables[p.Table].Name == "" })
	return p, stored
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
}

// The prober finds no fault in correct policies of tables that it has not seen, and a fault in each weakened one.
func TestProberFindsWeakPolicies(t *testing.T) {
	t.Parallel()
	p, stored := newShelf(t)
	if len(stored) != 4+3+4+1 {
		t.Errorf("%d policies: %v", len(stored), stored)
	}
	for _, policy := range stored {
		check := func() []findings.Finding { return p.Check(t.Context(), policy) }
		findings.ExpectNone(t, check())
		weakenings := policy.Weakenings()
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
