// Package members owns the resolvers of accounts, profiles and sessions: arguments in, models out. It declares their types, and what the
// module core says about their fields. It must not know SQL, HTTP, or how a program is put together.
package members

import (
	"context"

	"freehold.dev/freehold/graph/exec"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

// QueryResolver has the methods of the fields of Query.
type QueryResolver struct{ *resolvers.Resolvers }

// MutationResolver has the methods of the fields of Mutation.
type MutationResolver struct{ *resolvers.Resolvers }

// UserResolver has the methods of those fields of User that are not in its row.
type UserResolver struct{ *resolvers.Resolvers }

// ProfileResolver has the methods of those fields of Profile that are not in its row.
type ProfileResolver struct{ *resolvers.Resolvers }

// SessionResolver has the methods of those fields of Session that are not in its row.
type SessionResolver struct{ *resolvers.Resolvers }

// CredentialResolver has the methods of those fields of Credential that are not in its row.
type CredentialResolver struct{ *resolvers.Resolvers }

var _ exec.EntityResolver = (*QueryResolver)(nil)

func (q *QueryResolver) Node(ctx context.Context, id string) (owned.Row, error) {
	return resolvers.FindNode(ctx, q.Resolvers, id)
}

func (q *QueryResolver) Nodes(ctx context.Context, ids []string) ([]owned.Row, error) {
	return resolvers.FindNodes(ctx, q.Resolvers, ids)
}

// Entities finds the objects of Federation's representations in one transaction.
func (q *QueryResolver) Entities(ctx context.Context, representations []any) ([]owned.Row, error) {
	return (&resolvers.EntityResolver{Resolvers: q.Resolvers}).Entities(ctx, representations)
}
