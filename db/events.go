package db

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
)

// SecurityEvent is an event in the security history of an account, as its owner sees it.
type SecurityEvent struct {
	ID        uuid.UUID `db:"id"`
	Kind      string    `db:"kind"`
	CreatedAt time.Time `db:"created_at"`
	Device    *string   `db:"device"` // User-Agent; nil if the client sent none
	IP        *string   `db:"ip"`
	Operator  *string   `db:"operator"` // the username of an operator, or the command line; nil if no operator caused the event
}

var eventList = NewList[SecurityEvent](Listing{Table: `app.security_events`, Columns: `id, kind, created_at, device, host(ip) AS ip, operator`, OwnerOnly: true})

// FindEventPage returns a page of the security events of a user. Viewers see only their own.
func (d *DB) FindEventPage(ctx context.Context, viewer auth.Viewer, userID uuid.UUID, r Range) (*Page[SecurityEvent], error) {
	return eventList.FindPageOf(ctx, d, viewer, userID, r)
}
