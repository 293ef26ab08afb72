package accounts

import (
	"context"
	"fmt"

	"freehold.dev/freehold/db"
)

// Hooks are what an adopter runs when something happens to an account. Hooks of one kind run in their order, each inside the
// transaction. If one returns an error, the transaction rolls back. A *fault.Error reaches the client; use fault.Input for a
// field of the form. A hook can run more than once for one request, for example after a deadlock, so it must have no effect
// outside the transaction.
type Hooks struct {
	// BeforeSignUp runs as an anonymous viewer, before the transaction writes anything. It also runs before the upgrade of an anonymous
	// account, in a transaction of its own.
	BeforeSignUp []func(ctx context.Context, tx *db.Tx, c Candidate) error
	// AfterSignUp runs as the owner of the new account, after its profile was written. If a verified email address is required,
	// nobody can use the account yet, and it is deleted if nobody verifies the address in time.
	AfterSignUp []Hook
	// AfterVerification runs as the owner of an account, after its email address was verified: the first one or a new one.
	AfterVerification []Hook
	// BeforeDeletion runs as the owner of an account, before the account and everything that refers to it is deleted.
	BeforeDeletion []Hook
}

// Hook gets the profile of an account, and a transaction of the account's owner.
type Hook = func(ctx context.Context, tx *db.Tx, profile *db.Profile) error

// Candidate is a valid sign-up, before the account exists, or the upgrade of an anonymous account. It has no password.
type Candidate struct {
	Email    string // "" for none
	Username string
	Profile  db.ProfileFields
}

func (s *Service) beforeSignUp(ctx context.Context, tx *db.SystemTx, c Candidate) error {
	for _, hook := range s.config.Hooks.BeforeSignUp {
		if err := hook(ctx, tx.AsAnonymous(), c); err != nil {
			return fmt.Errorf("before sign-up: %w", err)
		}
	}
	return nil
}

// BeforeSignUp runs the hooks before a sign-up in a transaction of their own.
func (s *Service) BeforeSignUp(ctx context.Context, c Candidate) error {
	return s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error { return s.beforeSignUp(ctx, tx, c) })
}

// AfterVerification runs the hooks after the verification of an address, as the owner of its account.
func (s *Service) AfterVerification(ctx context.Context, tx *db.Tx, profile *db.Profile) error {
	return run(ctx, "after verification", s.config.Hooks.AfterVerification, tx, profile)
}

func run(ctx context.Context, when string, hooks []Hook, tx *db.Tx, profile *db.Profile) error {
	for _, hook := range hooks {
		if err := hook(ctx, tx, profile); err != nil {
			return fmt.Errorf("%s: %w", when, err)
		}
	}
	return nil
}
