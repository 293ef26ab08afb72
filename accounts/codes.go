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

// requestCode stores the same for every address, so that neither the response nor its time reveals whether the address has an
// account. The worker sends the mail later.
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
			code.EmailKey = unowned + code.EmailKey
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

// unowned turns a normalised address into one that no account can have. A code for it does not replace another code.
const unowned = " "

// checkRecipient reads the address to which a code is to be sent, and counts the mail. It also returns the minimum lifetime of
// the code: as long as the limits permit no further code.
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

// codeMail returns the mail that contains a code.
func (s *Service) codeMail(kind mail.Kind, code db.Code, to db.Recipient) outbox.Mail {
	m := outbox.Mail{ID: code.Seed, Kind: kind, Recipient: to.Email, CodeID: code.ID, ValidFor: code.ValidFor, Withheld: !to.Known}
	if kind == mail.ResetPassword {
		m.Data = map[string]string{"username": to.Username}
	}
	return m
}

// checkCodeOf returns the key of the address to which a code was sent, and counts the guess at the code. If the address is
// invalid, it returns "" and adds the faults of the address and the code.
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

// findCode returns a code that was sent to an address. The error is errCode if the code is invalid or has expired. Call
// checkCodeOf first, which counts the guess.
func (s *Service) findCode(ctx context.Context, purpose db.Purpose, emailKey, typed string) (db.SentCode, error) {
	code, ok, err := s.db.FindCode(ctx, purpose, emailKey, s.keys.CodeIDs(string(purpose), emailKey, typed))
	if err == nil && !ok {
		err = errCode
	}
	return code, err
}
