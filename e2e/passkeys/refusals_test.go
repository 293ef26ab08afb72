package passkeys

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth/passkeys/softkey"
	"freehold.dev/freehold/e2e/harness"
)

// refusal is the one answer to every sign-in with a passkey that fails.
const refusal = `{"errors":[{"message":"You cannot sign in with this passkey.","path":["finished"],"locations":[{"line":1,"column":44}],"extensions":{"code":"INVALID_CREDENTIALS"}}],"data":{"finished":null}}`

// changed returns an answer with another value at a path, such as response.signature.
func changed(t *testing.T, answer json.RawMessage, path string, change func(string) any) json.RawMessage {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal(answer, &whole); err != nil {
		t.Fatal(err)
	}
	within, name := whole, path
	if first, second, found := strings.Cut(path, "."); found {
		within, name = whole[first].(map[string]any), second
	}
	within[name] = change(fmt.Sprint(within[name]))
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// flip changes a character in the middle of a text in base64url.
func flip(text string) any {
	at := len(text) / 2
	other := "A"
	if text[at] == 'A' {
		other = "B"
	}
	return text[:at] + other + text[at+1:]
}

// O08: a sign-in with a passkey is refused, whatever is wrong with the answer, and always in the same words. If the account is known, the
// refusal is an event of it.
func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings  []string
		misbehave func(c *client)                                            // before the answer
		replace   func(t *testing.T, answer json.RawMessage) json.RawMessage // the answer
		unknown   bool                                                       // whether the service cannot know the account
	}{
		"another origin":            {misbehave: func(c *client) { c.key.Origin = "https://evil.example" }},
		"a subdomain":               {misbehave: func(c *client) { c.key.Origin = "http://evil.localhost:8080" }},
		"a frame":                   {misbehave: func(c *client) { c.key.CrossOrigin = true }},
		"another RP":                {misbehave: func(c *client) { c.key.RPID = "evil.example" }},
		"another ceremony":          {misbehave: func(c *client) { c.key.Type = "webauthn.create" }},
		"nobody present":            {misbehave: func(c *client) { c.key.Present = false }},
		"no verification":           {settings: []string{"FREEHOLD_PASSKEY_USER_VERIFICATION=required"}, misbehave: func(c *client) { c.key.Verified = false }},
		"no longer to be backed up": {misbehave: func(c *client) { c.key.Eligible, c.key.BackedUp = false, false }},
		"a counter that goes back":  {misbehave: func(c *client) { c.key.Keys[0].Counter = 3 }},
		"the same counter":          {misbehave: func(c *client) { c.key.Step = 0 }},
		"another user":              {misbehave: func(c *client) { id := uuid.New(); c.key.Keys[0].UserID = id[:] }},
		"no user":                   {misbehave: func(c *client) { c.key.Keys[0].UserID = nil }},
		"another user's passkey": {misbehave: func(c *client) {
			other := newClient(c.Service, "TOKENS", nil)
			other.signUp()
			c.key.Keys[0].ID = other.key.Keys[0].ID // the attacker knows its id, but not its key
		}, unknown: true},
		"an unknown passkey": {misbehave: func(c *client) { c.key.Keys[0].ID = []byte("unknown") }, unknown: true},
		"a signature": {replace: func(t *testing.T, a json.RawMessage) json.RawMessage {
			return changed(t, a, "response.signature", flip)
		}},
		"the signed data": {replace: func(t *testing.T, a json.RawMessage) json.RawMessage {
			return changed(t, a, "response.authenticatorData", flip)
		}},
		"a credential of another type": {replace: func(t *testing.T, a json.RawMessage) json.RawMessage {
			return changed(t, a, "type", func(string) any { return "password" })
		}, unknown: true},
		"nothing": {replace: func(*testing.T, json.RawMessage) json.RawMessage { return json.RawMessage(`{}`) }, unknown: true},
		"a text":  {replace: func(*testing.T, json.RawMessage) json.RawMessage { return json.RawMessage(`"x"`) }, unknown: true},
		"a list":  {replace: func(*testing.T, json.RawMessage) json.RawMessage { return json.RawMessage(`[[1], null]`) }, unknown: true},
		"an id that is a list": {replace: func(t *testing.T, a json.RawMessage) json.RawMessage {
			return changed(t, a, "id", func(string) any { return []int{1} })
		}, unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, c.settings...)
			owner := newClient(s, "TOKENS", nil)
			owner.key.Step = 1
			email := owner.signUp()
			owner.take(owner.signIn())
			owner.key.Keys[0].Counter += 10
			owner.take(owner.signIn())

			f := owner.start(startSignIn, nil)
			if c.misbehave != nil {
				c.misbehave(owner)
			}
			answer := owner.choose(f)
			if c.replace != nil {
				answer = c.replace(t, answer)
			}
			sessions := s.Count("sessions")
			r := owner.do(finishSignIn, f.with(answer))
			if r.Body != refusal || s.Count("sessions") != sessions {
				t.Errorf("%s\nwant %s", r.Body, refusal)
			}
			if name == "another origin" && !strings.Contains(s.Logs.String(), "Expected Values: [http://localhost:8080], Received: https://evil.example") {
				t.Errorf("the log does not say what is wrong: %s", s.Logs.String())
			}
			if got := events(s, email); strings.HasPrefix(got, "SIGN_IN_REFUSED ") == c.unknown {
				t.Errorf("the events are %s", got)
			}
		})
	}
}

// An account that is disabled or deleted cannot be entered with its passkey, nor can one that waits for its verification.
func TestAccountsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for name, query := range map[string]string{
		"disabled": `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $1`,
		"pending":  `UPDATE app.user_private SET pending_until = now() + interval '1 hour' WHERE user_id = $1`,
		"deleted":  `DELETE FROM app.users WHERE id = $1`,
	} {
		c := newClient(s, "TOKENS", nil)
		email := c.signUp()
		f := c.start(startSignIn, nil)
		answer := c.choose(f)
		s.DB.Query(t, query, s.DB.Query(t, `SELECT user_id FROM app.user_private WHERE email = $1`, email)[0])
		if r := c.do(finishSignIn, f.with(answer)); r.Body != refusal {
			t.Errorf("%s: %s", name, r.Body)
		}
		if got := events(s, email); name != "deleted" && !strings.HasPrefix(got, "SIGN_IN_REFUSED ") {
			t.Errorf("%s: the events are %s", name, got)
		}
	}
}

// O08: an answer is accepted once, also if two requests send it at once; and a passkey belongs to one account.
func TestAnswersWorkOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := newClient(s, "TOKENS", nil)
	c.signUp()
	f := c.start(startSignIn, nil)
	other := c.start(startSignIn, nil)
	answer := c.choose(f)
	if r := c.do(finishSignIn, other.with(answer)); r.Body != refusal {
		t.Errorf("the answer to another challenge: %s", r.Body)
	}
	sendAtOnce(s, finishSignIn, f.with(answer))
	if s.Count("sessions") != "2" {
		t.Errorf("one answer has started several sessions; there are %s", s.Count("sessions"))
	}
	visitor := newClient(s, "TOKENS", nil)
	f = visitor.start(startSignUp, visitor.form())
	sendAtOnce(s, finishSignUp, f.with(visitor.create(f)))
	if s.Count("users") != "2" || s.Count("passkeys") != "2" {
		t.Errorf("one answer has created several accounts; there are %s, and %s passkeys", s.Count("users"), s.Count("passkeys"))
	}

	// The attestation "none" does not prove who has a passkey. So anyone could register the id of another user's passkey.
	thief, _ := memberWith(s, "TOKENS")
	f = thief.start(startRegistration, nil)
	thief.create(f)
	thief.key.Keys[0].ID = c.key.Keys[0].ID
	var options struct{ Challenge string }
	if err := json.Unmarshal(f.Options, &options); err != nil {
		t.Fatal(err)
	}
	stolen, err := thief.key.Attest("localhost", options.Challenge, thief.key.Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if r := thief.do(finishRegistration, f.with(stolen)); r.Code() != "CONFLICT" || fmt.Sprint(r.Fields()) != "[input.credential TAKEN]" {
		t.Errorf("the passkey of another account: %s", r.Body)
	}
	c.take(c.signIn())
}

// sendAtOnce sends an answer several times at once, and fails the test unless it is accepted once.
func sendAtOnce(s *harness.Service, query string, v harness.Vars) {
	s.T.Helper()
	const tries = 4
	replies := make(chan harness.Reply, tries)
	for range tries {
		go func() {
			r, err := s.TryDo("", query, v)
			if err != nil {
				s.T.Error(err)
			}
			replies <- r
		}()
	}
	succeeded := 0
	for range tries {
		r := <-replies
		if len(r.Errors) == 0 {
			succeeded++
		} else if fields := fmt.Sprint(r.Fields()); fields != "[input.continuationToken INVALID]" && r.Code() != "CONFLICT" { // the values are taken by the first one
			s.T.Errorf("an answer that was used: %s", r.Body)
		}
	}
	if succeeded != 1 {
		s.T.Errorf("an answer was accepted %d times", succeeded)
	}
}

// O08, O14: a new passkey is refused if anything is wrong with it, and a flow continues only for the client and the user that have
// started it, for its own purpose, once, and for ten minutes.
func TestRegistrationRefusals(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_PASSKEY_USER_VERIFICATION=required")
	for name, c := range map[string]struct {
		misbehave func(a *softkey.Authenticator)
		finish    func(c *client, f *started) // how the client finishes it
		want      string
	}{
		"another origin":   {misbehave: func(a *softkey.Authenticator) { a.Origin = "https://evil.example" }, want: "input.credential INVALID"},
		"another RP":       {misbehave: func(a *softkey.Authenticator) { a.RPID = "evil.example" }, want: "input.credential INVALID"},
		"another ceremony": {misbehave: func(a *softkey.Authenticator) { a.Type = "webauthn.get" }, want: "input.credential INVALID"},
		"no verification":  {misbehave: func(a *softkey.Authenticator) { a.Verified = false }, want: "input.credential INVALID"},
		"another challenge": {finish: func(c *client, f *started) {
			f.ContinuationToken = c.start(startRegistration, nil).ContinuationToken
		}, want: "input.credential INVALID"},
		"another user": {finish: func(c *client, _ *started) { c.token = s.SignUp(nil).Token }, want: "input.continuationToken INVALID"},
		"another purpose": {finish: func(c *client, f *started) {
			f.ContinuationToken = c.start(startSignUp, c.form()).ContinuationToken
		}, want: "input.continuationToken INVALID"},
		"expired": {finish: func(*client, *started) {
			s.DB.Query(t, `UPDATE app.continuations SET expires_at = now()`)
		}, want: "input.continuationToken INVALID"},
		"no token": {finish: func(_ *client, f *started) { f.ContinuationToken = "" }, want: "input.continuationToken INVALID"},
		"signed out": {finish: func(c *client, _ *started) {
			s.Must(c.token, `mutation { signOut { success } }`, nil)
		}, want: "UNAUTHENTICATED"},
	} {
		member, _ := memberWith(s, "TOKENS")
		f := member.start(startRegistration, nil)
		if c.misbehave != nil {
			c.misbehave(member.key)
		}
		answer := member.create(f)
		before := s.Count("passkeys")
		if c.finish != nil {
			c.finish(member, &f)
		}
		r := member.do(finishRegistration, f.with(answer))
		if got := strings.Join(append(r.Fields(), r.Code()), " "); !strings.Contains(got, c.want) || s.Count("passkeys") != before {
			t.Errorf("%s: %s, want %s", name, r.Body, c.want)
		}
	}
	member, _ := memberWith(s, "TOKENS")
	f := member.start(startRegistration, nil)
	input := f.with(member.create(f))
	input["i"].(harness.Vars)["name"] = strings.Repeat("x", 101)
	s.ExpectFault("a long name", member.do(finishRegistration, input), "input.name TOO_LONG")
	input["i"].(harness.Vars)["name"] = "x"
	if r := member.do(finishRegistration, input); len(r.Errors) > 0 { // the flow is not used up by a fault
		t.Error(r.Body)
	}
	s.ExpectFault("again", member.do(finishRegistration, input), "input.continuationToken INVALID")
}

// O08, O14: a reauthentication accepts the viewer's own passkeys only, and only in the session's own flow.
func TestReauthenticationRefusals(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for name, c := range map[string]struct {
		misbehave func(c *client, f *started)
		want      string
	}{
		"another origin": {func(c *client, _ *started) { c.key.Origin = "https://evil.example" }, "input.credential INVALID"},
		"another user's passkey": {func(c *client, f *started) {
			other := newClient(s, "TOKENS", nil)
			other.signUp()
			other.key.Keys[0].UserID = c.key.Keys[0].UserID
			c.key = other.key
			f.Options = json.RawMessage(strings.ReplaceAll(string(f.Options), "allowCredentials", "ignored"))
		}, "input.credential INVALID"},
		"a counter that goes back": {func(c *client, _ *started) { c.key.Keys[0].Counter, c.key.Step = 1, 0 }, "input.credential INVALID"},
		"another user's flow": {func(_ *client, f *started) {
			other := newClient(s, "TOKENS", nil)
			other.signUp()
			f.ContinuationToken = other.start(startReauth, nil).ContinuationToken
		}, "input.continuationToken INVALID"},
		"the flow of a sign-in": {func(c *client, f *started) { *f = c.start(startSignIn, nil) }, "input.continuationToken INVALID"},
	} {
		member := newClient(s, "TOKENS", nil)
		member.key.Step = 1
		email := member.signUp()
		s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = now() - interval '1 hour'`)
		f := member.start(startReauth, nil)
		c.misbehave(member, &f)
		s.ExpectFault(name, member.do(finishReauth, f.with(member.choose(f))), c.want)
		if r := member.do(startRegistration, nil); r.Code() != "REAUTH_REQUIRED" {
			t.Errorf("%s: %s", name, r.Body)
		}
		if got := events(s, email); strings.HasPrefix(got, "SIGN_IN_REFUSED ") != (name == "another origin" || name == "a counter that goes back") {
			t.Errorf("%s: the events are %s", name, got)
		}
	}
}

// O09: the options for a sign-in are the same for everybody, whatever accounts and passkeys there are.
func TestOptionsRevealNothing(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := newClient(s, "TOKENS", nil)
	options := func() string {
		t.Helper()
		var o map[string]any
		if err := json.Unmarshal(c.start(startSignIn, nil).Options, &o); err != nil {
			t.Fatal(err)
		}
		o["challenge"] = len(fmt.Sprint(o["challenge"]))
		return fmt.Sprint(o)
	}
	const want = "map[challenge:43 rpId:localhost timeout:600000 userVerification:preferred]"
	if got := options(); got != want {
		t.Errorf("without accounts, the options are %s, want %s", got, want)
	}
	c.signUp()
	if got := options(); got != want {
		t.Errorf("for a member, the options are %s, want %s", got, want)
	}
	c.token = ""
	if got := options(); got != want {
		t.Errorf("for a visitor, the options are %s, want %s", got, want)
	}
}

// O14: a flow belongs to the browser or to the kind of client that has started it.
func TestFlowsBelongToTheirClient(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, way := range ways {
		c := newClient(s, way, nil)
		c.signUp()
		f := c.start(startSignIn, harness.Input("session", way))
		answer := c.choose(f)
		thief := &harness.Browser{Service: s, From: map[string][]string{"User-Agent": {"another client"}}}
		if r := thief.Do(finishSignIn, f.with(answer)); fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" || thief.Access != "" {
			t.Errorf("%s: another client: %s", way, r.Body)
		}
		c.take(c.do(finishSignIn, f.with(answer)))
	}
}
