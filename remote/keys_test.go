package remote

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// S21: a new key is accepted when the first token names it. A retired key is refused once the keys are fetched without it, even for
// tokens that were verified before.
func TestRotation(t *testing.T) {
	t.Parallel()
	before, after := newKey(t), newKey(t)
	i := newIssuer(t, before)
	v, old, next := i.verifier(), i.token(before), i.token(after)
	i.expect(v, "the only key", old, member)
	i.expectFetches("the first token", 1)

	i.publish(before, after)
	i.wait(fetchInterval)
	i.expect(v, "the new key", next, member)
	i.expect(v, "the old key beside it", old, member)
	i.expect(v, "the new key again", next, member)
	i.expectFetches("the first token of the new key", 2)

	i.publish(after)
	i.wait(299 * time.Second)
	i.expect(v, "the retired key, before the keys are too old", old, member) // and fetches them in the background
	i.wait(defaultLifetime)
	i.expect(v, "the retired key", old, "invalid")
	i.expect(v, "the key that remains", i.token(after), member)

	i.publish()
	i.wait(defaultLifetime)
	i.expect(v, "a key of an issuer that has withdrawn all", i.token(after), "invalid")
}

// S21: strangers who name unknown keys cause few fetches.
func TestUnknownKeysCauseFewFetches(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	i := newIssuer(t, key)
	v := i.verifier()
	i.expect(v, "a known key", i.token(key), member)
	for seconds := range 20 {
		i.wait(time.Second)
		for range 10 {
			i.expect(v, "a stranger's key", i.token(newKey(t)), "invalid")
		}
		i.expectFetches(fmt.Sprintf("after %d s", seconds+1), int32(1+(seconds+1)/5))
	}
	i.expect(v, "a known key", i.token(key), member)
}

// S21: an issuer that fails makes no token invalid. Tokens of known keys are still accepted, for a day.
func TestIssuerFails(t *testing.T) {
	t.Parallel()
	key, stranger := newKey(t), newKey(t)
	const x = `"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		fault   string // a part of the error that is reported
	}{
		"closes":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"status 500": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "status 500"},
		"redirects":  {http.RedirectHandler("/.well-known/jwks.json?again", http.StatusFound).ServeHTTP, "status 302"},
		"huge":       {text(`{"keys":[]` + strings.Repeat(" ", maxBody) + `}`), "more than 65536 bytes"},
		"cut":        {text(`{"keys":[`), "unexpected end"},
		"a page":     {text(`<html>`), "invalid character"},
		"no keys":    {text(`{"error":"x"}`), "no list of keys"},
		"null":       {text(`null`), "no list of keys"},
		"followed":   {text(`{"keys":[]}{"keys":[]}`), "invalid character"},
		"not a key":  {text(`{"keys":["x"]}`), "key 0"},
		"short key":  {text(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"AAAA"}]}`), "key 0: x is not"},
		"kid twice":  {text(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a",` + x + `},{"kty":"OKP","crv":"Ed25519","kid":"a",` + x + `}]}`), "key 1: another key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			expectReport := func() {
				t.Helper()
				if err := receive(t, i.failed, "the report of an error"); !strings.Contains(err.Error(), "fetch JWKS: ") || !strings.Contains(err.Error(), c.fault) {
					t.Errorf("%v, want %q", err, c.fault)
				}
			}
			v, good, unknown := i.verifier(), i.token(key), i.token(stranger)
			i.serve(c.handler)
			for range 3 {
				i.expect(v, "before the first key", good, unavailable)
			}
			expectReport()
			i.expectFetches("three requests at once", 1)

			i.publish(key)
			i.wait(fetchInterval)
			i.expect(v, "once the issuer has recovered", good, member)
			i.wait(fetchInterval)
			i.expect(v, "an unknown key then", unknown, "invalid")

			i.serve(c.handler)
			i.wait(fetchInterval)
			i.expect(v, "a known key", good, member)
			i.expect(v, "an unknown key, which may be new", unknown, unavailable)
			expectReport()
			fetches := i.fetches.Load()
			i.expect(v, "an unknown key, shortly after", unknown, unavailable)
			i.expectFetches("an unknown key, shortly after", fetches)
			for range 23 {
				i.wait(time.Hour)
				i.expect(v, "a known key, hours later", i.token(key), member)
				expectReport()
			}
			i.wait(time.Hour)
			i.expect(v, "a known key, a day later", i.token(key), unavailable)
			i.publish(key)
			i.wait(fetchInterval)
			i.expect(v, "once the issuer has recovered again", i.token(key), member)
		})
	}
}

// Keys of other types and for other uses are ignored, whatever they contain.
func TestOtherKeysAreIgnored(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	i := newIssuer(t)
	x := jwk(key).X
	own := fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q`, kid(key), x)
	for name, c := range map[string]struct{ keys, want string }{
		"beside RSA, EC, and types of the future": {`{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"},{"kty":"EC","kid":"e","crv":"P-256","x":"AA","y":"AA"},{"kty":"new","x":[1],"kid":2},{},` + own + `}`, member},
		"beside RSA of the same kid":              {fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":"AQAB","e":"AQAB"},`, kid(key)) + own + `}`, member},
		"with its use":                            {own + `,"use":"sig","alg":"EdDSA"}`, member},
		"for encryption":                          {own + `,"use":"enc"}`, "invalid"},
		"of another algorithm":                    {own + `,"alg":"ES256"}`, "invalid"},
		"of another curve":                        {fmt.Sprintf(`{"kty":"OKP","crv":"X25519","kid":%q,"x":%q}`, kid(key), x), "invalid"},
		"symmetric":                               {fmt.Sprintf(`{"kty":"oct","kid":%q,"k":%q}`, kid(key), x), "invalid"},
		"without a kid":                           {fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q}`, x), "invalid"},
	} {
		i.serve(text(`{"keys":[` + c.keys + `]}`))
		v := i.verifier()
		i.expect(v, name, i.token(key), c.want)
		i.expect(v, name+", by no kid", i.sign(jwt.SigningMethodEdDSA, key, jwt.MapClaims{"kid": ""}, nil), "invalid")
	}
}

// A slow issuer delays no request whose key is known, unless the keys are too old. A request that waits ends with its context.
func TestSlowIssuer(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	i := newIssuer(t, key)
	v, begun, answer := i.verifier(), make(chan bool, 10), make(chan http.HandlerFunc)
	v.keys.timeout = time.Minute // a request that waits for the issuer fails the test
	answers, fails := i.handler, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	i.serve(func(w http.ResponseWriter, r *http.Request) {
		begun <- true
		select {
		case handler := <-answer:
			handler(w, r)
		case <-r.Context().Done():
		}
	})
	results := make(chan string, 1)
	begin := func(ctx context.Context) {
		go func() { results <- verify(ctx, t, v, i.token(key)) }()
		receive(t, begun, "a fetch")
	}
	expectResult := func(what, want string) {
		t.Helper()
		if got := receive(t, results, what); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	expectWaiting := func(what string) {
		t.Helper()
		select {
		case got := <-results:
			t.Errorf("%s: %s, want to wait for the fetch", what, got)
		case <-time.After(20 * time.Millisecond):
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	begin(ctx)
	cancel()
	expectResult("a request that has ended", unavailable)
	answer <- answers
	i.expect(v, "joining the fetch", i.token(key), member)
	i.expectFetches("a request that has ended, and another", 1)

	i.wait(defaultLifetime / 4 * 3)
	i.expect(v, "while the keys are fetched in the background", i.token(key), member)
	receive(t, begun, "a fetch in the background")
	i.expect(v, "while the keys are fetched in the background", i.token(key), member)
	answer <- answers
	i.expect(v, "an unknown key joins the fetch", i.token(newKey(t)), "invalid")
	i.expectFetches("in the background", 2)

	i.wait(defaultLifetime)
	begin(t.Context())
	expectWaiting("keys that are too old")
	answer <- answers
	expectResult("fresh keys", member)

	i.wait(defaultLifetime)
	begin(t.Context())
	answer <- fails
	expectResult("keys that are too old, and the issuer fails", member)
	i.wait(defaultLifetime)
	go func() { results <- verify(t.Context(), t, v, i.token(key)) }()
	expectResult("the issuer has failed, so no request waits for it", member)
	receive(t, begun, "a fetch in the background")
	answer <- answers
}

// A fetch ends after its time, even if the issuer sends one byte at a time.
func TestDrippingIssuer(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	i := newIssuer(t)
	v := i.verifier()
	v.keys.timeout = 200 * time.Millisecond
	i.serve(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			w.Write([]byte(" "))
			http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	begun := time.Now()
	i.expect(v, "one byte at a time", i.token(key), unavailable)
	if took := time.Since(begun); took < v.keys.timeout || took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestManyRequestsDuringRotations(t *testing.T) {
	t.Parallel()
	keys := []ed25519.PrivateKey{newKey(t), newKey(t), newKey(t), newKey(t), newKey(t)}
	i := newIssuer(t, keys[0])
	v := i.verifier()
	const clients = 16
	for n := range keys[1:] {
		i.publish(keys[n], keys[n+1])
		i.wait(defaultLifetime)
		var wg sync.WaitGroup
		before := i.fetches.Load()
		for range clients {
			wg.Go(func() {
				for range 20 {
					for _, c := range []struct {
						key  ed25519.PrivateKey
						want string
					}{{keys[n], member}, {keys[n+1], member}, {keys[(n+3)%len(keys)], "invalid"}} {
						if got := verify(t.Context(), t, v, i.token(c.key)); got != c.want {
							t.Errorf("rotation %d: %s, want %s", n, got, c.want)
						}
					}
				}
			})
		}
		wg.Wait()
		i.expectFetches("all clients together", before+1)
	}
}

func TestLifetimeOfKeys(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"": defaultLifetime, "public, max-age=300": 5 * time.Minute, `Max-Age="600"`: 10 * time.Minute, "max-age=0": shortestLifetime,
		"max-age=99999999999999999999": longestLifetime, "max-age=-1": defaultLifetime, "max-age=soon": defaultLifetime, "max-age": defaultLifetime,
		"no-store": shortestLifetime, "max-age=600, no-cache": shortestLifetime, "s-maxage=600": defaultLifetime,
	} {
		if got := lifetimeOf(http.Header{"Cache-Control": {value}}); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
