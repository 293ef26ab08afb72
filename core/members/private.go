package members

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

// asksPrivate reports whether the client asks for private fields of the user that a field returns.
func asksPrivate(ctx context.Context) bool {
	op := graphql.GetOperationContext(ctx)
	asks := func(fields []graphql.CollectedField, t owned.Type) bool {
		return slices.ContainsFunc(fields, func(f graphql.CollectedField) bool {
			table := t.Fields[f.Name].Table.Name
			return table == userPrivateTable.Name || table == profilePrivateTable.Name
		})
	}
	fields := graphql.CollectFieldsCtx(ctx, []string{"User", "Node"})
	return asks(fields, userType) || slices.ContainsFunc(fields, func(f graphql.CollectedField) bool {
		return f.Name == "profile" && asks(graphql.CollectFields(op, f.Selections, []string{"Profile", "Node"}), profileType)
	})
}

type privateKey struct{ userID uuid.UUID }

// private returns the private part of a user, read as the viewer of the root field. It returns nil if the viewer is not the
// owner, which happens only if the field rules are off.
func private(ctx context.Context, r *resolvers.Resolvers, userID uuid.UUID) (*db.Private, error) {
	viewer := auth.ViewerFrom(ctx)
	return resolvers.Once(ctx, privateKey{userID}, func() (*db.Private, error) {
		return resolvers.OrNull(r.DB.FindPrivate(ctx, viewer, userID))
	})
}
