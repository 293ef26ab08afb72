package sessions

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// signingKey returns the service's own key, which could have been stolen.
func signingKey(t *testing.T, dir string) ed25519.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "signing-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(ed25519.PrivateKey)
}

// forge returns a JWT with any header and claims.
func forge(t *testing.T, header, claims map[string]any, sign func(body []byte) []byte) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	body := part(header) + "." + part(claims)
	return body + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(body)))
}

// with returns a copy of m with one member changed, or removed if the value is nil.
func with(m map[string]any, name string, value any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	out[name] = value
	if value == nil {
		delete(out, name)
	}
	return out
}

// S05, S06, S07, S08, S09: tokens that are not ours, or have another purpose, make the viewer anonymous. The server fetches
// nothing and does not panic.
func TestForgedAccessTokensAreAnonymous(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := harness.Start(t, "FREEHOLD_DATA_DIR="+dir)
	a := s.SignUp(nil)
	key := signingKey(t, dir)
	public := key.Public().(ed25519.PublicKey)
	strangerPublic, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ours := func(body []byte) []byte { return ed25519.Sign(key, body) }
	theirs := func(body []byte) []byte { return ed25519.Sign(stranger, body) }
	hs256 := func(body []byte) []byte { m := hmac.New(sha256.New, public); m.Write(body); return m.Sum(nil) }
	header, claims := harness.DecodeHeader(t, a.Token), harness.DecodeClaims(t, a.Token)
	if token := forge(t, header, claims, ours); !strings.Contains(s.Do(token, `{ me { email } }`, nil).Body, a.Email) {
		t.Fatal("the forger's own copy of a good token is refused, so the rest proves nothing")
	}
	fetched := "http://" + strings.TrimPrefix(s.URL, "http://") + "/.well-known/jwks.json"
	for name, token := range map[string]string{
		"S05 alg none":                    forge(t, with(header, "alg", "none"), claims, func([]byte) []byte { return nil }),
		"S05 HS256 with the public key":   forge(t, with(header, "alg", "HS256"), claims, hs256),
		"S05 altered":                     a.Token[:len(a.Token)-10] + "AAAAAAAAAA",
		"S05 a stranger's key":            forge(t, header, claims, theirs),
		"S05 ES256 in name":               forge(t, with(header, "alg", "ES256"), claims, ours),
		"S05 another curve":               forge(t, with(header, "alg", "ES256"), claims, p256(t)),
		"S06 jwk":                         forge(t, with(header, "jwk", map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(strangerPublic)}), claims, theirs),
		"S06 jku":                         forge(t, with(header, "jku", fetched), claims, theirs),
		"S06 x5u":                         forge(t, with(header, "x5u", fetched), claims, theirs),
		"S06 kid a path":                  forge(t, with(header, "kid", "../../../dev/null"), claims, ours),
		"S06 kid a number":                forge(t, with(header, "kid", 1), claims, ours),
		"S06 no kid":                      forge(t, with(header, "kid", nil), claims, ours),
		"S07 not before":                  forge(t, header, with(claims, "nbf", time.Now().Add(time.Hour).Unix()), ours),
		"S07 no expiry":                   forge(t, header, with(claims, "exp", nil), ours),
		"S07 expiry a text":               forge(t, header, with(claims, "exp", "soon"), ours),
		"S07 expired":                     forge(t, header, with(claims, "exp", time.Now().Add(-time.Hour).Unix()), ours),
		"S07 expired, beyond time":        forge(t, header, with(claims, "exp", 1e300), ours),
		"S07 issued in the future":        forge(t, header, with(claims, "iat", time.Now().Add(time.Hour).Unix()), ours),
		"S08 another type of token":       forge(t, with(header, "typ", "JWT"), claims, ours),
		"S08 a refresh token":             a.Refresh,
		"S09 another issuer":              forge(t, header, with(claims, "iss", "https://evil.example"), ours),
		"S09 no issuer":                   forge(t, header, with(claims, "iss", nil), ours),
		"S09 another audience":            forge(t, header, with(claims, "aud", "https://evil.example"), ours),
		"S09 other audiences":             forge(t, header, with(claims, "aud", []string{"a", "b"}), ours),
		"S09 no audience":                 forge(t, header, with(claims, "aud", nil), ours),
		"S09 audience a number":           forge(t, header, with(claims, "aud", 1), ours),
		"subject another":                 forge(t, header, with(claims, "sub", "3b241101-e2bb-4255-8caf-4136c566a962"), ours),
		"session another":                 forge(t, header, with(claims, "sid", "3b241101-e2bb-4255-8caf-4136c566a962"), ours),
		"session not an id":               forge(t, header, with(claims, "sid", "' OR true --"), ours),
		"no session":                      forge(t, header, with(claims, "sid", nil), ours),
		"claims a list":                   strings.Split(a.Token, ".")[0] + ".W10." + strings.Split(a.Token, ".")[2],
		"S10 a million dots, so to speak": strings.Repeat(".", 7000),
		"S10 five parts, as of a JWE":     "eyJhbGciOiJkaXIifQ.a.b.c.d",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := *s
			inner.T = t
			reason := "invalid"
			if strings.HasPrefix(name, "S07 expired") {
				reason = "expired"
			}
			inner.ExpectNoSession(token, reason)
		})
	}
	t.Cleanup(func() {
		if strings.Contains(s.Logs.String(), "jwks.json") || strings.Contains(s.Logs.String(), "a panic") {
			t.Error("something was fetched, or panicked")
		}
	})
}

// p256 signs as ES256 does, with a key of another curve.
func p256(t *testing.T) func(body []byte) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return func(body []byte) []byte {
		sum := sha256.Sum256(body)
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
}

// S17: rotating the key while two instances serve makes no request fail. Once a key has retired, its tokens make the viewer
// anonymous.
func TestKeyRotationWhileServing(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	d, dir := dbtest.New(t), t.TempDir()
	o := app.Options{Now: now}
	first := harness.StartWith(t, d, harness.BothLayers, o, "FREEHOLD_DATA_DIR="+dir, "FREEHOLD_ACCESS_TOKEN_TTL=12h", "FREEHOLD_PUBLIC_URL=https://id.example")
	second := harness.StartWith(t, d, harness.BothLayers, o, "FREEHOLD_DATA_DIR="+dir, "FREEHOLD_ACCESS_TOKEN_TTL=12h", "FREEHOLD_PUBLIC_URL=https://id.example")
	a := first.SignUp(nil)
	kid := harness.DecodeHeader(t, a.Token)["kid"]
	rotate := func() {
		t.Helper()
		if _, _, err := operate.RotateKeys(harness.Config(t, d.App, "FREEHOLD_DATA_DIR="+dir), now()); err != nil {
			t.Fatal(err)
		}
	}
	rotate()
	refresh, token := a.Refresh, a.Token
	for range 15 {
		ahead.Add(int64(time.Minute))
		for _, s := range []*harness.Service{first, second} {
			s.ExpectMember(a.Token, a.Email)
			s.ExpectMember(token, a.Email)
			var reason string
			if token, refresh, reason = s.Refresh(refresh); reason != "" {
				t.Fatalf("a refresh: %s", reason)
			}
		}
	}
	if newest := harness.DecodeHeader(t, token)["kid"]; newest == kid {
		t.Error("the new key has not taken over")
	}
	ahead.Add(int64(25 * time.Hour))
	rotate()
	ahead.Add(int64(time.Minute))
	first.ExpectNoSession(a.Token, "invalid")
	token, _, _ = second.Refresh(refresh)
	second.ExpectMember(token, a.Email)
	second.ExpectNoSession(a.Token, "invalid")
}

// I07, I08: characters with a meaning in SQL, LIKE or regular expressions are ordinary characters, and ids of any shape are
// ids.
func TestSpecialCharactersHaveNoMeaning(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUpAs("plain_name", harness.Vars{"visibility": "PUBLIC"})
	for _, text := range []string{"%", "plain%", "plain-name", "plain.name", "_lain_name", "plain_name'--", "plain_name' OR '1'='1", `plain\_name`, ".*", "plain_nam?", "$1", "plain_name;", "PLAIN_NAME "} {
		if r := s.Do(a.Token, `query ($u: String!) { profile(username: $u) { id } }`, harness.Vars{"u": text}); string(r.Data) != `{"profile":null}` || len(r.Errors) > 0 {
			t.Errorf("%q finds %s", text, r.Body)
		}
	}
	const tricky = `Robert'); DROP TABLE app.users; -- %_\ $1 {"a":1} <script>`
	r := s.Do(a.Token, `mutation ($i: UpdateProfileInput!) { updateProfile(input: $i) { profile { displayName } } }`, harness.Vars{"i": harness.Vars{"displayName": tricky}})
	var data struct {
		UpdateProfile struct{ Profile struct{ DisplayName string } }
	}
	if r.Into(t, &data); data.UpdateProfile.Profile.DisplayName != tricky {
		t.Errorf("stored as %s", r.Body)
	}
	for _, id := range []any{"", "../../etc/passwd", strings.Repeat("9", 10_000), "' OR true --", "\x00", -1, 99999999999, "00000000-0000-0000-0000-000000000000"} {
		if r := s.Do(a.Token, `query ($id: ID!) { node(id: $id) { id } }`, harness.Vars{"id": id}); string(r.Data) != `{"node":null}` || len(r.Errors) > 0 {
			t.Errorf("node %.40v: %s", id, r.Body)
		}
	}
	for _, id := range []any{nil, true, 1.5, []any{1, 2}, harness.Vars{}} {
		if r := s.Do(a.Token, `query ($id: ID!) { node(id: $id) { id } }`, harness.Vars{"id": id}); r.Code() != "BAD_USER_INPUT" || strings.Contains(r.Body, `"data"`) {
			t.Errorf("node %v: %s", id, r.Body)
		}
	}
}
