package accounts

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
)

// limited starts a service with limits, behind a proxy that it trusts: a test chooses the client's address.
func limited(t *testing.T, further ...string) *harness.Service {
	t.Helper()
	return harness.Start(t, append([]string{"FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1/32"}, further...)...)
}

// sendFrom is Do from a client's address. Goroutines may call it.
func sendFrom(s *harness.Service, address, token, query string, v harness.Vars) harness.Reply {
	r, err := s.TrySend(s.T.Context(), harness.Request{Header: http.Header{"X-Forwarded-For": {address}}, Token: token, Query: query, Vars: v})
	if err != nil {
		s.T.Error(err)
	}
	return r
}

// guessFrom signs in from a client's address.
func guessFrom(s *harness.Service, address, email, password string) harness.Reply {
	return sendFrom(s, address, "", harness.SignInMutation, harness.Input("email", email, "password", password))
}

// expectCodes expects so many replies with each code, "" for none, and a time to retry in each RATE_LIMITED.
func expectCodes(t *testing.T, what string, replies []harness.Reply, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for _, r := range replies {
		got[r.Code()]++
		if r.Code() == "RATE_LIMITED" && r.Errors[0].Extensions.RetryAfter <= 0 {
			t.Errorf("%s: no time to come again: %s", what, r.Body)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// repeat calls act n times, one after the other.
func repeat(n int, act func(i int) harness.Reply) (replies []harness.Reply) {
	for i := range n {
		replies = append(replies, act(i))
	}
	return replies
}

// limitsEnd lets the windows of all limits end.
func limitsEnd(s *harness.Service) {
	s.T.Helper()
	s.DB.Query(s.T, `UPDATE app.rate_limits SET ends_at = now() - interval '1 second'`)
}

// P12: of many guesses at once, only the allowed number is checked, whether or not the account exists. Then even the right
// password gets the same reply.
func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.SignUp(nil)
	told := map[string]bool{} // the statuses, codes and messages
	for email, from := range map[string]string{a.Email: "203.0.113.1", "nobody@example.org": "203.0.113.2"} {
		refused := func() string {
			return s.DB.Query(t, `SELECT count(*) FROM app.security_events WHERE kind = 'SIGN_IN_REFUSED' AND host(ip) = $1`, from)[0]
		}
		replies := together(200, func(i int) harness.Reply { return guessFrom(s, from, email, fmt.Sprint("wrong password ", i)) })
		expectCodes(t, email, replies, map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 190})
		for _, r := range replies {
			told[fmt.Sprint(r.Status, r.Code(), r.Errors[0].Message)] = true
		}
		if n := refused(); n != "10" {
			t.Errorf("%s: %s refusals are noted, want 10", email, n)
		}
		expectCodes(t, email+", the right password", []harness.Reply{guessFrom(s, from, email, harness.Password)}, map[string]int{"RATE_LIMITED": 1})
	}
	if len(told) != 2 {
		t.Errorf("the replies reveal whether there is an account: %v", told)
	}
}

// P13: all spellings of an email address or a network share a bucket. A client cannot choose its own.
func TestSpellingsShareABucket(t *testing.T) {
	t.Parallel()
	s := limited(t)
	for what, addresses := range map[string][]string{
		"IPv4":                  {"203.0.113.1", "::ffff:203.0.113.1", "::ffff:cb00:7101", "203.0.113.1:4711", "198.51.100.1, 203.0.113.1"},
		"a /64 of IPv6":         {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "[2001:db8:1:2::3]:443", "2001:DB8:1:2::4"},
		"who is not believable": {"x", "", "203.0.113.1, unknown", "127.0.0.1"}, // then the proxy itself
	} {
		a := s.SignUp(nil)
		spellings := []string{a.Email, strings.ToUpper(a.Email), strings.ToUpper(a.Email[:1]) + a.Email[1:]}
		guess := func(i int) harness.Reply {
			return guessFrom(s, addresses[i%len(addresses)], spellings[i%len(spellings)], "wrong password")
		}
		expectCodes(t, what, repeat(10, guess), map[string]int{"INVALID_CREDENTIALS": 10})
		n := len(addresses) * len(spellings)
		expectCodes(t, what+", further", repeat(n, guess), map[string]int{"RATE_LIMITED": n})
		for _, another := range []string{"203.0.113.2", "2001:db8:1:3::1"} {
			expectCodes(t, another, []harness.Reply{guessFrom(s, another, a.Email, "wrong password")}, map[string]int{"INVALID_CREDENTIALS": 1})
		}
	}
}

// P13: if no proxy is trusted, no client can claim another address.
func TestForwardedAddressesAreNotBelieved(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_RATE_LIMIT=on")
	replies := repeat(12, func(i int) harness.Reply {
		return guessFrom(s, fmt.Sprint("203.0.113.", i), "nobody@example.org", "wrong password")
	})
	expectCodes(t, "from everywhere, as they say", replies, map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 2})
}

// P13: a document cannot have several guesses under aliases. None of it runs or is counted.
func TestAliasesAreNoFurtherGuesses(t *testing.T) {
	t.Parallel()
	s := limited(t)
	guesses := make([]string, 20)
	for i := range guesses {
		guesses[i] = fmt.Sprintf(`a%d: signIn(input: {email: "nobody@example.org", password: "wrong password %d"}) { user { id } }`, i, i)
	}
	r := s.Do("", "mutation {"+strings.Join(guesses, " ")+"}", nil)
	if r.Code() != "OPERATION_TOO_COSTLY" || strings.Contains(r.Body, `"data"`) {
		t.Errorf("20 guesses: %d %s", r.Status, r.Body)
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.security_events`); n[0] != "0" {
		t.Errorf("%s guesses were looked at", n[0])
	}
}

// P18: whatever many strangers do to V's account, V can sign in from a known client.
func TestStrangersLockNoOwnerOut(t *testing.T) {
	t.Parallel()
	s := limited(t)
	const home = "198.51.100.7"
	a := s.SignUp(nil)
	expectCodes(t, "V at home", []harness.Reply{guessFrom(s, home, a.Email, harness.Password)}, map[string]int{"": 1})
	replies := together(110, func(i int) harness.Reply {
		return guessFrom(s, fmt.Sprint("203.0.113.", i), a.Email, fmt.Sprint("wrong password ", i))
	})
	expectCodes(t, "strangers", replies, map[string]int{"INVALID_CREDENTIALS": 99, "RATE_LIMITED": 11}) // V was a stranger too, once
	expectCodes(t, "a further stranger who knows the password", []harness.Reply{guessFrom(s, "203.0.113.200", a.Email, harness.Password)}, map[string]int{"RATE_LIMITED": 1})
	expectCodes(t, "V at home, under attack", []harness.Reply{guessFrom(s, home, a.Email, harness.Password)}, map[string]int{"": 1})
	other := s.SignUp(nil)
	expectCodes(t, "somebody else", []harness.Reply{guessFrom(s, "203.0.113.1", other.Email, harness.Password)}, map[string]int{"": 1})
	// At V's home, another person has ten guesses as everywhere. V has all of them again after each right one.
	wrong := func(int) harness.Reply { return guessFrom(s, home, a.Email, "wrong password") }
	for range 2 {
		expectCodes(t, "nine at V's home", repeat(9, wrong), map[string]int{"INVALID_CREDENTIALS": 9})
		expectCodes(t, "the right one", []harness.Reply{guessFrom(s, home, a.Email, harness.Password)}, map[string]int{"": 1})
	}
	expectCodes(t, "and on", repeat(12, wrong), map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 2})
}

// P18: a user who has proved ownership by a code is not a stranger on that client. A client that used the account before is
// one.
func TestNewPasswordMakesAKnownClient(t *testing.T) {
	t.Parallel()
	s := limited(t).Work()
	const mallory, victor = "198.51.100.6", "198.51.100.7"
	email := "victor@example.org" // with which Mallory has signed up
	sendFrom(s, mallory, "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": "mallory"}})
	s.Must("", harness.RequestReset, harness.Input("email", email))
	r := sendFrom(s, victor, "", harness.ResetPassword, harness.Input("email", email, "code", s.CodeTo(email, "reset_password", 1), "newPassword", harness.NewPassword))
	if len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	guessFrom(s, "203.0.113.1", email, "wrong password")
	s.DB.Query(t, `UPDATE app.rate_limits SET hits = 100 WHERE bucket LIKE 'strangers %'`)
	expectCodes(t, "Mallory", []harness.Reply{guessFrom(s, mallory, email, harness.Password)}, map[string]int{"RATE_LIMITED": 1})
	expectCodes(t, "Victor", []harness.Reply{guessFrom(s, victor, email, harness.NewPassword)}, map[string]int{"": 1})
}

// A limit ends with its window, and begins anew.
func TestLimitsEnd(t *testing.T) {
	t.Parallel()
	s := limited(t)
	for range 2 {
		expectCodes(t, "guesses", repeat(11, func(int) harness.Reply { return guessFrom(s, "203.0.113.1", "nobody@example.org", "x") }), map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 1})
		limitsEnd(s)
	}
	s.DB.Query(t, `UPDATE app.rate_limits SET hits = 1000, ends_at = now() + interval '90 seconds'`)
	r := guessFrom(s, "203.0.113.1", "nobody@example.org", "x")
	if after := r.Errors[0].Extensions.RetryAfter; after < 80 || after > 90 {
		t.Errorf("to come again after %d s, want 90", after)
	}
}

// One client has a limited number of sign-ups, sign-ins, tries of passwords and codes, and requests, for all accounts
// together. A /48 of IPv6 has eight times as many, from any of its clients.
func TestLimitsOfAClient(t *testing.T) {
	t.Parallel()
	s := limited(t)
	members := make([]harness.Account, 6) // each has guesses of its own
	for i := range members {
		members[i] = s.SignUp(nil)
	}
	s.DB.Query(t, `DELETE FROM app.rate_limits`)
	for what, ask := range map[string]func(address string, i int) harness.Reply{
		"passwordTry": func(address string, i int) harness.Reply {
			return sendFrom(s, address, members[i%len(members)].Token, harness.Reauthenticate, harness.Input("password", harness.Password))
		},
		"signUp": func(address string, i int) harness.Reply {
			return sendFrom(s, address, "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "x", "password": "x", "username": fmt.Sprint("u", i)}})
		},
		"signIn": func(address string, i int) harness.Reply {
			return guessFrom(s, address, fmt.Sprintf("u%d@example.org", i), "x")
		},
		"codeRequest": func(address string, i int) harness.Reply {
			return sendFrom(s, address, "", harness.RequestReset, harness.Input("email", fmt.Sprintf("u%d@example.org", i)))
		},
		"codeTry": func(address string, i int) harness.Reply {
			return sendFrom(s, address, "", harness.VerifyEmail, harness.Input("email", fmt.Sprintf("u%d@example.org", i), "code", "0000-0000"))
		},
	} {
		ask("203.0.113.1", 0)
		expectCodes(t, what+" by its /48", repeat(1, func(i int) harness.Reply { return ask("2001:db8:1:1::1", 100+i) }), map[string]int{ask("2001:db8:1:2::1", 200).Code(): 1})
		s.DB.Query(t, `UPDATE app.rate_limits SET hits = hits + 797 WHERE bucket = $1`, what+" 2001:db8:1::/48") // two were counted
		if r := ask("2001:db8:1:3::1", 201); r.Code() == "RATE_LIMITED" {
			t.Errorf("%s for the 800th time of a /48: %s", what, r.Body)
		}
		expectCodes(t, what+" of a /48", repeat(2, func(i int) harness.Reply { return ask(fmt.Sprintf("2001:db8:1:%d::1", 4+i), 202+i) }), map[string]int{"RATE_LIMITED": 2})
		if r := ask("2001:db8:2:3::1", 204); r.Code() == "RATE_LIMITED" {
			t.Errorf("%s from another /48: %s", what, r.Body)
		}
		s.DB.Query(t, `UPDATE app.rate_limits SET hits = hits + 98 WHERE bucket = $1`, what+" 203.0.113.1/32")
		if r := ask("203.0.113.1", 1); r.Code() == "RATE_LIMITED" {
			t.Errorf("%s for the 100th time: %s", what, r.Body)
		}
		expectCodes(t, what, repeat(2, func(i int) harness.Reply { return ask("203.0.113.1", 2+i) }), map[string]int{"RATE_LIMITED": 2})
		if r := ask("203.0.113.2", 4); r.Code() == "RATE_LIMITED" {
			t.Errorf("%s from elsewhere: %s", what, r.Body)
		}
	}
}

// A sign-up with the address of an account reveals nothing about its password, also by its limits.
func TestSignUpIsNoPasswordOracle(t *testing.T) {
	t.Parallel()
	open := limited(t)
	a := open.SignUp(nil)
	strict := harness.StartWith(t, open.DB, harness.BothLayers, app.Options{}, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	for _, s := range []*harness.Service{open, strict} {
		var want harness.Reply
		for _, guess := range []string{"wrong password", harness.Password} {
			for _, key := range []any{nil, fmt.Sprint("key-", harness.Serial.Add(1))} {
				r := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": a.Email, "password": guess, "username": fmt.Sprint("x-", harness.Serial.Add(1)), "idempotencyKey": key}})
				if want.Body == "" {
					want = r
				}
				if r.Body != want.Body || r.Status != want.Status || strings.Contains(r.Body, a.UserID) {
					t.Errorf("%q with the key %v: %s, want %s", guess, key, r.Body, want.Body)
				}
			}
		}
	}
}
