// Package accounts owns the use cases of an account: signing up with a profile, signing in and out, changing the
// profile, and what an account proves itself by. It judges input, all of it at once, and puts together what must happen
// in one transaction. It must not know GraphQL or HTTP, and leaves SQL to db.
package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/db"
)

// Config holds the settings of accounts.
type Config struct {
	PasswordMinLength int           // code points
	DefaultVisibility string        // PRIVATE, MEMBERS or PUBLIC
	SessionIdle       time.Duration // a session ends when not renewed for so long
	SessionLifetime   time.Duration // and after this in any case
	MaxSessions       int           // live ones of an account; a further one ends the oldest
	RefreshGrace      time.Duration // how long a refresh may be retried
	ReauthAfter       time.Duration // how long sensitive actions work after the password was entered
	CodeLifetime      time.Duration // of one-time codes
	UsernameHold      time.Duration // how long nobody else gets a username that was given up
	RateLimit         bool          // whether limits hold
	Limits            Limits
	ServiceName       string           // of the service; no password may consist of it
	ServiceHost       string           // likewise
	Reserved          Reserved         // usernames that no account can have
	Now               func() time.Time // the clock of birthdays; nil: time.Now

	MailLatest time.Duration // a mail is sent after a random time, of a sixth of this to all of it; 0 for 3 s

	RequireVerifiedEmail bool          // whether an account can be used only once its address was verified
	PendingLifetime      time.Duration // how long it waits for that

	// Breached reports whether a normalised password is known from a leak. Nil where nobody is asked.
	Breached func(ctx context.Context, password string) bool
	Hooks    Hooks
}

// Service is the use cases, over one database.
type Service struct {
	db     *db.DB
	keys   *auth.Keys
	hasher *passwords.Hasher
	tokens *auth.Tokens
	config Config
}

// New returns the use cases.
func New(d *db.DB, keys *auth.Keys, hasher *passwords.Hasher, tokens *auth.Tokens, config Config) *Service {
	return &Service{db: d, keys: keys, hasher: hasher, tokens: tokens, config: config}
}

func (s *Service) now() time.Time {
	if s.config.Now == nil {
		return time.Now()
	}
	return s.config.Now()
}

// Tokens are what proves a session, shown this once.
type Tokens = auth.Pair

// Session is a session that was just started: who it belongs to, and its tokens.
type Session struct {
	Viewer  auth.Viewer
	Profile *db.Profile
	Tokens
}

// newSession returns a session to be started, and the refresh token whose hash it holds.
func (s *Service) newSession() (session db.SessionParams, refreshToken string) {
	id := uuid.New()
	token, hash := s.keys.NewRefresh(id)
	return db.SessionParams{ID: id, RefreshHash: hash, Idle: s.config.SessionIdle, Lifetime: s.config.SessionLifetime}, token
}

// started puts together what the client gets of a session.
func (s *Service) started(viewer auth.Viewer, profile *db.Profile, refreshToken string) (*Session, error) {
	tokens, err := s.issue(viewer.UserID, viewer.SessionID, refreshToken)
	if err != nil {
		return nil, fmt.Errorf("start session: %w", err)
	}
	return &Session{Viewer: viewer, Profile: profile, Tokens: *tokens}, nil
}

// issue makes the access token that goes with a refresh token.
func (s *Service) issue(userID, sessionID uuid.UUID, refreshToken string) (*Tokens, error) {
	access, expires, err := s.tokens.Access(userID, sessionID)
	if err != nil {
		return nil, err
	}
	return &Tokens{AccessToken: access, RefreshToken: refreshToken, ExpiresAt: expires}, nil
}
