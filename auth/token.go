package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"freehold/fault"
)

const (
	accessType     = "at+jwt" // RFC 9068
	maxAccessBytes = 2048     // ours have about 500
	leeway         = 30 * time.Second
)

// Tokens issues and reads access tokens (RFC 9068) and makes refresh tokens.
type Tokens struct {
	key    ed25519.PrivateKey
	keyID  string
	issuer string
	ttl    time.Duration
	parser *jwt.Parser
	now    func() time.Time
}

// TokensConfig says how tokens are made. Issuer is the public URL of the service; it is the audience as well.
type TokensConfig struct {
	Key    ed25519.PrivateKey
	Issuer string
	TTL    time.Duration
	Now    func() time.Time // nil: time.Now
}

// NewTokens returns the issuer and reader of tokens of one key.
func NewTokens(c TokensConfig) *Tokens {
	if c.Now == nil {
		c.Now = time.Now
	}
	sum := sha256.Sum256(c.Key.Public().(ed25519.PublicKey))
	return &Tokens{
		key: c.Key, keyID: base64.RawURLEncoding.EncodeToString(sum[:12]), issuer: c.Issuer, ttl: c.TTL, now: c.Now,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(c.Issuer), jwt.WithAudience(c.Issuer),
			jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(c.Now), jwt.WithStrictDecoding(),
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

// Access issues an access token for a session of a user, and says when it expires.
func (t *Tokens) Access(userID, sessionID uuid.UUID) (token string, expires time.Time, err error) {
	now := t.now().Truncate(time.Second)
	expires = now.Add(t.ttl)
	j := jwt.NewWithClaims(jwt.SigningMethodEdDSA, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.issuer, Audience: jwt.ClaimStrings{t.issuer}, Subject: userID.String(), ID: uuid.NewString(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		SessionID: sessionID.String(), ClientID: "freehold",
	})
	j.Header["typ"] = accessType
	j.Header["kid"] = t.keyID
	if token, err = j.SignedString(t.key); err != nil {
		return "", time.Time{}, fmt.Errorf("sign access token: %w", err)
	}
	return token, expires.UTC(), nil
}

// ReadAccess returns whom an access token speaks for, or why it does not count: expired or invalid. It looks at the
// token alone; whether the session still lives is the database's to say.
func (t *Tokens) ReadAccess(token string) (Viewer, fault.Reason) {
	if len(token) > maxAccessBytes {
		return Viewer{}, fault.Invalid
	}
	var claims accessClaims
	_, err := t.parser.ParseWithClaims(token, &claims, t.publicKey)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return Viewer{}, fault.Expired
	case err != nil:
		return Viewer{}, fault.Invalid
	}
	userID, err1 := uuid.Parse(claims.Subject)
	sessionID, err2 := uuid.Parse(claims.SessionID)
	if err1 != nil || err2 != nil || userID == uuid.Nil {
		return Viewer{}, fault.Invalid
	}
	return Viewer{UserID: userID, SessionID: sessionID}, ""
}

// publicKey gives the key for a token that says it is an access token of ours. Header fields that offer a key (jwk,
// jku, x5u) are never looked at.
func (t *Tokens) publicKey(j *jwt.Token) (any, error) {
	if j.Header["typ"] != accessType || j.Header["kid"] != t.keyID {
		return nil, errors.New("not an access token of this service")
	}
	return t.key.Public(), nil
}

// NewRefresh makes a refresh token for a session: the session's id and 256 random bits. Only its hash is stored.
func NewRefresh(sessionID uuid.UUID) (token string, hash []byte) {
	raw := make([]byte, 16+32)
	copy(raw, sessionID[:])
	rand.Read(raw[16:])
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, HashToken(token)
}

// HashToken is the form in which a token is stored: SHA-256, enough for a value of 256 random bits.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
