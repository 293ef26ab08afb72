package clients

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/chromium"
	"freehold.dev/freehold/internal/eventually"
)

// site is a front end of another origin than its service, in two tabs of a browser.
type site struct {
	*harness.Service
	clock    *harness.Clock
	renewals atomic.Int32 // how many requests have renewed a session
	a, b     *chromium.Tab
}

// visit serves the page that build.mjs has made for the service at builtFor, starts another service for it, and opens the page twice.
func visit(t *testing.T, dir, builtFor string) *site {
	t.Helper()
	w := &site{clock: &harness.Clock{}}
	code, err := os.ReadFile(filepath.Join(dir, "out", "app.page.js"))
	if err != nil {
		t.Fatal(err)
	}
	page := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/app.js" {
			rw.Header().Set("Content-Type", "text/javascript")
			io.WriteString(rw, strings.ReplaceAll(string(code), builtFor, w.URL)) // the browser shows an error
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(rw, `<!doctype html><title>front end</title><body></body><script type="module" src="/app.js"></script>`)
	}))
	t.Cleanup(page.Close)
	w.Service = harness.Setup{
		Options: app.Options{Now: w.clock.Now}, Settings: []string{"FREEHOLD_CORS_ORIGINS=" + page.URL},
		Wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err == nil && strings.Contains(string(body), "refreshSession") {
					w.renewals.Add(1)
				}
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				next.ServeHTTP(rw, r)
			})
		},
	}.Start(t)
	w.a = chromium.Visit(t, page.URL)
	w.b = w.a.Open(page.URL)
	return w
}

// in makes what fails be a failure of a subtest.
func (w *site) in(t *testing.T) {
	outer := w.T
	w.T, w.a.T, w.b.T = t, t, t
	t.Cleanup(func() { w.T = outer }) // for the check of the log at the end
}

// store stores the tokens of an account, as a page does after a sign-in.
func (w *site) store(a harness.Account) {
	w.T.Helper()
	const tokens = `{accessToken: "ACCESS", refreshToken: "REFRESH", expiresAt: new Date(Date.now() + 36e5)}`
	w.a.Run("front.storeTokens(" + strings.NewReplacer("ACCESS", a.Token, "REFRESH", a.Refresh).Replace(tokens) + ")")
}

// Tabs of an origin that is not the service's share tokens, and renew them for each other. A tab with its own copy signs all out.
func (w *site) testTabs(t *testing.T) {
	w.in(t)
	member := w.SignUp(nil)
	w.store(member)
	const both = `Promise.all([front.me(), front.me()])`
	for round := range int32(3) {
		w.clock.Put(time.Duration(round) * 20 * time.Minute) // the tokens have expired
		answers := make(chan string)
		for _, tab := range []*chromium.Tab{w.a, w.b} {
			go func() { answers <- tab.Run(both) }()
		}
		for range 2 {
			if got, want := <-answers, `[{"data":{"me":{"email":"`+member.Email+`"}}},{"data":{"me":{"email":"`+member.Email+`"}}}]`; got != want {
				t.Fatalf("round %d: %s", round, got)
			}
		}
		if got := w.renewals.Load(); got < round || got > 2*round { // one for each tab, if the other one has not got its tokens yet
			t.Fatalf("after round %d, there were %d renewals", round, got)
		}
	}
	eventually.True(t, 10*time.Second, "both tabs have the new token", func() bool {
		a, b := w.a.Run("front.storedToken()"), w.b.Run("front.storedToken()")
		return a == b && a != member.Token
	})
	if _, _, reason := w.Refresh(member.Refresh); reason != "revoked" { // what a tab with a copy in memory would send
		t.Errorf("reuse of an old token: %q", reason)
	}
	w.a.Expect("front.me()", `{"data":{"me":null}}`)
	w.b.Expect("front.storedToken()", "null")
}

// Pages of other origins may send what tracing libraries and clients add to requests.
func (w *site) testTracing(t *testing.T) {
	w.in(t)
	for _, name := range []string{
		"traceparent", "tracestate", "baggage", "sentry-trace", "apollographql-client-name", "apollographql-client-version", "x-apollo-operation-name", "apollo-require-preflight",
	} {
		w.a.Expect(`fetch("`+w.URL+`/graphql", {method: "POST", headers: {"content-type": "application/json", "`+name+`": "x"}, body: '{"query": "{ __typename }"}'}).then((r) => r.json())`, `{"data":{"__typename":"Query"}}`)
	}
	w.a.Expect(`fetch("`+w.URL+`/graphql?query={__typename}", {headers: {authorization: "Bearer x"}}).then((r) => r.json())`, `{"data":{"__typename":"Query"}}`) // as urql
	w.a.Expect(`fetch("`+w.URL+`/graphql", {method: "POST", headers: {"content-type": "application/json", "x-other": "x"}, body: "{}"})`, "Failed to fetch")
}

// An app with Relay shows pages of sessions, revokes one, gets the errors of a form, and survives refused fields.
func (w *site) testRelay(t *testing.T) {
	w.in(t)
	w.clock.Put(0)
	member := w.SignUp(nil)
	for range 4 {
		w.SignIn(member.Email)
	}
	other := w.SignUp(harness.Vars{"visibility": "PUBLIC", "birthday": harness.CanaryBirthday}).Username
	w.store(member)
	const rows = `document.querySelectorAll("li").length`
	until := func(what, want string) {
		t.Helper()
		w.a.Expect(`front.until(() => String(`+what+`) === "`+want+`")`, "true")
	}
	w.a.Run("front.showSessions()")
	until(rows, "2")
	for _, want := range []string{"4", "5"} {
		w.a.Run(`front.press("More")`)
		until(rows, want)
	}
	w.a.Run(`front.press("Revoke")`)
	until(rows, "4")
	w.a.Expect("front.me()", member.Email)

	w.a.Expect(`front.updateProfile({displayName: "Ann"})`, "[]")
	w.a.Expect(`front.updateProfile({displayName: "x".repeat(1000), birthday: "3000-01-01"})`, `"path":"input.displayName","code":"TOO_LONG"`)

	w.a.Run(`front.showBirthday("` + other + `")`)
	until("document.body.innerText.trim()", other+": not for you")
	w.a.Run(`front.showBirthday("` + member.Username + `")`)
	until("document.body.innerText.trim()", member.Username+":")
	w.a.Run(`front.showStrict("` + other + `")`)
	until(`document.body.innerText.startsWith("thrown: Relay")`, "true")
}
