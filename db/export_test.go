package db

import (
	"context"

	"github.com/google/uuid"

	"freehold/auth"
)

// Tests migrate and check sets that stand for freehold's own.

func MigrateSet(ctx context.Context, ownerURL string, set MigrationSet) error {
	return migrateSets(ctx, ownerURL, []MigrationSet{set})
}

func (d *DB) CheckSet(ctx context.Context, set MigrationSet) error {
	return d.checkSets(ctx, []MigrationSet{set})
}

func Inline(query string, args ...any) (string, error) { return inline(query, args...) }

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
