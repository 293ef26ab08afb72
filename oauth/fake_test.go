package oauth

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// fake is a provider that does what a test says, such as signing an ID token with another key. Package e2e/oauth tests with a real one.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	key      *rsa.PrivateKey
	kid      string
	metadata map[string]any // replaces members of what the provider says about itself
	claims   map[string]any // replaces claims of ID tokens; nil removes one
	sign     func(jwt.MapClaims) string
	userInfo map[string]any
	handle   http.HandlerFunc // comes first, if it is not nil
	requests []string         // paths
	form     url.Values       // of the last request for a token
	auth     string           // the header Authorization of that request
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{metadata: map[string]any{}, claims: map[string]any{}}
	f.key, f.kid = firstKey(), "first"
	f.sign = f.signWithKey
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// provider returns a client of the fake.
func (f *fake) provider(change func(*Settings)) *Provider {
	s := Settings{Name: "fake", Issuer: f.URL, ClientID: "freehold", ClientSecret: "a secret/with % signs", RedirectURL: "https://id.example/oauth/fake/callback"}
	if change != nil {
		change(&s)
	}
	return New(s)
}

// firstKey is the key of each fake, since a new one takes long.
var firstKey = sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// rotate replaces the key.
func (f *fake) rotate() {
	key := newKey()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.key, f.kid = key, rand.Text()
}

func (f *fake) signWithKey(c jwt.MapClaims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"] = f.kid
	text, err := token.SignedString(f.key)
	if err != nil {
		panic(err)
	}
	return text
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	handle := f.handle
	f.requests = append(f.requests, r.URL.Path)
	f.mu.Unlock()
	if handle != nil {
		handle(w, r)
		return
	}
	f.answer(w, r)
}

func (f *fake) answer(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reply := map[string]any{}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		reply = map[string]any{
			"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token", "jwks_uri": f.URL + "/keys",
			"userinfo_endpoint": f.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"RS256"},
		}
		maps.Copy(reply, f.metadata)
	case "/keys":
		text := base64.RawURLEncoding.EncodeToString
		reply["keys"] = []any{map[string]any{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": f.kid, "n": text(f.key.N.Bytes()), "e": text(big.NewInt(int64(f.key.E)).Bytes()),
		}}
	case "/token":
		r.ParseForm()
		f.form, f.auth = r.PostForm, r.Header.Get("Authorization")
		c := jwt.MapClaims{
			"iss": f.URL, "sub": "s-1", "aud": "freehold", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nonce": nonce,
			"auth_time": time.Now().Unix(), "email": "ann@example.org", "email_verified": true, "name": "Ann", "preferred_username": "ann",
		}
		for name, value := range f.claims {
			c[name] = value
			if value == nil {
				delete(c, name)
			}
		}
		reply = map[string]any{"access_token": "an-access-token", "token_type": "Bearer", "id_token": f.sign(c)}
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer an-access-token" {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		reply = f.userInfo
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(reply)
}

// count returns how often a path was asked for.
func (f *fake) count(path string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if r == path {
			n++
		}
	}
	return n
}

const (
	nonce    = "the-nonce-of-the-flow"
	verifier = "the-verifier-of-the-flow-which-is-43-characters-long"
)

// answer is what the provider sends back, unless the test changes it.
func answer(change func(*Answer)) Answer {
	a := Answer{Code: "a-code", Nonce: nonce, Verifier: verifier}
	if change != nil {
		change(&a)
	}
	return a
}

func describe(i *Identity, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %q verified=%t %q %q", i.Subject, i.Email, i.EmailVerified, i.Username, i.Name)
}
