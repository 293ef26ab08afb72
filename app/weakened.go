package app

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/directives"
)

// ruling decides about a field before its resolver, which is next.
type ruling = func(ctx context.Context, obj any, next graphql.Resolver) (any, error)

func pass(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }

// passing are rules that let everything through.
var passing = Rules{
	Visible: pass, SignedIn: pass,
	Scopes: func(ctx context.Context, _ any, next graphql.Resolver, _ [][]string) (any, error) { return next(ctx) },
	Owner: func(ctx context.Context, _ any, next graphql.Resolver, _, _ *string, _ string, _ *string, _ [][]string, _ directives.Otherwise) (any, error) {
		return next(ctx)
	},
}

// replaced lets what instead returns decide about the field that ctx is in, unless it is nil.
func replaced(root Rules, instead func(ctx context.Context) ruling) Rules {
	or := func(own ruling) ruling {
		return func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
			if other := instead(ctx); other != nil {
				return other(ctx, obj, next)
			}
			return own(ctx, obj, next)
		}
	}
	return Rules{
		SignedIn: or(root.SignedIn), Visible: or(root.Visible),
		Scopes: func(ctx context.Context, obj any, next graphql.Resolver, anyOf [][]string) (any, error) {
			return or(func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
				return root.Scopes(ctx, obj, next, anyOf)
			})(ctx, obj, next)
		},
		Owner: func(ctx context.Context, obj any, next graphql.Resolver, of, id *string, as string, when *string, orScopes [][]string, otherwise directives.Otherwise) (any, error) {
			return or(func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
				return root.Owner(ctx, obj, next, of, id, as, when, orScopes, otherwise)
			})(ctx, obj, next)
		},
	}
}
