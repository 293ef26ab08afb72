package db

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
)

// CheckSet checks a set in place of freehold's own.
func (d *DB) CheckSet(ctx context.Context, set MigrationSet) error {
	return d.checkSets(ctx, []MigrationSet{set})
}

func Milliseconds(d time.Duration) string { return milliseconds(d) }

// The lists of this package.
var (
	ProfileList = profileList
	SessionList = sessionList
	EventList   = eventList
)

// FindBy is FindPage or, with an owner, FindPageOf or, with a parent too, FindPageIn. The caller runs the statements.
func (l *List[T]) FindBy(ctx context.Context, run selects, viewer auth.Viewer, owner *uuid.UUID, r Range, parent ...any) (*Page[T], error) {
	return l.find(ctx, run, viewer, owner, r, parent...)
}

// InlineAll makes the connection of a pool of one send queries instead of names, as it does behind a pooler.
func (d *DB) InlineAll(t *testing.T) {
	t.Helper()
	c, err := d.pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Raw(func(raw any) error { raw.(*conn).inlines = true; return nil }); err != nil {
		t.Fatal(err)
	}
}
