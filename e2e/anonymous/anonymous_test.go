package anonymous

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// A visitor uses an anonymous account, makes it permanent, and signs in to it: with tokens and with cookies. Its id and its rows stay.
func TestAnonymousFromSignUpToUpgrade(t *testing.T) {
	t.Parallel()
	harness.EachClient(t, func(t *testing.T, newClient func(*harness.Service) *harness.Client) {
		s := harness.Start(t, on)
		c := newClient(s)
		r := c.Enter(signUp, "profile", harness.Vars{"bio": "a guest", "birthday": "1990-12-31"})
		var data struct {
			SignUpAnonymously struct {
				User struct {
					ID      string
					Profile struct{ ID, Username string }
				}
			}
		}
		r.Into(t, &data)
		u := data.SignUpAnonymously.User
		if !regexp.MustCompile(`^guest-[0-9a-z]{16}$`).MatchString(u.Profile.Username) || !has(r, `"anonymous":true,"email":null`) {
			t.Errorf("signed up as %s", r.Body)
		}
		c.ExpectMe("credentials before", credentials, `{"me":{"credentials":[]}}`)
		r = c.MustSend(upgrade, "email", "Ann@example.org", "password", harness.Password, "username", "ann", "profile", harness.Vars{"displayName": "Ann A.", "bio": nil})
		want := fmt.Sprintf(`{"id":%q,"anonymous":false,"email":"Ann@example.org","emailVerified":false,"pendingEmail":null,"hasPassword":true,"profile":{"id":%q,"username":"ann","displayName":"Ann A.","bio":"a guest"}}`, u.ID, u.Profile.ID)
		if !has(r, want) {
			t.Errorf("upgraded: %s, want %s", r.Body, want)
		}
		c.ExpectMe("the same session", `{ me { id profile { birthday } securityEvents { nodes { kind } } } }`, u.ID)
		c.ExpectMe("events", `{ me { securityEvents { nodes { kind } } } }`, `CREDENTIAL_ADDED`)
		other := newClient(s)
		other.Enter(harness.SignInMutation, "email", "ann@example.org", "password", harness.Password)
		other.ExpectMe("signing in", `{ me { id profile { birthday } } }`, u.ID)
		s.ExpectFault("removing the last way in", c.Send(remove, "id", credentialOf(t, c.Send(credentials))), "input.id LAST_CREDENTIAL")
		if r := c.Send(upgrade, "email", "ann@example.net", "password", harness.Password); r.Code() != "FORBIDDEN" {
			t.Errorf("a second upgrade: %s", r.Body)
		}
	})
}

// If verified addresses are required, an upgrade reveals nothing about the address, and is completed by its code: with the password of the
// last upgrade.
func TestUpgradeWhereVerifiedAddressesAreRequired(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, on, verifiedOnly).Work()
	a := guest(s)
	s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "owner@example.org", "password": harness.Password, "username": "owner"}})
	s.Must("", harness.VerifyEmail, harness.Input("email", "owner@example.org", "code", s.CodeTo("owner@example.org", "verify_email", 1), "password", harness.Password))
	taken := s.Must(a.Token, upgrade, form("Owner", "username", "ann"))
	free := s.Must(a.Token, upgrade, form("first"))
	if strings.ReplaceAll(taken.Body, "Owner@", "first@") != free.Body || !has(free, `"anonymous":true,"email":null,"emailVerified":false,"pendingEmail":"first@example.org","hasPassword":false`) {
		t.Errorf("a taken address: %s, a free one: %s", taken.Body, free.Body)
	}
	s.MailTo("owner@example.org", "address_taken", 1)
	old := s.CodeTo("first@example.org", "change_email", 1)
	s.Must(a.Token, upgrade, harness.Input("email", "ann@example.org", "password", harness.NewPassword))
	s.ExpectFault("the code of the first address", s.Do(a.Token, harness.VerifyEmail, harness.Input("email", "first@example.org", "code", old)), harness.WrongCode)
	code := s.CodeTo("ann@example.org", "change_email", 1)
	s.ExpectFault("in another session", s.Do("", harness.VerifyEmail, harness.Input("email", "ann@example.org", "code", code)), harness.WrongCode)
	if r := s.TrySignIn("ann@example.org", harness.NewPassword); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("before the code: %s", r.Body)
	}
	s.Must(a.Token, harness.VerifyEmail, harness.Input("email", "ann@example.org", "code", code))
	r := s.Must(a.Token, `{ me { id anonymous email emailVerified hasPassword profile { username } credentials { kind } } }`, nil)
	if !strings.Contains(r.Body, `"anonymous":false,"email":"ann@example.org","emailVerified":true,"hasPassword":true,"profile":{"username":"ann"}`) || strings.Count(r.Body, `"kind"`) != 2 {
		t.Errorf("after the code: %s", r.Body)
	}
	if r := s.TrySignIn("ann@example.org", harness.NewPassword); len(r.Errors) > 0 {
		t.Errorf("signing in: %s", r.Body)
	}
}

// A verified address alone makes an account permanent: the owner signs in with codes, and can add a password.
func TestAddressMakesAnAccountPermanent(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, on).Work()
	a := guest(s)
	for what, r := range map[string]harness.Reply{
		"a password":             s.Do(a.Token, setPassword, harness.Input("newPassword", harness.NewPassword)),
		"codes":                  s.Do(a.Token, `mutation { enableSignInCodes { user { id } } }`, nil),
		"an upgrade by a member": s.Do(s.SignUp(nil).Token, upgrade, form("other")),
	} {
		if r.Code() != "FORBIDDEN" {
			t.Errorf("%s: %s", what, r.Body)
		}
	}
	s.ExpectFault("reauthentication", s.Do(a.Token, `mutation { reauthenticateWithCode(input: {code: "0000-0000"}) { user { id } } }`, nil), harness.WrongCode)
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "ann@example.org"))
	s.Must(a.Token, harness.VerifyEmail, harness.Input("email", "ann@example.org", "code", s.CodeTo("ann@example.org", "change_email", 1)))
	if r := s.Do(a.Token, `{ me { id anonymous emailVerified credentials { kind } } }`, nil); !has(r, `"anonymous":false,"emailVerified":true,"credentials":[{"kind":"EMAIL_CODE"}]`) || !strings.Contains(r.Body, a.UserID) {
		t.Errorf("with an address: %s", r.Body)
	}
	if r := s.Do(a.Token, upgrade, form("other")); r.Code() != "FORBIDDEN" {
		t.Errorf("an upgrade of a permanent account: %s", r.Body)
	}
	s.Must(a.Token, setPassword, harness.Input("newPassword", harness.NewPassword))
	if r := s.TrySignIn("ann@example.org", harness.NewPassword); len(r.Errors) > 0 {
		t.Errorf("with the password: %s", r.Body)
	}
}

// An upgrade has all faults at once, as a sign-up has, and changes nothing if one is left.
func TestUpgradeReportsAllErrors(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, on)
	taken := s.SignUp(nil)
	a := guest(s)
	r := s.Do(a.Token, upgrade, harness.Input("email", "x", "password", "short", "username", taken.Username, "profile", harness.Vars{"birthday": "2999-01-01"}))
	want := "input.email INVALID input.password TOO_SHORT input.username TAKEN input.profile.birthday IN_FUTURE"
	if got := strings.Join(r.Fields(), " "); got != want || r.Code() != "BAD_USER_INPUT" {
		t.Errorf("%s, want %s: %s", got, want, r.Body)
	}
	if r := s.Do(a.Token, upgrade, harness.Input("email", taken.Email, "password", harness.Password)); r.Code() != "CONFLICT" || strings.Join(r.Fields(), " ") != "input.email TAKEN" {
		t.Errorf("a taken address: %s", r.Body)
	}
	if r := s.Do(a.Token, `{ me { anonymous email profile { username } } }`, nil); !has(r, `"anonymous":true,"email":null,"profile":{"username":"`+a.Username+`"}`) {
		t.Errorf("afterwards: %s", r.Body)
	}
	if r := s.Do("", upgrade, form("ann")); r.Code() != "UNAUTHENTICATED" {
		t.Errorf("nobody: %s", r.Body)
	}
}

// Sensitive actions ask an anonymous account for nothing, because it has nothing but its session: also a long time after the sign-up. It
// can be deleted.
func TestAnonymousAccountsAreDeleted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, on)
	a := guest(s, "username", "visitor")
	s.AgeAuthentication(a)
	s.Must(a.Token, harness.ChangeUsername, harness.Input("username", "visitor-2"))
	if r := s.Do(a.Token, `{ me { reauthenticatedUntil } }`, nil); strings.Contains(r.Body, "null") {
		t.Errorf("reauthenticated until: %s", r.Body)
	}
	s.Must(a.Token, harness.DeleteAccount, harness.Input())
	for _, row := range s.AllRows() {
		if strings.Contains(row, a.UserID) || strings.Contains(row, a.ProfileID) {
			t.Errorf("left of the account: %s", row)
		}
	}
}

// Without the setting, there are no anonymous accounts, and a front end can find out.
func TestAnonymousAccountsAreOffByDefault(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]bool{"off": false, "on": true} {
		s := harness.Start(t, "FREEHOLD_ANONYMOUS="+setting)
		if r := s.Do("", `{ settings { anonymousAccounts } }`, nil); string(r.Data) != fmt.Sprintf(`{"settings":{"anonymousAccounts":%t}}`, want) {
			t.Errorf("%s: %s", setting, r.Body)
		}
		if r := s.Do("", signUp, harness.Input()); (r.Code() == "FORBIDDEN") == want {
			t.Errorf("%s: %s", setting, r.Body)
		}
	}
}
