package app

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold/auth"
	"freehold/directives"
	"freehold/graph"
	"freehold/resolvers"
)

// SDL returns the schema as a Federation subgraph.
func SDL() string { return graph.SDL() }

// ClientSDL returns the schema for client tools. Each description ends with the field's rule, as in introspection.
func ClientSDL() string {
	schema := graph.NewSchema()
	directives.Describe(schema)
	return graph.ClientSDL(schema)
}

// newSchema joins the generated schema with resolvers and rules, and refuses it if a field is undecided or a rule does
// not run. Each refusal by a rule is told to denied. Of the options only
// those about rules count.
func newSchema(r *resolvers.Resolvers, denied func(context.Context, directives.Denial), o Options) (graphql.ExecutableSchema, error) {
	described := graph.NewSchema()
	rows := map[string]directives.Rows{"Profile": rowsOf(r.FindProfiles), "Session": rowsOf(r.FindSessions)}
	rules := directives.New(described, rows, denied)
	r.ViewerCan = rules.ViewerCan
	root := graph.DirectiveRoot{Owner: rules.Owner, SignedIn: rules.SignedIn, Visible: rules.Visible}
	switch {
	case o.withoutRules:
		root = graph.DirectiveRoot{Visible: pass, SignedIn: pass, Owner: func(ctx context.Context, _ any, next graphql.Resolver, _, _ *string, _ directives.Otherwise) (any, error) {
			return next(ctx)
		}}
	case o.UnsafeRule != nil:
		root = weakened(root, o.UnsafeRule)
	}
	directives.Describe(described)
	schema := graph.NewExecutableSchema(graph.Config{Schema: described, Resolvers: r, Directives: root})
	err := directives.Check(schema.Schema(), directives.Checked{Root: root, Owned: ownedTypes, Rows: rows})
	if err != nil {
		return nil, fmt.Errorf("the schema is not fit to be served:\n%w", err)
	}
	return schema, nil
}

// rowsOf makes a finder of one type a finder for rules.
func rowsOf[T directives.Row](find func(context.Context, auth.Viewer, []uuid.UUID) (map[uuid.UUID]T, error)) directives.Rows {
	return func(ctx context.Context, viewer auth.Viewer, ids []uuid.UUID) (map[uuid.UUID]directives.Row, error) {
		found, err := find(ctx, viewer, ids)
		rows := make(map[uuid.UUID]directives.Row, len(found))
		for id, row := range found {
			rows[id] = row
		}
		return rows, err
	}
}

func pass(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }

// weakened lets another rule decide where unsafeRule names one.
func weakened(root graph.DirectiveRoot, unsafeRule func(field string) string) graph.DirectiveRoot {
	type simple = func(context.Context, any, graphql.Resolver) (any, error)
	owner := func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
		return root.Owner(ctx, obj, next, nil, nil, directives.OtherwiseError)
	}
	others := map[string]simple{"owner": owner, "visible": root.Visible, "signedIn": root.SignedIn, "public": pass}
	instead := func(ctx context.Context) simple {
		f := graphql.GetFieldContext(ctx)
		return others[unsafeRule(f.Object+"."+f.Field.Name)]
	}
	or := func(own simple) simple {
		return func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
			if rule := instead(ctx); rule != nil {
				return rule(ctx, obj, next)
			}
			return own(ctx, obj, next)
		}
	}
	return graph.DirectiveRoot{
		SignedIn: or(root.SignedIn), Visible: or(root.Visible),
		Owner: func(ctx context.Context, obj any, next graphql.Resolver, of, id *string, otherwise directives.Otherwise) (any, error) {
			return or(func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
				return root.Owner(ctx, obj, next, of, id, otherwise)
			})(ctx, obj, next)
		},
	}
}
