package e2e

import (
	"fmt"
	"strings"
	"testing"
)

const verifiedOnly = "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on"

// strangersPassword is that of a person who signs up with an address of somebody else.
const strangersPassword = "a sentence of somebody else"

// signUpPending signs up where the address has to be verified first. Names that begin with mallory are strangers.
func (s *service) signUpPending(name, email string, profile vars) reply {
	s.t.Helper()
	typed := password
	if strings.HasPrefix(name, "mallory") {
		typed = strangersPassword
	}
	return s.must("", signUpMutation, vars{"input": vars{"email": email, "password": typed, "username": name, "profile": profile}})
}

// verify proves an address as nobody, with the password of the sign-up that waits for it.
func (s *service) verify(email, code string) verified {
	s.t.Helper()
	var v verified
	s.must("", verifyEmail, input("email", email, "code", code, "password", password)).into(s.t, &v)
	if v.VerifyEmail.Tokens == nil || v.VerifyEmail.User.ID == "" {
		s.t.Fatalf("verifying as nobody gives no session: %+v", v)
	}
	return v
}

// signUpVerified makes a member where the address has to be verified first.
func (s *service) signUpVerified(name, email string) account {
	s.t.Helper()
	s.signUpPending(name, email, nil)
	v := s.verify(email, s.codeTo(email, "verify_email", 1)).VerifyEmail
	return account{
		UserID: v.User.ID, ProfileID: v.User.Profile.ID, Username: name, Email: email,
		Token: v.Tokens.AccessToken, Refresh: v.Tokens.RefreshToken,
	}
}

// sent returns all mails, as "kind to", once none waits.
func (s *service) sent() (list []string) {
	s.t.Helper()
	s.settled()
	for _, m := range s.mailbox(0) {
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

// expectAvailable asks whether usernames are.
func (s *service) expectAvailable(what string, want bool, usernames ...string) {
	s.t.Helper()
	for _, username := range usernames {
		r := s.must("", `query ($u: String!) { usernameAvailable(username: $u) }`, vars{"u": username})
		if string(r.Data) != fmt.Sprintf(`{"usernameAvailable":%t}`, want) {
			s.t.Errorf("%s, %s: %s, want %t", what, username, r.Body, want)
		}
	}
}

const nothingYet = `{"signUp":{"user":null,"tokens":null}}`

// A sign-up gives nothing until its address is proved; then it is as it was asked for.
func TestSignUpIsVerifiedFirst(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	const email = "Ann@example.org"
	r := s.signUpPending("ann", email, vars{"visibility": "PUBLIC", "displayName": "Ann A."})
	if string(r.Data) != nothingYet {
		t.Errorf("signing up: %s", r.Body)
	}
	code := s.codeTo(email, "verify_email", 1)
	wrong := s.trySignIn(email, "not the password")
	if wrong.code() != "INVALID_CREDENTIALS" {
		t.Errorf("a wrong password: %s", wrong.Body)
	}
	for what, r := range map[string]reply{"before it is verified": s.trySignIn(email, password), "an unknown address": s.trySignIn("nobody@example.org", password)} {
		if r.Body != wrong.Body || r.Status != wrong.Status {
			t.Errorf("signing in, %s: %s, want %s", what, r.Body, wrong.Body)
		}
	}
	v := s.verify(strings.ToLower(email), code).VerifyEmail
	if u := v.User; u.Email != email || !u.EmailVerified || u.Profile.Username != "ann" || u.Profile.Visibility != "PUBLIC" || v.PasswordCleared {
		t.Errorf("verified as %+v", v)
	}
	s.expectMember(v.Tokens.AccessToken, email)
	if r := s.do("", `{ profile(username: "ann") { displayName } }`, nil); string(r.Data) != `{"profile":{"displayName":"Ann A."}}` {
		t.Errorf("the profile afterwards: %s", r.Body)
	}
	if _, next, reason := s.refresh(v.Tokens.RefreshToken); next == "" {
		t.Errorf("the session cannot be refreshed: %s", reason)
	}
	if r := s.trySignIn(email, password); len(r.Errors) > 0 {
		t.Errorf("signing in afterwards: %s", r.Body)
	}
	s.expectFault("the code again", s.do("", verifyEmail, input("email", email, "code", code)), wrongCode)
	if got := s.sent(); len(got) != 1 {
		t.Errorf("mails: %v", got)
	}
}

// The session of a verification can be in cookies, and no token is in the body then.
func TestVerifyEmailIntoCookies(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	s.signUpPending("ann", "ann@example.org", nil)
	b := &browser{service: s}
	r := b.do(verifyEmail, input("email", "ann@example.org", "code", s.codeTo("ann@example.org", "verify_email", 1), "session", "COOKIE"))
	if !strings.Contains(r.Body, `"tokens":null`) || b.access == "" || b.refresh == "" || strings.Contains(r.Body, b.access) || strings.Contains(r.Body, b.refresh) {
		t.Fatalf("%s, cookies %v", r.Body, r.Header.Values("Set-Cookie"))
	}
	b.expect("afterwards", "ann@example.org")
	b.access = ""
	b.expect("after a refresh", "ann@example.org")
}

// P03: a sign-up with an address that has an account is answered to the letter as one with a new address, and leaves
// behind what that does: a username that is away for as long. The owner is told, where he reads his mail.
func TestTakenAddressIsNotTold(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	owner := s.signUpVerified("owner", "Owner@example.org")
	private := vars{"visibility": "PUBLIC", "displayName": "canary"}
	fresh, taken := s.signUpPending("fresh-1", "new@example.org", private), s.signUpPending("taken-1", "oWNER@example.ORG", private)
	if string(fresh.Data) != nothingYet || taken.Body != fresh.Body || taken.Status != fresh.Status {
		t.Errorf("a taken address: %s, a new one: %s", taken.Body, fresh.Body)
	}
	got := s.sent()
	for _, want := range []string{"address_taken Owner@example.org", "verify_email Owner@example.org" /* his own, before */, "verify_email new@example.org"} {
		if count(got, want) != 1 || len(got) != 3 {
			t.Errorf("mails: %v, want %s once, and 3 in all", got, want)
		}
	}
	if m := s.mailTo("Owner@example.org", "address_taken", 1); codeInText.MatchString(m.Text) {
		t.Errorf("a code in %s", m.Text)
	}
	s.must("", requestVerification, input("email", "owner@example.org")) // nor does this bring one
	if again := s.sent(); len(again) != 3 {
		t.Errorf("mails after asking for a code: %v", again)
	}
	s.expectInvisible("fresh-1", "", owner.Token)
	s.expectInvisible("taken-1", "", owner.Token)
	signUp := func(name string) reply {
		return s.do("", signUpMutation, vars{"input": vars{"email": "third@example.org", "password": password, "username": name}})
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
			s.db.Query(t, step.move)
		}
		s.expectAvailable(step.what, step.available, "Fresh-1", "taken-1")
		a, b := signUp("fresh-1"), signUp("taken-1")
		if a.Body != b.Body || a.Status != b.Status || (len(a.Errors) == 0) != step.available {
			t.Errorf("%s, a sign-up as one: %s, as the other: %s", step.what, a.Body, b.Body)
		}
	}
	s.expectMember(owner.Token, owner.Email)
}

// expectInvisible: nothing of a sign-up that waits is to be seen by these, as if it was not there.
func (s *service) expectInvisible(username string, tokens ...string) {
	s.t.Helper()
	ids := s.db.Query(s.t, `SELECT unnest(ARRAY[id, user_id]) FROM app.profiles WHERE username_key = $1`, username)
	if len(ids) != 2 {
		s.t.Fatalf("the ids of %s: %v", username, ids)
	}
	for _, token := range tokens {
		r := s.do(token, `query ($name: String!, $profile: ID!, $user: ID!) {
			profile(username: $name) { id }
			profiles { nodes { username } }
			nodes(ids: [$profile, $user]) { id }
			node(id: $user) { id }
		}`, vars{"name": username, "profile": ids[0], "user": ids[1]})
		for _, hidden := range []string{username, ids[0], ids[1], "canary"} {
			if strings.Contains(r.Body, hidden) {
				s.t.Errorf("%s is seen: %s", username, r.Body)
			}
		}
		if want := `"nodes":[null,null],"node":null`; !strings.Contains(r.Body, want) || !strings.Contains(r.Body, `{"profile":null,`) {
			s.t.Errorf("%s: %s, want %s", username, r.Body, want)
		}
	}
}

// P03: nor can it be told by the time.
func TestTakenAddressTakesTheSameTime(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly)
	const pairs = 80
	next := map[string]int{}
	try := func(prefix string) func() {
		return func() {
			n := next[prefix]
			next[prefix]++
			s.signUpPending(fmt.Sprintf("%s-%d", prefix, n), fmt.Sprintf("%s-%d@example.org", prefix[:3], n), nil)
		}
	}
	for range pairs + 1 {
		try("own-first")()
	}
	s.db.Query(t, `UPDATE app.user_private SET pending_until = NULL, email_verified_at = now()`)
	sameTime(t, pairs, "a taken address", try("own-again"), "a new one", try("new-first"))
}

// P08: a stranger who signs up with an address keeps its owner neither out nor company. The owner signs up as well, proves the
// address by the code of that sign-up, and keeps its password, which the owner knows.
func TestPendingSignUpKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	for order, names := range map[string][2]string{"the stranger first": {"mallory", "victor"}, "the owner first": {"victor", "mallory"}} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			s := start(t, verifiedOnly).work()
			const email = "victor@example.org"
			codes := map[string]string{}
			for i, name := range names {
				s.signUpPending(name, email, nil)
				codes[name] = s.codeTo(email, "verify_email", i+1)
			}
			v := s.verify(email, codes["victor"]).VerifyEmail
			if v.User.Profile.Username != "victor" || v.PasswordCleared {
				t.Errorf("verified as %+v", v)
			}
			s.expectMember(v.Tokens.AccessToken, email)
			if r := s.trySignIn(email, password); len(r.Errors) > 0 {
				t.Errorf("the owner's password: %s", r.Body)
			}
			s.expectFault("the stranger's code", s.do("", verifyEmail, input("email", email, "code", codes["mallory"])), wrongCode)
			if r := s.trySignIn(email, strangersPassword); r.code() != "INVALID_CREDENTIALS" {
				t.Errorf("the stranger's password: %s", r.Body)
			}
			s.must("", requestVerification, input("email", email))
			if got := s.sent(); len(got) != 2 {
				t.Errorf("mails: %v, and there is nothing to verify any more", got)
			}
			s.expectAvailable("of the stranger, at once", false, "mallory") // or he would know that the address was proved
			s.db.Query(t, `UPDATE app.user_private SET pending_until = now() WHERE pending_until IS NOT NULL`)
			s.expectAvailable("of the stranger, in the end", true, "mallory")
			s.must("", requestReset, input("email", email))
			s.must("", resetPassword, input("email", email, "code", s.codeTo(email, "reset_password", 1), "newPassword", newPassword))
			if r := s.trySignIn(email, newPassword); len(r.Errors) > 0 {
				t.Errorf("with a new password: %s", r.Body)
			}
		})
	}
}

// P08: whoever has proved the address otherwise, while a stranger's sign-up waits for it, ends that as well.
func TestPendingSignUpEndsWhenTheAddressIsProvedOtherwise(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	v := s.signUpVerified("victor", "old@example.org")
	s.signUpPending("mallory", "new@example.org", nil)
	code := s.codeTo("new@example.org", "verify_email", 1)
	s.must(v.Token, changeEmail, input("newEmail", "new@example.org"))
	s.must(v.Token, verifyEmail, input("email", "new@example.org", "code", s.codeTo("new@example.org", "change_email", 1)))
	s.expectFault("the stranger's code", s.do("", verifyEmail, input("email", "new@example.org", "code", code)), wrongCode)
	s.expectAvailable("of the stranger", false, "mallory")
	if r := s.trySignIn("new@example.org", password); len(r.Errors) > 0 { // it is his own
		t.Errorf("the owner: %s", r.Body)
	}
}

// P03: nor does a retry tell whoever has signed up with another's address that its owner has proved it since.
func TestRetryTellsNothingOfAProvedAddress(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	const email = "victor@example.org"
	mallory := vars{"input": vars{"email": email, "password": password, "username": "mallory", "idempotencyKey": "k"}}
	s.must("", signUpMutation, mallory)
	s.codeTo(email, "verify_email", 1) // mails are sent after a random time: the stranger's is to be the first
	s.signUpPending("victor", email, nil)
	s.verify(email, s.codeTo(email, "verify_email", 2))
	if r := s.do("", signUpMutation, mallory); string(r.Data) != nothingYet || len(r.Errors) > 0 {
		t.Errorf("the retry: %s", r.Body)
	}
}

// P08: a stranger who uses up the mails of an address cannot have its owner sign up unheard: whichever code the owner enters, the
// stranger's password does not count.
func TestUsedUpMailsHideNoRival(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly, "FREEHOLD_RATE_LIMIT=on").work()
	const email = "victor@example.org"
	s.signUpPending("mallory", email, nil)
	code := s.codeTo(email, "verify_email", 1)
	s.db.Query(t, `UPDATE app.rate_limits SET hits = 100 WHERE bucket LIKE 'mail %'`)
	if r := s.signUpPending("victor", email, nil); string(r.Data) != nothingYet {
		t.Errorf("the owner's sign-up: %s", r.Body)
	}
	if got := s.sent(); len(got) != 1 {
		t.Errorf("mails: %v", got)
	}
	if v := s.verify(email, code).VerifyEmail; !v.PasswordCleared {
		t.Errorf("verified as %+v", v)
	}
	if r := s.trySignIn(email, strangersPassword); r.code() != "INVALID_CREDENTIALS" {
		t.Errorf("the stranger's password: %s", r.Body)
	}
}

// P08, P18: sign-ups without number hide no code that was sent to the address.
func TestManyRivalsHideNoCode(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly, "FREEHOLD_RATE_LIMIT=on").work()
	const email = "victor@example.org"
	s.signUpPending("victor", email, nil)
	code := s.codeTo(email, "verify_email", 1)
	for n := range 30 {
		s.signUpPending(fmt.Sprint("mallory-", n), email, nil)
	}
	if v := s.verify(email, code).VerifyEmail; v.User.Profile.Username != "victor" {
		t.Errorf("verified as %+v", v)
	}
}

// P08: nor does the owner's own sign-up count for nothing because he did not verify it in time: a stranger's that came after it
// leaves him no password of the stranger's.
func TestOverdueSignUpIsARivalAsWell(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	const email = "victor@example.org"
	s.signUpPending("victor", email, nil)
	s.signUpPending("mallory", email, nil)
	s.db.Query(t, `UPDATE app.user_private u SET pending_until = now() FROM app.profiles p WHERE p.user_id = u.user_id AND p.username = 'victor'`)
	s.codeTo(email, "verify_email", 2)
	s.must("", requestVerification, input("email", email))
	if v := s.verify(email, s.codeTo(email, "verify_email", 3)).VerifyEmail; !v.PasswordCleared {
		t.Errorf("verified as %+v", v)
	}
	if r := s.trySignIn(email, strangersPassword); r.code() != "INVALID_CREDENTIALS" {
		t.Errorf("the stranger's password: %s", r.Body)
	}
}

// A sign-up that was not verified in time cannot be any more, and what is left of it keeps nobody from anything.
func TestPendingSignUpIsOverInTime(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	s.signUpPending("ann", "ann@example.org", nil)
	code := s.codeTo("ann@example.org", "verify_email", 1)
	s.db.Query(t, `UPDATE app.user_private SET pending_until = now()`)
	s.expectFault("the code", s.do("", verifyEmail, input("email", "ann@example.org", "code", code)), wrongCode)
	s.must("", requestVerification, input("email", "ann@example.org"))
	if got := s.sent(); len(got) != 1 {
		t.Errorf("mails: %v", got)
	}
	s.signUpPending("ann", "ann@example.org", nil)
	s.verify("ann@example.org", s.codeTo("ann@example.org", "verify_email", 2))
}

// A new code for a sign-up that waits takes the place of the one before.
func TestNewCodeForPendingSignUp(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	s.signUpPending("ann", "Ann@example.org", nil)
	older := s.codeTo("Ann@example.org", "verify_email", 1)
	s.must("", requestVerification, input("email", "ANN@example.org"))
	newer := s.codeTo("Ann@example.org", "verify_email", 2)
	s.expectFault("the older code", s.do("", verifyEmail, input("email", "ann@example.org", "code", older)), wrongCode)
	if v := s.verify("ann@example.org", newer); v.VerifyEmail.PasswordCleared {
		t.Errorf("%+v", v)
	}
}

// P03: a change to an address that has an account is answered as one to any other, and its owner is told.
func TestChangeToTakenAddressIsNotTold(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	owner, a := s.signUpVerified("owner", "Owner@example.org"), s.signUpVerified("ann", "ann@example.org")
	free, taken := s.do(a.Token, changeEmail, input("newEmail", "free@example.org")), s.do(a.Token, changeEmail, input("newEmail", "oWNER@example.org"))
	if len(free.Errors) > 0 || strings.Replace(taken.Body, "oWNER@", "free@", 1) != free.Body || taken.Status != free.Status {
		t.Errorf("a taken address: %s, a free one: %s", taken.Body, free.Body)
	}
	got := s.sent()
	if len(got) != 4 || count(got, "address_taken Owner@example.org") != 1 || count(got, "change_email free@example.org") != 1 {
		t.Errorf("mails: %v", got)
	}
	s.expectMember(owner.Token, owner.Email)
	s.expectMember(a.Token, a.Email)
}
