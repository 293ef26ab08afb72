package passkeys

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
)

// If browsers do not accept passkeys at its URL, the service has none, and says so.
func TestServiceWithoutPasskeys(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_PUBLIC_URL=http://dev.example.org")
	if r := s.Do("", `{ settings { passkeys } }`, nil); string(r.Data) != `{"settings":{"passkeys":false}}` {
		t.Errorf("the settings are %s", r.Body)
	}
	if r := s.Fetch("/.well-known/webauthn"); r.Status != http.StatusNotFound {
		t.Errorf("related origins: %d %s", r.Status, r.Body)
	}
	c, _ := memberWith(s, "TOKENS")
	answer := harness.Input("continuationToken", "x", "credential", harness.Vars{})
	for query, v := range map[string]harness.Vars{
		startRegistration: nil, startSignUp: c.form(), startSignIn: nil, startReauth: nil,
		finishRegistration: answer, finishSignUp: answer, finishSignIn: answer, finishReauth: answer,
	} {
		if r := c.do(query, v); r.Code() != "FORBIDDEN" {
			t.Errorf("%s: %s", query, r.Body)
		}
	}
}

// Pages of related origins can use the passkeys of the RP ID, and so can apps. The service says which pages.
func TestRelatedOrigins(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_PUBLIC_URL=https://id.example.org", "FREEHOLD_PASSKEY_RP_ID=example.org",
		"FREEHOLD_PASSKEY_ORIGINS=https://example.org,https://example.co.uk,android:apk-key-hash:AbC_d")
	if r := s.Do("", `{ settings { passkeys } }`, nil); string(r.Data) != `{"settings":{"passkeys":true}}` {
		t.Errorf("the settings are %s", r.Body)
	}
	r := s.Fetch("/.well-known/webauthn")
	if r.Status != http.StatusOK || strings.TrimSpace(r.Body) != `{"origins":["https://example.org","https://example.co.uk"]}` || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		t.Errorf("related origins: %d %s %v", r.Status, r.Body, r.Header)
	}
	c := newClient(s, "TOKENS", nil)
	for _, page := range []string{"https://example.org", "https://example.co.uk", "android:apk-key-hash:AbC_d"} {
		c.key.Origin = page
		if len(c.key.Keys) == 0 {
			c.signUp()
		}
		c.take(c.signIn())
	}
	for _, page := range []string{"https://id.example.org", "http://example.org", "android:apk-key-hash:other"} {
		c.key.Origin = page
		if r := c.signIn(); r.Code() != "INVALID_CREDENTIALS" {
			t.Errorf("%s: %s", page, r.Body)
		}
	}
}

// The options say whether authenticators verify their users.
func TestVerificationSetting(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"required", "preferred", "discouraged"} {
		s := harness.Start(t, "FREEHOLD_PASSKEY_USER_VERIFICATION="+value)
		c, _ := memberWith(s, "TOKENS")
		for _, start := range []string{startRegistration, startSignIn} {
			if f := c.start(start, nil); !strings.Contains(string(f.Options), `"userVerification":"`+value+`"`) {
				t.Errorf("%s: the options are %s", value, f.Options)
			}
		}
	}
}

// A client cannot start any number of flows, each of which is stored for ten minutes.
func TestPasskeyLimits(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1/32", "FREEHOLD_LIMIT_PASSKEY=3/1h", "FREEHOLD_LIMIT_SIGN_UP=2/1h")
	from := func(address, query string, v harness.Vars) string {
		t.Helper()
		return s.Send(harness.Request{Header: http.Header{"X-Forwarded-For": {address}}, Query: query, Vars: v}).Code()
	}
	c := newClient(s, "TOKENS", nil)
	answer := harness.Input("continuationToken", "x", "credential", harness.Vars{})
	for i, want := range []string{"", "", "", "RATE_LIMITED"} {
		if got := from("10.0.0.1", startSignIn, nil); got != want {
			t.Errorf("start %d: %q, want %q", i, got, want)
		}
	}
	if got := from("10.0.0.1", finishSignIn, answer); got != "RATE_LIMITED" {
		t.Errorf("an answer of the same client: %q", got)
	}
	if got := from("10.0.0.2", finishSignIn, answer); got != "BAD_USER_INPUT" {
		t.Errorf("an answer of another client: %q", got)
	}
	for i, want := range []string{"", "", "RATE_LIMITED"} {
		if got := from("10.0.0.3", startSignUp, c.form()); got != want {
			t.Errorf("sign-up %d: %q, want %q", i, got, want)
		}
	}
}

// If verified addresses are required, neither the replies to a sign-up with a passkey nor their time reveal whether an address has an
// account.
func TestSignUpTakesTheSameTime(t *testing.T) {
	t.Parallel()
	open := harness.Start(t)
	known := open.SignUp(nil).Email
	s := harness.StartWith(t, open.DB, harness.BothLayers, app.Options{}, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	c := newClient(s, "TOKENS", nil)
	signUp := func(address func() any) func() {
		return func() {
			form := c.form()
			form["i"].(harness.Vars)["email"] = address()
			f := c.start(startSignUp, form)
			if r := c.do(finishSignUp, f.with(c.create(f))); string(r.Data) != `{"finished":{"user":null,"tokens":null}}` {
				t.Error(r.Body)
			}
		}
	}
	unknown := func() any {
		return fmt.Sprintf("nobody-%d-%d@example.org", time.Now().UnixNano(), harness.Serial.Add(1))
	}
	harness.SameTime(t, 60, "a known address", signUp(func() any { return known }), "an unknown one", signUp(unknown))
}
