package app

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/resolvers"
)

// newSchema joins the program's schema with resolvers and rules. It fails if a field has no rule, or if a rule does not run. It
// reports each refusal by a rule to denied.
func (p *Program) newSchema(r *resolvers.Resolvers, denied func(context.Context, directives.Denial), lever levers.Levers) (graphql.ExecutableSchema, error) {
	described := p.graph.Schema()
	compiled := directives.New(described, p.rows(r.DB), denied)
	r.Registry, r.EntityKeys, r.ViewerCan = p.registry, resolvers.EntityKeys(described), compiled.ViewerCan
	rules := Rules{Owner: compiled.Owner, SignedIn: compiled.SignedIn, Visible: compiled.Visible}
	switch {
	case lever.NoRules:
		rules = Rules{Visible: pass, SignedIn: pass, Owner: func(ctx context.Context, _ any, next graphql.Resolver, _, _ *string, _ directives.Otherwise) (any, error) {
			return next(ctx)
		}}
	case lever.Rule != nil:
		rules = replaced(rules, lever.Rule)
	}
	directives.Describe(described)
	schema, root := p.graph.Executable(described, r, rules)
	owned := map[string]bool{}
	for _, t := range p.registry.Types() {
		owned[t.Name] = true
	}
	if err := directives.Check(schema.Schema(), directives.Checked{Root: root, Owned: owned}); err != nil {
		return nil, fmt.Errorf("the schema is invalid:\n%w", err)
	}
	return schema, nil
}

// rows returns what finds the rows of any owned type for the rules.
func (p *Program) rows(d *db.DB) directives.Rows {
	return func(ctx context.Context, viewer auth.Viewer, typ string, ids []uuid.UUID) (map[uuid.UUID]directives.Row, error) {
		found, err := p.registry.Find(ctx, d, viewer, typ, ids)
		rows := make(map[uuid.UUID]directives.Row, len(found))
		for id, row := range found {
			rows[id] = row
		}
		return rows, err
	}
}

func pass(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }

// replaced lets the rule that ruleOf names decide about a field, if it names one.
func replaced(root Rules, ruleOf func(field string) string) Rules {
	type simple = func(context.Context, any, graphql.Resolver) (any, error)
	owner := func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
		return root.Owner(ctx, obj, next, nil, nil, directives.OtherwiseError)
	}
	others := map[string]simple{"owner": owner, "visible": root.Visible, "signedIn": root.SignedIn, "public": pass}
	instead := func(ctx context.Context) simple {
		f := graphql.GetFieldContext(ctx)
		return others[ruleOf(f.Object+"."+f.Field.Name)]
	}
	or := func(own simple) simple {
		return func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
			if rule := instead(ctx); rule != nil {
				return rule(ctx, obj, next)
			}
			return own(ctx, obj, next)
		}
	}
	return Rules{
		SignedIn: or(root.SignedIn), Visible: or(root.Visible),
		Owner: func(ctx context.Context, obj any, next graphql.Resolver, of, id *string, otherwise directives.Otherwise) (any, error) {
			return or(func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
				return root.Owner(ctx, obj, next, of, id, otherwise)
			})(ctx, obj, next)
		},
	}
}
