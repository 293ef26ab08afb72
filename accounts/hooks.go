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
	// BeforeSignUp runs as an anonymous viewer, before the transaction writes anything.
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

// Candidate is a valid sign-up, before the account exists. It has no password.
type Candidate struct {
	Email    string
	Username string
	Profile  db.ProfileFields
}

func run(ctx context.Context, when string, hooks []Hook, tx *db.Tx, profile *db.Profile) error {
	for _, hook := range hooks {
		if err := hook(ctx, tx, profile); err != nil {
			return fmt.Errorf("%s: %w", when, err)
		}
	}
	return nil
}
