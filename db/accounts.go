package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Account is what is written of a new account besides its profile.
type Account struct {
	UserID       uuid.UUID
	Email        string
	EmailKey     string // normalised; unique
	PasswordHash string // PHC string
	Session      Session
}

// CreateAccount writes the account, its credentials and its first session; see SystemTx.Enter for what follows.
func (t *SystemTx) CreateAccount(ctx context.Context, a Account) error {
	_, err := t.tx.ExecContext(ctx, `SELECT app.sign_up($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.UserID, a.Email, a.EmailKey, a.PasswordHash,
		a.Session.ID, a.Session.RefreshHash, seconds(a.Session.Idle), seconds(a.Session.Lifetime))
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

// FindCredentials returns the account of a normalised e-mail and its password hash; uuid.Nil and "" when there is
// none, or it is disabled.
func (d *DB) FindCredentials(ctx context.Context, emailKey string) (userID uuid.UUID, hash string, err error) {
	var found struct {
		UserID       uuid.UUID `db:"user_id"`
		PasswordHash string    `db:"password_hash"`
	}
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &found, `SELECT user_id, password_hash FROM app.find_credentials($1)`, emailKey)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return uuid.Nil, "", fmt.Errorf("find credentials: %w", err)
	}
	return found.UserID, found.PasswordHash, nil
}
