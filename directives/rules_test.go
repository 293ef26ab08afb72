package directives

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

var (
	ann    = auth.Viewer{UserID: uuid.New(), SessionID: uuid.New()}
	bob    = auth.Viewer{UserID: uuid.New(), SessionID: uuid.New()}
	nobody = auth.Anonymous(fault.Expired)
)

// thing is a row that Ann owns.
type thing struct{ hidden bool }

func (thing) OwnerID() uuid.UUID             { return ann.UserID }
func (t thing) VisibleTo(v auth.Viewer) bool { return !t.hidden || v.Is(ann.UserID) }
func (thing) RelationTo(auth.Viewer) string  { return "" }

func code(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return string(f.Code)
	}
	if err != nil {
		return "internal"
	}
	return "resolved"
}

// loadedField is the context of a field of a loaded row.
func loadedField(ctx context.Context) context.Context {
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Thing", Field: graphql.CollectedField{Field: &ast.Field{Name: "secret"}}})
}

func next(context.Context) (any, error) { return "resolved", nil }

// Each outcome of @owner on a field of a row, with an error and with null. An error that is no refusal stays an error.
func TestOwnerOfALoadedRow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		viewer auth.Viewer
		row    any
		want   string
	}{
		{"the owner", ann, thing{}, "resolved"}, {"the owner of a hidden row", ann, thing{hidden: true}, "resolved"},
		{"another", bob, thing{}, "FORBIDDEN"}, {"another, hidden", bob, thing{hidden: true}, "NOT_FOUND"},
		{"nobody", nobody, thing{}, "UNAUTHENTICATED"}, {"nobody, hidden", nobody, thing{hidden: true}, "UNAUTHENTICATED"},
		{"no row of anybody", ann, "text", "internal"},
	} {
		ctx := loadedField(auth.WithViewer(t.Context(), c.viewer))
		value, err := (&Rules{}).Owner(ctx, c.row, next, nil, nil, OwnerRelation, nil, nil, OtherwiseError)
		if code(err) != c.want || (value != nil) != (c.want == "resolved") {
			t.Errorf("%s: %v, %v; want %s", c.name, value, err, c.want)
		}
		value, err = (&Rules{}).Owner(ctx, c.row, next, nil, nil, OwnerRelation, nil, nil, OtherwiseNull)
		wantError := c.want == "internal"
		if (err != nil) != wantError || (value != nil) != (c.want == "resolved") {
			t.Errorf("%s, otherwise NULL: %v, %v", c.name, value, err)
		}
	}
}

// definitions are the directives and types of all tests.
const definitions = `
directive @public(reason: String) on FIELD_DEFINITION
directive @visible on FIELD_DEFINITION
directive @signedIn on FIELD_DEFINITION
directive @owner(of: String, id: String, as: String! = "OWNER", when: String, orScopes: [[String!]!], otherwise: Otherwise! = ERROR) repeatable on FIELD_DEFINITION
directive @scopes(anyOf: [[String!]!]!) on FIELD_DEFINITION
directive @inherited on FIELD_DEFINITION
directive @key(fields: String!) on OBJECT
enum Otherwise { ERROR NULL }
interface Node { id: ID! }
input In { id: ID n: Int deep: Deep ids: [ID!] must: Int! }
input Deep { id: ID! }
type Thing implements Node { id: ID! @visible secret: String @owner box: Box @visible viewerCan: ThingPermissions @visible }
type ThingPermissions { see: [ThingField!]! @inherited }
enum ThingField { ID SECRET BOX }
type Box { x: Int @inherited }
`

const rootFields = definitions + `
type Query {
	one(id: ID): Int @owner(of: "Thing", id: "id")
	many(ids: [ID!]): Int @owner(of: "Thing", id: "ids")
	deep(i: In!): Int @owner(of: "Thing", id: "i.deep.id")
}
type Mutation { one(id: ID): Int @owner(of: "Thing", id: "id") }
`

// On a root field the rule looks up the row by the id in the arguments, once, and never for an anonymous viewer.
func TestOwnerOfARowByItsID(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	for _, c := range []struct {
		name   string
		viewer auth.Viewer
		args   map[string]any
		row    Row
		find   error
		want   string
		asked  int
	}{
		{"the owner", ann, map[string]any{"id": id.String()}, thing{}, nil, "resolved", 1},
		{"another", bob, map[string]any{"id": id.String()}, thing{}, nil, "FORBIDDEN", 1},
		{"another, hidden", bob, map[string]any{"id": id.String()}, thing{hidden: true}, nil, "NOT_FOUND", 1},
		{"missing", ann, map[string]any{"id": id.String()}, nil, nil, "NOT_FOUND", 1},
		{"database down", ann, map[string]any{"id": id.String()}, nil, errors.New("down"), "internal", 1},
		{"nobody", nobody, map[string]any{"id": id.String()}, thing{}, nil, "UNAUTHENTICATED", 0},
		{"absent", bob, map[string]any{}, thing{}, nil, "resolved", 0},
		{"null", ann, map[string]any{"id": nil}, thing{}, nil, "BAD_USER_INPUT", 0},
		{"malformed", ann, map[string]any{"id": "x"}, thing{}, nil, "BAD_USER_INPUT", 0},
		{"malformed by nobody", nobody, map[string]any{"id": "x"}, thing{}, nil, "UNAUTHENTICATED", 0},
	} {
		asked := 0
		rules := compile(t, func(_ context.Context, viewer auth.Viewer, ids []uuid.UUID) (map[uuid.UUID]Row, error) {
			if asked++; !slices.Equal(ids, []uuid.UUID{id}) || viewer.UserID != c.viewer.UserID {
				t.Errorf("%s: asked for %v as %v", c.name, ids, viewer.UserID)
			}
			if c.row == nil {
				return nil, c.find
			}
			return map[uuid.UUID]Row{id: c.row}, c.find
		}, nil)
		var coerced *string
		if text, ok := c.args["id"].(string); ok {
			coerced = &text
		}
		ctx := rootField(t.Context(), c.viewer, "mutation ($id: ID) { one(id: $id) }", c.args, 0, map[string]any{"id": coerced})
		if got := ask(ctx, rules); got != c.want || asked != c.asked {
			t.Errorf("%s: %s, asked %d times; want %s, %d", c.name, got, asked, c.want, c.asked)
		}
	}
}

// A list of ids takes one query, and the viewer must own each row.
func TestOwnerOfAListOfRows(t *testing.T) {
	t.Parallel()
	his, hidden, others, missing := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	asked := 0
	rules := compile(t, func(_ context.Context, _ auth.Viewer, _ []uuid.UUID) (map[uuid.UUID]Row, error) {
		asked++
		return map[uuid.UUID]Row{his: thing{}, others: foreign{}, hidden: foreign{hidden: true}}, nil
	}, nil)
	for _, c := range []struct {
		ids  []uuid.UUID
		want string
	}{
		{[]uuid.UUID{his, his}, "resolved"}, {[]uuid.UUID{his, others}, "FORBIDDEN"}, {[]uuid.UUID{his, hidden}, "NOT_FOUND"},
		{[]uuid.UUID{missing, his}, "NOT_FOUND"}, {[]uuid.UUID{}, "resolved"}, {nil, "BAD_USER_INPUT"},
	} {
		asked = 0
		var coerced []string
		var raw []any
		if c.ids != nil {
			coerced, raw = []string{}, []any{}
		}
		for _, id := range c.ids {
			coerced, raw = append(coerced, id.String()), append(raw, id.String())
		}
		variables := map[string]any{"ids": raw}
		if c.ids == nil {
			variables["ids"] = nil
		}
		ctx := rootField(t.Context(), ann, "query ($ids: [ID!]) { many(ids: $ids) }", variables, 0, map[string]any{"ids": coerced})
		if got := ask(ctx, rules); got != c.want || asked != min(1, len(c.ids)) {
			t.Errorf("%v: %s, asked %d times; want %s", c.ids, got, asked, c.want)
		}
	}
}

// A variable may hold a list of ids as a list, as a single id, or as a default value.
func TestListsOfIDsInAVariable(t *testing.T) {
	t.Parallel()
	own, others := uuid.New(), uuid.New()
	compiled := compile(t, func(_ context.Context, _ auth.Viewer, ids []uuid.UUID) (map[uuid.UUID]Row, error) {
		rows := map[uuid.UUID]Row{}
		for _, id := range ids {
			rows[id] = map[uuid.UUID]Row{own: thing{}, others: foreign{}}[id]
		}
		return rows, nil
	}, nil)
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: rootFields})
	for id, want := range map[uuid.UUID]string{own: "resolved", others: "FORBIDDEN"} {
		text := id.String()
		for name, c := range map[string]struct {
			definition string
			variables  map[string]any
		}{
			"a list":              {`$ids: [ID!]`, map[string]any{"ids": []any{text}}},
			"one id":              {`$ids: [ID!]`, map[string]any{"ids": text}},
			"a list by default":   {`$ids: [ID!] = ["` + text + `"]`, map[string]any{}},
			"one id by default":   {`$ids: [ID!]! = "` + text + `"`, map[string]any{}},
			"one id, not default": {`$ids: [ID!] = ["x"]`, map[string]any{"ids": text}},
		} {
			query := "query (" + c.definition + ") { many(ids: $ids) }"
			doc := gqlparser.MustLoadQueryWithRules(schema, query, rules.NewDefaultRules())
			variables, err := validator.VariableValues(schema, doc.Operations[0], c.variables)
			if err != nil {
				t.Fatal(err)
			}
			ctx := rootField(WithRequest(t.Context()), ann, query, variables, 0, map[string]any{"ids": []string{text}})
			if got := ask(ctx, compiled); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	}
}

// The root fields of a query share one query per type. Each still gets its own answer.
func TestRootFieldsOfAQueryLoadTogether(t *testing.T) {
	t.Parallel()
	his, others := uuid.New(), uuid.New()
	var asked atomic.Int32
	rules := compile(t, func(_ context.Context, _ auth.Viewer, ids []uuid.UUID) (map[uuid.UUID]Row, error) {
		if asked.Add(1); len(ids) != 6 {
			t.Errorf("asked for %d rows: %v", len(ids), ids)
		}
		return map[uuid.UUID]Row{his: thing{}, others: foreign{}}, nil
	}, nil)
	h, o := his.String(), others.String()
	variables := map[string]any{"h": h, "i": map[string]any{"deep": map[string]any{"id": o}}}
	const query = `query ($h: ID!, $i: In!) { a: one(id: $h) ...F c: many(ids: [$h, $h]) d: deep(i: $i) e: one(id: "junk") f: one(id: 5) g: one @skip(if: true) }
		fragment F on Query { b: one(id: "%s") b2: one(id: $h) }`
	ctx := WithRequest(t.Context())
	var wg sync.WaitGroup
	for i, c := range []struct {
		args any
		want string
	}{
		{map[string]any{"id": &h}, "resolved"}, {map[string]any{"id": &o}, "FORBIDDEN"}, {map[string]any{"id": &h}, "resolved"},
		{map[string]any{"ids": []string{h, h}}, "resolved"}, {map[string]any{"i": inDeep{deepID{o}}}, "FORBIDDEN"},
	} {
		wg.Go(func() {
			ctx := rootField(ctx, ann, fmt.Sprintf(query, o), variables, i, c.args.(map[string]any))
			if got := ask(ctx, rules); got != c.want {
				t.Errorf("field %d: %s, want %s", i, got, c.want)
			}
		})
	}
	wg.Wait()
	if asked.Load() != 1 {
		t.Errorf("%d queries, want one", asked.Load())
	}
}

// A refusal is reported with the field, the rule as written, and the row.
func TestDenialsAreReported(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	var told []Denial
	rules := compile(t, func(context.Context, auth.Viewer, []uuid.UUID) (map[uuid.UUID]Row, error) {
		return map[uuid.UUID]Row{id: foreign{}}, nil
	}, func(_ context.Context, d Denial) { told = append(told, d) })
	text := id.String()
	ask(rootField(t.Context(), ann, `{ one(id: "`+text+`") }`, nil, 0, map[string]any{"id": &text}), rules)
	ask(rootField(t.Context(), nobody, `{ one(id: "`+text+`") }`, nil, 0, map[string]any{"id": &text}), rules)
	if len(told) != 2 {
		t.Fatalf("reported %+v", told)
	}
	d := told[0]
	if d.Field != "Query.one" || d.Rule.String() != `@owner(of: "Thing", id: "id")` || d.Code != fault.Forbidden || d.Row != (foreign{}) || d.Viewer.UserID != ann.UserID || d.IDs[0] != id {
		t.Errorf("reported %+v", d)
	}
	if d := told[1]; d.Code != fault.Unauthenticated || d.Row != nil || d.Viewer.Reason != fault.Expired {
		t.Errorf("reported %+v", d)
	}
}

// foreign is a row that Bob owns.
type foreign struct{ hidden bool }

func (foreign) OwnerID() uuid.UUID             { return bob.UserID }
func (f foreign) VisibleTo(v auth.Viewer) bool { return !f.hidden || v.Is(bob.UserID) }
func (foreign) RelationTo(auth.Viewer) string  { return "" }

// inDeep and deepID are the inputs In and Deep as gqlgen would generate them.
type (
	inDeep struct {
		Deep deepID `json:"deep"`
	}
	deepID struct {
		ID string `json:"id"`
	}
)

// findThings finds rows of Thing.
type findThings = func(ctx context.Context, viewer auth.Viewer, ids []uuid.UUID) (map[uuid.UUID]Row, error)

func compile(t *testing.T, find findThings, denied func(context.Context, Denial)) *Rules {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: rootFields})
	if err != nil {
		t.Fatal(err)
	}
	return New(schema, Source{Denied: denied, Rows: func(ctx context.Context, viewer auth.Viewer, typ string, ids []uuid.UUID) (map[uuid.UUID]Row, error) {
		if typ != "Thing" {
			t.Errorf("asked for rows of %s", typ)
		}
		return find(ctx, viewer, ids)
	}})
}

// ask runs the rule of the root field that ctx is in, as the generated code does.
func ask(ctx context.Context, rules *Rules) string {
	field, of := graphql.GetFieldContext(ctx), "Thing"
	path := rules.fields[field.Object+"."+field.Field.Name][0].ID
	value, err := rules.Owner(ctx, nil, next, &of, &path, OwnerRelation, nil, nil, OtherwiseError)
	if (value != nil) != (err == nil) {
		return fmt.Sprintf("%v and %v", value, err)
	}
	return code(err)
}

// rootField is the context of the n-th root field of a query, as gqlgen creates it, with its coerced arguments.
func rootField(ctx context.Context, viewer auth.Viewer, query string, variables map[string]any, n int, args map[string]any) context.Context {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: rootFields})
	doc := gqlparser.MustLoadQueryWithRules(schema, query, rules.NewDefaultRules())
	op := &graphql.OperationContext{Variables: variables, Doc: doc, Operation: doc.Operations[0]}
	root := "Query"
	if op.Operation.Operation == ast.Mutation {
		root = "Mutation"
	}
	ctx = graphql.WithOperationContext(auth.WithViewer(ctx, viewer), op)
	field := graphql.CollectFields(op, op.Operation.SelectionSet, []string{root})[n]
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: root, Field: field, Args: args})
}

func TestVisibleAndSignedIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		viewer            auth.Viewer
		row               any
		visible, signedIn string
	}{
		{ann, thing{hidden: true}, "resolved", "resolved"}, {bob, thing{hidden: true}, "NOT_FOUND", "resolved"},
		{nobody, thing{}, "resolved", "UNAUTHENTICATED"}, {ann, "text", "internal", "resolved"},
	} {
		ctx := loadedField(auth.WithViewer(t.Context(), c.viewer))
		if _, err := (&Rules{}).Visible(ctx, c.row, next); code(err) != c.visible {
			t.Errorf("@visible: %v, want %s", err, c.visible)
		}
		if _, err := (&Rules{}).SignedIn(ctx, c.row, next); code(err) != c.signedIn {
			t.Errorf("@signedIn: %v, want %s", err, c.signedIn)
		}
	}
	_, err := (&Rules{}).SignedIn(loadedField(auth.WithViewer(t.Context(), nobody)), nil, next)
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Reason != fault.Expired {
		t.Errorf("the reason is missing: %v", err)
	}
}
