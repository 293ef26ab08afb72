package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// limited is a service that counts, behind a proxy that it trusts: a test comes from wherever it says.
func limited(t *testing.T, further ...string) *service {
	t.Helper()
	return start(t, append([]string{"FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1/32"}, further...)...)
}

// from is do from another address; it may be called by goroutines.
func (s *service) from(address, token, query string, v vars) reply {
	header := http.Header{"Content-Type": {"application/json"}, "X-Forwarded-For": {address}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	r, err := s.trySend(http.MethodPost, header, asBody(s.t, query, v))
	if err != nil {
		s.t.Error(err)
	}
	return r
}

// guess is a sign-in from another address.
func (s *service) guess(address, email, password string) reply {
	return s.from(address, "", signInMutation, input("email", email, "password", password))
}

// expectCodes expects so many replies with each code, "" for none, and that each RATE_LIMITED says when to come again.
func expectCodes(t *testing.T, what string, replies []reply, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for _, r := range replies {
		got[r.code()]++
		if r.code() == "RATE_LIMITED" && r.Errors[0].Extensions.RetryAfter <= 0 {
			t.Errorf("%s: no time to come again: %s", what, r.Body)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// repeat does something n times, one after the other.
func repeat(n int, act func(i int) reply) (replies []reply) {
	for i := range n {
		replies = append(replies, act(i))
	}
	return replies
}

// limitsEnd lets the time of every limit pass.
func (s *service) limitsEnd() {
	s.t.Helper()
	s.db.Query(s.t, `UPDATE app.rate_limits SET ends_at = now() - interval '1 second'`)
}

// P12: of many guesses at once as many are looked at as are allowed, whether there is such an account or not; and the right
// password is none the wiser afterwards.
func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.signUp(nil)
	told := map[string]bool{} // the statuses, codes and messages
	for email, from := range map[string]string{a.Email: "203.0.113.1", "nobody@example.org": "203.0.113.2"} {
		refused := func() string {
			return s.db.Query(t, `SELECT count(*) FROM app.security_events WHERE kind = 'SIGN_IN_REFUSED' AND host(ip) = $1`, from)[0]
		}
		replies := together(200, func(i int) reply { return s.guess(from, email, fmt.Sprint("wrong password ", i)) })
		expectCodes(t, email, replies, map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 190})
		for _, r := range replies {
			told[fmt.Sprint(r.Status, r.code(), r.Errors[0].Message)] = true
		}
		if n := refused(); n != "10" {
			t.Errorf("%s: %s refusals are noted, want 10", email, n)
		}
		expectCodes(t, email+", the right password", []reply{s.guess(from, email, password)}, map[string]int{"RATE_LIMITED": 1})
	}
	if len(told) != 2 {
		t.Errorf("whether there is an account can be told from %v", told)
	}
}

// P13: spellings of an address, of the e-mail or of the network, are one bucket; what a client says of itself is not heard.
func TestSpellingsShareABucket(t *testing.T) {
	t.Parallel()
	s := limited(t)
	for what, addresses := range map[string][]string{
		"IPv4":                  {"203.0.113.1", "::ffff:203.0.113.1", "::ffff:cb00:7101", "203.0.113.1:4711", "198.51.100.1, 203.0.113.1"},
		"a /64 of IPv6":         {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "[2001:db8:1:2::3]:443", "2001:DB8:1:2::4"},
		"who is not believable": {"x", "", "203.0.113.1, unknown", "127.0.0.1"}, // then the proxy itself
	} {
		a := s.signUp(nil)
		spellings := []string{a.Email, strings.ToUpper(a.Email), strings.ToUpper(a.Email[:1]) + a.Email[1:]}
		guess := func(i int) reply {
			return s.guess(addresses[i%len(addresses)], spellings[i%len(spellings)], "wrong password")
		}
		expectCodes(t, what, repeat(10, guess), map[string]int{"INVALID_CREDENTIALS": 10})
		n := len(addresses) * len(spellings)
		expectCodes(t, what+", further", repeat(n, guess), map[string]int{"RATE_LIMITED": n})
		for _, another := range []string{"203.0.113.2", "2001:db8:1:3::1"} {
			expectCodes(t, another, []reply{s.guess(another, a.Email, "wrong password")}, map[string]int{"INVALID_CREDENTIALS": 1})
		}
	}
}

// P13: where no proxy is trusted, nobody can be another by saying so.
func TestForwardedAddressesAreNotBelieved(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_RATE_LIMIT=on")
	replies := repeat(12, func(i int) reply { return s.guess(fmt.Sprint("203.0.113.", i), "nobody@example.org", "wrong password") })
	expectCodes(t, "from everywhere, as they say", replies, map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 2})
}

// P13: a document cannot hold many guesses under aliases; nothing of it is looked at, or counted.
func TestAliasesAreNoFurtherGuesses(t *testing.T) {
	t.Parallel()
	s := limited(t)
	guesses := make([]string, 20)
	for i := range guesses {
		guesses[i] = fmt.Sprintf(`a%d: signIn(input: {email: "nobody@example.org", password: "wrong password %d"}) { user { id } }`, i, i)
	}
	r := s.do("", "mutation {"+strings.Join(guesses, " ")+"}", nil)
	if r.code() != "OPERATION_TOO_COSTLY" || strings.Contains(r.Body, `"data"`) {
		t.Errorf("20 guesses: %d %s", r.Status, r.Body)
	}
	if n := s.db.Query(t, `SELECT count(*) FROM app.security_events`); n[0] != "0" {
		t.Errorf("%s guesses were looked at", n[0])
	}
}

// P18: whatever many strangers do to V's account, V signs in from where he has before.
func TestStrangersLockNobodyOut(t *testing.T) {
	t.Parallel()
	s := limited(t)
	const home = "198.51.100.7"
	a := s.signUp(nil)
	expectCodes(t, "V at home", []reply{s.guess(home, a.Email, password)}, map[string]int{"": 1})
	replies := together(110, func(i int) reply {
		return s.guess(fmt.Sprint("203.0.113.", i), a.Email, fmt.Sprint("wrong password ", i))
	})
	expectCodes(t, "strangers", replies, map[string]int{"INVALID_CREDENTIALS": 99, "RATE_LIMITED": 11}) // V was one as well, once
	expectCodes(t, "a further stranger who knows the password", []reply{s.guess("203.0.113.200", a.Email, password)}, map[string]int{"RATE_LIMITED": 1})
	expectCodes(t, "V at home, under attack", []reply{s.guess(home, a.Email, password)}, map[string]int{"": 1})
	other := s.signUp(nil)
	expectCodes(t, "somebody else", []reply{s.guess("203.0.113.1", other.Email, password)}, map[string]int{"": 1})
	// Who is at V's home has ten guesses like everybody; and V himself has them all again after each that was right.
	wrong := func(int) reply { return s.guess(home, a.Email, "wrong password") }
	for range 2 {
		expectCodes(t, "nine at V's home", repeat(9, wrong), map[string]int{"INVALID_CREDENTIALS": 9})
		expectCodes(t, "the right one", []reply{s.guess(home, a.Email, password)}, map[string]int{"": 1})
	}
	expectCodes(t, "and on", repeat(12, wrong), map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 2})
}

// P18: who has proved by a code that he is the owner is no stranger where he did so; and who was in the account before that is
// one.
func TestNewPasswordMakesAKnownClient(t *testing.T) {
	t.Parallel()
	s := limited(t).work()
	const mallory, victor = "198.51.100.6", "198.51.100.7"
	email := "victor@example.org" // with which Mallory has signed up
	s.from(mallory, "", signUpMutation, vars{"input": vars{"email": email, "password": password, "username": "mallory"}})
	s.must("", requestReset, input("email", email))
	r := s.from(victor, "", resetPassword, input("email", email, "code", s.codeTo(email, "reset_password", 1), "newPassword", newPassword))
	if len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	s.guess("203.0.113.1", email, "wrong password")
	s.db.Query(t, `UPDATE app.rate_limits SET hits = 100 WHERE bucket LIKE 'strangers %'`)
	expectCodes(t, "Mallory", []reply{s.guess(mallory, email, password)}, map[string]int{"RATE_LIMITED": 1})
	expectCodes(t, "Victor", []reply{s.guess(victor, email, newPassword)}, map[string]int{"": 1})
}

// A limit ends with its window, and begins anew.
func TestLimitsEnd(t *testing.T) {
	t.Parallel()
	s := limited(t)
	for range 2 {
		expectCodes(t, "guesses", repeat(11, func(int) reply { return s.guess("203.0.113.1", "nobody@example.org", "x") }), map[string]int{"INVALID_CREDENTIALS": 10, "RATE_LIMITED": 1})
		s.limitsEnd()
	}
	s.db.Query(t, `UPDATE app.rate_limits SET hits = 1000, ends_at = now() + interval '90 seconds'`)
	r := s.guess("203.0.113.1", "nobody@example.org", "x")
	if after := r.Errors[0].Extensions.RetryAfter; after < 80 || after > 90 {
		t.Errorf("to come again after %d s, want 90", after)
	}
}

// One client has a number of sign-ups, sign-ins, tries of passwords and codes, and requests, whatever the accounts; and a /48 of
// IPv6 has eight times as many, from any of its clients.
func TestLimitsOfAClient(t *testing.T) {
	t.Parallel()
	s := limited(t)
	members := make([]account, 6) // each has guesses of its own
	for i := range members {
		members[i] = s.signUp(nil)
	}
	s.db.Query(t, `DELETE FROM app.rate_limits`)
	for what, ask := range map[string]func(address string, i int) reply{
		"passwordTry": func(address string, i int) reply {
			return s.from(address, members[i%len(members)].Token, reauthenticate, input("password", password))
		},
		"signUp": func(address string, i int) reply {
			return s.from(address, "", signUpMutation, vars{"input": vars{"email": "x", "password": "x", "username": fmt.Sprint("u", i)}})
		},
		"signIn": func(address string, i int) reply { return s.guess(address, fmt.Sprintf("u%d@example.org", i), "x") },
		"codeRequest": func(address string, i int) reply {
			return s.from(address, "", requestReset, input("email", fmt.Sprintf("u%d@example.org", i)))
		},
		"codeTry": func(address string, i int) reply {
			return s.from(address, "", verifyEmail, input("email", fmt.Sprintf("u%d@example.org", i), "code", "0000-0000"))
		},
	} {
		ask("203.0.113.1", 0)
		expectCodes(t, what+" by its /48", repeat(1, func(i int) reply { return ask("2001:db8:1:1::1", 100+i) }), map[string]int{ask("2001:db8:1:2::1", 200).code(): 1})
		s.db.Query(t, `UPDATE app.rate_limits SET hits = hits + 797 WHERE bucket = $1`, what+" 2001:db8:1::/48") // two were counted
		if r := ask("2001:db8:1:3::1", 201); r.code() == "RATE_LIMITED" {
			t.Errorf("%s for the 800th time of a /48: %s", what, r.Body)
		}
		expectCodes(t, what+" of a /48", repeat(2, func(i int) reply { return ask(fmt.Sprintf("2001:db8:1:%d::1", 4+i), 202+i) }), map[string]int{"RATE_LIMITED": 2})
		if r := ask("2001:db8:2:3::1", 204); r.code() == "RATE_LIMITED" {
			t.Errorf("%s from another /48: %s", what, r.Body)
		}
		s.db.Query(t, `UPDATE app.rate_limits SET hits = hits + 98 WHERE bucket = $1`, what+" 203.0.113.1/32")
		if r := ask("203.0.113.1", 1); r.code() == "RATE_LIMITED" {
			t.Errorf("%s for the 100th time: %s", what, r.Body)
		}
		expectCodes(t, what, repeat(2, func(i int) reply { return ask("203.0.113.1", 2+i) }), map[string]int{"RATE_LIMITED": 2})
		if r := ask("203.0.113.2", 4); r.code() == "RATE_LIMITED" {
			t.Errorf("%s from elsewhere: %s", what, r.Body)
		}
	}
}

// Codes are guessed ten times by a client, of an address that has one or not; another client still uses the right one.
func TestGuessesOfCodes(t *testing.T) {
	t.Parallel()
	for what, try := range map[string]func(s *service, from, email, code string) reply{
		"verify_email": func(s *service, from, email, code string) reply {
			return s.from(from, "", verifyEmail, input("email", email, "code", code))
		},
		"reset_password": func(s *service, from, email, code string) reply {
			return s.from(from, "", resetPassword, input("email", email, "code", code, "newPassword", newPassword))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := limited(t).work()
			a := s.signUp(nil)
			ask := requestVerification
			if what == "reset_password" {
				ask = requestReset
			}
			for _, email := range []string{a.Email, "nobody@example.org"} {
				s.must("", ask, input("email", email))
				replies := together(50, func(i int) reply {
					return try(s, "203.0.113.1", []string{email, strings.ToUpper(email)}[i%2], fmt.Sprint("0000-000", i%10))
				})
				expectCodes(t, email, replies, map[string]int{"BAD_USER_INPUT": 10, "RATE_LIMITED": 40})
			}
			code := s.codeTo(a.Email, what, 1)
			expectCodes(t, "the right one of who has guessed", []reply{try(s, "203.0.113.1", a.Email, code)}, map[string]int{"RATE_LIMITED": 1})
			expectCodes(t, "the right one from elsewhere", []reply{try(s, "203.0.113.2", a.Email, code)}, map[string]int{"": 1})
		})
	}
}

// P19: all strangers together can have twelve mails of a kind sent to an address in an hour, in any spelling and from any
// network. An address without an account is treated alike. Sign-ups go on, without a mail. The owner can still ask for a code
// from a client that the account is used from.
func TestMailBombs(t *testing.T) {
	t.Parallel()
	open := limited(t)
	a := open.signUp(nil)
	s := startWith(t, open.db, bothWalls, appOptions(), "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1/32", "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	attacker := open.signUp(nil)
	s.db.Query(t, `UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $1`, attacker.UserID)
	attacker.Token = s.signIn(attacker.Email) // of the service that asks for that
	bomb := func(email string) func(int) reply {
		return func(i int) reply {
			email, from := []string{email, strings.ToUpper(email)}[i/4%2], fmt.Sprint("203.0.113.", i)
			switch i % 4 {
			case 0:
				return s.from(from, "", requestReset, input("email", email))
			case 1:
				return s.from(from, "", requestVerification, input("email", email))
			case 2:
				return s.from(from, attacker.Token, changeEmail, input("newEmail", email))
			}
			return s.from(from, "", signUpMutation, vars{"input": vars{"email": email, "password": password, "username": fmt.Sprint("bomb-", serial.Add(1))}})
		}
	}
	mails := func(email string) string { // that are sent
		return s.db.Query(t, `SELECT count(*) FROM app.outbox WHERE lower(recipient) = $1 AND parked_at IS NULL`, email)[0]
	}
	want := map[string]int{"": 3*12 + 15, "RATE_LIMITED": 3 * 3} // of fifteen of a kind
	for email, most := range map[string]int{a.Email: 4 * 12, "nobody@example.org": 3 * 12} {
		expectCodes(t, email, repeat(60, bomb(email)), want)
		if n, _ := strconv.Atoi(mails(email)); n > most || n < 12 {
			t.Errorf("%s: %d mails, want at most %d", email, n, most)
		}
		s.limitsEnd()
		expectCodes(t, email+", all at once", together(60, bomb(email)), want)
		if n, _ := strconv.Atoi(mails(email)); n > 2*most || n < 24 {
			t.Errorf("%s: %d mails in two hours, want at most %d", email, n, 2*most)
		}
		atHome := map[string]int{"RATE_LIMITED": 6}
		if email == a.Email {
			atHome = map[string]int{"": 3, "RATE_LIMITED": 3}
		}
		expectCodes(t, email+", at home", repeat(6, func(int) reply { return s.from("127.0.0.1", "", requestReset, input("email", email)) }), atHome)
	}
}

// P19: whoever signs up with another's address does not have him told of it without end, nor in his own words.
func TestNoticesToUnprovedAddressesAreFew(t *testing.T) {
	t.Parallel()
	s := limited(t).work()
	const victim = "victim@example.org"
	for n := range 5 {
		mallory := account{Username: fmt.Sprint("free-coins.example-", n), Email: victim}
		mallory.fill(t, s.must("", signUpMutation, vars{"input": vars{"email": victim, "password": password, "username": mallory.Username}}))
		s.must(mallory.Token, changePassword, input("currentPassword", password, "newPassword", newPassword))
		if n < 3 {
			s.must("", requestReset, input("email", victim))
		}
		s.settled() // what waits for an account goes with it
		s.must(mallory.Token, deleteAccount, input("password", newPassword))
	}
	var last account // nor are codes killed without end, by leaving the address and signing up with it again
	last.fill(t, s.must("", signUpMutation, vars{"input": vars{"email": victim, "password": password, "username": "free-coins.example"}}))
	expectCodes(t, "leaving", []reply{s.do(last.Token, deleteAccount, input("password", password))}, map[string]int{"RATE_LIMITED": 1})
	s.must(last.Token, changeEmail, input("newEmail", "mallory@example.org"))
	expectCodes(t, "leaving for another address", []reply{
		s.do(last.Token, verifyEmail, input("email", "mallory@example.org", "code", s.codeTo("mallory@example.org", "change_email", 1))),
	}, map[string]int{"RATE_LIMITED": 1})
	sent := s.sent()
	for _, kind := range []string{"account_deleted", "password_changed", "reset_password"} {
		if n := count(sent, kind+" "+victim); n != 3 {
			t.Errorf("%d mails of kind %s, want 3", n, kind)
		}
	}
	for _, m := range s.mailbox(0) {
		if strings.Contains(m.Text+m.HTML, "free-coins") {
			t.Errorf("in his own words: %s", m.Text)
		}
	}
}

// Nobody can kill the codes of an address for ever by changing the password of an account that he has signed up with it.
func TestChangesOfAPassword(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.signUp(nil)
	passwords := []string{password, newPassword}
	change := func(i int) reply {
		return s.do(a.Token, changePassword, input("currentPassword", passwords[i%2], "newPassword", passwords[(i+1)%2]))
	}
	for i := range 5 {
		if r := change(i); len(r.Errors) > 0 {
			t.Fatalf("change %d: %s", i, r.Body)
		}
	}
	expectCodes(t, "the sixth", []reply{change(5)}, map[string]int{"RATE_LIMITED": 1})
	s.limitsEnd()
	expectCodes(t, "the next day", []reply{change(5)}, map[string]int{"": 1})
}

// Who holds a session of an account guesses its password ten times, in whatever ways together; a right one begins anew.
func TestGuessesInASession(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a, another := s.signUp(nil), s.signUp(nil)
	tokens := []string{a.Token, s.signIn(a.Email)}
	try := func(password string) func(int) reply {
		return func(i int) reply {
			from, token := fmt.Sprint("203.0.113.", i), tokens[i%2]
			switch i % 3 {
			case 0:
				return s.from(from, token, reauthenticate, input("password", password))
			case 1:
				return s.from(from, token, changePassword, input("currentPassword", password, "newPassword", newPassword))
			}
			return s.from(from, token, deleteAccount, input("password", password))
		}
	}
	expectCodes(t, "nine", repeat(9, try("wrong password")), map[string]int{"BAD_USER_INPUT": 9})
	s.must(a.Token, reauthenticate, input("password", password))
	expectCodes(t, "and many at once", together(60, try("wrong password")), map[string]int{"BAD_USER_INPUT": 10, "RATE_LIMITED": 50})
	expectCodes(t, "the right one", repeat(3, try(password)), map[string]int{"RATE_LIMITED": 3})
	s.must(another.Token, reauthenticate, input("password", password))
	s.limitsEnd()
	s.must(a.Token, reauthenticate, input("password", password))
}

// A username is changed five times a day; what has failed is no change.
func TestChangesOfAUsername(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a, another := s.signUp(nil), s.signUp(nil)
	change := func(to string) reply { return s.do(a.Token, changeUsername, input("username", to)) }
	s.db.Query(t, `UPDATE app.sessions SET authenticated_at = now() - interval '1 day'`)
	expectCodes(t, "long after the sign-in", repeat(6, func(int) reply { return change("other") }), map[string]int{"REAUTH_REQUIRED": 6})
	s.must(a.Token, reauthenticate, input("password", password))
	expectCodes(t, "taken", repeat(6, func(int) reply { return change(another.Username) }), map[string]int{"CONFLICT": 6})
	expectCodes(t, "faulty", repeat(6, func(int) reply { return change("a b") }), map[string]int{"BAD_USER_INPUT": 6})
	expectCodes(t, "changes", repeat(7, func(i int) reply { return change(fmt.Sprint("name-", i)) }), map[string]int{"": 5, "RATE_LIMITED": 2})
	if name := s.db.Query(t, `SELECT username FROM app.profiles WHERE user_id = $1`, a.UserID); name[0] != "name-4" {
		t.Errorf("the name is %s after what was refused", name[0])
	}
	if held := s.db.Query(t, `SELECT count(*) FROM app.held_usernames`); held[0] != "5" {
		t.Errorf("%s names are held, want 5", held[0])
	}
	s.limitsEnd()
	expectCodes(t, "a day later", []reply{change("name-9")}, map[string]int{"": 1})
}

// A sign-up with the address of an account tells nothing of its password, also by its limits.
func TestSignUpIsNoPasswordOracle(t *testing.T) {
	t.Parallel()
	open := limited(t)
	a := open.signUp(nil)
	strict := startWith(t, open.db, bothWalls, appOptions(), "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	for _, s := range []*service{open, strict} {
		var want reply
		for _, guess := range []string{"wrong password", password} {
			for _, key := range []any{nil, fmt.Sprint("key-", serial.Add(1))} {
				r := s.do("", signUpMutation, vars{"input": vars{"email": a.Email, "password": guess, "username": fmt.Sprint("x-", serial.Add(1)), "idempotencyKey": key}})
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

// No bucket holds an address, whoever was counted.
func TestNoAddressIsKeptInBuckets(t *testing.T) {
	t.Parallel()
	s := limited(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on").work()
	const email = "Canary.Bird@example.org"
	s.must("", signUpMutation, vars{"input": vars{"email": email, "password": password, "username": "canary", "idempotencyKey": "canary-key"}})
	s.trySignIn(email, password)
	s.must("", requestReset, input("email", email))
	s.must("", requestVerification, input("email", email))
	s.do("", verifyEmail, input("email", email, "code", "0000-0000"))
	s.do("", resetPassword, input("email", email, "code", "0000-0000", "newPassword", newPassword))
	buckets := s.db.Query(t, `SELECT bucket FROM app.rate_limits ORDER BY 1`)
	if len(buckets) < 6 {
		t.Errorf("only %v are counted", buckets)
	}
	for _, b := range buckets {
		if strings.Contains(b, "@") || strings.Contains(strings.ToLower(b), "canary") || strings.Contains(b, "example") {
			t.Errorf("a bucket is named %q", b)
		}
	}
}
