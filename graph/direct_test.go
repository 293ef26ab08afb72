package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"freehold.dev/freehold/graph/model"
)

// Texts and ids are written byte for byte as gqlgen writes them.
func TestValuesAreWrittenAsByGqlgen(t *testing.T) {
	t.Parallel()
	written := func(m graphql.Marshaler) string {
		var b strings.Builder
		m.MarshalGQL(&b)
		return b.String()
	}
	for _, s := range []string{"", "plain", `"`, `\`, "a\nb\t\r", "\x00\x1f\x7f", "<&>\u2028", "Zoë 🙂", "\xff", strings.Repeat("x", 100) + `"`} {
		if want, got := written(graphql.MarshalString(s)), written((*text)(&s)); got != want {
			t.Errorf("%q: %s; want %s", s, got, want)
		}
		if want, got := written(graphql.MarshalString(s)), written(textOrNull(&s)); got != want {
			t.Errorf("%q: %s; want %s", s, got, want)
		}
	}
	if textOrNull(nil) != graphql.Null { // gqlgen compares it
		t.Error("a text that is missing is not null")
	}
	for range 10 {
		id := uuid.New()
		if want, got := written(graphql.MarshalUUID(id)), written((*rowID)(&id)); got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}

// The contexts of fields and of elements of lists answer as those that gqlgen makes.
func TestContextsAreThoseOfGqlgen(t *testing.T) {
	t.Parallel()
	type key struct{}
	base, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
	defer cancel()
	profile := graphql.CollectedField{Field: &ast.Field{Name: "profile", Alias: "mine"}}
	set := newFieldSet([]graphql.CollectedField{{Field: &ast.Field{Name: "id", Alias: "id"}}, {Field: &ast.Field{Name: "bio", Alias: "about"}}})
	outer := withField(base, "User", &profile)
	var inner []context.Context
	for range 2 {
		marshalList(outer, nil, 3, func(ctx context.Context, _ int) graphql.Marshaler {
			inner = append(inner, ctx)
			return graphql.Null
		})
	}
	set.at(inner[4], "Profile", &set.fields[0])
	read := set.at(inner[4], "Profile", &set.fields[1]) // in the place of the first
	for _, c := range []struct {
		ctx               context.Context
		path, object, own string
	}{
		{outer, "mine", "User", "profile"},
		{inner[0], "mine[0]", "", ""},
		{inner[2], "mine[2]", "", ""},
		{withField(inner[5], "Profile", &set.fields[1]), "mine[2].about", "Profile", "bio"},
		{read, "mine[1].about", "Profile", "bio"},
	} {
		f := graphql.GetFieldContext(c.ctx)
		if got := graphql.GetPath(c.ctx).String(); got != c.path || f.Object != c.object || f.Field.Field != nil && f.Field.Name != c.own {
			t.Errorf("%s, %s.%v; want %s, %s.%s", got, f.Object, f.Field.Field, c.path, c.object, c.own)
		}
		if c.ctx.Value(key{}) != "kept" {
			t.Errorf("%s has lost a value", c.path)
		}
	}
	cancel()
	if inner[0].Err() == nil || outer.Err() == nil {
		t.Error("the contexts do not end with that of the request")
	}
}

// A field is resolved only if its rule has called what it was given, and returned its answer without an error.
func TestRefusedFieldsAreNull(t *testing.T) {
	t.Parallel()
	ec := newExecutionContext(operation(), &executableSchema{}, nil)
	obj := &model.Profile{Username: "here"}
	for name, c := range map[string]struct {
		rule   func(context.Context, any, graphql.Resolver) (any, error)
		want   string
		errors int
	}{
		"allowed":            {func(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }, `"here"`, 0},
		"refused":            {func(context.Context, any, graphql.Resolver) (any, error) { return nil, errors.New("no") }, "null", 1},
		"refused in silence": {func(context.Context, any, graphql.Resolver) (any, error) { return nil, nil }, "null", 0}, //nolint:nilnil // as otherwise: NULL
		"allowed, an error": {func(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
			answer, _ := next(ctx)
			return answer, errors.New("no")
		}, "null", 1},
		"something else": {func(context.Context, any, graphql.Resolver) (any, error) { return "mine", nil }, "null", 0},
	} {
		ec.Directives.Visible = c.rule
		ctx := inOperation(t.Context(), ec.OperationContext)
		var b strings.Builder
		ec._Profile_username(ctx, obj).MarshalGQL(&b)
		if errs := graphql.GetErrors(ctx); b.String() != c.want || len(errs) != c.errors {
			t.Errorf("%s: %s, %v; want %s and %d errors", name, &b, errs, c.want, c.errors)
		}
	}
}

// A panic of a resolver or rule makes its own field null, with the field's path.
func TestPanicsAreErrorsOfTheirField(t *testing.T) {
	t.Parallel()
	ec := newExecutionContext(operation(), &executableSchema{}, nil)
	ec.Directives.Visible = func(context.Context, any, graphql.Resolver) (any, error) { panic("no") }
	ctx := inOperation(t.Context(), ec.OperationContext)
	answer := ec._User_profile(ctx, graphql.CollectedField{Field: &ast.Field{Name: "profile", Alias: "mine"}}, &model.User{})
	if errs := graphql.GetErrors(ctx); answer != graphql.Null || len(errs) != 1 || errs[0].Path.String() != "mine" {
		t.Errorf("%v, %v", answer, errs)
	}
}

// Errors get the path and place that gqlgen gives them.
func TestErrorsAreLocatedAsByGqlgen(t *testing.T) {
	t.Parallel()
	at := func(line int) *graphql.CollectedField {
		return &graphql.CollectedField{Field: &ast.Field{Name: "bio", Alias: "about", Position: &ast.Position{Line: line, Column: 7}}}
	}
	inList := &place{fieldContext{withField(t.Context(), "Query", at(1)), graphql.FieldContext{}}, 3}
	inList.field = graphql.FieldContext{Parent: graphql.GetFieldContext(inList.Context), Index: &inList.index}
	nowhere := &graphql.CollectedField{Field: &ast.Field{Name: "bio", Alias: "bio"}}
	for name, ctx := range map[string]context.Context{
		"none": t.Context(), "root": withField(t.Context(), "Query", at(2)), "in a list": withField(inList, "Profile", at(300)),
		"without a line": withField(inList, "Profile", at(0)), "without a place": withField(inList, "Profile", nowhere),
	} {
		for _, err := range []error{errors.New("no"), gqlerror.Errorf("no"), fmt.Errorf("it fails: %w", gqlerror.Errorf("no"))} {
			got := located(ctx, err)
			if want := graphql.AddFieldLocationToError(ctx, err); fmt.Sprint(got) != fmt.Sprint(want) || !errors.Is(got, err) {
				t.Errorf("%s: %v; want %v", name, got, want)
			}
		}
	}
}
