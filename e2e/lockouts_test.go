package e2e

import (
	"fmt"
	"testing"
	"time"
)

// afterwards lets time pass for limits, codes and sign-ups that wait.
func (s *service) afterwards(d time.Duration) {
	s.t.Helper()
	for _, column := range []string{"rate_limits SET ends_at = ends_at", "codes SET expires_at = expires_at", "user_private SET pending_until = pending_until"} {
		s.db.Query(s.t, `UPDATE app.`+column+` - make_interval(secs => $1)`, d.Seconds())
	}
}

// newestCode is the code of the newest mail of a kind to an address.
func (s *service) newestCode(email, kind string) string {
	s.t.Helper()
	s.settled()
	return s.codeTo(email, kind, 1)
}

// strangers do something from so many networks, so many times each; mails are sent in between, so that their order is known.
func (s *service) strangers(networks, times int, act func(from string) reply) {
	s.t.Helper()
	for n := range networks * times {
		if r := act(fmt.Sprint("203.0.113.", n%networks+1)); len(r.Errors) > 0 && r.code() != "RATE_LIMITED" && r.code() != "INVALID_CREDENTIALS" && r.code() != "BAD_USER_INPUT" {
			s.t.Fatal(r.Body)
		}
		s.settled()
	}
}

// lifetimes are those of codes and of the windows of limits. Each test of lock-outs runs one second after each of them.
var lifetimes = []time.Duration{0, 15 * time.Minute, 30 * time.Minute, time.Hour, 12 * time.Hour}

const ownersHome = "198.51.100.7" // from which nobody has signed in

// P18, P20: strangers use up every limit of an address, from a few networks. At once, and one second after each lifetime, its
// owner gets in from a client that nobody knows: by a code that is there, or by a further one.
func TestStrangersLockNobodyOutOfCodes(t *testing.T) {
	t.Parallel()
	const email = "victor@example.org"
	signUp := func(s *service, from string) reply {
		return s.from(from, "", signUpMutation, vars{"input": vars{"email": email, "password": "a password of a stranger", "username": fmt.Sprint("x-", serial.Add(1))}})
	}
	reset := func(s *service, from string) reply { return s.from(from, "", requestReset, input("email", email)) }
	verification := func(s *service, from string) reply {
		return s.from(from, "", requestVerification, input("email", email))
	}
	for what, c := range map[string]struct {
		verified, kind string
		ask            func(s *service, from string) reply
		use            func(s *service, code string) reply
	}{
		"a new password": {"off", "reset_password", reset, func(s *service, code string) reply {
			return s.from(ownersHome, "", resetPassword, input("email", email, "code", code, "newPassword", newPassword))
		}},
		"a verification": {"off", "verify_email", verification, func(s *service, code string) reply {
			return s.from(ownersHome, "", verifyEmail, input("email", email, "code", code))
		}},
		"a sign-up": {"on", "verify_email", signUp, func(s *service, code string) reply {
			return s.from(ownersHome, "", verifyEmail, input("email", email, "code", code))
		}},
		"the verification of a sign-up": {"on", "verify_email", verification, func(s *service, code string) reply {
			return s.from(ownersHome, "", verifyEmail, input("email", email, "code", code))
		}},
	} {
		for _, lifetime := range lifetimes {
			for _, networks := range []int{1, 5} {
				t.Run(fmt.Sprintf("%s, %d networks, after %v", what, networks, lifetime), func(t *testing.T) {
					t.Parallel()
					s := limited(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL="+c.verified).work()
					signUp(s, "203.0.113.200")
					s.strangers(networks, 4, func(from string) reply { return c.ask(s, from) })
					if lifetime > 0 || networks == 1 { // else nobody can tell the owner from those who use up both mails and tries at this moment
						s.strangers(5, 6, func(from string) reply {
							s.from(from, "", verifyEmail, input("email", email, "code", "0000-0000"))
							return s.from(from, "", resetPassword, input("email", email, "code", "0000-0000", "newPassword", newPassword))
						})
					}
					if lifetime > 0 {
						s.afterwards(lifetime + time.Second)
					}
					c.ask(s, ownersHome) // it may be too often; then there is a code
					if r := c.use(s, s.newestCode(email, c.kind)); len(r.Errors) > 0 {
						t.Errorf("the owner: %s", r.Body)
					}
				})
			}
		}
	}
}

// P18, P20: a stranger's sign-ups and requests with an address leave its owner a mail for a sign-up of their own, and the answers
// are the same where the address has an account.
func TestFirstSignUpGetsItsMail(t *testing.T) {
	t.Parallel()
	s := limited(t, verifiedOnly).work()
	const email = "victor@example.org"
	signUp := func(from, name string) reply {
		return s.from(from, "", signUpMutation, vars{"input": vars{"email": email, "password": password, "username": name}})
	}
	s.strangers(1, 4, func(from string) reply { return signUp(from, fmt.Sprint("mallory-", serial.Add(1))) })
	s.strangers(1, 4, func(from string) reply { return s.from(from, "", requestVerification, input("email", email)) })
	if r := signUp(ownersHome, "victor"); string(r.Data) != nothingYet {
		t.Errorf("the owner's sign-up: %s", r.Body)
	}
	if v := s.verify(email, s.newestCode(email, "verify_email")).VerifyEmail; v.User.Profile.Username != "victor" {
		t.Errorf("verified as %+v", v)
	}
}

// P22: a new password by mail ends what its client has guessed before, outside of the account and in it.
func TestResetForgetsGuesses(t *testing.T) {
	t.Parallel()
	s := limited(t).work()
	a := s.signUp(nil)
	wrong := repeat(11, func(int) reply { return s.guess(ownersHome, a.Email, "wrong password") })
	expectCodes(t, "guesses", wrong, map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 1})
	inside := repeat(11, func(int) reply { return s.do(a.Token, reauthenticate, input("password", "wrong password")) })
	expectCodes(t, "guesses inside", inside, map[string]int{"BAD_USER_INPUT": 10, "RATE_LIMITED": 1})
	s.from(ownersHome, "", requestReset, input("email", a.Email))
	r := s.from(ownersHome, "", resetPassword, input("email", a.Email, "code", s.newestCode(a.Email, "reset_password"), "newPassword", newPassword))
	if len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	in := s.guess(ownersHome, a.Email, newPassword)
	expectCodes(t, "the new password", []reply{in}, map[string]int{"": 1})
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	in.into(t, &data)
	s.must(data.SignIn.Tokens.AccessToken, reauthenticate, input("password", newPassword))
}

// P18: each client that an account is used from has a count of mails of its own; none uses up that of another.
func TestKnownClientsHaveACountEach(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.signUp(nil)
	homes := []string{"198.51.100.1", "198.51.100.2", "198.51.100.3"}
	for _, home := range homes {
		expectCodes(t, home, []reply{s.guess(home, a.Email, password)}, map[string]int{"": 1})
	}
	for what, query := range map[string]string{"a new password": requestReset, "a verification": requestVerification} {
		for _, home := range homes {
			ask := func(int) reply { return s.from(home, "", query, input("email", a.Email)) }
			expectCodes(t, what+" from "+home, repeat(4, ask), map[string]int{"": 3, "RATE_LIMITED": 1})
		}
	}
	s = limited(t, "FREEHOLD_LIMIT_GUESS_TOTAL=5/1h")
	a = s.signUp(nil)
	for _, home := range homes {
		expectCodes(t, home, []reply{s.guess(home, a.Email, password)}, map[string]int{"": 1})
	}
	guess := func(int) reply { return s.guess(homes[0], a.Email, "not the password") }
	expectCodes(t, "guesses of one home", repeat(6, guess), map[string]int{"INVALID_CREDENTIALS": 6})
	expectCodes(t, "another home", []reply{s.guess(homes[1], a.Email, password)}, map[string]int{"": 1})
}

// P18: the client of a session that was revoked is a stranger; the client of one that signed out, or has expired, is not.
func TestClientOfARevokedSessionIsAStranger(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		end  func(s *service, a account, home account)
		want string
	}{
		"revoked": {func(s *service, a, home account) {
			s.must(a.Token, `mutation ($i: RevokeSessionInput!) { revokeSession(input: $i) { revokedSessionId } }`, input("id", s.sessionOf(home.Token)))
		}, "RATE_LIMITED"},
		"revoked with the others": {func(s *service, a, _ account) {
			s.must(a.Token, `mutation { revokeOtherSessions { revokedSessionIds } }`, nil)
		}, "RATE_LIMITED"},
		"another password": {func(s *service, a, _ account) {
			s.must(a.Token, changePassword, input("currentPassword", password, "newPassword", newPassword))
		}, "RATE_LIMITED"},
		"signed out": {func(s *service, _, home account) { s.must(home.Token, `mutation { signOut { success } }`, nil) }, ""},
		"signed out by the refresh token": {func(s *service, _, home account) {
			s.must("", `mutation ($i: SignOutInput) { signOut(input: $i) { success } }`, input("refreshToken", home.Refresh))
		}, ""},
		"expired": {func(s *service, _, _ account) { s.db.Query(t, `UPDATE app.sessions SET idle_expires_at = now()`) }, ""},
		"live":    {func(*service, account, account) {}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := limited(t)
			a := s.signUp(nil)
			var data struct {
				SignIn struct {
					Tokens struct{ AccessToken, RefreshToken string }
				}
			}
			s.guess(ownersHome, a.Email, password).into(t, &data)
			c.end(s, a, account{Token: data.SignIn.Tokens.AccessToken, Refresh: data.SignIn.Tokens.RefreshToken})
			s.guess("203.0.113.1", a.Email, "wrong password")
			s.db.Query(t, `UPDATE app.rate_limits SET hits = 1000 WHERE bucket LIKE 'strangers %'`)
			expectCodes(t, "the client", []reply{s.guess(ownersHome, a.Email, "wrong password")}, map[string]int{map[string]string{"": "INVALID_CREDENTIALS"}[c.want] + c.want: 1})
		})
	}
}

// sessionOf is the id of the session that asks.
func (s *service) sessionOf(token string) string {
	s.t.Helper()
	var data struct {
		Me struct {
			Sessions struct {
				Nodes []struct {
					ID      string
					Current bool
				}
			}
		}
	}
	s.must(token, `{ me { sessions(first: 100) { nodes { id current } } } }`, nil).into(s.t, &data)
	for _, n := range data.Me.Sessions.Nodes {
		if n.Current {
			return n.ID
		}
	}
	s.t.Fatal("no session asks")
	return ""
}
