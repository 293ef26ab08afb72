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

// Proved is an account and the credential of it that a client has proved. UserID is uuid.Nil if the client has proved nothing.
type Proved struct {
	UserID       uuid.UUID  `db:"user_id"`
	CredentialID *uuid.UUID `db:"credential_id"` // nil if it is not known
}

// EntryOutcome is what came of EnterAccount.
type EntryOutcome string

// The outcomes of EnterAccount.
const (
	EntryStarted      EntryOutcome = "started"
	EntrySecondFactor EntryOutcome = "second_factor" // the account requires a second factor, and nothing was written
	EntryRefused      EntryOutcome = "refused"       // the account cannot be used; recorded as a refused sign-in
)

// EnterAccount starts a session of an account whose credential a client has proved. With verifiedOnly, it refuses an account whose
// address is not verified. Call Enter next, if the session has started.
func (t *SystemTx) EnterAccount(ctx context.Context, p Proved, how auth.Proof, s SessionParams, verifiedOnly bool) (outcome EntryOutcome, err error) {
	err = t.tx.GetContext(ctx, &outcome, `SELECT app.enter_account($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		p.UserID, p.CredentialID, s.ID, s.RefreshHash, seconds(s.Idle), seconds(s.Lifetime), pq.Array(how.Methods), how.Strong, verifiedOnly)
	if err != nil {
		return "", fmt.Errorf("enter an account: %w", err)
	}
	return outcome, nil
}

// EnterWithPassword is EnterAccount for the account of a normalised e-mail, if hash is the hash of its password, in one statement. Otherwise
// it records a refused sign-in, and the outcome is EntryRefused.
func (t *SystemTx) EnterWithPassword(ctx context.Context, emailKey, hash string, how auth.Proof, s SessionParams, verifiedOnly bool) (p Proved, outcome EntryOutcome, err error) {
	var entered struct {
		Proved
		Outcome EntryOutcome `db:"outcome"`
	}
	err = t.tx.GetContext(ctx, &entered, `
		SELECT p.user_id, p.credential_id, app.enter_account(p.user_id, p.credential_id, $3, $4, $5, $6, $7, $8, $9) AS outcome
		  FROM app.prove_password($1, $2) p`,
		emailKey, hash, s.ID, s.RefreshHash, seconds(s.Idle), seconds(s.Lifetime), pq.Array(how.Methods), how.Strong, verifiedOnly)
	if err != nil {
		return Proved{}, EntryRefused, unlessNone(err, "enter with a password")
	}
	return entered.Proved, entered.Outcome, nil
}

// AuthenticateAgain records in the viewer's session that they have proved again who they are.
func (t *Tx) AuthenticateAgain(ctx context.Context, how auth.Proof) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.authenticate_again($1, $2)`, pq.Array(how.Methods), how.Strong); err != nil {
		return fmt.Errorf("authenticate again: %w", err)
	}
	return nil
}

// RevokeOldestSessions revokes the oldest live sessions of the viewer, until no more than keep are left. It never revokes the
// viewer's current session.
func (t *Tx) RevokeOldestSessions(ctx context.Context, keep int) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.revoke_oldest_sessions($1)`, keep); err != nil {
		return fmt.Errorf("revoke the oldest sessions: %w", err)
	}
	return nil
}

// SignOut revokes the session of a refresh token, and reports whether it was live. genuine says whether the service issued the
// token, at any time.
func (d *DB) SignOut(ctx context.Context, sessionID uuid.UUID, tokenHash []byte, genuine bool) (revoked bool, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &revoked, `SELECT app.sign_out($1, $2, $3)`, sessionID, tokenHash, genuine)
	})
	if err != nil {
		return false, fmt.Errorf("sign out: %w", err)
	}
	return revoked, nil
}

// RevokeSession revokes a session of the viewer; NOT_FOUND if it belongs to another user or is already revoked. The transaction
// keeps its viewer, even if the session is the current one.
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

// RevokeOtherSessions revokes every session of the viewer except the current one, and returns their ids, newest first.
func (t *Tx) RevokeOtherSessions(ctx context.Context) (ids []uuid.UUID, err error) {
	if err := t.Select(ctx, &ids, `SELECT id FROM app.revoke_other_sessions()`); err != nil {
		return nil, fmt.Errorf("revoke other sessions: %w", err)
	}
	return ids, nil
}

// LiveSession is a session that is neither revoked nor expired, as its owner sees it.
type LiveSession struct {
	ID         uuid.UUID `db:"id"`
	UserID     uuid.UUID `db:"user_id"`
	Device     *string   `db:"device"` // User-Agent; nil if the client sent none
	IP         *string   `db:"ip"`
	CreatedAt  time.Time `db:"created_at"`
	LastUsedAt time.Time `db:"last_used_at"` // when it was last refreshed
	ExpiresAt  time.Time `db:"expires_at"`   // unless it is refreshed
}

const sessionColumns = `id, user_id, device, host(ip) AS ip, created_at, last_used_at, LEAST(expires_at, idle_expires_at) AS expires_at`

// liveSession begins with the expression of the index sessions_live, so that PostgreSQL reads no revoked or expired session, of
// which an account may have many. LEAST ignores NULL. If a session is revoked after this transaction began, its revoked_at is
// later than now(), so the condition checks revoked_at as well.
const liveSession = `LEAST(expires_at, idle_expires_at, revoked_at) > now() AND revoked_at IS NULL`

// No index can have the live sessions in the order of a page, since now() changes. A page reads all live sessions of an account;
// FREEHOLD_ACCOUNT_SESSIONS limits their number.
var sessionList = NewList[LiveSession](Listing{Table: `app.sessions`, Columns: sessionColumns, Where: liveSession, OwnerOnly: true})

// FindSessionPage returns a page of the live sessions of a user. Viewers see only their own.
func (d *DB) FindSessionPage(ctx context.Context, viewer auth.Viewer, userID uuid.UUID, r Range) (*Page[LiveSession], error) {
	return sessionList.FindPageOf(ctx, d, viewer, userID, r)
}

// FindSessions returns the live sessions with these ids that belong to the viewer, in any order.
func (t *Tx) FindSessions(ctx context.Context, ids []uuid.UUID) (found []LiveSession, err error) {
	if err := t.Select(ctx, &found, `
		SELECT `+sessionColumns+`
		  FROM app.sessions
		 WHERE `+liveSession+` AND id = ANY ($1)`, pq.Array(ids)); err != nil {
		return nil, fmt.Errorf("find sessions: %w", err)
	}
	return found, nil
}

// Refresh is a refresh token that a client presents, and its successor.
type Refresh struct {
	SessionID uuid.UUID
	Presented []byte // hash
	Successor []byte // hash
	Genuine   bool   // whether the service issued the presented token, at any time
	Grace     time.Duration
	Idle      time.Duration
}

// RefreshOutcome is the outcome of a refresh.
type RefreshOutcome string

// The outcomes of app.refresh_session.
const (
	RefreshRotated  RefreshOutcome = "rotated"  // the successor is the session's token
	RefreshRepeated RefreshOutcome = "repeated" // the token was exchanged within the grace period
	RefreshReused   RefreshOutcome = "reused"   // the token was exchanged before the grace period; this revoked the session
	RefreshRevoked  RefreshOutcome = "revoked"
	RefreshExpired  RefreshOutcome = "expired"
	RefreshInvalid  RefreshOutcome = "invalid"
)

// RefreshResult is the outcome. If it is rotated or repeated, it has the session's user, the claims of the next access token, and the hash of
// the current refresh token.
type RefreshResult struct {
	Outcome RefreshOutcome `db:"outcome"`
	UserID  uuid.UUID      `db:"user_id"`
	Current []byte         `db:"current_hash"`
	sessionClaims
}

// Viewer returns the viewer of the session.
func (r RefreshResult) Viewer(sessionID uuid.UUID) auth.Viewer {
	return auth.Viewer{UserID: r.UserID, SessionID: sessionID, Scopes: r.Scopes, Authentication: r.authentication()}
}

// RefreshSession exchanges a session's refresh token. Concurrent calls with the same token run one after the other. The outcome is
// committed in every case.
func (d *DB) RefreshSession(ctx context.Context, r Refresh) (result RefreshResult, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &result, `
			SELECT r.outcome, COALESCE(r.user_id, '00000000-0000-0000-0000-000000000000') AS user_id, r.current_hash, COALESCE(c.scopes, '') AS scopes,
			       COALESCE(c.methods, '') AS methods, COALESCE(c.strong, false) AS strong, COALESCE(c.authenticated_at, 0) AS authenticated_at
			  FROM app.refresh_session($1, $2, $3, $4, $5, $6) r LEFT JOIN LATERAL app.session_claims($1, $7) c ON r.user_id IS NOT NULL`,
			r.SessionID, r.Presented, r.Successor, r.Genuine, r.Grace.Seconds(), seconds(r.Idle), d.strong)
	})
	if err != nil {
		return result, fmt.Errorf("refresh session: %w", err)
	}
	return result, nil
}

// RefreshedWithin reports whether the viewer's session was refreshed within span.
func (d *DB) RefreshedWithin(ctx context.Context, viewer auth.Viewer, span time.Duration) (bool, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (recent bool, err error) {
		err = tx.Get(ctx, &recent, `SELECT last_used_at + make_interval(secs => $2) > clock_timestamp() FROM app.sessions WHERE id = $1`,
			viewer.SessionID, span.Seconds())
		if err != nil {
			return false, fmt.Errorf("find when the session was refreshed: %w", err)
		}
		return recent, nil
	})
}
