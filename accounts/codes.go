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

// errCode is the one answer to every code that does not count, whatever is wrong with it.
var errCode = fault.Input("input.code", "INVALID", "This code is wrong, or does not count any more.")

// RequestEmailVerification sends a code to an address, for an account that has it and has not verified it yet. Whether
// there is one cannot be told from it.
func (s *Service) RequestEmailVerification(ctx context.Context, email string) error {
	return s.requestCode(ctx, email, db.VerifyEmail, mail.VerifyEmail)
}

// RequestPasswordReset sends a code for a new password to the address of an account. Whether there is one cannot be told
// from it.
func (s *Service) RequestPasswordReset(ctx context.Context, email string) error {
	return s.requestCode(ctx, email, db.ResetPassword, mail.ResetPassword)
}

// requestCode writes the same for every address, and leaves the sending to others.
func (s *Service) requestCode(ctx context.Context, email string, purpose db.Purpose, kind mail.Kind) error {
	key, err := s.judgeRecipient(ctx, kind, "input.email", email)
	if err != nil {
		return err
	}
	code := s.newCode(purpose, email, key)
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		to, err := tx.RequestCode(ctx, code)
		if err != nil {
			return err
		}
		return tx.EnqueueMail(ctx, s.codeMail(kind, code, to))
	})
	if err != nil {
		return fmt.Errorf("request a code: %w", err)
	}
	return nil
}

// judgeRecipient returns the key of an address to which somebody wants a mail to be sent, and counts it.
func (s *Service) judgeRecipient(ctx context.Context, kind mail.Kind, path, email string) (key string, err error) {
	if err := s.within(ctx, codeRequestLimit, client(ctx)); err != nil {
		return "", err
	}
	key, code, message := judgeEmail(email)
	if code != "" {
		return "", fault.Input(path, code, message)
	}
	return key, s.withinMails(ctx, kind, key)
}

func (s *Service) newCode(purpose db.Purpose, email, key string) db.Code {
	return db.Code{ID: uuid.New(), Purpose: purpose, Email: email, EmailKey: key, ValidFor: s.config.CodeLifetime}
}

// codeMail is the mail that brings a code.
func (s *Service) codeMail(kind mail.Kind, code db.Code, to db.Recipient) db.Mail {
	m := db.Mail{Kind: string(kind), Recipient: to.Email, CodeID: code.ID, ValidFor: code.ValidFor, Withheld: !to.Known}
	if kind == mail.ResetPassword {
		m.Data = map[string]string{"username": to.Username}
	}
	return m
}

// findCode finds the code that was typed among those that were sent to an address. The error of one that is not among them is
// errCode. judgeCodeOf has counted the guess.
func (s *Service) findCode(ctx context.Context, purpose db.Purpose, emailKey, typed string) (db.SentCode, error) {
	sent, err := s.db.FindCodes(ctx, purpose, emailKey)
	if err != nil {
		return db.SentCode{}, err
	}
	for _, c := range sent {
		if s.keys.IsCode(c.ID, typed) {
			return c, nil
		}
	}
	return db.SentCode{}, errCode
}

// judgeCodeOf returns the key of an address to which a code was sent, and counts the guess at the code.
func (s *Service) judgeCodeOf(ctx context.Context, email string) (key string, err error) {
	key, code, message := judgeEmail(email)
	if code != "" {
		return "", fault.Input("input.email", code, message)
	}
	if err := s.within(ctx, codeTryLimit, client(ctx)); err != nil {
		return "", err
	}
	return key, s.within(ctx, codeLimit, digest(key), client(ctx))
}

// ResetPassword gives an account a new password by a code that was sent to its address, which is proved by that. All its
// sessions end. An error of the code is BAD_USER_INPUT, and the code is used only if all went well.
func (s *Service) ResetPassword(ctx context.Context, email, typed, newPassword string) error {
	key, err := s.judgeCodeOf(ctx, email)
	if err != nil {
		return err
	}
	var faults fault.Faults
	var fieldCode, message string
	newPassword = auth.NormalizePassword(newPassword)
	code, err := s.findCode(ctx, db.ResetPassword, key, typed)
	switch {
	case errors.Is(err, errCode): // then the words of the account are not for whoever asks
		faults.Add("input.code", "INVALID", errCode.Message)
		fieldCode, message = s.Judge("password", newPassword)
	case err != nil:
		return err
	default:
		fieldCode, message = s.judgePassword(ctx, newPassword, s.words(code.Email, code.Username, code.DisplayName))
	}
	faults.Add("input.newPassword", fieldCode, message)
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
		case !ok: // somebody else was quicker
			return errCode
		}
		return tx.EnqueueMail(ctx, noticeOf(mail.PasswordChanged, code.UserID, notice, false))
	})
	if err != nil {
		return fmt.Errorf("reset password: %w", err)
	}
	return s.forget(ctx, codeLimit, digest(key), client(ctx))
}

// noticeOf is the mail that tells of a change of an account.
func noticeOf(kind mail.Kind, userID uuid.UUID, to db.Notice, withheld bool) db.Mail {
	return db.Mail{Kind: string(kind), UserID: userID, Recipient: to.Email, Data: map[string]string{"username": to.Username}, Withheld: withheld}
}

// Verification is an account whose address was proved.
type Verification struct {
	Profile         *db.Profile
	Session         *Session // that was started; nil where the account's own has proved the address
	PasswordCleared bool     // the account has no password any more
}

// VerifyEmail proves an address by a code that was sent to it: that of an account, or the one that the viewer's is to have,
// which it has from then on. Whoever is not signed in to the account gets a session; and if somebody else may have signed
// up with the address, the account's password and sessions are no more. An error of the code is BAD_USER_INPUT.
func (s *Service) VerifyEmail(ctx context.Context, viewer auth.Viewer, email, typed string) (*Verification, error) {
	key, err := s.judgeCodeOf(ctx, email)
	if err != nil {
		return nil, err
	}
	verification, err := s.verifyEmail(ctx, viewer, key, typed)
	if errors.Is(err, db.ErrTaken) { // another account has proved the address since the code was sent
		err = errCode
	}
	if err != nil {
		return nil, fmt.Errorf("verify e-mail: %w", err)
	}
	return verification, s.forget(ctx, codeLimit, digest(key), client(ctx))
}

func (s *Service) verifyEmail(ctx context.Context, viewer auth.Viewer, key, typed string) (*Verification, error) {
	if viewer.IsMember() {
		code, err := s.findCode(ctx, db.ChangeEmail, key, typed)
		if err == nil && code.UserID == viewer.UserID {
			return s.confirmEmail(ctx, viewer, code)
		} else if err != nil && !errors.Is(err, errCode) {
			return nil, err
		}
	}
	code, err := s.findCode(ctx, db.VerifyEmail, key, typed)
	switch {
	case err != nil:
		return nil, err
	case viewer.IsMember() && code.UserID == viewer.UserID:
		return s.verifyOwn(ctx, viewer, code)
	}
	return s.verifyAndStart(ctx, code)
}

// verifyOwn proves the address of the viewer's account.
func (s *Service) verifyOwn(ctx context.Context, viewer auth.Viewer, code db.SentCode) (*Verification, error) {
	return s.asOwner(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		ok, err := tx.VerifyEmail(ctx, code.ID)
		if err == nil && !ok {
			return errCode
		}
		return err
	})
}

// confirmEmail makes a proved address that of the viewer's account, and tells both addresses.
func (s *Service) confirmEmail(ctx context.Context, viewer auth.Viewer, code db.SentCode) (*Verification, error) {
	private, err := s.db.FindPrivate(ctx, viewer, viewer.UserID)
	if err != nil {
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
			return errCode
		}
		before, after := db.Notice{Email: changed.Old, Username: changed.Username}, db.Notice{Email: changed.New, Username: changed.Username}
		if err := tx.EnqueueMail(ctx, noticeOf(mail.EmailChangedOld, viewer.UserID, before, withheld)); err != nil {
			return err
		}
		return tx.EnqueueMail(ctx, noticeOf(mail.EmailChangedNew, viewer.UserID, after, false))
	})
}

// asOwner proves an address as the account's owner, and runs the hooks.
func (s *Service) asOwner(ctx context.Context, viewer auth.Viewer, prove func(context.Context, *db.Tx) error) (*Verification, error) {
	v := &Verification{}
	err := s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) (err error) {
		if err := prove(ctx, tx); err != nil {
			return err
		}
		if v.Profile, err = tx.FindProfileOfUser(ctx, viewer.UserID); err != nil {
			return err
		}
		return run(ctx, "after verification", s.config.Hooks.AfterVerification, tx, v.Profile)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// verifyAndStart proves the address of an account for whoever is not signed in to it, and starts a session.
func (s *Service) verifyAndStart(ctx context.Context, code db.SentCode) (*Verification, error) {
	session, refreshToken := s.newSession()
	v := &Verification{}
	var viewer auth.Viewer
	err := s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		verified, ok, err := system.VerifyEmail(ctx, code.ID, session)
		switch {
		case err != nil:
			return err
		case !ok:
			return errCode
		}
		v.PasswordCleared = verified.PasswordCleared
		tx, err := system.Enter(ctx, session.ID)
		if err != nil {
			return err
		}
		viewer = tx.Viewer
		if v.Profile, err = tx.FindProfileOfUser(ctx, verified.UserID); err != nil {
			return err
		}
		return run(ctx, "after verification", s.config.Hooks.AfterVerification, tx, v.Profile)
	})
	if err != nil {
		return nil, err
	}
	v.Session, err = s.started(viewer, v.Profile, refreshToken)
	return v, err
}
