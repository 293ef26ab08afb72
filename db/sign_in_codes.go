package db

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// SignUpForm is what a visitor who requests a code to sign in wants to sign up with, if no account has the address.
type SignUpForm struct {
	Username string        `json:"username"`
	Profile  ProfileFields `json:"profile"`
}

// RequestSignInCode creates a code that signs in to the account of an address, or signs up if no account has the address. The form is
// that of such a sign-up; nil for none. It writes the same rows for every address. Recipient.Known is false if no mail may be sent.
func (t *SystemTx) RequestSignInCode(ctx context.Context, c Code, form *SignUpForm) (r Recipient, err error) {
	var data []byte // NULL
	if form != nil {
		if data, err = json.Marshal(form); err != nil {
			return Recipient{}, fmt.Errorf("request a code to sign in: %w", err)
		}
	}
	err = t.tx.GetContext(ctx, &r, `SELECT email, '' AS username, is_known FROM app.request_sign_in_code($1, $2, $3, $4, $5)`,
		c.ID, c.Email, c.EmailKey, data, c.ValidFor.Seconds())
	if err != nil {
		return Recipient{}, fmt.Errorf("request a code to sign in: %w", err)
	}
	return r, nil
}

// SignInCode is a valid code that was sent to an address.
type SignInCode struct {
	ID     uuid.UUID
	Email  string
	UserID *uuid.UUID  // of the account that has the address now; nil if there is none
	Form   *SignUpForm // nil if the client sent none with its request
}

// FindSignInCode returns the valid code with one of these ids that was sent to a normalised address. ok is false if there is none.
func (d *DB) FindSignInCode(ctx context.Context, emailKey string, ids []uuid.UUID) (c SignInCode, ok bool, err error) {
	var row struct {
		ID     uuid.UUID  `db:"id"`
		Email  string     `db:"email"`
		UserID *uuid.UUID `db:"user_id"`
		Form   []byte     `db:"form"`
	}
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &row, `SELECT id, email, user_id, form FROM app.find_sign_in_code($1, $2)`, emailKey, pq.Array(ids))
		ok = err == nil
		return unlessNone(err, "find a code to sign in")
	})
	c = SignInCode{ID: row.ID, Email: row.Email, UserID: row.UserID}
	if err == nil && row.Form != nil {
		c.Form = &SignUpForm{}
		if err = json.Unmarshal(row.Form, c.Form); err != nil {
			err = fmt.Errorf("read the form of a code to sign in: %w", err)
		}
	}
	return c, ok, err
}

// UseSignInCode uses a code that signs in to an account. If nobody had verified its address, it verifies the address, and deletes all
// credentials and ends all sessions of the account, since a stranger may have signed up with it. ok is false if the code cannot sign in.
func (t *SystemTx) UseSignInCode(ctx context.Context, codeID uuid.UUID) (p Proved, verifiedNow, ok bool, err error) {
	var used struct {
		Proved
		VerifiedNow bool `db:"verified_now"`
	}
	err = t.tx.GetContext(ctx, &used, `SELECT user_id, credential_id, verified_now FROM app.use_sign_in_code($1)`, codeID)
	return used.Proved, used.VerifiedNow, err == nil, unlessNone(err, "use a code to sign in")
}

// UseSignUpCode uses a code with which its recipient signs up. ok is false if it is invalid or has expired.
func (t *SystemTx) UseSignUpCode(ctx context.Context, codeID uuid.UUID) (ok bool, err error) {
	if err := t.tx.GetContext(ctx, &ok, `SELECT app.use_sign_up_code($1)`, codeID); err != nil {
		return false, fmt.Errorf("use a code to sign up: %w", err)
	}
	return ok, nil
}

// ReauthenticateWithCode uses a code that signs in to the viewer's account, to record that they have proved again who they are. ok is
// false if the code is invalid, has expired, or belongs to another account.
func (t *Tx) ReauthenticateWithCode(ctx context.Context, codeID uuid.UUID) (ok bool, err error) {
	if err := t.Get(ctx, &ok, `SELECT app.reauthenticate_with_code($1)`, codeID); err != nil {
		return false, fmt.Errorf("reauthenticate with a code: %w", err)
	}
	return ok, nil
}

// AddEmailCode lets the viewer sign in with codes by mail. Added is false if they can already, and verified if their address is not
// verified.
func (t *Tx) AddEmailCode(ctx context.Context) (added, verified bool, err error) {
	var result *bool
	if err := t.Get(ctx, &result, `SELECT app.add_email_code()`); err != nil {
		return false, false, fmt.Errorf("add codes by mail: %w", err)
	}
	return result != nil && *result, result != nil, nil
}

// SetPassword gives the viewer a password. ok is false if they have one, or if their account has no address.
func (t *Tx) SetPassword(ctx context.Context, hash string) (ok bool, err error) {
	if err := t.Get(ctx, &ok, `SELECT app.set_password($1)`, hash); err != nil {
		return false, fmt.Errorf("set a password: %w", err)
	}
	return ok, nil
}
