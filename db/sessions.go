package db

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"freehold/auth"
	"freehold/fault"
)

// Session is a session to be started: a family of refresh tokens, of which only the hash is stored.
type Session struct {
	ID          uuid.UUID
	RefreshHash []byte
	Idle        time.Duration // it ends when not renewed for so long
	Lifetime    time.Duration // it ends in any case
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// FindSessionUser returns the user of a live session; UNAUTHENTICATED with its reason for any other.
func (d *DB) FindSessionUser(ctx context.Context, sessionID uuid.UUID) (uuid.UUID, error) {
	var viewer auth.Viewer
	err := d.transact(ctx, &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, tx *sqlx.Tx) (err error) {
		viewer, err = enter(ctx, tx, sessionID)
		return err
	})
	return viewer.UserID, err
}

// StartSession starts a session for an account that has just been verified, unless its hash is not the one that was
// seen any more: then ok is false. A new hash, if given, replaces the one that was seen.
func (t *SystemTx) StartSession(ctx context.Context, userID uuid.UUID, seenHash, newHash string, s Session) (ok bool, err error) {
	err = t.tx.GetContext(ctx, &ok, `SELECT app.sign_in($1, $2, NULLIF($3, ''), $4, $5, $6, $7)`,
		userID, seenHash, newHash, s.ID, s.RefreshHash, seconds(s.Idle), seconds(s.Lifetime))
	if err != nil {
		return false, fmt.Errorf("start session: %w", err)
	}
	return ok, nil
}

// RevokeSession ends the viewer's own session, for good and at once.
func (d *DB) RevokeSession(ctx context.Context, viewer auth.Viewer) error {
	return d.Write(ctx, viewer, func(ctx context.Context, tx *Tx) error {
		var ok bool
		if err := tx.Get(ctx, &ok, `SELECT app.revoke_session($1)`, tx.Viewer.SessionID); err != nil {
			return fmt.Errorf("revoke session: %w", err)
		}
		if !ok {
			return fault.SignIn(fault.Revoked)
		}
		return nil
	})
}

// Refresh is a refresh token that was presented, and the one that would succeed it.
type Refresh struct {
	SessionID uuid.UUID
	Presented []byte // hash
	Successor []byte // hash
	Genuine   bool   // whether we have issued the presented one, now or earlier
	Grace     time.Duration
	Idle      time.Duration
}

// RefreshOutcome is what became of a refresh.
type RefreshOutcome string

// The outcomes of app.refresh_session.
const (
	RefreshRotated  RefreshOutcome = "rotated"  // the successor is the session's token now
	RefreshRepeated RefreshOutcome = "repeated" // it was exchanged a moment ago
	RefreshReused   RefreshOutcome = "reused"   // it was exchanged long ago, and the session has ended by this
	RefreshRevoked  RefreshOutcome = "revoked"
	RefreshExpired  RefreshOutcome = "expired"
	RefreshInvalid  RefreshOutcome = "invalid"
)

// RefreshResult is the outcome, and where there is a token to hand out, whose it is and its hash.
type RefreshResult struct {
	Outcome RefreshOutcome `db:"outcome"`
	UserID  uuid.UUID      `db:"user_id"`
	Current []byte         `db:"current_hash"`
}

// RefreshSession exchanges a session's refresh token. Rivals with the same token are served one after the other. What
// it decides is committed whatever the outcome.
func (d *DB) RefreshSession(ctx context.Context, r Refresh) (result RefreshResult, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &result, `
			SELECT outcome, COALESCE(user_id, '00000000-0000-0000-0000-000000000000') AS user_id, current_hash
			  FROM app.refresh_session($1, $2, $3, $4, $5, $6)`,
			r.SessionID, r.Presented, r.Successor, r.Genuine, r.Grace.Seconds(), seconds(r.Idle))
	})
	if err != nil {
		return result, fmt.Errorf("refresh session: %w", err)
	}
	return result, nil
}
