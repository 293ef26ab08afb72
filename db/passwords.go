package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
)

// FindOwnSalt returns the salt of the password that the viewer has, as FindSalt does. It returns "" if there is no password, or if the account
// was deleted.
func (d *DB) FindOwnSalt(ctx context.Context, viewer auth.Viewer) (string, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (salt string, err error) {
		if err := tx.Get(ctx, &salt, `SELECT COALESCE(app.find_own_salt(), '')`); err != nil {
			return "", fmt.Errorf("find own salt: %w", err)
		}
		return salt, nil
	})
}

// IsOwnHash reports whether this is the viewer's password hash.
func (d *DB) IsOwnHash(ctx context.Context, viewer auth.Viewer, hash string) (bool, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (is bool, err error) {
		if err := tx.Get(ctx, &is, `SELECT app.is_own_hash($1)`, hash); err != nil {
			return false, fmt.Errorf("compare own hash: %w", err)
		}
		return is, nil
	})
}

// RenewHash replaces the viewer's password hash with another hash of the same password. It does nothing if the password has
// changed.
func (d *DB) RenewHash(ctx context.Context, viewer auth.Viewer, hash, renewed string) error {
	return d.Write(ctx, viewer, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.tx.ExecContext(ctx, `SELECT app.renew_hash($1, $2)`, hash, renewed); err != nil {
			return fmt.Errorf("renew own hash: %w", err)
		}
		return nil
	})
}

// Reauthentication says when a viewer must prove again who they are, and how they can.
type Reauthentication struct {
	After   time.Duration // how long a proof is recent
	Accepts []string      // the kinds of factors that the service can check, and the issuers of providers that can be asked again
}

// RequireReauthentication returns REAUTH_REQUIRED unless the viewer has proved recently who they are.
func (t *Tx) RequireReauthentication(ctx context.Context, r Reauthentication) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.require_reauthentication($1, $2)`, r.After.Seconds(), pq.Array(r.Accepts)); err != nil {
		return fmt.Errorf("require reauthentication: %w", err)
	}
	return nil
}

// FindReauthenticatedUntil returns the time until which RequireReauthentication accepts the viewer's session. It returns nil if that
// time has passed, or if the viewer is another user.
func (d *DB) FindReauthenticatedUntil(ctx context.Context, viewer auth.Viewer, userID uuid.UUID, within time.Duration) (*time.Time, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (until *time.Time, err error) {
		if err := tx.Get(ctx, &until, `SELECT app.reauthenticated_until($1, $2)`, userID, within.Seconds()); err != nil {
			return nil, fmt.Errorf("find until when the viewer is reauthenticated: %w", err)
		}
		return until, nil
	})
}

// FindHasPassword reports whether a user has a password. It returns nil if the viewer is another user.
func (d *DB) FindHasPassword(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*bool, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (has *bool, err error) {
		if err := tx.Get(ctx, &has, `SELECT app.has_password($1)`, userID); err != nil {
			return nil, fmt.Errorf("find whether a user has a password: %w", err)
		}
		return has, nil
	})
}

// Reauthenticate records that the viewer has entered their password again. ok is false if seenHash is no longer their hash.
func (t *Tx) Reauthenticate(ctx context.Context, seenHash string) (ok bool, err error) {
	if err := t.Get(ctx, &ok, `SELECT app.reauthenticate($1)`, seenHash); err != nil {
		return false, fmt.Errorf("reauthenticate: %w", err)
	}
	return ok, nil
}

// ChangePassword replaces the viewer's password, revokes their other sessions and deletes all their codes. ok is false if seenHash
// is no longer their hash.
func (t *Tx) ChangePassword(ctx context.Context, seenHash, hash string) (n Notice, ok bool, err error) {
	return findNotice(ctx, t.tx, "change password", `SELECT email, username FROM app.change_password($1, $2)`, seenHash, hash)
}

// ChangeUsername changes the viewer's username, and holds the old one for them. It returns ErrTaken if another user has the new
// one, or if it is held for another user.
func (t *Tx) ChangeUsername(ctx context.Context, username, usernameKey string, hold time.Duration) error {
	var ok bool
	if err := t.Get(ctx, &ok, `SELECT app.change_username($1, $2, $3)`, username, usernameKey, hold.Seconds()); err != nil {
		return fmt.Errorf("change username: %w", err)
	}
	if !ok {
		return ErrTaken
	}
	return nil
}

// DeleteAccount deletes the viewer's account and everything that refers to it, and holds its username, which no user can take in
// that time. ok is false if seenHash is no longer their hash; it is "" for an account without a password. The transaction keeps its viewer.
func (t *Tx) DeleteAccount(ctx context.Context, seenHash string, hold time.Duration) (n Notice, ok bool, err error) {
	return findNotice(ctx, t.tx, "delete account", `SELECT email, username FROM app.delete_account($1, $2)`, seenHash, hold.Seconds())
}
