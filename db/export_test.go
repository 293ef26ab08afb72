package db

import (
	"context"

	"github.com/google/uuid"

	"freehold/auth"
)

// The lists of this package.
var (
	ProfileList = profileList
	SessionList = sessionList
	EventList   = eventList
)

// FindBy is FindPage or, with an owner, FindPageOf in a transaction of the caller, who runs the statements.
func (l *List[T]) FindBy(ctx context.Context, run selects, viewer auth.Viewer, owner *uuid.UUID, r Range) (*Page[T], error) {
	return l.find(ctx, run, viewer, owner, r)
}
