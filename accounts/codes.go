package accounts

import (
	"context"
	"fmt"

	"freehold/db"
	"freehold/fault"
	"freehold/mail"
)

// The one answer to every invalid code, whatever is wrong with it.
var (
	wrongCode = fault.Flaw{Code: "INVALID", Message: "This code is wrong, expired, or already used."}
	errCode   = wrongCode.At("input.code")
)

// requestCode writes the same for every address, and leaves the sending to others.
func (s *Service) requestCode(ctx context.Context, email string, purpose db.Purpose, kind mail.Kind) error {
	to, err := s.judgeRecipient(ctx, mailOf[purpose], "input.email", email)
	if err != nil {
		return err
	}
	code := s.newCode(purpose, to)
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		recipient, err := tx.RequestCode(ctx, code)
		if err != nil {
			return err
		}
		return tx.EnqueueMail(ctx, s.codeMail(kind, code, recipient))
	})
	if err != nil {
		return fmt.Errorf("request a code: %w", err)
	}
	return nil
}

// judgeRecipient reads an address to which a client wants a mail to be sent, and counts the mail under its kind.
func (s *Service) judgeRecipient(ctx context.Context, kind, path, typed string) (address, error) {
	if err := s.within(ctx, codeRequestLimit, client(ctx)); err != nil {
		return address{}, err
	}
	email, flaw := readEmail(typed)
	if !flaw.IsZero() {
		return address{}, flaw.At(path)
	}
	return email, fault.LimitAt(path, s.withinMails(ctx, kind, email.key))
}

func (s *Service) newCode(purpose db.Purpose, to address) db.Code {
	seed, id := s.keys.NewCode(string(purpose), to.key)
	return db.Code{ID: id, Seed: seed, Purpose: purpose, Email: to.text, EmailKey: to.key, ValidFor: s.config.CodeLifetime}
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
	if err := s.within(ctx, codeTryLimit, client(ctx)); err != nil {
		return "", err
	}
	return to.key, fault.LimitAt("input.code", s.within(ctx, codeLimit, digest(to.key), client(ctx)))
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
