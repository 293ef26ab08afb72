package anonymous

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/eventually"
)

// together calls act n times at once and returns the replies.
func together(n int, act func(i int) harness.Reply) []harness.Reply {
	replies := make([]harness.Reply, n)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() { replies[i] = act(i) })
	}
	wg.Wait()
	return replies
}

// O16: a flood of anonymous sign-ups from many networks, also at once, leaves as many accounts as the setting says, and affects no other
// sign-up. An account that becomes permanent makes room.
func TestFloodOfAnonymousAccountsIsBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, on, "FREEHOLD_ANONYMOUS_MAX=7", "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1")
	s.FromAnywhere = true
	first := guest(s)
	flood := func(what string, want int) {
		t.Helper()
		won := 0
		for _, r := range together(60, func(int) harness.Reply { return s.Do("", signUp, harness.Input()) }) {
			switch {
			case len(r.Errors) == 0:
				won++
			case r.Code() != "UNAVAILABLE":
				t.Errorf("%s: %s", what, r.Body)
			}
		}
		if n := s.DB.Query(t, `SELECT count(*) FROM app.accounts WHERE anonymous`)[0]; n != "7" || won != want {
			t.Errorf("%s: %s anonymous accounts are left, and %d sign-ups have succeeded, want %d", what, n, won, want)
		}
	}
	flood("at first", 6)
	flood("again", 0)
	for _, table := range []string{"users", "profiles", "sessions", "security_events"} {
		if n := s.Count(table); n != "7" {
			t.Errorf("%s rows of %s", n, table)
		}
	}
	s.SignUp(nil)
	s.Must(first.Token, upgrade, form("ann"))
	flood("after one has become permanent", 1)
}

// O16: one client creates few, and no more than it may sign up at all.
func TestAnonymousSignUpsOfAClientAreLimited(t *testing.T) {
	t.Parallel()
	for name, further := range map[string][]string{"by their own limit": {"FREEHOLD_LIMIT_ANONYMOUS=3/1h"}, "by that of sign-ups": {"FREEHOLD_LIMIT_SIGN_UP=3/1h"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, append(further, on, "FREEHOLD_RATE_LIMIT=on")...)
			for range 3 {
				guest(s)
			}
			if r := s.Do("", signUp, harness.Input()); r.Code() != "RATE_LIMITED" || r.Errors[0].Extensions.RetryAfter < 3000 {
				t.Errorf("one more: %s", r.Body)
			}
		})
	}
}

// O16: of many upgrades of one account at once, with different addresses, one succeeds. The account keeps its id and has what that upgrade
// says.
func TestOneOfTwoUpgradesSucceeds(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{"immediately": {on}, "with a code": {on, verifiedOnly}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, settings...).Work()
			a := guest(s)
			email := func(i int) string { return fmt.Sprintf("ann-%d@example.org", i) }
			password := func(i int) string { return fmt.Sprintf("a sentence with the number %d", i) }
			const n = 8
			replies := together(n, func(i int) harness.Reply {
				return s.Do(a.Token, upgrade, harness.Input("email", email(i), "password", password(i), "profile", harness.Vars{"bio": email(i)}))
			})
			if len(settings) > 1 {
				s.AwaitOutbox()
				codes := map[int]string{}
				for i := range n {
					codes[i] = s.CodeTo(email(i), "change_email", 1)
				}
				replies = together(n, func(i int) harness.Reply {
					return s.Do(a.Token, harness.VerifyEmail, harness.Input("email", email(i), "code", codes[i]))
				})
			}
			winner := -1
			for i, r := range replies {
				switch {
				case len(r.Errors) == 0 && winner < 0:
					winner = i
				case len(r.Errors) == 0:
					t.Errorf("%d and %d have both succeeded", winner, i)
				case r.Code() != "FORBIDDEN" && strings.Join(r.Fields(), " ") != harness.WrongCode:
					t.Errorf("a loser: %s", r.Body)
				}
			}
			if winner < 0 {
				t.Fatal("none has succeeded")
			}
			if r := s.Do(a.Token, `{ me { id anonymous email } }`, nil); !has(r, fmt.Sprintf(`{"id":%q,"anonymous":false,"email":%q}`, a.UserID, email(winner))) {
				t.Errorf("afterwards: %s", r.Body)
			}
			for i := range n {
				if r := s.TrySignIn(email(i), password(i)); (len(r.Errors) == 0) != (i == winner) {
					t.Errorf("signing in as number %d, where %d has won: %s", i, winner, r.Body)
				}
			}
		})
	}
}

// An anonymous sign-up that fails at any step leaves no account, profile or session.
func TestAnonymousSignUpFailsAsAWhole(t *testing.T) {
	t.Parallel()
	var fails atomic.Value
	fails.Store("")
	refuse := func(when string) error {
		if fails.Load() == when {
			return fault.Input("input.username", "UNWANTED", "We do not want this.")
		}
		return nil
	}
	hooks := accounts.Hooks{
		BeforeSignUp: []func(context.Context, *db.Tx, accounts.Candidate) error{func(context.Context, *db.Tx, accounts.Candidate) error { return refuse("before") }},
		AfterSignUp:  []accounts.Hook{func(context.Context, *db.Tx, *db.Profile) error { return refuse("after") }},
	}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Further: []app.Module{{Hooks: hooks}}}, on)
	a := s.SignUpAs("taken", nil)
	before := map[string]string{}
	tables := []string{"users", "accounts", "user_private", "profiles", "profile_private", "sessions", "credentials", "security_events"}
	for _, table := range tables {
		before[table] = s.Count(table)
	}
	expect := func(what string, r harness.Reply, field string) {
		t.Helper()
		s.ExpectFault(what, r, field)
		for _, table := range tables {
			if n := s.Count(table); n != before[table] {
				t.Errorf("%s: %s rows of %s, want %s", what, n, table, before[table])
			}
		}
	}
	expect("a taken username", s.Do("", signUp, harness.Input("username", a.Username)), "input.username TAKEN")
	expect("an invalid one", s.Do("", signUp, harness.Input("username", "a")), "input.username TOO_SHORT")
	expect("an invalid profile", s.Do("", signUp, harness.Input("profile", harness.Vars{"phoneNumber": "x"})), "input.profile.phoneNumber INVALID")
	for _, when := range []string{"before", "after"} {
		fails.Store(when)
		expect(when, s.Do("", signUp, harness.Input()), "input.username UNWANTED")
	}
	fails.Store("")
	s.DB.Query(t, `CREATE OR REPLACE FUNCTION app.admit_anonymous(p_max integer, p_idle_seconds double precision) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$`)
	s.ExpectError("broken on purpose")
	if r := s.Do("", signUp, harness.Input()); r.Code() != "INTERNAL_SERVER_ERROR" || s.Count("users") != before["users"] {
		t.Errorf("a broken function: %s", r.Body)
	}
}

// An upgrade asks the hooks before a sign-up, since it brings an address.
func TestUpgradeAsksTheHooksBeforeASignUp(t *testing.T) {
	t.Parallel()
	hook := func(_ context.Context, tx *db.Tx, c accounts.Candidate) error {
		if tx.Viewer.IsMember() {
			t.Errorf("the hook runs as %v", tx.Viewer)
		}
		if strings.HasSuffix(c.Email, "@example.net") {
			return fault.Input("input.email", "UNWANTED", "We do not want this.")
		}
		return nil
	}
	hooks := accounts.Hooks{BeforeSignUp: []func(context.Context, *db.Tx, accounts.Candidate) error{hook}}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Further: []app.Module{{Hooks: hooks}}}, on)
	a := guest(s)
	s.ExpectFault("an unwanted address", s.Do(a.Token, upgrade, harness.Input("email", "ann@example.net", "password", harness.Password)), "input.email UNWANTED")
	s.Must(a.Token, upgrade, form("ann"))
}

// O16: an anonymous account that nobody has used for the time of the setting is deleted with everything that refers to it, after the
// hooks. Others stay: those that were used, permanent ones, and those whose hook refuses.
func TestIdleAnonymousAccountsArePurged(t *testing.T) {
	t.Parallel()
	var hooked sync.Map
	hook := func(ctx context.Context, tx *db.Tx, p *db.Profile) error {
		var events int
		if err := tx.Get(ctx, &events, `SELECT count(*) FROM app.security_events`); err != nil || events == 0 || tx.Viewer.UserID != p.UserID {
			t.Errorf("the hook does not run as the owner, who sees %d events: %v", events, err)
		}
		hooked.Store(p.Username, true)
		if p.Username == "kept" {
			return errors.New("the hook refuses on purpose")
		}
		return nil
	}
	d := dbtest.New(t)
	hooks := app.Options{Further: []app.Module{{Hooks: accounts.Hooks{BeforeDeletion: []accounts.Hook{hook}}}}, WithoutJobs: true}
	s := harness.StartWith(t, d, harness.BothLayers, hooks, on)
	used, idle, kept, permanent := guest(s, "username", "used"), guest(s, "username", "idle"), guest(s, "username", "kept"), guest(s, "username", "permanent")
	s.Must(permanent.Token, upgrade, form("permanent"))
	for range 40 {
		guest(s)
	}
	d.Query(t, `UPDATE app.accounts SET idle_check_at = now() - interval '1 second'`)
	d.Query(t, `UPDATE app.sessions SET last_used_at = now() - interval '721 hours' WHERE user_id <> $1`, used.UserID)
	for range 2 {
		other := harness.StartWith(t, d, harness.BothLayers, hooks, on)
		other.Allowed = []string{"the hook refuses on purpose"}
		other.Work()
	}
	const left = `SELECT string_agg(username, ' ' ORDER BY username) FROM app.profiles`
	eventually.True(t, 20*time.Second, "the idle accounts are gone", func() bool { return d.Query(t, left)[0] == "kept permanent used" })
	eventually.True(t, 20*time.Second, "the account whose hook refuses waits for a day", func() bool {
		return d.Query(t, `SELECT idle_check_at > now() + interval '23 hours' FROM app.accounts WHERE user_id = $1`, kept.UserID)[0] == "true"
	})
	for _, row := range s.AllRows() {
		if strings.Contains(row, idle.UserID) || strings.Contains(row, idle.ProfileID) {
			t.Errorf("left of the account: %s", row)
		}
	}
	s.ExpectNoSession(idle.Token, "invalid")
	if _, ok := hooked.Load("idle"); !ok {
		t.Error("no hook ran before the deletion")
	}
	for _, username := range []string{"used", "permanent"} {
		if _, ok := hooked.Load(username); ok {
			t.Errorf("the hook ran for %s", username)
		}
	}
	for what, a := range map[string]harness.Account{"used": used, "permanent": permanent, "kept": kept} {
		if r := s.Do(a.Token, `{ me { id } }`, nil); !has(r, a.UserID) {
			t.Errorf("%s: %s", what, r.Body)
		}
	}
	if r := s.Do("", `{ usernameAvailable(username: "idle") }`, nil); !has(r, "false") {
		t.Errorf("the username of a deleted account: %s", r.Body)
	}
}
