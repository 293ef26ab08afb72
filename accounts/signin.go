package accounts

import (
	"context"
	"fmt"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// invalidCredentials is the one answer to every sign-in that fails, whatever the reason. It is not UNAUTHENTICATED, because clients react to
// that with a refresh.
func (s *Service) invalidCredentials() *fault.Error {
	message := "The email address or password is incorrect."
	if s.config.RequireVerifiedEmail {
		message = "The email address or password is incorrect, or the address is not verified yet."
	}
	return fault.New(fault.InvalidCredentials, message)
}

// SignIn starts a session, or asks for the second factor of the account. An unknown address, a wrong password and a disabled account
// return the same error after the same time: SignIn always computes a hash and, if it fails, records the refusal. With cookie, cookies
// are to hold the session.
func (s *Service) SignIn(ctx context.Context, email, password string, cookie bool) (*Entered, error) {
	if err := s.limits.CheckSignIn(ctx); err != nil {
		return nil, err
	}
	from, _ := input.ReadEmail(email) // an invalid address has an empty key, which no account has
	if err := s.limits.CheckGuess(ctx, from.Key); err != nil {
		return nil, fault.LimitAt("input.password", err)
	}
	salt, err := s.db.FindSalt(ctx, from.Key)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	password = passwords.Normalize(password)
	hash, outdated, err := s.hasher.Salted(ctx, password, salt)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	entered, err := s.enterWithPassword(ctx, from.Key, hash, cookie)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if outdated && entered.Session != nil {
		if err := s.renewHash(ctx, entered.Session.Viewer, password, hash); err != nil {
			return nil, fmt.Errorf("sign in: %w", err)
		}
	}
	if err := s.limits.Forget(ctx, s.limits.Guesses(ctx, from.Key)); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return entered, nil
}

// enterWithPassword enters the account with this address, if this is the hash of its password.
func (s *Service) enterWithPassword(ctx context.Context, emailKey, hash string, cookie bool) (*Entered, error) {
	return s.Enter(ctx, Entrance{
		Proof: byPassword, Cookie: cookie,
		enter: func(ctx context.Context, tx *db.SystemTx, session db.SessionParams) (db.Proved, db.EntryOutcome, error) {
			return tx.EnterWithPassword(ctx, emailKey, hash, byPassword, session, s.config.RequireVerifiedEmail)
		},
	})
}

var byPassword = auth.Proof{Methods: []string{"pwd"}}

// renewHash hashes a valid password again with the current parameters. It runs after the sign-in. Otherwise, a wrong password
// would take longer for an account whose hash is outdated.
func (s *Service) renewHash(ctx context.Context, viewer auth.Viewer, password, hash string) error {
	renewed, err := s.hasher.Hash(ctx, password)
	if fault.Is(err, fault.RateLimited) {
		return nil // the queue is full: the next sign-in renews the hash
	}
	if err != nil {
		return err
	}
	return s.db.RenewHash(ctx, viewer, hash, renewed)
}
