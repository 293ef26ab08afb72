package accounts

import (
	"context"
	"fmt"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
)

// errWrong is the one answer to every sign-in that fails, whatever is wrong.
var errWrong = &fault.Error{Code: fault.Unauthenticated, Reason: fault.Invalid, Message: "The e-mail address or the password is wrong."}

// SignIn starts a session. An unknown e-mail, a wrong password and a disabled account are one error that takes one
// time: there is a hash to compute in any case.
func (s *Service) SignIn(ctx context.Context, email, password string) (*Session, error) {
	if err := s.within(ctx, signInLimit); err != nil {
		return nil, err
	}
	key, _, _ := judgeEmail(email) // a faulty address has an empty key, which no account has
	userID, seen, err := s.db.FindCredentials(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	password = auth.NormalizePassword(password)
	ok, outdated, err := s.hasher.Verify(ctx, password, seen)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if !ok {
		return nil, errWrong
	}
	renewed := ""
	if outdated {
		if renewed, err = s.hasher.Hash(ctx, password); err != nil {
			return nil, fmt.Errorf("sign in: %w", err)
		}
	}
	session, refreshToken := s.newSession()
	var viewer auth.Viewer
	var profile *db.Profile
	err = s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		switch ok, err := system.StartSession(ctx, userID, seen, renewed, session); {
		case err != nil:
			return err
		case !ok: // changed or disabled since we looked
			return errWrong
		}
		tx, err := system.Enter(ctx, session.ID)
		if err != nil {
			return err
		}
		viewer = tx.Viewer
		profile, err = tx.FindProfileOfUser(ctx, userID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return s.started(viewer, profile, refreshToken)
}
