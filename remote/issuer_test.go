package remote

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/fault"
)

const (
	issuerURL = "https://id.example.org"
	audience  = "notes"
)

var (
	userID    = uuid.MustParse("3b241101-e2bb-4255-8caf-4136c566a962")
	sessionID = uuid.MustParse("6f1c9f60-93a1-4f0c-8c8a-3f2e5a1b7c11")
)

// issuer is a fake freehold with a clock.
type issuer struct {
	t       *testing.T
	url     string
	fetches atomic.Int32
	failed  chan error // what the verifier reports

	mu      sync.Mutex
	clock   time.Time
	handler http.HandlerFunc // serves the JWKS
}

func newIssuer(t *testing.T, keys ...ed25519.PrivateKey) *issuer {
	t.Helper()
	i := &issuer{t: t, clock: time.Now().Truncate(time.Second), failed: make(chan error, 100)}
	i.publish(keys...)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.fetches.Add(1)
		i.mu.Lock()
		handler := i.handler
		i.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	i.url = server.URL + "/.well-known/jwks.json"
	return i
}

// verifier returns a verifier of the issuer's tokens.
func (i *issuer) verifier() *Verifier {
	i.t.Helper()
	v, err := New(Options{Issuer: issuerURL + "/", Audience: audience, JWKSURL: i.url, Now: i.now, Failed: func(err error) { i.failed <- err }})
	if err != nil {
		i.t.Fatal(err)
	}
	return v
}

func (i *issuer) now() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.clock
}

func (i *issuer) wait(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.clock = i.clock.Add(d)
}

func (i *issuer) serve(handler http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.handler = handler
}

// publish serves these keys from now on.
func (i *issuer) publish(signing ...ed25519.PrivateKey) {
	set := keys.JWKS{Keys: []keys.JWK{}}
	for _, key := range signing {
		set.Keys = append(set.Keys, jwk(key))
	}
	body, err := json.Marshal(set)
	if err != nil {
		i.t.Error(err)
	}
	i.serve(text(string(body)))
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write([]byte(body))
	}
}

func jwk(key ed25519.PrivateKey) keys.JWK {
	public := base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	return keys.JWK{KeyType: "OKP", Curve: "Ed25519", X: public, KeyID: kid(key), Use: "sig", Algorithm: "EdDSA"}
}

func kid(key ed25519.PrivateKey) string {
	return base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey)[:12])
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// claims are those of a valid token, with changes; nil removes a claim.
func (i *issuer) claims(changes jwt.MapClaims) jwt.MapClaims {
	claims := jwt.MapClaims{
		"iss": issuerURL, "aud": []string{issuerURL, audience}, "sub": userID, "sid": sessionID,
		"iat": i.now().Unix(), "exp": i.now().Add(15 * time.Minute).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

// token returns a valid token.
func (i *issuer) token(key ed25519.PrivateKey) string {
	return i.sign(jwt.SigningMethodEdDSA, key, jwt.MapClaims{"kid": kid(key)}, nil)
}

// sign returns a token with changes to its header and claims.
func (i *issuer) sign(method jwt.SigningMethod, key any, header, claims jwt.MapClaims) string {
	i.t.Helper()
	j := jwt.NewWithClaims(method, i.claims(claims))
	j.Header["typ"] = "at+jwt"
	maps.Copy(j.Header, header)
	signed, err := j.SignedString(key)
	if err != nil {
		i.t.Fatal(err)
	}
	return signed
}

// The results of verifying a token, besides the reasons.
const (
	member      = "member"
	unavailable = "UNAVAILABLE"
)

// verify returns member, unavailable, or the reason why the token is not valid.
func verify(ctx context.Context, t *testing.T, v *Verifier, token string) string {
	t.Helper()
	access, err := v.Verify(ctx, token)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == fault.Unavailable && access == (auth.Access{}) {
		return unavailable
	}
	if err != nil {
		t.Errorf("%v", err)
	}
	if access.Viewer == (auth.Viewer{UserID: userID, SessionID: sessionID, Until: access.Until}) && access.Until > 0 {
		return member
	}
	if access.Viewer.IsMember() || access.Viewer.Reason == "" {
		t.Errorf("a wrong viewer: %+v", access.Viewer)
	}
	return string(access.Viewer.Reason)
}

func (i *issuer) expect(v *Verifier, what, token, want string) {
	i.t.Helper()
	if got := verify(i.t.Context(), i.t, v, token); got != want {
		i.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func (i *issuer) expectFetches(what string, want int32) {
	i.t.Helper()
	if got := i.fetches.Load(); got != want {
		i.t.Errorf("%s: %d fetches, want %d", what, got, want)
	}
}

// receive returns the next value of a channel. It fails the test if there is none within some seconds.
func receive[T any](t *testing.T, from <-chan T, what string) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: nothing has happened", what)
	}
	return value
}
