package app

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/graph"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

// here returns the file and line of the caller, in the form of messages about declarations.
func here() string {
	_, _, line, _ := runtime.Caller(1)
	return fmt.Sprintf("app/declarations_test.go:%d: ", line)
}

func findNone(context.Context, *db.Tx, []uuid.UUID) ([]owned.Row, error) { return nil, nil }

type unowned struct{ ID uuid.UUID }

var (
	session  = &model.Session{}
	sessions = db.Table{Name: "sessions"}
	anyKey   = map[string]owned.Key{"slug": {Read: func(text string) (string, bool) { return text, true }}}
)

// declared are declarations of Session with one fault each, and their lines.
var declared = []struct {
	name string
	at   string
	typ  owned.Type
	want string
}{
	{"no finder", here(), owned.Declare(owned.Type{Name: "Session", Model: session, Table: sessions}), "Rows is missing"},
	{"no table", here(), owned.Declare(owned.Type{Name: "Session", Model: session, Rows: findNone}), "Table is missing"},
	{"a table of rows that another subgraph has", here(), owned.Declare(owned.Type{Name: "Session", Model: session, Table: sessions, Rows: findNone, Remote: true}), "the rows are Remote, so Table has no meaning"},
	{"no struct", here(), owned.Declare(owned.Type{Name: "Session", Table: sessions, Rows: findNone}), "Model is missing: give a value of its Go struct, such as &model.Session{}"},
	{"a struct that is not owned", here(), owned.Declare(owned.Type{Name: "Session", Model: &unowned{}, Table: sessions, Rows: findNone}), "app.unowned is not owned: embed owned.By or owned.ByVisibility in it"},
	{"a struct that admits more than the table", here(), owned.Declare(owned.Type{Name: "Session", Model: &model.Profile{}, Table: sessions, Rows: findNone}), "model.Profile embeds owned.ByVisibility, but Table does not have Admits: db.AdmitsVisible"},
	{"a table that admits more than the struct", here(), owned.Declare(owned.Type{Name: "Session", Model: session, Rows: findNone, Table: db.Table{Name: "sessions", Admits: db.AdmitsVisible}}), "model.Session embeds owned.By, but Table has Admits: db.AdmitsVisible"},
	{"a key that finds nothing", here(), owned.Declare(owned.Type{Name: "Session", Model: session, Table: sessions, Rows: findNone, Keys: anyKey}), "the key slug needs Read, Of and Rows"},
	{"a field in no table", here(), owned.Declare(owned.Type{Name: "Session", Model: session, Table: sessions, Rows: findNone, Fields: map[string]owned.Part{"device": {}}}), "the field device has no Table: describe the table that has its value"},
	{"a field that the type does not have", here(), owned.Declare(owned.Type{Name: "Session", Model: session, Table: sessions, Rows: findNone, Fields: map[string]owned.Part{"colour": {Table: sessions}}}), "Fields has colour, which is not a field of the type"},
	{
		"a scope that no module declares",
		here(), owned.Declare(owned.Type{Name: "Session", Model: session, Rows: findNone, Table: db.Table{Name: "sessions", Scopes: map[string][]string{"SELECT": {"sessions:read"}}}}),
		`the Scopes of the table sessions have "sessions:read" for SELECT, which no module declares: add it to the Scopes of a module`,
	},
	{
		"a scope of a field that no module declares",
		here(), owned.Declare(owned.Type{Name: "Session", Model: session, Table: sessions, Rows: findNone, Fields: map[string]owned.Part{
			"device": {Table: db.Table{Name: "devices", Scopes: map[string][]string{"DELETE": {"devices:delete"}}}},
		}}),
		`the Scopes of the table devices have "devices:delete" for DELETE, which no module declares`,
	},
	{"a type that the schema does not have", here(), owned.Declare(owned.Type{Name: "Sesion", Model: session, Table: sessions, Rows: findNone}), "the schema has no object type of this name"},
	{"a type that is declared twice", here(), owned.Declare(owned.Type{Name: "Profile", Model: &model.Profile{}, Table: db.Table{Name: "profiles", Admits: db.AdmitsVisible}, Rows: findNone}), "members/types.go:"},
}

// An invalid declaration of a type stops the start. The error has the place of the declaration and how to fix it.
func TestInvalidDeclarationsAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range declared {
		m := testModule()
		m.Types[2] = c.typ // of Session
		_, err := NewProgram(testGraph(), m)
		if want := c.at + "owned type " + c.typ.Name + ": "; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q and %q", c.name, err, want, c.want)
		}
	}
	for name, m := range map[string]Module{
		"module wrong names the field User.shoeSize":     {Name: "wrong", Functions: map[string]access.Layer{"User.shoeSize": {}}},
		"module wrong names the field Mutation.signUpp":  {Name: "wrong", Credential: []string{"signUpp"}},
		"module wrong names the field Profile.biography": {Name: "wrong", TextBytes: map[string]int{"Profile.biography": 1}},
	} {
		if _, err := NewProgram(testGraph(), testModule(), m); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A second subgraph has neither accounts nor hooks of a sign-up.
func TestSubgraphHasNoModuleOfAccounts(t *testing.T) {
	t.Parallel()
	hook := func(context.Context, *db.Tx, *db.Profile) error { return nil }
	for _, c := range []struct {
		m    Module
		want string
	}{
		{testModule(), "list subgraph.Module() instead of core.Module()"},
		{Module{Name: "notes", Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}, "module notes has Hooks, which never run in a second subgraph"},
	} {
		if _, err := NewSubgraph(testGraph(), c.m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("module %s: %v, want %q", c.m.Name, err, c.want)
		}
	}
	if p, err := NewSubgraph(testGraph()); err != nil || !p.IsSubgraph() {
		t.Errorf("without them: %v", err)
	}
}

// An invalid field stops the start as well. The error has the place of the field.
func TestFieldsWithoutARuleAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want string }{
		{"no rule", "  location: String @visible", "  location: String", "Profile.location: the field has no rule: add one that says who may read it"},
		{"a rule about rows of a type that no module declares", "  hasNextPage: Boolean! @inherited", "  hasNextPage: Boolean! @visible",
			`PageInfo.hasNextPage: @visible is about a row, and no module declares the owned type PageInfo: add owned.Declare(owned.Type{Name: "PageInfo", …}) to the Types of a module`},
		{"of a type that no module declares", `@owner(of: "Session", id: "input.id")`, `@owner(of: "Tokens", id: "input.id")`, `@owner(of: "Tokens"): no module declares such an owned type, so nothing finds its rows`},
	} {
		text := graph.Text()
		if n := strings.Count(text, c.old); n != 1 {
			t.Fatalf("%s: the schema has %q %d times", c.name, c.old, n)
		}
		before, _, _ := strings.Cut(text, c.old)
		line := strings.Count(before, "\n") + 1
		g := testGraph()
		g.Schema = func() *ast.Schema {
			return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphqls", Input: strings.Replace(text, c.old, c.new, 1)})
		}
		p, err := NewProgram(g, testModule())
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.newSchema(&resolvers.Resolvers{}, nil, levers.Levers{})
		if want := fmt.Sprintf("schema.graphqls:%d: ", line); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q and %q", c.name, err, want, c.want)
		}
	}
}

// A table whose protection in the database differs from its declaration stops the start.
func TestUnprotectedTablesAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	d.Query(t, `CREATE TABLE app.bare (id uuid PRIMARY KEY)`)
	d.Query(t, `ALTER TABLE app.user_private NO FORCE ROW LEVEL SECURITY`)
	c, err := config.Load([]string{"DATABASE_URL=" + d.App, "FREEHOLD_DATA_DIR=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name  string
		table db.Table
		want  string
	}{
		{"no table", db.Table{Name: "nowhere"}, "the database has no table app.nowhere"},
		{"no policy", db.Table{Name: "bare"}, "the database has no row policy bare_select: write SELECT app.protect('bare') in a migration"},
		{"no policy for a command", db.Table{Name: "sessions", Insert: true, Update: []string{"device"}, Delete: true}, "the database has no row policy sessions_insert: write SELECT app.protect('sessions', inserts => true, updates => '{device}', deletes => true) in a migration"},
		{"a policy too many", db.Table{Name: "profile_private", Key: "user_id"}, "the database has the row policy profile_private_insert, which the type does not declare"},
		{"row security is not forced", db.Table{Name: "user_private", Key: "user_id"}, "row-level security of app.user_private is not forced"},
	} {
		m := testModule()
		at, typ := here(), owned.Declare(owned.Type{Name: "Session", Model: session, Table: x.table, Rows: findNone})
		m.Types = append(slices.Clone(m.Types[1:2]), typ) // Profile's tables are protected
		p, err := NewProgram(testGraph(), m)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.New(t.Context(), c, Options{})
		if want := at + "owned type Session: " + x.want; err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "owned type") != 2 {
			t.Errorf("%s: %v, want %q", x.name, err, want)
		}
	}
}
