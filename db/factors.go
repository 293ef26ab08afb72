package db

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
)

// SealedSecret is the encrypted secret of an authenticator app.
type SealedSecret struct {
	CredentialID uuid.UUID `db:"credential_id"`
	Secret       []byte    `db:"secret"`
}

// FindTOTPSecrets returns the secrets of the authenticator apps of an account.
func (d *DB) FindTOTPSecrets(ctx context.Context, userID uuid.UUID) (found []SealedSecret, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.SelectContext(ctx, &found, `SELECT credential_id, secret FROM app.totp_secrets_of($1)`, userID)
	})
	if err != nil {
		return nil, fmt.Errorf("find the authenticator apps of an account: %w", err)
	}
	return found, nil
}

// AddTOTP adds an authenticator app to the viewer's account, whose code of a step was compared. With the first one, the viewer also gets
// the recovery codes with these hashes, and first is true.
func (t *Tx) AddTOTP(ctx context.Context, s SealedSecret, name string, step int64, recoveryHashes [][]byte) (first bool, err error) {
	err = t.Get(ctx, &first, `SELECT app.add_totp($1, $2, $3, $4, $5)`, s.CredentialID, name, s.Secret, step, pq.ByteaArray(recoveryHashes))
	if err != nil {
		return false, fmt.Errorf("add an authenticator app: %w", err)
	}
	return first, nil
}

// CreateRecoveryCodes replaces the viewer's recovery codes. ok is false if they have no second factor.
func (t *Tx) CreateRecoveryCodes(ctx context.Context, hashes [][]byte) (ok bool, err error) {
	if err := t.Get(ctx, &ok, `SELECT app.create_recovery_codes($1)`, pq.ByteaArray(hashes)); err != nil {
		return false, fmt.Errorf("create recovery codes: %w", err)
	}
	return ok, nil
}

// FindRecoveryCodesLeft returns how many recovery codes a user has not used; nil if the viewer is another user.
func (d *DB) FindRecoveryCodesLeft(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*int, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (left *int, err error) {
		if err := tx.Get(ctx, &left, `SELECT app.recovery_codes_left($1)`, userID); err != nil {
			return nil, fmt.Errorf("find how many recovery codes are left: %w", err)
		}
		return left, nil
	})
}

// UseTOTPStep uses a step of an authenticator app, whose code was compared. ok is false if the step or a later one was used already.
func (t *Tx) UseTOTPStep(ctx context.Context, userID, credentialID uuid.UUID, step int64) (ok bool, err error) {
	if err := t.Get(ctx, &ok, `SELECT app.use_totp_step($1, $2, $3)`, userID, credentialID, step); err != nil {
		return false, fmt.Errorf("use a one-time password: %w", err)
	}
	return ok, nil
}

// UsedRecoveryCode is what remains after a recovery code was used, and the recipient of the notice.
type UsedRecoveryCode struct {
	Left     int    `db:"codes_left"`
	Email    string `db:"email"` // "" if the account has no address
	EmailKey string `db:"email_key"`
	Username string `db:"username"` // "" if the address is not verified
	Verified bool   `db:"is_verified"`
}

// UseRecoveryCode uses a recovery code of an account. ok is false if the code is unknown or was used already.
func (t *Tx) UseRecoveryCode(ctx context.Context, userID uuid.UUID, hash []byte) (u UsedRecoveryCode, ok bool, err error) {
	err = t.Get(ctx, &u, `SELECT codes_left, email, email_key, username, is_verified FROM app.use_recovery_code($1, $2)`, userID, hash)
	return u, err == nil, unlessNone(err, "use a recovery code")
}

// ProveSecondFactor records in the viewer's session that they have proved a second factor, after a first one that is recent enough. The
// error is REAUTH_REQUIRED if it is not.
func (t *Tx) ProveSecondFactor(ctx context.Context, methods []string, r Reauthentication) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.prove_second_factor($1, $2, $3)`, pq.Array(methods), r.After.Seconds(), pq.Array(r.Accepts)); err != nil {
		return fmt.Errorf("prove a second factor: %w", err)
	}
	return nil
}

// RequireSecondFactor is RequireReauthentication if the viewer has a second factor, and nil otherwise.
func (t *Tx) RequireSecondFactor(ctx context.Context, r Reauthentication) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.require_second_factor($1, $2)`, r.After.Seconds(), pq.Array(r.Accepts)); err != nil {
		return fmt.Errorf("require a second factor: %w", err)
	}
	return nil
}

// RecordRefusedSecondFactor records that a second factor of an account was refused.
func (d *DB) RecordRefusedSecondFactor(ctx context.Context, userID uuid.UUID) error {
	err := d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		_, err := tx.tx.ExecContext(ctx, `SELECT app.record_refused_second_factor($1)`, userID)
		return err
	})
	if err != nil {
		return fmt.Errorf("record a refused second factor: %w", err)
	}
	return nil
}

// GuessContinuation counts a guess within a flow. ok is false if there were that many guesses already, or if the flow has ended.
func (d *DB) GuessContinuation(ctx context.Context, id []byte, purpose string, most int) (ok bool, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &ok, `SELECT app.guess_continuation($1, $2, $3)`, id, purpose, most)
	})
	if err != nil {
		return false, fmt.Errorf("count a guess within a flow: %w", err)
	}
	return ok, nil
}

// KnowsClient reports whether a client in a block of IP addresses has signed in to an account before.
func (d *DB) KnowsClient(ctx context.Context, userID uuid.UUID, block string) (known bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &known, `SELECT app.knows_client($1, $2)`, userID, block)
	})
	if err != nil {
		return false, fmt.Errorf("find whether an account knows a client: %w", err)
	}
	return known, nil
}

// FindTOTPSecretsExcept returns up to limit secrets of any account that begin with none of the marks, each of which names a key.
func (d *DB) FindTOTPSecretsExcept(ctx context.Context, marks [][]byte, limit int) (found []SealedSecret, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.SelectContext(ctx, &found, `SELECT credential_id, secret FROM app.totp_secrets_except($1, $2)`, pq.ByteaArray(marks), limit)
	})
	if err != nil {
		return nil, fmt.Errorf("find secrets of authenticator apps by their keys: %w", err)
	}
	return found, nil
}

// ResealTOTPSecret replaces an encrypted secret by the same secret under another key, unless it has changed in the meantime.
func (d *DB) ResealTOTPSecret(ctx context.Context, old SealedSecret, sealed []byte) (ok bool, err error) {
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		return tx.tx.GetContext(ctx, &ok, `SELECT app.reseal_totp_secret($1, $2, $3)`, old.CredentialID, old.Secret, sealed)
	})
	if err != nil {
		return false, fmt.Errorf("seal the secret of an authenticator app again: %w", err)
	}
	return ok, nil
}
