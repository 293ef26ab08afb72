// Package oauth owns the use cases of identity providers: sign-in, sign-up, reauthentication, and adding an identity to an account. Package
// freehold.dev/freehold/oauth talks to the providers. No transaction is open and no connection is held meanwhile.
//
// # Which account an identity belongs to
//
// An identity is a user of a provider: its issuer and the subject there. Addresses can change; the identity stays with its account.
//
//	an account has the identity ─────────────────────────► its account
//	the provider has verified no address ────────────────► a new account without an address
//	the provider has verified the address
//	 ├─ no account has it (pending sign-ups do not) ─────► a new account, whose address is verified
//	 ├─ an account has verified it ──────────────────────► that account gets the identity when its owner has signed in, which takes the
//	 │                                                     second factor of the account; with an event and a mail
//	 └─ an account has it, and has not verified it ──────► refused, with EMAIL_NOT_VERIFIED
//
// In the last case, a stranger may have signed up with the address, and waits for its owner. The owner verifies the address with
// verifyEmail, which removes everything that the stranger knows, and then signs in with the provider.
package oauth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/oauth"
)

// The purposes of flows with a provider.
const (
	signIn           continuations.Purpose = "OAUTH"
	signInByRedirect continuations.Purpose = "OAUTH_REDIRECT"
	link             continuations.Purpose = "OAUTH_LINK"
	reauthentication continuations.Purpose = "OAUTH_REAUTHENTICATION"
)

// Service has the use cases.
type Service struct {
	db        *db.DB
	accounts  *accounts.Service
	limits    *limits.Limiter
	providers []*oauth.Provider
	redirects []string
}

// New returns the use cases. Users return only to URLs of the list redirects, compared byte by byte.
func New(d *db.DB, a *accounts.Service, l *limits.Limiter, providers []*oauth.Provider, redirects []string) *Service {
	s := &Service{db: d, accounts: a, limits: l, providers: providers, redirects: redirects}
	a.OnAddition(db.CredentialOAuth, s.add)
	return s
}

// Provider is a provider that users can sign in with.
type Provider struct {
	Name  string // for Start
	Label string // for users
}

// Providers returns the providers that users can sign in with.
func (s *Service) Providers() (list []Provider) {
	for _, p := range s.providers {
		list = append(list, Provider{p.Name, p.Label})
	}
	return list
}

func (s *Service) provider(name string) *oauth.Provider {
	for _, p := range s.providers {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Start is how a flow begins. Username and Profile are for a user who has no account yet.
type Start struct {
	Provider   string
	RedirectTo string // one of the service's redirect URLs
	Username   string // "" for none
	Profile    db.ProfileFields
	Cookie     bool // whether cookies are to hold the session
}

// Started is a flow that has begun: send the user to the URL.
type Started struct {
	AuthorizationURL string
	continuations.Opened
}

// flow is what a flow knows while the user is at the provider.
type flow struct {
	Provider, RedirectTo   string
	State, Nonce, Verifier string // there is no state in a flow by redirect, whose state is its token
	Username               string
	Profile                db.ProfileFields
	Begun                  time.Time
}

// Start begins a sign-in or sign-up. Finish continues it.
func (s *Service) Start(ctx context.Context, in Start) (*Started, error) {
	var faults fault.Faults
	if in.Username != "" {
		if err := s.checkUsername(ctx, &faults, in.Username); err != nil {
			return nil, err
		}
	}
	if in.Profile.Visibility.Value == nil {
		in.Profile.Visibility = db.Patch[string]{} // null means absent
	}
	for _, f := range s.accounts.ValidateProfile(in.Profile) {
		faults.Add("input.profile."+f.Path, f.Flaw)
	}
	return s.start(ctx, signIn, in, faults, s.accounts.Flows.Start)
}

// checkUsername adds what is wrong with a username, so that a form shows it before the user leaves for the provider.
func (s *Service) checkUsername(ctx context.Context, faults *fault.Faults, username string) error {
	flaw := s.accounts.Reserved().ValidateNewUsername(username)
	faults.Add("input.username", flaw)
	if !flaw.IsZero() {
		return nil
	}
	free, err := s.accounts.UsernameAvailable(ctx, username)
	if err == nil && !free {
		faults.Taken("input.username", "This username is taken.")
	}
	return err
}

// StartLink begins to add an identity to the viewer's account. The error is REAUTH_REQUIRED if the viewer has proved too long ago who they
// are.
func (s *Service) StartLink(ctx context.Context, viewer auth.Viewer, in Start) (*Started, error) {
	return s.start(ctx, link, in, fault.Faults{}, s.opener(viewer, s.accounts.RequireRecent))
}

// StartReauthentication begins to prove again who the viewer is, with a provider of which the account has an identity. The provider is
// asked to authenticate the user again.
func (s *Service) StartReauthentication(ctx context.Context, viewer auth.Viewer, in Start) (*Started, error) {
	return s.start(ctx, reauthentication, in, fault.Faults{}, s.opener(viewer, func(ctx context.Context, tx *db.Tx) error {
		own, err := tx.HasOwnIdentity(ctx, s.provider(in.Provider).Issuer())
		if err == nil && !own {
			err = fault.Input("input.provider", "NOT_YOURS", "Your account has no user of this provider.")
		}
		return err
	}))
}

type openFlow func(ctx context.Context, f continuations.Flow) (*continuations.Opened, error)

// opener opens flows of a viewer, in a transaction that checks something first.
func (s *Service) opener(viewer auth.Viewer, check func(context.Context, *db.Tx) error) openFlow {
	return func(ctx context.Context, f continuations.Flow) (opened *continuations.Opened, err error) {
		f.UserID = viewer.UserID
		err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
			if err := check(ctx, tx); err != nil {
				return err
			}
			opened, err = s.accounts.Flows.Open(ctx, tx, f)
			return err
		})
		return opened, err
	}
}

func (s *Service) start(ctx context.Context, purpose continuations.Purpose, in Start, faults fault.Faults, open openFlow) (*Started, error) {
	if err := s.limits.CheckOAuth(ctx); err != nil {
		return nil, err
	}
	p := s.provider(in.Provider)
	switch {
	case p == nil:
		faults.Add("input.provider", fault.Flaw{Code: "UNKNOWN", Message: "This service has no such provider. `settings.oauthProviders` lists them."})
	case purpose == reauthentication && !p.CanReauthenticate():
		faults.Add("input.provider", fault.Flaw{Code: "UNSUPPORTED", Message: "This provider cannot authenticate a user again. Use another way."})
	}
	if !slices.Contains(s.redirects, in.RedirectTo) {
		faults.Add("input.redirectTo", fault.Flaw{Code: "NOT_ALLOWED", Message: "This URL is not in FREEHOLD_OIDC_REDIRECTS, whose entries must match exactly."})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	f := flow{
		Provider: in.Provider, RedirectTo: in.RedirectTo, Nonce: oauth.NewSecret(), Verifier: oauth.NewSecret(),
		Username: in.Username, Profile: in.Profile, Begun: time.Now(),
	}
	if purpose != signInByRedirect {
		f.State = s.newState(in.Provider, in.RedirectTo)
	}
	opened, err := open(ctx, continuations.Flow{Purpose: purpose, Cookie: in.Cookie, Data: f})
	if err != nil {
		return nil, err
	}
	request := oauth.Request{State: cmp.Or(f.State, opened.Token), Nonce: f.Nonce, Verifier: f.Verifier, Again: purpose == reauthentication}
	url, err := p.AuthorizationURL(ctx, request)
	if err != nil {
		return nil, explain(err)
	}
	return &Started{url, *opened}, nil
}

// Answer is what the provider has sent back with the user.
type Answer struct {
	ContinuationToken string
	Code, State       string
	Issuer            string // the parameter iss; "" if there is none
}

// identify returns the flow of an answer, and the identity that the provider names. userID is that of the viewer in a flow of an account.
func (s *Service) identify(ctx context.Context, purpose continuations.Purpose, userID uuid.UUID, a Answer) (f flow, found *continuations.Found, i *oauth.Identity, err error) {
	const path = "input.continuationToken"
	if err := s.limits.CheckOAuth(ctx); err != nil {
		return f, nil, nil, err
	}
	if found, err = s.accounts.Flows.Find(ctx, purpose, path, a.ContinuationToken, &f); err != nil {
		return f, nil, nil, err
	}
	p := s.provider(f.Provider)
	switch {
	case found.UserID != userID || p == nil: // another user, or the provider is no longer configured
		return f, nil, nil, fault.Input(path, "INVALID", "This continuation token is invalid, was used already, or has expired. Start again.")
	case subtle.ConstantTimeCompare([]byte(f.State), []byte(a.State)) != 1:
		return f, nil, nil, fault.Input("input.state", "INVALID", "This is the answer to another request. Start again.")
	case a.Code == "":
		return f, nil, nil, explain(oauth.ErrRefused)
	}
	answer := oauth.Answer{Code: a.Code, Issuer: a.Issuer, Nonce: f.Nonce, Verifier: f.Verifier}
	if purpose == reauthentication {
		answer.Since = f.Begun
	}
	if i, err = p.Identify(ctx, answer); err != nil {
		return f, nil, nil, explain(err)
	}
	return f, found, i, nil
}

// explain turns the errors of a conversation with a provider into those that clients see.
func explain(err error) error {
	switch {
	case errors.Is(err, oauth.ErrIssuer):
		return fault.Input("input.iss", "INVALID", "This is the answer of another provider. Start again.")
	case errors.Is(err, oauth.ErrRefused):
		return fault.Input("input.code", "INVALID", "The provider does not accept this code, or it belongs to another sign-in. Start again.")
	case errors.Is(err, oauth.ErrNotAgain):
		return fault.Input("input.code", "NOT_AUTHENTICATED", "The provider did not ask the user to sign in again. Use another way.")
	case errors.Is(err, oauth.ErrUnavailable):
		return &fault.Error{Code: fault.Unavailable, Message: "The provider does not answer. Try again.", RetryAfter: time.Second, Err: err}
	}
	return err
}
