package document

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// maxRootFields bounds the fields of Query that run at once for one request. gqlgen would run all of them.
const maxRootFields = 4

type rootFieldsKey struct{}

// WithRootFields lets the root fields of ctx take turns; see TakeTurns.
func WithRootFields(ctx context.Context) context.Context {
	return context.WithValue(ctx, rootFieldsKey{}, make(chan struct{}, maxRootFields))
}

// TakeTurns runs a root field when fewer than maxRootFields of its request run. After the deadline of the request it does not
// wait, since the field fails anyway.
func TakeTurns(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	running, ok := ctx.Value(rootFieldsKey{}).(chan struct{})
	if !ok {
		return next(ctx)
	}
	select {
	case running <- struct{}{}:
		defer func() { <-running }()
	case <-ctx.Done():
	}
	return next(ctx)
}
