// Package factors owns second factors: authenticator apps, recovery codes, and what they prove, in a sign-in and again within a session.
// It must not know GraphQL or HTTP, and leaves SQL to db.
//
// # Two factors
//
// An account has a second factor if it has an authenticator app. A sign-in then takes two steps:
//
//	a first factor ──► accounts.Enter ──► SecondFactor, with the token of a flow
//	                                          │
//	the token, and a code of an app or ───────┘
//	a recovery code ──► FinishSecondFactor ──► session
//
// A session remembers when its owner last proved a first factor, and when they last proved two. For an account with a second factor,
// sensitive operations require both to be recent (accounts.RequireRecent). Reauthenticate proves both again: at once, or a first factor
// first. A second factor alone is never enough.
package factors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// recoveryCodes is how many recovery codes an account gets.
const recoveryCodes = 10

// startTOTP is the purpose of the flow that adds an authenticator app.
const startTOTP continuations.Purpose = "TOTP"

// Service has the use cases, over one database.
type Service struct {
	db       *db.DB
	accounts *accounts.Service
	limits   *limits.Limiter
	vault    *totp.Vault
	issuer   string
	now      func() time.Time
}

// New returns the use cases. Without a vault, no authenticator app can be added. The issuer is the name of the service in an app, and now
// is the clock of codes; nil means time.Now.
func New(d *db.DB, a *accounts.Service, l *limits.Limiter, vault *totp.Vault, issuer string, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{db: d, accounts: a, limits: l, vault: vault, issuer: issuer, now: now}
}

// HasTOTP reports whether authenticator apps can be added.
func (s *Service) HasTOTP() bool { return s.vault != nil }

var errNoTOTP = fault.New(fault.Forbidden, "This service does not offer authenticator apps.")

// Started is an authenticator app that is to be added.
type Started struct {
	continuations.Opened
	Secret totp.Secret
	URI    string // otpauth
}

// pending is what the flow knows until the app has shown a code.
type pending struct {
	Secret    totp.Secret
	SessionID uuid.UUID // only the session that has started the flow can finish it
}

// StartTOTP creates the secret of an authenticator app for the viewer. FinishTOTP adds the app. The error is REAUTH_REQUIRED if the viewer
// has proved too long ago who they are, and FORBIDDEN if the service offers no authenticator apps.
func (s *Service) StartTOTP(ctx context.Context, viewer auth.Viewer) (*Started, error) {
	if !s.HasTOTP() {
		return nil, errNoTOTP
	}
	if err := s.limits.CheckWrite(ctx, viewer.UserID); err != nil {
		return nil, err
	}
	started := &Started{Secret: totp.NewSecret()}
	err := s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := s.accounts.RequireRecent(ctx, tx); err != nil {
			return err
		}
		profile, err := tx.FindProfileOfUser(ctx, viewer.UserID)
		if err != nil {
			return err
		}
		started.URI = started.Secret.URI(s.issuer, profile.Username)
		opened, err := s.accounts.Flows.Open(ctx, tx, continuations.Flow{
			Purpose: startTOTP, UserID: viewer.UserID, Data: pending{started.Secret, viewer.SessionID},
		})
		if err == nil {
			started.Opened = *opened
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start an authenticator app: %w", err)
	}
	return started, nil
}

// Added is an authenticator app that was added.
type Added struct {
	Credential    *db.Credential
	Profile       *db.Profile
	RecoveryCodes []string // with the first app of the account; nil otherwise
}

// FinishTOTP adds an authenticator app to the viewer's account, and sends a notice. The code proves that the app has the secret. Name is
// what the viewer calls the app; nil means a default.
func (s *Service) FinishTOTP(ctx context.Context, viewer auth.Viewer, token, code string, name *string) (*Added, error) {
	if !s.HasTOTP() {
		return nil, errNoTOTP
	}
	if err := s.limits.CheckWrite(ctx, viewer.UserID); err != nil {
		return nil, err
	}
	var flow pending
	found, err := s.accounts.Flows.Find(ctx, startTOTP, tokenPath, token, &flow)
	switch {
	case err != nil:
		return nil, err
	case found.UserID != viewer.UserID || flow.SessionID != viewer.SessionID:
		return nil, continuations.Invalid(tokenPath)
	}
	step, right := flow.Secret.Step(code, s.now())
	called, flaw := readName(name)
	var faults fault.Faults
	if !right {
		faults.Add("input.code", wrongCode)
	}
	faults.Add("input.name", flaw)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	id := uuid.New()
	app := db.SealedSecret{CredentialID: id, Secret: s.vault.Seal(flow.Secret, id[:])}
	added := &Added{}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := s.accounts.RequireRecent(ctx, tx); err != nil { // others may have added a second factor since the flow began
			return err
		}
		codes, hashes := newRecoveryCodes(viewer.UserID)
		first, err := tx.AddTOTP(ctx, app, called, step, hashes)
		if err != nil {
			return err
		}
		if added.RecoveryCodes = nil; first {
			added.RecoveryCodes = codes
		}
		if err := tx.ProveSecondFactor(ctx, methods, s.accounts.Reauthentication()); err != nil {
			return err
		}
		if err := s.accounts.Flows.Use(ctx, tx, found); err != nil {
			return err
		}
		if err := s.accounts.NotifyCredential(ctx, tx, mail.CredentialAdded, db.CredentialTOTP); err != nil {
			return err
		}
		credentials, err := tx.FindCredentials(ctx, []uuid.UUID{id})
		if err != nil {
			return err
		}
		added.Credential = &credentials[0]
		added.Profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("add an authenticator app: %w", err)
	}
	return added, nil
}

func readName(typed *string) (string, fault.Flaw) {
	if typed == nil || strings.TrimSpace(*typed) == "" {
		return "Authenticator app", fault.Flaw{}
	}
	return input.ReadCredentialName(*typed)
}

// newRecoveryCodes creates recovery codes of a user, and their hashes.
func newRecoveryCodes(userID uuid.UUID) (codes []string, hashes [][]byte) {
	for range recoveryCodes {
		code := auth.NewRecoveryCode()
		hash, _ := auth.HashRecoveryCode(userID, code)
		codes, hashes = append(codes, code), append(hashes, hash)
	}
	return codes, hashes
}

var errNoSecondFactor = fault.New(fault.Forbidden, "Recovery codes replace an authenticator app. Add one first.")

// CreateRecoveryCodes replaces the viewer's recovery codes, and returns them with the viewer's profile. The error is REAUTH_REQUIRED if
// the viewer has proved too long ago who they are, and FORBIDDEN if they have no second factor.
func (s *Service) CreateRecoveryCodes(ctx context.Context, viewer auth.Viewer) (codes []string, profile *db.Profile, err error) {
	if err := s.limits.CheckWrite(ctx, viewer.UserID); err != nil {
		return nil, nil, err
	}
	codes, hashes := newRecoveryCodes(viewer.UserID)
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := s.accounts.RequireRecent(ctx, tx); err != nil {
			return err
		}
		switch ok, err := tx.CreateRecoveryCodes(ctx, hashes); {
		case err != nil:
			return err
		case !ok:
			return errNoSecondFactor
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("create recovery codes: %w", err)
	}
	return codes, profile, nil
}

// RecoveryCodesLeft returns how many recovery codes a user has not used; nil if the viewer is another user.
func (s *Service) RecoveryCodesLeft(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*int, error) {
	return s.db.FindRecoveryCodesLeft(ctx, viewer, userID)
}

// CheckKeys returns an error if the database has a secret that no key of the vault can open.
func (s *Service) CheckKeys(ctx context.Context) error {
	var marks [][]byte
	if s.vault != nil {
		marks = s.vault.Marks()
	}
	unreadable, err := s.db.FindTOTPSecretsExcept(ctx, marks, 1)
	if err == nil && len(unreadable) > 0 {
		err = totp.ErrUnknownKey
	}
	return err
}

// resealed is how many secrets Reseal reads at once.
const resealed = 100

// Reseal seals the secrets of older keys with the newest one, and returns how many. Then the older keys can be deleted.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	for s.vault != nil {
		old, err := s.db.FindTOTPSecretsExcept(ctx, s.vault.Marks()[:1], resealed)
		if err != nil {
			return n, err
		}
		before := n
		var errs []error
		for _, app := range old {
			secret, err := s.vault.Open(app.Secret, app.CredentialID[:])
			if err != nil {
				errs = append(errs, err)
				continue
			}
			ok, err := s.db.ResealTOTPSecret(ctx, app, s.vault.Seal(secret, app.CredentialID[:]))
			if errs = append(errs, err); ok {
				n++
			}
		}
		if err := errors.Join(errs...); err != nil || n == before {
			return n, err
		}
	}
	return n, nil
}
