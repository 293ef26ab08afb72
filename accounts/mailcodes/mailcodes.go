// Package mailcodes owns signing in with a code that is sent by mail, signing up with one, and reauthentication with one. Package codes
// has what all one-time codes share. It must not know what an account is, or how its session starts: package accounts does.
//
//	RequestCode ──► SignIn
//	                 ├─ an account has the address ──► session, or its second factor is missing
//	                 │   └─ nobody had verified it ──► first, all earlier access to the account ends
//	                 └─ no account has it
//	                     ├─ with a username ──────────► account, profile and session
//	                     └─ without one ──────────────► a username is missing
//
// The address of the code decides: if it gets an account after the request, the code signs in to that account.
package mailcodes

import (
	"context"
	"fmt"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/codes"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// Service has the use cases, over one database.
type Service struct {
	db       *db.DB
	accounts *accounts.Service
}

// New returns the use cases.
func New(d *db.DB, a *accounts.Service) *Service { return &Service{db: d, accounts: a} }

var byMail = auth.Proof{Methods: []string{"email"}}

// Request is a request for a code.
type Request struct {
	Email    string
	Username *string           // of a new account; nil for none
	Profile  *db.ProfileFields // of a new account; nil for none
}

// RequestCode sends a code to an address. It stores the same for every address, so that neither the response nor its time reveals
// whether the address has an account. The error is BAD_USER_INPUT or CONFLICT for values with which nobody could sign up.
func (s *Service) RequestCode(ctx context.Context, in Request) error {
	if err := s.accounts.Codes.CheckRequest(ctx); err != nil {
		return err
	}
	if in.Profile != nil && in.Username == nil { // without an account, it would be lost
		return fault.Input("input.username", "REQUIRED", "A profile requires a username.")
	}
	form, err := s.accounts.ReadForm(ctx, accounts.SignUp{Email: in.Email, Username: orEmpty(in.Username), Profile: orEmpty(in.Profile)}, accounts.FormParts{
		Username: in.Username != nil,
	})
	if err != nil {
		return err
	}
	atLeast, err := s.accounts.Codes.CountMail(ctx, mail.SignInCode, "input.email", form.Email)
	if err != nil {
		return err
	}
	var stored *db.SignUpForm
	if in.Username != nil {
		stored = &db.SignUpForm{Username: form.Username, Profile: form.Profile}
	}
	code := s.accounts.Codes.New(db.SignIn, form.Email, atLeast)
	err = s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		to, err := tx.RequestSignInCode(ctx, code, stored)
		if err != nil {
			return err
		}
		return s.accounts.Codes.Enqueue(ctx, tx, codes.Mail(mail.SignInCode, code, to))
	})
	if err != nil {
		return fmt.Errorf("request a code to sign in: %w", err)
	}
	return nil
}

func orEmpty[T any](value *T) (empty T) {
	if value == nil {
		return empty
	}
	return *value
}

// SignIn is what a client sends to sign in.
type SignIn struct {
	Email, Code string
	Username    *string // of a new account, instead of that of the request; nil for none
	Cookie      bool    // whether cookies are to hold the session
}

// SignedIn is what came of a code.
type SignedIn struct {
	*accounts.Entered
	PasswordCleared bool // whether the credentials of the account were removed, since a stranger may have added them
}

// SignIn signs in with a code that was sent to an address, or signs up if no account has the address. The error of an invalid code is
// BAD_USER_INPUT. If the username of a new account is invalid or taken, the code is not used up.
func (s *Service) SignIn(ctx context.Context, in SignIn) (*SignedIn, error) {
	var faults fault.Faults
	key, err := s.accounts.Codes.CheckGuess(ctx, &faults, in.Email, in.Code)
	if err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	code, err := s.find(ctx, key, in.Code)
	if err != nil {
		return nil, fmt.Errorf("sign in with a code: %w", err)
	}
	signedIn := &SignedIn{}
	if code.UserID != nil {
		err = s.enter(ctx, signedIn, code, in.Cookie)
	} else {
		err = s.signUp(ctx, signedIn, code, in)
	}
	if fault.Is(err, fault.Conflict) { // maybe the address has an account now, or another request has used the code
		again, findErr := s.find(ctx, key, in.Code)
		switch {
		case findErr != nil:
			err = findErr
		case again.UserID != nil:
			err = s.enter(ctx, signedIn, again, in.Cookie)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("sign in with a code: %w", err)
	}
	return signedIn, s.accounts.Codes.ForgetGuesses(ctx, key)
}

// find returns a valid code that was sent to a normalised address.
func (s *Service) find(ctx context.Context, key, typed string) (db.SignInCode, error) {
	code, ok, err := s.db.FindSignInCode(ctx, key, s.accounts.Codes.IDs(db.SignIn, key, typed))
	if err == nil && !ok {
		err = codes.ErrInvalid
	}
	return code, err
}

// enter signs in to the account of the address.
func (s *Service) enter(ctx context.Context, signedIn *SignedIn, code db.SignInCode, cookie bool) (err error) {
	signedIn.Entered, err = s.accounts.Enter(ctx, accounts.Entrance{
		Proof: byMail, Cookie: cookie,
		Prove: func(ctx context.Context, tx *db.SystemTx) (accounts.Proved, error) {
			proved, verifiedNow, ok, err := tx.UseSignInCode(ctx, code.ID)
			if err == nil && !ok { // another request has used it, or the account does not admit codes any more
				err = codes.ErrInvalid
			}
			signedIn.PasswordCleared = verifiedNow
			return accounts.Proved{Proved: proved}, err
		},
		Then: func(ctx context.Context, tx *db.Tx, profile *db.Profile) error {
			if !signedIn.PasswordCleared {
				return nil
			}
			return s.accounts.AfterVerification(ctx, tx, profile)
		},
	})
	return err
}

// signUp creates the account of the address, or asks for its username.
func (s *Service) signUp(ctx context.Context, signedIn *SignedIn, code db.SignInCode, in SignIn) error {
	form := orEmpty(code.Form)
	if in.Username != nil {
		form.Username = *in.Username
	}
	use := func(ctx context.Context, tx *db.SystemTx) error {
		ok, err := tx.UseSignUpCode(ctx, code.ID)
		if err == nil && !ok {
			err = codes.ErrInvalid
		}
		return err
	}
	if form.Username == "" {
		entered, err := s.accounts.AskForUsername(ctx, accounts.Waiting{
			Addition: accounts.Addition{Kind: db.CredentialEmailCode}, Email: code.Email, EmailVerified: true, Profile: form.Profile, Proof: byMail, Cookie: in.Cookie, Use: use,
		})
		signedIn.Entered = entered
		return err
	}
	session, err := s.accounts.SignUpWith(ctx, accounts.SignUp{Email: code.Email, Username: form.Username, Profile: form.Profile}, accounts.NewAccount{
		Proof: byMail, EmailVerified: true, Use: use,
	})
	signedIn.Entered = &accounts.Entered{Session: session}
	return err
}

// Reauthenticate records that the viewer has proved again who they are, with a code that was sent to the address of their account. It
// returns the viewer's profile.
func (s *Service) Reauthenticate(ctx context.Context, viewer auth.Viewer, typed string) (profile *db.Profile, err error) {
	private, err := s.db.FindPrivate(ctx, viewer, viewer.UserID)
	if err != nil {
		return nil, fmt.Errorf("reauthenticate with a code: %w", err)
	}
	var faults fault.Faults
	key, err := s.accounts.Codes.CheckGuess(ctx, &faults, private.Email, typed)
	switch {
	case err != nil:
		return nil, err
	case key == "": // an account without an address
		return nil, codes.ErrInvalid
	}
	code, err := s.find(ctx, key, typed)
	if err != nil {
		return nil, fmt.Errorf("reauthenticate with a code: %w", err)
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		ok, err := tx.ReauthenticateWithCode(ctx, code.ID)
		switch {
		case err != nil:
			return err
		case !ok:
			return codes.ErrInvalid
		}
		if err := tx.RecordEvent(ctx, db.Reauthenticated); err != nil {
			return err
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reauthenticate with a code: %w", err)
	}
	return profile, s.accounts.Codes.ForgetGuesses(ctx, key)
}

var errNotVerified = fault.New(fault.Forbidden, "Codes go only to a verified email address. Verify your address first.")

// Enable lets the viewer sign in with codes again, after they have removed that credential, and sends a notice. It returns the viewer's
// profile. The error is REAUTH_REQUIRED, or FORBIDDEN if the viewer's address is not verified.
func (s *Service) Enable(ctx context.Context, viewer auth.Viewer) (profile *db.Profile, err error) {
	if err := s.accounts.CheckWrite(ctx, viewer); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := s.accounts.RequireRecent(ctx, tx); err != nil {
			return err
		}
		added, verified, err := tx.AddEmailCode(ctx)
		switch {
		case err != nil:
			return err
		case !verified:
			return errNotVerified
		case added:
			if err := s.accounts.NotifyCredential(ctx, tx, mail.CredentialAdded, db.CredentialEmailCode); err != nil {
				return err
			}
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	return profile, err
}
