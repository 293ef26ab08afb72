package accounts

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
	"github.com/google/uuid"
)

// form returns the variables of a sign-up, with a key in the input unless it is "".
func form(name, password, key string) harness.Vars {
	i := harness.Vars{"email": name + "@example.org", "password": password, "username": name}
	if key != "" {
		i["idempotencyKey"] = key
	}
	return harness.Vars{"input": i}
}

// signUpWith sends a sign-up with the header Idempotency-Key unless it is "".
func signUpWith(s *harness.Service, header string, v harness.Vars) harness.Reply {
	h := http.Header{}
	if header != "" {
		h.Set("Idempotency-Key", header)
	}
	r, err := s.TrySend(s.T.Context(), harness.Request{Header: h, Query: harness.SignUpMutation, Vars: v})
	if err != nil {
		s.T.Error(err)
	}
	return r
}

// expectRows checks the numbers of users, profiles and sessions.
func expectRows(s *harness.Service, what, want string) {
	s.T.Helper()
	if got := s.Count("users") + " " + s.Count("profiles") + " " + s.Count("sessions"); got != want {
		s.T.Errorf("%s: there are %s users, profiles and sessions; want %s", what, got, want)
	}
}

const keyReused, keyInvalid = "input.idempotencyKey REUSED", "input.idempotencyKey INVALID"

// A sign-up that is sent again with the same key gets another session of the account that the first one created.
func TestSignUpRetried(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for how, send := range map[string]func(s *harness.Service, name, password, key string) harness.Reply{
		"key in the input": func(s *harness.Service, name, password, key string) harness.Reply {
			return signUpWith(s, "", form(name, password, key))
		},
		"in the header": func(s *harness.Service, name, password, key string) harness.Reply {
			return signUpWith(s, key, form(name, password, ""))
		},
		"in quotes": func(s *harness.Service, name, password, key string) harness.Reply {
			return signUpWith(s, `"`+key+`"`, form(name, password, ""))
		},
		"in both": func(s *harness.Service, name, password, key string) harness.Reply {
			return signUpWith(s, key, form(name, password, key))
		},
		"in both, quoted": func(s *harness.Service, name, password, key string) harness.Reply {
			return signUpWith(s, `"`+key+`"`, form(name, password, key))
		},
	} {
		key, name, other := uuid.NewString(), fmt.Sprint("tulip-", harness.Serial.Add(1)), fmt.Sprint("lily-", harness.Serial.Add(1))
		rows := func() string {
			return s.Count("users") + " " + s.Count("profiles") + " " + s.DB.Query(t, `SELECT count(*) FROM app.sessions s JOIN app.profiles p USING (user_id) WHERE p.username = $1`, name)[0]
		}
		var first, again harness.Account
		first.Fill(t, send(s, name, "caf\u00e9 au lait, two", key))
		before := s.Count("users") + " " + s.Count("profiles") + " "
		again.Fill(t, send(s, name, "cafe\u0301 au lait, two", key)) // the same password, in another Unicode form
		if again.UserID != first.UserID || again.ProfileID != first.ProfileID || again.Token == first.Token || again.Refresh == first.Refresh {
			t.Errorf("%s: again %+v, after %+v", how, again, first)
		}
		for _, a := range []harness.Account{first, again} {
			s.ExpectMember(a.Token, name+"@example.org")
			if access, next, reason := s.Refresh(a.Refresh); access == "" || next == "" {
				t.Errorf("%s: its refresh token: %s", how, reason)
			}
		}
		expectFaults(t, how+", with another password", send(s, name, "another password", key), keyReused)
		expectFaults(t, how+", with another address", send(s, other, "caf\u00e9 au lait, two", key), keyReused)
		if got := rows(); got != before+"2" {
			t.Errorf("%s: there are %s users, profiles and sessions; want %s2", how, got, before)
		}
		var another harness.Account
		another.Fill(t, send(s, other, "another password", key+"x"))
		if r := send(s, name, "caf\u00e9 au lait, two", key+"y"); another.UserID == first.UserID || r.Code() != "CONFLICT" {
			t.Errorf("%s: the same form under a key of its own: %s", how, r.Body)
		}
	}
}

// An invalid key is refused together with all other errors, and nothing is written.
func TestMalformedKeys(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, key := range []string{"a b", "a\tb", "a\nb", "a\x00b", "\u00fcber", "a\u200bb", "\x7f", strings.Repeat("k", 256)} {
		expectFaults(t, fmt.Sprintf("%q", key), signUpWith(s, "", form("tulip", harness.Password, key)), keyInvalid)
		expectFaults(t, fmt.Sprintf("%q and more", key), signUpWith(s, "", form("tulip tulip", "x", key)), keyInvalid,
			"input.email INVALID", "input.password TOO_SHORT", "input.username INVALID_CHARACTER")
	}
	for _, header := range []string{`""`, "a b", "\u00fcber", `"a b"`, strings.Repeat("k", 256)} {
		expectFaults(t, "the header "+header, signUpWith(s, header, form("tulip", harness.Password, "")), keyInvalid)
	}
	for _, key := range []any{5, true, []string{"a", "b"}} {
		v := form("tulip", harness.Password, "")
		v["input"].(harness.Vars)["idempotencyKey"] = key
		expectFaults(t, fmt.Sprint(key), signUpWith(s, "", v), keyInvalid)
	}
	expectFaults(t, "one in the header, another in the input", signUpWith(s, "one", form("tulip", harness.Password, "another")), keyInvalid)
	expectRows(s, "of what was refused", "0 0 0")
	longest := strings.Repeat("~", 255)
	for range 2 {
		if r := signUpWith(s, "", form("tulip", harness.Password, longest)); len(r.Errors) > 0 {
			t.Errorf("the longest key: %s", r.Body)
		}
	}
	for i, key := range []any{nil, "", " ", "\t\u00a0"} { // same as absent
		none := form(fmt.Sprint("lily-", i), harness.Password, "")
		none["input"].(harness.Vars)["idempotencyKey"] = key
		if r := signUpWith(s, "", none); len(r.Errors) > 0 {
			t.Errorf("%q: %s", key, r.Body)
		}
	}
	expectRows(s, "of what was not", "5 5 6")
	if n := s.Count("sign_up_keys"); n != "1" {
		t.Errorf("%s keys are kept", n)
	}
}

// Of many retries at once, one creates the account and each gets a session of it. Of many sign-ups at once with one key and
// different values, one creates the account and the others are REUSED.
func TestRetriesAtOnce(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change func(i int, input harness.Vars)
		others int
	}{
		"the same form":          {func(int, harness.Vars) {}, 0},
		"in capitals and not so": {func(i int, in harness.Vars) { in["username"] = []string{"tulip", "TULIP"}[i%2] }, 0},
		"in other spellings": {func(i int, in harness.Vars) {
			in["profile"] = harness.Vars{"displayName": []string{"Tulip\u00e9", " Tulipe\u0301\n"}[i%2], "phoneNumber": []string{"+4930123456", "0049 (30) 123-456"}[i%2]}
		}, 0},
		"another username each":     {func(i int, in harness.Vars) { in["username"] = fmt.Sprint("tulip-", i) }, 29},
		"another display name each": {func(i int, in harness.Vars) { in["profile"] = harness.Vars{"displayName": fmt.Sprint("Tulip ", i)} }, 29},
		"another address each": {func(i int, in harness.Vars) {
			in["username"], in["email"] = fmt.Sprint("tulip-", i), fmt.Sprintf("tulip-%d@example.org", i)
		}, 29},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t)
			key := uuid.NewString()
			replies := together(30, func(i int) harness.Reply {
				v := form("tulip", harness.Password, key)
				c.change(i, v["input"].(harness.Vars))
				return signUpWith(s, "", v)
			})
			tokens, users, others := map[string]bool{}, map[string]bool{}, 0
			for _, r := range replies {
				if fmt.Sprint(r.Fields()) == "["+keyReused+"]" {
					others++
					continue
				}
				if len(r.Errors) > 0 {
					t.Errorf("refused: %s", r.Body)
					continue
				}
				var a harness.Account
				a.Fill(t, r)
				tokens[a.Refresh] = true
				users[a.UserID] = true
			}
			if len(tokens) != 30-c.others || len(users) != 1 || others != c.others {
				t.Errorf("%d different sessions of %d users, and %d others; want one user and %d others", len(tokens), len(users), others, c.others)
			}
			expectRows(s, "afterwards", fmt.Sprint("1 1 ", 30-c.others))
		})
	}
}

// If a verified email is required, a retry gets the same reply as the first request, and no second mail is sent.
func TestRetriesOfSignUpsThatWait(t *testing.T) {
	t.Parallel()
	open := harness.Start(t)
	taken := open.SignUpAs("rose", nil)
	s := harness.StartWith(t, open.DB, harness.BothLayers, app.Options{}, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on").Work()
	send := func(name, key string) harness.Reply {
		v := form(name, harness.Password, key)
		v["input"].(harness.Vars)["username"] = "some-" + name
		return signUpWith(s, "", v)
	}
	for _, name := range []string{"tulip", taken.Username} {
		for _, r := range append(together(10, func(int) harness.Reply { return send(name, "key-of-"+name) }), send(name, "key-of-"+name)) {
			if r.Body != `{"data":{"signUp":{"user":null,"tokens":null}}}` {
				t.Errorf("%s: %s", name, r.Body)
			}
		}
		if n := s.DB.Query(t, `SELECT count(*) FROM app.outbox WHERE recipient = $1`, name+"@example.org"); n[0] != "1" {
			t.Errorf("%s has got %s mails", name, n[0])
		}
	}
	expectRows(s, "two that wait, and rose", "3 3 1")
	again := form("tulip", harness.Password, "key-of-tulip")
	expectFaults(t, "another username", signUpWith(s, "", again), keyReused)
	again["input"].(harness.Vars)["username"] = "some-tulip"
	if r := signUpWith(open, "", again); string(r.Data) != `{"signUp":{"user":null,"tokens":null}}` {
		t.Errorf("where that is not required any more: %s", r.Body)
	}
	other := form("tulip", "another password", "key-of-tulip")
	expectFaults(t, "another password", signUpWith(s, "", other), keyReused)

	verify(s, "tulip@example.org", s.CodeTo("tulip@example.org", "verify_email", 1))
	var a harness.Account
	a.Fill(t, send("tulip", "key-of-tulip"))
	s.ExpectMember(a.Token, "tulip@example.org")
}

// A sign-up that was not verified in time has no effect: its key can be used for a new sign-up.
func TestRetryOfAnOverdueSignUp(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on").Work()
	for n := 1; n <= 2; n++ {
		s.Must("", harness.SignUpMutation, form("tulip", harness.Password, "a-key"))
		s.CodeTo("tulip@example.org", "verify_email", n)
		expectRows(s, fmt.Sprint(n, " times"), "1 1 0")
		s.DB.Query(t, `UPDATE app.user_private SET pending_until = now() - interval '1 second' WHERE $1 = 1`, n)
	}
	s.Must("", harness.VerifyEmail, harness.Input("email", "tulip@example.org", "code", s.CodeTo("tulip@example.org", "verify_email", 2)))
}

// A key gives no access: the account's current password decides, and whether the account is enabled.
func TestKeysOpenNothing(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	sign := func(name, password string) (harness.Account, harness.Reply) {
		a := harness.Account{Username: name, Email: name + "@example.org"}
		r := signUpWith(s, "", form(name, password, "key-of-"+name))
		if len(r.Errors) == 0 {
			a.Fill(t, r)
		}
		return a, r
	}
	changed, _ := sign("changed", harness.Password)
	s.Must(changed.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword))
	_, r := sign("changed", harness.Password)
	expectFaults(t, "the password before", r, keyReused)
	if again, r := sign("changed", harness.NewPassword); again.UserID != changed.UserID {
		t.Errorf("the password now: %s", r.Body)
	}

	moved, _ := sign("moved", harness.Password)
	s.Must(moved.Token, harness.ChangeEmail, harness.Input("newEmail", "elsewhere@example.org"))
	s.Must(moved.Token, harness.VerifyEmail, harness.Input("email", "elsewhere@example.org", "code", s.CodeTo("elsewhere@example.org", "change_email", 1)))
	_, r = sign("moved", harness.Password)
	expectFaults(t, "the address before", r, keyReused)

	cleared, _ := sign("cleared", harness.Password) // with another person's address
	s.Must("", harness.RequestVerification, harness.Input("email", cleared.Email))
	s.Must("", harness.VerifyEmail, harness.Input("email", cleared.Email, "code", s.CodeTo(cleared.Email, "verify_email", 1)))
	for _, password := range []string{harness.Password, ""} {
		_, r = sign("cleared", password)
		expectFaults(t, "an account without a password", r, keyReused)
	}

	disabled, _ := sign("disabled", harness.Password)
	s.DB.Query(t, `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $1`, disabled.UserID)
	if _, r := sign("disabled", harness.Password); r.Code() != "CONFLICT" {
		t.Errorf("a disabled account: %s", r.Body)
	}
	expectFaults(t, "its key for another", signUpWith(s, "", form("fresh", harness.Password, "key-of-disabled")), keyReused)

	deleted, _ := sign("deleted", harness.Password)
	s.Must(deleted.Token, harness.DeleteAccount, harness.Input("password", harness.Password))
	if again := signUpWith(s, "", form("fresh", harness.Password, "key-of-deleted")); len(again.Errors) > 0 || strings.Contains(again.Body, deleted.UserID) {
		t.Errorf("the key of an account that is gone: %s", again.Body)
	}

	unverified, _ := sign("unverified", harness.Password)
	strict := harness.StartWith(t, s.DB, harness.BothLayers, app.Options{}, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	if r := signUpWith(strict, "", form(unverified.Username, harness.Password, "key-of-unverified")); r.Body != `{"data":{"signUp":{"user":null,"tokens":null}}}` {
		t.Errorf("an account that may not sign in before it is verified: %s", r.Body)
	}
}

// A key is a secret of the client: only its hash is stored.
func TestKeysAreNotKept(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Must("", harness.SignUpMutation, form("tulip", harness.Password, "canary-key-in-the-input"))
	signUpWith(s, "canary-key-in-the-header", form("lily", harness.Password, ""))
	if n := s.Count("sign_up_keys"); n != "2" {
		t.Errorf("%s keys are kept, which proves nothing", n)
	}
	for what, text := range map[string]string{"the database": strings.Join(s.AllRows(), "\n"), "the log": s.Logs.String()} {
		if strings.Contains(text, "canary-key") || strings.Contains(text, hex.EncodeToString([]byte("canary-key"))) { // as PostgreSQL prints a bytea
			t.Errorf("%s holds a key", what)
		}
	}
}

// Pages of a configured origin may send the header; other pages may not.
func TestKeysFromOtherOrigins(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_CORS_ORIGINS=https://app.example.org")
	for origin, want := range map[string]string{"https://app.example.org": "authorization,content-type,idempotency-key", "https://evil.example": ""} {
		r := s.Send(harness.Request{Method: http.MethodOptions, Header: http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {"POST"},
			"Access-Control-Request-Headers": {"authorization,content-type,idempotency-key"},
		}})
		if got := r.Header.Get("Access-Control-Allow-Headers"); got != want {
			t.Errorf("%s may send %q, want %q", origin, got, want)
		}
	}
	var first, again harness.Account
	for _, a := range []*harness.Account{&first, &again} {
		a.Fill(t, s.Send(harness.Request{Header: http.Header{"Origin": {"https://app.example.org"}, "Sec-Fetch-Site": {"cross-site"}, "Idempotency-Key": {"a-key"}}, Query: harness.SignUpMutation, Vars: form("tulip", harness.Password, "")}))
	}
	if first.UserID != again.UserID {
		t.Errorf("two accounts: %s and %s", first.UserID, again.UserID)
	}
}
