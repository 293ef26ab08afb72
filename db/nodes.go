package db

import (
	"context"

	"github.com/google/uuid"

	"freehold/auth"
)

// Nodes are the rows with given ids that a viewer sees.
type Nodes struct {
	Profiles []Profile // whose own id or whose user's id is among them, in no order, some twice
	Sessions []LiveSession
}

// FindNodes returns the objects with these ids that the viewer sees, whatever their types. It always asks for every type, so
// that an unknown id takes as long as a hidden one.
func (d *DB) FindNodes(ctx context.Context, viewer auth.Viewer, ids []uuid.UUID) (Nodes, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (n Nodes, err error) {
		if n.Profiles, err = tx.findProfilesByAnyID(ctx, ids); err != nil {
			return Nodes{}, err
		}
		n.Sessions, err = tx.findSessions(ctx, ids)
		return n, err
	})
}
