package accounts

import (
	"fmt"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// afterwards lets time pass for limits, codes and pending sign-ups.
func afterwards(s *harness.Service, d time.Duration) {
	s.T.Helper()
	for _, column := range []string{"rate_limits SET ends_at = ends_at", "codes SET expires_at = expires_at", "user_private SET pending_until = pending_until"} {
		s.DB.Query(s.T, `UPDATE app.`+column+` - make_interval(secs => $1)`, d.Seconds())
	}
}

// newestCode returns the code of the newest mail of a kind to an address.
func newestCode(s *harness.Service, email, kind string) string {
	s.T.Helper()
	s.AwaitOutbox()
	return s.CodeTo(email, kind, 1)
}

// strangers act from so many networks, so many times each. Mails are sent in between, so that their order is known.
func strangers(s *harness.Service, networks, times int, act func(from string) harness.Reply) {
	s.T.Helper()
	for n := range networks * times {
		if r := act(fmt.Sprint("203.0.113.", n%networks+1)); len(r.Errors) > 0 && r.Code() != "RATE_LIMITED" && r.Code() != "INVALID_CREDENTIALS" && r.Code() != "BAD_USER_INPUT" {
			s.T.Fatal(r.Body)
		}
		s.AwaitOutbox()
	}
}

// lifetimes are those of codes and of the windows of limits. Each test of lock-outs runs at once, and one second after each
// of them.
var lifetimes = []time.Duration{0, 15 * time.Minute, 30 * time.Minute, time.Hour, 12 * time.Hour}

const ownersHome = "198.51.100.7" // from which no one has signed in

// P18, P20: strangers use up every limit of an address, from a few networks. At once, and one second after each lifetime, the
// owner gets in from an unknown client: by an existing code, or by a new one.
func TestStrangersLockNoOwnerOutOfCodes(t *testing.T) {
	t.Parallel()
	const email = "victor@example.org"
	signUp := func(s *harness.Service, from string) harness.Reply {
		return sendFrom(s, from, "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": "a password of a stranger", "username": fmt.Sprint("x-", harness.Serial.Add(1))}})
	}
	reset := func(s *harness.Service, from string) harness.Reply {
		return sendFrom(s, from, "", harness.RequestReset, harness.Input("email", email))
	}
	verification := func(s *harness.Service, from string) harness.Reply {
		return sendFrom(s, from, "", harness.RequestVerification, harness.Input("email", email))
	}
	for what, c := range map[string]struct {
		verified, kind string
		ask            func(s *harness.Service, from string) harness.Reply
		use            func(s *harness.Service, code string) harness.Reply
	}{
		"a new password": {"off", "reset_password", reset, func(s *harness.Service, code string) harness.Reply {
			return sendFrom(s, ownersHome, "", harness.ResetPassword, harness.Input("email", email, "code", code, "newPassword", harness.NewPassword))
		}},
		"a verification": {"off", "verify_email", verification, func(s *harness.Service, code string) harness.Reply {
			return sendFrom(s, ownersHome, "", harness.VerifyEmail, harness.Input("email", email, "code", code))
		}},
		"a sign-up": {"on", "verify_email", signUp, func(s *harness.Service, code string) harness.Reply {
			return sendFrom(s, ownersHome, "", harness.VerifyEmail, harness.Input("email", email, "code", code))
		}},
		"the verification of a sign-up": {"on", "verify_email", verification, func(s *harness.Service, code string) harness.Reply {
			return sendFrom(s, ownersHome, "", harness.VerifyEmail, harness.Input("email", email, "code", code))
		}},
	} {
		for _, lifetime := range lifetimes {
			for _, networks := range []int{1, 5} {
				t.Run(fmt.Sprintf("%s, %d networks, after %v", what, networks, lifetime), func(t *testing.T) {
					t.Parallel()
					s := limited(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL="+c.verified).Work()
					signUp(s, "203.0.113.200")
					strangers(s, networks, 4, func(from string) harness.Reply { return c.ask(s, from) })
					if lifetime > 0 || networks == 1 { // else the owner looks the same as strangers who now use up mails and tries
						strangers(s, 5, 6, func(from string) harness.Reply {
							sendFrom(s, from, "", harness.VerifyEmail, harness.Input("email", email, "code", "0000-0000"))
							return sendFrom(s, from, "", harness.ResetPassword, harness.Input("email", email, "code", "0000-0000", "newPassword", harness.NewPassword))
						})
					}
					if lifetime > 0 {
						afterwards(s, lifetime+time.Second)
					}
					c.ask(s, ownersHome) // a request may be too early; then a valid code exists
					if r := c.use(s, newestCode(s, email, c.kind)); len(r.Errors) > 0 {
						t.Errorf("the owner: %s", r.Body)
					}
				})
			}
		}
	}
}

// P18, P20: after a stranger's sign-ups and requests with an address, its owner still gets a mail for a sign-up. The replies
// are the same if the address has an account.
func TestFirstSignUpGetsItsMail(t *testing.T) {
	t.Parallel()
	s := limited(t, verifiedOnly).Work()
	const email = "victor@example.org"
	signUp := func(from, name string) harness.Reply {
		return sendFrom(s, from, "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": name}})
	}
	strangers(s, 1, 4, func(from string) harness.Reply { return signUp(from, fmt.Sprint("mallory-", harness.Serial.Add(1))) })
	strangers(s, 1, 4, func(from string) harness.Reply {
		return sendFrom(s, from, "", harness.RequestVerification, harness.Input("email", email))
	})
	if r := signUp(ownersHome, "victor"); string(r.Data) != nothingYet {
		t.Errorf("the owner's sign-up: %s", r.Body)
	}
	if v := verify(s, email, newestCode(s, email, "verify_email")).VerifyEmail; v.User.Profile.Username != "victor" {
		t.Errorf("verified as %+v", v)
	}
}

// P22: a reset clears the wrong guesses that its client has made, outside of the account and in it.
func TestResetForgetsGuesses(t *testing.T) {
	t.Parallel()
	s := limited(t).Work()
	a := s.SignUp(nil)
	wrong := repeat(11, func(int) harness.Reply { return guessFrom(s, ownersHome, a.Email, "wrong password") })
	expectCodes(t, "guesses", wrong, map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 1})
	inside := repeat(11, func(int) harness.Reply {
		return s.Do(a.Token, harness.Reauthenticate, harness.Input("password", "wrong password"))
	})
	expectCodes(t, "guesses inside", inside, map[string]int{"BAD_USER_INPUT": 10, "RATE_LIMITED": 1})
	sendFrom(s, ownersHome, "", harness.RequestReset, harness.Input("email", a.Email))
	r := sendFrom(s, ownersHome, "", harness.ResetPassword, harness.Input("email", a.Email, "code", newestCode(s, a.Email, "reset_password"), "newPassword", harness.NewPassword))
	if len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	in := guessFrom(s, ownersHome, a.Email, harness.NewPassword)
	expectCodes(t, "the new password", []harness.Reply{in}, map[string]int{"": 1})
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	in.Into(t, &data)
	s.Must(data.SignIn.Tokens.AccessToken, harness.Reauthenticate, harness.Input("password", harness.NewPassword))
}

// P18: each client from which an account is used has its own count of mails. No other client can use it up.
func TestKnownClientsHaveACountEach(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.SignUp(nil)
	homes := []string{"198.51.100.1", "198.51.100.2", "198.51.100.3"}
	for _, home := range homes {
		expectCodes(t, home, []harness.Reply{guessFrom(s, home, a.Email, harness.Password)}, map[string]int{"": 1})
	}
	for what, query := range map[string]string{"a new password": harness.RequestReset, "a verification": harness.RequestVerification} {
		for _, home := range homes {
			ask := func(int) harness.Reply { return sendFrom(s, home, "", query, harness.Input("email", a.Email)) }
			expectCodes(t, what+" from "+home, repeat(4, ask), map[string]int{"": 3, "RATE_LIMITED": 1})
		}
	}
	s = limited(t, "FREEHOLD_LIMIT_GUESS_TOTAL=5/1h")
	a = s.SignUp(nil)
	for _, home := range homes {
		expectCodes(t, home, []harness.Reply{guessFrom(s, home, a.Email, harness.Password)}, map[string]int{"": 1})
	}
	guess := func(int) harness.Reply { return guessFrom(s, homes[0], a.Email, "not the password") }
	expectCodes(t, "guesses of one home", repeat(6, guess), map[string]int{"INVALID_CREDENTIALS": 6})
	expectCodes(t, "another home", []harness.Reply{guessFrom(s, homes[1], a.Email, harness.Password)}, map[string]int{"": 1})
}

// P18: the client of a revoked session is a stranger. The client of a session that signed out or expired is not.
func TestClientOfARevokedSessionIsAStranger(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		end  func(s *harness.Service, a harness.Account, home harness.Account)
		want string
	}{
		"revoked": {func(s *harness.Service, a, home harness.Account) {
			s.Must(a.Token, `mutation ($i: RevokeSessionInput!) { revokeSession(input: $i) { revokedSessionId } }`, harness.Input("id", sessionOf(s, home.Token)))
		}, "RATE_LIMITED"},
		"revoked with the others": {func(s *harness.Service, a, _ harness.Account) {
			s.Must(a.Token, `mutation { revokeOtherSessions { revokedSessionIds } }`, nil)
		}, "RATE_LIMITED"},
		"another password": {func(s *harness.Service, a, _ harness.Account) {
			s.Must(a.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword))
		}, "RATE_LIMITED"},
		"signed out": {func(s *harness.Service, _, home harness.Account) {
			s.Must(home.Token, `mutation { signOut { success } }`, nil)
		}, ""},
		"signed out by the refresh token": {func(s *harness.Service, _, home harness.Account) {
			s.Must("", `mutation ($i: SignOutInput) { signOut(input: $i) { success } }`, harness.Input("refreshToken", home.Refresh))
		}, ""},
		"expired": {func(s *harness.Service, _, _ harness.Account) {
			s.DB.Query(t, `UPDATE app.sessions SET idle_expires_at = now()`)
		}, ""},
		"live": {func(*harness.Service, harness.Account, harness.Account) {}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := limited(t)
			a := s.SignUp(nil)
			var data struct {
				SignIn struct {
					Tokens struct{ AccessToken, RefreshToken string }
				}
			}
			guessFrom(s, ownersHome, a.Email, harness.Password).Into(t, &data)
			c.end(s, a, harness.Account{Token: data.SignIn.Tokens.AccessToken, Refresh: data.SignIn.Tokens.RefreshToken})
			guessFrom(s, "203.0.113.1", a.Email, "wrong password")
			s.DB.Query(t, `UPDATE app.rate_limits SET hits = 1000 WHERE bucket LIKE 'strangers %'`)
			expectCodes(t, "the client", []harness.Reply{guessFrom(s, ownersHome, a.Email, "wrong password")}, map[string]int{map[string]string{"": "INVALID_CREDENTIALS"}[c.want] + c.want: 1})
		})
	}
}

// sessionOf returns the id of the session that asks.
func sessionOf(s *harness.Service, token string) string {
	s.T.Helper()
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
	s.Must(token, `{ me { sessions(first: 100) { nodes { id current } } } }`, nil).Into(s.T, &data)
	for _, n := range data.Me.Sessions.Nodes {
		if n.Current {
			return n.ID
		}
	}
	s.T.Fatal("no session asks")
	return ""
}
