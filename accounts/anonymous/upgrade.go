package anonymous

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/codes"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// Upgrade is what the owner of an anonymous account types to make it permanent.
type Upgrade struct {
	Email, Password string
	Username        *string          // nil to keep it
	Profile         db.ProfileFields // the fields to change
}

var errPermanent = fault.New(fault.Forbidden, "Only anonymous accounts can be upgraded. This account is permanent already.")

// Upgrade makes the viewer's anonymous account permanent, and returns its profile. Hooks before a sign-up run first. If the input is
// invalid, the error has all faults, as for a sign-up. If a verified address is required, the account gets the address and the password
// when accounts.VerifyEmail confirms the address; the other values change immediately. The error is FORBIDDEN if the account is
// permanent already.
func (s *Service) Upgrade(ctx context.Context, viewer auth.Viewer, in Upgrade) (*db.Profile, error) {
	form, err := s.readForm(ctx, viewer, in)
	if err != nil {
		return nil, err
	}
	if err := s.accounts.BeforeSignUp(ctx, accounts.Candidate{Email: form.Email.Text, Username: form.Username, Profile: form.Profile}); err != nil {
		return nil, err
	}
	write := s.upgradeAtOnce
	if s.accounts.Settings().RequireVerifiedEmail {
		write = s.requestUpgrade
	}
	profile, err := write(ctx, viewer, form)
	if errors.Is(err, db.ErrTaken) { // since it was validated
		if _, err := s.readForm(ctx, viewer, in); err != nil {
			return nil, err
		}
		return nil, fault.Busy(err)
	}
	if err != nil {
		return nil, fmt.Errorf("upgrade an account: %w", err)
	}
	return profile, nil
}

// form is a valid upgrade. Hash is that of the password.
type form struct {
	accounts.Form
	hash string
}

func (s *Service) readForm(ctx context.Context, viewer auth.Viewer, in Upgrade) (f form, err error) {
	anonymous, err := s.db.FindIsAnonymous(ctx, viewer, viewer.UserID)
	switch {
	case err != nil:
		return f, err
	case anonymous == nil || !*anonymous:
		return f, errPermanent
	}
	if err := s.accounts.Limits().CheckSignUp(ctx); err != nil {
		return f, err
	}
	typed := accounts.SignUp{Email: in.Email, Password: in.Password, Profile: in.Profile}
	if in.Username != nil {
		typed.Username = *in.Username
	}
	f.Form, err = s.accounts.ReadForm(ctx, typed, accounts.FormParts{NewEmail: true, Password: true, Username: in.Username != nil})
	return f, err
}

// upgradeAtOnce gives the account the address and the password.
func (s *Service) upgradeAtOnce(ctx context.Context, viewer auth.Viewer, f form) (profile *db.Profile, err error) {
	if f.hash, err = s.accounts.Hash(ctx, f.Password); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		ok, err := tx.UpgradeAccount(ctx, f.Email.Text, f.Email.Key, f.hash)
		if err := orPermanent(ok, err); err != nil {
			return err
		}
		profile, err = s.change(ctx, tx, f)
		return err
	})
	return profile, err
}

// requestUpgrade sends a code to the address. If another account has it, that account gets a notice instead, and the response is the
// same.
func (s *Service) requestUpgrade(ctx context.Context, viewer auth.Viewer, f form) (profile *db.Profile, err error) {
	if err := s.accounts.Codes.CheckRequest(ctx); err != nil {
		return nil, err
	}
	atLeast, err := s.accounts.Codes.CountMail(ctx, mail.ChangeEmail, "input.email", f.Email)
	if err != nil {
		return nil, err
	}
	if f.hash, err = s.accounts.Hash(ctx, f.Password); err != nil {
		return nil, err
	}
	code := s.accounts.Codes.New(db.ChangeEmail, f.Email, atLeast)
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		taken, ok, err := tx.RequestUpgrade(ctx, code, f.hash)
		if err := orPermanent(ok, err); err != nil {
			return err
		}
		m := codes.Mail(mail.ChangeEmail, code, db.Recipient{Email: f.Email.Text, Known: true})
		if taken != "" {
			m = outbox.Mail{Kind: mail.AddressTaken, Recipient: taken}
		}
		if err := s.accounts.Codes.Enqueue(ctx, tx, m); err != nil {
			return err
		}
		profile, err = s.change(ctx, tx, f)
		return err
	})
	return profile, err
}

func orPermanent(ok bool, err error) error {
	if err == nil && !ok {
		return errPermanent
	}
	return err
}

// change changes the other values of the account.
func (s *Service) change(ctx context.Context, tx *db.Tx, f form) (*db.Profile, error) {
	if f.Username != "" {
		if err := s.accounts.RenameOwn(ctx, tx, f.Username, f.UsernameKey); err != nil {
			return nil, err
		}
	}
	return tx.UpdateProfile(ctx, uuid.Nil, f.Profile)
}
