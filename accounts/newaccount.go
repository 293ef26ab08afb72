package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// NewAccount is how a visitor signs up without a password.
type NewAccount struct {
	UserID        uuid.UUID // of the new account, if the credential contains it already; uuid.Nil for any
	Proof         auth.Proof
	EmailVerified bool // whether the caller has proved the address
	NoEmail       bool // whether the account has no address
	Anonymous     bool // whether nothing but its session leads to the account
	// Use runs before anything is written, and uses up what the visitor has proved. It can be nil.
	Use func(ctx context.Context, tx *db.SystemTx) error
	// Add adds the credential, as the owner of the new account. It can be nil.
	Add func(ctx context.Context, tx *db.Tx) error
	// Finish runs last, after the hooks. It can be nil.
	Finish func(ctx context.Context, tx *db.Tx) error
}

// SignUpWith is SignUp for a visitor without a password.
func (s *Service) SignUpWith(ctx context.Context, in SignUp, n NewAccount) (*SignedIn, error) {
	if err := s.limits.CheckSignUp(ctx); err != nil {
		return nil, err
	}
	c := s.read(in)
	c.with = &n
	session, err := s.signUpFirst(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("sign up: %w", err)
	}
	return session, nil
}

// CheckSignUpWith returns the error that SignUpWith would return for the values of the form. It counts as a sign-up.
func (s *Service) CheckSignUpWith(ctx context.Context, in SignUp, n NewAccount) error {
	if err := s.limits.CheckSignUp(ctx); err != nil {
		return err
	}
	c := s.read(in)
	c.with = &n
	faults, err := s.validate(ctx, &c)
	if err == nil {
		err = faults.Err()
	}
	if err != nil {
		return fmt.Errorf("check a sign-up: %w", err)
	}
	return nil
}

// Waiting is a visitor who has proved a credential, and whose account has no username yet.
type Waiting struct {
	Addition             // of the credential
	Email         string // "" for none
	EmailVerified bool
	Profile       db.ProfileFields // what is known of the profile; CompleteSignUp gets the rest
	Proof         auth.Proof
	Cookie        bool // whether cookies are to hold the session
	// Use uses up what the visitor has proved, in the transaction that opens the flow. It can be nil.
	Use func(ctx context.Context, tx *db.SystemTx) error `json:"-"`
}

// PendingSignUp is a sign-up whose username is missing.
type PendingSignUp struct {
	continuations.Opened
}

// AskForUsername opens the flow of a sign-up whose username is missing. CompleteSignUp continues it.
func (s *Service) AskForUsername(ctx context.Context, w Waiting) (*Entered, error) {
	var opened *continuations.Opened
	err := s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		if w.Use != nil {
			if err := w.Use(ctx, tx); err != nil {
				return err
			}
		}
		var err error
		opened, err = s.Flows.Open(ctx, tx, continuations.Flow{Purpose: continuations.SignUp, Cookie: w.Cookie, Data: w})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask for a username: %w", err)
	}
	return &Entered{SignUp: &PendingSignUp{*opened}}, nil
}

// CompleteSignUp creates the account of a sign-up whose username was missing. The fields of the profile replace those that were sent before.
// It also reports whether cookies are to hold the session.
// The token can be used again if the username is invalid or taken.
func (s *Service) CompleteSignUp(ctx context.Context, token, username string, profile db.ProfileFields) (*SignedIn, bool, error) {
	var w Waiting
	flow, err := s.Flows.Find(ctx, continuations.SignUp, "input.continuationToken", token, &w)
	if err != nil {
		return nil, false, err
	}
	session, err := s.SignUpWith(ctx, SignUp{Email: w.Email, Username: username, Profile: profile.Or(w.Profile)}, NewAccount{
		Proof: w.Proof, EmailVerified: w.EmailVerified, NoEmail: w.Email == "",
		Use: func(ctx context.Context, tx *db.SystemTx) error { return s.Flows.Use(ctx, tx, flow) },
		Add: func(ctx context.Context, tx *db.Tx) error {
			_, err := s.add(ctx, tx, w.Addition)
			return err
		},
	})
	return session, flow.Cookie, takenMeanwhile(err)
}

// takenMeanwhile moves the fault of an address that another account has got since the flow began to the token, since the client has sent
// no address.
func takenMeanwhile(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || !slices.ContainsFunc(f.Fields, func(x fault.Field) bool { return x.Path == "input.email" }) {
		return err
	}
	return fault.Taken("input.continuationToken", emailTaken+" Sign in to it.")
}
