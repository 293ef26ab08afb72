package harness

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/keys"
)

// Issuer issues access tokens as a service with accounts does, for tests of a second subgraph that need no accounts.
type Issuer struct {
	URL    string
	tokens *auth.Tokens
}

const (
	issuedAudience = "https://subgraph.example"
	issuedLifetime = 12 * time.Hour // longer than any test
)

// NewIssuer starts an issuer, and stops it when the test ends.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	set, err := keys.LoadOrCreate(filepath.Join(t.TempDir(), "keys.pem"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(set.JWKS())
	}))
	t.Cleanup(server.Close)
	return &Issuer{URL: server.URL, tokens: auth.NewTokens(set, server.URL, issuedLifetime, issuedAudience)}
}

// Settings are those of a second subgraph that accepts the issuer's tokens.
func (i *Issuer) Settings() []string {
	return []string{"FREEHOLD_ISSUER=" + i.URL, "FREEHOLD_AUDIENCE=" + issuedAudience}
}

// Token returns an access token for a session of a user, with scopes.
func (i *Issuer) Token(userID uuid.UUID, scopes ...string) (string, error) {
	token, _, err := i.tokens.Access(auth.Viewer{UserID: userID, SessionID: uuid.New(), Scopes: auth.Scopes(strings.Join(scopes, " "))})
	return token, err
}
