package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
)

// Account has the values of a new account, except those of its profile.
type Account struct {
	UserID       uuid.UUID
	Email        string // "" for none
	EmailKey     string // normalised; unique
	Verified     bool   // whether the caller has proved the address
	UsernameKey  string // normalised; an expired pending sign-up with this username is deleted
	PasswordHash string // PHC string; "" for none
	Anonymous    bool   // whether nothing but its session leads to the account
	Session      SessionParams
	Proof        auth.Proof
	PendingFor   time.Duration // how long the account waits for its address to be verified; 0 if that is not required
	KeyHash      []byte        // of the client's idempotency key; nil for none
	Fingerprint  []byte        // of the values sent with that key, except the password
}

// CreateAccount writes the account, its password if it has one, and its first session. Call SystemTx.Enter next. If the account is pending, call
// Tx.SuspendUntilVerified after that; several pending accounts may have the same address. CreateAccount returns ErrRepeated if an
// earlier sign-up has used the key.
func (t *SystemTx) CreateAccount(ctx context.Context, a Account) error {
	_, err := t.tx.ExecContext(ctx, `SELECT app.sign_up($1, NULLIF($2, ''), NULLIF($3, ''), $4, $5, $6, $7, $8, $9, NULLIF($10, 0), $11, $12, $13, $14, $15, $16)`,
		a.UserID, a.Email, a.EmailKey, a.UsernameKey, a.PasswordHash,
		a.Session.ID, a.Session.RefreshHash, seconds(a.Session.Idle), seconds(a.Session.Lifetime), seconds(a.PendingFor), a.KeyHash, a.Fingerprint,
		pq.Array(a.Proof.Methods), a.Proof.Strong, a.Verified, a.Anonymous)
	if err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	return nil
}

// FindTaken reports which of two normalised keys belong to an account. An empty key belongs to no account.
func (d *DB) FindTaken(ctx context.Context, emailKey, usernameKey string) (email, username bool, err error) {
	var taken struct{ Email, Username bool }
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &taken, `SELECT email, username FROM app.find_taken($1, $2)`, emailKey, usernameKey)
	})
	if err != nil {
		return false, false, fmt.Errorf("find whether an e-mail or username is taken: %w", err)
	}
	return taken.Email, taken.Username, nil
}

// FindSalt returns the salt of the password of the account of a normalised e-mail: a PHC string without the key. It returns "" if
// there is no account or password, or if the account is disabled or pending. No hash leaves the database; see StartSession.
func (d *DB) FindSalt(ctx context.Context, emailKey string) (salt string, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return unlessNone(tx.tx.GetContext(ctx, &salt, `SELECT salt FROM app.find_salt($1)`, emailKey), "find salt")
	})
	return salt, err
}

// FindSignUp reports whether an idempotency key has signed up an account that is neither disabled nor expired, and returns the salt
// of its password.
func (d *DB) FindSignUp(ctx context.Context, keyHash []byte) (salt string, found bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &salt, `SELECT salt FROM app.find_sign_up($1)`, keyHash)
		found = err == nil
		return unlessNone(err, "find an earlier sign-up")
	})
	return salt, found, err
}

// EarlierSignUp is an account that an idempotency key has signed up.
type EarlierSignUp struct {
	Pending     bool   `db:"pending"` // whether it waits for its address to be verified
	Verified    bool   `db:"is_verified"`
	Fingerprint []byte `db:"fingerprint"` // of the values sent with the key
}

// ProveSignUp returns the account that an idempotency key has signed up, if emailKey and hash are those of the account. Otherwise
// it records a refused sign-in, and ok is false.
func (d *DB) ProveSignUp(ctx context.Context, keyHash []byte, emailKey, hash string) (e EarlierSignUp, ok bool, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &e, `SELECT pending, is_verified, fingerprint FROM app.prove_sign_up($1, $2, $3)`, keyHash, emailKey, hash)
		ok = err == nil
		return unlessNone(err, "prove an earlier sign-up") // so that the refusal is committed
	})
	return e, ok, err
}
