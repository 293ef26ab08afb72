package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

// SessionParams describe a session to start: a family of refresh tokens. The database stores only the hash of a token.
type SessionParams struct {
	ID          uuid.UUID
	RefreshHash []byte
	Idle        time.Duration // after which the session expires, unless it is refreshed
	Lifetime    time.Duration // after which the session expires in any case
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// StartSession starts a session for the account of a normalised e-mail, if this is the hash of its password; with
// verifiedOnly the e-mail has to be verified as well. Otherwise ok is false, and the refusal is recorded.
func (t *SystemTx) StartSession(ctx context.Context, emailKey, hash string, verifiedOnly bool, s SessionParams) (ok bool, err error) {
	err = t.tx.GetContext(ctx, &ok, `SELECT app.sign_in($1, $2, $3, $4, $5, $6, $7)`,
		emailKey, hash, verifiedOnly, s.ID, s.RefreshHash, seconds(s.Idle), seconds(s.Lifetime))
	if err != nil {
		return false, fmt.Errorf("start session: %w", err)
	}
	return ok, nil
}

// RevokeOldestSessions revokes the oldest live sessions of the viewer, until there are no more than so many, and never the one that
// asks.
func (t *Tx) RevokeOldestSessions(ctx context.Context, keep int) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.revoke_oldest_sessions($1)`, keep); err != nil {
		return fmt.Errorf("end the oldest sessions: %w", err)
	}
	return nil
}

// SignOut revokes the session of a refresh token, and reports whether it was live. Genuine says whether we issued the token,
// however old it is.
func (d *DB) SignOut(ctx context.Context, sessionID uuid.UUID, tokenHash []byte, genuine bool) (revoked bool, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &revoked, `SELECT app.sign_out($1, $2, $3)`, sessionID, tokenHash, genuine)
	})
	if err != nil {
		return false, fmt.Errorf("sign out: %w", err)
	}
	return revoked, nil
}

// RevokeSession revokes a session of the viewer; NOT_FOUND if it is not the viewer's, or has been revoked. The viewer remains the
// viewer of this transaction.
func (t *Tx) RevokeSession(ctx context.Context, sessionID uuid.UUID) error {
	var ok bool
	if err := t.Get(ctx, &ok, `SELECT app.revoke_session($1)`, sessionID); err != nil {
		return fmt.Errorf("revoke session: %w", err)
	}
	if !ok {
		return fault.Gone()
	}
	return nil
}

// RevokeOtherSessions ends every session of the viewer but the one that asks, and returns their ids, the newest first.
func (t *Tx) RevokeOtherSessions(ctx context.Context) (ids []uuid.UUID, err error) {
	if err := t.Select(ctx, &ids, `SELECT id FROM app.revoke_other_sessions()`); err != nil {
		return nil, fmt.Errorf("revoke other sessions: %w", err)
	}
	return ids, nil
}

// LiveSession is a session that has not ended, as its owner sees it.
type LiveSession struct {
	ID         uuid.UUID `db:"id"`
	UserID     uuid.UUID `db:"user_id"`
	Device     *string   `db:"device"` // User-Agent; nil where none was sent
	IP         *string   `db:"ip"`
	CreatedAt  time.Time `db:"created_at"`
	LastUsedAt time.Time `db:"last_used_at"` // when it was last renewed
	ExpiresAt  time.Time `db:"expires_at"`   // unless it is renewed
}

const sessionColumns = `id, user_id, device, host(ip) AS ip, created_at, last_used_at, LEAST(expires_at, idle_expires_at) AS expires_at`

// liveSession begins with the expression of the index sessions_live, so that PostgreSQL reads no session that has ended,
// of which an account may have many. LEAST ignores NULL. A session that was revoked after this transaction began ends later
// than now(), so revoked_at is checked as well.
const liveSession = `LEAST(expires_at, idle_expires_at, revoked_at) > now() AND revoked_at IS NULL`

// Since now() moves on, no index has the live sessions in the order of a page. A page reads all of an account's live sessions;
// FREEHOLD_ACCOUNT_SESSIONS bounds their number.
var sessionList = NewList[LiveSession](Listing{Table: `app.sessions`, Columns: sessionColumns, Where: liveSession, OwnerOnly: true})

// FindSessionPage returns a page of the live sessions of a user, of which the viewer sees only their own.
func (d *DB) FindSessionPage(ctx context.Context, viewer auth.Viewer, userID uuid.UUID, r Range) (*Page[LiveSession], error) {
	return sessionList.FindPageOf(ctx, d, viewer, userID, r)
}

// FindSessions returns those of the sessions with these ids that are live and the viewer's own.
func (t *Tx) FindSessions(ctx context.Context, ids []uuid.UUID) (found []LiveSession, err error) {
	if err := t.Select(ctx, &found, `
		SELECT `+sessionColumns+`
		  FROM app.sessions
		 WHERE `+liveSession+` AND id = ANY ($1)`, pq.Array(ids)); err != nil {
		return nil, fmt.Errorf("find sessions: %w", err)
	}
	return found, nil
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

// RenewedWithin reports whether the viewer's session was renewed so short a time ago.
func (d *DB) RenewedWithin(ctx context.Context, viewer auth.Viewer, span time.Duration) (bool, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (recent bool, err error) {
		err = tx.Get(ctx, &recent, `SELECT last_used_at + make_interval(secs => $2) > clock_timestamp() FROM app.sessions WHERE id = $1`,
			viewer.SessionID, span.Seconds())
		if err != nil {
			return false, fmt.Errorf("look when the session was renewed: %w", err)
		}
		return recent, nil
	})
}
