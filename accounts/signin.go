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

// SignIn starts a session. An unknown address, a wrong password and a disabled account return the same error after the same time:
// SignIn always computes a hash and, if it fails, records the refusal.
func (s *Service) SignIn(ctx context.Context, email, password string) (*SignedIn, error) {
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
	session, err := s.start(ctx, from.Key, hash)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if outdated {
		if err := s.renewHash(ctx, session.Viewer, password, hash); err != nil {
			return nil, fmt.Errorf("sign in: %w", err)
		}
	}
	if err := s.limits.Forget(ctx, s.limits.Guesses(ctx, from.Key)); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return session, nil
}

// start starts a session for the account with this address, if this is the hash of its password.
func (s *Service) start(ctx context.Context, emailKey, hash string) (*SignedIn, error) {
	session, refreshToken := s.Sessions.Prepare()
	var viewer auth.Viewer
	var profile *db.Profile
	ok := false
	err := s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) (err error) {
		if ok, err = system.StartSession(ctx, emailKey, hash, s.config.RequireVerifiedEmail, session); err != nil || !ok {
			return err // nil for a refusal, so that it is committed
		}
		viewer, profile, err = s.enter(ctx, system, session)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, s.invalidCredentials()
	}
	return s.signedIn(viewer, profile, refreshToken)
}

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

// enter continues as the owner of a session that this transaction has started.
func (s *Service) enter(ctx context.Context, system *db.SystemTx, session db.SessionParams) (auth.Viewer, *db.Profile, error) {
	tx, err := system.Enter(ctx, session.ID)
	if err != nil {
		return auth.Viewer{}, nil, err
	}
	if err := tx.RevokeOldestSessions(ctx, s.config.MaxSessions); err != nil {
		return auth.Viewer{}, nil, err
	}
	profile, err := tx.FindProfileOfUser(ctx, tx.Viewer.UserID)
	return tx.Viewer, profile, err
}
