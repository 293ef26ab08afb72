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
)

// RequestEmailVerification sends a code to the address of an account that is not verified yet. The result is the same for any
// other address.
func (s *Service) RequestEmailVerification(ctx context.Context, email string) error {
	return s.Codes.Request(ctx, email, db.VerifyEmail, mail.VerifyEmail)
}

// Verification is the result of VerifyEmail.
type Verification struct {
	Profile         *db.Profile
	Session         *SignedIn // nil if the client was signed in to the account
	PasswordCleared bool      // the account no longer has a password
}

// Proof is what a client sends to verify an address.
type Proof struct {
	Email, Code string
	Password    *string // of a pending sign-up; nil if the client sent none
	// Passkey uses up the proof of a passkey of a pending sign-up, and returns its credential; nil if the client sent none.
	Passkey func(ctx context.Context, tx *db.SystemTx) (*uuid.UUID, error)
}

// VerifyEmail verifies an address with a code that was sent to it: the address of an account, or a new one for the viewer's
// account. A client that is not signed in to the account gets a session, and all other sessions are revoked. The account keeps
// its password or its passkey only if its sign-up is pending and the client proves it: somebody else may have signed up with the
// address. The error of an invalid code is BAD_USER_INPUT.
func (s *Service) VerifyEmail(ctx context.Context, viewer auth.Viewer, proof Proof) (*Verification, error) {
	var faults fault.Faults
	key, err := s.Codes.CheckGuess(ctx, &faults, proof.Email, proof.Code)
	if err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	verification, err := s.verifyEmail(ctx, viewer, key, proof)
	if errors.Is(err, db.ErrTaken) { // another account has verified the address since the code was sent
		err = codes.ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("verify email: %w", err)
	}
	return verification, s.Codes.ForgetGuesses(ctx, key)
}

func (s *Service) verifyEmail(ctx context.Context, viewer auth.Viewer, key string, proof Proof) (*Verification, error) {
	if viewer.IsMember() {
		code, err := s.Codes.Find(ctx, db.ChangeEmail, key, proof.Code)
		if err == nil && code.UserID == viewer.UserID {
			return s.confirmEmail(ctx, viewer, code)
		} else if err != nil && !errors.Is(err, codes.ErrInvalid) {
			return nil, err
		}
	}
	code, err := s.Codes.Find(ctx, db.VerifyEmail, key, proof.Code)
	switch {
	case err != nil:
		return nil, err
	case viewer.IsMember() && code.UserID == viewer.UserID:
		return s.verifyOwn(ctx, viewer, code)
	}
	hash, err := s.hashPending(ctx, key, code, proof.Password)
	if err != nil {
		return nil, err
	}
	v, err := s.verifyAndStart(ctx, code, hash, proof.Passkey)
	if err == nil && hash != "" && !v.PasswordCleared {
		err = s.limits.Forget(ctx, s.limits.Guesses(ctx, key))
	}
	return v, err
}

// hashPending hashes a password with the salt of the pending sign-up that a code belongs to; "" if there is no password. The
// database compares the hashes.
func (s *Service) hashPending(ctx context.Context, key string, code db.SentCode, password *string) (string, error) {
	if password == nil {
		return "", nil
	}
	if err := s.limits.CheckPasswordTry(ctx); err != nil {
		return "", err
	}
	if err := s.limits.CheckLimit(ctx, s.limits.Guesses(ctx, key)); err != nil {
		return "", fault.LimitAt("input.password", err)
	}
	salt, err := s.db.FindPendingSalt(ctx, code.ID)
	if err != nil {
		return "", err
	}
	hash, _, err := s.hasher.Salted(ctx, passwords.Normalize(*password), salt)
	return hash, err
}

// verifyOwn verifies the viewer's own address.
func (s *Service) verifyOwn(ctx context.Context, viewer auth.Viewer, code db.SentCode) (*Verification, error) {
	return s.asOwner(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		ok, err := tx.VerifyEmail(ctx, code.ID)
		if err == nil && !ok {
			return codes.ErrInvalid
		}
		return err
	})
}

// asOwner verifies an address as the owner of the account, and runs the hooks.
func (s *Service) asOwner(ctx context.Context, viewer auth.Viewer, prove func(context.Context, *db.Tx) error) (*Verification, error) {
	v := &Verification{}
	err := s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) (err error) {
		if err := prove(ctx, tx); err != nil {
			return err
		}
		if v.Profile, err = tx.FindProfileOfUser(ctx, viewer.UserID); err != nil {
			return err
		}
		return s.AfterVerification(ctx, tx, v.Profile)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// verifyAndStart verifies the address of an account for a client that is not signed in to it, and starts a session. The account
// keeps its credentials if this is the hash of its password, or if the client proves its passkey.
func (s *Service) verifyAndStart(
	ctx context.Context, code db.SentCode, hash string, prove func(context.Context, *db.SystemTx) (*uuid.UUID, error),
) (*Verification, error) {
	session, refreshToken := s.Sessions.Prepare()
	v := &Verification{}
	var viewer auth.Viewer
	err := s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		var passkey *uuid.UUID
		if prove != nil {
			var err error
			if passkey, err = prove(ctx, system); err != nil {
				return err
			}
		}
		verified, ok, err := system.VerifyEmail(ctx, code.ID, hash, passkey, session)
		switch {
		case err != nil:
			return err
		case !ok:
			return codes.ErrInvalid
		}
		v.PasswordCleared = verified.PasswordCleared
		tx, err := system.Enter(ctx, session.ID) // it is the only session of the account
		if err != nil {
			return err
		}
		viewer = tx.Viewer
		if v.Profile, err = tx.FindProfileOfUser(ctx, verified.UserID); err != nil {
			return err
		}
		return s.AfterVerification(ctx, tx, v.Profile)
	})
	if err != nil {
		return nil, err
	}
	v.Session, err = s.signedIn(viewer, v.Profile, refreshToken)
	return v, err
}
