package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

// CredentialKind is a way in.
type CredentialKind string

// The kinds of credentials. A user signs in with any one of them, except for TOTP, which is a second factor.
const (
	CredentialPassword  CredentialKind = "PASSWORD"
	CredentialEmailCode CredentialKind = "EMAIL_CODE" // codes that are sent to the verified address
	CredentialOAuth     CredentialKind = "OAUTH"      // a user of an identity provider
	CredentialPasskey   CredentialKind = "PASSKEY"    // WebAuthn
	CredentialTOTP      CredentialKind = "TOTP"       // an authenticator app (RFC 6238)
)

// Credential is a way in, as the owner of the account sees it.
type Credential struct {
	ID         uuid.UUID      `db:"id"`
	UserID     uuid.UUID      `db:"user_id"`
	Kind       CredentialKind `db:"kind"`
	Name       string         `db:"name"`
	CreatedAt  time.Time      `db:"created_at"`
	LastUsedAt *time.Time     `db:"last_used_at"` // nil if it was never used
}

const credentialColumns = `id, user_id, kind, name, created_at, last_used_at` //nolint:gosec // names of columns

// FindCredentials returns the credentials with these ids that the viewer has, in any order.
func (t *Tx) FindCredentials(ctx context.Context, ids []uuid.UUID) (found []Credential, err error) {
	if err := t.Select(ctx, &found, `SELECT `+credentialColumns+` FROM app.credentials WHERE id = ANY ($1)`, pq.Array(ids)); err != nil {
		return nil, fmt.Errorf("find credentials: %w", err)
	}
	return found, nil
}

// FindCredentialsOf returns the credentials of a user, the oldest first; none if the viewer is another user.
func (d *DB) FindCredentialsOf(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) ([]Credential, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (found []Credential, err error) {
		err = tx.Select(ctx, &found, `SELECT `+credentialColumns+` FROM app.credentials WHERE user_id = $1 ORDER BY created_at, id LIMIT 100`, userID)
		if err != nil {
			return nil, fmt.Errorf("find the credentials of a user: %w", err)
		}
		return found, nil
	})
}

// RenameCredential renames a credential of the viewer; NOT_FOUND if it belongs to another user.
func (t *Tx) RenameCredential(ctx context.Context, id uuid.UUID, name string) (*Credential, error) {
	var c Credential
	if err := t.GetOne(ctx, &c, `UPDATE app.credentials SET name = $2 WHERE id = $1 RETURNING `+credentialColumns, id, name); err != nil {
		return nil, fmt.Errorf("rename credential: %w", err)
	}
	return &c, nil
}

// RemoveCredential removes a credential of the viewer, and revokes their other sessions that were started with it. It returns its kind
// and its name; NOT_FOUND if it belongs to another user. The error is BAD_USER_INPUT at input.id if the viewer could not sign in
// any more.
func (t *Tx) RemoveCredential(ctx context.Context, id uuid.UUID) (c Credential, err error) {
	if err := t.GetOne(ctx, &c, `SELECT kind, name FROM app.remove_credential($1)`, id); err != nil {
		return Credential{}, fmt.Errorf("remove credential: %w", err)
	}
	return c, nil
}

// The faults of changes of credentials.
var (
	errTooManyCredentials = fault.New(fault.Forbidden, "An account can have at most 50 credentials. Remove one first.")
	errLastCredential     = fault.Input("input.id", "LAST_CREDENTIAL", "This is the only way to sign in to the account. Add another one first.")
)
