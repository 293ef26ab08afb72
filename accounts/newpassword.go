package accounts

import (
	"context"
	"fmt"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// SetPassword gives the viewer a password if they have none, sends a notice, and returns the viewer's profile. The error is
// REAUTH_REQUIRED, FORBIDDEN for an account without an address, with which nobody could sign in by password, or BAD_USER_INPUT if they
// have a password.
func (s *Service) SetPassword(ctx context.Context, viewer auth.Viewer, newPassword string) (*db.Profile, error) {
	private, profile, err := s.findOwn(ctx, viewer)
	if err != nil {
		return nil, fmt.Errorf("set password: %w", err)
	}
	if private.Email == "" {
		return nil, fault.New(fault.Forbidden, "You sign in with a password and an email address, and this account has no address. Add one first.")
	}
	newPassword = passwords.Normalize(newPassword)
	flaw := s.passwords.ValidateAndLookUp(ctx, newPassword, s.passwords.Words(private.Email, profile.Username, profile.DisplayName))
	if !flaw.IsZero() {
		return nil, flaw.At("input.newPassword")
	}
	err = s.db.Read(ctx, viewer, s.RequireRecent)
	if err != nil {
		return nil, err
	}
	if err := s.limits.CheckPasswordChange(ctx, viewer.UserID); err != nil {
		return nil, fault.LimitAt("input.newPassword", err)
	}
	hash, err := s.hasher.Hash(ctx, newPassword)
	if err != nil {
		return nil, fmt.Errorf("set password: %w", err)
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		ok, err := tx.SetPassword(ctx, hash)
		switch {
		case err != nil:
			return err
		case !ok:
			return fault.Input("input.newPassword", "ALREADY_SET", "This account has a password. Use changePassword to change it.")
		}
		return s.NotifyCredential(ctx, tx, mail.CredentialAdded, db.CredentialPassword)
	})
	if err != nil {
		return nil, fmt.Errorf("set password: %w", err)
	}
	return profile, nil
}
