package passkeys

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/auth/passkeys/softkey"
	"freehold.dev/freehold/e2e/harness"
)

// A user signs up with a passkey alone, signs in, lists, adds and removes passkeys, with cookies and with tokens.
func TestPasskeys(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	for _, way := range ways {
		phone := newClient(s, way, nil)
		phone.key.AAGUID = [16]byte{0xba, 0xda, 0x55, 0x66, 0xa7, 0xaa, 0x40, 0x1f, 0xbd, 0x96, 0x45, 0x61, 0x9a, 0x55, 0x12, 0x0d}
		email := phone.signUp()
		if r := phone.do(list, nil); !strings.Contains(r.Body, email) {
			t.Fatalf("%s: the new account: %s", way, r.Body)
		}
		if names, _ := phone.credentials(); fmt.Sprint(names) != "[PASSKEY 1Password]" {
			t.Errorf("%s: after the sign-up, there are %v", way, names)
		}
		elsewhere := newClient(s, way, phone.key)
		elsewhere.take(elsewhere.signIn())
		if r := elsewhere.do(list, nil); !strings.Contains(r.Body, email) || strings.Contains(r.Body, `"lastUsedAt":null`) {
			t.Errorf("%s: after the sign-in: %s", way, r.Body)
		}

		f := phone.start(startRegistration, nil)
		if _, err := phone.key.Create(f.Options); !errors.Is(err, softkey.ErrExcluded) {
			t.Errorf("%s: the options for another passkey do not exclude the first: %s", way, f.Options)
		}
		key := softkey.New(origin)
		created, err := key.Create(f.Options)
		if err != nil {
			t.Fatal(err)
		}
		input := f.with(created)
		input["i"].(harness.Vars)["name"] = " My key "
		if r := phone.do(finishRegistration, input); !strings.Contains(r.Body, `"name":"My key"`) {
			t.Errorf("%s: add a passkey: %s", way, r.Body)
		}
		names, ids := phone.credentials()
		if fmt.Sprint(names) != "[PASSKEY 1Password PASSKEY My key]" {
			t.Fatalf("%s: now there are %v", way, names)
		}
		if m := s.MailTo(email, "credential_added", 1); !strings.Contains(m.Text, "a passkey") {
			t.Errorf("%s: the notice says %s", way, m.Text)
		}
		byKey := newClient(s, way, key)
		byKey.take(byKey.signIn())

		if r := byKey.do(remove, harness.Input("id", ids[0])); len(r.Errors) > 0 {
			t.Fatalf("%s: remove: %s", way, r.Body)
		}
		if r := elsewhere.do(list, nil); r.Code() != "UNAUTHENTICATED" {
			t.Errorf("%s: a session of the removed passkey: %s", way, r.Body)
		}
		if r := newClient(s, way, phone.key).signIn(); r.Code() != "INVALID_CREDENTIALS" {
			t.Errorf("%s: the removed passkey: %s", way, r.Body)
		}
		if r := byKey.do(remove, harness.Input("id", ids[1])); fmt.Sprint(r.Fields()) != "[input.id LAST_CREDENTIAL]" {
			t.Errorf("%s: remove the last one: %s", way, r.Body)
		}
		if got := events(s, email); !strings.HasPrefix(got, "CREDENTIAL_REMOVED SIGNED_IN CREDENTIAL_ADDED SIGNED_IN ") {
			t.Errorf("%s: the events are %s", way, got)
		}
	}
}

// A passkey does what the password does after REAUTH_REQUIRED, with cookies and with tokens.
func TestReauthentication(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, way := range ways {
		c := newClient(s, way, nil)
		email := c.signUp()
		s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = authenticated_at - interval '31 minutes'`)
		if r := c.do(startRegistration, nil); r.Code() != "REAUTH_REQUIRED" {
			t.Errorf("%s: adding a passkey long after the sign-in: %s", way, r.Body)
		}
		f := c.start(startReauth, nil)
		c.key.Verified = false
		if r := c.do(finishReauth, f.with(c.choose(f))); len(r.Errors) > 0 || strings.Contains(r.Body, `"reauthenticatedUntil":null`) {
			t.Errorf("%s: %s", way, r.Body)
		}
		strong := func() string {
			return s.DB.Query(t, `SELECT s.second_factor_at > s.created_at FROM app.sessions s JOIN app.user_private u ON u.user_id = s.user_id WHERE u.email = $1`, email)[0]
		}
		if strong() != "false" {
			t.Errorf("%s: a passkey without verification is two factors", way)
		}
		c.register()
		c.key.Verified = true
		f = c.start(startReauth, nil)
		if r := c.do(finishReauth, f.with(c.choose(f))); len(r.Errors) > 0 || strong() != "true" {
			t.Errorf("%s: with verification: %s", way, r.Body)
		}
		if r := c.do(finishReauth, f.with(c.choose(f))); fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" {
			t.Errorf("%s: again: %s", way, r.Body)
		}
		if got := events(s, email); !strings.HasPrefix(got, "REAUTHENTICATED ") {
			t.Errorf("%s: the events are %s", way, got)
		}
	}
	c, _ := memberWith(s, "TOKENS")
	if r := c.do(startReauth, nil); r.Code() != "NOT_FOUND" {
		t.Errorf("without a passkey: %s", r.Body)
	}
}

// A passkey that has verified its user is two factors; otherwise, an account with a second factor is asked for it.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, way := range ways {
		for _, verified := range []bool{true, false} {
			c, a := memberWith(s, way)
			c.register()
			s.DB.Query(t, `INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1, 'TOTP', 'Phone')`, a.UserID)
			c = newClient(s, way, c.key)
			c.key.Verified = verified
			r := c.signIn()
			if asked := strings.Contains(r.Body, `"user":null,"tokens":null,"secondFactor":{"factors":["TOTP","RECOVERY_CODE"]}`); asked == verified {
				t.Errorf("%s, verified %t: %s", way, verified, r.Body)
			}
			if verified {
				c.take(r)
				access := c.token
				if way == "COOKIE" {
					access = c.browser.Access
				}
				if claims := harness.DecodeClaims(t, access); fmt.Sprintf("%v %v", claims["amr"], claims["acr"]) != "[pop user mfa] aal2" {
					t.Errorf("%s: the claims are %v", way, claims)
				}
			}
			how := s.DB.Query(t, `SELECT concat(amr, second_factor_at IS NOT NULL) FROM app.sessions WHERE user_id = $1 ORDER BY created_at`, a.UserID)
			if want := map[bool][]string{true: {"{pwd}f", "{pop,user,mfa}t"}, false: {"{pwd}f"}}[verified]; !slices.Equal(how, want) {
				t.Errorf("%s, verified %t: the sessions are %v", way, verified, how)
			}
		}
	}
}

// An anonymous account that gets a passkey is permanent, and its passkey shows the username.
func TestAnonymousAccountGetsAPasskey(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_ANONYMOUS=on")
	c := newClient(s, "TOKENS", nil)
	var data struct {
		SignUpAnonymously struct {
			User   struct{ Profile struct{ Username string } }
			Tokens struct{ AccessToken string }
		}
	}
	s.Must("", `mutation { signUpAnonymously(input: {username: "guest-of-ours"}) { user { profile { username } } tokens { accessToken } } }`, nil).Into(t, &data)
	c.token = data.SignUpAnonymously.Tokens.AccessToken
	if f := c.start(startRegistration, nil); !strings.Contains(string(f.Options), `"name":"guest-of-ours"`) {
		t.Errorf("the options are %s", f.Options)
	}
	c.register()
	if r := c.do(`{ me { anonymous email profile { username } } }`, nil); string(r.Data) != `{"me":{"anonymous":false,"email":null,"profile":{"username":"guest-of-ours"}}}` {
		t.Errorf("with a passkey: %s", r.Body)
	}
	c = newClient(s, "TOKENS", c.key)
	c.take(c.signIn())
}

// The record of a passkey is stored, and what changes is updated.
func TestStoredRecord(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := newClient(s, "TOKENS", nil)
	c.key.Step, c.key.BackedUp, c.key.AAGUID = 3, false, [16]byte{15: 7}
	c.signUp()
	const record = `SELECT concat_ws(' ', sign_count, backup_eligible, backed_up, aaguid, transports) FROM app.passkeys`
	if got := s.DB.Query(t, record)[0]; got != "3 t f 00000000-0000-0000-0000-000000000007 {internal,hybrid}" {
		t.Errorf("the record is %s", got)
	}
	c.key.BackedUp = true
	c.take(c.signIn())
	if got := s.DB.Query(t, record)[0]; !strings.HasPrefix(got, "6 t t ") {
		t.Errorf("after a sign-in, the record is %s", got)
	}
	f := c.start(startReauth, nil)
	c.do(finishReauth, f.with(c.choose(f)))
	if got := s.DB.Query(t, record)[0]; !strings.HasPrefix(got, "9 t t ") {
		t.Errorf("after a reauthentication, the record is %s", got)
	}
}
