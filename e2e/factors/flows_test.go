package factors

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/e2e/harness"
)

// continues are the mutations that continue a flow: its purpose, and an input that is complete with the token.
var continues = map[string]struct {
	purpose string
	input   string
}{
	"finishSecondFactor": {"SECOND_FACTOR", `code: "123456"`},
	"finishTotp":         {"TOTP", `code: "123456"`},
	"completeSignUp":     {"SIGN_UP", `username: "somebody"`},

	"finishPasskeyRegistration":     {"PASSKEY_REGISTRATION", `credential: {}`},
	"finishPasskeySignUp":           {"PASSKEY_SIGN_UP", `credential: {}`},
	"finishPasskeySignIn":           {"PASSKEY_SIGN_IN", `credential: {}`},
	"finishPasskeyReauthentication": {"PASSKEY_REAUTHENTICATION", `credential: {}`},
	"finishOAuth":                   {"OAUTH", `code: "x", state: "x"`},
	"finishOAuthLink":               {"OAUTH_LINK", `code: "x", state: "x"`},
	"finishOAuthReauthentication":   {"OAUTH_REAUTHENTICATION", `code: "x", state: "x"`},
}

// invalidToken is the message of each refusal of a token.
const invalidToken = "This continuation token is invalid, was used already, or has expired. Start again."

// O14: a token continues flows of one purpose only, for any client that sends it.
func TestContinuationTokensServeOnePurpose(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	for _, f := range harness.Program.Schema().Mutation.Fields {
		input := f.Arguments.ForName("input")
		if input == nil || harness.Program.Schema().Types[input.Type.Name()].Fields.ForName("continuationToken") == nil {
			continue
		}
		this, listed := continues[f.Name]
		if !listed {
			t.Errorf("add the mutation %s, which continues a flow, to the table", f.Name)
		}
		for _, other := range continues {
			if other.purpose == this.purpose {
				continue
			}
			token := auth.NewFlowToken()
			sealed, err := token.Seal([]byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			s.DB.Query(t, `SELECT app.open_continuation($1, $2, sha256('device\000Go-http-client/1.1'), $3, $4, 600)`, token.Hash(), other.purpose, a.UserID, sealed)
			r := s.Do(a.Token, `mutation { it: `+f.Name+`(input: {continuationToken: "`+token.String()+`", `+this.input+`}) { __typename } }`, nil)
			if fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" || r.Errors[0].Message != invalidToken {
				t.Errorf("%s with a token for %s: %s", f.Name, other.purpose, r.Body)
			}
		}
	}
}

// O14: the token of a flow is refused, always with the same error, for another client, after ten minutes, after it
// was used, and after the flow was ended by a change of the account. The refusals do not use it up.
func TestContinuationTokens(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, of func(*harness.Service) *client) {
		clock := &harness.Clock{}
		s := harness.StartAt(t, clock)
		c := of(s)
		m := c.enroll(clock)
		x := of(s)
		token := x.begin(m)
		expectRefused := func(what string, r harness.Reply) {
			t.Helper()
			if got := fmt.Sprint(r.Fields()); got != "[input.continuationToken INVALID]" || r.Errors[0].Message != invalidToken {
				t.Errorf("%s: %s", what, r.Body)
			}
		}
		started := c.must(start, nil).ContinuationToken
		expectRefused("the token of an app to add", c.do(second, harness.Input("continuationToken", started, "code", m.next(t))))

		input := func() harness.Vars { return harness.Input("continuationToken", token, "code", m.code(t, 0)) }
		if x.browser == nil {
			expectRefused("another client", s.Send(harness.Request{Header: http.Header{"User-Agent": {"another"}}, Query: second, Vars: input()}))
			expectRefused("no User-Agent", s.Send(harness.Request{Header: http.Header{"User-Agent": {""}}, Query: second, Vars: input()}))
		} else {
			other := of(s)
			other.begin(m)
			expectRefused("another browser", other.do(second, input()))
			expectRefused("a browser without the cookie", (&harness.Browser{Service: s}).Do(second, input()))
			expectRefused("a client without cookies", s.Do("", second, input()))
		}
		for what, altered := range map[string]string{"altered": harness.Alter(token), "empty": "", "short": token[1:], "long": token + "A", "padded": token + "="} {
			expectRefused(what, x.do(second, harness.Input("continuationToken", altered, "code", m.code(t, 0))))
		}
		x.take(x.must(second, input()))
		s.ExpectMember(x.token, m.email)
		expectRefused("used", x.do(second, harness.Input("continuationToken", token, "code", m.next(t))))

		token = x.begin(m)
		s.DB.Query(t, `UPDATE app.continuations SET expires_at = now()`)
		expectRefused("expired", x.do(second, harness.Input("continuationToken", token, "code", m.next(t))))
		token = x.begin(m)
		if r := s.Do(x.token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword)); len(r.Errors) > 0 {
			t.Fatal(r.Body)
		}
		expectRefused("after a new password", x.do(second, harness.Input("continuationToken", token, "code", m.next(t))))
	})
}

// If the second step of a sign-in fails anywhere, there is no session, and neither the token nor the second factor is used up.
func TestSecondFactorIsUsedWithTheSignInOrNotAtAll(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, of func(*harness.Service) *client) {
		clock := &harness.Clock{}
		s := harness.StartAt(t, clock)
		m := of(s).enroll(clock)
		for n, broken := range []string{"app.use_totp_step", "app.use_recovery_code", "app.use_continuation", "app.enter_account", "app.enter", "app.revoke_oldest_sessions"} {
			x := of(s)
			token := x.begin(m)
			s.ExpectError(broken)
			restore := breakFunction(s, broken)
			before := s.DB.Query(t, `SELECT count(*) FROM app.sessions`)[0]
			for _, pairs := range [][]any{{"code", m.next(t)}, {"recoveryCode", m.recovery[n]}} {
				r := x.do(second, harness.Input(append(pairs, "continuationToken", token)...))
				if applies := !strings.HasPrefix(broken, "app.use_") || broken == "app.use_continuation" || (broken == "app.use_totp_step") == (pairs[0] == "code"); applies && r.Code() != "INTERNAL_SERVER_ERROR" {
					t.Errorf("without %s, a %s: %s", broken, pairs[0], r.Body)
				} else if !applies {
					token = x.begin(m) // the other factor was accepted
					before = s.DB.Query(t, `SELECT count(*) FROM app.sessions`)[0]
				}
			}
			if after := s.DB.Query(t, `SELECT count(*) FROM app.sessions`)[0]; after != before {
				t.Errorf("without %s, a session was started", broken)
			}
			restore()
			x.must(second, harness.Input("continuationToken", token, "code", m.next(t)))
		}
	})
}

// A disabled account gets no session, although its second factor is right.
func TestSecondFactorOfADisabledAccount(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock)
	c := &client{Service: s}
	m := c.enroll(clock)
	token := c.begin(m)
	s.DB.Query(t, `UPDATE app.accounts SET disabled_at = now()`)
	if r := c.do(second, harness.Input("continuationToken", token, "code", m.next(t))); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("a disabled account: %s", r.Body)
	}
	if r := s.TrySignIn(m.email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("its password: %s", r.Body)
	}
}
