package db

import (
	"context"

	"github.com/google/uuid"

	"freehold/auth"
)

// Nodes are the rows that a viewer sees among those with some ids.
type Nodes struct {
	Profiles []Profile // whose own id or whose user's id is among them, in no order, some twice
	Sessions []LiveSession
}

// FindNodes returns what the viewer sees of the objects with these ids, whatever their types. It asks for every type in any
// case: an id that nobody has takes as long as one that is hidden.
func (d *DB) FindNodes(ctx context.Context, viewer auth.Viewer, ids []uuid.UUID) (Nodes, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (n Nodes, err error) {
		if n.Profiles, err = tx.findProfilesByAnyID(ctx, ids); err != nil {
			return Nodes{}, err
		}
		n.Sessions, err = tx.findSessions(ctx, ids)
		return n, err
	})
}
