package auth

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/fault"
)

// forge signs or encodes a token by hand, as an attacker would.
func forge(t *testing.T, header, claims map[string]any, sign func(string) []byte) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	body := part(header) + "." + part(claims)
	return body + "." + base64.RawURLEncoding.EncodeToString(sign(body))
}

func TestAccessTokensThatAreNotOursDoNotCount(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	set := testKeys(t, func() time.Time { return clock })
	key := set.Signing()
	tokens := NewTokens(set, "https://id.example", 15*time.Minute)
	user, session := uuid.New(), uuid.New()
	good, expires, err := tokens.Access(Viewer{UserID: user, SessionID: session})
	if err != nil {
		t.Fatal(err)
	}
	if got := expires.Sub(clock); got <= 14*time.Minute || got > 15*time.Minute {
		t.Errorf("expires after %v, want 15 min", got)
	}
	if v := tokens.read(good).Viewer; v.Reason != "" || v.UserID != user || v.SessionID != session {
		t.Fatalf("our own token reads as %+v", v)
	}

	pub := key.Signer().Public().(ed25519.PublicKey)
	eddsa := func(body string) []byte {
		signature, err := key.Signer().Sign(nil, []byte(body), crypto.Hash(0))
		if err != nil {
			t.Error(err)
		}
		return signature
	}
	hs256 := func(body string) []byte { m := hmac.New(sha256.New, pub); m.Write([]byte(body)); return m.Sum(nil) }
	header := func(k string, v any) map[string]any {
		h := map[string]any{"alg": "EdDSA", "typ": accessType, "kid": key.ID}
		h[k] = v
		return h
	}
	claims := func(k string, v any) map[string]any {
		c := map[string]any{"iss": "https://id.example", "aud": "https://id.example", "sub": user, "sid": session, "exp": clock.Add(time.Minute).Unix()}
		c[k] = v
		if v == nil {
			delete(c, k)
		}
		return c
	}
	strangerPub, stranger, _ := ed25519.GenerateKey(nil)
	strangers := func(body string) []byte { return ed25519.Sign(stranger, []byte(body)) }
	b64 := base64.RawURLEncoding.EncodeToString
	for name, token := range map[string]string{
		"empty": "", "dots": strings.Repeat(".", 2000), "huge": strings.Repeat("a", 1<<20), "truncated": good[:len(good)-1], "extended": good + "A",
		"alg none":        forge(t, header("alg", "none"), claims("x", 1), func(string) []byte { return nil }),
		"HS256, our key":  forge(t, header("alg", "HS256"), claims("x", 1), hs256),
		"a stranger's":    forge(t, header("x", 1), claims("x", 1), strangers),
		"another kid":     forge(t, header("kid", "other"), claims("x", 1), eddsa),
		"kid a path":      forge(t, header("kid", "../../dev/null"), claims("x", 1), eddsa),
		"jwk in header":   forge(t, header("jwk", map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(strangerPub)}), claims("x", 1), strangers),
		"jku in header":   forge(t, header("jku", "http://127.0.0.1:1/jwks.json"), claims("x", 1), strangers),
		"x5u in header":   forge(t, header("x5u", "http://127.0.0.1:1/cert.pem"), claims("x", 1), strangers),
		"another typ":     forge(t, header("typ", "JWT"), claims("x", 1), eddsa),
		"another issuer":  forge(t, header("x", 1), claims("iss", "https://evil.example"), eddsa),
		"no audience":     forge(t, header("x", 1), claims("aud", nil), eddsa),
		"wrong audience":  forge(t, header("x", 1), claims("aud", []string{"a", "b"}), eddsa),
		"no expiry":       forge(t, header("x", 1), claims("exp", nil), eddsa),
		"expiry a string": forge(t, header("x", 1), claims("exp", "soon"), eddsa),
		"not before":      forge(t, header("x", 1), claims("nbf", clock.Add(time.Hour).Unix()), eddsa),
		"no subject":      forge(t, header("x", 1), claims("sub", nil), eddsa),
		"zero subject":    forge(t, header("x", 1), claims("sub", uuid.Nil), eddsa),
		"no session":      forge(t, header("x", 1), claims("sid", nil), eddsa),
	} {
		if v := tokens.read(token).Viewer; v != Anonymous(fault.Invalid) {
			t.Errorf("%s: read as %+v; want an anonymous viewer, invalid", name, v)
		}
	}
	if reason := tokens.read(forge(t, header("x", 1), claims("x", 1), eddsa)).Viewer.Reason; reason != "" {
		t.Errorf("the forger's own well-formed token is refused (%q), so the refusals above prove nothing", reason)
	}
	clock = clock.Add(16 * time.Minute)
	if reason := tokens.read(good).Viewer.Reason; reason != fault.Expired {
		t.Errorf("an old token: %q, want expired", reason)
	}
}

// The service accepts its own tokens, with as many further audiences as may be configured and as many scopes as an account may have.
// Further audiences are no substitute for its own.
func TestFurtherAudiences(t *testing.T) {
	t.Parallel()
	set, issuer := testKeys(t, nil), "https://"+strings.Repeat("x", 90)+".example"
	var audiences []string
	for range 10 {
		audiences = append(audiences, strings.Repeat("x", MaxAudienceBytes/10))
	}
	token, _, err := NewTokens(set, issuer, time.Minute, audiences...).Access(Viewer{
		UserID: uuid.New(), SessionID: uuid.New(), Scopes: Scopes(strings.Repeat("x", MaxScopeBytes)),
		Authentication: Authentication{Methods: "pwd fed email pop user otp mfa", Strong: true, At: 1 << 33},
	})
	if err != nil {
		t.Fatal(err)
	}
	reader := NewTokens(set, issuer, time.Minute)
	for _, how := range []string{"verified", "remembered"} {
		if v := reader.read(token).Viewer; v.Reason != "" || len(v.Scopes) != MaxScopeBytes {
			t.Errorf("a token of %d bytes, %s, is %s and has scopes of %d bytes", len(token), how, v.Reason, len(v.Scopes))
		}
	}
	other := NewAccessReader(ReaderOptions{Issuer: issuer, Audience: audiences[0], Now: time.Now})
	if access, _ := other.Read(set.Public(), token); !access.Viewer.IsMember() {
		t.Errorf("a further audience finds %+v", access)
	}
	token, _, err = NewTokens(set, issuer, time.Minute).Access(Viewer{UserID: uuid.New(), SessionID: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	if access, known := other.Read(set.Public(), token); access.Viewer != Anonymous(fault.Invalid) || !known {
		t.Errorf("another service accepts a token that does not name it: %+v", access)
	}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(testKeys(t, nil), "x", time.Minute)
	user := uuid.New()
	good, _, err := tokens.Access(Viewer{UserID: user, SessionID: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		values []string
		want   Viewer
	}{
		{"no header", nil, Viewer{}},
		{"good", []string{"bearer " + good}, Viewer{UserID: user}},
		{"two headers", []string{"Bearer " + good, "Bearer " + good}, Anonymous(fault.Invalid)},
		{"another scheme", []string{"Basic " + good}, Viewer{}},
		{"another scheme beside it", []string{"Basic eDp5", "Bearer " + good}, Viewer{UserID: user}},
		{"empty", []string{""}, Viewer{}},
		{"no token", []string{"Bearer"}, Viewer{}},
		{"no token but a space", []string{"Bearer "}, Viewer{}},
		{"not a token", []string{"Bearer x y"}, Anonymous(fault.Invalid)},
	} {
		got, err := Authenticate(t.Context(), http.Header{"Authorization": c.values}, tokens)
		if err != nil || got.UserID != c.want.UserID || got.Reason != c.want.Reason {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

// The first decision of the database about a claim is final.
func TestClaimIsSettledOnce(t *testing.T) {
	t.Parallel()
	var none *Claim
	none.Settle(fault.Revoked)
	if reason, settled := none.Settled(); reason != "" || !settled {
		t.Errorf("no claim: %q, %v", reason, settled)
	}
	for _, reasons := range [][]fault.Reason{{"", fault.Revoked}, {fault.Revoked, ""}, {fault.Expired, fault.Revoked}} {
		c := &Claim{}
		if _, settled := c.Settled(); settled {
			t.Error("settled before the database has decided")
		}
		for _, reason := range reasons {
			c.Settle(reason)
		}
		if reason, settled := c.Settled(); reason != reasons[0] || !settled {
			t.Errorf("%q: %q, %v", reasons, reason, settled)
		}
	}
}

// reloadInterval is the time after which a key file that has changed is read again.
const reloadInterval = 10 * time.Second

func testKeys(t *testing.T, now func() time.Time) *keys.Set {
	t.Helper()
	set, err := keys.LoadOrCreate(filepath.Join(t.TempDir(), "key.pem"), now)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// S17: two instances load a rotated key at different times. Neither refuses a token of the other while it is valid. Both refuse a
// retired key.
func TestRotationFailsNobodyAndRetiredKeysAreRefused(t *testing.T) {
	t.Parallel()
	clock := time.Now().Truncate(time.Second)
	now := func() time.Time { return clock }
	path := filepath.Join(t.TempDir(), "key.pem")
	var instances [2]*Tokens
	for i := range instances {
		set, err := keys.LoadOrCreate(path, now)
		if err != nil {
			t.Fatal(err)
		}
		instances[i] = NewTokens(set, "x", 15*time.Minute)
	}
	first := instances[0].keys.Signing().ID
	oldToken, _, err := instances[0].Access(Viewer{UserID: uuid.New(), SessionID: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	oldRefresh, _ := instances[0].NewRefresh(uuid.New())
	second, err := keys.Rotate(path, clock)
	if err != nil {
		t.Fatal(err)
	}
	for minute := range 40 {
		for i, issuer := range instances {
			token, _, err := issuer.Access(Viewer{UserID: uuid.New(), SessionID: uuid.New()})
			if err != nil {
				t.Fatal(err)
			}
			if reason := instances[1-i].read(token).Viewer.Reason; reason != "" {
				t.Errorf("minute %d: a token of instance %d is %s to the other", minute, i, reason)
			}
		}
		if signs := instances[0].keys.Signing().ID; minute < 10 && signs != first || minute >= 10 && signs != second {
			t.Errorf("minute %d: %s signs", minute, signs)
		}
		clock = clock.Add(time.Minute)
	}
	if published := len(instances[1].keys.JWKS().Keys); published != 2 {
		t.Errorf("%d keys are published, want both", published)
	}
	clock = clock.Add(25 * time.Hour)
	if _, err := keys.Rotate(path, clock); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(reloadInterval)
	if reason := instances[1].read(oldToken).Viewer.Reason; reason != fault.Invalid {
		t.Errorf("a token of the retired key is %q", reason)
	}
	if r, ok := instances[1].ReadRefresh(oldRefresh); !ok || r.Genuine {
		t.Errorf("a refresh token with the retired key's tag: %v, genuine %v", ok, r.Genuine)
	}
}

// S15: an altered refresh token is invalid, or not genuine. The successor of a token is always the same.
func TestRefreshTokensAreTheirOwnProof(t *testing.T) {
	t.Parallel()
	tokens, stranger := NewTokens(testKeys(t, nil), "x", time.Minute), NewTokens(testKeys(t, nil), "x", time.Minute)
	session := uuid.New()
	token, hash := tokens.NewRefresh(session)
	r, ok := tokens.ReadRefresh(token)
	if !ok || !r.Genuine || r.SessionID != session || !bytes.Equal(r.Hash, hash) || !bytes.Equal(hash, HashToken(token)) {
		t.Fatalf("our own token reads as %+v, %v", r, ok)
	}
	next, nextHash := tokens.Successor(r)
	if again, _ := tokens.Successor(r); again != next || tokens.SuccessorOf(r, nextHash) != next || tokens.SuccessorOf(r, hash) != "" {
		t.Error("the successor is not always the same, or not known again")
	}
	if n, ok := tokens.ReadRefresh(next); !ok || !n.Genuine || n.SessionID != session {
		t.Error("the successor is no token")
	}
	if other, _ := stranger.ReadRefresh(token); other.Genuine {
		t.Error("a stranger's token is genuine")
	}
	for i := range token {
		flipped := []byte(token)
		if flipped[i] ^= 0x20; flipped[i] == token[i] {
			continue
		}
		if r, ok := tokens.ReadRefresh(string(flipped)); ok && r.Genuine {
			t.Errorf("with character %d in another case it is still genuine", i)
		}
	}
	for _, altered := range []string{"", strings.Repeat("\n", len(token)), token[:len(token)-4] + "\r\n\r\n", token[1:], token[:len(token)-1], token + "A", token + "=", " " + token, token + "\n"} {
		if _, ok := tokens.ReadRefresh(altered); ok {
			t.Errorf("%q is read", altered)
		}
	}
}

// P13, in part: which addresses count as one client.
func TestClientIsAnAddressBlock(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.7:80": "192.0.2.7/32", "[::ffff:192.0.2.7]:81": "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64", "[2001:db8:1:2:ffff::1]:80": "2001:db8:1:2::/64", "[fe80::1%eth0]:80": "fe80::/64", "pipe": "",
	} {
		if got := ClientFrom(WithClient(t.Context(), remote, "")).Block; got != want {
			t.Errorf("%s counts as %q, want %q", remote, got, want)
		}
	}
}

func TestViewerScopes(t *testing.T) {
	t.Parallel()
	user := uuid.New()
	request := WithViewer(t.Context(), Viewer{})
	field := WithViewer(request, ViewerFrom(request))
	Become(field, Viewer{UserID: user})
	if !ViewerFrom(field).Is(user) || ViewerFrom(request).IsMember() || (Viewer{}).Is(uuid.Nil) {
		t.Error("a viewer that was set in one scope is missing there, or visible outside of it")
	}
}
