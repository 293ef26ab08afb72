package accounts

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// together calls act n times at once and returns the replies.
func together(n int, do func(i int) harness.Reply) []harness.Reply {
	answers := make([]harness.Reply, n)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = do(i) })
	}
	wg.Wait()
	return answers
}

// gather starts rivals for rows of a table and locks it until so many of them wait. Then it calls then, releases the rivals
// and waits for them.
func gather(s *harness.Service, table string, waiting int, rivals, then func()) {
	s.T.Helper()
	release := s.DB.Lock(s.T, table, "EXCLUSIVE") // the table can still be read
	var wg sync.WaitGroup
	defer func() {
		release() // else the rivals would wait forever
		wg.Wait()
	}()
	wg.Go(rivals)
	eventually.True(s.T, 20*time.Second, fmt.Sprintf("%d rivals wait for the lock", waiting), func() bool {
		return s.DB.Query(s.T, `SELECT count(*) >= $1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`, waiting)[0] == "true"
	})
	then()
}

// only returns the index of the reply without an error. The others must have one error with one field, fault.
func only(s *harness.Service, answers []harness.Reply, fault string) int {
	s.T.Helper()
	winner := -1
	for i, r := range answers {
		switch {
		case len(r.Errors) > 0:
			s.ExpectFault("a loser", r, fault)
		case winner >= 0:
			s.T.Errorf("%d and %d have both won", winner, i)
		default:
			winner = i
		}
	}
	if winner < 0 {
		s.T.Fatal("none has won")
	}
	return winner
}

// P05: of 100 resets at once with one code, exactly one succeeds, and sets the account's password.
func TestResetCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a := s.SignUp(nil)
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	code := s.CodeTo(a.Email, "reset_password", 1)
	chosen := func(i int) string { return fmt.Sprintf("a sentence with the number %d", i) }
	winner := only(s, together(100, func(i int) harness.Reply {
		return s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", chosen(i)))
	}), harness.WrongCode)
	for i, r := range together(100, func(i int) harness.Reply { return s.TrySignIn(a.Email, chosen(i)) }) {
		if want := map[bool]string{true: "", false: "INVALID_CREDENTIALS"}[i == winner]; r.Code() != want {
			t.Errorf("the password of number %d, where %d has won: %s", i, winner, r.Body)
		}
	}
	if got := count(sent(s), "password_changed "+a.Email); got != 1 {
		t.Errorf("%d mails report it, want 1", got)
	}
}

// P05: of 100 verifications at once with one code, by anonymous viewers, exactly one starts a session.
func TestVerificationCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	for how, further := range map[string][]string{"of an account": nil, "of a sign-up that waits": {verifiedOnly}} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, further...).Work()
			const email = "ann@example.org"
			s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": "ann"}})
			if further == nil {
				s.Must("", harness.RequestVerification, harness.Input("email", email))
			}
			code := s.CodeTo(email, "verify_email", 1)
			var answers []harness.Reply
			gather(s, "app.accounts", 10, func() {
				answers = together(100, func(int) harness.Reply {
					return s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", code))
				})
			}, func() {})
			var v verified
			answers[only(s, answers, harness.WrongCode)].Into(t, &v)
			s.ExpectMember(v.VerifyEmail.Tokens.AccessToken, email)
			if n := s.DB.Query(t, `SELECT count(*) FROM app.sessions WHERE revoked_at IS NULL`); n[0] != "1" {
				t.Errorf("%s live sessions, want 1", n[0])
			}
		})
	}
}

// S02: a sign-in with the old password that races the password change leaves no live session.
func TestChangeOfPasswordRacingSignIn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	var refused, ended atomic.Int64
	for range 50 {
		a := s.SignUp(nil)
		var wg sync.WaitGroup
		signIns := make([]harness.Reply, 4)
		for i := range signIns {
			wg.Go(func() { signIns[i] = s.TrySignIn(a.Email, harness.Password) })
		}
		wg.Go(func() {
			s.Must(a.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword))
		})
		wg.Wait()
		for _, r := range signIns {
			if len(r.Errors) > 0 {
				if code := r.Code(); code != "INVALID_CREDENTIALS" && code != "UNAUTHENTICATED" { // the latter if the session ended before its payload was read
					t.Errorf("signing in: %s", r.Body)
				}
				refused.Add(1)
				continue
			}
			ended.Add(1)
			var in struct {
				SignIn struct {
					Tokens struct{ AccessToken, RefreshToken string }
				}
			}
			r.Into(t, &in)
			if r := s.Do(in.SignIn.Tokens.AccessToken, `{ me { id } }`, nil); string(r.Data) != harness.NoMe {
				t.Fatalf("a session of the old password lives: %s", r.Body)
			}
			if _, _, reason := s.Refresh(in.SignIn.Tokens.RefreshToken); reason != "revoked" {
				t.Fatalf("a session of the old password can be refreshed: %q", reason)
			}
		}
		if live := s.DB.Query(t, `SELECT count(*) FROM app.sessions WHERE user_id = $1 AND revoked_at IS NULL`, a.UserID); live[0] != "1" {
			t.Fatalf("%s live sessions, want that which has changed the password", live[0])
		}
		if r := s.Do(a.Token, `{ me { id } }`, nil); !strings.Contains(r.Body, a.UserID) {
			t.Fatalf("the session that has changed the password: %s", r.Body)
		}
	}
	t.Logf("%d sign-ins were refused, and %d sessions ended", refused.Load(), ended.Load())
	if refused.Load() == 0 || ended.Load() == 0 {
		t.Error("there was no race")
	}
}

// S04: whatever races the deletion of an account, nothing of it is left in any table, and its username is held.
func TestDeletionRacingEverythingElse(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for range 12 {
		a := s.SignUp(nil)
		s.Must("", harness.RequestReset, harness.Input("email", a.Email))
		other := s.SignIn(a.Email)
		rivals := map[string]func() harness.Reply{
			"refresh": func() harness.Reply { return s.Do("", harness.RefreshMutation, harness.Vars{"t": a.Refresh}) },
			"update": func() harness.Reply {
				return s.Do(other, `mutation { updateProfile(input: {bio: "x"}) { profile { bio } } }`, nil)
			},
			"sign-in":         func() harness.Reply { return s.TrySignIn(a.Email, harness.Password) },
			"refused sign-in": func() harness.Reply { return s.TrySignIn(a.Email, "not the password") },
			"change of e-mail": func() harness.Reply {
				return s.Do(other, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
			},
			"change of password": func() harness.Reply {
				return s.Do(other, harness.ChangePassword, harness.Input("currentPassword", "not it", "newPassword", harness.NewPassword))
			},
			"change of username": func() harness.Reply {
				return s.Do(other, harness.ChangeUsername, harness.Input("username", "new-"+a.Username))
			},
			"verification": func() harness.Reply {
				return s.Do(other, harness.VerifyEmail, harness.Input("email", a.Email, "code", "0000-0000"))
			},
			"reauthenticating": func() harness.Reply {
				return s.Do(other, harness.Reauthenticate, harness.Input("password", harness.Password))
			},
			"reading": func() harness.Reply {
				return s.Do(other, `{ me { email profile { username } sessions(first: 5) { nodes { id } } } }`, nil)
			},
			"asking for a code":  func() harness.Reply { return s.Do("", harness.RequestReset, harness.Input("email", a.Email)) },
			"asking for another": func() harness.Reply { return s.Do("", harness.RequestVerification, harness.Input("email", a.Email)) },
		}
		var wg sync.WaitGroup
		var renamed atomic.Bool
		for what, rival := range rivals {
			wg.Go(func() {
				r := rival()
				if what == "change of username" && len(r.Errors) == 0 {
					renamed.Store(true)
				}
				if strings.Contains(r.Code(), "INTERNAL") || strings.Contains(r.Code(), "UNAVAILABLE") {
					t.Errorf("%s: %s", what, r.Body)
				}
			})
		}
		wg.Go(func() { s.Must(a.Token, harness.DeleteAccount, harness.Input("password", harness.Password)) })
		wg.Wait()
		for _, row := range s.AllRows() {
			if strings.Contains(row, a.UserID) || strings.Contains(row, a.ProfileID) {
				t.Errorf("left of the account: %s", row)
			}
		}
		expectAvailable(s, "of the account", false, a.Username)
		if renamed.Load() {
			expectAvailable(s, "of the account, the newer", false, "new-"+a.Username)
		}
		if r := s.Do(a.Token, `{ me { id } }`, nil); string(r.Data) != harness.NoMe {
			t.Errorf("its session: %s", r.Body)
		}
	}
}

const usernameTaken = "input.username TAKEN"

// R07: if two accounts change to one username at once, one gets it.
func TestTwoAccountsRacingForAUsername(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	rivals := []harness.Account{s.SignUp(nil), s.SignUp(nil), s.SignUp(nil)}
	for round := range 15 {
		name := fmt.Sprintf("wanted-%d", round)
		winner := only(s, together(len(rivals), func(i int) harness.Reply {
			return s.Do(rivals[i].Token, harness.ChangeUsername, harness.Input("username", strings.ToUpper(name[:i+1])+name[i+1:]))
		}), usernameTaken)
		if owners := s.DB.Query(t, `SELECT user_id FROM app.profiles WHERE username_key = $1`, name); len(owners) != 1 || owners[0] != rivals[winner].UserID {
			t.Errorf("the owners are %v, the winner is %s", owners, rivals[winner].UserID)
		}
	}
}

// A username is held from the moment its owner gives it up. A sign-up or change that waits for it does not get it; the old
// owner can take it back.
func TestGivingUpAUsernameRacingThoseWhoWantIt(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	other := s.SignUp(nil)
	for round := range 25 {
		a := s.SignUp(nil)
		answers := together(4, func(i int) harness.Reply {
			switch i {
			case 0:
				return s.Do(a.Token, harness.ChangeUsername, harness.Input("username", fmt.Sprintf("given-for-%d", round)))
			case 1:
				return s.Do(other.Token, harness.ChangeUsername, harness.Input("username", strings.ToUpper(a.Username)))
			}
			return s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": fmt.Sprintf("rival-%d-%d@example.org", round, i), "password": harness.Password, "username": a.Username}})
		})
		if winner := only(s, answers, usernameTaken); winner != 0 {
			t.Fatalf("a rival has got the username: %s", answers[winner].Body)
		}
		if owners := s.DB.Query(t, `SELECT user_id FROM app.profiles WHERE username_key = $1`, a.Username); len(owners) > 0 {
			t.Errorf("somebody has the username: %v", owners)
		}
		s.Must(a.Token, harness.ChangeUsername, harness.Input("username", a.Username))
	}
}

// A username that was free when a sign-up was checked, and is held when it is written, is refused.
func TestUsernameIsTakenAndGivenUpDuringASignUp(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	gather(s, "app.accounts", 1, func() {
		r := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "rival@example.org", "password": harness.Password, "username": "wanted"}})
		s.ExpectFault("the sign-up", r, usernameTaken)
	}, func() {
		s.Must(a.Token, harness.ChangeUsername, harness.Input("username", "wanted"))
		s.Must(a.Token, harness.ChangeUsername, harness.Input("username", "another"))
	})
}

// Nor can anyone get the username of an account that is being deleted.
func TestDeletionRacingSignUpForItsUsername(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for round := range 15 {
		a := s.SignUp(nil)
		answers := together(3, func(i int) harness.Reply {
			if i == 0 {
				return s.Do(a.Token, harness.DeleteAccount, harness.Input("password", harness.Password))
			}
			return s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": fmt.Sprintf("rival-%d-%d@example.org", round, i), "password": harness.Password, "username": a.Username}})
		})
		if winner := only(s, answers, usernameTaken); winner != 0 {
			t.Fatalf("a rival has got the username: %s", answers[winner].Body)
		}
	}
}
