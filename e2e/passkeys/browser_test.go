package passkeys

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/chromium"
	"freehold.dev/freehold/e2e/harness/docs"
	"freehold.dev/freehold/internal/eventually"
)

// page is a front end with the code of docs/accounts/passkeys.md.
var page = template.Must(template.New("").Parse(`<!doctype html>
<title>passkeys</title>
<form><input name="email" autocomplete="username webauthn"></form>
<script>{{.}}</script>`))

// user is a user with a Chromium of their own, on a page of the service, with a virtual authenticator that verifies them.
type user struct {
	*chromium.Tab
	device webauthn.AuthenticatorID
}

// visit starts a service with the page, and visits it.
func visit(t *testing.T, settings ...string) (*user, *harness.Service) {
	t.Helper()
	var service atomic.Pointer[http.Handler]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/page" {
			(*service.Load()).ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		code := strings.Join(docs.Snippets(t, "docs/accounts/passkeys.md", "js"), "\n")
		if err := page.Execute(w, template.JS(code)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	public := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	s := harness.Setup{Settings: append(settings, "FREEHOLD_PUBLIC_URL="+public)}.Prepare(t)
	handler := s.App.Handler()
	service.Store(&handler)
	s.URL = server.URL

	u := &user{Tab: chromium.Visit(t, public+"/page")}
	if _, err := chromedp.Call(u.Ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatalf("enable virtual authenticators: %v", err)
	}
	u.plugIn()
	return u, s
}

// plugIn replaces the authenticator by a new one. Chromium has one at a time.
func (u *user) plugIn() {
	u.T.Helper()
	if u.device != "" {
		if _, err := chromedp.Call(u.Ctx, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: u.device}); err != nil {
			u.T.Fatalf("remove a virtual authenticator: %v", err)
		}
	}
	added, err := chromedp.Call(u.Ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		DefaultBackupEligibility: true, DefaultBackupState: true,
	}})
	if err != nil {
		u.T.Fatalf("add a virtual authenticator: %v", err)
	}
	u.device = added.AuthenticatorID
}

// touch sets whether the user touches the authenticator when it waits for that.
func (u *user) touch(enabled bool) {
	u.T.Helper()
	if _, err := chromedp.Call(u.Ctx, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: u.device, Enabled: enabled}); err != nil {
		u.T.Fatalf("touch the virtual authenticator: %v", err)
	}
}

// A user of Chromium signs up with a passkey alone, signs in with autofill and with a button, adds another passkey, and confirms who
// they are with one, by the code of docs/accounts/passkeys.md.
func TestPageOfPasskeys(t *testing.T) {
	t.Parallel()
	u, s := visit(t)
	const me, signOut = "graphql(`{ me { email credentials { kind name } } }`)", "graphql(`mutation { signOut { success } }`)"
	u.Expect(`signUpWithPasskey({email: "ann@example.org", username: "ann", profile: {displayName: "Ann"}})`, `"username":"ann"`)
	u.Expect(me, `{"me":{"email":"ann@example.org","credentials":[{"kind":"PASSKEY","name":"Passkey"}]}}`)
	u.Expect(`signUpWithPasskey({email: "ann@example.org", username: "ann"})`, "CONFLICT: ")
	u.Expect(signOut, `"success":true`)

	u.Expect(`offerPasskeys()`, `"username":"ann"`) // conditional UI: the virtual authenticator answers as soon as it is asked
	u.Expect(me, `"email":"ann@example.org"`)
	u.Expect(signOut, `"success":true`)
	u.Expect(`signInWithPasskey()`, `"secondFactor":null`)

	u.Expect(signOut, `"success":true`)

	// While the user does not choose a passkey, the page asks again before a flow expires: here, after 300 ms instead of 5 minutes.
	u.Expect(`(window.wait = setTimeout, window.setTimeout = (f) => wait(f, 300), "ready")`, "ready")
	u.touch(false)
	u.Expect(`(window.offered = offerPasskeys(), "offered")`, "offered")
	eventually.True(t, time.Minute, "the page has asked three times", func() bool { return !slices.Contains([]string{"0", "1", "2"}, s.Count("continuations")) })
	u.touch(true)
	u.Expect(`offered`, `"username":"ann"`)

	u.Expect(`addPasskey("Again")`, "InvalidStateError: ") // the authenticator has one already
	s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = now() - interval '1 hour'`)
	u.Expect(`addPasskey("Second")`, "REAUTH_REQUIRED: ")
	u.Expect(`confirmWithPasskey()`, "20")
	u.plugIn()
	u.Expect(`addPasskey("Second")`, `"name":"Second"`)
	u.Expect(me, `[{"kind":"PASSKEY","name":"Passkey"},{"kind":"PASSKEY","name":"Second"}]`)
	kept, err := chromedp.Call(u.Ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: u.device})
	if err != nil || len(kept.Credentials) != 1 || kept.Credentials[0].RpID != "localhost" || kept.Credentials[0].UserName != "ann@example.org" || kept.Credentials[0].UserDisplayName != "Ann" {
		t.Errorf("the second authenticator has %+v: %v", kept.Credentials, err)
	}
	if got := s.Count("passkeys"); got != "2" {
		t.Errorf("there are %s passkeys", got)
	}
}

// If verified addresses are required, the user of the page shows with the passkey that the sign-up is theirs.
func TestPageOfPasskeysWithVerifiedAddress(t *testing.T) {
	t.Parallel()
	u, s := visit(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	s.Work()
	u.Expect(`signUpWithPasskey({email: "ann@example.org", username: "ann"})`, "null")
	code := s.CodeTo("ann@example.org", "verify_email", 1)
	u.Expect(`verifyWithPasskey("ann@example.org", "`+code+`")`, `"username":"ann"}},"passwordCleared":false`)
	u.Expect("graphql(`{ me { email credentials { kind } } }`)", `[{"kind":"PASSKEY"},{"kind":"EMAIL_CODE"}]`)
}
