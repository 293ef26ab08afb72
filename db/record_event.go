package db

import (
	"context"
	"fmt"
)

// EventKind is the kind of a security event that viewers cause. SQL functions record the other kinds.
type EventKind string

// The kinds that app.record_own_event accepts.
const (
	SignedOut            EventKind = "SIGNED_OUT"
	SessionRevoked       EventKind = "SESSION_REVOKED"
	OtherSessionsRevoked EventKind = "OTHER_SESSIONS_REVOKED"
	Reauthenticated      EventKind = "REAUTHENTICATED"
	UsernameChanged      EventKind = "USERNAME_CHANGED"
)

// RecordEvent records a security event for the viewer's account.
func (t *Tx) RecordEvent(ctx context.Context, kind EventKind) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.record_own_event($1)`, kind); err != nil {
		return fmt.Errorf("record event %s: %w", kind, err)
	}
	return nil
}
