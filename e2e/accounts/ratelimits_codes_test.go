package accounts

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
)

// A client can guess a code ten times, whether or not the address has one. Another client can still use the right code.
func TestGuessesOfCodes(t *testing.T) {
	t.Parallel()
	for what, try := range map[string]func(s *harness.Service, from, email, code string) harness.Reply{
		"verify_email": func(s *harness.Service, from, email, code string) harness.Reply {
			return sendFrom(s, from, "", harness.VerifyEmail, harness.Input("email", email, "code", code))
		},
		"reset_password": func(s *harness.Service, from, email, code string) harness.Reply {
			return sendFrom(s, from, "", harness.ResetPassword, harness.Input("email", email, "code", code, "newPassword", harness.NewPassword))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := limited(t).Work()
			a := s.SignUp(nil)
			ask := harness.RequestVerification
			if what == "reset_password" {
				ask = harness.RequestReset
			}
			for _, email := range []string{a.Email, "nobody@example.org"} {
				s.Must("", ask, harness.Input("email", email))
				replies := together(50, func(i int) harness.Reply {
					return try(s, "203.0.113.1", []string{email, strings.ToUpper(email)}[i%2], fmt.Sprint("0000-000", i%10))
				})
				expectCodes(t, email, replies, map[string]int{"BAD_USER_INPUT": 10, "RATE_LIMITED": 40})
			}
			code := s.CodeTo(a.Email, what, 1)
			expectCodes(t, "the right one of who has guessed", []harness.Reply{try(s, "203.0.113.1", a.Email, code)}, map[string]int{"RATE_LIMITED": 1})
			expectCodes(t, "the right one from elsewhere", []harness.Reply{try(s, "203.0.113.2", a.Email, code)}, map[string]int{"": 1})
		})
	}
}

// P19: all strangers together can send an address twelve mails of a kind in an hour, in any spelling and from any network. An
// address without an account is treated alike. Sign-ups still work, without a mail. The owner can still request a code from a
// client that uses the account.
func TestMailBombs(t *testing.T) {
	t.Parallel()
	open := limited(t)
	a := open.SignUp(nil)
	s := harness.StartWith(t, open.DB, harness.BothLayers, app.Options{}, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1/32", "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	attacker := open.SignUp(nil)
	s.DB.Query(t, `UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $1`, attacker.UserID)
	attacker.Token = s.SignIn(attacker.Email) // of the service that requires verified emails
	bomb := func(email string) func(int) harness.Reply {
		return func(i int) harness.Reply {
			email, from := []string{email, strings.ToUpper(email)}[i/4%2], fmt.Sprint("203.0.113.", i)
			switch i % 4 {
			case 0:
				return sendFrom(s, from, "", harness.RequestReset, harness.Input("email", email))
			case 1:
				return sendFrom(s, from, "", harness.RequestVerification, harness.Input("email", email))
			case 2:
				return sendFrom(s, from, attacker.Token, harness.ChangeEmail, harness.Input("newEmail", email))
			}
			return sendFrom(s, from, "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": fmt.Sprint("bomb-", harness.Serial.Add(1))}})
		}
	}
	mails := func(email string) string { // which are sent
		return s.DB.Query(t, `SELECT count(*) FROM app.outbox WHERE lower(recipient) = $1 AND parked_at IS NULL`, email)[0]
	}
	want := map[string]int{"": 3*12 + 15, "RATE_LIMITED": 3 * 3} // of fifteen of a kind
	for email, most := range map[string]int{a.Email: 4 * 12, "nobody@example.org": 3 * 12} {
		expectCodes(t, email, repeat(60, bomb(email)), want)
		if n, _ := strconv.Atoi(mails(email)); n > most || n < 12 {
			t.Errorf("%s: %d mails, want at most %d", email, n, most)
		}
		limitsEnd(s)
		expectCodes(t, email+", all at once", together(60, bomb(email)), want)
		if n, _ := strconv.Atoi(mails(email)); n > 2*most || n < 24 {
			t.Errorf("%s: %d mails in two hours, want at most %d", email, n, 2*most)
		}
		atHome := map[string]int{"RATE_LIMITED": 6}
		if email == a.Email {
			atHome = map[string]int{"": 3, "RATE_LIMITED": 3}
		}
		expectCodes(t, email+", at home", repeat(6, func(int) harness.Reply {
			return sendFrom(s, "127.0.0.1", "", harness.RequestReset, harness.Input("email", email))
		}), atHome)
	}
}

// P19: signing up with another person's address does not send this person mails without limit, nor with a text of the
// stranger's choice.
func TestNoticesToUnverifiedAddressesAreFew(t *testing.T) {
	t.Parallel()
	s := limited(t).Work()
	const victim = "victim@example.org"
	for n := range 5 {
		mallory := harness.Account{Username: fmt.Sprint("free-coins.example-", n), Email: victim}
		mallory.Fill(t, s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": victim, "password": harness.Password, "username": mallory.Username}}))
		s.Must(mallory.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword))
		if n < 3 {
			s.Must("", harness.RequestReset, harness.Input("email", victim))
		}
		s.AwaitOutbox() // the mails of a deleted account are deleted too
		s.Must(mallory.Token, harness.DeleteAccount, harness.Input("password", harness.NewPassword))
	}
	var last harness.Account // nor can a stranger invalidate codes without limit by giving the address up and signing up with it again
	last.Fill(t, s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": victim, "password": harness.Password, "username": "free-coins.example"}}))
	expectCodes(t, "leaving", []harness.Reply{s.Do(last.Token, harness.DeleteAccount, harness.Input("password", harness.Password))}, map[string]int{"RATE_LIMITED": 1})
	s.Must(last.Token, harness.ChangeEmail, harness.Input("newEmail", "mallory@example.org"))
	expectCodes(t, "leaving for another address", []harness.Reply{
		s.Do(last.Token, harness.VerifyEmail, harness.Input("email", "mallory@example.org", "code", s.CodeTo("mallory@example.org", "change_email", 1))),
	}, map[string]int{"RATE_LIMITED": 1})
	sent := sent(s)
	for _, kind := range []string{"account_deleted", "password_changed", "reset_password"} {
		if n := count(sent, kind+" "+victim); n != 3 {
			t.Errorf("%d mails of kind %s, want 3", n, kind)
		}
	}
	for _, m := range s.Mailbox(0) {
		if strings.Contains(m.Text+m.HTML, "free-coins") {
			t.Errorf("in the stranger's words: %s", m.Text)
		}
	}
}

// A stranger cannot invalidate the codes of an address forever by changing the password of an account that the stranger has
// signed up with it.
func TestChangesOfAPassword(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.SignUp(nil)
	passwords := []string{harness.Password, harness.NewPassword}
	change := func(i int) harness.Reply {
		return s.Do(a.Token, harness.ChangePassword, harness.Input("currentPassword", passwords[i%2], "newPassword", passwords[(i+1)%2]))
	}
	for i := range 5 {
		if r := change(i); len(r.Errors) > 0 {
			t.Fatalf("change %d: %s", i, r.Body)
		}
	}
	expectCodes(t, "the sixth", []harness.Reply{change(5)}, map[string]int{"RATE_LIMITED": 1})
	limitsEnd(s)
	expectCodes(t, "the next day", []harness.Reply{change(5)}, map[string]int{"": 1})
}

// The holder of a session can guess the account's password ten times, in all mutations together. A right password resets the
// count.
func TestGuessesInASession(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a, another := s.SignUp(nil), s.SignUp(nil)
	tokens := []string{a.Token, s.SignIn(a.Email)}
	try := func(password string) func(int) harness.Reply {
		return func(i int) harness.Reply {
			from, token := fmt.Sprint("203.0.113.", i), tokens[i%2]
			switch i % 3 {
			case 0:
				return sendFrom(s, from, token, harness.Reauthenticate, harness.Input("password", password))
			case 1:
				return sendFrom(s, from, token, harness.ChangePassword, harness.Input("currentPassword", password, "newPassword", harness.NewPassword))
			}
			return sendFrom(s, from, token, harness.DeleteAccount, harness.Input("password", password))
		}
	}
	expectCodes(t, "nine", repeat(9, try("wrong password")), map[string]int{"BAD_USER_INPUT": 9})
	s.Must(a.Token, harness.Reauthenticate, harness.Input("password", harness.Password))
	expectCodes(t, "and many at once", together(60, try("wrong password")), map[string]int{"BAD_USER_INPUT": 10, "RATE_LIMITED": 50})
	expectCodes(t, "the right one", repeat(3, try(harness.Password)), map[string]int{"RATE_LIMITED": 3})
	s.Must(another.Token, harness.Reauthenticate, harness.Input("password", harness.Password))
	limitsEnd(s)
	s.Must(a.Token, harness.Reauthenticate, harness.Input("password", harness.Password))
}

// A username can be changed five times a day. Failed changes are not counted.
func TestChangesOfAUsername(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a, another := s.SignUp(nil), s.SignUp(nil)
	change := func(to string) harness.Reply {
		return s.Do(a.Token, harness.ChangeUsername, harness.Input("username", to))
	}
	s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = now() - interval '1 day'`)
	expectCodes(t, "long after the sign-in", repeat(6, func(int) harness.Reply { return change("other") }), map[string]int{"REAUTH_REQUIRED": 6})
	s.Must(a.Token, harness.Reauthenticate, harness.Input("password", harness.Password))
	expectCodes(t, "taken", repeat(6, func(int) harness.Reply { return change(another.Username) }), map[string]int{"CONFLICT": 6})
	expectCodes(t, "faulty", repeat(6, func(int) harness.Reply { return change("a b") }), map[string]int{"BAD_USER_INPUT": 6})
	expectCodes(t, "changes", repeat(7, func(i int) harness.Reply { return change(fmt.Sprint("name-", i)) }), map[string]int{"": 5, "RATE_LIMITED": 2})
	if name := s.DB.Query(t, `SELECT username FROM app.profiles WHERE user_id = $1`, a.UserID); name[0] != "name-4" {
		t.Errorf("the name is %s after what was refused", name[0])
	}
	if held := s.DB.Query(t, `SELECT count(*) FROM app.held_usernames`); held[0] != "5" {
		t.Errorf("%s names are held, want 5", held[0])
	}
	limitsEnd(s)
	expectCodes(t, "a day later", []harness.Reply{change("name-9")}, map[string]int{"": 1})
}

// No bucket contains an address.
func TestNoAddressIsKeptInBuckets(t *testing.T) {
	t.Parallel()
	s := limited(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on").Work()
	const email = "Canary.Bird@example.org"
	s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": "canary", "idempotencyKey": "canary-key"}})
	s.TrySignIn(email, harness.Password)
	s.Must("", harness.RequestReset, harness.Input("email", email))
	s.Must("", harness.RequestVerification, harness.Input("email", email))
	s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", "0000-0000"))
	s.Do("", harness.ResetPassword, harness.Input("email", email, "code", "0000-0000", "newPassword", harness.NewPassword))
	buckets := s.DB.Query(t, `SELECT bucket FROM app.rate_limits ORDER BY 1`)
	if len(buckets) < 6 {
		t.Errorf("only %v are counted", buckets)
	}
	for _, b := range buckets {
		if strings.Contains(b, "@") || strings.Contains(strings.ToLower(b), "canary") || strings.Contains(b, "example") {
			t.Errorf("a bucket is named %q", b)
		}
	}
}
