package accounts

import (
	"context"
	"fmt"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// isOwnPassword reports whether a password is the viewer's, and returns its hash. The path is that of the password in the input.
func (s *Service) isOwnPassword(ctx context.Context, viewer auth.Viewer, path, password string) (seenHash string, ok bool, err error) {
	if err := s.limits.CheckPasswordTry(ctx); err != nil {
		return "", false, err
	}
	if err := s.limits.CheckLimit(ctx, s.limits.OwnGuesses(viewer.UserID)); err != nil {
		return "", false, fault.LimitAt(path, err)
	}
	salt, err := s.db.FindOwnSalt(ctx, viewer)
	if err != nil {
		return "", false, err
	}
	hash, _, err := s.hasher.Salted(ctx, passwords.Normalize(password), salt)
	if err != nil {
		return "", false, err
	}
	if ok, err = s.db.IsOwnHash(ctx, viewer, hash); err != nil || !ok {
		return "", false, err
	}
	return hash, true, s.limits.Forget(ctx, s.limits.OwnGuesses(viewer.UserID))
}

// requirePassword is isOwnPassword, but returns BAD_USER_INPUT at input.password for a wrong password.
func (s *Service) requirePassword(ctx context.Context, viewer auth.Viewer, password string) (seenHash string, err error) {
	seen, ok, err := s.isOwnPassword(ctx, viewer, "input.password", password)
	if err == nil && !ok {
		err = errPassword("input.password")
	}
	return seen, err
}

var notThePassword = fault.Flaw{Code: "INVALID", Message: "This password is incorrect."}

func errPassword(path string) error { return notThePassword.At(path) }

// Reauthenticate records that the viewer has entered the password again, which sensitive actions require, and returns the
// viewer's profile.
func (s *Service) Reauthenticate(ctx context.Context, viewer auth.Viewer, password string) (profile *db.Profile, err error) {
	seen, err := s.requirePassword(ctx, viewer, password)
	if err != nil {
		return nil, fmt.Errorf("reauthenticate: %w", err)
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		ok, err := tx.Reauthenticate(ctx, seen)
		switch {
		case err != nil:
			return err
		case !ok:
			return errPassword("input.password")
		}
		if err := tx.RecordEvent(ctx, db.Reauthenticated); err != nil {
			return err
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	return profile, err
}
