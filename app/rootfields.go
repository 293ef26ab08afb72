package app

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// maxRootFields is how many fields of Query run at once for one request. gqlgen would begin all of them.
const maxRootFields = 4

type rootFieldsKey struct{}

// withRootFields lets the root fields of ctx take turns.
func withRootFields(ctx context.Context) context.Context {
	return context.WithValue(ctx, rootFieldsKey{}, make(chan struct{}, maxRootFields))
}

// takeTurns runs a root field when fewer than maxRootFields of its request run. At the end of the request's time it waits no
// longer, since the field fails then.
func takeTurns(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
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
