package app

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/resolvers"
)

type Graph struct {
	Schema     func() *ast.Schema
	Text       func() string
	SDL        func() string
	ClientSDL  func(schema *ast.Schema) string
	Executable func(schema *ast.Schema, r *resolvers.Resolvers, rules Rules) (executable graphql.ExecutableSchema, root any)
}

type Rules struct {
	Owner             func(ctx context.Context, obj any, next graphql.Resolver, of, id *string) (any, error)
	SignedIn, Visible func(ctx context.Context, obj any, next graphql.Resolver) (any, error)
}
