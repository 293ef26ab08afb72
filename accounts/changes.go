package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/codes"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// ChangePassword replaces the viewer's password. It revokes the other sessions, deletes all codes, sends a notice, and returns
// the viewer's profile. The error is REAUTH_REQUIRED if the viewer has a second factor, and has proved both factors too long ago.
func (s *Service) ChangePassword(ctx context.Context, viewer auth.Viewer, currentPassword, newPassword string) (*db.Profile, error) {
	if err := s.db.Read(ctx, viewer, s.requireSecondFactor); err != nil {
		return nil, fmt.Errorf("change password: %w", err)
	}
	seen, ok, err := s.isOwnPassword(ctx, viewer, "input.currentPassword", currentPassword)
	if err != nil {
		return nil, fmt.Errorf("change password: %w", err)
	}
	private, profile, err := s.findOwn(ctx, viewer)
	if err != nil {
		return nil, fmt.Errorf("change password: %w", err)
	}
	var faults fault.Faults
	if !ok {
		faults.Add("input.currentPassword", notThePassword)
	}
	newPassword = passwords.Normalize(newPassword)
	faults.Add("input.newPassword", s.passwords.ValidateAndLookUp(ctx, newPassword, s.passwords.Words(private.Email, profile.Username, profile.DisplayName)))
	if err := faults.Err(); err != nil {
		return nil, fmt.Errorf("change password: %w", err)
	}
	if err := s.limits.CheckPasswordChange(ctx, viewer.UserID); err != nil {
		return nil, fault.LimitAt("input.newPassword", err)
	}
	withheld, err := s.withholdsNotice(ctx, mail.PasswordChanged, private)
	if err != nil {
		return nil, fmt.Errorf("change password: %w", err)
	}
	hash, err := s.hasher.Hash(ctx, newPassword)
	if err != nil {
		return nil, fmt.Errorf("change password: %w", err)
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		notice, ok, err := tx.ChangePassword(ctx, seen, hash)
		switch {
		case err != nil:
			return err
		case !ok:
			return errPassword("input.currentPassword")
		}
		if profile, err = tx.FindProfileOfUser(ctx, viewer.UserID); err != nil {
			return err
		}
		return s.Codes.Enqueue(ctx, tx, noticeOf(mail.PasswordChanged, viewer.UserID, notice, withheld))
	})
	return profile, err
}

// RequestEmailChange sends a code to an address that the viewer's account is to have. VerifyEmail confirms the change with the
// code. It returns the viewer's profile. The error is REAUTH_REQUIRED if the viewer entered the password too long ago, and
// CONFLICT if another account has the address. If a verified email address is required, there is no CONFLICT. Instead, the other
// account gets a mail.
func (s *Service) RequestEmailChange(ctx context.Context, viewer auth.Viewer, newEmail string) (profile *db.Profile, err error) {
	err = s.db.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		return s.RequireRecent(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	if err := s.limits.CheckWrite(ctx, viewer.UserID); err != nil {
		return nil, err
	}
	to, atLeast, err := s.Codes.CheckRecipient(ctx, mail.ChangeEmail, "input.newEmail", newEmail)
	if err != nil {
		return nil, err
	}
	code := s.Codes.New(db.ChangeEmail, to, atLeast)
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if profile, err = tx.FindProfileOfUser(ctx, viewer.UserID); err != nil {
			return err
		}
		taken, err := tx.RequestEmailChange(ctx, code)
		switch {
		case err != nil:
			return err
		case taken != "" && !s.config.RequireVerifiedEmail:
			return fault.Taken("input.newEmail", emailTaken)
		case taken != "":
			return s.Codes.Enqueue(ctx, tx, outbox.Mail{Kind: mail.AddressTaken, Recipient: taken})
		}
		return s.Codes.Enqueue(ctx, tx, codes.Mail(mail.ChangeEmail, code, db.Recipient{Email: to.Text, Known: true}))
	})
	return profile, err
}

// confirmEmail gives the viewer's account the new address that a code has proved, and sends a notice to both addresses.
func (s *Service) confirmEmail(ctx context.Context, viewer auth.Viewer, code db.SentCode) (*Verification, error) {
	private, err := s.db.FindPrivate(ctx, viewer, viewer.UserID)
	if err != nil {
		return nil, err
	}
	if err := s.checkLeave(ctx, private); err != nil {
		return nil, err
	}
	withheld, err := s.withholdsNotice(ctx, mail.EmailChangedOld, private)
	if err != nil {
		return nil, err
	}
	return s.asOwner(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		changed, ok, err := tx.ChangeEmail(ctx, code.ID)
		switch {
		case err != nil:
			return err
		case !ok:
			return codes.ErrInvalid
		}
		before, after := db.Notice{Email: changed.Old, Username: changed.Username}, db.Notice{Email: changed.New, Username: changed.Username}
		if err := s.Codes.Enqueue(ctx, tx, noticeOf(mail.EmailChangedOld, viewer.UserID, before, withheld)); err != nil {
			return err
		}
		return s.Codes.Enqueue(ctx, tx, noticeOf(mail.EmailChangedNew, viewer.UserID, after, false))
	})
}

// ChangeUsername changes the viewer's username and returns the viewer's profile. The old username is held for the viewer for a
// while. The error is REAUTH_REQUIRED if the viewer entered the password too long ago, and CONFLICT if another user has the
// username or gave it up recently.
func (s *Service) ChangeUsername(ctx context.Context, viewer auth.Viewer, typed string) (profile *db.Profile, err error) {
	username, key, flaw := s.config.Reserved.ReadNewUsername(typed)
	if !flaw.IsZero() {
		return nil, flaw.At("input.username")
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := s.RequireRecent(ctx, tx); err != nil {
			return err
		}
		if err := s.RenameOwn(ctx, tx, username, key); err != nil {
			return err
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	if errors.Is(err, db.ErrTaken) {
		return nil, fault.Taken("input.username", usernameTaken)
	}
	return profile, err
}

// RenameOwn gives the viewer a valid username, whose normalised form is key. The error is db.ErrTaken if another user has it or gave it
// up recently.
func (s *Service) RenameOwn(ctx context.Context, tx *db.Tx, username, key string) error {
	if err := tx.ChangeUsername(ctx, username, key, s.config.UsernameHold); err != nil {
		return err
	}
	if err := tx.RecordEvent(ctx, db.UsernameChanged); err != nil {
		return err
	}
	// Counted last, so that only changes count.
	return fault.LimitAt("input.username", s.limits.CheckUsernameChange(ctx, tx))
}

// findOwn returns the viewer's account: its private part, and its profile.
func (s *Service) findOwn(ctx context.Context, viewer auth.Viewer) (private *db.Private, profile *db.Profile, err error) {
	if private, err = s.db.FindPrivate(ctx, viewer, viewer.UserID); err != nil {
		return nil, nil, err
	}
	profile, err = s.db.FindProfileOfUser(ctx, viewer, viewer.UserID)
	return private, profile, err
}

// noticeOf returns the mail that reports a change of an account.
func noticeOf(kind mail.Kind, userID uuid.UUID, to db.Notice, withheld bool) outbox.Mail {
	return outbox.Mail{Kind: kind, UserID: userID, Recipient: to.Email, Data: map[string]string{"username": to.Username}, Withheld: withheld}
}
