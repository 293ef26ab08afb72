package factors

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// from is the address of a client.
func from(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }

// attempt signs in from an address with the password and a second factor, such as "code", and returns the fields of the error.
func attempt(s *harness.Service, m *member, address, password, factor, value string) string {
	s.T.Helper()
	r := s.Send(harness.Request{Header: from(address), Query: signIn, Vars: harness.Input("email", m.email, "password", password)})
	if len(r.Errors) > 0 {
		return r.Code()
	}
	r = s.Send(harness.Request{
		Header: from(address), Query: second, Vars: harness.Input("continuationToken", read(s.T, r).SecondFactor.ContinuationToken, factor, value),
	})
	return strings.Join(r.Fields(), " ")
}

// O10: guesses at an app are limited, for each client and for all strangers together. Only a client with the password can guess. Nobody
// can keep the owner out: not from where they use the account, nor with a recovery code, nor after they have set a new password.
func TestGuessesAtAnAppAreLimited(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1", "FREEHOLD_LIMIT_SECOND_FACTOR=3/1h",
		"FREEHOLD_LIMIT_SECOND_FACTOR_TOTAL=5/24h", "FREEHOLD_LIMIT_SIGN_IN=1000/1h").Work()
	c := &client{Service: s}
	m := c.enroll(clock) // from 127.0.0.1, where no proxy names another client
	s.DB.Query(t, `UPDATE app.user_private SET email_verified_at = now()`)
	s.DB.Query(t, `UPDATE app.sessions SET ip = '10.0.0.1'`)
	wrong := m.wrong(t)
	const invalid, limited = "input.code INVALID", "input.code RATE_LIMITED"
	expect := func(what string, want ...string) func(got ...string) {
		t.Helper()
		return func(got ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
	}
	guess := func(address string) string { return attempt(s, m, address, harness.Password, "code", wrong) }
	if got := attempt(s, m, "10.9.0.1", "wrong", "code", wrong); got != "INVALID_CREDENTIALS" {
		t.Errorf("without the password: %s", got)
	}
	expect("one stranger", invalid, invalid, invalid, limited)(guess("10.1.0.1"), guess("10.1.0.1"), guess("10.1.0.1"), guess("10.1.0.1"))
	expect("all strangers", invalid, invalid, limited, limited)(guess("10.2.0.1"), guess("10.2.0.2"), guess("10.2.0.3"), guess("10.2.0.1"))
	if got := attempt(s, m, "10.3.0.1", harness.Password, "code", m.next(t)); got != limited {
		t.Errorf("a right code after too many guesses: %s", got)
	}
	expect("the owner, elsewhere, with a recovery code", "")(attempt(s, m, "10.3.0.1", harness.Password, "recoveryCode", m.recovery[0]))
	expect("the owner, where the account is used", invalid, invalid, "", invalid)(
		guess("10.0.0.1"), guess("10.0.0.1"), attempt(s, m, "10.0.0.1", harness.Password, "code", m.next(t)), guess("10.0.0.1"))

	// A new password makes the old one useless, and the client that has set it is known.
	s.Do("", harness.RequestReset, harness.Input("email", m.email))
	r := s.Send(harness.Request{Header: from("10.4.0.1"), Query: harness.ResetPassword, Vars: harness.Input("email", m.email,
		"code", s.CodeTo(m.email, "reset_password", 1), "newPassword", harness.NewPassword)})
	if len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	expect("the owner, after a reset", "")(attempt(s, m, "10.4.0.1", harness.NewPassword, "code", m.next(t)))
	if got := count(events(s, m.email), "SECOND_FACTOR_REFUSED"); got != 8 {
		t.Errorf("%d refusals were recorded", got)
	}
}

// O10: guesses within a session count as those in a sign-in do.
func TestGuessesWithinASessionAreLimited(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_LIMIT_SECOND_FACTOR=3/1h")
	c := &client{Service: s}
	m := c.enroll(clock)
	var got []string
	for range 4 {
		got = append(got, strings.Join(c.do(again, harness.Input("code", m.wrong(t))).Fields(), " "))
	}
	got = append(got, strings.Join(c.do(second, harness.Input("continuationToken", c.begin(m), "code", m.wrong(t))).Fields(), " "))
	if want := "[input.code INVALID input.code INVALID input.code INVALID input.code RATE_LIMITED input.code RATE_LIMITED]"; fmt.Sprint(got) != want {
		t.Errorf("guesses within a session: %v", got)
	}
	c.must(again, harness.Input("recoveryCode", m.recovery[0]))
}

// O10: a sign-in takes ten guesses, even where limits are off. Then it has to start again with the password.
func TestOneSignInTakesFewGuesses(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock)
	c := &client{Service: s}
	m := c.enroll(clock)
	token := c.begin(m)
	for range 10 {
		if r := c.do(second, harness.Input("continuationToken", token, "code", m.wrong(t))); fmt.Sprint(r.Fields()) != "[input.code INVALID]" {
			t.Fatalf("a guess: %s", r.Body)
		}
	}
	for _, pairs := range [][]any{{"code", m.next(t)}, {"recoveryCode", m.recovery[0]}} {
		if r := c.do(second, harness.Input(append(pairs, "continuationToken", token)...)); fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" {
			t.Errorf("after ten guesses, a right %s: %s", pairs[0], r.Body)
		}
	}
	c.signIn(m)
}

// O10: the database has neither the secrets nor the codes: a reader of every table finds none of them.
func TestSecretsOfFactorsAreNotInTheDatabase(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock).Work()
	c := &client{Service: s}
	m := c.enroll(clock)
	started := c.must(start, nil) // its secret is in a flow
	token := c.begin(m)
	s.MailTo(m.email, "credential_added", 1)
	rows := fmt.Sprint(s.AllRows())
	for what, secret := range map[string]string{
		"the secret": m.secret.Text(), "its bytes": hex.EncodeToString(m.secret), "the secret of a flow": started.Secret,
		"its bytes in hex": hex.EncodeToString(secretOf(t, started.Secret)), "the token of a flow": started.ContinuationToken, "the token of a sign-in": token,
		"a recovery code": m.recovery[0], "a recovery code without dashes": strings.ReplaceAll(m.recovery[0], "-", ""),
	} {
		if strings.Contains(rows, secret) || strings.Contains(s.Logs.String(), secret) {
			t.Errorf("%s is in the database or in the log", what)
		}
	}
	if !strings.Contains(rows, m.email) {
		t.Error("the rows lack the address, so the above proves nothing")
	}
	readable := s.DB.Query(t, `
		SELECT c FROM unnest('{totp_secrets,recovery_codes,continuations}'::text[]) c WHERE has_any_column_privilege('freehold_app', 'app.' || c, 'SELECT, INSERT, UPDATE')`)
	if len(readable) > 0 {
		t.Errorf("the app's role can use the tables %v", readable)
	}
}

// A secret that was copied to another account opens nothing there.
func TestSecretBelongsToItsAccount(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock)
	s.ExpectError("open a sealed secret")
	c, thief := &client{Service: s}, &client{Service: s}
	m, other := c.enroll(clock), thief.enroll(clock)
	s.DB.Query(t, `
		UPDATE app.totp_secrets SET secret = (SELECT secret FROM app.totp_secrets ORDER BY credential_id = (
			SELECT k.id FROM app.credentials k JOIN app.user_private u ON u.user_id = k.user_id WHERE k.kind = 'TOTP' AND u.email = $1) DESC LIMIT 1), last_step = 0`, other.email)
	other.next(t)
	token := c.begin(m)
	if r := c.do(second, harness.Input("continuationToken", token, "code", other.code(t, 0))); r.Code() != "INTERNAL_SERVER_ERROR" {
		t.Errorf("a code of the secret that was copied: %s", r.Body)
	}
	c.must(second, harness.Input("continuationToken", token, "recoveryCode", m.recovery[0]))
}

// Without its key, the service does not start on a database with secrets. With a newer key, it seals them again. Without a key in
// production, it offers no authenticator apps, and says so.
func TestEncryptionKeys(t *testing.T) {
	t.Parallel()
	d, clock := dbtest.New(t), &harness.Clock{}
	older, newer := "FREEHOLD_ENCRYPTION_KEY="+totp.NewKey(), totp.NewKey()
	signing := "FREEHOLD_DATA_DIR=" + t.TempDir()
	run := func(settings ...string) *harness.Service {
		return harness.StartWith(t, d, harness.BothLayers, app.Options{Now: clock.Now}, append(settings, signing)...)
	}
	production := harness.Production(t, d)
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{Now: clock.Now}, production...)
	if r := s.Do("", `{ settings { totpAvailable } }`, nil); string(r.Data) != `{"settings":{"totpAvailable":false}}` {
		t.Errorf("production without a key: %s", r.Body)
	}
	without := &client{Service: s}
	without.signUp()
	for query, v := range map[string]harness.Vars{start: nil, finish: harness.Input("continuationToken", "x", "code", "123456")} {
		if r := without.do(query, v); r.Code() != "FORBIDDEN" {
			t.Errorf("production without a key: %s", r.Body)
		}
	}

	s = run(older)
	c := &client{Service: s}
	m := c.enroll(clock)
	if r := s.Do("", `{ settings { totpAvailable } }`, nil); string(r.Data) != `{"settings":{"totpAvailable":true}}` {
		t.Errorf("with a key: %s", r.Body)
	}
	for what, settings := range map[string][]string{"another key": {"FREEHOLD_ENCRYPTION_KEY=" + newer, signing}, "no key": production} {
		if _, err := harness.Program.New(t.Context(), harness.Config(t, d.App, settings...), app.Options{}); err == nil || !strings.Contains(err.Error(), "FREEHOLD_ENCRYPTION_KEY") {
			t.Errorf("with %s, the service starts: %v", what, err)
		}
	}
	before := s.DB.Query(t, `SELECT secret FROM app.totp_secrets`)
	s = run(strings.Replace(older, "=", "="+newer+",", 1)).Work()
	eventually.True(t, 10*time.Second, "the secret is sealed again", func() bool { return s.DB.Query(t, `SELECT secret FROM app.totp_secrets`)[0] != before[0] })
	s = run("FREEHOLD_ENCRYPTION_KEY=" + newer)
	(&client{Service: s}).signIn(m)
}
