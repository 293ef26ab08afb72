package factors

import (
	"encoding/base32"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/e2e/harness"
)

// secretOf reads a secret as an app does.
func secretOf(t testing.TB, text string) totp.Secret {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(secret) != 20 {
		t.Fatalf("the secret %q: %v", text, err)
	}
	return secret
}

// A member adds an authenticator app, signs in with it, lists it and removes it. Then the password is enough again.
func TestAuthenticatorApp(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, of func(*harness.Service) *client) {
		clock := &harness.Clock{}
		s := harness.StartAt(t, clock, "FREEHOLD_APP_NAME=Example").Work()
		c := of(s)
		m := &member{email: c.signUp(), clock: clock}
		started := c.must(start, nil)
		m.secret = secretOf(t, started.Secret)
		u, err := url.Parse(started.URI)
		name := strings.TrimSuffix(m.email, "@example.org")
		if err != nil || u.Scheme != "otpauth" || u.Path != "/Example:"+name || u.Query().Get("secret") != started.Secret {
			t.Errorf("the URI is %s", started.URI)
		}
		p := c.must(finish, harness.Input("continuationToken", started.ContinuationToken, "code", m.next(t), "name", " My phone "))
		if p.Credential.Kind != "TOTP" || p.Credential.Name != "My phone" || p.Credential.LastUsedAt == "" || len(p.RecoveryCodes) != 10 || *p.User.RecoveryCodesLeft != 10 || p.User.ReauthenticatedUntil == "" {
			t.Errorf("adding an app: %+v", p)
		}
		if mail := s.MailTo(m.email, "credential_added", 1); !strings.Contains(mail.Text, "an authenticator app") {
			t.Errorf("the notice: %s", mail.Text)
		}
		if got := events(s, m.email); got[0] != "RECOVERY_CODES_CREATED" && got[1] != "RECOVERY_CODES_CREATED" || count(got, "CREDENTIAL_ADDED") != 1 {
			t.Errorf("the events are %v", got)
		}
		before := s.DB.Query(t, `SELECT count(*) FROM app.sessions`)
		other := of(s)
		token := other.begin(m)
		if after := s.DB.Query(t, `SELECT count(*) FROM app.sessions`); after[0] != before[0] {
			t.Errorf("a sign-in without the second factor has started a session")
		}
		if r := other.do(second, harness.Input("continuationToken", token, "code", m.wrong(t))); fmt.Sprint(r.Fields()) != "[input.code INVALID]" {
			t.Errorf("a wrong code: %s", r.Body)
		}
		other.take(other.must(second, harness.Input("continuationToken", token, "code", m.next(t))))
		s.ExpectMember(other.token, m.email)
		if got := events(s, m.email); got[0] != "SIGNED_IN" || count(got, "SECOND_FACTOR_REFUSED") != 1 {
			t.Errorf("the events are %v", got)
		}
		again := other.addApp(m)
		if again.RecoveryCodes != nil || again.Credential.Name != "Authenticator app" {
			t.Errorf("a second app: %+v", again)
		}
		for _, id := range []string{p.Credential.ID, again.Credential.ID} {
			if r := other.do(removal, harness.Input("id", id)); len(r.Errors) > 0 {
				t.Errorf("removing an app: %s", r.Body)
			}
		}
		if mail := s.MailTo(m.email, "credential_removed", 1); !strings.Contains(mail.Text, "an authenticator app") {
			t.Errorf("the notice: %s", mail.Text)
		}
		third := of(s)
		third.take(third.must(signIn, third.input("email", m.email, "password", harness.Password)))
		s.ExpectMember(third.token, m.email)
		if r := s.Do(third.token, left, nil); string(r.Data) != `{"me":{"recoveryCodesLeft":0}}` {
			t.Errorf("recovery codes without a second factor: %s", r.Body)
		}
	})
}

// Only the session that has started an app can finish it, once, with a right code and a valid name, after a recent proof.
func TestFinishTotpIsRefused(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock)
	c, stranger := &client{Service: s}, &client{Service: s}
	m := &member{email: c.signUp(), clock: clock}
	stranger.signUp()
	started := c.must(start, nil)
	m.secret = secretOf(t, started.Secret)
	other := s.SignIn(m.email)
	good := m.next(t)
	for _, x := range []struct{ what, token, continuation, code, name, want string }{
		{"no session", "", started.ContinuationToken, good, "", "UNAUTHENTICATED"},
		{"another member", stranger.token, started.ContinuationToken, good, "", "input.continuationToken INVALID"},
		{"another session", other, started.ContinuationToken, good, "", "input.continuationToken INVALID"},
		{"an altered token", c.token, harness.Alter(started.ContinuationToken), good, "", "input.continuationToken INVALID"},
		{"a wrong code", c.token, started.ContinuationToken, m.wrong(t), "", "input.code INVALID"},
		{"no code", c.token, started.ContinuationToken, "abc", strings.Repeat("x", 101), "input.code INVALID input.name TOO_LONG"},
	} {
		r := s.Do(x.token, finish, harness.Input("continuationToken", x.continuation, "code", x.code, "name", x.name))
		if got := strings.Join(r.Fields(), " "); got != x.want && r.Code() != x.want {
			t.Errorf("%s: %s, want %s", x.what, r.Body, x.want)
		}
	}
	s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = authenticated_at - interval '31 minutes'`)
	for what, r := range map[string]harness.Reply{
		"starting": c.do(start, nil), "finishing": c.do(finish, harness.Input("continuationToken", started.ContinuationToken, "code", good)), "codes": c.do(renew, nil),
	} {
		if r.Code() != "REAUTH_REQUIRED" || fmt.Sprint(r.Errors[0].Extensions.Acceptable) != "[PASSWORD]" {
			t.Errorf("%s long after the sign-in: %s", what, r.Body)
		}
	}
	s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = now()`)
	c.must(finish, harness.Input("continuationToken", started.ContinuationToken, "code", good))
	if r := c.do(finish, harness.Input("continuationToken", started.ContinuationToken, "code", m.next(t))); fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" {
		t.Errorf("finishing twice: %s", r.Body)
	}
	if r := stranger.do(renew, nil); r.Code() != "FORBIDDEN" {
		t.Errorf("recovery codes without an app: %s", r.Body)
	}
}

// A session that began to add an app before the account got a second factor has to prove that factor, too.
func TestAppIsNotAddedAroundAnother(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock)
	c := &client{Service: s}
	m := &member{email: c.signUp(), clock: clock}
	thief := &client{Service: s, token: s.SignIn(m.email)}
	started := thief.must(start, nil)
	c.addApp(m)
	theirs := &member{secret: secretOf(t, started.Secret), clock: clock, ahead: m.ahead}
	r := thief.do(finish, harness.Input("continuationToken", started.ContinuationToken, "code", theirs.next(t)))
	if got := acceptable(r); got != "[TOTP RECOVERY_CODE]" {
		t.Errorf("adding another app without the first one: %s", r.Body)
	}
}

// If the addition of an app fails at any step, the account has no app, no recovery codes and no mail, and the flow can be tried again.
func TestAuthenticatorAppIsAddedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock)
	for _, broken := range []string{"app.put_recovery_codes", "app.prove_second_factor", "app.use_continuation", "app.enqueue_mail"} {
		c := &client{Service: s}
		m := &member{email: c.signUp(), clock: clock}
		started := c.must(start, nil)
		m.secret = secretOf(t, started.Secret)
		mails := s.DB.Query(t, `SELECT count(*) FROM app.outbox`)
		s.ExpectError(broken)
		restore := breakFunction(s, broken)
		if r := c.do(finish, harness.Input("continuationToken", started.ContinuationToken, "code", m.next(t))); r.Code() != "INTERNAL_SERVER_ERROR" {
			t.Errorf("without %s: %s", broken, r.Body)
		}
		found := s.DB.Query(t, `
			SELECT (SELECT count(*) FROM app.credentials k WHERE k.user_id = u.user_id AND kind = 'TOTP') || ' ' || (SELECT count(*) FROM app.recovery_codes r WHERE r.user_id = u.user_id)
			  FROM app.user_private u WHERE email = $1`, m.email)
		if found[0] != "0 0" || s.DB.Query(t, `SELECT count(*) FROM app.outbox`)[0] != mails[0] {
			t.Errorf("without %s, there are %s apps and codes", broken, found[0])
		}
		restore()
		c.must(finish, harness.Input("continuationToken", started.ContinuationToken, "code", m.next(t)))
	}
}

// breakFunction makes a function fail, until the returned function is called.
func breakFunction(s *harness.Service, name string) (restore func()) {
	s.T.Helper()
	head := s.DB.Query(s.T, `SELECT pg_get_functiondef($1::regproc)`, name)[0]
	broken, _, _ := strings.Cut(head, "AS $")
	broken = strings.Replace(broken, "LANGUAGE sql", "LANGUAGE plpgsql", 1) + "AS $$ BEGIN RAISE EXCEPTION '" + name + " is broken'; END $$"
	s.DB.Query(s.T, broken)
	return func() { s.DB.Query(s.T, head) }
}

// O10: each step of an app is accepted once, also if two requests use it at once; one step before and one after the current one are
// accepted, but none before one that was used.
func TestTotpStepIsUsedOnce(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, of func(*harness.Service) *client) {
		clock := &harness.Clock{}
		s := harness.StartAt(t, clock)
		c := of(s)
		m := c.enroll(clock)
		for range 5 {
			code := m.next(t)
			results := make(chan string, 3)
			for range 3 {
				x := of(s)
				token := x.begin(m)
				header := map[string][]string{}
				if x.browser != nil {
					header = x.browser.Header()
				}
				go func() {
					r, err := s.TrySend(t.Context(), harness.Request{Header: header, Query: second, Vars: harness.Input("continuationToken", token, "code", code)})
					results <- fmt.Sprint(r.Fields(), len(r.Errors), err)
				}()
			}
			got := []string{<-results, <-results, <-results}
			slices.Sort(got)
			if fmt.Sprint(got) != "[[] 0 <nil> [input.code INVALID] 1 <nil> [input.code INVALID] 1 <nil>]" {
				t.Fatalf("three sign-ins with one code: %v", got)
			}
		}
		m.next(t)
		x := of(s)
		token := x.begin(m)
		for steps, want := range map[int]string{-2: "[input.code INVALID]", 2: "[input.code INVALID]"} {
			if r := x.do(second, harness.Input("continuationToken", token, "code", m.code(t, steps))); fmt.Sprint(r.Fields()) != want {
				t.Errorf("a clock that is off by %+d steps: %s", steps, r.Body)
			}
		}
		m.next(t)
		x.must(second, harness.Input("continuationToken", token, "code", m.code(t, -1)))
		x = of(s)
		x.must(second, harness.Input("continuationToken", x.begin(m), "code", m.code(t, 1)))
		for _, steps := range []int{-1, 0, 1} {
			x := of(s)
			if r := x.do(second, harness.Input("continuationToken", x.begin(m), "code", m.code(t, steps))); fmt.Sprint(r.Fields()) != "[input.code INVALID]" {
				t.Errorf("the step %+d after a later one was used: %s", steps, r.Body)
			}
		}
	})
}
