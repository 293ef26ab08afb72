package accounts

import (
	"context"
	"fmt"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
)

// wrong is the one answer to every sign-in that fails, whatever is wrong. It is not UNAUTHENTICATED, which tells clients to
// refresh their session.
func (s *Service) wrong() *fault.Error {
	message := "The e-mail address or the password is wrong."
	if s.config.RequireVerifiedEmail {
		message = "The e-mail address or the password is wrong, or the address is not verified yet."
	}
	return fault.New(fault.InvalidCredentials, message)
}

// SignIn starts a session. An unknown e-mail, a wrong password and a disabled account are one error that takes one
// time: there is a hash to compute and a refusal to note in any case.
func (s *Service) SignIn(ctx context.Context, email, password string) (*Session, error) {
	if err := s.within(ctx, byClient(ctx, s.config.Limits.SignIn, "signIn")...); err != nil {
		return nil, err
	}
	from, _ := readEmail(email) // a faulty address has an empty key, which no account has
	if err := s.withinGuesses(ctx, from.key); err != nil {
		return nil, fault.LimitAt("input.password", err)
	}
	found, err := s.db.FindCredentials(ctx, from.key)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	password = auth.NormalizePassword(password)
	ok, outdated, err := s.hasher.Verify(ctx, password, found.PasswordHash)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if !ok || s.config.RequireVerifiedEmail && !found.Verified {
		if err := s.db.RefuseSignIn(ctx, found.UserID); err != nil {
			return nil, fmt.Errorf("sign in: %w", err)
		}
		return nil, s.wrong()
	}
	renewed := ""
	if outdated {
		if renewed, err = s.hasher.Hash(ctx, password); err != nil {
			return nil, fmt.Errorf("sign in: %w", err)
		}
	}
	session, err := s.start(ctx, found, renewed)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if err := s.forget(ctx, s.guesses(ctx, from.key)); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return session, nil
}

// start starts a session for an account whose password was just verified.
func (s *Service) start(ctx context.Context, verified db.Credentials, renewedHash string) (*Session, error) {
	session, refreshToken := s.newSession()
	var viewer auth.Viewer
	var profile *db.Profile
	err := s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		switch ok, err := system.StartSession(ctx, verified.UserID, verified.PasswordHash, renewedHash, session); {
		case err != nil:
			return err
		case !ok: // changed or disabled since we looked
			return s.wrong()
		}
		var err error
		viewer, profile, err = s.enter(ctx, system, session)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.started(viewer, profile, refreshToken)
}

// enter goes on as the owner of a session that was started just now.
func (s *Service) enter(ctx context.Context, system *db.SystemTx, session db.Session) (auth.Viewer, *db.Profile, error) {
	tx, err := system.Enter(ctx, session.ID)
	if err != nil {
		return auth.Viewer{}, nil, err
	}
	if err := tx.EndOldestSessions(ctx, s.config.MaxSessions); err != nil {
		return auth.Viewer{}, nil, err
	}
	profile, err := tx.FindProfileOfUser(ctx, tx.Viewer.UserID)
	return tx.Viewer, profile, err
}
