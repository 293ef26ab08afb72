package accounts

import (
	"context"
	"fmt"
	"time"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// The one answer to every invalid code, whatever is wrong with it.
var (
	wrongCode = fault.Flaw{Code: "INVALID", Message: "This code is invalid or has expired."}
	errCode   = wrongCode.At("input.code")
)

// requestCode writes the same for every address, and leaves the sending to others.
func (s *Service) requestCode(ctx context.Context, email string, purpose db.Purpose, kind mail.Kind) error {
	to, atLeast, err := s.judgeRecipient(ctx, mailOf[purpose], "input.email", email)
	if err != nil {
		return err
	}
	code := s.newCode(purpose, to, atLeast)
	if purpose == db.ResetPassword {
		withheld, err := s.withholdsReset(ctx, to.key)
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
func (s *Service) judgeRecipient(ctx context.Context, kind, path, typed string) (to address, atLeast time.Duration, err error) {
	if err := s.within(ctx, byClient(ctx, s.config.Limits.CodeRequest, "codeRequest")...); err != nil {
		return address{}, 0, err
	}
	to, flaw := readEmail(typed)
	if !flaw.IsZero() {
		return address{}, 0, flaw.At(path)
	}
	counted, err := s.countMail(ctx, kind, to.key)
	if err != nil {
		return address{}, 0, err
	}
	return to, counted.Full, fault.LimitAt(path, tooOften(counted))
}

func (s *Service) newCode(purpose db.Purpose, to address, atLeast time.Duration) db.Code {
	seed, id := s.keys.NewCode(string(purpose), to.key)
	return db.Code{ID: id, Seed: seed, Purpose: purpose, Email: to.text, EmailKey: to.key, ValidFor: max(s.config.CodeLifetime, atLeast)}
}

// codeMail is the mail that brings a code.
func (s *Service) codeMail(kind mail.Kind, code db.Code, to db.Recipient) db.Mail {
	m := db.Mail{ID: code.Seed, Kind: string(kind), Recipient: to.Email, CodeID: code.ID, ValidFor: code.ValidFor, Withheld: !to.Known}
	if kind == mail.ResetPassword {
		m.Data = map[string]string{"username": to.Username}
	}
	return m
}

// judgeCodeOf returns the key of an address to which a code was sent, and counts the guess at the code. If the address is
// invalid, it returns "" instead, and adds the faults of address and code.
func (s *Service) judgeCodeOf(ctx context.Context, faults *fault.Faults, email, typed string) (key string, err error) {
	to, flaw := readEmail(email)
	if !flaw.IsZero() {
		faults.Add("input.email", flaw)
		faults.Add("input.code", s.JudgeCode(typed))
		return "", nil
	}
	if err := s.within(ctx, byClient(ctx, s.config.Limits.CodeTry, "codeTry")...); err != nil {
		return "", err
	}
	return to.key, fault.LimitAt("input.code", s.withinCodeGuesses(ctx, to.key))
}

// findCode finds the code that was typed, which was sent to this address. The error is errCode if there is none.
// judgeCodeOf has counted the guess.
func (s *Service) findCode(ctx context.Context, purpose db.Purpose, emailKey, typed string) (db.SentCode, error) {
	code, ok, err := s.db.FindCode(ctx, purpose, emailKey, s.keys.CodeIDs(string(purpose), emailKey, typed))
	if err == nil && !ok {
		err = errCode
	}
	return code, err
}
