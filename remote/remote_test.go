package remote

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"freehold.dev/freehold/auth"
)

// S21: tokens of another issuer, for another audience, of another time or of another kind are refused.
func TestTokens(t *testing.T) {
	t.Parallel()
	key, stranger := newKey(t), newKey(t)
	i := newIssuer(t, key)
	v := i.verifier()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string, d time.Duration) jwt.MapClaims { return jwt.MapClaims{name: i.now().Add(d).Unix()} }
	offered := jwt.MapClaims{
		"kid": kid(key), "jwk": jwk(stranger), "jku": "http://127.0.0.1:1/jwks.json", "x5u": "http://127.0.0.1:1/cert.pem",
	}
	ours := jwt.MapClaims{"kid": kid(key)}
	for name, c := range map[string]struct {
		method         jwt.SigningMethod // nil: EdDSA
		key            any               // nil: the issuer's
		header, claims jwt.MapClaims     // nil header: ours
		want           string
	}{
		"valid":                   {want: member},
		"audience a string":       {claims: jwt.MapClaims{"aud": audience}, want: member},
		"another audience":        {claims: jwt.MapClaims{"aud": issuerURL}, want: "invalid"},
		"other audiences":         {claims: jwt.MapClaims{"aud": []string{issuerURL, "notes2"}}, want: "invalid"},
		"no audience":             {claims: jwt.MapClaims{"aud": nil}, want: "invalid"},
		"empty audiences":         {claims: jwt.MapClaims{"aud": []string{}}, want: "invalid"},
		"another issuer":          {claims: jwt.MapClaims{"iss": "https://evil.example"}, want: "invalid"},
		"issuer with a slash":     {claims: jwt.MapClaims{"iss": issuerURL + "/"}, want: "invalid"},
		"no issuer":               {claims: jwt.MapClaims{"iss": nil}, want: "invalid"},
		"expired":                 {claims: at("exp", -time.Minute), want: "expired"},
		"expired within leeway":   {claims: at("exp", -29*time.Second), want: member},
		"expired at leeway":       {claims: at("exp", -30*time.Second), want: "expired"},
		"no expiry":               {claims: jwt.MapClaims{"exp": nil}, want: "invalid"},
		"issued within leeway":    {claims: at("iat", 30*time.Second), want: member},
		"issued in the future":    {claims: at("iat", 31*time.Second), want: "invalid"},
		"not before, in leeway":   {claims: at("nbf", 30*time.Second), want: member},
		"not before":              {claims: at("nbf", 31*time.Second), want: "invalid"},
		"no user":                 {claims: jwt.MapClaims{"sub": nil}, want: "invalid"},
		"no session":              {claims: jwt.MapClaims{"sid": nil}, want: "invalid"},
		"another type":            {header: jwt.MapClaims{"kid": kid(key), "typ": "JWT"}, want: "invalid"},
		"no kid":                  {header: jwt.MapClaims{}, want: "invalid"},
		"kid a number":            {header: jwt.MapClaims{"kid": 1}, want: "invalid"},
		"alg none":                {method: jwt.SigningMethodNone, key: jwt.UnsafeAllowNoneSignatureType, want: "invalid"},
		"HS256 by the public key": {method: jwt.SigningMethodHS256, key: []byte(key.Public().(ed25519.PublicKey)), want: "invalid"},
		"RS256":                   {method: jwt.SigningMethodRS256, key: rsaKey, want: "invalid"},
		"another key":             {key: stranger, want: "invalid"},
		"another key, offered":    {key: stranger, header: offered, want: "invalid"},
		"our key beside offers":   {header: offered, want: member},
		"huge":                    {claims: jwt.MapClaims{"scope": strings.Repeat("x", 2048)}, want: "invalid"},
	} {
		if c.method == nil {
			c.method = jwt.SigningMethodEdDSA
		}
		if c.key == nil {
			c.key = key
		}
		if c.header == nil {
			c.header = ours
		}
		token := i.sign(c.method, c.key, c.header, c.claims)
		for range 2 { // the second time, from memory
			i.expect(v, name, token, c.want)
		}
	}
	for _, token := range []string{"", ".", "..", "x", strings.Repeat(".", 2000), strings.Repeat("x", 1<<20), i.token(key) + "="} {
		i.expect(v, "malformed", token, "invalid")
	}
	i.expectFetches("tokens that name no unknown key", 1)
}

// A verified token is refused once it has expired, with leeway.
func TestTokensExpire(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	i := newIssuer(t, key)
	v, token := i.verifier(), i.token(key)
	for _, c := range []struct {
		wait time.Duration
		want string
	}{{0, member}, {15*time.Minute + 29*time.Second, member}, {time.Second, "expired"}, {-16*time.Minute - time.Second, "invalid"}, {time.Minute, member}} {
		i.wait(c.wait)
		i.expect(v, "after "+c.wait.String(), token, c.want)
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	i := newIssuer(t, key)
	good := i.token(key)
	expired := i.sign(jwt.SigningMethodEdDSA, key, jwt.MapClaims{"kid": kid(key)}, jwt.MapClaims{"exp": i.now().Add(-time.Hour).Unix()})
	until := i.now().Add(15*time.Minute + auth.DefaultLeeway).Unix() // see issuer.token
	send := func(v *Verifier, values ...string) (*httptest.ResponseRecorder, *auth.Viewer) {
		var viewer *auth.Viewer
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Header["Authorization"] = values
		v.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			found := auth.ViewerFrom(r.Context())
			viewer = &found
		})).ServeHTTP(w, r)
		return w, viewer
	}
	v := i.verifier()
	for name, c := range map[string]struct {
		values    []string
		want      auth.Viewer
		challenge string // a part of WWW-Authenticate; "" if there is none
	}{
		"no header":      {nil, auth.Viewer{}, ""},
		"another scheme": {[]string{"Basic eDp5"}, auth.Viewer{}, ""},
		"valid":          {[]string{"Bearer " + good}, auth.Viewer{UserID: userID, SessionID: sessionID, Until: until}, ""},
		"expired":        {[]string{"Bearer " + expired}, auth.Anonymous("expired"), "has expired"},
		"invalid":        {[]string{"Bearer x"}, auth.Anonymous("invalid"), `Bearer error="invalid_token"`},
		"two tokens":     {[]string{"Bearer " + good, "Bearer " + good}, auth.Anonymous("invalid"), `Bearer error="invalid_token"`},
	} {
		w, viewer := send(v, c.values...)
		challenge := w.Header().Get("WWW-Authenticate")
		if viewer == nil || *viewer != c.want || w.Code != http.StatusOK || (challenge == "") != (c.challenge == "") || !strings.Contains(challenge, c.challenge) {
			t.Errorf("%s: %+v, status %d, %q; want %+v, 200, %q", name, viewer, w.Code, challenge, c.want, c.challenge)
		}
	}
	i.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	v = i.verifier() // has no keys
	if w, viewer := send(v); viewer == nil || w.Code != http.StatusOK {
		t.Errorf("without keys, a request without a token: %+v, status %d", viewer, w.Code)
	}
	for range 2 {
		if w, viewer := send(v, "Bearer "+good); viewer != nil || w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "5" ||
			w.Header().Get("WWW-Authenticate") != "" || !strings.HasPrefix(w.Body.String(), "UNAVAILABLE: ") {
			t.Errorf("without keys, a request with a token: %+v, status %d, %v, %s", viewer, w.Code, w.Header(), w.Body)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options Options
		fault   string
	}{
		"fewest":            {Options{Issuer: issuerURL, Audience: audience}, ""},
		"by http":           {Options{Issuer: "http://localhost:8080", Audience: audience, Leeway: 5 * time.Minute}, ""},
		"no issuer":         {Options{Audience: audience}, "Issuer must be"},
		"issuer a name":     {Options{Issuer: "id.example.org", Audience: audience}, "Issuer must be"},
		"no audience":       {Options{Issuer: issuerURL}, "Audience is required"},
		"JWKS a file":       {Options{Issuer: issuerURL, Audience: audience, JWKSURL: "file:///jwks.json"}, "JWKSURL must be"},
		"negative leeway":   {Options{Issuer: issuerURL, Audience: audience, Leeway: -1}, "Leeway must be"},
		"too long a leeway": {Options{Issuer: issuerURL, Audience: audience, Leeway: time.Hour}, "Leeway must be"},
	} {
		v, err := New(c.options)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, want %q", name, err, c.fault)
		}
		if want := strings.TrimSuffix(c.options.Issuer, "/") + "/.well-known/jwks.json"; err == nil && v.keys.url != want {
			t.Errorf("%s: the keys come from %s, want %s", name, v.keys.url, want)
		}
	}
}
