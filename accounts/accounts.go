// Package accounts owns the use cases of an account: sign-up, sign-in, verification, recovery, changes and deletion. It validates all
// fields of an input at once, and decides what happens in one transaction. Package input has the rules for single values, package
// limits counts how often something happens, and package sessions has the use cases of sessions. It must not know GraphQL or HTTP, and
// leaves SQL to db.
//
// # Pending sign-ups and rivals
//
// If Config.RequireVerifiedEmail is set, a new account is pending until its address is verified. A sign-up must not reveal whether an
// address has an account, and a stranger must not be able to block an address. So any number of pending accounts can have the same
// address. They are rivals.
//
//	SignUp, the address has no account ──► pending, with a code ─┐
//	SignUp, the address has an account ──► pending, no code      │
//	                                                             │
//	VerifyEmail with the code ◄──────────────────────────────────┘
//	  ├─ and the password of the sign-up ──► account
//	  └─ a wrong password, or none ────────► account without a password; ResetPassword sets one
//
//	VerifyEmail of one account ───────────► its rivals lose their codes, and expire later
//	Config.PendingLifetime has passed ────► its username is free, and a purge deletes the account
//
// The code proves that the client reads the mail of the address. It does not prove that the client has signed up: a stranger may have
// done that and knows the password. So the account keeps its password only for a client that knows it, too. A sign-up for an
// address that has an account does the same work, but its mail says that there is an account.
package accounts

import (
	"context"
	"fmt"
	"time"

	"freehold.dev/freehold/accounts/codes"
	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/accounts/sessions"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
)

// Config holds the settings of accounts.
type Config struct {
	PasswordMinLength int           // code points
	DefaultVisibility string        // PRIVATE, MEMBERS or PUBLIC
	SessionIdle       time.Duration // a session expires when it is not refreshed for this long
	SessionLifetime   time.Duration // a session expires after this time at the latest
	MaxSessions       int           // live sessions of an account; a further one revokes the oldest
	RefreshGrace      time.Duration // how long a refresh may be retried
	CodeLifetime      time.Duration // of one-time codes
	UsernameHold      time.Duration // how long nobody else gets a username that was given up
	RateLimit         bool          // whether limits hold
	Limits            limits.Limits
	ServiceName       string // no password may consist of the service's name or host
	ServiceHost       string
	Reauthentication  db.Reauthentication // when sensitive actions ask the viewer to prove again who they are
	Reserved          input.Reserved      // usernames that no account can have
	Now               func() time.Time    // the clock for birthdays; nil means time.Now

	MailLatest time.Duration // a mail is sent after a random time, between a sixth of this and all of it; 0 means 3 s

	RequireVerifiedEmail bool          // whether an account can be used only after its address was verified
	PendingLifetime      time.Duration // how long an account waits for that

	// Breached reports whether a normalised password is known from a data breach. With nil, no password is looked up.
	Breached func(ctx context.Context, password string) bool
	Hooks    Hooks
}

// Service has the use cases, over one database.
type Service struct {
	Sessions *sessions.Service      // the use cases of sessions that were started
	Flows    *continuations.Service // flows of several requests
	Codes    *codes.Service         // one-time codes by mail

	additions map[db.CredentialKind]AddCredential

	db        *db.DB
	secrets   *auth.Secrets // nil in a second subgraph
	hasher    *passwords.Hasher
	limits    *limits.Limiter
	passwords input.PasswordRules
	config    Config
}

// New returns the use cases.
func New(d *db.DB, secrets *auth.Secrets, hasher *passwords.Hasher, tokens *auth.Tokens, config Config) *Service {
	limiter := limits.New(d, config.Limits, config.RateLimit)
	return &Service{
		Sessions: sessions.New(d, tokens, sessions.Config{
			Idle: config.SessionIdle, Lifetime: config.SessionLifetime, Grace: config.RefreshGrace,
		}),
		Flows: continuations.New(d), additions: map[db.CredentialKind]AddCredential{db.CredentialEmailCode: ofVerified},
		db: d, secrets: secrets, hasher: hasher, config: config, limits: limiter,
		Codes: codes.New(d, secrets, limiter, codes.Config{Lifetime: config.CodeLifetime, MailLatest: config.MailLatest}),
		passwords: input.PasswordRules{
			MinLength: config.PasswordMinLength, ServiceName: config.ServiceName, ServiceHost: config.ServiceHost, Breached: config.Breached,
		},
	}
}

// PasswordRules returns the rules for new passwords.
func (s *Service) PasswordRules() input.PasswordRules { return s.passwords }

// Reserved returns the usernames that no account can have.
func (s *Service) Reserved() input.Reserved { return s.config.Reserved }

func (s *Service) now() time.Time {
	if s.config.Now == nil {
		return time.Now()
	}
	return s.config.Now()
}

// Tokens prove a session. The server returns them once, and stores only a hash.
type Tokens = auth.Pair

// SignedIn is the result of a sign-up, a sign-in or a verification: the viewer of the session that it started, and the tokens.
type SignedIn struct {
	Viewer  auth.Viewer
	Profile *db.Profile
	Tokens
}

// signedIn returns what the client gets of a session that was started.
func (s *Service) signedIn(viewer auth.Viewer, profile *db.Profile, refreshToken string) (*SignedIn, error) {
	tokens, err := s.Sessions.Issue(viewer, refreshToken)
	if err != nil {
		return nil, fmt.Errorf("start session: %w", err)
	}
	return &SignedIn{Viewer: viewer, Profile: profile, Tokens: *tokens}, nil
}
