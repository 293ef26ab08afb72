package accounts

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
)

// Entrance is the sign-in of a client that has proved a credential of an existing account.
type Entrance struct {
	Proof  auth.Proof
	Cookie bool // whether cookies are to hold the session
	// Prove runs first in the transaction, and uses up what the client has proved. If it returns no user, its writes are committed, and
	// the sign-in is refused.
	Prove func(ctx context.Context, tx *db.SystemTx) (Proved, error)
	// enter proves a password and enters the account in one statement, instead of Prove.
	enter func(ctx context.Context, tx *db.SystemTx, s db.SessionParams) (db.Proved, db.EntryOutcome, error)
	// Then runs last, as the owner, if a session has started. It can be nil.
	Then Hook
}

// Proved is what a client has proved.
type Proved struct {
	db.Proved
	Add *Addition // a credential that the account gets when its owner has proved every factor; nil for none
}

// Entered is what came of a way in. Exactly one field is set.
type Entered struct {
	Session      *SignedIn
	SecondFactor *SecondFactor  // the account requires a second factor
	SignUp       *PendingSignUp // there is no account yet, and its username is missing
}

// SecondFactor is a sign-in whose second factor is missing.
type SecondFactor struct {
	continuations.Opened
}

// FirstFactor is what the flow of a sign-in knows while its second factor is missing.
type FirstFactor struct {
	Proof        auth.Proof
	CredentialID *uuid.UUID
	Add          *Addition
}

// Enter starts a session of the account that a client has proved, or asks for its second factor. The error is INVALID_CREDENTIALS if the
// client has proved nothing, or if the account cannot be used.
func (s *Service) Enter(ctx context.Context, e Entrance) (*Entered, error) {
	session, refreshToken := s.Sessions.Prepare()
	var viewer auth.Viewer
	var profile *db.Profile
	var outcome db.EntryOutcome
	var opened *continuations.Opened
	err := s.db.AsSystem(ctx, func(ctx context.Context, system *db.SystemTx) error {
		proved, result, err := s.prove(ctx, system, e, session)
		if outcome = result; err != nil {
			return err
		}
		switch outcome {
		case db.EntryStarted:
			viewer, profile, err = s.enter(ctx, system, session, proved.Add, e.Then)
		case db.EntrySecondFactor:
			opened, err = s.Flows.Open(ctx, system, continuations.Flow{
				Purpose: continuations.SecondFactor, UserID: proved.UserID, Cookie: e.Cookie,
				Data: FirstFactor{e.Proof, proved.CredentialID, proved.Add},
			})
		case db.EntryRefused:
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case outcome == db.EntrySecondFactor:
		return &Entered{SecondFactor: &SecondFactor{*opened}}, nil
	case outcome != db.EntryStarted:
		return nil, s.invalidCredentials()
	}
	started, err := s.signedIn(viewer, profile, refreshToken)
	return &Entered{Session: started}, err
}

// prove proves the credential and enters the account. A refusal is not an error, so that it is committed.
func (s *Service) prove(ctx context.Context, system *db.SystemTx, e Entrance, session db.SessionParams) (Proved, db.EntryOutcome, error) {
	if e.enter != nil {
		proved, outcome, err := e.enter(ctx, system, session)
		return Proved{Proved: proved}, outcome, err
	}
	proved, err := e.Prove(ctx, system)
	if err != nil || proved.UserID == uuid.Nil {
		return proved, db.EntryRefused, err
	}
	outcome, err := system.EnterAccount(ctx, proved.Proved, e.Proof, session, s.config.RequireVerifiedEmail)
	return proved, outcome, err
}

// enter continues as the owner of a session that this transaction has started.
func (s *Service) enter(ctx context.Context, system *db.SystemTx, session db.SessionParams, add *Addition, then Hook) (auth.Viewer, *db.Profile, error) {
	tx, err := system.Enter(ctx, session.ID)
	if err != nil {
		return auth.Viewer{}, nil, err
	}
	if err := tx.RevokeOldestSessions(ctx, s.config.MaxSessions); err != nil {
		return auth.Viewer{}, nil, err
	}
	if add != nil {
		if err := s.addWithNotice(ctx, tx, *add); err != nil {
			return auth.Viewer{}, nil, err
		}
	}
	profile, err := tx.FindProfileOfUser(ctx, tx.Viewer.UserID)
	if err == nil && then != nil {
		err = then(ctx, tx, profile)
	}
	return tx.Viewer, profile, err
}

// RequireRecent returns REAUTH_REQUIRED unless the viewer has proved recently who they are, as sensitive operations require.
func (s *Service) RequireRecent(ctx context.Context, tx *db.Tx) error {
	if err := tx.RequireReauthentication(ctx, s.config.Reauthentication); err != nil {
		return fmt.Errorf("require a recent authentication: %w", err)
	}
	return nil
}

// requireSecondFactor is RequireRecent for an account with a second factor. Any other account has just proved its password.
func (s *Service) requireSecondFactor(ctx context.Context, tx *db.Tx) error {
	return tx.RequireSecondFactor(ctx, s.config.Reauthentication)
}

// Reauthentication says when sensitive operations ask the viewer to prove again who they are.
func (s *Service) Reauthentication() db.Reauthentication { return s.config.Reauthentication }
