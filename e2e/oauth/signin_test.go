package oauth

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/e2e/harness"
)

const remove = `mutation ($i: RemoveCredentialInput!) { removeCredential(input: $i) { removedCredentialId } }`

// A user signs up with a provider, signs in with it, adds a second provider, and removes it.
func TestSignUpSignInAddAndRemove(t *testing.T) {
	t.Parallel()
	eachClient(t, func(t *testing.T, cookies bool) {
		other := newProvider(t, "other")
		s, p := start(t, other.settings("other", "FREEHOLD_OIDC_OTHER_LABEL=The Other")...)
		s.Work()
		p.put("ann", "Ann@example.org", true)
		c := newClient(s, cookies)
		a := c.take(c.signIn(p, "ann", "username", "Ann", "profile", harness.Vars{"bio": "Hello"}))
		if a.User == nil || a.User.Email != "Ann@example.org" || !a.User.EmailVerified || a.User.Profile.Username != "Ann" || a.User.Profile.DisplayName != "Name of ann" {
			t.Fatalf("the new account: %+v", a.User)
		}
		if got, _ := c.credentials(); got != "EMAIL_CODE Code by email, OAUTH Work (Ann@example.org)" && got != "OAUTH Work (Ann@example.org), EMAIL_CODE Code by email" {
			t.Errorf("the credentials of a new account: %s", got)
		}
		if got := events(s, a.User.ID); !strings.Contains(got, "SIGNED_UP") || !strings.Contains(got, "CREDENTIAL_ADDED") {
			t.Errorf("the events of a sign-up: %s", got)
		}
		if bio := s.DB.Query(t, `SELECT bio FROM app.profiles WHERE user_id = $1`, a.User.ID)[0]; bio != "Hello" {
			t.Errorf("the profile of the form: %q", bio)
		}

		c = newClient(s, cookies)
		if again := c.take(c.signIn(p, "ann")); again.User == nil || again.User.ID != a.User.ID {
			t.Fatalf("signing in: %+v", again)
		}
		if got := events(s, a.User.ID); !strings.HasPrefix(got, "SIGNED_IN") {
			t.Errorf("the events of a sign-in: %s", got)
		}
		amr := s.DB.Query(t, `SELECT amr::text || ' ' || (credential_id IS NOT NULL) FROM app.sessions WHERE user_id = $1`, a.User.ID)
		if fmt.Sprint(amr) != "[{fed} true {fed} true]" {
			t.Errorf("the sessions: %v", amr)
		}

		other.put("annie", "annie@other.example", true)
		b := c.begin(startLink, "provider", "other")
		r := c.finish(finishLink, b, other.signIn(b.AuthorizationURL, "annie"))
		if len(r.Errors) > 0 || !strings.Contains(r.Body, `"kind":"OAUTH","name":"The Other (annie@other.example)"`) {
			t.Fatalf("adding a provider: %s", r.Body)
		}
		if m := s.MailTo("Ann@example.org", "credential_added", 1); !strings.Contains(m.Text, "an account of another service") || !strings.Contains(m.Text, "Ann") {
			t.Errorf("the notice: %s", m.Text)
		}
		b = c.begin(startLink, "provider", "other")
		if again := c.finish(finishLink, b, other.signIn(b.AuthorizationURL, "annie")); string(again.Data) != string(r.Data) {
			t.Errorf("adding a provider again: %s", again.Body)
		}
		byOther := newClient(s, cookies)
		if found := byOther.take(byOther.signIn(other, "annie", "provider", "other")); found.User == nil || found.User.ID != a.User.ID {
			t.Errorf("signing in with the second provider: %+v", found)
		}

		_, ids := c.credentials()
		if r := c.do(remove, harness.Input("id", ids["The Other (annie@other.example)"])); len(r.Errors) > 0 {
			t.Fatalf("removing a provider: %s", r.Body)
		}
		if r := byOther.do(`{ me { id } }`, nil); r.Code() != "UNAUTHENTICATED" {
			t.Errorf("the session that the removed provider has started: %s", r.Body)
		}
		if found := byOther.take(newClient(s, cookies).signIn(other, "annie", "provider", "other")); found.PendingSignUp == nil {
			t.Errorf("signing in with the removed provider: %+v", found)
		}
	})
}

// A new user without a username is asked for one, whatever the reason, and keeps what the provider has proved.
func TestUsernameIsAskedFor(t *testing.T) {
	t.Parallel()
	eachClient(t, func(t *testing.T, cookies bool) {
		s, p := start(t)
		p.put("ann", "ann@example.org", true)
		c := newClient(s, cookies)
		b := c.begin(startOAuth, "username", "popular")
		s.SignUpAs("popular", nil) // in the meantime
		taken := c.take(c.finish(finishOAuth, b, p.signIn(b.AuthorizationURL, "ann")))
		missing := c.take(c.signIn(p, "ann"))
		for what, a := range map[string]account{"taken": taken, "missing": missing} {
			if a.User != nil || a.PendingSignUp == nil || a.PendingSignUp.Needs != "NEEDS_USERNAME" {
				t.Fatalf("a username that is %s: %+v", what, a)
			}
		}
		if n := s.Count("users"); n != "1" {
			t.Errorf("%s users before there is a username", n)
		}
		if r := c.do(complete, harness.Input("continuationToken", taken.PendingSignUp.ContinuationToken, "username", "popular")); fmt.Sprint(r.Fields()) != "[input.username TAKEN]" {
			t.Errorf("completing with a username that is taken: %s", r.Body)
		}
		if cookies {
			r := newClient(s, cookies).do(complete, harness.Input("continuationToken", taken.PendingSignUp.ContinuationToken, "username", "ann-1"))
			if fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" {
				t.Errorf("another browser completes the sign-up: %s", r.Body)
			}
		}
		a := c.take(c.do(complete, harness.Input("continuationToken", missing.PendingSignUp.ContinuationToken, "username", "ann-1")))
		if a.User == nil || a.User.Profile.Username != "ann-1" || a.User.Email != "ann@example.org" || !a.User.EmailVerified {
			t.Fatalf("the completed sign-up: %+v", a.User)
		}
		if again := c.take(c.signIn(p, "ann")); again.User == nil || again.User.ID != a.User.ID {
			t.Errorf("signing in after that: %+v", again)
		}
		p.put("bea", "bea@example.org", true) // the form of a user who is asked for another username is kept
		b = c.begin(startOAuth, "username", "popular-2", "profile", harness.Vars{"bio": "From the form", "location": "Here"})
		s.SignUpAs("popular-2", nil)
		bea := c.take(c.finish(finishOAuth, b, p.signIn(b.AuthorizationURL, "bea")))
		c.do(complete, harness.Input("continuationToken", bea.PendingSignUp.ContinuationToken, "username", "bea", "profile", harness.Vars{"location": "There"}))
		if got := s.DB.Query(t, `SELECT bio || ', ' || location FROM app.profiles WHERE username = 'bea'`); fmt.Sprint(got) != "[From the form, There]" {
			t.Errorf("the profile of a user who was asked for a username: %v", got)
		}
		r := c.do(complete, harness.Input("continuationToken", taken.PendingSignUp.ContinuationToken, "username", "ann-2"))
		if fmt.Sprint(r.Fields()) != "[input.continuationToken TAKEN]" || s.Count("users") != "4" {
			t.Errorf("completing a second sign-up with the same identity: %s", r.Body)
		}
	})
}

// A form learns at once that its username cannot be had, before the user leaves.
func TestStartIsValidated(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	s.SignUpAs("popular", nil)
	for _, c := range []struct {
		pairs []any
		want  string
	}{
		{[]any{"username", "popular"}, "CONFLICT [input.username TAKEN]"},
		{[]any{"username", "x"}, "BAD_USER_INPUT [input.username TOO_SHORT]"},
		{[]any{"provider", "nobody"}, "BAD_USER_INPUT [input.provider UNKNOWN]"},
		{[]any{"provider", "nobody", "username", "x", "redirectTo", "x"}, "BAD_USER_INPUT [input.username TOO_SHORT input.provider UNKNOWN input.redirectTo NOT_ALLOWED]"},
		{[]any{"profile", harness.Vars{"phoneNumber": "12"}}, "BAD_USER_INPUT [input.profile.phoneNumber INVALID]"},
		{[]any{"username", "fine"}, " []"},
	} {
		if b := newClient(s, false).begin(startOAuth, c.pairs...); fmt.Sprint(b.reply.Code(), " ", b.reply.Fields()) != c.want {
			t.Errorf("start with %v: %s, want %s", c.pairs, b.reply.Body, c.want)
		}
	}
	if r := s.Do("", `{ settings { oauthProviders { name label } } }`, nil); string(r.Data) != `{"settings":{"oauthProviders":[{"name":"work","label":"Work"}]}}` {
		t.Errorf("the providers: %s", r.Body)
	}
}

// An account with a second factor is asked for it.
func TestSecondFactorIsAskedFor(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.put("ann", "ann@example.org", true)
	c := newClient(s, false)
	a := c.signUp(p, "ann")
	s.DB.Query(t, `INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1, 'TOTP', 'x')`, a.User.ID)
	if got := c.take(c.signIn(p, "ann")); got.User != nil || got.Tokens != nil || got.SecondFactor == nil || got.SecondFactor.ContinuationToken == "" {
		t.Errorf("an account with a second factor: %+v", got)
	}
}

// The identity of a verified address is added to an account only after its second factor: before that, the client has proved only one.
func TestIdentityIsAddedAfterTheSecondFactor(t *testing.T) {
	t.Parallel()
	eachClient(t, func(t *testing.T, cookies bool) {
		s, p := start(t)
		s.Work()
		ann := s.SignUp(nil)
		s.DB.Query(t, `UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $1`, ann.UserID)
		s.DB.Query(t, `INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1, 'TOTP', 'x')`, ann.UserID)
		code := auth.NewRecoveryCode()
		hash, _ := auth.HashRecoveryCode(uuid.MustParse(ann.UserID), code)
		s.DB.Query(t, `INSERT INTO app.recovery_codes (user_id, code_hash) VALUES ($1, $2)`, ann.UserID, hash)
		p.put("ann", ann.Email, true)
		c := newClient(s, cookies)
		asked := c.take(c.signIn(p, "ann"))
		if asked.SecondFactor == nil || s.Count("identities") != "0" || strings.Contains(events(s, ann.UserID), "CREDENTIAL_ADDED") {
			t.Fatalf("before the second factor: %+v, %s identities, %s", asked, s.Count("identities"), events(s, ann.UserID))
		}
		finish := func(code string) harness.Reply {
			return c.do(`mutation ($i: FinishSecondFactorInput!) { finishSecondFactor(input: $i) { user { id } tokens { accessToken } } }`,
				harness.Input("continuationToken", asked.SecondFactor.ContinuationToken, "recoveryCode", code))
		}
		if r := finish("wrong"); len(r.Errors) == 0 || s.Count("identities") != "0" {
			t.Errorf("a wrong second factor: %s, %s identities", r.Body, s.Count("identities"))
		}
		if r := finish(code); len(r.Errors) > 0 || !strings.Contains(r.Body, ann.UserID) {
			t.Fatalf("the second factor: %s", r.Body)
		}
		s.MailTo(ann.Email, "credential_added", 1)
		if got := s.DB.Query(t, `SELECT count(*) FROM app.sessions s JOIN app.identities i USING (credential_id) WHERE s.user_id = $1`, ann.UserID)[0]; got != "1" {
			t.Errorf("%s sessions were started with the identity", got)
		}
		if again := newClient(s, cookies); again.take(again.signIn(p, "ann")).SecondFactor == nil {
			t.Error("the next sign-in needs no second factor")
		}
		if got := events(s, ann.UserID); strings.Count(got, "CREDENTIAL_ADDED") != 1 {
			t.Errorf("the events: %s", got)
		}
	})
}

// An account that cannot be used is refused as with a password. After its deletion, the identity is a new user's.
func TestDisabledAndDeletedAccounts(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.put("ann", "ann@example.org", true)
	c := newClient(s, false)
	a := c.signUp(p, "ann")
	s.DB.Query(t, `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $1`, a.User.ID)
	if r := c.signIn(p, "ann"); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("a disabled account: %s", r.Body)
	}
	if got := events(s, a.User.ID); !strings.HasPrefix(got, "SIGN_IN_REFUSED") {
		t.Errorf("the events: %s", got)
	}
	p.put("annie", "ann@example.org", true)
	if r := c.signIn(p, "annie"); r.Code() != "INVALID_CREDENTIALS" || len(s.DB.Query(t, `SELECT subject FROM app.identities`)) != 1 {
		t.Errorf("another user of the provider with the address of a disabled account: %s", r.Body)
	}
	s.DB.Query(t, `DELETE FROM app.users WHERE id = $1`, a.User.ID)
	if got := c.take(c.signIn(p, "ann")); got.PendingSignUp == nil {
		t.Errorf("after the deletion: %+v", got)
	}
}
