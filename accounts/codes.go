package accounts

import (
	"context"
	"fmt"
	"time"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// errCode is the one answer to every code that cannot be used.
var errCode = input.InvalidCode.At("input.code")

// requestCode writes the same for every address, and leaves the sending to others.
func (s *Service) requestCode(ctx context.Context, email string, purpose db.Purpose, kind mail.Kind) error {
	to, atLeast, err := s.checkRecipient(ctx, kind, "input.email", email)
	if err != nil {
		return err
	}
	code := s.newCode(purpose, to, atLeast)
	if purpose == db.ResetPassword {
		withheld, err := s.limits.WithholdsReset(ctx, to.Key)
		if err != nil {
			return fmt.Errorf("request a code: %w", err)
		}
		if withheld {
			code.EmailKey = nobodys + code.EmailKey
		}
	}
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		recipient, err := tx.RequestCode(ctx, code)
		if err != nil {
			return err
		}
		return s.enqueue(ctx, tx, s.codeMail(kind, code, recipient))
	})
	if err != nil {
		return fmt.Errorf("request a code: %w", err)
	}
	return nil
}

// nobodys makes a normalised address one that no account can have. The code for it takes no other's place.
const nobodys = " "

// judgeRecipient reads an address that is to get a mail with a code, and counts the mail. It returns how long the code has to
// be valid at least: for as long as the limits admit no further one.
func (s *Service) checkRecipient(ctx context.Context, kind mail.Kind, path, typed string) (to input.Email, atLeast time.Duration, err error) {
	if err := s.limits.CheckCodeRequest(ctx); err != nil {
		return input.Email{}, 0, err
	}
	to, flaw := input.ReadEmail(typed)
	if !flaw.IsZero() {
		return input.Email{}, 0, flaw.At(path)
	}
	counted, err := s.limits.CountMail(ctx, kind, to.Key)
	if err != nil {
		return input.Email{}, 0, err
	}
	return to, counted.Full, fault.LimitAt(path, limits.Exceeded(counted))
}

func (s *Service) newCode(purpose db.Purpose, to input.Email, atLeast time.Duration) db.Code {
	seed, id := s.keys.NewCode(string(purpose), to.Key)
	return db.Code{ID: id, Seed: seed, Purpose: purpose, Email: to.Text, EmailKey: to.Key, ValidFor: max(s.config.CodeLifetime, atLeast)}
}

// codeMail is the mail that brings a code.
func (s *Service) codeMail(kind mail.Kind, code db.Code, to db.Recipient) outbox.Mail {
	m := outbox.Mail{ID: code.Seed, Kind: kind, Recipient: to.Email, CodeID: code.ID, ValidFor: code.ValidFor, Withheld: !to.Known}
	if kind == mail.ResetPassword {
		m.Data = map[string]string{"username": to.Username}
	}
	return m
}

// checkCodeOf returns the key of an address to which a code was sent, and counts the guess at the code. If the address is
// invalid, it returns "" instead, and adds the faults of address and code.
func (s *Service) checkCodeOf(ctx context.Context, faults *fault.Faults, email, typed string) (key string, err error) {
	to, flaw := input.ReadEmail(email)
	if !flaw.IsZero() {
		faults.Add("input.email", flaw)
		faults.Add("input.code", input.ValidateCode(typed))
		return "", nil
	}
	if err := s.limits.CheckCodeTry(ctx); err != nil {
		return "", err
	}
	return to.Key, fault.LimitAt("input.code", s.limits.CheckCodeGuess(ctx, to.Key))
}

// findCode finds the code that was typed, which was sent to this address. The error is errCode if there is none.
// checkCodeOf has counted the guess.
func (s *Service) findCode(ctx context.Context, purpose db.Purpose, emailKey, typed string) (db.SentCode, error) {
	code, ok, err := s.db.FindCode(ctx, purpose, emailKey, s.keys.CodeIDs(string(purpose), emailKey, typed))
	if err == nil && !ok {
		err = errCode
	}
	return code, err
}
