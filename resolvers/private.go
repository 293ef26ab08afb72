package resolvers

import (
	"context"
	"sync"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/db"
)

// loaded remembers, for one root field, what was loaded of owners: e-mail, birthday and the rest of one owner are one query,
// and a list of a hundred times the same user asks no more than once for each of its fields. Only the owner passes the
// rules of those fields, so there is hardly ever more than one.
type loaded struct {
	mu     sync.Mutex
	values map[any]any // of type func() (T, error)
}

type loadedKey struct{}

func withLoaded(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadedKey{}, &loaded{values: map[any]any{}})
}

// once loads what a key stands for when it is asked for first. A type of key stands for one type of value.
func once[T any](ctx context.Context, key any, load func() (T, error)) (T, error) {
	l := ctx.Value(loadedKey{}).(*loaded)
	l.mu.Lock()
	known, ok := l.values[key].(func() (T, error))
	if !ok {
		known = sync.OnceValues(load)
		l.values[key] = known
	}
	l.mu.Unlock()
	return known()
}

type privateKey struct{ userID uuid.UUID }

// private returns the private part of a user, as the viewer of the root field; nil where the viewer is not the owner,
// which happens only when the rules are switched off.
func (r *Resolvers) private(ctx context.Context, userID uuid.UUID) (*db.Private, error) {
	viewer := auth.ViewerFrom(ctx)
	return once(ctx, privateKey{userID}, func() (*db.Private, error) {
		return orNull(r.DB.FindPrivate(ctx, viewer, userID))
	})
}
