package accounts

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// expectFaults expects the only error of a reply to have these fields, as "path CODE", and to repeat no value.
func expectFaults(t *testing.T, what string, r harness.Reply, want ...string) {
	t.Helper()
	got := r.Fields()
	slices.Sort(got)
	slices.Sort(want)
	if r.Code() != "BAD_USER_INPUT" || !slices.Equal(got, want) {
		t.Errorf("%s: %s, want the faults %v", what, r.Body, want)
	}
}

// P16: a password made of the account's own words is refused in every mutation that sets one, together with all other errors.
func TestPasswordsOfOwnWords(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_PUBLIC_URL=https://zebrafish.example").Work()
	a := s.SignUpAs("tulipgarden", harness.Vars{"displayName": "Marguerite"})
	signUp := func(email, password, username, displayName string) harness.Reply {
		return s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": password, "username": username, "profile": harness.Vars{"displayName": displayName}}})
	}
	for what, password := range map[string]string{
		"the username": "Orange-Cat!", "the address": "JANE.DOE.1970", "its domain": "farmhouse2024", "the display name": "lieutenant_1", "the service": "ZebraFish99",
	} {
		expectFaults(t, what, signUp("jane.doe@farmhouse.org", password, "orange_cat", "Lieutenant"), "input.password TOO_PERSONAL")
	}
	expectFaults(t, "and more", signUp("jane.doe@farmhouse.org", "orangecat1", "orange cat", "Jane\u202e"),
		"input.password TOO_PERSONAL", "input.username INVALID_CHARACTER", "input.profile.displayName INVALID_CHARACTER")
	expectFaults(t, "in type as well", s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": 5, "password": "x", "username": "a b"}}),
		"input.email INVALID", "input.password TOO_SHORT", "input.username INVALID_CHARACTER")
	if r := signUp("jane.doe@farmhouse.org", "my-organ-1", "orange_cat", "Lieutenant"); len(r.Errors) > 0 { // .org is not a word of the account
		t.Errorf("no word of the account: %s", r.Body)
	}

	change := func(current, password string) harness.Reply {
		return s.Do(a.Token, harness.ChangePassword, harness.Input("currentPassword", current, "newPassword", password))
	}
	for what, password := range map[string]string{"the username": "tulip.garden", "the display name": "marguerite12", "the service": "zebra fish!", "the address": "tulipgarden@example.org"} {
		expectFaults(t, "changed to "+what, change("correct horse battery staple", password), "input.newPassword TOO_PERSONAL")
	}
	expectFaults(t, "changed, all wrong", change("wrong password", "tulipgarden"), "input.currentPassword INVALID", "input.newPassword TOO_PERSONAL")
	expectFaults(t, "changed, too short", change("wrong password", "x"), "input.currentPassword INVALID", "input.newPassword TOO_SHORT")
	expectFaults(t, "changed, the current one wrong", change("wrong password", harness.NewPassword), "input.currentPassword INVALID")

	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	code := s.CodeTo(a.Email, "reset_password", 1)
	reset := func(code, password string) harness.Reply {
		return s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", password))
	}
	for what, password := range map[string]string{"the username": "tulip.garden", "the display name": "marguerite12", "the service": "zebra fish!"} {
		expectFaults(t, "reset to "+what, reset(code, password), "input.newPassword TOO_PERSONAL")
	}
	expectFaults(t, "reset, all wrong", reset("0000-0000", "x"), "input.code INVALID", "input.newPassword TOO_SHORT")
	// A client without a code does not learn the account's own words.
	expectFaults(t, "reset, without the code", reset("0000-0000", "marguerite12"), "input.code INVALID")
	if r := s.TrySignIn(a.Email, harness.Password); len(r.Errors) > 0 {
		t.Errorf("the password after all that: %s", r.Body)
	}
	s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", harness.NewPassword))
}

// P16: if a service of leaked passwords is configured, a leaked password is refused in every mutation that sets one, together
// with all other errors. The service gets five digits of a hash; neither it nor our log learns more.
func TestLeakedPasswords(t *testing.T) {
	t.Parallel()
	const leaked = "an old song of the sea"
	sum := sha1.Sum([]byte(leaked))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	var mode atomic.Value
	mode.Store("up")
	var asked atomic.Int64
	breaches := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if len(r.URL.Path) != len("/range/")+5 || r.URL.RawQuery != "" {
			t.Errorf("asked for %s", r.URL)
		}
		switch mode.Load() {
		case "up":
			if r.URL.Path == "/range/"+digits[:5] {
				fmt.Fprintf(w, "%s:0\r\n%s:12\r\n", strings.Repeat("0", 35), digits[5:])
			}
		case "redirects":
			http.Redirect(w, r, "/elsewhere"+r.URL.Path, http.StatusFound)
		case "fails":
			http.Error(w, r.URL.Path, http.StatusInternalServerError)
		case "cuts":
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(breaches.Close)
	s := harness.Start(t, "FREEHOLD_BREACH_URL="+breaches.URL+"/range/").Work()
	signUp := func(username, password string) harness.Reply {
		return s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": strings.ReplaceAll(username, " ", "") + "@example.org", "password": password, "username": username}})
	}
	expectFaults(t, "signUp", signUp("bo at", leaked), "input.password BREACHED", "input.username INVALID_CHARACTER")
	before := asked.Load()
	expectFaults(t, "a password that is faulty anyway", signUp("boat", "password"), "input.password TOO_COMMON")
	if n := asked.Load(); n != before {
		t.Error("and yet it was looked up")
	}
	a := s.SignUp(nil)
	expectFaults(t, "changePassword", s.Do(a.Token, harness.ChangePassword, harness.Input("currentPassword", "wrong password", "newPassword", leaked)),
		"input.currentPassword INVALID", "input.newPassword BREACHED")
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	code := s.CodeTo(a.Email, "reset_password", 1)
	expectFaults(t, "resetPassword", s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", leaked)), "input.newPassword BREACHED")
	before = asked.Load()
	s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", "0000-0000", "newPassword", leaked))
	if n := asked.Load(); n != before {
		t.Error("the password of somebody without a code was looked up")
	}
	if strings.Contains(s.Logs.String(), `"level":"WARN"`) {
		t.Errorf("warnings while the service is up: %s", s.Logs.String())
	}

	for i, how := range []string{"redirects", "fails", "cuts", "gone"} {
		mode.Store(how)
		if how == "gone" {
			breaches.Close()
		}
		if r := signUp(fmt.Sprint("boat", i), leaked); len(r.Errors) > 0 {
			t.Errorf("while the service %s: %s", how, r.Body)
		}
	}
	s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", leaked))
	log := s.Logs.String()
	if n := strings.Count(log, "failed to look up a password"); n != 5 {
		t.Errorf("%d warnings, want 5", n)
	}
	for _, secret := range []string{leaked, digits[:5], digits[5:], "/range", breaches.URL + "/"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q in it", secret)
		}
	}
}

// A service of leaked passwords that hangs delays a request only briefly.
func TestSlowServiceOfLeakedPasswordsDelaysNoRequest(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	breaches := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(ended)
	}))
	t.Cleanup(breaches.Close)
	s := harness.Start(t, "FREEHOLD_BREACH_URL="+breaches.URL+"/range/")
	begun := time.Now()
	s.SignUp(nil)
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("a sign-up took %v", took)
	}
	<-ended // the client closed the connection too
}

// P10: a password that is far too long is refused without hashing it.
func TestHugePasswords(t *testing.T) {
	t.Parallel()
	s := harness.Setup{FullCost: true}.Start(t)
	huge := strings.Repeat("x", 10<<20)
	for name, q := range map[string]harness.Request{
		"signUp": {Query: harness.SignUpMutation, Vars: harness.Vars{"input": harness.Vars{"email": "ann@example.org", "password": huge, "username": "ann"}}},
		"signIn": {Query: harness.SignInMutation, Vars: harness.Input("email", "ann@example.org", "password", huge)},
	} {
		r, err := s.TrySend(t.Context(), q)
		if err != nil { // the server may close the connection before all is sent
			continue
		}
		if r.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s with 10 MB: %d %.200s", name, r.Status, r.Body)
		}
	}
	s.ExpectFault("100 KB", s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "ann@example.org", "password": huge[:100_000], "username": "ann"}}), "input.password TOO_LONG")
	if r := s.TrySignIn("ann@example.org", huge[:100_000]); r.Code() != "INVALID_CREDENTIALS" { // hashed, so that it takes as long as any other
		t.Errorf("signIn with 100 KB: %s", r.Body)
	}
}
