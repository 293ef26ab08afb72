package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
)

// startWithHooks is harness.Start with an adopter's hooks.
func startWithHooks(t *testing.T, hooks accounts.Hooks, further ...string) *harness.Service {
	t.Helper()
	return harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Further: []app.Module{{Hooks: hooks}}}, further...)
}

// expectInternal expects an internal error that reveals nothing to the client; the log has its cause.
func expectInternal(s *harness.Service, what string, r harness.Reply, detail string) {
	s.T.Helper()
	s.ExpectError(detail)
	if r.Code() != "INTERNAL_SERVER_ERROR" || strings.Contains(r.Body, detail) || !strings.Contains(s.Logs.String(), detail) {
		s.T.Errorf("%s: %s", what, r.Body)
	}
}

// The hook before a sign-up gets an input without errors, without the password, as an anonymous viewer: it reads public rows
// and writes nothing. If it refuses, nothing is written at all.
func TestHookBeforeSignUp(t *testing.T) {
	t.Parallel()
	var seen []string
	hook := func(ctx context.Context, tx *db.Tx, c accounts.Candidate) error {
		seen = append(seen, c.Username)
		if tx.Viewer.IsMember() {
			t.Errorf("it runs as %v", tx.Viewer.UserID)
		}
		if text := fmt.Sprintf("%+v", c); strings.Contains(text, harness.Password) || c.Email != c.Username+"@example.org" {
			t.Errorf("it gets %s", text)
		}
		var profiles []string
		if err := tx.Select(ctx, &profiles, `SELECT username FROM app.profiles`); err != nil || len(profiles) > 0 && !slices.Equal(profiles, []string{"open"}) {
			t.Errorf("it sees the profiles %v: %v", profiles, err)
		}
		for _, table := range []string{"user_private", "profile_private", "sessions", "security_events"} {
			var n int
			if err := tx.Get(ctx, &n, `SELECT count(*) FROM app.`+table); err != nil || n > 0 {
				t.Errorf("it sees %d rows of %s: %v", n, table, err)
			}
		}
		switch c.Username {
		case "refused":
			return fault.Input("input.username", "RESERVED", "This username is reserved.")
		case "writer":
			return tx.ExecOne(ctx, `UPDATE app.profiles SET bio = 'x' WHERE username = 'open'`)
		case "broken":
			return errors.New("secret detail")
		}
		return nil
	}
	s := startWithHooks(t, accounts.Hooks{BeforeSignUp: []func(context.Context, *db.Tx, accounts.Candidate) error{hook}})
	s.SignUpAs("open", harness.Vars{"visibility": "PUBLIC"})
	s.SignUpAs("closed", harness.Vars{"visibility": "PRIVATE"})
	s.SignUpAs("members", harness.Vars{"visibility": "MEMBERS"})
	before := s.AllRows()
	expectFaults(t, "refused", signUpWith(s, "", form("refused", harness.Password, "a-key")), "input.username RESERVED")
	if r := signUpWith(s, "", form("writer", harness.Password, "a-key")); r.Code() != "NOT_FOUND" {
		t.Errorf("a hook that writes: %s", r.Body)
	}
	expectInternal(s, "broken", signUpWith(s, "", form("broken", harness.Password, "a-key")), "secret detail")
	expectFaults(t, "faulty", signUpWith(s, "", form("faulty", "x", "")), "input.password TOO_SHORT") // and the hook is not called
	if after := s.AllRows(); !slices.Equal(before, after) {
		t.Errorf("what was refused has written something:\n%v\n%v", before, after)
	}
	s.Must("", harness.SignUpMutation, form("fine", harness.Password, "a-key"))
	s.Must("", harness.SignUpMutation, form("fine", harness.Password, "a-key")) // a retry is not a sign-up
	if want := []string{"open", "closed", "members", "refused", "writer", "broken", "fine"}; !slices.Equal(seen, want) {
		t.Errorf("it was asked about %v, want %v", seen, want)
	}
}

// If a verified email is required, the hook before a sign-up cannot find out that an address has an account.
func TestHookBeforeSignUpOfATakenAddress(t *testing.T) {
	t.Parallel()
	var seen []string
	hook := func(_ context.Context, _ *db.Tx, c accounts.Candidate) error {
		seen = append(seen, c.Email)
		return fault.Input("input.email", "UNWANTED", "We do not want this.")
	}
	open := harness.Start(t)
	a := open.SignUp(nil)
	hooks := accounts.Hooks{BeforeSignUp: []func(context.Context, *db.Tx, accounts.Candidate) error{hook}}
	s := harness.StartWith(t, open.DB, harness.BothLayers, app.Options{Further: []app.Module{{Hooks: hooks}}}, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	for _, email := range []string{a.Email, "nobody@example.org"} {
		r := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": "tulip"}})
		expectFaults(t, email, r, "input.email UNWANTED")
	}
	if n := s.Count("outbox"); n != "0" || !slices.Equal(seen, []string{a.Email, "nobody@example.org"}) {
		t.Errorf("%s mails after hooks for %v", n, seen)
	}
}

// The hook after a verification runs as the owner, in the same transaction, for each way to verify the address. Its error
// rolls back the verification, and the code stays valid.
func TestHookAfterVerification(t *testing.T) {
	t.Parallel()
	for how, c := range map[string]struct {
		further []string
		prepare func(s *harness.Service) (a harness.Account, token, email string) // and requires the code
	}{
		"by the owner": {nil, func(s *harness.Service) (harness.Account, string, string) {
			a := s.SignUp(nil)
			s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
			return a, a.Token, a.Email
		}},
		"by an anonymous viewer": {nil, func(s *harness.Service) (harness.Account, string, string) {
			a := s.SignUp(nil)
			s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
			return a, "", a.Email
		}},
		"of a new address": {nil, func(s *harness.Service) (harness.Account, string, string) {
			a := s.SignUp(nil)
			s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
			return a, a.Token, "new-" + a.Email
		}},
		"of a sign-up that waits": {[]string{"FREEHOLD_REQUIRE_VERIFIED_EMAIL=on"}, func(s *harness.Service) (harness.Account, string, string) {
			s.Must("", harness.SignUpMutation, form("tulip", harness.Password, ""))
			return harness.Account{UserID: s.DB.Query(s.T, `SELECT id FROM app.users`)[0]}, "", "tulip@example.org"
		}},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			var fails atomic.Pointer[error]
			runs := 0
			hook := func(ctx context.Context, tx *db.Tx, p *db.Profile) error {
				runs++
				if p.UserID != tx.Viewer.UserID {
					t.Errorf("it runs as %v for %v", tx.Viewer.UserID, p.UserID)
				}
				if err := tx.ExecOne(ctx, `UPDATE app.profiles SET bio = 'proved' WHERE user_id = $1`, p.UserID); err != nil {
					t.Errorf("it cannot write a row of its own: %v", err)
				}
				if err := tx.ExecOne(ctx, `UPDATE app.profiles SET bio = 'proved' WHERE username = 'bystander'`); !fault.Is(err, fault.NotFound) {
					t.Errorf("it writes another's row: %v", err)
				}
				if err := fails.Load(); err != nil {
					return *err
				}
				return nil
			}
			s := startWithHooks(t, accounts.Hooks{AfterVerification: []accounts.Hook{hook}}, c.further...).Work()
			if c.further == nil {
				s.SignUpAs("bystander", harness.Vars{"visibility": "PUBLIC"})
			}
			a, token, email := c.prepare(s)
			kind := "verify_email"
			if how == "of a new address" {
				kind = "change_email"
			}
			code := s.CodeTo(email, kind, 1)
			s.AwaitOutbox()
			before := s.AllRows()
			prove := func() harness.Reply {
				return s.Do(token, harness.VerifyEmail, harness.Input("email", email, "code", code))
			}
			refusal := error(fault.Input("input.email", "UNWANTED", "We do not want this."))
			fails.Store(&refusal)
			expectFaults(t, "refused", prove(), "input.email UNWANTED")
			broken := errors.New("secret detail")
			fails.Store(&broken)
			expectInternal(s, "broken", prove(), "secret detail")
			if after := s.AllRows(); !slices.Equal(before, after) {
				t.Errorf("a verification that was undone has written something:\n%v\n%v", before, after)
			}
			fails.Store(nil)
			var v verified
			s.Must(token, harness.VerifyEmail, harness.Input("email", email, "code", code)).Into(t, &v)
			if !v.VerifyEmail.User.EmailVerified || v.VerifyEmail.User.Email != email || v.VerifyEmail.User.ID != a.UserID {
				t.Errorf("verified as %+v", v)
			}
			if bio := s.DB.Query(t, `SELECT bio FROM app.profiles WHERE user_id = $1`, a.UserID); bio[0] != "proved" || runs != 3 {
				t.Errorf("after %d runs its row has %q", runs, bio)
			}
			s.ExpectFault("the code again", prove(), harness.WrongCode)
			if runs != 3 {
				t.Error("it ran for an invalid code")
			}
		})
	}
}

// The hook before a deletion runs as the owner, who still has everything. Its error keeps the whole account.
func TestHookBeforeDeletion(t *testing.T) {
	t.Parallel()
	var fails atomic.Pointer[error]
	runs := 0
	hook := func(ctx context.Context, tx *db.Tx, p *db.Profile) error {
		runs++
		var email string
		if err := tx.Get(ctx, &email, `SELECT email FROM app.user_private`); err != nil || p.UserID != tx.Viewer.UserID || email != p.Username+"@example.org" {
			t.Errorf("it runs as %v for %v and sees %q: %v", tx.Viewer.UserID, p.UserID, email, err)
		}
		if err := tx.ExecOne(ctx, `UPDATE app.profiles SET bio = 'farewell' WHERE user_id = $1`, p.UserID); err != nil {
			t.Errorf("it cannot write a row of its own: %v", err)
		}
		if err := fails.Load(); err != nil {
			return *err
		}
		return nil
	}
	s := startWithHooks(t, accounts.Hooks{BeforeDeletion: []accounts.Hook{hook}})
	a, bystander := s.SignUp(harness.Vars{"bio": "mine"}), s.SignUp(nil)
	before := s.AllRows()
	end := func(password string) harness.Reply {
		return s.Do(a.Token, harness.DeleteAccount, harness.Input("password", password))
	}
	refusal := error(fault.New(fault.Conflict, "There is an order under way."))
	fails.Store(&refusal)
	if r := end(harness.Password); r.Code() != "CONFLICT" || !strings.Contains(r.Body, "order under way") {
		t.Errorf("refused: %s", r.Body)
	}
	broken := errors.New("secret detail")
	fails.Store(&broken)
	expectInternal(s, "broken", end(harness.Password), "secret detail")
	fails.Store(nil)
	expectFaults(t, "a wrong password", end("wrong password"), "input.password INVALID")
	if after := s.AllRows(); !slices.Equal(before, after) || runs != 2 {
		t.Errorf("after %d runs something was written:\n%v\n%v", runs, before, after)
	}
	s.ExpectMember(a.Token, a.Email)
	if r := end(harness.Password); len(r.Errors) > 0 || runs != 3 {
		t.Errorf("after %d runs: %s", runs, r.Body)
	}
	if left := s.DB.Query(t, `SELECT user_id FROM app.profiles`); !slices.Equal(left, []string{bystander.UserID}) {
		t.Errorf("left are %v", left)
	}
}
