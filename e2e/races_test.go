package e2e

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// together does something n times at once and returns the answers.
func together(n int, do func(i int) reply) []reply {
	answers := make([]reply, n)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = do(i) })
	}
	wg.Wait()
	return answers
}

// gather starts rivals for rows of a table, none of which gets any before so many of them wait; then it does something, lets
// them go on, and waits for them.
func (s *service) gather(table string, waiting int, rivals, then func()) {
	s.t.Helper()
	pool, err := sql.Open("postgres", s.db.Superuser)
	if err != nil {
		s.t.Fatal(err)
	}
	defer pool.Close()
	tx, err := pool.BeginTx(s.t.Context(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(s.t.Context(), `LOCK TABLE `+table+` IN EXCLUSIVE MODE`); err != nil { // it can still be read
		s.t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(rivals)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n := s.db.Query(s.t, `SELECT count(*) >= $1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`, waiting)
		if n[0] == "true" {
			break
		} else if time.Now().After(deadline) {
			s.t.Error("there are too few rivals")
			break
		}
	}
	then()
	if err := tx.Rollback(); err != nil {
		s.t.Error(err)
	}
}

// only returns which one of the answers is without an error; the others have to be the fault of one field.
func (s *service) only(answers []reply, fault string) int {
	s.t.Helper()
	winner := -1
	for i, r := range answers {
		switch {
		case len(r.Errors) > 0:
			s.expectFault("a loser", r, fault)
		case winner >= 0:
			s.t.Errorf("%d and %d have both won", winner, i)
		default:
			winner = i
		}
	}
	if winner < 0 {
		s.t.Fatal("nobody has won")
	}
	return winner
}

// P05: of 100 resets at once with one code a single one succeeds, and its password is the account's.
func TestResetCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	a := s.signUp(nil)
	s.must("", requestReset, input("email", a.Email))
	code := s.codeTo(a.Email, "reset_password", 1)
	chosen := func(i int) string { return fmt.Sprintf("a sentence with the number %d", i) }
	winner := s.only(together(100, func(i int) reply {
		return s.do("", resetPassword, input("email", a.Email, "code", code, "newPassword", chosen(i)))
	}), wrongCode)
	for i, r := range together(100, func(i int) reply { return s.trySignIn(a.Email, chosen(i)) }) {
		if want := map[bool]string{true: "", false: "INVALID_CREDENTIALS"}[i == winner]; r.code() != want {
			t.Errorf("the password of number %d, where %d has won: %s", i, winner, r.Body)
		}
	}
	if got := count(s.sent(), "password_changed "+a.Email); got != 1 {
		t.Errorf("%d mails tell of it, want 1", got)
	}
}

// P05: of 100 verifications at once with one code, by nobody, a single one starts a session.
func TestVerificationCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	for how, further := range map[string][]string{"of an account": nil, "of a sign-up that waits": {verifiedOnly}} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := start(t, further...).work()
			const email = "ann@example.org"
			s.must("", signUpMutation, vars{"input": vars{"email": email, "password": password, "username": "ann"}})
			if further == nil {
				s.must("", requestVerification, input("email", email))
			}
			code := s.codeTo(email, "verify_email", 1)
			var answers []reply
			s.gather("app.credentials", 10, func() {
				answers = together(100, func(int) reply { return s.do("", verifyEmail, input("email", email, "code", code)) })
			}, func() {})
			var v verified
			answers[s.only(answers, wrongCode)].into(t, &v)
			s.expectMember(v.VerifyEmail.Tokens.AccessToken, email)
			if n := s.db.Query(t, `SELECT count(*) FROM app.sessions WHERE revoked_at IS NULL`); n[0] != "1" {
				t.Errorf("%s live sessions, want 1", n[0])
			}
		})
	}
}

// S02: a sign-in with the old password that races the change of it leaves no live session behind.
func TestChangeOfPasswordRacingSignIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	var refused, ended atomic.Int64
	for range 50 {
		a := s.signUp(nil)
		var wg sync.WaitGroup
		signIns := make([]reply, 4)
		for i := range signIns {
			wg.Go(func() { signIns[i] = s.trySignIn(a.Email, password) })
		}
		wg.Go(func() {
			s.must(a.Token, changePassword, input("currentPassword", password, "newPassword", newPassword))
		})
		wg.Wait()
		for _, r := range signIns {
			if len(r.Errors) > 0 {
				if code := r.code(); code != "INVALID_CREDENTIALS" && code != "UNAUTHENTICATED" { // the latter where it ended before its payload was read
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
			r.into(t, &in)
			if r := s.do(in.SignIn.Tokens.AccessToken, `{ me { id } }`, nil); string(r.Data) != nobody {
				t.Fatalf("a session of the old password lives: %s", r.Body)
			}
			if _, _, reason := s.refresh(in.SignIn.Tokens.RefreshToken); reason != "revoked" {
				t.Fatalf("a session of the old password can be refreshed: %q", reason)
			}
		}
		if live := s.db.Query(t, `SELECT count(*) FROM app.sessions WHERE user_id = $1 AND revoked_at IS NULL`, a.UserID); live[0] != "1" {
			t.Fatalf("%s live sessions, want that which has changed the password", live[0])
		}
		if r := s.do(a.Token, `{ me { id } }`, nil); !strings.Contains(r.Body, a.UserID) {
			t.Fatalf("the session that has changed the password: %s", r.Body)
		}
	}
	t.Logf("%d sign-ins were refused, and %d sessions ended", refused.Load(), ended.Load())
	if refused.Load() == 0 || ended.Load() == 0 {
		t.Error("there was no race")
	}
}

// S04: whatever races the end of an account, nothing of it is left in any table, and its username is away.
func TestDeletionRacingEverythingElse(t *testing.T) {
	t.Parallel()
	s := start(t)
	for range 12 {
		a := s.signUp(nil)
		s.must("", requestReset, input("email", a.Email))
		other := s.signIn(a.Email)
		rivals := map[string]func() reply{
			"refresh": func() reply { return s.do("", refreshMutation, vars{"t": a.Refresh}) },
			"update": func() reply {
				return s.do(other, `mutation { updateProfile(input: {bio: "x"}) { profile { bio } } }`, nil)
			},
			"sign-in":          func() reply { return s.trySignIn(a.Email, password) },
			"refused sign-in":  func() reply { return s.trySignIn(a.Email, "not the password") },
			"change of e-mail": func() reply { return s.do(other, changeEmail, input("newEmail", "new-"+a.Email)) },
			"change of password": func() reply {
				return s.do(other, changePassword, input("currentPassword", "not it", "newPassword", newPassword))
			},
			"change of username": func() reply { return s.do(other, changeUsername, input("username", "new-"+a.Username)) },
			"verification":       func() reply { return s.do(other, verifyEmail, input("email", a.Email, "code", "0000-0000")) },
			"proving himself":    func() reply { return s.do(other, reauthenticate, input("password", password)) },
			"reading": func() reply {
				return s.do(other, `{ me { email profile { username } sessions(first: 5) { nodes { id } } } }`, nil)
			},
			"asking for a code":  func() reply { return s.do("", requestReset, input("email", a.Email)) },
			"asking for another": func() reply { return s.do("", requestVerification, input("email", a.Email)) },
		}
		var wg sync.WaitGroup
		var renamed atomic.Bool
		for what, rival := range rivals {
			wg.Go(func() {
				r := rival()
				if what == "change of username" && len(r.Errors) == 0 {
					renamed.Store(true)
				}
				if strings.Contains(r.code(), "INTERNAL") || strings.Contains(r.code(), "UNAVAILABLE") {
					t.Errorf("%s: %s", what, r.Body)
				}
			})
		}
		wg.Go(func() { s.must(a.Token, deleteAccount, input("password", password)) })
		wg.Wait()
		for _, row := range s.everything() {
			if strings.Contains(row, a.UserID) || strings.Contains(row, a.ProfileID) {
				t.Errorf("left of the account: %s", row)
			}
		}
		s.expectAvailable("of the account", false, a.Username)
		if renamed.Load() {
			s.expectAvailable("of the account, the newer", false, "new-"+a.Username)
		}
		if r := s.do(a.Token, `{ me { id } }`, nil); string(r.Data) != nobody {
			t.Errorf("its session: %s", r.Body)
		}
	}
}

const usernameTaken = "input.username TAKEN"

// R07: two accounts that want one username at once: one has it.
func TestTwoAccountsRacingForAUsername(t *testing.T) {
	t.Parallel()
	s := start(t)
	rivals := []account{s.signUp(nil), s.signUp(nil), s.signUp(nil)}
	for round := range 15 {
		name := fmt.Sprintf("wanted-%d", round)
		winner := s.only(together(len(rivals), func(i int) reply {
			return s.do(rivals[i].Token, changeUsername, input("username", strings.ToUpper(name[:i+1])+name[i+1:]))
		}), usernameTaken)
		if owners := s.db.Query(t, `SELECT user_id FROM app.profiles WHERE username_key = $1`, name); len(owners) != 1 || owners[0] != rivals[winner].UserID {
			t.Errorf("the owners are %v, the winner is %s", owners, rivals[winner].UserID)
		}
	}
}

// A username that is being given up is held from that moment on: neither a sign-up nor a change that waits for it gets it,
// and who had it gets it back.
func TestGivingUpAUsernameRacingThoseWhoWantIt(t *testing.T) {
	t.Parallel()
	s := start(t)
	other := s.signUp(nil)
	for round := range 25 {
		a := s.signUp(nil)
		answers := together(4, func(i int) reply {
			switch i {
			case 0:
				return s.do(a.Token, changeUsername, input("username", fmt.Sprintf("given-for-%d", round)))
			case 1:
				return s.do(other.Token, changeUsername, input("username", strings.ToUpper(a.Username)))
			}
			return s.do("", signUpMutation, vars{"input": vars{"email": fmt.Sprintf("rival-%d-%d@example.org", round, i), "password": password, "username": a.Username}})
		})
		if winner := s.only(answers, usernameTaken); winner != 0 {
			t.Fatalf("a rival has got the username: %s", answers[winner].Body)
		}
		if owners := s.db.Query(t, `SELECT user_id FROM app.profiles WHERE username_key = $1`, a.Username); len(owners) > 0 {
			t.Errorf("somebody has the username: %v", owners)
		}
		s.must(a.Token, changeUsername, input("username", a.Username))
	}
}

// A username that was free when a sign-up was judged, and is held by the time it is written, is not its.
func TestUsernameIsTakenAndGivenUpDuringASignUp(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(nil)
	s.gather("app.credentials", 1, func() {
		r := s.do("", signUpMutation, vars{"input": vars{"email": "rival@example.org", "password": password, "username": "wanted"}})
		s.expectFault("the sign-up", r, usernameTaken)
	}, func() {
		s.must(a.Token, changeUsername, input("username", "wanted"))
		s.must(a.Token, changeUsername, input("username", "another"))
	})
}

// Nor does anybody get the username of an account that ends.
func TestDeletionRacingSignUpForItsUsername(t *testing.T) {
	t.Parallel()
	s := start(t)
	for round := range 15 {
		a := s.signUp(nil)
		answers := together(3, func(i int) reply {
			if i == 0 {
				return s.do(a.Token, deleteAccount, input("password", password))
			}
			return s.do("", signUpMutation, vars{"input": vars{"email": fmt.Sprintf("rival-%d-%d@example.org", round, i), "password": password, "username": a.Username}})
		})
		if winner := s.only(answers, usernameTaken); winner != 0 {
			t.Fatalf("a rival has got the username: %s", answers[winner].Body)
		}
	}
}
