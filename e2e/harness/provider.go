package harness

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Provider is an identity provider that believes everything, for tests that need users of one. Package e2e/oauth has a real one.
type Provider struct{ URL string }

// ProviderName is the name of the provider in a service with its settings, and ProviderPage where users return to.
const (
	ProviderName = "proof"
	ProviderPage = "https://app.example/signed-in"
)

// StartProvider starts the provider, once for all tests of the process.
var StartProvider = sync.OnceValue(func() *Provider {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	reply := func(path string, body func(r *http.Request) any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(body(r))
		})
	}
	reply("/.well-known/openid-configuration", func(*http.Request) any {
		return Vars{
			"issuer": server.URL, "authorization_endpoint": server.URL + "/authorize", "token_endpoint": server.URL + "/token", "jwks_uri": server.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"EdDSA"},
		}
	})
	reply("/keys", func(*http.Request) any {
		x := base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
		return Vars{"keys": []any{Vars{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "1", "x": x}}}
	})
	reply("/token", func(r *http.Request) any {
		claims := jwt.MapClaims{"iss": server.URL, "aud": "freehold", "exp": time.Now().Add(time.Hour).Unix(), "auth_time": time.Now().Unix()}
		text, _ := base64.RawURLEncoding.DecodeString(r.FormValue("code"))
		json.Unmarshal(text, &claims)
		token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
		token.Header["kid"] = "1"
		signed, err := token.SignedString(key)
		if err != nil {
			panic(err)
		}
		return Vars{"access_token": "x", "token_type": "Bearer", "id_token": signed}
	})
	return &Provider{URL: server.URL}
})

// Settings are those of a service that knows the provider.
func (p *Provider) Settings() []string {
	return []string{
		"FREEHOLD_OIDC_REDIRECTS=" + ProviderPage, "FREEHOLD_OIDC_PROOF_ISSUER=" + p.URL, "FREEHOLD_OIDC_PROOF_CLIENT_ID=freehold", "FREEHOLD_OIDC_PROOF_CLIENT_SECRET=x",
	}
}

// Code returns a code of the provider for a user, in the flow with this nonce.
func (p *Provider) Code(subject, email, nonce string) string {
	text, err := json.Marshal(Vars{"sub": subject, "email": email, "email_verified": true, "nonce": nonce})
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
