package accounts

import (
	"context"
	"fmt"

	"freehold.dev/freehold/db"
)

// Hooks are an adopter's parts of what happens to an account, run in order. Each runs inside the transaction: its error
// undoes all of it, and a *fault.Error reaches the client, such as fault.Input for a field of the form. It may run more
// than once for one request (after a deadlock, say), so it must have no effect outside the transaction.
type Hooks struct {
	// BeforeSignUp runs as nobody, before anything is written.
	BeforeSignUp []func(ctx context.Context, tx *db.Tx, c Candidate) error
	// AfterSignUp runs as the new account's owner, after its profile was written. Where a verified e-mail is required
	// first, nobody can use the account yet, and it may be gone after a while.
	AfterSignUp []Hook
	// AfterVerification runs as the owner of an account whose e-mail address was proved, the first or a new one.
	AfterVerification []Hook
	// BeforeDeletion runs as the owner of an account, before it is deleted with all that refers to it.
	BeforeDeletion []Hook
}

// Hook is told the profile of the account, and acts as its owner.
type Hook = func(ctx context.Context, tx *db.Tx, profile *db.Profile) error

// Candidate is a sign-up that has no fault so far, as far as others may know it.
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
