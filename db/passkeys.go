package db

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// Passkey is a passkey of an account (the credential record of Web Authentication Level 3).
type Passkey struct {
	CredentialID   uuid.UUID      `db:"credential_id"`
	UserID         uuid.UUID      `db:"user_id"`
	KeyID          []byte         `db:"key_id"`
	PublicKey      []byte         `db:"public_key"` // COSE
	SignCount      int64          `db:"sign_count"`
	AAGUID         uuid.UUID      `db:"-"`          // stored, but not read
	Transports     pq.StringArray `db:"transports"` // nil in the result of FindPasskey
	BackupEligible bool           `db:"backup_eligible"`
	BackedUp       bool           `db:"backed_up"`
}

// FindPasskey returns the passkey with an id. ok is false if no account has it.
func (d *DB) FindPasskey(ctx context.Context, keyID []byte) (p Passkey, ok bool, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		err := tx.tx.GetContext(ctx, &p,
			`SELECT credential_id, user_id, key_id, public_key, sign_count, backup_eligible, backed_up FROM app.find_passkey($1)`, keyID)
		ok = err == nil
		return unlessNone(err, "find passkey")
	})
	return p, ok, err
}

// FindOwnPasskeys returns the passkeys of the viewer, the oldest first.
func (t *Tx) FindOwnPasskeys(ctx context.Context) (found []Passkey, err error) {
	if err := t.Select(ctx, &found, `
		SELECT credential_id, user_id, key_id, public_key, sign_count, backup_eligible, backed_up, transports FROM app.own_passkeys()`); err != nil {
		return nil, fmt.Errorf("find own passkeys: %w", err)
	}
	return found, nil
}

// AddPasskey adds a passkey to the viewer's account, with a name. The transaction returns ErrPasskeyTaken if an account has it
// already.
func (t *Tx) AddPasskey(ctx context.Context, p Passkey, name string) error {
	_, err := t.tx.ExecContext(ctx, `SELECT app.add_passkey($1, $2, $3, $4, $5, $6, COALESCE($7, '{}'::text[]), $8, $9)`,
		p.CredentialID, name, p.KeyID, p.PublicKey, p.SignCount, p.AAGUID, p.Transports, p.BackupEligible, p.BackedUp)
	if err != nil {
		return fmt.Errorf("add passkey: %w", err)
	}
	return nil
}

// UsePasskey stores the signature counter and the backup state of a passkey that was used. ok is false if the passkey was removed, or if
// the counter did not increase.
func (t *SystemTx) UsePasskey(ctx context.Context, credentialID uuid.UUID, signCount int64, backedUp bool) (ok bool, err error) {
	return usePasskey(ctx, t.tx, credentialID, signCount, backedUp)
}

// UsePasskey is SystemTx.UsePasskey.
func (t *Tx) UsePasskey(ctx context.Context, credentialID uuid.UUID, signCount int64, backedUp bool) (ok bool, err error) {
	return usePasskey(ctx, t.tx, credentialID, signCount, backedUp)
}

func usePasskey(ctx context.Context, tx runner, credentialID uuid.UUID, signCount int64, backedUp bool) (ok bool, err error) {
	if err := tx.GetContext(ctx, &ok, `SELECT app.use_passkey($1, $2, $3)`, credentialID, signCount, backedUp); err != nil {
		return false, fmt.Errorf("use passkey: %w", err)
	}
	return ok, nil
}

// RefusePasskey records a refused sign-in with a passkey, also with one that no account has.
func (t *SystemTx) RefusePasskey(ctx context.Context, keyID []byte) error {
	if _, err := t.tx.ExecContext(ctx, `SELECT app.refuse_passkey($1)`, keyID); err != nil {
		return fmt.Errorf("refuse passkey: %w", err)
	}
	return nil
}

// RefusePasskey is SystemTx.RefusePasskey in a transaction of its own.
func (d *DB) RefusePasskey(ctx context.Context, keyID []byte) error {
	return d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error { return tx.RefusePasskey(ctx, keyID) })
}
