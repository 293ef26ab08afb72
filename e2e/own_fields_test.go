package e2e

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db/dbtest"
)

// ownFields is what owners see of the state of their account.
type ownFields struct {
	Email, PendingEmail  string
	HasPassword          bool
	ReauthenticatedUntil *time.Time
}

func (s *service) ownFields(token string) ownFields {
	s.t.Helper()
	var data struct{ Me ownFields }
	s.must(token, `{ me { email pendingEmail hasPassword reauthenticatedUntil } }`, nil).into(s.t, &data)
	return data.Me
}

// pendingEmail is the new address, from the request until it is proved, replaced, expired or cancelled.
func TestPendingEmail(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	a := s.signUp(nil)
	elsewhere := s.signIn(a.Email)
	expect := func(when, want string) {
		t.Helper()
		for _, token := range []string{a.Token, elsewhere} {
			if got := s.ownFields(token).PendingEmail; got != want {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
	}
	expect("before", "")
	next := "Next-" + a.Email
	r := s.must(a.Token, changeEmail, input("newEmail", next))
	if want := `{"changeEmail":{"user":{"id":"` + a.UserID + `","email":"` + a.Email + `","pendingEmail":"` + next + `"}}}`; string(r.Data) != want {
		t.Errorf("got %s, want %s", r.Data, want)
	}
	expect("requested", next)
	s.codeTo(next, "change_email", 1) // so that its mail is the first
	s.db.Query(t, `UPDATE app.codes SET expires_at = now()`)
	expect("expired", "")
	s.must(a.Token, changeEmail, input("newEmail", "first-"+a.Email))
	s.must(a.Token, changeEmail, input("newEmail", next))
	expect("requested for another address", next)
	s.must(a.Token, verifyEmail, input("email", next, "code", s.codeTo(next, "change_email", 2)))
	if got := s.ownFields(a.Token); got.Email != next || got.PendingEmail != "" {
		t.Errorf("proved: %+v", got)
	}
	s.must(a.Token, changeEmail, input("newEmail", "third-"+a.Email))
	s.must(a.Token, changePassword, input("currentPassword", password, "newPassword", newPassword))
	if got := s.ownFields(a.Token).PendingEmail; got != "" {
		t.Errorf("after a change of the password, which deletes all codes: %q", got)
	}
}

// P02: where a verified e-mail is required, a change to the address of an account looks like one to any other.
func TestPendingEmailTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly).work()
	a := s.signUpVerified("ann", "ann@example.org")
	s.signUpVerified("bob", "taken@example.org")
	var told []string
	for _, email := range []string{"taken@example.org", "other@example.org"} {
		r := s.must(a.Token, changeEmail, input("newEmail", email))
		if got := s.ownFields(a.Token).PendingEmail; got != email {
			t.Errorf("%s is pending as %q", email, got)
		}
		s.expectFault("a code", s.do(a.Token, verifyEmail, input("email", email, "code", "0000-0000")), wrongCode)
		told = append(told, strings.ReplaceAll(r.Body, email, ""))
	}
	if told[0] != told[1] {
		t.Errorf("a taken address: %s\nanother: %s", told[0], told[1])
	}
}

// Nobody knows the code for an address that another account has, and it would change nothing.
func TestCodeForATakenAddressChangesNothing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	dir := t.TempDir()
	s := startWith(t, d, bothWalls, appOptions(), verifiedOnly, "FREEHOLD_DATA_DIR="+dir).work()
	a := s.signUpVerified("ann", "ann@example.org")
	s.signUpVerified("bob", "taken@example.org")
	keys, err := auth.LoadKeys(dir+"/signing-key.pem", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	proveBy := func(email string) reply { // a code that no mail brings: the key makes one, and the database its row
		s.must(a.Token, changeEmail, input("newEmail", email))
		seed, id := keys.NewCode("CHANGE_EMAIL", email)
		s.db.Query(t, `UPDATE app.codes SET id = $1 WHERE purpose = 'CHANGE_EMAIL'`, id)
		return s.do(a.Token, verifyEmail, input("email", email, "code", keys.Code(seed)))
	}
	s.expectFault("the code", proveBy("taken@example.org"), wrongCode)
	if got := s.ownFields(a.Token).Email; got != "ann@example.org" {
		t.Errorf("the address is %s", got)
	}
	if r := proveBy("free@example.org"); len(r.Errors) > 0 || s.ownFields(a.Token).Email != "free@example.org" {
		t.Errorf("a code like that does not work for a free address either: %s", r.Body)
	}
}

// hasPassword is false from a take-over until the owner of the address sets a password.
func TestHasPassword(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	a := s.signUp(nil)
	if !s.ownFields(a.Token).HasPassword {
		t.Error("after the sign-up there is none")
	}
	s.must("", requestVerification, input("email", a.Email))
	taken := s.verify(a.Email, s.codeTo(a.Email, "verify_email", 1))
	token := taken.VerifyEmail.Tokens.AccessToken
	if !taken.VerifyEmail.PasswordCleared || s.ownFields(token).HasPassword {
		t.Errorf("after a take-over there is one: %+v", taken)
	}
	s.must("", requestReset, input("email", a.Email))
	s.must("", resetPassword, input("email", a.Email, "code", s.codeTo(a.Email, "reset_password", 1), "newPassword", newPassword))
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	s.trySignIn(a.Email, newPassword).into(t, &data)
	if !s.ownFields(data.SignIn.Tokens.AccessToken).HasPassword {
		t.Error("after a reset there is none")
	}
}

// reauthenticatedUntil says for each session exactly when REAUTH_REQUIRED begins.
func TestReauthenticatedUntil(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_REAUTH_AFTER=10m")
	a := s.signUp(nil)
	other := s.signIn(a.Email)
	const entered = `UPDATE app.sessions SET authenticated_at = clock_timestamp() + $2::interval WHERE user_id = $1`
	act := func() string {
		return s.do(a.Token, changeUsername, input("username", a.Username)).code()
	}
	for _, c := range []struct{ ago, want string }{{"-9 minutes", ""}, {"-11 minutes", "REAUTH_REQUIRED"}} {
		ago, want := c.ago, c.want
		s.db.Query(t, entered, a.UserID, ago)
		until := s.ownFields(a.Token).ReauthenticatedUntil
		if got := act(); got != want || (until == nil) != (want != "") {
			t.Errorf("entered %s: until %v, and the act is %q", ago, until, got)
		}
	}
	r := s.must(a.Token, reauthenticate, input("password", password))
	var data struct{ Reauthenticate struct{ User ownFields } }
	r.into(t, &data)
	if until := data.Reauthenticate.User.ReauthenticatedUntil; until == nil || time.Until(*until) < 9*time.Minute || time.Until(*until) > 11*time.Minute {
		t.Errorf("after it was entered: %s", r.Body)
	}
	if until := s.ownFields(other).ReauthenticatedUntil; until != nil {
		t.Errorf("another session has entered nothing, and may act until %v", until)
	}
	s.db.Query(t, entered, a.UserID, "-599.5 seconds")
	refused := false
	for deadline := time.Now().Add(20 * time.Second); !refused && time.Now().Before(deadline); {
		before, got, after := s.ownFields(a.Token).ReauthenticatedUntil, act(), s.ownFields(a.Token).ReauthenticatedUntil
		refused = got != ""
		if before == nil && !refused || after != nil && refused {
			t.Errorf("until %v before and %v after, and the act is %q", before, after, got)
		}
	}
	if !refused {
		t.Error("the time has not ended")
	}
}

// nextCodeAt says when a request will not be RATE_LIMITED, and counts nothing itself.
func TestNextCodeAt(t *testing.T) {
	t.Parallel()
	const away = "203.0.113.1"
	for purpose, ask := range map[string]func(s *service, a account, from string) reply{
		"VERIFY_EMAIL": func(s *service, a account, from string) reply {
			return s.from(from, "", requestVerification, input("email", a.Email))
		},
		"RESET_PASSWORD": func(s *service, a account, from string) reply {
			return s.from(from, "", requestReset, input("email", a.Email))
		},
		"CHANGE_EMAIL": func(s *service, a account, from string) reply {
			return s.from(from, a.Token, changeEmail, input("newEmail", "new-"+a.Email))
		},
	} {
		for _, limits := range []string{"on", "off"} {
			t.Run(purpose+" "+limits, func(t *testing.T) {
				t.Parallel()
				s := limited(t, "FREEHOLD_RATE_LIMIT="+limits)
				a := s.signUp(nil)
				s.db.Query(t, `UPDATE app.sessions SET ip = '198.51.100.1'`) // so that this is the client it is known from
				expect := func(when, from, want string) {
					t.Helper()
					at, counted := s.nextCodeAt(from, a.Token, purpose), s.db.Query(t, `SELECT to_jsonb(r) FROM app.rate_limits r ORDER BY bucket`)
					again := s.nextCodeAt(from, a.Token, purpose)
					if limits == "off" {
						want = ""
					}
					if closed := at != nil; closed != (want != "") || (again != nil) != closed {
						t.Errorf("%s: next at %v, then %v", when, at, again)
					}
					if now := s.db.Query(t, `SELECT to_jsonb(r) FROM app.rate_limits r ORDER BY bucket`); strings.Join(now, "\n") != strings.Join(counted, "\n") {
						t.Errorf("%s: asking has counted %v, and before %v", when, now, counted)
					}
					r := ask(s, a, from)
					if r.code() != want {
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
				if purpose != "CHANGE_EMAIL" { // whose address no account is known by
					expect("at home", "198.51.100.1", "")
				}
				s.limitsEnd()
				expect("later", away, "")
				s.db.Query(t, `
					INSERT INTO app.rate_limits (bucket, hits, ends_at) VALUES ($1, 100, now() + interval '50 minutes')
					ON CONFLICT (bucket) DO UPDATE SET hits = 100`, "codeRequest "+away+"/32")
				expect("a client that has asked too often", away, "RATE_LIMITED")
				expect("another client", "203.0.113.2", "")
			})
		}
	}
}

// nextCodeAt asks from a client address when a code may be requested.
func (s *service) nextCodeAt(from, token, purpose string) *time.Time {
	s.t.Helper()
	var data struct {
		Me struct{ NextCodeAt *time.Time }
	}
	r := s.from(from, token, `query ($p: CodePurpose!) { me { nextCodeAt(purpose: $p) } }`, vars{"p": purpose})
	if r.into(s.t, &data); len(r.Errors) > 0 {
		s.t.Errorf("%s: %s", purpose, r.Body)
	}
	return data.Me.NextCodeAt
}

// While no address is pending, only the limit of the client holds, since the new address may be any.
func TestNextCodeAtWithoutAPendingAddress(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.signUp(nil)
	for range 3 {
		s.must(a.Token, changeEmail, input("newEmail", "new-"+a.Email))
	}
	if at := s.nextCodeAt("127.0.0.1", a.Token, "CHANGE_EMAIL"); at == nil {
		t.Error("the pending address is full, and may be sent another code")
	}
	s.db.Query(t, `UPDATE app.codes SET expires_at = now()`)
	if at := s.nextCodeAt("127.0.0.1", a.Token, "CHANGE_EMAIL"); at != nil {
		t.Errorf("no address is pending, and none may be requested until %v", at)
	}
	s.db.Query(t, `UPDATE app.rate_limits SET hits = 100, ends_at = ends_at + interval '1 hour' WHERE bucket LIKE 'codeRequest %'`)
	for _, purpose := range []string{"VERIFY_EMAIL", "RESET_PASSWORD", "CHANGE_EMAIL"} {
		if at := s.nextCodeAt("127.0.0.1", a.Token, purpose); at == nil || time.Until(*at) < time.Hour {
			t.Errorf("%s: the client may ask at %v", purpose, at)
		}
	}
}

// The functions behind these fields answer only the owner, whatever the app asks.
func TestFunctionsOfOwnFieldsAnswerTheOwner(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, another := s.signUp(vars{"visibility": "PUBLIC"}), s.signUp(nil)
	s.must(a.Token, changeEmail, input("newEmail", "new-"+a.Email))
	s.db.Query(t, `INSERT INTO app.rate_limits (bucket, hits, ends_at) VALUES ('full', 3, now() + interval '1 hour')`)
	pool := open(t, s.db.App)
	for _, call := range []string{"pending_email($1)", "has_password($1)", "reauthenticated_until($1, 60)", "rate_limited_until($1, '{full}', '{3}')"} {
		for who, c := range map[string]struct {
			token string
			want  bool
		}{"the owner": {a.Token, true}, "another": {another.Token, false}, "nobody": {"", false}} {
			tx, err := pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.token != "" {
				_, err = tx.ExecContext(t.Context(), `SELECT app.enter($1, 60000)`, viewerOf(t, c.token).SessionID)
			}
			var got sql.NullString
			err = errors.Join(err, tx.QueryRowContext(t.Context(), `SELECT app.`+call, a.UserID).Scan(&got), tx.Rollback())
			if err != nil || got.Valid != c.want {
				t.Errorf("%s by %s: %+v, %v", call, who, got, err)
			}
		}
	}
}

// app.reauthenticated_until and app.require_reauthentication change at the same microsecond.
func TestReauthenticationEndsAtOneMoment(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(nil)
	viewer, pool := viewerOf(t, a.Token), open(t, s.db.Superuser)
	for ago, want := range map[string]bool{"59.999999 seconds": true, "60 seconds": false, "60.000001 seconds": false} {
		tx, err := pool.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.ExecContext(t.Context(), `SELECT set_config('app.viewer_id', $1, true), set_config('app.session_id', $2, true)`, viewer.UserID, viewer.SessionID)
		_, err2 := tx.ExecContext(t.Context(), `UPDATE app.sessions SET authenticated_at = now() - $1::interval WHERE id = $2`, ago, viewer.SessionID)
		var until sql.NullString
		err3 := tx.QueryRowContext(t.Context(), `SELECT app.reauthenticated_until($1, 60)`, viewer.UserID).Scan(&until)
		_, required := tx.ExecContext(t.Context(), `SELECT app.require_reauthentication(60)`)
		if err := errors.Join(err, err2, err3, tx.Rollback()); err != nil || until.Valid != want || (required == nil) != want {
			t.Errorf("%s ago: until %+v, required: %v, %v", ago, until, required, err)
		}
	}
}

// Fields that are not selected cost no query, and a list with the same user many times loads each field once.
func TestOwnFieldsAreLoadedOnceAndOnlyIfSelected(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	o := appOptions()
	o.Observe = func(query string) {
		for _, function := range []string{"pending_email", "has_password", "reauthenticated_until", "rate_limited_until"} {
			if strings.Contains(query, "app."+function) {
				asked.Add(1)
			}
		}
	}
	s := startWith(t, dbtest.New(t), bothWalls, o, "FREEHOLD_RATE_LIMIT=on")
	a := s.signUp(nil)
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
		r := s.must(a.Token, `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on User { `+c.fields+` } } }`, vars{"ids": ids[:min(len(ids), 20+int(c.want)*16)]})
		if got := asked.Load(); got != c.want {
			t.Errorf("%s: asked %d times, want %d: %.200s", c.fields, got, c.want, r.Body)
		}
	}
}
