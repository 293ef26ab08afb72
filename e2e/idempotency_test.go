package e2e

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// form is what a visitor sends to sign up, with a key of its own in the input, unless that is "".
func form(name, password, key string) vars {
	i := vars{"email": name + "@example.org", "password": password, "username": name}
	if key != "" {
		i["idempotencyKey"] = key
	}
	return vars{"input": i}
}

// signUpWith sends a sign-up with the header Idempotency-Key, unless that is "".
func (s *service) signUpWith(header string, v vars) reply {
	h := http.Header{"Content-Type": {"application/json"}}
	if header != "" {
		h.Set("Idempotency-Key", header)
	}
	r, err := s.trySend(http.MethodPost, h, asBody(s.t, signUpMutation, v))
	if err != nil {
		s.t.Error(err)
	}
	return r
}

// count is how many rows a table of ours has.
func (s *service) count(table string) string {
	s.t.Helper()
	return s.db.Query(s.t, `SELECT count(*) FROM app.`+table)[0]
}

// expectRows expects so many users, profiles and sessions.
func (s *service) expectRows(what, want string) {
	s.t.Helper()
	if got := s.count("users") + " " + s.count("profiles") + " " + s.count("sessions"); got != want {
		s.t.Errorf("%s: there are %s users, profiles and sessions; want %s", what, got, want)
	}
}

const keyReused, keyInvalid = "input.idempotencyKey REUSED", "input.idempotencyKey INVALID"

// A sign-up that is sent again under the same key gets a further session of the account that the first has made.
func TestSignUpRetried(t *testing.T) {
	t.Parallel()
	s := start(t)
	for how, send := range map[string]func(s *service, name, password, key string) reply{
		"key in the input": func(s *service, name, password, key string) reply { return s.signUpWith("", form(name, password, key)) },
		"in the header":    func(s *service, name, password, key string) reply { return s.signUpWith(key, form(name, password, "")) },
		"in quotes": func(s *service, name, password, key string) reply {
			return s.signUpWith(`"`+key+`"`, form(name, password, ""))
		},
		"in both": func(s *service, name, password, key string) reply {
			return s.signUpWith(key, form(name, password, key))
		},
		"in both, quoted": func(s *service, name, password, key string) reply {
			return s.signUpWith(`"`+key+`"`, form(name, password, key))
		},
	} {
		key, name, other := uuid.NewString(), fmt.Sprint("tulip-", serial.Add(1)), fmt.Sprint("lily-", serial.Add(1))
		rows := func() string {
			return s.count("users") + " " + s.count("profiles") + " " + s.db.Query(t, `SELECT count(*) FROM app.sessions s JOIN app.profiles p USING (user_id) WHERE p.username = $1`, name)[0]
		}
		var first, again account
		first.fill(t, send(s, name, "caf\u00e9 au lait, two", key))
		before := s.count("users") + " " + s.count("profiles") + " "
		again.fill(t, send(s, name, "cafe\u0301 au lait, two", key)) // the same password, typed elsewhere
		if again.UserID != first.UserID || again.ProfileID != first.ProfileID || again.Token == first.Token || again.Refresh == first.Refresh {
			t.Errorf("%s: again %+v, after %+v", how, again, first)
		}
		for _, a := range []account{first, again} {
			s.expectMember(a.Token, name+"@example.org")
			if access, next, reason := s.refresh(a.Refresh); access == "" || next == "" {
				t.Errorf("%s: its refresh token: %s", how, reason)
			}
		}
		expectFaults(t, how+", with another password", send(s, name, "another password", key), keyReused)
		expectFaults(t, how+", with another address", send(s, other, "caf\u00e9 au lait, two", key), keyReused)
		if got := rows(); got != before+"2" {
			t.Errorf("%s: there are %s users, profiles and sessions; want %s2", how, got, before)
		}
		var another account
		another.fill(t, send(s, other, "another password", key+"x"))
		if r := send(s, name, "caf\u00e9 au lait, two", key+"y"); another.UserID == first.UserID || r.code() != "CONFLICT" {
			t.Errorf("%s: the same form under a key of its own: %s", how, r.Body)
		}
	}
}

// What is no key is refused with whatever else is wrong, and nothing is written.
func TestMalformedKeys(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, key := range []string{"a b", "a\tb", "a\nb", "a\x00b", "\u00fcber", "a\u200bb", "\x7f", strings.Repeat("k", 256)} {
		expectFaults(t, fmt.Sprintf("%q", key), s.signUpWith("", form("tulip", password, key)), keyInvalid)
		expectFaults(t, fmt.Sprintf("%q and more", key), s.signUpWith("", form("tulip tulip", "x", key)), keyInvalid,
			"input.email INVALID", "input.password TOO_SHORT", "input.username INVALID_CHARACTER")
	}
	for _, header := range []string{`""`, "a b", "\u00fcber", `"a b"`, strings.Repeat("k", 256)} {
		expectFaults(t, "the header "+header, s.signUpWith(header, form("tulip", password, "")), keyInvalid)
	}
	for _, key := range []any{5, true, []string{"a", "b"}} {
		v := form("tulip", password, "")
		v["input"].(vars)["idempotencyKey"] = key
		expectFaults(t, fmt.Sprint(key), s.signUpWith("", v), keyInvalid)
	}
	expectFaults(t, "one in the header, another in the input", s.signUpWith("one", form("tulip", password, "another")), keyInvalid)
	s.expectRows("of what was refused", "0 0 0")
	longest := strings.Repeat("~", 255)
	for range 2 {
		if r := s.signUpWith("", form("tulip", password, longest)); len(r.Errors) > 0 {
			t.Errorf("the longest key: %s", r.Body)
		}
	}
	for i, key := range []any{nil, "", " ", "\t\u00a0"} { // as absent
		none := form(fmt.Sprint("lily-", i), password, "")
		none["input"].(vars)["idempotencyKey"] = key
		if r := s.signUpWith("", none); len(r.Errors) > 0 {
			t.Errorf("%q: %s", key, r.Body)
		}
	}
	s.expectRows("of what was not", "5 5 6")
	if n := s.count("sign_up_keys"); n != "1" {
		t.Errorf("%s keys are kept", n)
	}
}

// Of many retries at once, one makes the account, and each gets a session of it. Of many sign-ups at once with one key and other
// values, one makes the account, and the others are REUSED.
func TestRetriesAtOnce(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change func(i int, input vars)
		others int
	}{
		"the same form":          {func(int, vars) {}, 0},
		"in capitals and not so": {func(i int, in vars) { in["username"] = []string{"tulip", "TULIP"}[i%2] }, 0},
		"in other spellings": {func(i int, in vars) {
			in["profile"] = vars{"displayName": []string{"Tulip\u00e9", " Tulipe\u0301\n"}[i%2], "phoneNumber": []string{"+4930123456", "0049 (30) 123-456"}[i%2]}
		}, 0},
		"another username each":     {func(i int, in vars) { in["username"] = fmt.Sprint("tulip-", i) }, 29},
		"another display name each": {func(i int, in vars) { in["profile"] = vars{"displayName": fmt.Sprint("Tulip ", i)} }, 29},
		"another address each": {func(i int, in vars) {
			in["username"], in["email"] = fmt.Sprint("tulip-", i), fmt.Sprintf("tulip-%d@example.org", i)
		}, 29},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			key := uuid.NewString()
			replies := together(30, func(i int) reply {
				v := form("tulip", password, key)
				c.change(i, v["input"].(vars))
				return s.signUpWith("", v)
			})
			tokens, users, others := map[string]bool{}, map[string]bool{}, 0
			for _, r := range replies {
				if fmt.Sprint(r.fields()) == "["+keyReused+"]" {
					others++
					continue
				}
				if len(r.Errors) > 0 {
					t.Errorf("refused: %s", r.Body)
					continue
				}
				var a account
				a.fill(t, r)
				tokens[a.Refresh] = true
				users[a.UserID] = true
			}
			if len(tokens) != 30-c.others || len(users) != 1 || others != c.others {
				t.Errorf("%d different sessions of %d users, and %d others; want one user and %d others", len(tokens), len(users), others, c.others)
			}
			s.expectRows("afterwards", fmt.Sprint("1 1 ", 30-c.others))
		})
	}
}

// Where a verified e-mail is required a retry gets the same answer as the first, and the address no second mail.
func TestRetriesOfSignUpsThatWait(t *testing.T) {
	t.Parallel()
	open := start(t)
	taken := open.signUpAs("rose", nil)
	s := startWith(t, open.db, bothWalls, appOptions(), "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on").work()
	send := func(name, key string) reply {
		v := form(name, password, key)
		v["input"].(vars)["username"] = "some-" + name
		return s.signUpWith("", v)
	}
	for _, name := range []string{"tulip", taken.Username} {
		for _, r := range append(together(10, func(int) reply { return send(name, "key-of-"+name) }), send(name, "key-of-"+name)) {
			if r.Body != `{"data":{"signUp":{"user":null,"tokens":null}}}` {
				t.Errorf("%s: %s", name, r.Body)
			}
		}
		if n := s.db.Query(t, `SELECT count(*) FROM app.outbox WHERE recipient = $1`, name+"@example.org"); n[0] != "1" {
			t.Errorf("%s has got %s mails", name, n[0])
		}
	}
	s.expectRows("two that wait, and rose", "3 3 1")
	again := form("tulip", password, "key-of-tulip")
	expectFaults(t, "another username", s.signUpWith("", again), keyReused)
	again["input"].(vars)["username"] = "some-tulip"
	if r := open.signUpWith("", again); string(r.Data) != `{"signUp":{"user":null,"tokens":null}}` {
		t.Errorf("where that is not required any more: %s", r.Body)
	}
	other := form("tulip", "another password", "key-of-tulip")
	expectFaults(t, "another password", s.signUpWith("", other), keyReused)

	s.verify("tulip@example.org", s.codeTo("tulip@example.org", "verify_email", 1))
	var a account
	a.fill(t, send("tulip", "key-of-tulip"))
	s.expectMember(a.Token, "tulip@example.org")
}

// One that was not verified in time is as if it had not been: its key signs up anew.
func TestRetryOfAnOverdueSignUp(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on").work()
	for n := 1; n <= 2; n++ {
		s.must("", signUpMutation, form("tulip", password, "a-key"))
		s.codeTo("tulip@example.org", "verify_email", n)
		s.expectRows(fmt.Sprint(n, " times"), "1 1 0")
		s.db.Query(t, `UPDATE app.user_private SET pending_until = now() - interval '1 second' WHERE $1 = 1`, n)
	}
	s.must("", verifyEmail, input("email", "tulip@example.org", "code", s.codeTo("tulip@example.org", "verify_email", 2)))
}

// A key opens nothing: what counts is the password that the account has now, and whether it can be used at all.
func TestKeysOpenNothing(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	sign := func(name, password string) (account, reply) {
		a := account{Username: name, Email: name + "@example.org"}
		r := s.signUpWith("", form(name, password, "key-of-"+name))
		if len(r.Errors) == 0 {
			a.fill(t, r)
		}
		return a, r
	}
	changed, _ := sign("changed", password)
	s.must(changed.Token, changePassword, input("currentPassword", password, "newPassword", newPassword))
	_, r := sign("changed", password)
	expectFaults(t, "the password before", r, keyReused)
	if again, r := sign("changed", newPassword); again.UserID != changed.UserID {
		t.Errorf("the password now: %s", r.Body)
	}

	moved, _ := sign("moved", password)
	s.must(moved.Token, changeEmail, input("newEmail", "elsewhere@example.org"))
	s.must(moved.Token, verifyEmail, input("email", "elsewhere@example.org", "code", s.codeTo("elsewhere@example.org", "change_email", 1)))
	_, r = sign("moved", password)
	expectFaults(t, "the address before", r, keyReused)

	cleared, _ := sign("cleared", password) // with an address that is not his
	s.must("", requestVerification, input("email", cleared.Email))
	s.must("", verifyEmail, input("email", cleared.Email, "code", s.codeTo(cleared.Email, "verify_email", 1)))
	for _, password := range []string{password, ""} {
		_, r = sign("cleared", password)
		expectFaults(t, "an account without a password", r, keyReused)
	}

	disabled, _ := sign("disabled", password)
	s.db.Query(t, `UPDATE app.credentials SET disabled_at = now() WHERE user_id = $1`, disabled.UserID)
	if _, r := sign("disabled", password); r.code() != "CONFLICT" {
		t.Errorf("a disabled account: %s", r.Body)
	}
	expectFaults(t, "its key for another", s.signUpWith("", form("fresh", password, "key-of-disabled")), keyReused)

	deleted, _ := sign("deleted", password)
	s.must(deleted.Token, deleteAccount, input("password", password))
	if again := s.signUpWith("", form("fresh", password, "key-of-deleted")); len(again.Errors) > 0 || strings.Contains(again.Body, deleted.UserID) {
		t.Errorf("the key of an account that is gone: %s", again.Body)
	}

	unverified, _ := sign("unverified", password)
	strict := startWith(t, s.db, bothWalls, appOptions(), "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	if r := strict.signUpWith("", form(unverified.Username, password, "key-of-unverified")); r.Body != `{"data":{"signUp":{"user":null,"tokens":null}}}` {
		t.Errorf("an account that may not sign in before it is verified: %s", r.Body)
	}
}

// A key is a secret of the client's: it is kept as a hash only.
func TestKeysAreNotKept(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.must("", signUpMutation, form("tulip", password, "canary-key-in-the-input"))
	s.signUpWith("canary-key-in-the-header", form("lily", password, ""))
	if n := s.count("sign_up_keys"); n != "2" {
		t.Errorf("%s keys are kept, which proves nothing", n)
	}
	for what, text := range map[string]string{"the database": strings.Join(s.everything(), "\n"), "the log": s.logs.String()} {
		if strings.Contains(text, "canary-key") || strings.Contains(text, hex.EncodeToString([]byte("canary-key"))) { // as bytea is shown
			t.Errorf("%s holds a key", what)
		}
	}
}

// Pages of a configured origin may send the header, and those of no other.
func TestKeysFromOtherOrigins(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_CORS_ORIGINS=https://app.example.org")
	for origin, want := range map[string]string{"https://app.example.org": "authorization,content-type,idempotency-key", "https://evil.example": ""} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, s.url+"/graphql", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {"POST"},
			"Access-Control-Request-Headers": {"authorization,content-type,idempotency-key"},
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Access-Control-Allow-Headers"); got != want {
			t.Errorf("%s may send %q, want %q", origin, got, want)
		}
	}
	var first, again account
	for _, a := range []*account{&first, &again} {
		a.fill(t, s.send(http.MethodPost, http.Header{
			"Content-Type": {"application/json"}, "Origin": {"https://app.example.org"}, "Sec-Fetch-Site": {"cross-site"}, "Idempotency-Key": {"a-key"},
		}, asBody(t, signUpMutation, form("tulip", password, ""))))
	}
	if first.UserID != again.UserID {
		t.Errorf("two accounts: %s and %s", first.UserID, again.UserID)
	}
}
