package credentials

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

const (
	list   = `{ me { credentials { id kind name createdAt lastUsedAt } } }`
	remove = `mutation ($i: RemoveCredentialInput!) { removeCredential(input: $i) { removedCredentialId user { credentials { kind } } } }`
	rename = `mutation ($i: RenameCredentialInput!) { renameCredential(input: $i) { credential { name } } }`
)

// kinds are all kinds of credentials. With each but the last one, a user can sign in.
var kinds = []string{"PASSWORD", "EMAIL_CODE", "OAUTH", "PASSKEY", "TOTP"}

// add gives an account a credential that no request has added, and returns its id.
func add(s *harness.Service, a harness.Account, kind string) string {
	s.T.Helper()
	ids := s.DB.Query(s.T, `
		INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1, $2, $2)
		ON CONFLICT (user_id, kind) WHERE kind IN ('PASSWORD', 'EMAIL_CODE') DO UPDATE SET name = $2 RETURNING id`, a.UserID, kind)
	return ids[0]
}

// kindsOf returns the kinds of the credentials of an account, in the database.
func kindsOf(s *harness.Service, a harness.Account) string {
	s.T.Helper()
	return strings.Join(s.DB.Query(s.T, `SELECT kind FROM app.credentials WHERE user_id = $1 ORDER BY kind`, a.UserID), " ")
}

// The owner of an account sees its credentials, and nobody else does.
func TestCredentialsAreListed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a, b := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil)
	s.Do("", harness.RequestVerification, harness.Input("email", a.Email))
	if r := s.Do(a.Token, harness.VerifyEmail, harness.Input("email", a.Email, "code", s.CodeTo(a.Email, "verify_email", 1))); len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	var data struct {
		Me struct {
			Credentials []struct{ ID, Kind, Name, CreatedAt, LastUsedAt string }
		}
	}
	s.Do(a.Token, list, nil).Into(t, &data)
	if got := data.Me.Credentials; len(got) != 2 || got[0].Kind != "PASSWORD" || got[0].LastUsedAt == "" || got[1].Kind != "EMAIL_CODE" || got[1].LastUsedAt == "" || got[0].CreatedAt == "" {
		t.Errorf("the credentials of an account with a password and a verified address: %+v", got)
	}
	const ofOther = `query ($id: ID!, $c: ID!) { node(id: $id) { ... on User { credentials { id } } } credential: node(id: $c) { id } }`
	for who, token := range map[string]string{"another member": b.Token, "nobody": ""} {
		r := s.Do(token, ofOther, harness.Vars{"id": a.UserID, "c": data.Me.Credentials[0].ID})
		if string(r.Data) != `{"node":{"credentials":null},"credential":null}` {
			t.Errorf("%s sees credentials: %s", who, r.Body)
		}
	}
	id := data.Me.Credentials[0].ID
	for _, c := range []struct{ name, token, id, want string }{
		{"", a.Token, id, "input.name TOO_SHORT"},
		{strings.Repeat("x", 101), a.Token, id, "input.name TOO_LONG"},
		{"a\nb", a.Token, id, "input.name INVALID_CHARACTER"},
		{"x", b.Token, id, "NOT_FOUND"},
		{"x", a.Token, a.UserID, "NOT_FOUND"},
		{"x", "", id, "UNAUTHENTICATED"},
		{" At home ", a.Token, id, `{"renameCredential":{"credential":{"name":"At home"}}}`},
	} {
		r := s.Do(c.token, rename, harness.Input("id", c.id, "name", c.name))
		if got := append(r.Fields(), r.Code(), string(r.Data)); !slices.Contains(got, c.want) {
			t.Errorf("rename to %q: %s, want %s", c.name, r.Body, c.want)
		}
	}
}

// O13: the last credential with which a user can sign in cannot be removed, of whatever kind it is. A second factor is not one.
func TestLastCredentialStays(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, kind := range kinds[:4] {
		a := s.SignUp(nil)
		only := add(s, a, kind)
		add(s, a, "TOTP")
		s.DB.Query(t, `DELETE FROM app.credentials WHERE user_id = $1 AND kind <> 'TOTP' AND id <> $2`, a.UserID, only)
		s.DB.Query(t, `UPDATE app.sessions SET second_factor_at = clock_timestamp() WHERE user_id = $1`, a.UserID)
		r := s.Do(a.Token, remove, harness.Input("id", only))
		if fmt.Sprint(r.Fields()) != "[input.id LAST_CREDENTIAL]" || kindsOf(s, a) != strings.Join(sorted(kind, "TOTP"), " ") {
			t.Errorf("removing the last %s: %s; now there are %s", kind, r.Body, kindsOf(s, a))
		}
	}
}

func sorted(kinds ...string) []string {
	slices.Sort(kinds)
	return kinds
}

// Two requests that each remove one of two credentials: one of them stays.
func TestLastCredentialStaysWhenTwoAreRemovedAtOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for range 10 {
		a := s.SignUp(nil)
		ids := s.DB.Query(t, `SELECT id FROM app.credentials WHERE user_id = $1`, a.UserID)
		ids = append(ids, add(s, a, "PASSKEY"))
		codes := make(chan string, len(ids))
		for _, id := range ids {
			go func() {
				r, err := s.TryDo(a.Token, remove, harness.Input("id", id))
				codes <- fmt.Sprint(r.Fields(), err)
			}()
		}
		got := sorted(<-codes, <-codes)
		if got[0] != "[] <nil>" || got[1] != "[input.id LAST_CREDENTIAL] <nil>" || len(strings.Fields(kindsOf(s, a))) != 1 {
			t.Fatalf("removing both credentials at once: %v; now there are %s", got, kindsOf(s, a))
		}
	}
}

// Removing a credential ends the other sessions that it has started, is an event, and sends a notice. It requires a recent sign-in.
func TestRemoveCredential(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	for _, kind := range kinds[:4] {
		a, b := s.SignUp(nil), s.SignUp(nil)
		other, byIt := s.SignIn(a.Email), s.SignIn(a.Email)
		id := add(s, a, kind)
		add(s, a, "PASSKEY") // so that it is not the last one
		s.DB.Query(t, `UPDATE app.sessions SET credential_id = NULL WHERE user_id = $1`, a.UserID)
		s.DB.Query(t, `UPDATE app.sessions SET credential_id = $2 WHERE id = $1`, fmt.Sprint(harness.DecodeClaims(t, byIt)["sid"]), id)
		if r := s.Do(b.Token, remove, harness.Input("id", id)); r.Code() != "NOT_FOUND" {
			t.Errorf("another member removes a %s: %s", kind, r.Body)
		}
		s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = authenticated_at - interval '31 minutes' WHERE user_id = $1`, a.UserID)
		if r := s.Do(a.Token, remove, harness.Input("id", id)); r.Code() != "REAUTH_REQUIRED" {
			t.Errorf("removing a %s long after the sign-in: %s", kind, r.Body)
		}
		s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = authenticated_at + interval '31 minutes' WHERE user_id = $1`, a.UserID)
		if !slices.Contains(strings.Fields(kindsOf(s, a)), kind) {
			t.Errorf("a refused removal has removed a %s", kind)
		}
		r := s.Do(a.Token, remove, harness.Input("id", id))
		if len(r.Errors) > 0 || strings.Contains(kindsOf(s, a), kind) && kind != "PASSKEY" {
			t.Errorf("removing a %s: %s; now there are %s", kind, r.Body, kindsOf(s, a))
		}
		s.ExpectMember(a.Token, a.Email)
		s.ExpectMember(other, a.Email)
		s.ExpectNoSession(byIt, "revoked")
		if m := s.MailTo(a.Email, "credential_removed", 1); !strings.Contains(m.Text, "one way to sign in less") {
			t.Errorf("the notice of a removed %s: %s", kind, m.Text)
		}
		if got := s.DB.Query(t, `SELECT kind FROM app.security_events WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1`, a.UserID)[0]; got != "CREDENTIAL_REMOVED" {
			t.Errorf("the newest event is %s", got)
		}
		if r := s.TrySignIn(a.Email, harness.Password); (kind == "PASSWORD") != (r.Code() == "INVALID_CREDENTIALS") {
			t.Errorf("signing in with the password after the %s was removed: %s", kind, r.Body)
		}
	}
}

// O04: until somebody proves the address of an account, a stranger may have signed up with it. So the first proof by somebody who is not
// signed in deletes every credential. A later reset deletes none: it does not bypass a second factor.
func TestCredentialsOfAStrangerAreDeleted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	everything := func() harness.Account {
		a := s.SignUp(nil)
		for _, kind := range kinds {
			add(s, a, kind)
		}
		s.DB.Query(t, `INSERT INTO app.recovery_codes (user_id, code_hash) VALUES ($1, 'x')`, a.UserID)
		return a
	}
	reset := func(a harness.Account, n int) {
		s.Do("", harness.RequestReset, harness.Input("email", a.Email))
		r := s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", s.CodeTo(a.Email, "reset_password", n), "newPassword", harness.NewPassword))
		if len(r.Errors) > 0 {
			t.Fatal(r.Body)
		}
	}
	codes := func(a harness.Account) string {
		return s.DB.Query(t, `SELECT count(*) FROM app.recovery_codes WHERE user_id = $1`, a.UserID)[0]
	}

	a := everything()
	s.Do("", harness.RequestVerification, harness.Input("email", a.Email))
	if r := s.Do("", harness.VerifyEmail, harness.Input("email", a.Email, "code", s.CodeTo(a.Email, "verify_email", 1))); len(r.Errors) > 0 {
		t.Fatal(r.Body)
	}
	if got := kindsOf(s, a); got != "EMAIL_CODE" || codes(a) != "0" {
		t.Errorf("after the verification, the account has %s and %s recovery codes", got, codes(a))
	}

	a = everything()
	reset(a, 1)
	if got := kindsOf(s, a); got != "EMAIL_CODE PASSWORD" || codes(a) != "0" {
		t.Errorf("after the first reset, the account has %s and %s recovery codes", got, codes(a))
	}
	for _, kind := range kinds {
		add(s, a, kind)
	}
	s.DB.Query(t, `DELETE FROM app.credentials WHERE user_id = $1 AND kind = 'EMAIL_CODE'`, a.UserID)
	reset(a, 2)
	if got := kindsOf(s, a); got != "OAUTH PASSKEY PASSWORD TOTP" {
		t.Errorf("after another reset, the account has %s: a reset keeps the credentials of an owner, and adds none that they removed", got)
	}
}
