package auth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth/keys"
)

// Tokens issues and verifies access tokens (RFC 9068) and refresh tokens.
type Tokens struct {
	keys      *keys.Set
	issuer    string
	audiences jwt.ClaimStrings
	ttl       time.Duration
	reader    *AccessReader
}

// Pair has the two tokens that prove a session.
type Pair struct {
	AccessToken  string
	RefreshToken string    // renews the access token
	ExpiresAt    time.Time // of the access token
}

// NewTokens returns an issuer of tokens. The issuer is the public URL of the service, which is also the first audience; ttl is the
// lifetime of an access token. Audiences are other services that accept the tokens.
func NewTokens(set *keys.Set, issuer string, ttl time.Duration, audiences ...string) *Tokens {
	return &Tokens{
		keys: set, issuer: issuer, ttl: ttl, audiences: slices.Concat(jwt.ClaimStrings{issuer}, audiences),
		reader: NewAccessReader(ReaderOptions{Issuer: issuer, Audience: issuer, Leeway: DefaultLeeway, Ahead: instanceSkew, Now: set.Now}),
	}
}

// Access issues an access token for a viewer, with their scopes and how they have authenticated, and returns when it expires.
func (t *Tokens) Access(v Viewer) (token string, expires time.Time, err error) {
	now, key := t.keys.Now().Truncate(time.Second), t.keys.Signing()
	expires = now.Add(t.ttl)
	j := jwt.NewWithClaims(jwt.SigningMethodEdDSA, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.issuer, Audience: t.audiences, Subject: v.UserID.String(), ID: uuid.NewString(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		SessionID: v.SessionID.String(), ClientID: "freehold", Scope: string(v.Scopes),
		Methods: v.Authentication.List(), Level: v.Authentication.Level(), AuthenticatedAt: v.Authentication.At,
	})
	j.Header["typ"] = accessType
	j.Header["kid"] = key.ID
	if token, err = j.SignedString(key.Signer()); err != nil {
		return "", time.Time{}, fmt.Errorf("sign access token: %w", err)
	}
	return token, expires.UTC(), nil
}

// Verify implements Verifier. It checks the token only. The database decides whether the session is live.
func (t *Tokens) Verify(_ context.Context, token string) (Access, error) {
	return t.read(token), nil
}

func (t *Tokens) read(token string) Access {
	public := t.keys.Public()
	access, known := t.reader.Read(public, token)
	if !known {
		if newer := t.keys.Recheck(); newer != public {
			access, _ = t.reader.Read(newer, token)
		}
	}
	return access
}
