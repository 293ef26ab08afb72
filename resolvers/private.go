package resolvers

import (
	"context"
	"sync"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/db"
)

// privateRows remembers, for one root field, the private rows that were asked for, so that e-mail, birthday and the
// rest of one owner are one query. Only the owner passes the rules of those fields, so there is hardly ever more than
// one.
type privateRows struct {
	mu   sync.Mutex
	rows map[uuid.UUID]func() (*db.Private, error)
}

type privateRowsKey struct{}

func withPrivateRows(ctx context.Context) context.Context {
	return context.WithValue(ctx, privateRowsKey{}, &privateRows{rows: map[uuid.UUID]func() (*db.Private, error){}})
}

// private returns the private part of a user, as the viewer of the root field; nil where the viewer is not the owner,
// which happens only when the rules are switched off.
func (r *Resolvers) private(ctx context.Context, userID uuid.UUID) (*db.Private, error) {
	rows := ctx.Value(privateRowsKey{}).(*privateRows)
	rows.mu.Lock()
	load, ok := rows.rows[userID]
	if !ok {
		viewer := auth.ViewerFrom(ctx)
		load = sync.OnceValues(func() (*db.Private, error) {
			return orNull(r.DB.FindPrivate(ctx, viewer, userID))
		})
		rows.rows[userID] = load
	}
	rows.mu.Unlock()
	return load()
}
