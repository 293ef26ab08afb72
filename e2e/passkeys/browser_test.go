package passkeys

import (
	"context"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// page is a front end with the code of docs/accounts/passkeys.md.
var page = template.Must(template.New("").Parse(`<!doctype html>
<title>passkeys</title>
<form><input name="email" autocomplete="username webauthn"></form>
<script>{{.}}</script>`))

// storyTime is for all that a user does in a browser; a few seconds on an idle machine.
const storyTime = 3 * time.Minute

// user is a user with a Chromium of their own, on a page of the service, with a virtual authenticator that verifies them.
type user struct {
	t      *testing.T
	ctx    context.Context
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
		code := strings.Join(harness.Snippets(t, "docs/accounts/passkeys.md", "js"), "\n")
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

	bounded, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), storyTime)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU)
	allocator, free := chromedp.NewExecAllocator(bounded, options...)
	t.Cleanup(free)
	u := &user{t: t}
	var leave context.CancelFunc
	u.ctx, leave = chromedp.NewContext(allocator)
	t.Cleanup(leave)
	t.Cleanup(func() { chromedp.Cancel(u.ctx) }) // closes it in good order: one that is killed leaves files behind
	if err := chromedp.Do(u.ctx, chromedp.Navigate(public+"/page")); err != nil {
		t.Fatalf("open the page: %v", err)
	}
	if _, err := chromedp.Call(u.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatalf("enable virtual authenticators: %v", err)
	}
	u.plugIn()
	return u, s
}

// chromium returns the path of the browser.
func chromium(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "google-chrome"}
	if chosen := os.Getenv("CHROMIUM"); chosen != "" {
		names = []string{chosen}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium: install one (apt-get install chromium), or set CHROMIUM to its path")
	return ""
}

// plugIn replaces the authenticator by a new one. Chromium has one at a time.
func (u *user) plugIn() {
	u.t.Helper()
	if u.device != "" {
		if _, err := chromedp.Call(u.ctx, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: u.device}); err != nil {
			u.t.Fatalf("remove a virtual authenticator: %v", err)
		}
	}
	added, err := chromedp.Call(u.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		DefaultBackupEligibility: true, DefaultBackupState: true,
	}})
	if err != nil {
		u.t.Fatalf("add a virtual authenticator: %v", err)
	}
	u.device = added.AuthenticatorID
}

// touch sets whether the user touches the authenticator when it waits for that.
func (u *user) touch(enabled bool) {
	u.t.Helper()
	if _, err := chromedp.Call(u.ctx, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: u.device, Enabled: enabled}); err != nil {
		u.t.Fatalf("touch the virtual authenticator: %v", err)
	}
}

// run evaluates an expression in the page, awaits its result, and returns it as JSON; an error as its text.
func (u *user) run(expression string) string {
	u.t.Helper()
	wait, byValue := true, true
	expression = `(async () => { try { return JSON.stringify(await (` + expression + `)) ?? "undefined" } catch (e) { return (e instanceof DOMException ? e.name : String(e.code ?? e)) + ": " + e.message } })()`
	got, err := chromedp.Call(u.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, AwaitPromise: &wait, ReturnByValue: &byValue})
	if err != nil || got.ExceptionDetails != nil {
		u.t.Fatalf("evaluate %s: %v %v", expression, err, got.ExceptionDetails)
	}
	return strings.Trim(strings.ReplaceAll(string(got.Result.Value), `\"`, `"`), `"`)
}

// expect fails the test unless an expression yields a JSON with a text.
func (u *user) expect(expression, want string) {
	u.t.Helper()
	if got := u.run(expression); !strings.Contains(got, want) {
		u.t.Fatalf("%s yields %s, want %s", expression, got, want)
	}
}

// A user of Chromium signs up with a passkey alone, signs in with autofill and with a button, adds another passkey, and confirms who
// they are with one, by the code of docs/accounts/passkeys.md.
func TestPageOfPasskeys(t *testing.T) {
	t.Parallel()
	u, s := visit(t)
	const me, signOut = "graphql(`{ me { email credentials { kind name } } }`)", "graphql(`mutation { signOut { success } }`)"
	u.expect(`signUpWithPasskey({email: "ann@example.org", username: "ann", profile: {displayName: "Ann"}})`, `"username":"ann"`)
	u.expect(me, `{"me":{"email":"ann@example.org","credentials":[{"kind":"PASSKEY","name":"Passkey"}]}}`)
	u.expect(`signUpWithPasskey({email: "ann@example.org", username: "ann"})`, "CONFLICT: ")
	u.expect(signOut, `"success":true`)

	u.expect(`offerPasskeys()`, `"username":"ann"`) // conditional UI: the virtual authenticator answers as soon as it is asked
	u.expect(me, `"email":"ann@example.org"`)
	u.expect(signOut, `"success":true`)
	u.expect(`signInWithPasskey()`, `"secondFactor":null`)

	u.expect(signOut, `"success":true`)

	// While the user does not choose a passkey, the page asks again before a flow expires: here, after 300 ms instead of 5 minutes.
	u.expect(`(window.wait = setTimeout, window.setTimeout = (f) => wait(f, 300), "ready")`, "ready")
	u.touch(false)
	u.expect(`(window.offered = offerPasskeys(), "offered")`, "offered")
	eventually.True(t, storyTime, "the page has asked three times", func() bool { return !slices.Contains([]string{"0", "1", "2"}, s.Count("continuations")) })
	u.touch(true)
	u.expect(`offered`, `"username":"ann"`)

	u.expect(`addPasskey("Again")`, "InvalidStateError: ") // the authenticator has one already
	s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = now() - interval '1 hour'`)
	u.expect(`addPasskey("Second")`, "REAUTH_REQUIRED: ")
	u.expect(`confirmWithPasskey()`, "20")
	u.plugIn()
	u.expect(`addPasskey("Second")`, `"name":"Second"`)
	u.expect(me, `[{"kind":"PASSKEY","name":"Passkey"},{"kind":"PASSKEY","name":"Second"}]`)
	kept, err := chromedp.Call(u.ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: u.device})
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
	u.expect(`signUpWithPasskey({email: "ann@example.org", username: "ann"})`, "null")
	code := s.CodeTo("ann@example.org", "verify_email", 1)
	u.expect(`verifyWithPasskey("ann@example.org", "`+code+`")`, `"username":"ann"}},"passwordCleared":false`)
	u.expect("graphql(`{ me { email credentials { kind } } }`)", `[{"kind":"PASSKEY"},{"kind":"EMAIL_CODE"}]`)
}
