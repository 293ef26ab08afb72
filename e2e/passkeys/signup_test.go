package passkeys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
)

// expectNothing fails the test if the database has an account that a failed sign-up has left, or a part of one.
func expectNothing(s *harness.Service, what string, users string) {
	s.T.Helper()
	for _, table := range []string{"users", "profiles", "sessions", "accounts"} {
		if n := s.Count(table); n != users {
			s.T.Errorf("%s: there are %s rows of %s, want %s", what, n, table, users)
		}
	}
	if s.Count("passkeys") != "0" || s.Count("credentials") != s.Count("users") || len(s.DB.Query(s.T, harness.HalfAccountsQuery)) > 0 {
		s.T.Errorf("%s: a part of an account is left", what)
	}
}

// A sign-up with a passkey that fails at any step leaves nothing.
func TestSignUpFailsAtEachStep(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			failAtEachStep(t, way)
		})
	}
}

func failAtEachStep(t *testing.T, way string) {
	t.Helper()
	step := ""
	hooks := accounts.Hooks{
		BeforeSignUp: []func(context.Context, *db.Tx, accounts.Candidate) error{func(context.Context, *db.Tx, accounts.Candidate) error {
			if step == "before" {
				return fault.Input("input.username", "UNWANTED", "We do not want this.")
			}
			return nil
		}},
		AfterSignUp: []accounts.Hook{func(ctx context.Context, tx *db.Tx, p *db.Profile) error {
			if keys, err := tx.FindOwnPasskeys(ctx); err != nil || len(keys) != 1 && p.Username != "taken" {
				t.Errorf("the hook after the sign-up sees %d passkeys: %v", len(keys), err)
			}
			if step == "after" {
				return errors.New("secret detail")
			}
			return nil
		}},
	}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Further: []app.Module{{Hooks: hooks}}})
	other := s.SignUpAs("taken", nil)
	c := newClient(s, way, nil)
	for _, field := range []struct{ name, value, want string }{
		{"username", other.Username, "input.username TAKEN"}, {"username", "x", "input.username TOO_SHORT"}, {"email", other.Email, "input.email TAKEN"},
	} {
		form := c.form()
		form["i"].(harness.Vars)[field.name] = field.value
		if r := c.do(startSignUp, form); !slices.Contains(r.Fields(), field.want) {
			t.Errorf("%s %s: %s", field.name, field.value, r.Body)
		}
	}
	for _, faulty := range []struct {
		step, want string
		prepare    func(form harness.Vars) // after the start
	}{
		{step: "a passkey for another page", want: "input.credential INVALID", prepare: func(harness.Vars) { c.key.Origin = "https://evil.example" }},
		{step: "before", want: "input.username UNWANTED"},
		{step: "after", want: "INTERNAL_SERVER_ERROR"},
		{step: "the username is taken now", want: "input.username TAKEN", prepare: func(form harness.Vars) {
			s.DB.Query(t, `UPDATE app.profiles SET username = $1, username_key = $1`, form["username"])
		}},
		{step: "the address is taken now", want: "input.email TAKEN", prepare: func(form harness.Vars) {
			s.DB.Query(t, `UPDATE app.user_private SET email = $1, email_key = $1`, form["email"])
		}},
		{step: "the passkey cannot be stored", want: "INTERNAL_SERVER_ERROR", prepare: func(harness.Vars) {
			s.DB.Query(t, `ALTER TABLE app.passkeys ADD CONSTRAINT broken CHECK (false)`)
		}},
	} {
		form := c.form()
		c.key.Origin = origin
		f := c.start(startSignUp, form)
		if faulty.prepare != nil {
			faulty.prepare(form["i"].(harness.Vars))
		}
		step = faulty.step
		s.Allowed = append(s.Allowed, "secret detail", "broken")
		r := c.do(finishSignUp, f.with(c.create(f)))
		if !slices.Contains(append(r.Fields(), r.Code()), faulty.want) || strings.Contains(r.Body, "secret detail") || !strings.Contains(r.Body, `"finished":null`) {
			t.Errorf("%s: %s", step, r.Body)
		}
		expectNothing(s, step, "1")
		s.DB.Query(t, `ALTER TABLE app.passkeys DROP CONSTRAINT IF EXISTS broken`)
		c.key.Origin, step = origin, ""
		if faulty.step != "before" {
			continue
		}
		// What was refused can be repeated with the same token.
		c.take(c.do(finishSignUp, f.with(c.create(f))))
		if r := c.do(finishSignUp, f.with(c.create(f))); fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" {
			t.Errorf("a second account with one token: %s", r.Body)
		}
		s.DB.Query(t, `DELETE FROM app.users WHERE id <> $1`, other.UserID)
	}
}

// If verified addresses are required, a sign-up with a passkey reveals nothing about the address, and the account can be used after the
// verification.
func TestSignUpWithVerifiedAddress(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on").Work()
	var bodies []string
	for _, way := range ways {
		c := newClient(s, way, nil)
		form := c.form()
		f := c.start(startSignUp, form)
		r := c.do(finishSignUp, f.with(c.create(f)))
		if want := `{"finished":{"user":null,"tokens":null}}`; string(r.Data) != want || c.browser.Access != "" {
			t.Fatalf("%s: %s, want %s", way, r.Body, want)
		}
		bodies = append(bodies, r.Body)
		if r := newClient(s, way, c.key).signIn(); r.Code() != "INVALID_CREDENTIALS" {
			t.Errorf("%s: a sign-in before the verification: %s", way, r.Body)
		}
		email := form["i"].(harness.Vars)["email"]
		code := s.CodeTo(fmt.Sprint(email), "verify_email", 1)
		proof := func(change func(*client)) harness.Vars {
			f := c.start(startSignIn, nil)
			change(c)
			input := f.with(c.choose(f))["i"]
			c.key.Origin = origin
			return input.(harness.Vars)
		}
		faulty := proof(func(c *client) { c.key.Origin = "https://evil.example" })
		r = s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", code, "passkey", faulty))
		s.ExpectFault("an answer for another page", r, "input.passkey.credential INVALID")
		good := proof(func(*client) {})
		r = s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", "0000-0000", "passkey", good))
		s.ExpectFault("a wrong code", r, harness.WrongCode)
		r = s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", code, "passkey", good))
		if len(r.Errors) > 0 || strings.Contains(r.Body, `"passwordCleared":true`) {
			t.Fatalf("%s: verification with the passkey: %s", way, r.Body)
		}
		s.ExpectFault("used twice", s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", code, "passkey", good)), "input.passkey.continuationToken INVALID")
		again := newClient(s, way, c.key)
		again.take(again.signIn())
		if names, _ := again.credentials(); fmt.Sprint(names) != "[PASSKEY Passkey EMAIL_CODE Code by email]" {
			t.Errorf("%s: after the verification, there are %v", way, names)
		}
		again = newClient(s, way, nil)
		second := again.form()
		second["i"].(harness.Vars)["email"] = email
		f = again.start(startSignUp, second)
		if r := again.do(finishSignUp, f.with(again.create(f))); r.Body != bodies[0] {
			t.Errorf("%s: an address with an account: %s", way, r.Body)
		}
		s.MailTo(fmt.Sprint(email), "address_taken", 1)
	}
}

// O04: somebody who has only the code of an address may be somebody else than who has signed up with it. So the account keeps no passkey
// that they have not proved, as it keeps no password.
func TestPasskeyOfAStrangerIsDeleted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on").Work()
	for _, other := range []bool{false, true} {
		stranger := newClient(s, "TOKENS", nil)
		form := stranger.form()
		f := stranger.start(startSignUp, form)
		stranger.do(finishSignUp, f.with(stranger.create(f)))
		email := form["i"].(harness.Vars)["email"]
		input := harness.Input("email", email, "code", s.CodeTo(fmt.Sprint(email), "verify_email", 1))
		if other { // a passkey of another sign-up with the address
			owner := newClient(s, "TOKENS", nil)
			second := owner.form()
			second["i"].(harness.Vars)["email"] = email
			f := owner.start(startSignUp, second)
			owner.do(finishSignUp, f.with(owner.create(f)))
			f = owner.start(startSignIn, nil)
			input["i"].(harness.Vars)["passkey"] = f.with(owner.choose(f))["i"]
		}
		if r := s.Do("", harness.VerifyEmail, input); len(r.Errors) > 0 || !strings.Contains(r.Body, `"passwordCleared":true`) {
			t.Errorf("verification without the passkey: %s", r.Body)
		}
		if r := newClient(s, "TOKENS", stranger.key).signIn(); r.Body != refusal {
			t.Errorf("a passkey that may be a stranger's: %s", r.Body)
		}
	}
}
