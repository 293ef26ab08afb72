package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/resolvers"
)

// One error has all faults of an input, in the order of the schema: in its shape, by variables and literals, in its values, and
// what is taken.
func TestEveryFaultIsToldAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.signUpAs("Ann", nil)
	a := s.signUp(nil)
	signUp := func(further vars, profile vars) vars {
		in := vars{"email": "ann@example.org", "password": "short", "username": "ANN", "profile": profile}
		for name, value := range further {
			in[name] = value
		}
		return vars{"input": in}
	}
	const bad, invalid = "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"
	for _, c := range []struct {
		name, token, query string
		v                  vars
		code, fields       string
	}{
		{"a URL and a date", a.Token, updateProfile, input("avatarUrl", "foo", "birthday", "2090-01-01"), bad,
			"input.avatarUrl INVALID, input.birthday IN_FUTURE"},
		{"by literals", a.Token, `mutation { updateProfile(input: {avatarUrl: "foo", birthday: "2090-01-01"}) { profile { id } } }`, nil, invalid,
			"input.avatarUrl INVALID, input.birthday IN_FUTURE"},
		{"a literal, and the value of a variable", a.Token, `mutation ($b: Date, $t: String) { updateProfile(input: {avatarUrl: "foo", birthday: $b, bio: $t}) { profile { id } } }`,
			vars{"b": "2090-01-01", "t": "a\u202eb"}, invalid, "input.bio INVALID_CHARACTER, input.avatarUrl INVALID, input.birthday IN_FUTURE"},
		{"a literal, and the shape of a variable", a.Token, `mutation ($b: Date!, $n: String) { updateProfile(input: {phoneNumber: "1", location: 5, birthday: $b, displayName: $n}) { profile { id } } }`,
			vars{"n": 7}, invalid, "input.displayName INVALID, input.location INVALID, input.birthday REQUIRED, input.phoneNumber INVALID"},
		{"a variable, and the value of a literal", a.Token, `mutation ($b: Date) { updateProfile(input: {displayName: "\u3164", birthday: $b, phoneNumber: "1"}) { profile { id } } }`,
			vars{"b": "x"}, bad, "input.displayName INVALID_CHARACTER, input.birthday INVALID, input.phoneNumber INVALID"},
		{"null, an unknown field and the rest", a.Token, updateProfile, input("visibility", nil, "nick", 1, "phoneNumber", "12", "displayName", strings.Repeat("x", 101)), bad,
			"input.nick UNKNOWN_FIELD, input.displayName TOO_LONG, input.visibility NULL, input.phoneNumber INVALID"},
		{"an object of a wrong kind", a.Token, updateProfile, vars{"i": "x"}, bad, "input INVALID"},

		{"a date, and what is taken", "", signUpMutation, signUp(nil, vars{"birthday": "x"}), bad,
			"input.email TAKEN, input.password TOO_SHORT, input.username TAKEN, input.profile.birthday INVALID"},
		{"what is taken alone", "", signUpMutation, signUp(vars{"password": password}, nil), "CONFLICT", "input.email TAKEN, input.username TAKEN"},
		{"a wrong kind, and what is taken", "", signUpMutation, signUp(vars{"password": 5, "username": "ro.ot", "idempotencyKey": "a b"}, vars{"avatarUrl": 1, "bio": "\x00", "birthday": "1850-01-01", "visibility": "x"}), bad,
			"input.email TAKEN, input.password INVALID, input.username RESERVED, input.profile.bio INVALID_CHARACTER, input.profile.avatarUrl INVALID, input.profile.visibility INVALID, input.profile.birthday OUT_OF_RANGE, input.idempotencyKey INVALID"},
		{"null in an optional field is none", "", signUpMutation, signUp(vars{"session": "x"}, vars{"visibility": nil, "birthday": nil}), bad,
			"input.email TAKEN, input.password TOO_SHORT, input.username TAKEN, input.session INVALID"},
		{"by literals, and what is taken", "", `mutation { signUp(input: {email: "ann@example.org", password: "short", username: "ann", profile: {birthday: "x", bio: "\u2066"}}) { user { id } } }`, nil, invalid,
			"input.email TAKEN, input.password TOO_SHORT, input.username TAKEN, input.profile.bio INVALID_CHARACTER, input.profile.birthday INVALID"},
		{"a password of the account's own words", "", signUpMutation, signUp(vars{"email": "x@example.org", "username": "new", "password": "lovelace1815"}, vars{"displayName": "Ada Lovelace", "birthday": "x"}), bad,
			"input.password TOO_PERSONAL, input.profile.birthday INVALID"},
		{"what is missing", "", signUpMutation, vars{"input": vars{"username": "ann", "profile": vars{"phoneNumber": "1"}}}, bad,
			"input.email REQUIRED, input.password REQUIRED, input.username TAKEN, input.profile.phoneNumber INVALID"},

		{"resetPassword", "", resetPassword, input("email", "x", "code", 5, "newPassword", "short"), bad, "input.email INVALID, input.code INVALID, input.newPassword TOO_SHORT"},
		{"resetPassword of the right shape", "", resetPassword, input("email", "x", "code", "U", "newPassword", "short"), bad, "input.email INVALID, input.code INVALID, input.newPassword TOO_SHORT"},
		{"resetPassword with a fine code", "", resetPassword, input("email", "x", "code", "0000-0000", "newPassword", "short"), bad, "input.email INVALID, input.newPassword TOO_SHORT"},
		{"resetPassword with a wrong code", "", resetPassword, input("email", "x@example.org", "code", "0000-0000", "newPassword", "short"), bad, "input.code INVALID, input.newPassword TOO_SHORT"},
		{"verifyEmail", "", verifyEmail, input("email", "x", "code", "U"), bad, "input.email INVALID, input.code INVALID"},
		{"verifyEmail of a wrong shape", "", verifyEmail, input("email", "x", "code", "U", "session", "x"), bad, "input.email INVALID, input.code INVALID, input.session INVALID"},
		{"requestPasswordReset", "", requestReset, input("email", "x", "mail", "y"), bad, "input.mail UNKNOWN_FIELD, input.email INVALID"},
		{"requestEmailVerification", "", requestVerification, input("email", "x", "mail", "y"), bad, "input.mail UNKNOWN_FIELD, input.email INVALID"},
		{"changeEmail", a.Token, changeEmail, input("newEmail", "x", "mail", "y"), bad, "input.mail UNKNOWN_FIELD, input.newEmail INVALID"},
		{"changeUsername", a.Token, changeUsername, input("username", "root", "name", "y"), bad, "input.name UNKNOWN_FIELD, input.username RESERVED"},
		{"changePassword", a.Token, changePassword, input("currentPassword", 5, "newPassword", "short"), bad, "input.currentPassword INVALID, input.newPassword TOO_SHORT"},
		{"changePassword of the right shape", a.Token, changePassword, input("currentPassword", "wrong", "newPassword", "short"), bad, "input.currentPassword INVALID, input.newPassword TOO_SHORT"},
	} {
		r := s.do(c.token, c.query, c.v)
		if r.code() != c.code || strings.Join(r.fields(), ", ") != c.fields {
			t.Errorf("%s: got %s\nwant %s %s", c.name, r.Body, c.code, c.fields)
		}
	}
}

// A sign-up with a wrong shape reveals taken names only within the limit of sign-ups, which it counts for. Where a verified
// e-mail is required, it does not reveal taken addresses.
func TestMalformedSignUpsAreNoOracle(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.signUp(nil)
	ask := func(s *service, from string) []string {
		return s.from(from, "", signUpMutation, vars{"input": vars{"email": a.Email, "password": "short", "username": a.Username, "profile": vars{"birthday": "x"}}}).fields()
	}
	const taken = "[input.email TAKEN input.password TOO_SHORT input.username TAKEN input.profile.birthday INVALID]"
	const silent = "[input.password TOO_SHORT input.profile.birthday INVALID]"
	for i := range 100 {
		if got := fmt.Sprint(ask(s, "203.0.113.1")); got != taken {
			t.Fatalf("for the %dth time: %s", i+1, got)
		}
	}
	for range 3 {
		if got := fmt.Sprint(ask(s, "203.0.113.1")); got != silent {
			t.Errorf("beyond the limit: %s, want %s", got, silent)
		}
	}
	expectCodes(t, "a sign-up of the right shape", []reply{s.from("203.0.113.1", "", signUpMutation, form("new", password, ""))}, map[string]int{"RATE_LIMITED": 1})
	if got := fmt.Sprint(ask(s, "203.0.113.2")); got != taken {
		t.Errorf("from elsewhere: %s", got)
	}
	literals := fmt.Sprintf(`mutation { signUp(input: {email: %q, password: "x", username: %q, profile: {birthday: "x"}}) { user { id } } }`, a.Email, a.Username)
	before := s.db.Query(t, `SELECT hits FROM app.rate_limits WHERE bucket = 'signUp 203.0.113.2/32'`)[0]
	s.from("203.0.113.2", "", literals, nil)
	if after := s.db.Query(t, `SELECT hits FROM app.rate_limits WHERE bucket = 'signUp 203.0.113.2/32'`)[0]; after == before {
		t.Errorf("literals of a wrong shape are not counted: %s, then %s", before, after)
	}
	strict := startWith(t, s.db, bothWalls, appOptions(), "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	if got := fmt.Sprint(ask(strict, "")); got != strings.Replace(taken, "input.email TAKEN ", "", 1) {
		t.Errorf("where a verified address is required: %s", got)
	}
}

// An adopter's judge completes the errors of its input type. It is called only if the shape of the input is wrong.
func TestAdoptersJudge(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	var got atomic.Value
	o := appOptions()
	judge := func(_ context.Context, in resolvers.Input) map[string]fault.Flaw {
		asked.Add(1)
		got.Store(fmt.Sprint(in))
		return map[string]fault.Flaw{
			"location": {Code: "TOO_FAR", Message: "This is too far.", Params: fault.Params{"max": 5}}, "bio": {Code: "NOT_GIVEN"}, "avatarUrl": {Code: "NOT_FIT"}, "other": {Code: "NONE"},
		}
	}
	o.Further = []app.Module{{Validators: func(*resolvers.Resolvers) map[string]resolvers.InputValidator {
		return map[string]resolvers.InputValidator{"UpdateProfileInput": judge}
	}}}
	s := startWith(t, dbtest.New(t), bothWalls, o)
	a := s.signUp(nil)
	s.must(a.Token, updateProfile, input("location", "Mars", "birthday", "", "visibility", "MEMBERS"))
	if asked.Load() != 0 {
		t.Error("the judge was asked about an input that fits")
	}
	r := s.do(a.Token, updateProfile, input("location", "Mars", "avatarUrl", "foo", "visibility", "MEMBERS"))
	expectFaults(t, "a wrong shape", r, "input.avatarUrl INVALID", "input.location TOO_FAR")
	r = s.do(a.Token, `mutation { updateProfile(input: {location: "Mars", avatarUrl: "foo", visibility: MEMBERS}) { profile { id } } }`, nil)
	if fmt.Sprint(r.fields()) != "[input.avatarUrl INVALID input.location TOO_FAR]" || fmt.Sprint(r.Errors[0].Extensions.Fields[1].Params) != "map[max:5]" {
		t.Errorf("by literals: %s", r.Body)
	}
	if got.Load() != "map[location:Mars visibility:MEMBERS]" || asked.Load() != 2 {
		t.Errorf("it was asked %d times, last about %v", asked.Load(), got.Load())
	}
	many := `mutation {` + strings.Repeat(` updateProfile(input: {location: "Mars", avatarUrl: "foo"}) { profile { id } }`, 40) + ` }`
	if r := s.do(a.Token, many, nil); len(r.Errors) == 0 || asked.Load() > 2+16 || len(r.Body) > 20<<10 {
		t.Errorf("it was asked %d times for one request: %.300s", asked.Load(), r.Body)
	}
}
