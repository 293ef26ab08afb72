package auth

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

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
	keys := testKeys(t, func() time.Time { return clock })
	key := keys.signing().private
	tokens := NewTokens(keys, "https://id.example", 15*time.Minute)
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

	pub := key.Public().(ed25519.PublicKey)
	eddsa := func(body string) []byte { return ed25519.Sign(key, []byte(body)) }
	hs256 := func(body string) []byte { m := hmac.New(sha256.New, pub); m.Write([]byte(body)); return m.Sum(nil) }
	header := func(k string, v any) map[string]any {
		h := map[string]any{"alg": "EdDSA", "typ": accessType, "kid": keys.signing().id}
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
	keys, issuer := testKeys(t, nil), "https://"+strings.Repeat("x", 90)+".example"
	var audiences []string
	for range 10 {
		audiences = append(audiences, strings.Repeat("x", MaxAudienceBytes/10))
	}
	token, _, err := NewTokens(keys, issuer, time.Minute, audiences...).Access(Viewer{
		UserID: uuid.New(), SessionID: uuid.New(), Scopes: Scopes(strings.Repeat("x", MaxScopeBytes)),
		Authentication: Authentication{Methods: "pwd fed email pop user otp mfa", Strong: true, At: 1 << 33},
	})
	if err != nil {
		t.Fatal(err)
	}
	reader := NewTokens(keys, issuer, time.Minute)
	for _, how := range []string{"verified", "remembered"} {
		if v := reader.read(token).Viewer; v.Reason != "" || len(v.Scopes) != MaxScopeBytes {
			t.Errorf("a token of %d bytes, %s, is %s and has scopes of %d bytes", len(token), how, v.Reason, len(v.Scopes))
		}
	}
	other := NewAccessReader(ReaderOptions{Issuer: issuer, Audience: audiences[0], Now: time.Now})
	if access, _ := other.Read(keys.verifying(reloadInterval), token); !access.Viewer.IsMember() {
		t.Errorf("a further audience finds %+v", access)
	}
	token, _, err = NewTokens(keys, issuer, time.Minute).Access(Viewer{UserID: uuid.New(), SessionID: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	if access, known := other.Read(keys.verifying(reloadInterval), token); access.Viewer != Anonymous(fault.Invalid) || !known {
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

func testKeys(t *testing.T, now func() time.Time) *Keys {
	t.Helper()
	keys, err := LoadOrCreateKeys(filepath.Join(t.TempDir(), "key.pem"), now)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestKeyIsMadeOnceAndKeptPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	if _, err := LoadKeys(path, nil); err == nil {
		t.Error("loaded a key that is not there")
	}
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			keys, err := LoadOrCreateKeys(path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = keys.signing().id
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Error("two processes that started at once have different keys")
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKeys(path, nil); err == nil {
		t.Error("loaded a key that others can read")
	}
	if err := errors.Join(os.WriteFile(path, []byte("junk"), 0o600), os.Chmod(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateKeys(path, nil); err == nil {
		t.Error("replaced or accepted a damaged key")
	}
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
		keys, err := LoadOrCreateKeys(path, now)
		if err != nil {
			t.Fatal(err)
		}
		instances[i] = NewTokens(keys, "x", 15*time.Minute)
	}
	first := instances[0].keys.signing().id
	oldToken, _, err := instances[0].Access(Viewer{UserID: uuid.New(), SessionID: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	oldRefresh, _ := instances[0].keys.NewRefresh(uuid.New())
	second, err := RotateKeys(path, clock)
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
		if signs := instances[0].keys.signing().id; minute < 10 && signs != first || minute >= 10 && signs != second {
			t.Errorf("minute %d: %s signs", minute, signs)
		}
		clock = clock.Add(time.Minute)
	}
	if published := len(instances[1].keys.JWKS().Keys); published != 2 {
		t.Errorf("%d keys are published, want both", published)
	}
	clock = clock.Add(25 * time.Hour)
	if _, err := RotateKeys(path, clock); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(reloadInterval)
	if reason := instances[1].read(oldToken).Viewer.Reason; reason != fault.Invalid {
		t.Errorf("a token of the retired key is %q", reason)
	}
	if r, ok := instances[1].keys.ReadRefresh(oldRefresh); !ok || r.Genuine {
		t.Errorf("a refresh token with the retired key's tag: %v, genuine %v", ok, r.Genuine)
	}
}

// A rotation never leaves a file that cannot be read, whatever the clock. An incomplete file is refused, instead of being read as
// one with fewer keys.
func TestKeyFilesAreWholeOrRefused(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	var failed atomic.Int32
	path := filepath.Join(t.TempDir(), "key.pem")
	keys, err := LoadOrCreateKeys(path, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	keys.Failed = func(error) { failed.Add(1) }
	for _, at := range []time.Duration{0, -time.Hour, time.Minute} { // set back, and on again
		if _, err := RotateKeys(path, clock.Add(at)); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(reloadInterval)
	if n := len(keys.all()); n != 4 || failed.Load() != 0 {
		t.Fatalf("%d keys, %d failures", n, failed.Load())
	}
	for name, text := range map[string][]byte{
		"cut": whole[:len(whole)-40], "damaged": bytes.Replace(whole, []byte("PRIVATE KEY-----\n"), []byte("PRIVATE KEY-----\n!!!!"), 1), "empty": nil,
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKeys(path, nil); err == nil {
			t.Errorf("a %s file is read", name)
		}
		if _, err := RotateKeys(path, clock); err == nil {
			t.Errorf("a %s file is rotated", name)
		}
	}
	clock = clock.Add(reloadInterval)
	if n := len(keys.all()); n != 4 || failed.Load() == 0 {
		t.Errorf("with a file that can't be read there are %d keys, and %d failures were reported", n, failed.Load())
	}
}

// S15: an altered refresh token is invalid, or not genuine. The successor of a token is always the same.
func TestRefreshTokensAreTheirOwnProof(t *testing.T) {
	t.Parallel()
	keys, stranger := testKeys(t, nil), testKeys(t, nil)
	session := uuid.New()
	token, hash := keys.NewRefresh(session)
	r, ok := keys.ReadRefresh(token)
	if !ok || !r.Genuine || r.SessionID != session || !bytes.Equal(r.Hash, hash) || !bytes.Equal(hash, HashToken(token)) {
		t.Fatalf("our own token reads as %+v, %v", r, ok)
	}
	next, nextHash := keys.Successor(r)
	if again, _ := keys.Successor(r); again != next || keys.SuccessorOf(r, nextHash) != next || keys.SuccessorOf(r, hash) != "" {
		t.Error("the successor is not always the same, or not known again")
	}
	if n, ok := keys.ReadRefresh(next); !ok || !n.Genuine || n.SessionID != session {
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
		if r, ok := keys.ReadRefresh(string(flipped)); ok && r.Genuine {
			t.Errorf("with character %d in another case it is still genuine", i)
		}
	}
	for _, altered := range []string{"", strings.Repeat("\n", len(token)), token[:len(token)-4] + "\r\n\r\n", token[1:], token[:len(token)-1], token + "A", token + "=", " " + token, token + "\n"} {
		if _, ok := keys.ReadRefresh(altered); ok {
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
