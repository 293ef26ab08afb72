package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"freehold/auth"
	"freehold/db"
	"freehold/fault"
)

// SignUp is what a visitor types. Profile holds the fields that were given.
type SignUp struct {
	Email    string
	Password string
	Username string
	Profile  db.ProfileFields
}

// candidate is a sign-up that was judged, in the form in which it is stored.
type candidate struct {
	SignUp
	emailKey    string
	usernameKey string
}

// SignUp makes an account, its profile and a session in one transaction. What is wrong with the input is told all at
// once, as BAD_USER_INPUT; CONFLICT if all that is wrong is that something is taken.
func (s *Service) SignUp(ctx context.Context, in SignUp) (*Session, error) {
	if err := s.within(ctx, signUpLimit); err != nil {
		return nil, err
	}
	c, err := s.judge(ctx, in)
	if err != nil {
		return nil, err
	}
	hash, err := s.hasher.Hash(ctx, c.Password)
	if err != nil {
		return nil, fmt.Errorf("sign up: %w", err)
	}
	viewer, profile, refreshToken, err := s.createAccount(ctx, c, hash)
	if errors.Is(err, db.ErrTaken) {
		return nil, s.explainTaken(ctx, c, err)
	}
	if err != nil {
		return nil, fmt.Errorf("sign up: %w", err)
	}
	return s.started(viewer, profile, refreshToken)
}

// judge normalises the input and returns every fault that it has.
func (s *Service) judge(ctx context.Context, in SignUp) (candidate, error) {
	c := candidate{SignUp: in}
	var faults fault.Faults
	var code, message string
	c.emailKey, code, message = judgeEmail(c.Email)
	faults.Add("input.email", code, message)
	c.Password = auth.NormalizePassword(c.Password)
	code, message = auth.JudgePassword(c.Password, s.config.PasswordMinLength)
	faults.Add("input.password", code, message)
	code, message = judgeUsername(c.Username)
	faults.Add("input.username", code, message)
	if code == "" {
		c.usernameKey, _ = UsernameKey(c.Username)
	}
	judgeProfile(&faults, "input.profile", &c.Profile)
	if c.Profile.Visibility.Value == nil {
		c.Profile.Visibility.Value = &s.config.DefaultVisibility
	}
	if err := s.judgeTaken(ctx, &faults, c); err != nil {
		return c, err
	}
	return c, faults.Err()
}

// judgeTaken notes which of e-mail and username another account has; a faulty one has an empty key and is nobody's.
func (s *Service) judgeTaken(ctx context.Context, faults *fault.Faults, c candidate) error {
	email, username, err := s.db.FindTaken(ctx, c.emailKey, c.usernameKey)
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	if email {
		faults.Taken("input.email", "There is an account with this e-mail address.")
	}
	if username {
		faults.Taken("input.username", "This username is taken.")
	}
	return nil
}

// explainTaken says what a rival took between our look and our write.
func (s *Service) explainTaken(ctx context.Context, c candidate, cause error) error {
	var faults fault.Faults
	if err := s.judgeTaken(ctx, &faults, c); err != nil {
		return err
	}
	if err := faults.Err(); err != nil {
		return err
	}
	return fault.Busy(cause) // and it is free again
}

// createAccount is the transaction. It starts as the system's and goes on as the new account's owner.
func (s *Service) createAccount(ctx context.Context, c candidate, hash string) (viewer auth.Viewer, profile *db.Profile, refreshToken string, err error) {
	session, refreshToken := s.newSession()
	userID, profileID := uuid.New(), uuid.New()
	err = s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		err := system.CreateAccount(ctx, db.Account{
			UserID: userID, Email: c.Email, EmailKey: c.emailKey, PasswordHash: hash, Session: session,
		})
		if err != nil {
			return err
		}
		tx, err := system.Enter(ctx, session.ID)
		if err != nil {
			return err
		}
		viewer = tx.Viewer
		if err := tx.CreateProfile(ctx, profileID, c.Username, c.usernameKey, c.Profile); err != nil {
			return err
		}
		if profile, err = tx.FindProfileOfUser(ctx, userID); err != nil {
			return err
		}
		for _, hook := range s.config.AfterSignUp {
			if err := hook(ctx, tx, profile); err != nil {
				return fmt.Errorf("after sign-up: %w", err)
			}
		}
		return nil
	})
	return viewer, profile, refreshToken, err
}
