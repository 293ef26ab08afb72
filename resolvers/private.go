package resolvers

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/internal/once"
	"freehold.dev/freehold/owned"
)

// loadedKey is the key of what one root field has loaded about owners. One query loads the e-mail, the birthday and the rest of
// an owner, and a list with the same user a hundred times loads each field once. Only the owner passes the rules of those
// fields, so there is rarely more than one user.
type loadedKey struct{}

func withLoaded(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadedKey{}, &once.Map{})
}

// Once returns the value of a key, and loads it the first time. Each type of key has one type of value.
func Once[T any](ctx context.Context, key any, load func() (T, error)) (T, error) {
	return once.Do(ctx.Value(loadedKey{}).(*once.Map), key, load)
}

// remember is Once for a value that was loaded with something else.
func remember[T any](ctx context.Context, key any, value T) {
	once.Store(ctx.Value(loadedKey{}).(*once.Map), key, value)
}

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
func (r *Resolvers) private(ctx context.Context, userID uuid.UUID) (*db.Private, error) {
	viewer := auth.ViewerFrom(ctx)
	return Once(ctx, privateKey{userID}, func() (*db.Private, error) {
		return OrNull(r.DB.FindPrivate(ctx, viewer, userID))
	})
}
