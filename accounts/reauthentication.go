package accounts

import (
	"context"

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

// RequirePassword returns the viewer's password hash. The error of a wrong password is BAD_USER_INPUT at input.password.
func (s *Service) RequirePassword(ctx context.Context, viewer auth.Viewer, password string) (seenHash string, err error) {
	seen, ok, err := s.isOwnPassword(ctx, viewer, "input.password", password)
	if err == nil && !ok {
		err = errPassword("input.password")
	}
	return seen, err
}

var notThePassword = fault.Flaw{Code: "INVALID", Message: "This password is incorrect."}

func errPassword(path string) error { return notThePassword.At(path) }

// ReauthenticateIn records in a transaction that the viewer has entered the password, whose hash RequirePassword has returned.
func (s *Service) ReauthenticateIn(ctx context.Context, tx *db.Tx, seenHash string) error {
	ok, err := tx.Reauthenticate(ctx, seenHash)
	if err == nil && !ok { // it has changed since
		err = errPassword("input.password")
	}
	return err
}
