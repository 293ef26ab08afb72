package exec

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
		if want, got := written(graphql.MarshalString(s)), written((*Text)(&s)); got != want {
			t.Errorf("%q: %s; want %s", s, got, want)
		}
		if want, got := written(graphql.MarshalString(s)), written(TextOrNull(&s)); got != want {
			t.Errorf("%q: %s; want %s", s, got, want)
		}
	}
	if TextOrNull(nil) != graphql.Null { // gqlgen compares it
		t.Error("a text that is missing is not null")
	}
	for range 10 {
		id := uuid.New()
		if want, got := written(graphql.MarshalUUID(id)), written((*RowID)(&id)); got != want {
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
	set := NewFieldSet([]graphql.CollectedField{{Field: &ast.Field{Name: "id", Alias: "id"}}, {Field: &ast.Field{Name: "bio", Alias: "about"}}}, nil)
	outer := WithField(base, "User", &profile)
	var inner []context.Context
	for range 2 {
		MarshalList(outer, nil, nil, 3, func(ctx context.Context, _ int) graphql.Marshaler {
			inner = append(inner, ctx)
			return graphql.Null
		})
	}
	set.At(inner[4], "Profile", &set.fields[0])
	read := set.At(inner[4], "Profile", &set.fields[1]) // in the place of the first
	for _, c := range []struct {
		ctx               context.Context
		path, object, own string
	}{
		{outer, "mine", "User", "profile"},
		{inner[0], "mine[0]", "", ""},
		{inner[2], "mine[2]", "", ""},
		{WithField(inner[5], "Profile", &set.fields[1]), "mine[2].about", "Profile", "bio"},
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

// Errors get the path and place that gqlgen gives them.
func TestErrorsAreLocatedAsByGqlgen(t *testing.T) {
	t.Parallel()
	at := func(line int) *graphql.CollectedField {
		return &graphql.CollectedField{Field: &ast.Field{Name: "bio", Alias: "about", Position: &ast.Position{Line: line, Column: 7}}}
	}
	inList := &place{fieldContext{WithField(t.Context(), "Query", at(1)), graphql.FieldContext{}}, 3}
	inList.field = graphql.FieldContext{Parent: graphql.GetFieldContext(inList.Context), Index: &inList.index}
	nowhere := &graphql.CollectedField{Field: &ast.Field{Name: "bio", Alias: "bio"}}
	for name, ctx := range map[string]context.Context{
		"none": t.Context(), "root": WithField(t.Context(), "Query", at(2)), "in a list": WithField(inList, "Profile", at(300)),
		"without a line": WithField(inList, "Profile", at(0)), "without a place": WithField(inList, "Profile", nowhere),
	} {
		for _, err := range []error{errors.New("no"), gqlerror.Errorf("no"), fmt.Errorf("it fails: %w", gqlerror.Errorf("no"))} {
			got := located(ctx, err)
			if want := graphql.AddFieldLocationToError(ctx, err); fmt.Sprint(got) != fmt.Sprint(want) || !errors.Is(got, err) {
				t.Errorf("%s: %v; want %v", name, got, want)
			}
		}
	}
}
