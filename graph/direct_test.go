package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/graph/model"
)

// newExecution returns what executes an operation, and its context.
func newExecution(t *testing.T) (context.Context, *executionContext) {
	t.Helper()
	recovered := func(_ context.Context, cause any) error { return fmt.Errorf("panic: %v", cause) }
	op := &graphql.OperationContext{RecoverFunc: recovered}
	ctx := graphql.WithResponseContext(graphql.WithOperationContext(t.Context(), op), graphql.DefaultErrorPresenter, recovered)
	return ctx, newExecutionContext(op, &executableSchema{}, nil)
}

// A field is resolved only if its rule has called what it was given, and returned its answer without an error.
func TestRefusedFieldsAreNull(t *testing.T) {
	t.Parallel()
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
		ctx, ec := newExecution(t)
		ec.Directives.Visible = c.rule
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
	ctx, ec := newExecution(t)
	ec.Directives.Visible = func(context.Context, any, graphql.Resolver) (any, error) { panic("no") }
	answer := ec._User_profile(ctx, graphql.CollectedField{Field: &ast.Field{Name: "profile", Alias: "mine"}}, &model.User{})
	if errs := graphql.GetErrors(ctx); answer != graphql.Null || len(errs) != 1 || errs[0].Path.String() != "mine" {
		t.Errorf("%v, %v", answer, errs)
	}
}
