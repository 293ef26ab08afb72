package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/fault"
)

const (
	accessType     = "at+jwt" // RFC 9068
	maxAccessBytes = 2560     // tokens have about 500, and those of further audiences and scopes, in base64

	// MaxAudienceBytes is the most that all further audiences of access tokens may have.
	MaxAudienceBytes = 800
	// MaxScopeBytes is the most that the scopes of an account may have.
	MaxScopeBytes = 400
	// DefaultLeeway is by how much the clocks of two services may differ.
	DefaultLeeway = 30 * time.Second
	// instanceSkew is by how much more the clocks of two instances of one service may differ. A token of one that is ahead must not sign out
	// its user at another one.
	instanceSkew = 10 * time.Minute
)

// Access is what a Verifier finds in an access token.
type Access struct {
	Viewer Viewer // anonymous, with the reason, if the token is expired or invalid
	Ageing bool   // the token should be renewed: less than a third of its lifetime is left, or the token is not valid
	Until  int64  // the Unix time at which the token expires, with the leeway; 0 if it is not valid
}

// Verifier verifies access tokens. Tokens is one, for the service that issues them; the one of package remote is for other services.
type Verifier interface {
	// Verify returns what a token says. An invalid token is not an error. The error is UNAVAILABLE if the verifier cannot decide,
	// because it has no keys.
	Verify(ctx context.Context, token string) (Access, error)
}

// AccessReader verifies access tokens of one issuer, with keys that the caller supplies. It remembers which tokens it has verified.
type AccessReader struct {
	parser   *jwt.Parser
	leeway   time.Duration
	ahead    time.Duration
	now      func() time.Time
	verified verified
}

// ReaderOptions say which tokens an AccessReader accepts.
type ReaderOptions struct {
	Issuer   string           // iss is this
	Audience string           // aud is this, or a list that has it
	Leeway   time.Duration    // by how much the issuer's clock may differ
	Ahead    time.Duration    // by how much more it may be ahead
	Now      func() time.Time // the clock
}

// NewAccessReader returns a reader of access tokens.
func NewAccessReader(o ReaderOptions) *AccessReader {
	return &AccessReader{
		leeway: o.Leeway, ahead: o.Ahead, now: o.Now,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Audience),
			jwt.WithExpirationRequired(), jwt.WithLeeway(o.Leeway), jwt.WithTimeFunc(o.Now), jwt.WithStrictDecoding(),
		),
	}
}

// accessClaims are the claims of an access token: sub is the user, sid the session, scope what an operator may do. The last three are
// for other services (RFC 9068, 2.2.1): a viewer that a Verifier returns has no Authentication.
type accessClaims struct {
	jwt.RegisteredClaims
	SessionID       string   `json:"sid"`
	ClientID        string   `json:"client_id"`       // required by RFC 9068; freehold is its own client
	Scope           string   `json:"scope,omitempty"` // of an operator
	Methods         []string `json:"amr,omitempty"`
	Level           string   `json:"acr,omitempty"`
	AuthenticatedAt int64    `json:"auth_time,omitempty"`
}

// Read returns what a token says, if one of the keys has signed it. Known is false if the token is invalid because it names a key
// that is not among them; other keys may accept it.
func (r *AccessReader) Read(public *keys.PublicSet, token string) (access Access, known bool) {
	if len(token) > maxAccessBytes {
		return refused(fault.Invalid), true
	}
	hash, now := tokenHash(sha256.Sum256([]byte(token))), r.now()
	t, ok := r.verified.find(public, hash, now)
	if !ok {
		var err error
		switch t, err = r.verify(public, token); {
		case errors.Is(err, jwt.ErrTokenExpired):
			return refused(fault.Expired), true
		case err != nil:
			return refused(fault.Invalid), !errors.Is(err, errUnknownKey)
		}
		r.verified.add(public, hash, t)
	}
	return Access{Viewer: Viewer{UserID: t.userID, SessionID: t.sessionID, Scopes: t.scopes}, Ageing: now.After(time.Unix(t.ageing, 0)), Until: t.until}, true
}

func refused(reason fault.Reason) Access { return Access{Viewer: Anonymous(reason), Ageing: true} }

// verify parses a token and checks that one of the keys has signed it.
func (r *AccessReader) verify(public *keys.PublicSet, token string) (verifiedToken, error) {
	var claims accessClaims
	if _, err := r.parser.ParseWithClaims(token, &claims, keyFrom(public)); err != nil {
		return verifiedToken{}, err
	}
	userID, err1 := uuid.Parse(claims.Subject)
	sessionID, err2 := uuid.Parse(claims.SessionID)
	if err1 != nil || err2 != nil || userID == uuid.Nil {
		return verifiedToken{}, errors.New("the token does not name a user and a session")
	}
	t := verifiedToken{userID: userID, sessionID: sessionID, scopes: Scopes(claims.Scope), until: claims.ExpiresAt.Add(r.leeway).Unix()}
	if claims.IssuedAt != nil {
		t.ageing = claims.ExpiresAt.Add(-claims.ExpiresAt.Sub(claims.IssuedAt.Time) / 3).Unix()
	}
	for _, begins := range []*jwt.NumericDate{claims.IssuedAt, claims.NotBefore} {
		if begins != nil {
			t.from = max(t.from, begins.Add(-r.leeway-r.ahead).Unix())
		}
	}
	if r.now().Before(time.Unix(t.from, 0)) {
		return verifiedToken{}, jwt.ErrTokenUsedBeforeIssued
	}
	return t, nil
}

var errUnknownKey = errors.New("the token names an unknown key")

// keyFrom finds the key for a token whose header names one of the keys and the type of access tokens. It ignores header fields that
// offer a key (jwk, jku, x5u).
func keyFrom(public *keys.PublicSet) jwt.Keyfunc {
	return func(j *jwt.Token) (any, error) {
		kid, ok := j.Header["kid"].(string)
		if !ok || j.Header["typ"] != accessType {
			return nil, errors.New("not an access token")
		}
		if key, ok := public.Find(kid); ok {
			return key, nil
		}
		return nil, errUnknownKey
	}
}
