package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// Purpose says what a one-time code is for.
type Purpose string

// The purposes of codes.
const (
	VerifyEmail   Purpose = "VERIFY_EMAIL"   // proves the address of an account
	ChangeEmail   Purpose = "CHANGE_EMAIL"   // proves the new address of an account
	ResetPassword Purpose = "RESET_PASSWORD" // replaces a forgotten password
	SignIn        Purpose = "SIGN_IN"        // signs in, or signs up
)

// Code is a one-time code to create. It replaces an older one of the same purpose, account and address.
type Code struct {
	ID       uuid.UUID // an HMAC of the code, so that only a client that knows the code can refer to it
	Seed     uuid.UUID // from which the code is derived; stored as the id of its mail
	Purpose  Purpose
	Email    string // the recipient, as typed
	EmailKey string // normalised
	ValidFor time.Duration
}

// Recipient is the recipient of the mail with a code.
type Recipient struct {
	Email    string `db:"email"`    // as the account spells it
	Username string `db:"username"` // of the account
	Known    bool   `db:"is_known"` // whether an account exists for the code; otherwise no mail may be sent
}

// RequestCode creates a code for the account of an address, to verify that address or to reset the password, and returns its
// recipient. For an address without such an account, it writes the same rows.
func (t *SystemTx) RequestCode(ctx context.Context, c Code) (r Recipient, err error) {
	err = t.tx.GetContext(ctx, &r, `SELECT email, username, is_known FROM app.request_code($1, $2, $3, $4, $5)`,
		c.ID, c.Purpose, c.Email, c.EmailKey, c.ValidFor.Seconds())
	if err != nil {
		return Recipient{}, fmt.Errorf("request code: %w", err)
	}
	return r, nil
}

// RequestEmailChange creates a code that proves a new address of the viewer. If another account has the address, RequestEmailChange
// returns it as that account spells it, and the code cannot be used; otherwise it returns "".
func (t *Tx) RequestEmailChange(ctx context.Context, c Code) (taken string, err error) {
	var found sql.NullString
	err = t.Get(ctx, &found, `SELECT app.request_email_change($1, $2, $3, $4)`, c.ID, c.Email, c.EmailKey, c.ValidFor.Seconds())
	if err != nil {
		return "", fmt.Errorf("request change of e-mail: %w", err)
	}
	return found.String, nil
}

// FindPendingEmail returns the new address of an unconfirmed change of e-mail. It returns nil if there is none, or if the viewer
// is another user.
func (t *Tx) FindPendingEmail(ctx context.Context, userID uuid.UUID) (email *string, err error) {
	if err := t.Get(ctx, &email, `SELECT app.pending_email($1)`, userID); err != nil {
		return nil, fmt.Errorf("find pending e-mail: %w", err)
	}
	return email, nil
}

// SuspendUntilVerified suspends the viewer's account, which this transaction has created, until the code verifies its address. If
// another account has the address, it returns the address as that account spells it, otherwise "". In the first case, and if the
// mail is withheld, the same rows are written but the code cannot be used. It deletes the viewer's session,
// but the transaction keeps its viewer.
func (t *Tx) SuspendUntilVerified(ctx context.Context, c Code, withheld bool) (taken string, err error) {
	var found sql.NullString
	if err := t.Get(ctx, &found, `SELECT app.suspend_until_verified($1, $2, $3)`, c.ID, c.ValidFor.Seconds(), withheld); err != nil {
		return "", fmt.Errorf("suspend account until it is verified: %w", err)
	}
	return found.String, nil
}

// SentCode is a valid code and the account that it was sent to.
type SentCode struct {
	ID          uuid.UUID `db:"id"`
	UserID      uuid.UUID `db:"user_id"`
	Email       string    `db:"email"`
	Username    string    `db:"username"`
	DisplayName *string   `db:"display_name"`
}

// FindCode returns the valid code with one of these ids that was sent to a normalised address for a purpose. ok is false if there
// is none.
func (d *DB) FindCode(ctx context.Context, purpose Purpose, emailKey string, ids []uuid.UUID) (c SentCode, ok bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &c, `SELECT id, user_id, email, username, display_name FROM app.find_code($1, $2, $3)`, purpose, emailKey, pq.Array(ids))
		ok = err == nil
		return unlessNone(err, "find code")
	})
	return c, ok, err
}

// Notice is the recipient of a notice about a change of an account.
type Notice struct {
	Email    string `db:"email"`
	Username string `db:"username"`
}

// ResetPassword uses a code to set a new password, revokes all sessions of the account and deletes its codes. ok is false if the
// code is invalid or has expired.
func (t *SystemTx) ResetPassword(ctx context.Context, codeID uuid.UUID, hash string) (n Notice, ok bool, err error) {
	return findNotice(ctx, t.tx, "reset password", `SELECT email, username FROM app.reset_password($1, $2)`, codeID, hash)
}

// Verified is an account whose address was verified.
type Verified struct {
	UserID          uuid.UUID `db:"user_id"`
	PasswordCleared bool      `db:"password_cleared"` // whether the password was deleted, since a stranger may have chosen it
}

// FindPendingSalt returns the salt of the password of the pending sign-up that a code belongs to. It returns "" if the code has
// expired, or belongs to an account that is not pending.
func (d *DB) FindPendingSalt(ctx context.Context, codeID uuid.UUID) (salt string, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return unlessNone(tx.tx.GetContext(ctx, &salt, `SELECT salt FROM app.find_pending_salt($1)`, codeID), "find the salt of a pending sign-up")
	})
	return salt, err
}

// VerifyEmail uses a code that proves an address, starts a session, and revokes all other access to the account. Call Enter next. A
// pending sign-up keeps its credentials if seenHash is its hash, or if passkeyID, which can be nil, is the credential of its passkey. ok is
// false if the code is invalid or has expired.
func (t *SystemTx) VerifyEmail(ctx context.Context, codeID uuid.UUID, seenHash string, passkeyID *uuid.UUID, s SessionParams) (v Verified, ok bool, err error) {
	err = t.tx.GetContext(ctx, &v, `SELECT user_id, password_cleared FROM app.verify_email($1, $2, $3, $4, $5, $6, $7)`,
		codeID, seenHash, s.ID, s.RefreshHash, seconds(s.Idle), seconds(s.Lifetime), passkeyID)
	return v, err == nil, unlessNone(err, "verify e-mail")
}

// VerifyEmail uses a code that proves the viewer's address. ok is false if the code is invalid or has expired.
func (t *Tx) VerifyEmail(ctx context.Context, codeID uuid.UUID) (ok bool, err error) {
	var userID uuid.UUID
	err = t.Get(ctx, &userID, `SELECT user_id FROM app.verify_email($1, NULL, NULL, NULL, NULL, NULL, NULL)`, codeID)
	return err == nil, unlessNone(err, "verify e-mail")
}

// ChangedEmail has the old and the new address of an account.
type ChangedEmail struct {
	Old      string `db:"old_email"`
	New      string `db:"new_email"`
	Username string `db:"username"`
}

// ChangeEmail uses a code that proves the viewer's new address, and makes it the address of the account. ok is false if the code
// is invalid or has expired.
func (t *Tx) ChangeEmail(ctx context.Context, codeID uuid.UUID) (c ChangedEmail, ok bool, err error) {
	err = t.Get(ctx, &c, `SELECT old_email, new_email, username FROM app.change_email($1)`, codeID)
	return c, err == nil, unlessNone(err, "change e-mail")
}

// findNotice runs the query of a change, which returns a Notice. ok is false if it returns no row, since it changed nothing.
func findNotice(ctx context.Context, tx runner, what, query string, args ...any) (n Notice, ok bool, err error) {
	err = tx.GetContext(ctx, &n, query, args...)
	return n, err == nil, unlessNone(err, what)
}

// unlessNone wraps an error. It returns nil for sql.ErrNoRows.
func unlessNone(err error, what string) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
