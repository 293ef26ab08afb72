// Package sessions owns the life of a session after it was started: its tokens, refresh with grace, and revocation. It must not know
// how a user signs in: package accounts decides that and starts the session.
//
// # Refresh with grace
//
// A refresh token works once. But a reply may be lost, or two tabs may send the same token at once. So the successor of a token is not
// random: it is an HMAC of the token, and the server can compute the same one again. The database stores only two hashes for each
// session: that of the current token, and that of the token before it.
//
//	the client sends token N
//	 ├─ its session was revoked ─────────────────────────────────► UNAUTHENTICATED, revoked
//	 ├─ its session has expired ─────────────────────────────────► UNAUTHENTICATED, expired
//	 ├─ N is the current token ───────► N+1 becomes current ─────► N+1
//	 ├─ N is the token before it
//	 │   ├─ exchanged within the grace ► nothing changes ────────► N+1, the same one again
//	 │   └─ exchanged earlier ─────────► the session is revoked ─► UNAUTHENTICATED, revoked
//	 ├─ N is older, with a tag of ours ► the session is revoked ─► UNAUTHENTICATED, revoked
//	 └─ anything else ───────────────────────────────────────────► UNAUTHENTICATED, invalid
//
// If a client sends a token that was exchanged before the grace, two clients have it, and one of them has stolen it. The tag of a
// token is an HMAC of the rest. It proves that the server has issued the token, so a made-up token cannot revoke a session.
package sessions

import (
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
)

// Config holds the lifetimes of sessions.
type Config struct {
	Idle     time.Duration // a session expires when it is not refreshed for this long
	Lifetime time.Duration // a session expires after this time at the latest
	Grace    time.Duration // how long a refresh may be retried
}

// Service has the use cases of sessions, over one database.
type Service struct {
	db     *db.DB
	tokens *auth.Tokens
	config Config
}

// New returns the use cases.
func New(d *db.DB, tokens *auth.Tokens, config Config) *Service {
	return &Service{db: d, tokens: tokens, config: config}
}

// Prepare returns a new session, and the refresh token whose hash it has. The caller starts it in a transaction.
func (s *Service) Prepare() (session db.SessionParams, refreshToken string) {
	id := uuid.New()
	token, hash := s.tokens.NewRefresh(id)
	return db.SessionParams{ID: id, RefreshHash: hash, Idle: s.config.Idle, Lifetime: s.config.Lifetime}, token
}

// Issue creates an access token for a viewer whose session was started or refreshed, and returns it with the refresh token.
func (s *Service) Issue(viewer auth.Viewer, refreshToken string) (*auth.Pair, error) {
	access, expires, err := s.tokens.Access(viewer)
	if err != nil {
		return nil, err
	}
	return &auth.Pair{AccessToken: access, RefreshToken: refreshToken, ExpiresAt: expires}, nil
}
