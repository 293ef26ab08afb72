package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// provider is a provider of OpenID Connect in the test's process, whose users a test chooses and changes.
type provider struct {
	*httptest.Server
	t     *testing.T
	store *store

	mu     sync.Mutex
	users  map[string]storage.User // by subject
	handle http.HandlerFunc        // comes first, if it is not nil
	paths  []string                // of all requests
}

// store replaces the signing key of the library's example.
type store struct {
	*storage.Storage
	mu   sync.Mutex
	keys *storage.Storage // whose key signs
	ago  time.Duration    // how long ago users have signed in, at least
}

// AuthRequestByCode returns a request of a user who has signed in some time ago.
func (s *store) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	request, err := s.Storage.AuthRequestByCode(ctx, code)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.ago == 0 {
		return request, err
	}
	return earlier{request, s.ago}, nil
}

type earlier struct {
	op.AuthRequest
	ago time.Duration
}

func (e earlier) GetAuthTime() time.Time { return e.AuthRequest.GetAuthTime().Add(-e.ago) }

func (s *store) current() *storage.Storage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

func (s *store) SigningKey(ctx context.Context) (op.SigningKey, error) {
	return s.current().SigningKey(ctx)
}
func (s *store) KeySet(ctx context.Context) ([]op.Key, error) { return s.current().KeySet(ctx) }
func (s *store) SignatureAlgorithms(ctx context.Context) ([]jose.SignatureAlgorithm, error) {
	return s.current().SignatureAlgorithms(ctx)
}

const (
	clientID     = "freehold"
	clientSecret = "the secret of freehold at the provider"
	publicURL    = "http://127.0.0.1:8080" // the default
)

// newProvider starts a provider that has freehold as a client, under the name that freehold has for the provider.
func newProvider(t *testing.T, name string) *provider {
	t.Helper()
	p := &provider{t: t, users: map[string]storage.User{}}
	clients := map[string]*storage.Client{clientID: storage.WebClient(clientID, clientSecret, publicURL+"/oauth/"+name+"/callback")}
	p.store = &store{Storage: storage.NewStorageWithClients(p, clients)}
	p.store.keys = p.store.Storage
	var handler http.Handler
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		handle := p.handle
		p.paths = append(p.paths, r.URL.Path)
		p.mu.Unlock()
		if handle != nil {
			handle(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	made, err := op.NewProvider(&op.Config{CryptoKey: sha256.Sum256([]byte(name)), CodeMethodS256: true}, p.store, op.StaticIssuer(p.URL), op.WithAllowInsecure())
	if err != nil {
		t.Fatal(err)
	}
	handler = made
	return p
}

// settings are those of freehold for the provider.
func (p *provider) settings(name string, further ...string) []string {
	prefix := "FREEHOLD_OIDC_" + strings.ToUpper(name) + "_"
	return append([]string{prefix + "ISSUER=" + p.URL, prefix + "CLIENT_ID=" + clientID, prefix + "CLIENT_SECRET=" + clientSecret}, further...)
}

// GetUserByID implements storage.UserStore.
func (p *provider) GetUserByID(id string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, found := p.users[id]
	if !found {
		return nil
	}
	return &u
}

// GetUserByUsername implements storage.UserStore. Users sign in with their subject.
func (p *provider) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }

// ExampleClientID implements storage.UserStore.
func (p *provider) ExampleClientID() string { return "service" }

// put adds or changes a user.
func (p *provider) put(subject, email string, verified bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users[subject] = storage.User{
		ID: subject, Username: subject, Password: "x", FirstName: "Name of", LastName: subject, Email: email, EmailVerified: verified,
	}
}

// rotate makes the provider sign with another key, and publish only that one.
func (p *provider) rotate() {
	fresh := storage.NewStorageWithClients(p, nil)
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	p.store.keys = fresh
}

// asked reports whether the provider got a request for a path.
func (p *provider) asked(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.paths, path)
}

// do replaces what the provider does; nil restores it.
func (p *provider) do(handle http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handle = handle
}

// signIn signs a user in at an authorization URL of the provider, and returns the parameters with which it sends them back.
func (p *provider) signIn(authorization, subject string) url.Values {
	p.t.Helper()
	at := p.follow(authorization)
	id := at.Query().Get("authRequestID")
	if err := p.store.CheckUsernamePassword(subject, "x", id); err != nil {
		p.t.Fatalf("sign in at %s: %v", at, err)
	}
	back := p.follow(p.URL + "/authorize/callback?id=" + url.QueryEscape(id))
	if back.Query().Get("code") == "" || !strings.HasPrefix(back.String(), publicURL+"/oauth/") {
		p.t.Fatalf("the provider sends back to %s", back)
	}
	return back.Query()
}

var browser = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// follow returns where a page of the provider leads.
func (p *provider) follow(page string) *url.URL {
	p.t.Helper()
	response, err := browser.Get(page)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	at, err := response.Location()
	if err != nil {
		p.t.Fatalf("%s answers %d", page, response.StatusCode)
	}
	return at
}

// promisesIssuer makes the provider say that it sends iss (RFC 9207).
func (p *provider) promisesIssuer() {
	inner := p.Config.Handler
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" {
			inner.ServeHTTP(w, r)
			return
		}
		kept := httptest.NewRecorder()
		inner.ServeHTTP(kept, r)
		about := map[string]any{}
		json.Unmarshal(kept.Body.Bytes(), &about)
		about["authorization_response_iss_parameter_supported"] = true
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(about)
	})
}
