package db

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/fault"
)

// Identity is a user of an identity provider.
type Identity struct {
	Issuer, Subject string
	Email           string    // the address at the provider; "" for none
	EmailKey        string    // normalised; "" unless the provider has verified the address
	CredentialID    uuid.UUID // of a new credential
	Name            string    // of a new credential
}

// IdentityOutcome says which account an identity belongs to.
type IdentityOutcome string

// The outcomes of ProveIdentity.
const (
	IdentityKnown      IdentityOutcome = "known"      // an account has it
	IdentityVerified   IdentityOutcome = "verified"   // an account has verified the same address as the provider
	IdentityUnverified IdentityOutcome = "unverified" // an account has the address, and has not verified it
	IdentityNew        IdentityOutcome = "new"        // there is no account
)

// ProvedIdentity is the account of an identity.
type ProvedIdentity struct {
	Outcome      IdentityOutcome `db:"outcome"`
	UserID       *uuid.UUID      `db:"user_id"`
	CredentialID *uuid.UUID      `db:"credential_id"`
}

// ProveIdentity finds the account of an identity: the one that has it, or the one that has verified the same address as the provider. That
// one gets it with AddIdentity, after its owner has signed in.
func (t *SystemTx) ProveIdentity(ctx context.Context, i Identity) (p ProvedIdentity, err error) {
	err = t.tx.GetContext(ctx, &p, `SELECT outcome, user_id, credential_id FROM app.prove_identity($1, $2, NULLIF($3, ''), NULLIF($4, ''))`,
		i.Issuer, i.Subject, i.Email, i.EmailKey)
	if err != nil {
		return ProvedIdentity{}, fmt.Errorf("prove identity: %w", err)
	}
	return p, nil
}

// AddIdentity adds an identity to the viewer's account, unless it has it. It returns the id of the credential. The error is
// ErrIdentityTaken if another account has the identity.
func (t *Tx) AddIdentity(ctx context.Context, i Identity) (credentialID uuid.UUID, added bool, err error) {
	var row struct {
		CredentialID uuid.UUID `db:"credential_id"`
		Added        bool      `db:"added"`
	}
	err = t.GetOne(ctx, &row, `SELECT credential_id, added FROM app.add_identity($1, $2, NULLIF($3, ''), $4, $5)`, i.Issuer, i.Subject, i.Email, i.CredentialID, i.Name)
	if fault.Is(err, fault.NotFound) {
		err = ErrIdentityTaken
	}
	if err != nil {
		return uuid.Nil, false, fmt.Errorf("add identity: %w", err)
	}
	return row.CredentialID, row.Added, nil
}

// HasOwnIdentity reports whether the viewer's account has an identity of an issuer.
func (t *Tx) HasOwnIdentity(ctx context.Context, issuer string) (own bool, err error) {
	if err := t.Get(ctx, &own, `SELECT app.has_own_identity($1)`, issuer); err != nil {
		return false, fmt.Errorf("look for own identity: %w", err)
	}
	return own, nil
}

// UseOwnIdentity reports whether the viewer's account has an identity, and notes that the viewer has used it.
func (t *Tx) UseOwnIdentity(ctx context.Context, issuer, subject string) (own bool, err error) {
	if err := t.Get(ctx, &own, `SELECT app.use_own_identity($1, $2)`, issuer, subject); err != nil {
		return false, fmt.Errorf("use own identity: %w", err)
	}
	return own, nil
}
