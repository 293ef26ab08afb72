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

// Purpose is what a one-time code is good for.
type Purpose string

// The purposes of codes.
const (
	VerifyEmail   Purpose = "VERIFY_EMAIL"   // it proves the address of an account
	ChangeEmail   Purpose = "CHANGE_EMAIL"   // it proves the address that an account is to have
	ResetPassword Purpose = "RESET_PASSWORD" // it stands in for the password
)

// Code is a one-time code to be made. It takes the place of an older one of the same purpose, account and address.
type Code struct {
	ID       uuid.UUID // an HMAC of the code: only who knows the code can name it
	Seed     uuid.UUID // what the code is derived from; it is stored as the id of its mail
	Purpose  Purpose
	Email    string // to which it is to be sent, as it was typed
	EmailKey string // normalised
	ValidFor time.Duration
}

// Recipient is who gets the mail with a code.
type Recipient struct {
	Email    string `db:"email"`    // as the account spells it
	Username string `db:"username"` // of the account
	Known    bool   `db:"is_known"` // whether there is an account that the code is for; without one there is nobody to write to
}

// RequestCode makes a code for the account of an address, to verify that address or for a new password, and says who is
// to get it. For an address without such an account the same is written.
func (t *SystemTx) RequestCode(ctx context.Context, c Code) (r Recipient, err error) {
	err = t.tx.GetContext(ctx, &r, `SELECT email, username, is_known FROM app.request_code($1, $2, $3, $4, $5)`,
		c.ID, c.Purpose, c.Email, c.EmailKey, c.ValidFor.Seconds())
	if err != nil {
		return Recipient{}, fmt.Errorf("request code: %w", err)
	}
	return r, nil
}

// RequestEmailChange makes a code that proves a new address of the viewer's. It returns the address of the account that
// has it already, "" for none; then there is no such code.
func (t *Tx) RequestEmailChange(ctx context.Context, c Code) (taken string, err error) {
	var found sql.NullString
	err = t.Get(ctx, &found, `SELECT app.request_email_change($1, $2, $3, $4)`, c.ID, c.Email, c.EmailKey, c.ValidFor.Seconds())
	if err != nil {
		return "", fmt.Errorf("request change of e-mail: %w", err)
	}
	return found.String, nil
}

// FindPendingEmail returns the new address of a change of e-mail that is not confirmed yet. It is nil if there is none, and if
// the viewer is another user.
func (t *Tx) FindPendingEmail(ctx context.Context, userID uuid.UUID) (email *string, err error) {
	if err := t.Get(ctx, &email, `SELECT app.pending_email($1)`, userID); err != nil {
		return nil, fmt.Errorf("find pending e-mail: %w", err)
	}
	return email, nil
}

// SuspendUntilVerified closes the viewer's account, which this transaction has made, until its address is verified by the
// code. It returns the address of the account that has it already, "" for none. Then there is no such code, and none where its
// mail is withheld; the same is written. Afterwards the
// transaction has a viewer whose session is gone.
func (t *Tx) SuspendUntilVerified(ctx context.Context, c Code, withheld bool) (taken string, err error) {
	var found sql.NullString
	if err := t.Get(ctx, &found, `SELECT app.suspend_until_verified($1, $2, $3)`, c.ID, c.ValidFor.Seconds(), withheld); err != nil {
		return "", fmt.Errorf("await verification: %w", err)
	}
	return found.String, nil
}

// SentCode is the code that was typed, and whose it is.
type SentCode struct {
	ID          uuid.UUID `db:"id"`
	UserID      uuid.UUID `db:"user_id"`
	Email       string    `db:"email"`
	Username    string    `db:"username"`
	DisplayName *string   `db:"display_name"`
}

// FindCode returns the valid code of a purpose that was sent to a normalised address and has one of these ids. ok is false if
// there is none.
func (d *DB) FindCode(ctx context.Context, purpose Purpose, emailKey string, ids []uuid.UUID) (c SentCode, ok bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &c, `SELECT id, user_id, email, username, display_name FROM app.find_code($1, $2, $3)`, purpose, emailKey, pq.Array(ids))
		ok = err == nil
		return unlessNone(err, "find code")
	})
	return c, ok, err
}

// Notice is to whom a change of an account is told.
type Notice struct {
	Email    string `db:"email"`
	Username string `db:"username"`
}

// ResetPassword uses a code for a new password, and ends all sessions and codes of its account. ok is false where the code
// does not count any more.
func (t *SystemTx) ResetPassword(ctx context.Context, codeID uuid.UUID, hash string) (n Notice, ok bool, err error) {
	return findNotice(ctx, t.tx, "reset password", `SELECT email, username FROM app.reset_password($1, $2)`, codeID, hash)
}

// Verified is an account whose address was proved.
type Verified struct {
	UserID          uuid.UUID `db:"user_id"`
	PasswordCleared bool      `db:"password_cleared"` // it has no password any more, since somebody else may have chosen it
}

// FindPendingSalt returns what the password of the sign-up that waits for a code is hashed with; "" if the code is another
// account's, or expired.
func (d *DB) FindPendingSalt(ctx context.Context, codeID uuid.UUID) (salt string, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return unlessNone(tx.tx.GetContext(ctx, &salt, `SELECT salt FROM app.find_pending_salt($1)`, codeID), "find the salt of a sign-up")
	})
	return salt, err
}

// VerifyEmail uses a code that proves an address, starts a session, and ends what else the account could be reached by;
// see Enter for what follows. A sign-up that waits for the code keeps its password if that is the hash that was seen. ok is false if the code is no longer valid.
func (t *SystemTx) VerifyEmail(ctx context.Context, codeID uuid.UUID, seenHash string, s SessionParams) (v Verified, ok bool, err error) {
	err = t.tx.GetContext(ctx, &v, `SELECT user_id, password_cleared FROM app.verify_email($1, $2, $3, $4, $5, $6)`,
		codeID, seenHash, s.ID, s.RefreshHash, seconds(s.Idle), seconds(s.Lifetime))
	return v, err == nil, unlessNone(err, "verify e-mail")
}

// VerifyEmail uses a code that proves the viewer's address. ok is false if the code is no longer valid.
func (t *Tx) VerifyEmail(ctx context.Context, codeID uuid.UUID) (ok bool, err error) {
	var userID uuid.UUID
	err = t.Get(ctx, &userID, `SELECT user_id FROM app.verify_email($1, NULL, NULL, NULL, NULL, NULL)`, codeID)
	return err == nil, unlessNone(err, "verify e-mail")
}

// ChangedEmail is the address that an account had, and the one that it has.
type ChangedEmail struct {
	Old      string `db:"old_email"`
	New      string `db:"new_email"`
	Username string `db:"username"`
}

// ChangeEmail uses a code that proves the viewer's new address, and makes it the address of the account. ok is false where
// the code does not count any more.
func (t *Tx) ChangeEmail(ctx context.Context, codeID uuid.UUID) (c ChangedEmail, ok bool, err error) {
	err = t.Get(ctx, &c, `SELECT old_email, new_email, username FROM app.change_email($1)`, codeID)
	return c, err == nil, unlessNone(err, "change e-mail")
}

// findNotice runs the query of a change, which returns a Notice. ok is false if it returns no row, since it changed nothing.
func findNotice(ctx context.Context, tx runner, what, query string, args ...any) (n Notice, ok bool, err error) {
	err = tx.GetContext(ctx, &n, query, args...)
	return n, err == nil, unlessNone(err, what)
}

// unlessNone wraps an error, but for that of no row.
func unlessNone(err error, what string) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
