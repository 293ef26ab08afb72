package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
	"freehold/mail"
)

// isOwn reports whether a password is the viewer's, and returns the hash that it was verified against.
func (s *Service) isOwn(ctx context.Context, viewer auth.Viewer, password string) (seenHash string, ok bool, err error) {
	if err := s.within(ctx, ownGuessLimit, viewer.UserID.String()); err != nil {
		return "", false, err
	}
	hash, err := s.db.FindOwnHash(ctx, viewer)
	if err != nil {
		return "", false, err
	}
	ok, _, err = s.hasher.Verify(ctx, auth.NormalizePassword(password), hash)
	if err != nil || !ok {
		return "", false, err
	}
	return hash, true, s.forget(ctx, ownGuessLimit, viewer.UserID.String())
}

// proveOwn is isOwn, with BAD_USER_INPUT at input.password for a wrong one.
func (s *Service) proveOwn(ctx context.Context, viewer auth.Viewer, password string) (seenHash string, err error) {
	seen, ok, err := s.isOwn(ctx, viewer, password)
	if err == nil && !ok {
		err = errPassword("input.password")
	}
	return seen, err
}

const notThePassword = "This is not the password of your account."

func errPassword(path string) error { return fault.Input(path, "INVALID", notThePassword) }

// Reauthenticate notes that the viewer has proved himself by his password again, as sensitive acts ask for.
func (s *Service) Reauthenticate(ctx context.Context, viewer auth.Viewer, password string) error {
	seen, err := s.proveOwn(ctx, viewer, password)
	if err != nil {
		return fmt.Errorf("reauthenticate: %w", err)
	}
	return s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		ok, err := tx.Reauthenticate(ctx, seen)
		if err == nil && !ok {
			return errPassword("input.password")
		}
		return err
	})
}

// ChangePassword replaces the viewer's password, ends his other sessions and all codes, and tells him by mail.
func (s *Service) ChangePassword(ctx context.Context, viewer auth.Viewer, currentPassword, newPassword string) error {
	seen, ok, err := s.isOwn(ctx, viewer, currentPassword)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	private, profile, err := s.findOwn(ctx, viewer)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	var faults fault.Faults
	if !ok {
		faults.Add("input.currentPassword", "INVALID", notThePassword)
	}
	newPassword = auth.NormalizePassword(newPassword)
	code, message := s.judgePassword(ctx, newPassword, s.words(private.Email, profile.Username, profile.DisplayName))
	faults.Add("input.newPassword", code, message)
	if err := faults.Err(); err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	if err := s.within(ctx, passwordLimit, viewer.UserID.String()); err != nil {
		return err
	}
	withheld, err := s.withholdsNotice(ctx, mail.PasswordChanged, private)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	hash, err := s.hasher.Hash(ctx, newPassword)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		notice, ok, err := tx.ChangePassword(ctx, seen, hash)
		switch {
		case err != nil:
			return err
		case !ok:
			return errPassword("input.currentPassword")
		}
		return tx.EnqueueMail(ctx, noticeOf(mail.PasswordChanged, viewer.UserID, notice, withheld))
	})
}

// findOwn returns both parts of the viewer's account.
func (s *Service) findOwn(ctx context.Context, viewer auth.Viewer) (private *db.Private, profile *db.Profile, err error) {
	if private, err = s.db.FindPrivate(ctx, viewer, viewer.UserID); err != nil {
		return nil, nil, err
	}
	profile, err = s.db.FindProfileOfUser(ctx, viewer, viewer.UserID)
	return private, profile, err
}

// RequestEmailChange sends a code to the address that the viewer's account is to have; VerifyEmail with it makes the change.
// REAUTH_REQUIRED when the sign-in was too long ago. That another account has the address is CONFLICT, unless a verified
// e-mail is required: then that account is told by mail, and nobody else.
func (s *Service) RequestEmailChange(ctx context.Context, viewer auth.Viewer, newEmail string) error {
	err := s.db.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error { return tx.RequireRecent(ctx, s.config.ReauthAfter) })
	if err != nil {
		return err
	}
	key, err := s.judgeRecipient(ctx, changeOfEmail, "input.newEmail", newEmail)
	if err != nil {
		return err
	}
	code := s.newCode(db.ChangeEmail, newEmail, key)
	return s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		taken, err := tx.RequestEmailChange(ctx, code)
		switch {
		case err != nil:
			return err
		case taken != "" && !s.config.RequireVerifiedEmail:
			return takenEmail("input.newEmail")
		case taken != "":
			return tx.EnqueueMail(ctx, db.Mail{Kind: string(mail.AddressTaken), Recipient: taken})
		}
		return tx.EnqueueMail(ctx, s.codeMail(mail.VerifyEmail, code, db.Recipient{Email: newEmail, Known: true}))
	})
}

// changeOfEmail is what a code for a new address is counted as: those that verify an address are counted for themselves.
const changeOfEmail mail.Kind = "change_email"

func takenEmail(path string) error {
	var faults fault.Faults
	faults.Taken(path, "There is an account with this e-mail address.")
	return faults.Err()
}

// ChangeUsername gives the viewer's profile another username, and returns the profile. The old one is held for him for a
// while. REAUTH_REQUIRED when the sign-in was too long ago; CONFLICT for one that somebody else has, or has given up not long
// ago.
func (s *Service) ChangeUsername(ctx context.Context, viewer auth.Viewer, username string) (profile *db.Profile, err error) {
	if code, message := judgeUsername(username); code != "" {
		return nil, fault.Input("input.username", code, message)
	}
	key, _ := UsernameKey(username)
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.RequireRecent(ctx, s.config.ReauthAfter); err != nil {
			return err
		}
		if err := tx.ChangeUsername(ctx, username, key, s.config.UsernameHold); err != nil {
			return err
		}
		if err := s.count(ctx, tx, usernameLimit, viewer.UserID.String()); err != nil { // here, so that only changes count
			return err
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	if errors.Is(err, db.ErrTaken) {
		var faults fault.Faults
		faults.Taken("input.username", "This username is taken.")
		return nil, faults.Err()
	}
	return profile, err
}

// DeleteAccount deletes the viewer's account, with all that refers to it, and tells its address. Nobody gets its username
// for a while.
func (s *Service) DeleteAccount(ctx context.Context, viewer auth.Viewer, password string) error {
	seen, err := s.proveOwn(ctx, viewer, password)
	if err != nil {
		return fmt.Errorf("delete account: %w", err)
	}
	private, err := s.db.FindPrivate(ctx, viewer, viewer.UserID)
	if err != nil {
		return fmt.Errorf("delete account: %w", err)
	}
	withheld, err := s.withholdsNotice(ctx, mail.AccountDeleted, private)
	if err != nil {
		return fmt.Errorf("delete account: %w", err)
	}
	return s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		profile, err := tx.FindProfileOfUser(ctx, viewer.UserID)
		if err != nil {
			return err
		}
		if err := run(ctx, "before deletion", s.config.Hooks.BeforeDeletion, tx, profile); err != nil {
			return err
		}
		notice, ok, err := tx.DeleteAccount(ctx, seen, s.config.UsernameHold)
		switch {
		case err != nil:
			return err
		case !ok:
			return errPassword("input.password")
		}
		return tx.EnqueueMail(ctx, noticeOf(mail.AccountDeleted, uuid.Nil, notice, withheld)) // of no account: it would go with it
	})
}
