package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold/auth"
)

// SecurityEvent is something that has happened to an account, as its owner sees it.
type SecurityEvent struct {
	ID        uuid.UUID `db:"id"`
	Kind      string    `db:"kind"`
	CreatedAt time.Time `db:"created_at"`
	Device    *string   `db:"device"` // User-Agent; nil where none was sent
	IP        *string   `db:"ip"`
}

const selectEvent = `
	SELECT e.id, e.kind, e.created_at, e.device, host(e.ip) AS ip
	  FROM app.security_events e`

var eventList = list{
	newest: selectEvent + `
	 WHERE (e.created_at, e.id) < ($1, $2) AND (e.created_at, e.id) > ($3, $4) AND e.user_id = $6
	 ORDER BY e.created_at DESC, e.id DESC
	 LIMIT $5`,
	oldest: selectEvent + `
	 WHERE (e.created_at, e.id) < ($1, $2) AND (e.created_at, e.id) > ($3, $4) AND e.user_id = $6
	 ORDER BY e.created_at, e.id
	 LIMIT $5`,
	before: `SELECT EXISTS (SELECT FROM app.security_events e WHERE (e.created_at, e.id) >= ($1, $2) AND e.user_id = $3)`,
	after:  `SELECT EXISTS (SELECT FROM app.security_events e WHERE (e.created_at, e.id) <= ($1, $2) AND e.user_id = $3)`,
}

// FindEventPage returns a page of what has happened to a user's account, of which the viewer sees his own alone.
func (d *DB) FindEventPage(ctx context.Context, viewer auth.Viewer, userID uuid.UUID, r Range) (*Page[SecurityEvent], error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (*Page[SecurityEvent], error) {
		p, err := findPage[SecurityEvent](ctx, tx, eventList, r, userID)
		if err != nil {
			return nil, fmt.Errorf("list security events: %w", err)
		}
		return p, nil
	})
}
