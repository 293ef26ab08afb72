package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// OrNull returns nil for NOT_FOUND. In a query, a missing or hidden object is null and not an error.
func OrNull[T any](row *T, err error) (*T, error) {
	if fault.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // null is the answer
	}
	return row, err
}

// Patch translates an input field, which is absent, null or a value.
func Patch[T any](o graphql.Omittable[*T]) db.Patch[T] {
	return db.Patch[T]{Set: o.IsSet(), Value: o.Value()}
}

// withIndex returns the context of an entry of the list that the field of ctx returns.
func withIndex(ctx context.Context, i int) context.Context {
	return graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i))
}
