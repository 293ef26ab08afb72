package db

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
)

// FindIsAnonymous reports whether nothing but their sessions leads to a user's account. It returns nil if the viewer is another user.
func (d *DB) FindIsAnonymous(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*bool, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (is *bool, err error) {
		if err := tx.Get(ctx, &is, `SELECT app.is_anonymous($1)`, userID); err != nil {
			return nil, fmt.Errorf("find whether an account is anonymous: %w", err)
		}
		return is, nil
	})
}

// HasRoomForAnonymous reports whether there are fewer than most anonymous accounts.
func (t *SystemTx) HasRoomForAnonymous(ctx context.Context, most int) (ok bool, err error) {
	if err := t.tx.GetContext(ctx, &ok, `SELECT app.has_room_for_anonymous($1)`, most); err != nil {
		return false, fmt.Errorf("count anonymous accounts: %w", err)
	}
	return ok, nil
}

// AdmitAnonymous ends the sign-up of an anonymous account, the viewer's, which can be idle after a time. ok is false if there are more than
// most of them: roll back then. Call it last in a transaction, because it makes other such sign-ups wait.
func (t *Tx) AdmitAnonymous(ctx context.Context, most int, idle time.Duration) (ok bool, err error) {
	if err := t.Get(ctx, &ok, `SELECT app.admit_anonymous($1, $2)`, most, idle.Seconds()); err != nil {
		return false, fmt.Errorf("admit an anonymous account: %w", err)
	}
	return ok, nil
}

// UpgradeAccount makes the viewer's anonymous account permanent, with an address that is not verified. ok is false if it is permanent
// already. The error is ErrTaken if another account has the address.
func (t *Tx) UpgradeAccount(ctx context.Context, email, emailKey, hash string) (ok bool, err error) {
	if err := t.Get(ctx, &ok, `SELECT app.upgrade_account($1, $2, $3)`, email, emailKey, hash); err != nil {
		return false, fmt.Errorf("upgrade an account: %w", err)
	}
	return ok, nil
}

// RequestUpgrade creates a code with which ChangeEmail makes the viewer's anonymous account permanent. If another account has the
// address, it returns the address as that account spells it, and the code cannot be used; otherwise "". ok is false if the viewer's
// account is permanent already.
func (t *Tx) RequestUpgrade(ctx context.Context, c Code, hash string) (taken string, ok bool, err error) {
	var found sql.NullString
	err = t.Get(ctx, &found, `SELECT taken FROM app.request_upgrade($1, $2, $3, $4, $5)`, c.ID, c.Email, c.EmailKey, hash, c.ValidFor.Seconds())
	return found.String, err == nil, unlessNone(err, "request an upgrade")
}

// ClaimIdleAccount starts a short session of an anonymous account that nobody has used for some time, and returns the account's id;
// uuid.Nil if there is none. Call Enter next, and delete the account in the same transaction.
func (t *SystemTx) ClaimIdleAccount(ctx context.Context, idle time.Duration, s SessionParams) (uuid.UUID, error) {
	var id uuid.NullUUID
	if err := t.tx.GetContext(ctx, &id, `SELECT app.claim_idle_account($1, $2, $3)`, idle.Seconds(), s.ID, s.RefreshHash); err != nil {
		return uuid.Nil, fmt.Errorf("claim an idle account: %w", err)
	}
	return id.UUID, nil
}

// PostponeIdleAccount makes ClaimIdleAccount skip an account for some time.
func (t *SystemTx) PostponeIdleAccount(ctx context.Context, id uuid.UUID, by time.Duration) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.postpone_idle_account($1, $2)`, id, by.Seconds()); err != nil {
		return fmt.Errorf("postpone the deletion of an idle account: %w", err)
	}
	return nil
}
