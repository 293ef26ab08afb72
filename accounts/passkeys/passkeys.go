// Package passkeys owns the use cases of passkeys: a sign-up and a sign-in with one, another passkey for an account, and
// reauthentication. Each takes two requests, with a flow between them. Package auth/passkeys has the protocol. It must not know GraphQL or
// HTTP, and leaves SQL to db.
package passkeys

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passkeys"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// The purposes of the flows.
const (
	registration     continuations.Purpose = "PASSKEY_REGISTRATION"
	signUp           continuations.Purpose = "PASSKEY_SIGN_UP"
	signIn           continuations.Purpose = "PASSKEY_SIGN_IN"
	reauthentication continuations.Purpose = "PASSKEY_REAUTHENTICATION"
)

// Service has the use cases.
type Service struct {
	db       *db.DB
	accounts *accounts.Service
	limits   *limits.Limiter
	protocol *passkeys.Service // nil if the service has no passkeys
}

// New returns the use cases. If protocol is nil, all of them are FORBIDDEN.
func New(d *db.DB, a *accounts.Service, l *limits.Limiter, protocol *passkeys.Service) *Service {
	return &Service{db: d, accounts: a, limits: l, protocol: protocol}
}

// Available reports whether the service has passkeys.
func (s *Service) Available() bool { return s.protocol != nil }

// count counts a request by the client, unless there are no passkeys.
func (s *Service) count(ctx context.Context) error {
	if s.protocol == nil {
		return fault.New(fault.Forbidden, "This service has no passkeys, because its URL is not one that browsers accept for them: FREEHOLD_PASSKEY_RP_ID.")
	}
	return s.limits.CheckPasskey(ctx)
}

// Started is a flow that waits for the browser.
type Started struct {
	Options json.RawMessage // for navigator.credentials
	continuations.Opened
}

// known is what a flow knows.
type known struct {
	Ceremony passkeys.Ceremony
	Form     *form // of a sign-up
}

// start opens a flow.
func (s *Service) start(ctx context.Context, f continuations.Flow, options json.RawMessage) (*Started, error) {
	opened, err := s.accounts.Flows.Start(ctx, f)
	if err != nil {
		return nil, err
	}
	return &Started{Options: options, Opened: *opened}, nil
}

// Answer is what finishes a flow.
type Answer struct {
	Path       string          // of the object with the two other values, such as input
	Token      string          // of the flow
	Credential json.RawMessage // what the browser returned
}

func (a Answer) tokenPath() string      { return a.Path + ".continuationToken" }
func (a Answer) credentialPath() string { return a.Path + ".credential" }

// finish finds the flow that an answer is for.
func (s *Service) finish(ctx context.Context, p continuations.Purpose, a Answer) (flow *continuations.Found, k known, err error) {
	if err := s.count(ctx); err != nil {
		return nil, k, err
	}
	flow, err = s.accounts.Flows.Find(ctx, p, a.tokenPath(), a.Token, &k)
	return flow, k, err
}

// finishOwn is finish for a flow of the viewer.
func (s *Service) finishOwn(ctx context.Context, viewer auth.Viewer, p continuations.Purpose, a Answer) (flow *continuations.Found, k known, err error) {
	flow, k, err = s.finish(ctx, p, a)
	if err == nil && flow.UserID != viewer.UserID {
		err = continuations.Invalid(a.tokenPath())
	}
	return flow, k, err
}

// created is a passkey that a browser has created.
type created struct {
	db.Passkey
	verified bool // whether the authenticator has verified the user
}

// register verifies a new passkey.
func (s *Service) register(c passkeys.Ceremony, a Answer) (created, error) {
	key, err := s.protocol.FinishRegistration(c, a.Credential)
	if err != nil {
		refused := fault.Input(a.credentialPath(), "INVALID", "This passkey is not valid here. Try again.")
		refused.Err = err
		return created{}, refused
	}
	return created{db.Passkey{
		CredentialID: uuid.New(), KeyID: key.ID, PublicKey: key.PublicKey, SignCount: int64(key.SignCount), AAGUID: key.AAGUID,
		Transports: key.Transports, BackupEligible: key.BackupEligible, BackedUp: key.BackedUp,
	}, key.UserVerified}, nil
}

// errTaken returns the error for a passkey that an account has already.
func (a Answer) errTaken() error {
	return fault.Taken(a.credentialPath(), "This passkey belongs to an account already.")
}

// keyOf returns a stored passkey as the protocol has it.
func keyOf(p db.Passkey) passkeys.Key {
	return passkeys.Key{
		ID: p.KeyID, PublicKey: p.PublicKey, SignCount: uint32(p.SignCount),
		Transports: p.Transports, BackupEligible: p.BackupEligible, BackedUp: p.BackedUp,
	}
}

// proofOf says what the use of a passkey proves. If the authenticator has verified the user, these are two factors: the authenticator
// itself, and what it has verified.
func proofOf(verified bool) auth.Proof {
	if verified {
		return auth.Proof{Methods: []string{"pop", "user", "mfa"}, Strong: true}
	}
	return auth.Proof{Methods: []string{"pop"}}
}

// nameOf returns the user of a passkey, as the authenticator shows them.
func nameOf(userID uuid.UUID, email, username string, displayName *string) passkeys.User {
	u := passkeys.User{ID: userID, Name: email, DisplayName: username}
	if u.Name == "" {
		u.Name = username
	}
	if displayName != nil {
		u.DisplayName = *displayName
	}
	return u
}

// refuse records a refusal of a passkey, and returns its error.
func (s *Service) refuse(ctx context.Context, keyID []byte, refusal error) error {
	if err := s.db.RefusePasskey(ctx, keyID); err != nil {
		return err
	}
	return refusal
}

// wrap says in an error what was being done.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s with a passkey: %w", what, err)
}
