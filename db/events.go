package db

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
)

// SecurityEvent is something that has happened to an account, as its owner sees it.
type SecurityEvent struct {
	ID        uuid.UUID `db:"id"`
	Kind      string    `db:"kind"`
	CreatedAt time.Time `db:"created_at"`
	Device    *string   `db:"device"` // User-Agent; nil where none was sent
	IP        *string   `db:"ip"`
}

var eventList = NewList[SecurityEvent](Listing{Table: `app.security_events`, Columns: `id, kind, created_at, device, host(ip) AS ip`, OwnerOnly: true})

// FindEventPage returns a page of what has happened to a user's account, of which the viewer sees only their own.
func (d *DB) FindEventPage(ctx context.Context, viewer auth.Viewer, userID uuid.UUID, r Range) (*Page[SecurityEvent], error) {
	return eventList.FindPageOf(ctx, d, viewer, userID, r)
}
