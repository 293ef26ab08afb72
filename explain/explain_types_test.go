package explain

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/core/members"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph"
	"freehold.dev/freehold/owned"
)

// curio is a type that the core has never seen: several rows of an account, and a note in a table keyed by the row.
type curio struct{ owned.ByVisibility }

const curioSchema = `
type Curio implements Node {
  id: ID! @visible
  visibility: ProfileVisibility! @visible
  note: String @owner
  label: String @owner(as: "KEEPER")
  appraisal: String @owner(orScopes: [["curios:read"]])
  audit: String @scopes(anyOf: [["curios:read"]])
}
extend type Mutation {
  deleteCurio(id: ID!): Boolean @owner(of: "Curio", id: "id")
  updateCurio(id: ID!, label: String, visibility: String): Boolean
    @owner(of: "Curio", id: "id", as: "KEEPER") @owner(of: "Curio", id: "id", when: "visibility")
}
`

var curioMigrations = fstest.MapFS{"20261125190000_curios.sql": {Data: []byte(`-- +goose Up
CREATE TABLE app.curios (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC')),
  UNIQUE (id, user_id)
);
CREATE INDEX curios_user_id ON app.curios (user_id);
CREATE TABLE app.curio_private (
  curio_id uuid PRIMARY KEY,
  user_id     uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  note        text NOT NULL,
  FOREIGN KEY (curio_id, user_id) REFERENCES app.curios (id, user_id) ON DELETE CASCADE
);
CREATE INDEX curio_private_user_id ON app.curio_private (user_id);
CREATE TABLE app.curio_friends (curio_id uuid NOT NULL REFERENCES app.curios ON DELETE CASCADE, user_id uuid NOT NULL, role text NOT NULL);
SELECT app.protect('curio_friends', sees => 'nobody');
GRANT SELECT ON app.curio_friends, app.curios TO freehold_definer;
SELECT app.protect('curios', sees => 'visibility', inserts => true, updates => '{visibility}', deletes => true,
  relation => 'app.curio_relation(id)', relations => '{KEEPER,GUEST}', updates_as => 'KEEPER', sees_scopes => '{curios:read}');
SELECT app.protect('curio_private', inserts => true, updates => '{note}');
`)}, "functions/curio_relation.sql": {Data: []byte(`-- Executed by: freehold_app
-- Created: before the tables
CREATE OR REPLACE FUNCTION app.curio_relation(p_id uuid) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN (SELECT f.role FROM app.curio_friends f WHERE f.curio_id = p_id AND f.user_id = app.viewer_id());
END
$$;
`)}}

func findCurios(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	var found []struct {
		ID         uuid.UUID `db:"id"`
		UserID     uuid.UUID `db:"user_id"`
		Visibility string    `db:"visibility"`
	}
	err := tx.Select(ctx, &found, `SELECT id, user_id, visibility FROM app.curios WHERE id = ANY ($1)`, pq.Array(ids))
	rows := make([]owned.Row, len(found))
	for i, f := range found {
		rows[i] = &curio{owned.ByVisibility{By: owned.By{ID: f.ID, Owner: f.UserID}, Visibility: owned.Visibility(f.Visibility)}}
	}
	return rows, err
}

// curioLayers returns a schema with curios, and the layers behind its fields.
func curioLayers(t *testing.T) (*ast.Schema, *Layers) {
	t.Helper()
	curios := owned.Declare(owned.Type{
		Name: "Curio", Model: &curio{}, Rows: findCurios,
		Table: db.Table{
			Name: "curios", Admits: db.AdmitsVisible, Insert: true, Update: []string{"visibility"}, Delete: true,
			Relation: "app.curio_relation(id)", Relations: []string{"KEEPER", "GUEST"}, As: map[string]string{"UPDATE": "KEEPER"},
			Scopes: map[string][]string{"SELECT": {"curios:read"}},
		},
		Fields: map[string]owned.Part{"note": {Table: db.Table{Name: "curio_private", Key: "curio_id", Insert: true, Update: []string{"note"}}, Row: "curio_id"}},
	})
	registry, err := owned.NewRegistry(append(members.Types(), curios)...)
	if err != nil {
		t.Fatal(err)
	}
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphqls", Input: graph.Text() + curioSchema})
	return schema, NewLayers(schema, registry, nil)
}

// Explanations of rows of a type that the core does not know are about that type.
func TestRowsOfAnyTypeAreExplained(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, db.MigrationSet{Name: "curios", Files: curioMigrations})
	pool := openPool(t, d.App)
	ann, bob := makeAccount(t, pool, "ann"), makeAccount(t, pool, "bob")
	hidden, seen, missing := uuid.New(), uuid.New(), uuid.New()
	for id, visibility := range map[uuid.UUID]string{hidden: "PRIVATE", seen: "PUBLIC"} {
		d.Query(t, `INSERT INTO app.curios (id, user_id, visibility) VALUES ($1, $2, $3)`, id, ann.UserID, visibility)
		d.Query(t, `INSERT INTO app.curio_private (curio_id, user_id, note) VALUES ($1, $2, 'a note')`, id, ann.UserID)
	}
	for _, name := range []string{"kim", "gus", "opal"} {
		other := makeAccount(t, pool, name)
		if role := map[string]string{"kim": "KEEPER", "gus": "GUEST"}[name]; role != "" {
			d.Query(t, `INSERT INTO app.curio_friends (curio_id, user_id, role) VALUES ($1, $2, $3)`, hidden, other.UserID, role)
		} else {
			d.Query(t, `INSERT INTO app.scope_grants (user_id, scope, granted_by) VALUES ($1, 'curios:read', 'a test')`, other.UserID)
		}
	}
	schema, layers := curioLayers(t)
	for _, x := range []struct {
		as, field, key string
		want           string // of the text or of the error
	}{
		{"bob", "Curio.note", hidden.String(), "which is ann's, as bob (member)\n  answer  none: this viewer does not see the row"},
		{"bob", "Curio.note", hidden.String(), "curios_select on app.curios for SELECT refuses"},
		{"bob", "Curio.note", seen.String(), "an error with the code FORBIDDEN"},
		{"bob", "Curio.note", seen.String(), "curio_private_select on app.curio_private for SELECT refuses"},
		{"ann", "Curio.note", hidden.String(), "curio_private_select on app.curio_private for SELECT admits"},
		{"bob", "Mutation.deleteCurio", seen.String(), "curios_delete on app.curios for DELETE refuses"},
		{"ann", "Mutation.deleteCurio", seen.String(), "curios_delete on app.curios for DELETE admits"},
		{"kim", "Curio.label", hidden.String(), "which is ann's, as kim (KEEPER)\n  answer  the value"},
		{"gus", "Curio.label", hidden.String(), "which is ann's, as gus (GUEST)\n  answer  null, and an error with the code FORBIDDEN"},
		{"gus", "Curio.id", hidden.String(), "curios_select on app.curios for SELECT admits"},
		{"kim", "Mutation.updateCurio", hidden.String(), "as kim (KEEPER)\n  answer  the value"},
		{"kim", "Mutation.updateCurio", hidden.String(), "curios_update on app.curios for UPDATE admits"},
		{"gus", "Mutation.updateCurio", hidden.String(), "curios_update on app.curios for UPDATE refuses"},
		{"kim", "Mutation.updateCurio with visibility", hidden.String(), "as kim (KEEPER)\n  answer  null, and an error with the code FORBIDDEN"},
		{"opal", "Curio.appraisal", hidden.String(), "as opal (member, with the scopes curios:read)\n  answer  the value"},
		{"opal", "Curio.audit", hidden.String(), "curios_select on app.curios for SELECT admits"},
		{"opal", "Curio.note", hidden.String(), "curio_private_select on app.curio_private for SELECT refuses"},
		{"kim", "Curio.audit", hidden.String(), "an error with the code FORBIDDEN"},
		{"bob", "Curio.note", "ann", `Curio with the id "ann" not found`},
		{"bob", "Curio.note", ann.UserID.String(), ann.UserID.String() + " is the id of a User, not of a Curio"},
		{"bob", "User.email", hidden.String(), hidden.String() + " is the id of a Curio, not of a User"},
	} {
		var out strings.Builder
		text := ""
		q := Question{
			As: x.as, Field: x.field, Key: x.key, Schema: schema, Layers: layers, AppURL: d.App, OwnerURL: d.Owner,
			UsernameKey: func(username string) (string, bool) { return username, true },
		}
		if err := q.Answer(t.Context(), &out); err != nil {
			text = err.Error()
		}
		if text += out.String(); !strings.Contains(text, x.want) {
			t.Errorf("%s of %s as %s: want %q in\n%s", x.field, x.key, x.as, x.want, text)
		}
	}
	if n := d.Query(t, `SELECT count(*) FROM app.curios`); n[0] != "2" {
		t.Errorf("explaining a deletion left %s curios", n[0])
	}

	e := &Explainer{layers: layers, db: pool, owners: openPool(t, d.Owner)}
	rule := directives.Rule{Name: "owner", Of: "Curio", ID: "id"}
	denied := func(id uuid.UUID) refusal {
		denial := directives.Denial{Field: "Mutation.deleteCurio", Rule: rule, Code: fault.NotFound, Viewer: bob, IDs: []uuid.UUID{id}}
		return refusal{denialKind: denialKind{Field: denial.Field, Code: fault.NotFound}, viewer: bob, denial: &denial}
	}
	ofRow := func(relation string, r directives.Rule) refusal {
		row := &curio{owned.ByVisibility{By: owned.By{ID: seen, Owner: ann.UserID, Relation: relation}, Visibility: owned.Public}}
		denial := directives.Denial{Field: "Curio.label", Rule: r, Code: fault.Forbidden, Viewer: bob, Row: row}
		return refusal{denialKind: denialKind{Field: denial.Field, Code: fault.Forbidden}, viewer: bob, denial: &denial}
	}
	byScopes := directives.Denial{Field: "Query.accounts", Rule: directives.Rule{Name: "scopes"}, Code: fault.Forbidden, Viewer: bob}
	missed := func(ref owned.Ref) refusal {
		return refusal{denialKind: denialKind{Field: "Query.node"}, viewer: bob, missed: &ref}
	}
	for _, x := range []struct {
		name    string
		refusal refusal
		refused bool
		policy  string
		why     string
	}{
		{"a hidden row, by a rule", denied(hidden), true, "curios_select", "The row exists, but a row policy hides it"},
		{"a missing row, by a rule", denied(missing), true, "", "The row does not exist."},
		{"a hidden row, by node", missed(owned.Ref{ID: hidden}), true, "curios_select", "The row exists, but a row policy hides it"},
		{"a hidden row, by its type", missed(owned.Ref{Type: "Curio", ID: hidden}), true, "curios_select", "The row exists, but a row policy hides it"},
		{"a weaker relation", ofRow("GUEST", directives.Rule{Name: "owner", As: "KEEPER"}), true, "curios_select", "The viewer's relation to the row is GUEST, and the rule requires KEEPER."},
		{"no relation", ofRow("", directives.Rule{Name: "owner", As: "KEEPER"}), true, "curios_select", "The viewer has no relation to the row, and the rule requires KEEPER."},
		{"not the owner", ofRow("", directives.Rule{Name: "owner", As: directives.OwnerRelation}), true, "curios_select", "The viewer does not own the row."},
		{"no scopes, for a row", ofRow("", directives.Rule{Name: "scopes"}), true, "curios_select", "The account of the viewer does not have the scopes"},
		{"no scopes", refusal{denialKind: denialKind{Field: byScopes.Field, Code: fault.Forbidden}, viewer: bob, denial: &byScopes}, true, "", "The account of the viewer does not have the scopes"},
		{"a missing row, by node", missed(owned.Ref{ID: missing}), false, "", ""},
	} {
		got, refused, err := e.explainOne(t.Context(), x.refusal)
		policy := ""
		if got.Policy != nil {
			policy = got.Policy.Name
		}
		if err != nil || refused != x.refused || policy != x.policy || refused && !strings.HasPrefix(got.Why, x.why) {
			t.Errorf("%s: %+v, refused %v by %q (%v)", x.name, got, refused, policy, err)
		}
	}
}

func openPool(t *testing.T, url string) *db.DB {
	t.Helper()
	pool, err := db.Open(db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// makeAccount creates an account with a private profile, and returns its viewer.
func makeAccount(t *testing.T, pool *db.DB, name string) auth.Viewer {
	t.Helper()
	viewer := auth.Viewer{UserID: uuid.New(), SessionID: uuid.New()}
	private := "PRIVATE"
	err := pool.AsSystem(t.Context(), func(ctx context.Context, tx *db.SystemTx) error {
		err := tx.CreateAccount(ctx, db.Account{
			UserID: viewer.UserID, Email: name + "@example.org", EmailKey: name + "@example.org", PasswordHash: "x",
			Session: db.SessionParams{ID: viewer.SessionID, RefreshHash: []byte(name), Idle: time.Hour, Lifetime: time.Hour},
		})
		if err != nil {
			return err
		}
		entered, err := tx.Enter(ctx, viewer.SessionID)
		if err != nil {
			return err
		}
		return entered.CreateProfile(ctx, uuid.New(), name, name, db.ProfileFields{Visibility: db.Patch[string]{Set: true, Value: &private}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return viewer
}
