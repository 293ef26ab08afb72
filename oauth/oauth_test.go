package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// O01: each flow has a state, a nonce and a PKCE challenge. Reauthentication asks the provider to authenticate the user again.
func TestAuthorizationURL(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	challenge := sha256.Sum256([]byte(verifier))
	usual := map[string]string{
		"response_type": "code", "client_id": "freehold", "redirect_uri": "https://id.example/oauth/fake/callback", "state": "the-state",
		"scope": "openid profile email", "code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
		"nonce": nonce, "prompt": "", "max_age": "", "response_mode": "",
	}
	for name, c := range map[string]struct {
		provider *Provider
		again    bool
		want     map[string]string
	}{
		"OpenID Connect": {f.provider(nil), false, nil},
		"again":          {f.provider(nil), true, map[string]string{"prompt": "login", "max_age": "0"}},
		"scopes":         {f.provider(func(s *Settings) { s.Scopes = []string{"openid"} }), false, map[string]string{"scope": "openid"}},
		"Apple":          {f.provider(appleSettings(t)), false, map[string]string{"scope": "openid name email", "response_mode": "form_post"}},
		"GitHub":         {f.provider(func(s *Settings) { s.Preset = GitHub }), false, map[string]string{"scope": "read:user user:email", "nonce": ""}},
	} {
		text, err := c.provider.AuthorizationURL(t.Context(), Request{State: "the-state", Nonce: nonce, Verifier: verifier, Again: c.again})
		u, errURL := url.Parse(text)
		if err != nil || errURL != nil || !strings.HasPrefix(text, f.URL+"/") {
			t.Fatalf("%s: %s, %v, %v", name, text, err, errURL)
		}
		for parameter, want := range usual {
			if other, changed := c.want[parameter]; changed {
				want = other
			}
			if got := u.Query().Get(parameter); got != want {
				t.Errorf("%s: %s is %q, want %q", name, parameter, got, want)
			}
		}
	}
}

// O01, O02, O03: whom a provider names, by its ID token and the parameter iss, and which tokens are refused.
func TestIdentify(t *testing.T) {
	t.Parallel()
	const ann = `s-1 "ann@example.org" verified=true "" "Ann"`
	claim := func(pairs ...any) func(*fake) {
		return func(f *fake) {
			for i := 0; i < len(pairs); i += 2 {
				f.claims[pairs[i].(string)] = pairs[i+1]
			}
		}
	}
	named := func(claims ...string) func(*Settings) {
		return func(s *Settings) { s.Claims, _ = ParseClaims(claims) }
	}
	sendsIssuer := func(f *fake) { f.metadata["authorization_response_iss_parameter_supported"] = true }
	for name, c := range map[string]struct {
		fake     func(*fake)
		settings func(*Settings)
		answer   func(*Answer)
		want     string
		err      error
	}{
		"as usual":                {want: ann},
		"a claim for the name":    {settings: named("username=preferred_username", "name=nickname"), fake: claim("nickname", "Annie"), want: `s-1 "ann@example.org" verified=true "ann" "Annie"`},
		"a claim for the address": {settings: named("email=upn", "email_verified=edov"), fake: claim("upn", "ann@work.example", "edov", "1"), want: `s-1 "ann@work.example" verified=true "" "Ann"`},
		"not verified":            {fake: claim("email_verified", false), want: `s-1 "ann@example.org" verified=false "" "Ann"`},
		"verified, as a text":     {fake: claim("email_verified", "true"), want: ann},
		"false, as a text":        {fake: claim("email_verified", "false"), want: `s-1 "ann@example.org" verified=false "" "Ann"`},
		"verified is missing":     {fake: claim("email_verified", nil), want: `s-1 "ann@example.org" verified=false "" "Ann"`},
		"Microsoft":               {settings: func(s *Settings) { s.Preset = Microsoft }, want: `s-1 "ann@example.org" verified=false "" "Ann"`},
		"Microsoft, domain owner": {settings: func(s *Settings) { s.Preset = Microsoft }, fake: claim("xms_edov", true), want: ann},
		"claims that are no text": {fake: claim("email", 1, "name", []string{"x"}), want: `s-1 "" verified=false "" ""`},
		"iss":                     {fake: sendsIssuer, answer: func(a *Answer) { a.Issuer = "self" }, want: ann},
		"iss, not promised":       {answer: func(a *Answer) { a.Issuer = "self" }, want: ann},
		"another iss":             {answer: func(a *Answer) { a.Issuer = "https://attacker.example" }, err: ErrIssuer},
		"no iss, but promised":    {fake: sendsIssuer, err: ErrIssuer},
		"another nonce":           {fake: claim("nonce", "that of another flow"), err: ErrRefused},
		"no nonce":                {fake: claim("nonce", nil), err: ErrRefused},
		"for another client":      {fake: claim("aud", "another"), err: ErrRefused},
		"of another issuer":       {fake: claim("iss", "https://attacker.example"), err: ErrRefused},
		"expired":                 {fake: claim("exp", time.Now().Add(-time.Hour).Unix()), err: ErrRefused},
		"of another access token": {fake: claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), err: ErrRefused},
		"no subject":              {fake: claim("sub", nil), err: ErrUnavailable},
		"a long subject":          {fake: claim("sub", strings.Repeat("s", 256)), err: ErrUnavailable},
		"not signed": {fake: func(f *fake) {
			f.sign = func(c jwt.MapClaims) string {
				text, _ := jwt.NewWithClaims(jwt.SigningMethodNone, c).SignedString(jwt.UnsafeAllowNoneSignatureType)
				return text
			}
		}, err: ErrRefused},
		"signed with the secret": {fake: func(f *fake) {
			f.sign = func(c jwt.MapClaims) string {
				text, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte("a secret/with % signs"))
				return text
			}
		}, err: ErrRefused},
		"no ID token":          {fake: func(f *fake) { f.sign = func(jwt.MapClaims) string { return "" } }, err: ErrRefused},
		"authenticated again":  {answer: func(a *Answer) { a.Since = time.Now() }, want: ann},
		"authenticated before": {answer: func(a *Answer) { a.Since = time.Now() }, fake: claim("auth_time", time.Now().Add(-time.Hour).Unix()), err: ErrNotAgain},
		"does not say when":    {answer: func(a *Answer) { a.Since = time.Now() }, fake: claim("auth_time", nil), err: ErrNotAgain},
		"user info": {fake: func(f *fake) {
			f.claims["email"] = nil
			f.userInfo = map[string]any{"sub": "s-1", "email": "a@b.example", "email_verified": true}
		}, want: `s-1 "a@b.example" verified=true "" ""`},
		"user info of another": {fake: func(f *fake) {
			f.claims["email"] = nil
			f.userInfo = map[string]any{"sub": "s-2", "email": "a@b.example"}
		}, err: ErrRefused},
		"no address, no user info": {fake: func(f *fake) { f.claims["email"] = nil; f.metadata["userinfo_endpoint"] = "" }, want: `s-1 "" verified=false "" "Ann"`},
		"metadata of another":      {fake: func(f *fake) { f.metadata["issuer"] = "https://attacker.example" }, err: ErrUnavailable},
		"a refused code":           {fake: answers(http.StatusBadRequest, `{"error":"invalid_grant"}`), err: ErrRefused},
		"a refused client":         {fake: answers(http.StatusUnauthorized, `{"error":"invalid_client"}`), err: ErrUnavailable},
		"an error of the server":   {fake: answers(http.StatusInternalServerError, `oops`), err: ErrUnavailable},
		"a redirect":               {fake: answers(http.StatusTemporaryRedirect, ``), err: ErrUnavailable},
		"a huge answer":            {fake: func(f *fake) { f.metadata["x"] = strings.Repeat("x", 2<<20) }, err: ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if c.fake != nil {
				c.fake(f)
			}
			a := answer(c.answer)
			if a.Issuer == "self" {
				a.Issuer = f.URL
			}
			found, err := f.provider(c.settings).Identify(t.Context(), a)
			if !errors.Is(err, c.err) || c.err == nil && describe(found, err) != c.want {
				t.Errorf("%s; want %s, %v", describe(found, err), c.want, c.err)
			}
			if sent := f.count("/token"); sent > 1 || f.count("/elsewhere") > 0 || errors.Is(err, ErrIssuer) && sent > 0 {
				t.Errorf("the code was sent twice, elsewhere, or to a provider that has not issued it: %v", f.requests)
			}
		})
	}
}

// answers makes the token endpoint give an answer.
func answers(status int, body string) func(*fake) {
	return func(f *fake) {
		f.handle = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/token" {
				f.answer(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			w.Write([]byte(body))
		}
	}
}

// The client proves itself in the one way that the provider accepts, so that a code is sent once. The code comes with its verifier.
func TestExchangeSendsVerifierAndSecretOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	if found, err := f.provider(nil).Identify(t.Context(), answer(nil)); err != nil {
		t.Fatal(describe(found, err))
	}
	user, password, _ := (&http.Request{Header: http.Header{"Authorization": {f.auth}}}).BasicAuth()
	if secret, _ := url.QueryUnescape(password); user != "freehold" || secret != "a secret/with % signs" || f.form.Has("client_secret") {
		t.Errorf("by header: %q %v", f.auth, f.form)
	}
	if f.form.Get("code_verifier") != verifier || f.form.Get("code") != "a-code" || f.form.Get("redirect_uri") != "https://id.example/oauth/fake/callback" {
		t.Errorf("the exchange: %v", f.form)
	}
	f = newFake(t)
	f.metadata["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"}
	f.provider(nil).Identify(t.Context(), answer(nil))
	if f.form.Get("client_secret") != "a secret/with % signs" || f.auth != "" || f.count("/token") != 1 {
		t.Errorf("in the body: %q %v", f.auth, f.form)
	}
}

// O06: a new key of the provider is found at once.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p := f.provider(nil)
	for range 3 {
		if found, err := p.Identify(t.Context(), answer(nil)); err != nil {
			t.Fatal(describe(found, err))
		}
		f.rotate()
	}
	if n := f.count("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("%d discoveries", n)
	}
}

// O06: a provider that is down does not keep users from others. What it said about itself an hour ago is still used.
func TestDiscoverySurvivesFailures(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	ahead := time.Duration(0)
	p := f.provider(func(s *Settings) { s.Now = func() time.Time { return time.Now().Add(ahead) } })
	down := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusServiceUnavailable) }
	ask := func() error {
		_, err := p.AuthorizationURL(t.Context(), Request{State: "s", Nonce: nonce, Verifier: verifier})
		return err
	}
	f.handle = down
	if err := ask(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a provider that is down from the start: %v", err)
	}
	f.handle = nil
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	f.handle, ahead = down, discoverAfter+time.Minute
	before := f.count("/.well-known/openid-configuration")
	if err := ask(); err != nil || f.count("/.well-known/openid-configuration") != before+1 {
		t.Errorf("a provider that is down an hour later: %v", err)
	}
}

// O06: a provider that does not answer costs a bounded time, and a client that leaves does not wait.
func TestSlowProvider(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	release := make(chan struct{})
	defer close(release)
	f.handle = func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := f.provider(nil).Identify(ctx, answer(nil)); !errors.Is(err, ErrUnavailable) || time.Since(begun) > patience {
		t.Errorf("a client that leaves: %v after %s", err, time.Since(begun))
	}
	if _, err := f.provider(nil).Identify(t.Context(), answer(nil)); !errors.Is(err, ErrUnavailable) || time.Since(begun) > 3*patience {
		t.Errorf("a client that waits: %v after %s", err, time.Since(begun))
	}
}

// appleSettings gives a provider the key of a client of Apple.
func appleSettings(t *testing.T) func(*Settings) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return func(s *Settings) {
		s.Preset, s.ClientSecret, s.Apple = Apple, "", AppleKey{TeamID: "TEAM", KeyID: "KEY", Key: key}
	}
}

// Apple's client secret is a short-lived JWT, signed with the key of the developer.
func TestAppleSecret(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.metadata["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"}
	p := f.provider(appleSettings(t))
	if found, err := p.Identify(t.Context(), answer(nil)); err != nil {
		t.Fatal(describe(found, err))
	}
	parsed, err := jwt.Parse(f.form.Get("client_secret"), func(*jwt.Token) (any, error) { return &p.settings.Apple.Key.PublicKey, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer("TEAM"), jwt.WithSubject("freehold"), jwt.WithAudience(f.URL), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	if err != nil || parsed.Header["kid"] != "KEY" {
		t.Errorf("the client secret %q: %v", f.form.Get("client_secret"), err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(p.settings.Apple.Key)
	if err != nil {
		t.Fatal(err)
	}
	file := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if read, err := ParseAppleKey(file); err != nil || !read.Equal(p.settings.Apple.Key) {
		t.Errorf("read a key: %v", err)
	}
	der, _ = x509.MarshalPKCS8PrivateKey(f.key)
	for name, text := range map[string][]byte{
		"no PEM": []byte("x"), "half a key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der[:9]}),
		"RSA": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	} {
		if _, err := ParseAppleKey(text); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// O03: GitHub has no ID token. Its user is a number, and only a verified primary address is used.
func TestGitHub(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user, emails string
		claims       []string
		iss          string
		want         string
		err          error
	}{
		"as usual":     {user: `{"id":7,"login":"ann","name":"Ann"}`, emails: `[{"email":"x@example.org","verified":true},{"email":"ann@example.org","primary":true,"verified":true}]`, want: `7 "ann@example.org" verified=true "" "Ann"`},
		"its login":    {user: `{"id":7,"login":"ann","name":null}`, emails: `[]`, claims: []string{"username=login"}, want: `7 "" verified=false "ann" ""`},
		"not verified": {user: `{"id":7}`, emails: `[{"email":"ann@example.org","primary":true,"verified":false}]`, want: `7 "" verified=false "" ""`},
		"not primary":  {user: `{"id":7}`, emails: `[{"email":"ann@example.org","primary":false,"verified":true}]`, want: `7 "" verified=false "" ""`},
		"its iss":      {user: `{"id":7}`, emails: `[]`, iss: "/login/oauth", want: `7 "" verified=false "" ""`},
		"another iss":  {user: `{"id":7}`, emails: `[]`, iss: ".attacker.example", err: ErrIssuer},
		"no user":      {user: `{}`, emails: `[]`, err: ErrUnavailable},
		"no scope":     {user: `{"id":7}`, emails: `{"message":"Not Found"}`, err: ErrUnavailable},
		"a bad code":   {user: "", err: ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch authorized := r.Header.Get("Authorization") == "Bearer t"; {
				case r.URL.Path == "/login/oauth/access_token" && c.user == "":
					w.Write([]byte(`{"error":"bad_verification_code"}`)) // with status 200
				case r.URL.Path == "/login/oauth/access_token" && r.FormValue("code_verifier") == verifier:
					json.NewEncoder(w).Encode(map[string]string{"access_token": "t", "token_type": "bearer"})
				case r.URL.Path == "/api/v3/user" && authorized:
					w.Write([]byte(c.user))
				case r.URL.Path == "/api/v3/user/emails" && authorized:
					w.Write([]byte(c.emails))
				default:
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			s := Settings{Preset: GitHub, Issuer: server.URL, ClientID: "c", ClientSecret: "s"}
			s.Claims, _ = ParseClaims(c.claims)
			a := answer(nil)
			if c.iss != "" {
				a.Issuer = server.URL + c.iss
			}
			p := New(s)
			found, err := p.Identify(t.Context(), a)
			if !errors.Is(err, c.err) || c.err == nil && describe(found, err) != c.want || p.CanReauthenticate() {
				t.Errorf("%s; want %s, %v", describe(found, err), c.want, c.err)
			}
		})
	}
	if gitHubAPI(GitHub.Issuer()) != "https://api.github.com" || gitHubEndpoint(GitHub.Issuer()).AuthURL != "https://github.com/login/oauth/authorize" {
		t.Error("GitHub's own addresses")
	}
}
