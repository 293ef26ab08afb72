package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Account is what is written of a new account besides its profile.
type Account struct {
	UserID       uuid.UUID
	Email        string
	EmailKey     string // normalised; unique
	UsernameKey  string // normalised; one that a sign-up has left behind which was not verified in time becomes free
	PasswordHash string // PHC string
	Session      Session
	PendingFor   time.Duration // how long it waits for its address to be verified; 0 where that is not required
	KeyHash      []byte        // of the client's key for this sign-up; nil for none
	Fingerprint  []byte        // of the values that were sent with that key, without the password
}

// CreateAccount writes the account, its credentials and its first session; see SystemTx.Enter for what follows. An account
// that is pending shares its address with others, and is to be closed by Tx.AwaitVerification. ErrRepeated for a key that
// has signed up an account already.
func (t *SystemTx) CreateAccount(ctx context.Context, a Account) error {
	_, err := t.tx.ExecContext(ctx, `SELECT app.sign_up($1, $2, $3, $4, $5, $6, $7, $8, $9, NULLIF($10, 0), $11, $12)`,
		a.UserID, a.Email, a.EmailKey, a.UsernameKey, a.PasswordHash,
		a.Session.ID, a.Session.RefreshHash, seconds(a.Session.Idle), seconds(a.Session.Lifetime), seconds(a.PendingFor), a.KeyHash, a.Fingerprint)
	if err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	return nil
}

// FindTaken reports which of two normalised keys belong to an account. An empty key belongs to none.
func (d *DB) FindTaken(ctx context.Context, emailKey, usernameKey string) (email, username bool, err error) {
	var taken struct{ Email, Username bool }
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &taken, `SELECT email, username FROM app.taken($1, $2)`, emailKey, usernameKey)
	})
	if err != nil {
		return false, false, fmt.Errorf("look for a taken e-mail or username: %w", err)
	}
	return taken.Email, taken.Username, nil
}

// Credentials are what a sign-in is verified against. Without an account, or with a disabled or pending one, they are
// those of nobody: uuid.Nil and "".
type Credentials struct {
	UserID       uuid.UUID `db:"user_id"`
	PasswordHash string    `db:"password_hash"` // "" where there is no password
	Verified     bool      `db:"is_verified"`   // whether the address is
}

// FindCredentials returns the credentials of the account of a normalised e-mail.
func (d *DB) FindCredentials(ctx context.Context, emailKey string) (c Credentials, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &c, `SELECT user_id, password_hash, is_verified FROM app.find_credentials($1)`, emailKey)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return Credentials{}, fmt.Errorf("find credentials: %w", err)
	}
	return c, nil
}

// RefuseSignIn notes that a sign-in was refused; uuid.Nil for an address without an account.
func (d *DB) RefuseSignIn(ctx context.Context, userID uuid.UUID) error {
	err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		_, err := tx.tx.ExecContext(ctx, `SELECT app.refuse_sign_in($1)`, nullable(userID))
		return err
	})
	if err != nil {
		return fmt.Errorf("note a refused sign-in: %w", err)
	}
	return nil
}

// EarlierSignUp is an account that a client's key has signed up.
type EarlierSignUp struct {
	UserID       uuid.UUID `db:"user_id"`
	EmailKey     string    `db:"email_key"`
	PasswordHash string    `db:"password_hash"`
	Pending      bool      `db:"pending"` // whether it waits for its address to be verified
	Verified     bool      `db:"is_verified"`
	Fingerprint  []byte    `db:"fingerprint"` // of the values that were sent with the key
}

// FindSignUp returns the account that a client's key has signed up; nil for none, or for one that cannot be used.
func (d *DB) FindSignUp(ctx context.Context, keyHash []byte) (*EarlierSignUp, error) {
	var found []EarlierSignUp
	err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		found = nil
		return tx.tx.SelectContext(ctx, &found, `SELECT user_id, email_key, password_hash, pending, is_verified, fingerprint FROM app.find_sign_up($1)`, keyHash)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("find an earlier sign-up: %w", err)
	case len(found) == 0:
		return nil, nil //nolint:nilnil // documented
	}
	return &found[0], nil
}
