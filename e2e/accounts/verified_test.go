package accounts

import (
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

const verifiedOnly = "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on"

// strangersPassword is the password of a person who signs up with another person's address.
const strangersPassword = "a sentence of somebody else"

// signUpPending signs up with a service that requires verified emails. Names that begin with mallory are strangers.
func signUpPending(s *harness.Service, name, email string, profile harness.Vars) harness.Reply {
	s.T.Helper()
	typed := harness.Password
	if strings.HasPrefix(name, "mallory") {
		typed = strangersPassword
	}
	return s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": typed, "username": name, "profile": profile}})
}

// verify verifies an address as an anonymous viewer, with the password of the pending sign-up.
func verify(s *harness.Service, email, code string) verified {
	s.T.Helper()
	var v verified
	s.Must("", harness.VerifyEmail, harness.Input("email", email, "code", code, "password", harness.Password)).Into(s.T, &v)
	if v.VerifyEmail.Tokens == nil || v.VerifyEmail.User.ID == "" {
		s.T.Fatalf("verifying as an anonymous viewer starts no session: %+v", v)
	}
	return v
}

// signUpVerified creates a member of a service that requires verified emails.
func signUpVerified(s *harness.Service, name, email string) harness.Account {
	s.T.Helper()
	signUpPending(s, name, email, nil)
	v := verify(s, email, s.CodeTo(email, "verify_email", 1)).VerifyEmail
	return harness.Account{
		UserID: v.User.ID, ProfileID: v.User.Profile.ID, Username: name, Email: email,
		Token: v.Tokens.AccessToken, Refresh: v.Tokens.RefreshToken,
	}
}

// sent returns all mails, as "kind to", once the outbox is empty.
func sent(s *harness.Service) (list []string) {
	s.T.Helper()
	s.AwaitOutbox()
	for _, m := range s.Mailbox(0) {
		list = append(list, m.Kind+" "+m.To)
	}
	return list
}

func count(list []string, want string) (n int) {
	for _, got := range list {
		if got == want {
			n++
		}
	}
	return n
}

// expectAvailable checks whether usernames are available.
func expectAvailable(s *harness.Service, what string, want bool, usernames ...string) {
	s.T.Helper()
	for _, username := range usernames {
		r := s.Must("", `query ($u: String!) { usernameAvailable(username: $u) }`, harness.Vars{"u": username})
		if string(r.Data) != fmt.Sprintf(`{"usernameAvailable":%t}`, want) {
			s.T.Errorf("%s, %s: %s, want %t", what, username, r.Body, want)
		}
	}
}

const nothingYet = `{"signUp":{"user":null,"tokens":null}}`

// A sign-up returns nothing until its address is verified. Then the account is as requested.
func TestSignUpIsVerifiedFirst(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	const email = "Ann@example.org"
	r := signUpPending(s, "ann", email, harness.Vars{"visibility": "PUBLIC", "displayName": "Ann A."})
	if string(r.Data) != nothingYet {
		t.Errorf("signing up: %s", r.Body)
	}
	code := s.CodeTo(email, "verify_email", 1)
	wrong := s.TrySignIn(email, "not the password")
	if wrong.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("a wrong password: %s", wrong.Body)
	}
	for what, r := range map[string]harness.Reply{"before it is verified": s.TrySignIn(email, harness.Password), "an unknown address": s.TrySignIn("nobody@example.org", harness.Password)} {
		if r.Body != wrong.Body || r.Status != wrong.Status {
			t.Errorf("signing in, %s: %s, want %s", what, r.Body, wrong.Body)
		}
	}
	v := verify(s, strings.ToLower(email), code).VerifyEmail
	if u := v.User; u.Email != email || !u.EmailVerified || u.Profile.Username != "ann" || u.Profile.Visibility != "PUBLIC" || v.PasswordCleared {
		t.Errorf("verified as %+v", v)
	}
	s.ExpectMember(v.Tokens.AccessToken, email)
	if r := s.Do("", `{ profile(username: "ann") { displayName } }`, nil); string(r.Data) != `{"profile":{"displayName":"Ann A."}}` {
		t.Errorf("the profile afterwards: %s", r.Body)
	}
	if _, next, reason := s.Refresh(v.Tokens.RefreshToken); next == "" {
		t.Errorf("the session cannot be refreshed: %s", reason)
	}
	if r := s.TrySignIn(email, harness.Password); len(r.Errors) > 0 {
		t.Errorf("signing in afterwards: %s", r.Body)
	}
	s.ExpectFault("the code again", s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", code)), harness.WrongCode)
	if got := sent(s); len(got) != 1 {
		t.Errorf("mails: %v", got)
	}
}

// The session of a verification can be in cookies. Then no token is in the body.
func TestVerifyEmailIntoCookies(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	signUpPending(s, "ann", "ann@example.org", nil)
	b := &harness.Browser{Service: s}
	r := b.Do(harness.VerifyEmail, harness.Input("email", "ann@example.org", "code", s.CodeTo("ann@example.org", "verify_email", 1), "session", "COOKIE"))
	if !strings.Contains(r.Body, `"tokens":null`) || b.Access == "" || b.Refresh == "" || strings.Contains(r.Body, b.Access) || strings.Contains(r.Body, b.Refresh) {
		t.Fatalf("%s, cookies %v", r.Body, r.Header.Values("Set-Cookie"))
	}
	b.Expect("afterwards", "ann@example.org")
	b.Access = ""
	b.Expect("after a refresh", "ann@example.org")
}

// P03: a sign-up with the address of an account gets exactly the reply of one with a new address, and has the same lasting
// effect: the username is held for the same time. The owner gets a mail.
func TestTakenAddressIsNotRevealed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	owner := signUpVerified(s, "owner", "Owner@example.org")
	private := harness.Vars{"visibility": "PUBLIC", "displayName": "canary"}
	fresh, taken := signUpPending(s, "fresh-1", "new@example.org", private), signUpPending(s, "taken-1", "oWNER@example.ORG", private)
	if string(fresh.Data) != nothingYet || taken.Body != fresh.Body || taken.Status != fresh.Status {
		t.Errorf("a taken address: %s, a new one: %s", taken.Body, fresh.Body)
	}
	got := sent(s)
	for _, want := range []string{"address_taken Owner@example.org", "verify_email Owner@example.org" /* the owner's, before */, "verify_email new@example.org"} {
		if count(got, want) != 1 || len(got) != 3 {
			t.Errorf("mails: %v, want %s once, and 3 in all", got, want)
		}
	}
	if m := s.MailTo("Owner@example.org", "address_taken", 1); harness.CodeInText.MatchString(m.Text) {
		t.Errorf("a code in %s", m.Text)
	}
	s.Must("", harness.RequestVerification, harness.Input("email", "owner@example.org")) // this brings no mail either
	if again := sent(s); len(again) != 3 {
		t.Errorf("mails after asking for a code: %v", again)
	}
	expectInvisible(s, "fresh-1", "", owner.Token)
	expectInvisible(s, "taken-1", "", owner.Token)
	signUp := func(name string) harness.Reply {
		return s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "third@example.org", "password": harness.Password, "username": name}})
	}
	for _, step := range []struct {
		what, move string
		available  bool
	}{
		{"at once", ``, false},
		{"in the end", `UPDATE app.user_private SET pending_until = now() + interval '1 minute' WHERE pending_until IS NOT NULL`, false},
		{"after that", `UPDATE app.user_private SET pending_until = now() WHERE pending_until IS NOT NULL`, true},
	} {
		if step.move != "" {
			s.DB.Query(t, step.move)
		}
		expectAvailable(s, step.what, step.available, "Fresh-1", "taken-1")
		a, b := signUp("fresh-1"), signUp("taken-1")
		if a.Body != b.Body || a.Status != b.Status || (len(a.Errors) == 0) != step.available {
			t.Errorf("%s, a sign-up as one: %s, as the other: %s", step.what, a.Body, b.Body)
		}
	}
	s.ExpectMember(owner.Token, owner.Email)
}

// expectInvisible checks that these viewers see nothing of a pending sign-up.
func expectInvisible(s *harness.Service, username string, tokens ...string) {
	s.T.Helper()
	ids := s.DB.Query(s.T, `SELECT unnest(ARRAY[id, user_id]) FROM app.profiles WHERE username_key = $1`, username)
	if len(ids) != 2 {
		s.T.Fatalf("the ids of %s: %v", username, ids)
	}
	for _, token := range tokens {
		r := s.Do(token, `query ($name: String!, $profile: ID!, $user: ID!) {
			profile(username: $name) { id }
			profiles { nodes { username } }
			nodes(ids: [$profile, $user]) { id }
			node(id: $user) { id }
		}`, harness.Vars{"name": username, "profile": ids[0], "user": ids[1]})
		for _, hidden := range []string{username, ids[0], ids[1], "canary"} {
			if strings.Contains(r.Body, hidden) {
				s.T.Errorf("%s is seen: %s", username, r.Body)
			}
		}
		if want := `"nodes":[null,null],"node":null`; !strings.Contains(r.Body, want) || !strings.Contains(r.Body, `{"profile":null,`) {
			s.T.Errorf("%s: %s, want %s", username, r.Body, want)
		}
	}
}

// P03: the time does not reveal it either.
func TestTakenAddressTakesTheSameTime(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly)
	const pairs = 80
	next := map[string]int{}
	try := func(prefix string) func() {
		return func() {
			n := next[prefix]
			next[prefix]++
			signUpPending(s, fmt.Sprintf("%s-%d", prefix, n), fmt.Sprintf("%s-%d@example.org", prefix[:3], n), nil)
		}
	}
	for range pairs + 1 {
		try("own-first")()
	}
	s.DB.Query(t, `UPDATE app.user_private SET pending_until = NULL, email_verified_at = now()`)
	harness.SameTime(t, pairs, "a taken address", try("own-again"), "a new one", try("new-first"))
}

// A new code for a pending sign-up replaces the earlier one.
func TestNewCodeForPendingSignUp(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	signUpPending(s, "ann", "Ann@example.org", nil)
	older := s.CodeTo("Ann@example.org", "verify_email", 1)
	s.Must("", harness.RequestVerification, harness.Input("email", "ANN@example.org"))
	newer := s.CodeTo("Ann@example.org", "verify_email", 2)
	s.ExpectFault("the older code", s.Do("", harness.VerifyEmail, harness.Input("email", "ann@example.org", "code", older)), harness.WrongCode)
	if v := verify(s, "ann@example.org", newer); v.VerifyEmail.PasswordCleared {
		t.Errorf("%+v", v)
	}
}

// P03: a change to the address of an account gets the same reply as any other change, and the owner gets a mail.
func TestChangeToTakenAddressIsNotRevealed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	owner, a := signUpVerified(s, "owner", "Owner@example.org"), signUpVerified(s, "ann", "ann@example.org")
	free, taken := s.Do(a.Token, harness.ChangeEmail, harness.Input("newEmail", "free@example.org")), s.Do(a.Token, harness.ChangeEmail, harness.Input("newEmail", "oWNER@example.org"))
	if len(free.Errors) > 0 || strings.Replace(taken.Body, "oWNER@", "free@", 1) != free.Body || taken.Status != free.Status {
		t.Errorf("a taken address: %s, a free one: %s", taken.Body, free.Body)
	}
	got := sent(s)
	if len(got) != 4 || count(got, "address_taken Owner@example.org") != 1 || count(got, "change_email free@example.org") != 1 {
		t.Errorf("mails: %v", got)
	}
	s.ExpectMember(owner.Token, owner.Email)
	s.ExpectMember(a.Token, a.Email)
}
