package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"freehold.dev/freehold/fault"
)

const (
	accessType     = "at+jwt" // RFC 9068
	maxAccessBytes = 2048     // our tokens have about 500
	leeway         = 30 * time.Second
)

// Tokens issues and verifies access tokens (RFC 9068).
type Tokens struct {
	keys   *Keys
	issuer string
	ttl    time.Duration
	parser *jwt.Parser

	verified verified
}

// Pair has the two tokens that prove a session.
type Pair struct {
	AccessToken  string
	RefreshToken string    // renews the access token
	ExpiresAt    time.Time // of the access token
}

// NewTokens returns an issuer of tokens. The issuer is the public URL of the service, which is also the audience; ttl is the
// lifetime of an access token.
func NewTokens(keys *Keys, issuer string, ttl time.Duration) *Tokens {
	return &Tokens{
		keys: keys, issuer: issuer, ttl: ttl,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(issuer),
			jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(keys.now), jwt.WithStrictDecoding(),
		),
	}
}

// accessClaims are the claims of an access token: sub is the user, sid the session.
type accessClaims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
	ClientID  string `json:"client_id"` // required by RFC 9068; freehold is its own client
	Scope     string `json:"scope"`
}

// Access issues an access token for a session of a user, and returns when it expires.
func (t *Tokens) Access(userID, sessionID uuid.UUID) (token string, expires time.Time, err error) {
	now, key := t.keys.now().Truncate(time.Second), t.keys.signing()
	expires = now.Add(t.ttl)
	j := jwt.NewWithClaims(jwt.SigningMethodEdDSA, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.issuer, Audience: jwt.ClaimStrings{t.issuer}, Subject: userID.String(), ID: uuid.NewString(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		SessionID: sessionID.String(), ClientID: "freehold",
	})
	j.Header["typ"] = accessType
	j.Header["kid"] = key.id
	if token, err = j.SignedString(key.private); err != nil {
		return "", time.Time{}, fmt.Errorf("sign access token: %w", err)
	}
	return token, expires.UTC(), nil
}

// ReadAccess returns the viewer that an access token names, or why the token is not valid: expired or invalid. It checks the
// token only. The database decides whether the session is live.
func (t *Tokens) ReadAccess(token string) (Viewer, fault.Reason) {
	viewer, _, reason := t.readAccess(token)
	return viewer, reason
}

// readAccess is ReadAccess, and reports whether the token should be renewed: less than a third of its lifetime is left.
func (t *Tokens) readAccess(token string) (viewer Viewer, ageing bool, reason fault.Reason) {
	if len(token) > maxAccessBytes {
		return Viewer{}, true, fault.Invalid
	}
	keys, hash, now := t.keys.all(), tokenHash(sha256.Sum256([]byte(token))), t.keys.now()
	known, ok := t.verified.find(keys, hash, now)
	if !ok {
		if known, reason = t.verify(keys, token); reason != "" {
			return Viewer{}, true, reason
		}
		t.verified.add(keys, hash, known)
	}
	ageing = time.Unix(known.expires, 0).Sub(now) < t.ttl/3
	return Viewer{UserID: known.userID, SessionID: known.sessionID}, ageing, ""
}

// verify parses a token and checks that one of the keys has signed it.
func (t *Tokens) verify(keys []key, token string) (verifiedToken, fault.Reason) {
	var claims accessClaims
	_, err := t.parser.ParseWithClaims(token, &claims, func(j *jwt.Token) (any, error) { return publicKey(keys, j) })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return verifiedToken{}, fault.Expired
	case err != nil:
		return verifiedToken{}, fault.Invalid
	}
	userID, err1 := uuid.Parse(claims.Subject)
	sessionID, err2 := uuid.Parse(claims.SessionID)
	if err1 != nil || err2 != nil || userID == uuid.Nil {
		return verifiedToken{}, fault.Invalid
	}
	known := verifiedToken{userID: userID, sessionID: sessionID, expires: claims.ExpiresAt.Unix()}
	known.until = claims.ExpiresAt.Add(leeway).Unix()
	for _, begins := range []*jwt.NumericDate{claims.IssuedAt, claims.NotBefore} {
		if begins != nil {
			known.from = max(known.from, begins.Add(-leeway).Unix())
		}
	}
	return known, ""
}

// publicKey returns the key for a token whose header names one of our keys and the type of access tokens. It ignores header
// fields that offer a key (jwk, jku, x5u).
func publicKey(keys []key, j *jwt.Token) (any, error) {
	if j.Header["typ"] == accessType {
		for _, key := range keys {
			if j.Header["kid"] == key.id {
				return key.private.Public(), nil
			}
		}
	}
	return nil, errors.New("not an access token of this service")
}
