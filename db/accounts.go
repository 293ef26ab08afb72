package db

import (
	"context"
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
	Session      SessionParams
	PendingFor   time.Duration // how long it waits for its address to be verified; 0 where that is not required
	KeyHash      []byte        // of the client's key for this sign-up; nil for none
	Fingerprint  []byte        // of the values that were sent with that key, without the password
}

// CreateAccount writes the account, its credentials and its first session; see SystemTx.Enter for what follows. An account
// that is pending shares its address with others, and is to be closed by Tx.SuspendUntilVerified. ErrRepeated for a key that
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
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &taken, `SELECT email, username FROM app.find_taken($1, $2)`, emailKey, usernameKey)
	})
	if err != nil {
		return false, false, fmt.Errorf("look for a taken e-mail or username: %w", err)
	}
	return taken.Email, taken.Username, nil
}

// FindSalt returns what the password of the account of a normalised e-mail is hashed with, a PHC string without its key. It
// is "" without a password, without an account, and for a disabled or pending one. No hash leaves the database; see StartSession.
func (d *DB) FindSalt(ctx context.Context, emailKey string) (salt string, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return unlessNone(tx.tx.GetContext(ctx, &salt, `SELECT salt FROM app.find_salt($1)`, emailKey), "find salt")
	})
	return salt, err
}

// FindSignUp reports whether a client's key has signed up an account that can be used, and returns what its password is
// hashed with.
func (d *DB) FindSignUp(ctx context.Context, keyHash []byte) (salt string, found bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &salt, `SELECT salt FROM app.find_sign_up($1)`, keyHash)
		found = err == nil
		return unlessNone(err, "find an earlier sign-up")
	})
	return salt, found, err
}

// EarlierSignUp is an account that a client's key has signed up.
type EarlierSignUp struct {
	Pending     bool   `db:"pending"` // whether it waits for its address to be verified
	Verified    bool   `db:"is_verified"`
	Fingerprint []byte `db:"fingerprint"` // of the values that were sent with the key
}

// ProveSignUp returns the account that a client's key has signed up. ok is false, and the refusal is recorded, if this is not
// its address and the hash of its password.
func (d *DB) ProveSignUp(ctx context.Context, keyHash []byte, emailKey, hash string) (e EarlierSignUp, ok bool, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &e, `SELECT pending, is_verified, fingerprint FROM app.prove_sign_up($1, $2, $3)`, keyHash, emailKey, hash)
		ok = err == nil
		return unlessNone(err, "prove an earlier sign-up") // the refusal is to be committed
	})
	return e, ok, err
}
