package directives

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/auth"
)

// sharedRow is a row that Bob owns, and the relation of Ann to it.
type sharedRow struct {
	foreign

	relation string
}

func (s sharedRow) RelationTo(v auth.Viewer) string {
	if v.Is(ann.UserID) {
		return s.relation
	}
	return ""
}

const relatedFields = definitions + `
type Query { q: Int @public(reason: "x") scoped: Int @scopes(anyOf: [["a", "b"], ["c"]]) }
type Mutation {
	edit(i: In!): Int @owner(of: "Thing", id: "i.id", as: "EDITOR") @owner(of: "Thing", id: "i.id", when: "i.n") @owner(of: "Thing", id: "i.ids", as: "READER", when: "i.ids")
	operate(i: In!): Int @owner(of: "Thing", id: "i.id", orScopes: [["a", "b"], ["c"]])
}
extend type Thing { edited: Int @owner(as: "EDITOR") read: Int @owner(as: "READER") operated: Int @owner(orScopes: [["a", "b"], ["c"]]) scoped: Int @scopes(anyOf: [["a", "b"], ["c"]]) }
`

func related(t *testing.T, s Source) *Rules {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: relatedFields})
	if err != nil {
		t.Fatal(err)
	}
	s.Relations = map[string][]string{"Thing": {"EDITOR", "READER"}}
	return New(schema, s)
}

func fieldNamed(ctx context.Context, typ, name string) context.Context {
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: typ, Field: graphql.CollectedField{Field: &ast.Field{Name: name}}})
}

// A relation admits those who have it or a stronger one. A hidden row is refused as if it were missing.
func TestRelationsToALoadedRow(t *testing.T) {
	t.Parallel()
	rules := related(t, Source{})
	for _, c := range []struct {
		relation     string
		hidden       bool
		edited, read string
	}{
		{"EDITOR", false, "resolved", "resolved"},
		{"READER", false, "FORBIDDEN", "resolved"},
		{"", false, "FORBIDDEN", "FORBIDDEN"},
		{"", true, "NOT_FOUND", "NOT_FOUND"},
		{"BOSS", false, "FORBIDDEN", "FORBIDDEN"},
	} {
		row := sharedRow{foreign{c.hidden}, c.relation}
		for field, want := range map[string]string{"edited": c.edited, "read": c.read} {
			as := map[string]string{"edited": "EDITOR", "read": "READER"}[field]
			for viewer, want := range map[auth.Viewer]string{ann: want, bob: "resolved", nobody: "UNAUTHENTICATED"} {
				ctx := fieldNamed(auth.WithViewer(t.Context(), viewer), "Thing", field)
				_, err := rules.Owner(ctx, row, next, nil, nil, as, nil, nil, OtherwiseError)
				if code(err) != want {
					t.Errorf("%s for %q, hidden %v, as %s: %s, want %s", field, c.relation, c.hidden, viewer.UserID, code(err), want)
				}
			}
		}
	}
}

// The message of a refusal says what the rule requires.
func TestMessagesOfRefusals(t *testing.T) {
	t.Parallel()
	rules := related(t, Source{Scopes: func(context.Context, auth.Viewer) (auth.Scopes, error) { return "", nil }})
	ask := func(field, as string) error {
		ctx := fieldNamed(auth.WithViewer(t.Context(), ann), "Thing", field)
		if field == "scoped" {
			_, err := rules.Scopes(ctx, sharedRow{}, next, nil)
			return err
		}
		_, err := rules.Owner(ctx, sharedRow{relation: "READER"}, next, nil, nil, as, nil, nil, OtherwiseError)
		return err
	}
	for _, c := range []struct{ field, as, want string }{
		{"secret", OwnerRelation, "FORBIDDEN: You are not the owner of this object."},
		{"edited", "EDITOR", "FORBIDDEN: This requires the relation EDITOR to this object."},
		{"scoped", "", "FORBIDDEN: This requires scopes that your account does not have."},
	} {
		if err := ask(c.field, c.as); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.field, err, c.want)
		}
	}
}

// input is In as gqlgen would generate it.
type input struct {
	ID  string                      `json:"id"`
	N   graphql.Omittable[*int]     `json:"n"`
	IDs graphql.Omittable[[]string] `json:"ids"`
}

// All rules of a field decide, in the order of the schema. One with when decides only if the argument is present, even as null.
func TestRepeatedRules(t *testing.T) {
	t.Parallel()
	mine, edited, read, alien, hidden := uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()
	rows := map[uuid.UUID]Row{
		mine: thing{}, edited: sharedRow{relation: "EDITOR"}, read: sharedRow{relation: "READER"}, alien: foreign{}, hidden: foreign{hidden: true},
	}
	rules := related(t, Source{Rows: func(context.Context, auth.Viewer, string, []uuid.UUID) (map[uuid.UUID]Row, error) { return rows, nil }})
	n, none := graphql.OmittableOf(new(int)), graphql.OmittableOf[*int](nil)
	list := func(ids ...uuid.UUID) graphql.Omittable[[]string] {
		var texts []string
		for _, id := range ids {
			texts = append(texts, id.String())
		}
		return graphql.OmittableOf(texts)
	}
	for _, c := range []struct {
		name   string
		viewer auth.Viewer
		in     input
		want   string
	}{
		{"the owner", ann, input{ID: mine.String(), N: n}, "resolved"},
		{"an editor without the argument", ann, input{ID: edited.String()}, "resolved"},
		{"an editor with the argument", ann, input{ID: edited.String(), N: n}, "FORBIDDEN"},
		{"an editor with null", ann, input{ID: edited.String(), N: none}, "FORBIDDEN"},
		{"a reader", ann, input{ID: read.String()}, "FORBIDDEN"},
		{"another argument", ann, input{ID: edited.String(), IDs: list(read, mine)}, "resolved"},
		{"another argument, foreign", ann, input{ID: edited.String(), IDs: list(read, alien)}, "FORBIDDEN"},
		{"another argument, hidden", ann, input{ID: edited.String(), IDs: list(hidden)}, "NOT_FOUND"},
		{"the first refusal counts", ann, input{ID: hidden.String(), N: n, IDs: list(alien)}, "NOT_FOUND"},
		{"nobody", nobody, input{ID: mine.String()}, "UNAUTHENTICATED"},
	} {
		ctx := mutationField(t, c.viewer, "edit", c.in)
		if got := callEach(ctx, rules, "edit"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// callEach runs the rules of a mutation as the generated code does: the last one first, each as the resolver of the one before.
func callEach(ctx context.Context, rules *Rules, field string) string {
	last := next
	for i := range rules.fields["Mutation."+field] {
		rule, inner := rules.fields["Mutation."+field][i], last
		var when *string
		if rule.When != "" {
			when = &rule.When
		}
		last = func(ctx context.Context) (any, error) {
			return rules.Owner(ctx, nil, inner, &rule.Of, &rule.ID, rule.As, when, rule.OrScopes, rule.Otherwise)
		}
	}
	_, err := last(ctx)
	return code(err)
}

func mutationField(t *testing.T, viewer auth.Viewer, name string, in input) context.Context {
	t.Helper()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: relatedFields})
	doc := gqlparser.MustLoadQueryWithRules(schema, fmt.Sprintf("mutation ($i: In!) { %s(i: $i) }", name), nil)
	op := &graphql.OperationContext{Variables: map[string]any{"i": map[string]any{}}, Doc: doc, Operation: doc.Operations[0]}
	ctx := graphql.WithOperationContext(auth.WithViewer(t.Context(), viewer), op)
	field := graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Mutation"})[0]
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Mutation", Field: field, Args: map[string]any{"i": in}})
}

// A scope decides only if the account still has it, whatever the token says, and never hides whether a row exists.
func TestScopes(t *testing.T) {
	t.Parallel()
	row := uuid.New()
	for _, c := range []struct {
		token, granted auth.Scopes
		scoped         string // of @scopes
		operated       string // of orScopes, about a visible row
	}{
		{"", "", "FORBIDDEN", "FORBIDDEN"},
		{"a", "a", "FORBIDDEN", "FORBIDDEN"},
		{"a b", "a b", "resolved", "resolved"},
		{"c", "c", "resolved", "resolved"},
		{"a b c", "b", "FORBIDDEN", "FORBIDDEN"},
		{"c", "", "FORBIDDEN", "FORBIDDEN"},
		{"d", "d", "FORBIDDEN", "FORBIDDEN"},
	} {
		rules := related(t, Source{
			Rows: func(context.Context, auth.Viewer, string, []uuid.UUID) (map[uuid.UUID]Row, error) {
				return map[uuid.UUID]Row{row: foreign{}}, nil
			},
			Scopes: func(context.Context, auth.Viewer) (auth.Scopes, error) { return c.granted, nil },
		})
		viewer := ann
		viewer.Scopes = c.token
		ctx := auth.WithViewer(t.Context(), viewer)
		_, err := rules.Scopes(fieldNamed(ctx, "Thing", "scoped"), foreign{}, next, nil)
		if code(err) != c.scoped {
			t.Errorf("%q, granted %q, @scopes: %s, want %s", c.token, c.granted, code(err), c.scoped)
		}
		_, err = rules.Owner(fieldNamed(ctx, "Thing", "operated"), foreign{}, next, nil, nil, OwnerRelation, nil, [][]string{}, OtherwiseError)
		if code(err) != c.operated {
			t.Errorf("%q, granted %q, orScopes: %s, want %s", c.token, c.granted, code(err), c.operated)
		}
		for id, want := range map[uuid.UUID]string{row: c.operated, uuid.New(): "NOT_FOUND"} {
			if got := callEach(mutationField(t, viewer, "operate", input{ID: id.String()}), rules, "operate"); got != want {
				t.Errorf("%q, granted %q, orScopes of a mutation: %s, want %s", c.token, c.granted, got, want)
			}
		}
		_, err = rules.Scopes(fieldNamed(auth.WithViewer(t.Context(), nobody), "Thing", "scoped"), foreign{}, next, nil)
		if code(err) != "UNAUTHENTICATED" {
			t.Errorf("nobody: %s", code(err))
		}
	}
}

// A scope that the row policy names shows hidden rows. It does not make the viewer their owner.
func TestScopesThatShowRows(t *testing.T) {
	t.Parallel()
	row := uuid.New()
	for _, c := range []struct {
		token, granted auth.Scopes
		visible, owner string
		see            string
	}{
		{"c", "c", "resolved", "FORBIDDEN", "[ID BOX OPERATED SCOPED]"},
		{"c", "", "NOT_FOUND", "NOT_FOUND", "[]"},
		{"a", "a", "NOT_FOUND", "NOT_FOUND", "[]"},
		{"", "", "NOT_FOUND", "NOT_FOUND", "[]"},
	} {
		hidden := foreign{hidden: true}
		rules := related(t, Source{
			Rows: func(context.Context, auth.Viewer, string, []uuid.UUID) (map[uuid.UUID]Row, error) {
				return map[uuid.UUID]Row{row: hidden}, nil
			},
			Scopes: func(context.Context, auth.Viewer) (auth.Scopes, error) { return c.granted, nil },
			Sees:   map[string][]string{"Thing": {"b", "c"}},
		})
		viewer := ann
		viewer.Scopes = c.token
		ctx := fieldNamed(auth.WithViewer(t.Context(), viewer), "Thing", "id")
		_, err := rules.Visible(ctx, hidden, next)
		if code(err) != c.visible {
			t.Errorf("%q, granted %q, @visible: %s, want %s", c.token, c.granted, code(err), c.visible)
		}
		if _, err = rules.Owner(ctx, hidden, next, nil, nil, OwnerRelation, nil, nil, OtherwiseError); code(err) != c.owner {
			t.Errorf("%q, granted %q, @owner: %s, want %s", c.token, c.granted, code(err), c.owner)
		}
		if got := callEach(mutationField(t, viewer, "edit", input{ID: row.String()}), rules, "edit"); got != c.owner {
			t.Errorf("%q, granted %q, @owner of a mutation: %s, want %s", c.token, c.granted, got, c.owner)
		}
		_, see, _, err := rules.ViewerCan(ctx, "Thing", hidden)
		if got := fmt.Sprint(see); got != c.see || err != nil {
			t.Errorf("%q, granted %q, viewerCan.see: %s, want %s; %v", c.token, c.granted, got, c.see, err)
		}
	}
}

// A query asks once which scopes the viewer has, a mutation before each decision, and a viewer without scopes causes no query.
func TestScopesAreAskedOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	rules := related(t, Source{Scopes: func(context.Context, auth.Viewer) (auth.Scopes, error) {
		asked.Add(1)
		return "c", nil
	}})
	for _, c := range []struct {
		scopes    auth.Scopes
		operation ast.Operation
		want      int32
	}{{"c", ast.Query, 1}, {"c", ast.Mutation, 3}, {"", ast.Query, 0}} {
		asked.Store(0)
		viewer := ann
		viewer.Scopes = c.scopes
		ctx := graphql.WithOperationContext(auth.WithViewer(WithRequest(t.Context()), viewer), &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: c.operation}})
		for range 3 {
			rules.Scopes(fieldNamed(ctx, "Thing", "scoped"), foreign{}, next, nil)
		}
		if asked.Load() != c.want {
			t.Errorf("%s with %q: asked %d times, want %d", c.operation, c.scopes, asked.Load(), c.want)
		}
	}
	down := related(t, Source{Scopes: func(context.Context, auth.Viewer) (auth.Scopes, error) { return "c", errors.New("down") }})
	viewer := ann
	viewer.Scopes = "c"
	if _, err := down.Scopes(fieldNamed(auth.WithViewer(t.Context(), viewer), "Thing", "scoped"), foreign{}, next, nil); code(err) != "internal" {
		t.Errorf("the database is down: %s", code(err))
	}
}

// Tests can replace the rules of a field.
func TestInstead(t *testing.T) {
	t.Parallel()
	rules := related(t, Source{})
	for text, want := range map[string]string{
		"@public": "resolved", `@owner(as: "READER")`: "resolved", `@owner(as: "EDITOR")`: "FORBIDDEN", `@owner(otherwise: NULL)`: "resolved", "@signedIn": "resolved",
		"": "internal", "@owner(": "internal",
	} {
		ctx := fieldNamed(auth.WithViewer(t.Context(), ann), "Thing", "edited")
		if _, err := rules.Instead(text)(ctx, sharedRow{relation: "READER"}, next); code(err) != want {
			t.Errorf("%s: %s, want %s", text, code(err), want)
		}
	}
}
