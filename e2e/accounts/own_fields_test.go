package accounts

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// ownFields is the state of an account that its owner sees.
type ownFields struct {
	Email, PendingEmail  string
	HasPassword          bool
	ReauthenticatedUntil *time.Time
}

func readOwnFields(s *harness.Service, token string) ownFields {
	s.T.Helper()
	var data struct{ Me ownFields }
	s.Must(token, `{ me { email pendingEmail hasPassword reauthenticatedUntil } }`, nil).Into(s.T, &data)
	return data.Me
}

// pendingEmail is the new address, from the request until it is verified, replaced, expired or cancelled.
func TestPendingEmail(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a := s.SignUp(nil)
	elsewhere := s.SignIn(a.Email)
	expect := func(when, want string) {
		t.Helper()
		for _, token := range []string{a.Token, elsewhere} {
			if got := readOwnFields(s, token).PendingEmail; got != want {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
	}
	expect("before", "")
	next := "Next-" + a.Email
	r := s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", next))
	if want := `{"changeEmail":{"user":{"id":"` + a.UserID + `","email":"` + a.Email + `","pendingEmail":"` + next + `"}}}`; string(r.Data) != want {
		t.Errorf("got %s, want %s", r.Data, want)
	}
	expect("requested", next)
	s.CodeTo(next, "change_email", 1) // so that its mail is the first
	s.DB.Query(t, `UPDATE app.codes SET expires_at = now()`)
	expect("expired", "")
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "first-"+a.Email))
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", next))
	expect("requested for another address", next)
	s.Must(a.Token, harness.VerifyEmail, harness.Input("email", next, "code", s.CodeTo(next, "change_email", 2)))
	if got := readOwnFields(s, a.Token); got.Email != next || got.PendingEmail != "" {
		t.Errorf("proved: %+v", got)
	}
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "third-"+a.Email))
	s.Must(a.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword))
	if got := readOwnFields(s, a.Token).PendingEmail; got != "" {
		t.Errorf("after a change of the password, which deletes all codes: %q", got)
	}
}

// P02: if a verified email is required, a change to the address of another account looks like any other change.
func TestPendingEmailRevealsNoOtherAccount(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	a := signUpVerified(s, "ann", "ann@example.org")
	signUpVerified(s, "bob", "taken@example.org")
	var told []string
	for _, email := range []string{"taken@example.org", "other@example.org"} {
		r := s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", email))
		if got := readOwnFields(s, a.Token).PendingEmail; got != email {
			t.Errorf("%s is pending as %q", email, got)
		}
		s.ExpectFault("a code", s.Do(a.Token, harness.VerifyEmail, harness.Input("email", email, "code", "0000-0000")), harness.WrongCode)
		told = append(told, strings.ReplaceAll(r.Body, email, ""))
	}
	if told[0] != told[1] {
		t.Errorf("a taken address: %s\nanother: %s", told[0], told[1])
	}
}

// No code exists for an address that another account has, and it would change nothing.
func TestCodeForATakenAddressChangesNothing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	dir := t.TempDir()
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, verifiedOnly, "FREEHOLD_DATA_DIR="+dir).Work()
	a := signUpVerified(s, "ann", "ann@example.org")
	signUpVerified(s, "bob", "taken@example.org")
	set, err := keys.Load(dir+"/signing-key.pem", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	secrets := auth.NewSecrets(set)
	proveBy := func(email string) harness.Reply { // a code that is in no mail: derived from the key, with a row in the database
		s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", email))
		seed, id := secrets.NewCode("CHANGE_EMAIL", email)
		s.DB.Query(t, `UPDATE app.codes SET id = $1 WHERE purpose = 'CHANGE_EMAIL'`, id)
		return s.Do(a.Token, harness.VerifyEmail, harness.Input("email", email, "code", secrets.Code(seed)))
	}
	s.ExpectFault("the code", proveBy("taken@example.org"), harness.WrongCode)
	if got := readOwnFields(s, a.Token).Email; got != "ann@example.org" {
		t.Errorf("the address is %s", got)
	}
	if r := proveBy("free@example.org"); len(r.Errors) > 0 || readOwnFields(s, a.Token).Email != "free@example.org" {
		t.Errorf("a code like that does not work for a free address either: %s", r.Body)
	}
}

// hasPassword is false from a takeover until the owner of the address sets a password.
func TestHasPassword(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a := s.SignUp(nil)
	if !readOwnFields(s, a.Token).HasPassword {
		t.Error("after the sign-up there is none")
	}
	s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
	taken := verify(s, a.Email, s.CodeTo(a.Email, "verify_email", 1))
	token := taken.VerifyEmail.Tokens.AccessToken
	if !taken.VerifyEmail.PasswordCleared || readOwnFields(s, token).HasPassword {
		t.Errorf("after a take-over there is one: %+v", taken)
	}
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", s.CodeTo(a.Email, "reset_password", 1), "newPassword", harness.NewPassword))
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	s.TrySignIn(a.Email, harness.NewPassword).Into(t, &data)
	if !readOwnFields(s, data.SignIn.Tokens.AccessToken).HasPassword {
		t.Error("after a reset there is none")
	}
}

// reauthenticatedUntil says for each session exactly when REAUTH_REQUIRED begins.
func TestReauthenticatedUntil(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_REAUTH_AFTER=10m")
	a := s.SignUp(nil)
	other := s.SignIn(a.Email)
	const entered = `UPDATE app.sessions SET authenticated_at = clock_timestamp() + $2::interval WHERE user_id = $1`
	act := func() string {
		return s.Do(a.Token, harness.ChangeUsername, harness.Input("username", a.Username)).Code()
	}
	for _, c := range []struct{ ago, want string }{{"-9 minutes", ""}, {"-11 minutes", "REAUTH_REQUIRED"}} {
		ago, want := c.ago, c.want
		s.DB.Query(t, entered, a.UserID, ago)
		until := readOwnFields(s, a.Token).ReauthenticatedUntil
		if got := act(); got != want || (until == nil) != (want != "") {
			t.Errorf("entered %s: until %v, and the act is %q", ago, until, got)
		}
	}
	r := s.Must(a.Token, harness.Reauthenticate, harness.Input("password", harness.Password))
	var data struct{ Reauthenticate struct{ User ownFields } }
	r.Into(t, &data)
	if until := data.Reauthenticate.User.ReauthenticatedUntil; until == nil || time.Until(*until) < 9*time.Minute || time.Until(*until) > 11*time.Minute {
		t.Errorf("after it was entered: %s", r.Body)
	}
	if until := readOwnFields(s, other).ReauthenticatedUntil; until != nil {
		t.Errorf("another session has entered nothing, and may act until %v", until)
	}
	s.DB.Query(t, entered, a.UserID, "-599.5 seconds")
	eventually.True(t, 20*time.Second, "the time has ended", func() bool {
		before, got, after := readOwnFields(s, a.Token).ReauthenticatedUntil, act(), readOwnFields(s, a.Token).ReauthenticatedUntil
		refused := got != ""
		if before == nil && !refused || after != nil && refused {
			t.Errorf("until %v before and %v after, and the act is %q", before, after, got)
		}
		return refused
	})
}

// nextCodeAt says when a request will not be RATE_LIMITED. Reading it uses up no request.
func TestNextCodeAt(t *testing.T) {
	t.Parallel()
	const away = "203.0.113.1"
	for purpose, ask := range map[string]func(s *harness.Service, a harness.Account, from string) harness.Reply{
		"VERIFY_EMAIL": func(s *harness.Service, a harness.Account, from string) harness.Reply {
			return sendFrom(s, from, "", harness.RequestVerification, harness.Input("email", a.Email))
		},
		"RESET_PASSWORD": func(s *harness.Service, a harness.Account, from string) harness.Reply {
			return sendFrom(s, from, "", harness.RequestReset, harness.Input("email", a.Email))
		},
		"CHANGE_EMAIL": func(s *harness.Service, a harness.Account, from string) harness.Reply {
			return sendFrom(s, from, a.Token, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
		},
	} {
		for _, limits := range []string{"on", "off"} {
			t.Run(purpose+" "+limits, func(t *testing.T) {
				t.Parallel()
				s := limited(t, "FREEHOLD_RATE_LIMIT="+limits)
				a := s.SignUp(nil)
				s.DB.Query(t, `UPDATE app.sessions SET ip = '198.51.100.1'`) // so that this client is known
				expect := func(when, from, want string) {
					t.Helper()
					at, counted := nextCodeAt(s, from, a.Token, purpose), s.DB.Query(t, `SELECT to_jsonb(r) FROM app.rate_limits r ORDER BY bucket`)
					again := nextCodeAt(s, from, a.Token, purpose)
					if limits == "off" {
						want = ""
					}
					if closed := at != nil; closed != (want != "") || (again != nil) != closed {
						t.Errorf("%s: next at %v, then %v", when, at, again)
					}
					if now := s.DB.Query(t, `SELECT to_jsonb(r) FROM app.rate_limits r ORDER BY bucket`); strings.Join(now, "\n") != strings.Join(counted, "\n") {
						t.Errorf("%s: asking has counted %v, and before %v", when, now, counted)
					}
					r := ask(s, a, from)
					if r.Code() != want {
						t.Errorf("%s: %s, want %q", when, r.Body, want)
					} else if want != "" {
						if wait := time.Duration(r.Errors[0].Extensions.RetryAfter) * time.Second; (wait - time.Until(*at)).Abs() > 2*time.Second {
							t.Errorf("%s: next in %v, and to be retried after %v", when, time.Until(*at), wait)
						}
					}
				}
				for n := range 3 {
					expect(fmt.Sprint("mail ", n), away, "")
				}
				expect("the fourth", away, "RATE_LIMITED")
				if purpose != "CHANGE_EMAIL" { // an address from which no account is known
					expect("at home", "198.51.100.1", "")
				}
				limitsEnd(s)
				expect("later", away, "")
				s.DB.Query(t, `
					INSERT INTO app.rate_limits (bucket, hits, ends_at) VALUES ($1, 100, now() + interval '50 minutes')
					ON CONFLICT (bucket) DO UPDATE SET hits = 100`, "codeRequest "+away+"/32")
				expect("a client that has asked too often", away, "RATE_LIMITED")
				expect("another client", "203.0.113.2", "")
			})
		}
	}
}

// nextCodeAt reads the field from a client address.
func nextCodeAt(s *harness.Service, from, token, purpose string) *time.Time {
	s.T.Helper()
	var data struct {
		Me struct{ NextCodeAt *time.Time }
	}
	r := sendFrom(s, from, token, `query ($p: CodePurpose!) { me { nextCodeAt(purpose: $p) } }`, harness.Vars{"p": purpose})
	if r.Into(s.T, &data); len(r.Errors) > 0 {
		s.T.Errorf("%s: %s", purpose, r.Body)
	}
	return data.Me.NextCodeAt
}

// While no address is pending, only the limit of the client applies, because the new address may be any.
func TestNextCodeAtWithoutAPendingAddress(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.SignUp(nil)
	for range 3 {
		s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
	}
	if at := nextCodeAt(s, "127.0.0.1", a.Token, "CHANGE_EMAIL"); at == nil {
		t.Error("the pending address is full, and may be sent another code")
	}
	s.DB.Query(t, `UPDATE app.codes SET expires_at = now()`)
	if at := nextCodeAt(s, "127.0.0.1", a.Token, "CHANGE_EMAIL"); at != nil {
		t.Errorf("no address is pending, and none may be requested until %v", at)
	}
	s.DB.Query(t, `UPDATE app.rate_limits SET hits = 100, ends_at = ends_at + interval '1 hour' WHERE bucket LIKE 'codeRequest %'`)
	for _, purpose := range []string{"VERIFY_EMAIL", "RESET_PASSWORD", "CHANGE_EMAIL"} {
		if at := nextCodeAt(s, "127.0.0.1", a.Token, purpose); at == nil || time.Until(*at) < time.Hour {
			t.Errorf("%s: the client may ask at %v", purpose, at)
		}
	}
}

// Fields that are not selected cost no query. A list that has the same user many times loads each field once.
func TestOwnFieldsAreLoadedOnceAndOnlyIfSelected(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	o := app.Options{}
	o.Observe = func(query string) {
		for _, function := range []string{"pending_email", "has_password", "reauthenticated_until", "rate_limited_until"} {
			if strings.Contains(query, "app."+function) {
				asked.Add(1)
			}
		}
	}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, o, "FREEHOLD_RATE_LIMIT=on")
	a := s.SignUp(nil)
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = a.UserID
	}
	for _, c := range []struct {
		fields string
		want   int64
	}{
		{"id createdAt email emailVerified profile { id birthday } sessions { nodes { id } }", 0},
		{"hasPassword", 1},
		{"pendingEmail hasPassword reauthenticatedUntil a: hasPassword v: nextCodeAt(purpose: VERIFY_EMAIL) r: nextCodeAt(purpose: RESET_PASSWORD)", 5},
	} {
		asked.Store(0)
		r := s.Must(a.Token, `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on User { `+c.fields+` } } }`, harness.Vars{"ids": ids[:min(len(ids), 20+int(c.want)*16)]})
		if got := asked.Load(); got != c.want {
			t.Errorf("%s: asked %d times, want %d: %.200s", c.fields, got, c.want, r.Body)
		}
	}
}
