package app

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold/auth"
	"freehold/directives"
	"freehold/fault"
	"freehold/graph"
	"freehold/graph/model"
	"freehold/resolvers"
)

// SDL returns the schema as a Federation subgraph.
func SDL() string { return graph.SDL() }

// ownedTypes are the Go models of the types whose rows have an owner.
var ownedTypes = map[string]any{"User": &model.User{}, "Profile": &model.Profile{}}

// newSchema joins the generated schema with resolvers and rules, and refuses it if a field is undecided or a rule does
// not run. Each refusal by a rule is told to denied.
func newSchema(r *resolvers.Resolvers, denied func(rule string, code fault.Code), unsafeWithoutRules bool) (graphql.ExecutableSchema, error) {
	rules := directives.Rules{Rows: map[string]directives.Rows{"Profile": rowsOf(r.FindProfile)}, Denied: denied}
	root := graph.DirectiveRoot{Owner: rules.Owner, SignedIn: rules.SignedIn, Visible: rules.Visible}
	if unsafeWithoutRules {
		let := func(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }
		root.SignedIn, root.Visible = let, let
		root.Owner = func(ctx context.Context, _ any, next graphql.Resolver, _, _ *string, _ directives.Otherwise) (any, error) {
			return next(ctx)
		}
	}
	described := graph.NewSchema()
	directives.Describe(described)
	schema := graph.NewExecutableSchema(graph.Config{Schema: described, Resolvers: r, Directives: root})
	err := directives.Check(schema.Schema(), directives.Checked{Root: root, Owned: ownedTypes, Rows: rules.Rows})
	if err != nil {
		return nil, fmt.Errorf("the schema is not fit to be served:\n%w", err)
	}
	return schema, nil
}

// rowsOf makes a finder of one type a finder for rules. (A nil pointer must not become a row that is not nil.)
func rowsOf[T directives.Row](find func(context.Context, auth.Viewer, uuid.UUID) (T, error)) directives.Rows {
	return func(ctx context.Context, viewer auth.Viewer, id uuid.UUID) (directives.Row, error) {
		row, err := find(ctx, viewer, id)
		if err != nil {
			return nil, err
		}
		return row, nil
	}
}
