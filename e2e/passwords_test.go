package e2e

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
)

// expectFaults expects the one error of a reply to have these faults, "path CODE", and to repeat nothing.
func expectFaults(t *testing.T, what string, r reply, want ...string) {
	t.Helper()
	got := r.fields()
	slices.Sort(got)
	slices.Sort(want)
	if r.code() != "BAD_USER_INPUT" || !slices.Equal(got, want) {
		t.Errorf("%s: %s, want the faults %v", what, r.Body, want)
	}
}

// P16: a password that is the account's own words is refused wherever one is chosen, and all that is wrong is told at once.
func TestPasswordsOfOwnWords(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_PUBLIC_URL=https://zebrafish.example").work()
	a := s.signUpAs("tulipgarden", vars{"displayName": "Marguerite"})
	signUp := func(email, password, username, displayName string) reply {
		return s.do("", signUpMutation, vars{"input": vars{"email": email, "password": password, "username": username, "profile": vars{"displayName": displayName}}})
	}
	for what, password := range map[string]string{
		"the username": "Orange-Cat!", "the address": "JANE.DOE.1970", "its domain": "farmhouse2024", "the display name": "lieutenant_1", "the service": "ZebraFish99",
	} {
		expectFaults(t, what, signUp("jane.doe@farmhouse.org", password, "orange_cat", "Lieutenant"), "input.password TOO_PERSONAL")
	}
	expectFaults(t, "and more", signUp("jane.doe@farmhouse.org", "orangecat1", "orange cat", "Jane\u202e"),
		"input.password TOO_PERSONAL", "input.username INVALID_CHARACTER", "input.profile.displayName INVALID_CHARACTER")
	expectFaults(t, "in type as well", s.do("", signUpMutation, vars{"input": vars{"email": 5, "password": "x", "username": "a b"}}),
		"input.email INVALID", "input.password TOO_SHORT", "input.username INVALID_CHARACTER")
	if r := signUp("jane.doe@farmhouse.org", "my-organ-1", "orange_cat", "Lieutenant"); len(r.Errors) > 0 { // .org is not his own
		t.Errorf("nothing of his own: %s", r.Body)
	}

	change := func(current, password string) reply {
		return s.do(a.Token, changePassword, input("currentPassword", current, "newPassword", password))
	}
	for what, password := range map[string]string{"the username": "tulip.garden", "the display name": "marguerite12", "the service": "zebra fish!", "the address": "tulipgarden@example.org"} {
		expectFaults(t, "changed to "+what, change("correct horse battery staple", password), "input.newPassword TOO_PERSONAL")
	}
	expectFaults(t, "changed, all wrong", change("wrong password", "tulipgarden"), "input.currentPassword INVALID", "input.newPassword TOO_PERSONAL")
	expectFaults(t, "changed, too short", change("wrong password", "x"), "input.currentPassword INVALID", "input.newPassword TOO_SHORT")
	expectFaults(t, "changed, the current one wrong", change("wrong password", newPassword), "input.currentPassword INVALID")

	s.must("", requestReset, input("email", a.Email))
	code := s.codeTo(a.Email, "reset_password", 1)
	reset := func(code, password string) reply {
		return s.do("", resetPassword, input("email", a.Email, "code", code, "newPassword", password))
	}
	for what, password := range map[string]string{"the username": "tulip.garden", "the display name": "marguerite12", "the service": "zebra fish!"} {
		expectFaults(t, "reset to "+what, reset(code, password), "input.newPassword TOO_PERSONAL")
	}
	expectFaults(t, "reset, all wrong", reset("0000-0000", "x"), "input.code INVALID", "input.newPassword TOO_SHORT")
	// Whoever has no code is not told what the account calls itself.
	expectFaults(t, "reset, without the code", reset("0000-0000", "marguerite12"), "input.code INVALID")
	if r := s.trySignIn(a.Email, password); len(r.Errors) > 0 {
		t.Errorf("the password after all that: %s", r.Body)
	}
	s.must("", resetPassword, input("email", a.Email, "code", code, "newPassword", newPassword))
}

// P16: where a service is asked about leaked passwords, one that it knows is refused wherever a password is chosen, with
// what else is wrong. The service is told five digits of a hash; neither it nor our log learns more.
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
	s := start(t, "FREEHOLD_BREACH_URL="+breaches.URL+"/range/").work()
	signUp := func(username, password string) reply {
		return s.do("", signUpMutation, vars{"input": vars{"email": strings.ReplaceAll(username, " ", "") + "@example.org", "password": password, "username": username}})
	}
	expectFaults(t, "signUp", signUp("bo at", leaked), "input.password BREACHED", "input.username INVALID_CHARACTER")
	before := asked.Load()
	expectFaults(t, "a password that is faulty anyway", signUp("boat", "password"), "input.password TOO_COMMON")
	if n := asked.Load(); n != before {
		t.Error("and yet it was looked up")
	}
	a := s.signUp(nil)
	expectFaults(t, "changePassword", s.do(a.Token, changePassword, input("currentPassword", "wrong password", "newPassword", leaked)),
		"input.currentPassword INVALID", "input.newPassword BREACHED")
	s.must("", requestReset, input("email", a.Email))
	code := s.codeTo(a.Email, "reset_password", 1)
	expectFaults(t, "resetPassword", s.do("", resetPassword, input("email", a.Email, "code", code, "newPassword", leaked)), "input.newPassword BREACHED")
	before = asked.Load()
	s.do("", resetPassword, input("email", a.Email, "code", "0000-0000", "newPassword", leaked))
	if n := asked.Load(); n != before {
		t.Error("the password of somebody without a code was looked up")
	}
	if strings.Contains(s.logs.String(), `"level":"WARN"`) {
		t.Errorf("warnings while the service is up: %s", s.logs.String())
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
	s.must("", resetPassword, input("email", a.Email, "code", code, "newPassword", leaked))
	log := s.logs.String()
	if n := strings.Count(log, "a password was not looked up"); n != 5 {
		t.Errorf("%d warnings, want 5", n)
	}
	for _, secret := range []string{leaked, digits[:5], digits[5:], "/range", breaches.URL + "/"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q in it", secret)
		}
	}
}

// A service of leaked passwords that hangs keeps nobody waiting for long.
func TestLeakedPasswordsAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	breaches := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(ended)
	}))
	t.Cleanup(breaches.Close)
	s := start(t, "FREEHOLD_BREACH_URL="+breaches.URL+"/range/")
	begun := time.Now()
	s.signUp(nil)
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("a sign-up took %v", took)
	}
	<-ended // it is not only we who have given up
}
