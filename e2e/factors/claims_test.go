package factors

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// claims returns amr, acr, the age of auth_time in minutes, and scope of an access token.
func claims(t testing.TB, token string) string {
	t.Helper()
	c := harness.DecodeClaims(t, token)
	var methods []string
	text, err := json.Marshal(c["amr"])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &methods); err != nil {
		t.Fatal(err)
	}
	slices.Sort(methods)
	at, ok := c["auth_time"].(float64)
	if !ok {
		t.Errorf("no auth_time in %v", c)
	}
	scope, _ := c["scope"].(string)
	return fmt.Sprint(methods, " ", c["acr"], " ", int(time.Since(time.Unix(int64(at), 0)).Minutes()), " ", scope)
}

// renewSession refreshes the session of a client.
func (c *client) renewSession() {
	c.T.Helper()
	s := *c.Service
	s.ByCookie = c.browser != nil
	access, next, reason := s.Refresh(c.refresh)
	if reason != "" {
		c.T.Fatalf("a refresh: %s", reason)
	}
	c.token, c.refresh = access, next
	if c.browser != nil {
		c.browser.Access, c.browser.Refresh = access, next
	}
}

// Access tokens say how their user has signed in (amr), with how many factors (acr) and when (auth_time), also after a refresh and in
// cookies. The next refresh tells what the user has proved since.
func TestTokensSayHowTheirUserHasSignedIn(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, of func(*harness.Service) *client) {
		clock := &harness.Clock{}
		s := harness.StartAt(t, clock)
		c := of(s)
		expect := func(what, want string) {
			t.Helper()
			if got := claims(t, c.token); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		m := &member{email: c.signUp(), clock: clock}
		expect("a sign-up", "[pwd] aal1 0 ")
		age(s, "authenticated_at", "50")
		c.renewSession()
		expect("a refresh", "[pwd] aal1 50 ")
		c.must(again, harness.Input("password", harness.Password))
		c.renewSession()
		expect("a refresh after the password", "[pwd] aal1 0 ")
		m.recovery = c.addApp(m).RecoveryCodes
		c.renewSession()
		expect("a refresh after an app was added", "[mfa otp pwd] aal2 0 ")
		c = of(s)
		c.signIn(m)
		expect("a sign-in with an app", "[mfa otp pwd] aal2 0 ")
		age(s, "authenticated_at", "45")
		c.renewSession()
		expect("its refresh", "[mfa otp pwd] aal2 45 ")
		c = of(s)
		c.take(c.must(second, harness.Input("continuationToken", c.begin(m), "recoveryCode", m.recovery[0])))
		expect("a sign-in with a recovery code", "[mfa otp pwd] aal2 0 ")
	})
}

// operate are a field and a mutation that require the scopes accounts:read and accounts:disable.
var operate = map[string]string{
	"accounts:read":    `{ accounts { nodes { id } } }`,
	"accounts:disable": `mutation { enableAccount(input: {id: "ID"}) { success } }`,
}

// FREEHOLD_REQUIRE_MFA: only sessions with two factors have a scope. Other sessions get tokens without it, at the sign-in and after a
// refresh; and if a token has it anyway, the field rule refuses it, and so does the database.
func TestScopesThatNeedASecondFactor(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, of func(*harness.Service) *client) {
		for setting, weak := range map[string]string{"*": "", "accounts:read": "accounts:disable", "accounts:read, accounts:disable": "", "": "accounts:disable accounts:read"} {
			if of(nil).browser != nil && setting != "*" {
				continue // one setting shows that cookies do not differ
			}
			d, clock := dbtest.New(t), &harness.Clock{}
			dir := "FREEHOLD_DATA_DIR=" + t.TempDir()
			s := harness.StartWith(t, d, harness.BothLayers, app.Options{Now: clock.Now}, dir, "FREEHOLD_REQUIRE_MFA="+setting)
			c := of(s)
			m := &member{email: c.signUp(), clock: clock}
			id := s.DB.Query(t, `SELECT user_id FROM app.user_private`)[0]
			s.DB.Query(t, `SELECT app.grant_scope($1, scope, 'a test') FROM unnest('{accounts:read,accounts:disable}'::text[]) scope`, id)
			signedIn := of(s)
			signedIn.take(signedIn.must(signIn, signedIn.input("email", m.email, "password", harness.Password)))
			c.renewSession()
			for what, x := range map[string]*client{"a sign-in": signedIn, "a refresh": c} {
				if got, want := claims(t, x.token), "[pwd] aal1 0 "+weak; got != want {
					t.Errorf("%q: %s with one factor has %s, want %s", setting, what, got, want)
				}
			}
			// A token from before the setting was made has all scopes.
			before := harness.StartWith(t, d, harness.BothLayers, app.Options{Now: clock.Now}, dir)
			old := &client{Service: before, browser: signedIn.browser, refresh: signedIn.refresh}
			old.renewSession()
			if got := claims(t, old.token); got != "[pwd] aal1 0 accounts:disable accounts:read" {
				t.Fatalf("without the setting, a token has %s", got)
			}
			for _, layers := range []harness.Layers{harness.BothLayers, harness.RulesAlone, harness.PoliciesAlone} {
				x := harness.StartWith(t, d, layers, app.Options{Now: clock.Now}, dir, "FREEHOLD_REQUIRE_MFA="+setting)
				for scope, query := range operate {
					r := x.Do(old.token, strings.ReplaceAll(query, "ID", id), nil)
					refused := r.Code() == "FORBIDDEN" || layers == harness.PoliciesAlone && string(r.Data) == `{"accounts":{"nodes":[]}}`
					if want := !slices.Contains(strings.Fields(weak), scope); refused != want {
						t.Errorf("%q, with %s: a session with one factor and a token of %s: %s", setting, layers, scope, r.Body)
					}
				}
			}
			c.addApp(m)
			c.renewSession()
			signedIn.signIn(m)
			for what, x := range map[string]*client{"a sign-in": signedIn, "a refresh": c} {
				if got := claims(t, x.token); got != "[mfa otp pwd] aal2 0 accounts:disable accounts:read" {
					t.Errorf("%q: %s with two factors has %s", setting, what, got)
				}
				for _, query := range operate {
					s.Must(x.token, strings.ReplaceAll(query, "ID", id), nil)
				}
			}
		}
	})
}
