package accounts

import (
	"context"
	"errors"
	"fmt"

	"freehold.dev/freehold/accounts/codes"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// RequestPasswordReset sends a code for a new password to the address of an account. The result is the same for an address
// without an account.
func (s *Service) RequestPasswordReset(ctx context.Context, email string) error {
	return s.Codes.Request(ctx, email, db.ResetPassword, mail.ResetPassword)
}

// ResetPassword gives an account a new password. The code proves the address, so the address is verified from then on. It revokes
// all sessions of the account. The error of an invalid code is BAD_USER_INPUT. The code is used up only if everything succeeds.
func (s *Service) ResetPassword(ctx context.Context, email, typed, newPassword string) error {
	newPassword = passwords.Normalize(newPassword)
	flaw := s.passwords.ValidateFor(newPassword, nil) // without the words of the account, which only the code gives access to
	var faults fault.Faults
	key, err := s.Codes.CheckGuess(ctx, &faults, email, typed)
	if err != nil {
		return err
	}
	if key == "" {
		faults.Add("input.newPassword", flaw)
		return faults.Err()
	}
	code, err := s.Codes.Find(ctx, db.ResetPassword, key, typed)
	switch {
	case errors.Is(err, codes.ErrInvalid):
		faults.Add("input.code", input.InvalidCode)
	case err != nil:
		return err
	default:
		flaw = s.passwords.ValidateAndLookUp(ctx, newPassword, s.passwords.Words(code.Email, code.Username, code.DisplayName))
	}
	faults.Add("input.newPassword", flaw)
	if err := faults.Err(); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, newPassword)
	if err != nil {
		return fmt.Errorf("reset password: %w", err)
	}
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		notice, ok, err := tx.ResetPassword(ctx, code.ID, hash)
		switch {
		case err != nil:
			return err
		case !ok: // another request has used the code
			return codes.ErrInvalid
		}
		return s.Codes.Enqueue(ctx, tx, noticeOf(mail.PasswordChanged, code.UserID, notice, false))
	})
	if err != nil {
		return fmt.Errorf("reset password: %w", err)
	}
	// Earlier guesses were at the old password.
	return s.limits.Forget(ctx, s.limits.CodeGuesses(ctx, key), s.limits.Guesses(ctx, key), s.limits.OwnGuesses(code.UserID))
}
