package accounts

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/resolvers"
)

// One error lists all errors of an input, in the order of the schema: of its shape, in variables and literals, of its values,
// and taken names.
func TestAllErrorsAreReportedTogether(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.SignUpAs("Ann", nil)
	a := s.SignUp(nil)
	signUp := func(further harness.Vars, profile harness.Vars) harness.Vars {
		in := harness.Vars{"email": "ann@example.org", "password": "short", "username": "ANN", "profile": profile}
		for name, value := range further {
			in[name] = value
		}
		return harness.Vars{"input": in}
	}
	const bad, invalid = "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"
	for _, c := range []struct {
		name, token, query string
		v                  harness.Vars
		code, fields       string
	}{
		{"a URL and a date", a.Token, updateProfile, harness.Input("avatarUrl", "foo", "birthday", "2090-01-01"), bad,
			"input.avatarUrl INVALID, input.birthday IN_FUTURE"},
		{"by literals", a.Token, `mutation { updateProfile(input: {avatarUrl: "foo", birthday: "2090-01-01"}) { profile { id } } }`, nil, invalid,
			"input.avatarUrl INVALID, input.birthday IN_FUTURE"},
		{"a literal, and the value of a variable", a.Token, `mutation ($b: Date, $t: String) { updateProfile(input: {avatarUrl: "foo", birthday: $b, bio: $t}) { profile { id } } }`,
			harness.Vars{"b": "2090-01-01", "t": "a\u202eb"}, invalid, "input.bio INVALID_CHARACTER, input.avatarUrl INVALID, input.birthday IN_FUTURE"},
		{"a literal, and the shape of a variable", a.Token, `mutation ($b: Date!, $n: String) { updateProfile(input: {phoneNumber: "1", location: 5, birthday: $b, displayName: $n}) { profile { id } } }`,
			harness.Vars{"n": 7}, invalid, "input.displayName INVALID, input.location INVALID, input.birthday REQUIRED, input.phoneNumber INVALID"},
		{"a variable, and the value of a literal", a.Token, `mutation ($b: Date) { updateProfile(input: {displayName: "\u3164", birthday: $b, phoneNumber: "1"}) { profile { id } } }`,
			harness.Vars{"b": "x"}, bad, "input.displayName INVALID_CHARACTER, input.birthday INVALID, input.phoneNumber INVALID"},
		{"null, an unknown field and the rest", a.Token, updateProfile, harness.Input("visibility", nil, "nick", 1, "phoneNumber", "12", "displayName", strings.Repeat("x", 101)), bad,
			"input.nick UNKNOWN_FIELD, input.displayName TOO_LONG, input.visibility NULL, input.phoneNumber INVALID"},
		{"an object of a wrong kind", a.Token, updateProfile, harness.Vars{"i": "x"}, bad, "input INVALID"},

		{"a date, and what is taken", "", harness.SignUpMutation, signUp(nil, harness.Vars{"birthday": "x"}), bad,
			"input.email TAKEN, input.password TOO_SHORT, input.username TAKEN, input.profile.birthday INVALID"},
		{"what is taken alone", "", harness.SignUpMutation, signUp(harness.Vars{"password": harness.Password}, nil), "CONFLICT", "input.email TAKEN, input.username TAKEN"},
		{"a wrong kind, and what is taken", "", harness.SignUpMutation, signUp(harness.Vars{"password": 5, "username": "ro.ot", "idempotencyKey": "a b"}, harness.Vars{"avatarUrl": 1, "bio": "\x00", "birthday": "1850-01-01", "visibility": "x"}), bad,
			"input.email TAKEN, input.password INVALID, input.username RESERVED, input.profile.bio INVALID_CHARACTER, input.profile.avatarUrl INVALID, input.profile.visibility INVALID, input.profile.birthday OUT_OF_RANGE, input.idempotencyKey INVALID"},
		{"null in an optional field is none", "", harness.SignUpMutation, signUp(harness.Vars{"session": "x"}, harness.Vars{"visibility": nil, "birthday": nil}), bad,
			"input.email TAKEN, input.password TOO_SHORT, input.username TAKEN, input.session INVALID"},
		{"by literals, and what is taken", "", `mutation { signUp(input: {email: "ann@example.org", password: "short", username: "ann", profile: {birthday: "x", bio: "\u2066"}}) { user { id } } }`, nil, invalid,
			"input.email TAKEN, input.password TOO_SHORT, input.username TAKEN, input.profile.bio INVALID_CHARACTER, input.profile.birthday INVALID"},
		{"a password of the account's own words", "", harness.SignUpMutation, signUp(harness.Vars{"email": "x@example.org", "username": "new", "password": "lovelace1815"}, harness.Vars{"displayName": "Ada Lovelace", "birthday": "x"}), bad,
			"input.password TOO_PERSONAL, input.profile.birthday INVALID"},
		{"what is missing", "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"username": "ann", "profile": harness.Vars{"phoneNumber": "1"}}}, bad,
			"input.email REQUIRED, input.password REQUIRED, input.username TAKEN, input.profile.phoneNumber INVALID"},

		{"resetPassword", "", harness.ResetPassword, harness.Input("email", "x", "code", 5, "newPassword", "short"), bad, "input.email INVALID, input.code INVALID, input.newPassword TOO_SHORT"},
		{"resetPassword of the right shape", "", harness.ResetPassword, harness.Input("email", "x", "code", "U", "newPassword", "short"), bad, "input.email INVALID, input.code INVALID, input.newPassword TOO_SHORT"},
		{"resetPassword with a fine code", "", harness.ResetPassword, harness.Input("email", "x", "code", "0000-0000", "newPassword", "short"), bad, "input.email INVALID, input.newPassword TOO_SHORT"},
		{"resetPassword with a wrong code", "", harness.ResetPassword, harness.Input("email", "x@example.org", "code", "0000-0000", "newPassword", "short"), bad, "input.code INVALID, input.newPassword TOO_SHORT"},
		{"verifyEmail", "", harness.VerifyEmail, harness.Input("email", "x", "code", "U"), bad, "input.email INVALID, input.code INVALID"},
		{"verifyEmail of a wrong shape", "", harness.VerifyEmail, harness.Input("email", "x", "code", "U", "session", "x"), bad, "input.email INVALID, input.code INVALID, input.session INVALID"},
		{"requestPasswordReset", "", harness.RequestReset, harness.Input("email", "x", "mail", "y"), bad, "input.mail UNKNOWN_FIELD, input.email INVALID"},
		{"requestEmailVerification", "", harness.RequestVerification, harness.Input("email", "x", "mail", "y"), bad, "input.mail UNKNOWN_FIELD, input.email INVALID"},
		{"changeEmail", a.Token, harness.ChangeEmail, harness.Input("newEmail", "x", "mail", "y"), bad, "input.mail UNKNOWN_FIELD, input.newEmail INVALID"},
		{"changeUsername", a.Token, harness.ChangeUsername, harness.Input("username", "root", "name", "y"), bad, "input.name UNKNOWN_FIELD, input.username RESERVED"},
		{"changePassword", a.Token, harness.ChangePassword, harness.Input("currentPassword", 5, "newPassword", "short"), bad, "input.currentPassword INVALID, input.newPassword TOO_SHORT"},
		{"changePassword of the right shape", a.Token, harness.ChangePassword, harness.Input("currentPassword", "wrong", "newPassword", "short"), bad, "input.currentPassword INVALID, input.newPassword TOO_SHORT"},
	} {
		r := s.Do(c.token, c.query, c.v)
		if r.Code() != c.code || strings.Join(r.Fields(), ", ") != c.fields {
			t.Errorf("%s: got %s\nwant %s %s", c.name, r.Body, c.code, c.fields)
		}
	}
}

// A sign-up with a wrong shape reveals taken names only within the limit of sign-ups, and counts for it. If a verified email
// is required, it does not reveal taken addresses.
func TestMalformedSignUpsAreNoOracle(t *testing.T) {
	t.Parallel()
	s := limited(t)
	a := s.SignUp(nil)
	ask := func(s *harness.Service, from string) []string {
		return sendFrom(s, from, "", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": a.Email, "password": "short", "username": a.Username, "profile": harness.Vars{"birthday": "x"}}}).Fields()
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
	expectCodes(t, "a sign-up of the right shape", []harness.Reply{sendFrom(s, "203.0.113.1", "", harness.SignUpMutation, form("new", harness.Password, ""))}, map[string]int{"RATE_LIMITED": 1})
	if got := fmt.Sprint(ask(s, "203.0.113.2")); got != taken {
		t.Errorf("from elsewhere: %s", got)
	}
	literals := fmt.Sprintf(`mutation { signUp(input: {email: %q, password: "x", username: %q, profile: {birthday: "x"}}) { user { id } } }`, a.Email, a.Username)
	before := s.DB.Query(t, `SELECT hits FROM app.rate_limits WHERE bucket = 'signUp 203.0.113.2/32'`)[0]
	sendFrom(s, "203.0.113.2", "", literals, nil)
	if after := s.DB.Query(t, `SELECT hits FROM app.rate_limits WHERE bucket = 'signUp 203.0.113.2/32'`)[0]; after == before {
		t.Errorf("literals of a wrong shape are not counted: %s, then %s", before, after)
	}
	strict := harness.StartWith(t, s.DB, harness.BothLayers, app.Options{}, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	if got := fmt.Sprint(ask(strict, "")); got != strings.Replace(taken, "input.email TAKEN ", "", 1) {
		t.Errorf("where a verified address is required: %s", got)
	}
}

// An adopter's validator adds its errors to those of its input type. It is called only if the shape of the input is wrong.
func TestAdoptersValidateInputs(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	var got atomic.Value
	o := app.Options{}
	validate := func(_ context.Context, in resolvers.Input) map[string]fault.Flaw {
		asked.Add(1)
		got.Store(fmt.Sprint(in))
		return map[string]fault.Flaw{
			"location": {Code: "TOO_FAR", Message: "This is too far.", Params: fault.Params{"max": 5}}, "bio": {Code: "NOT_GIVEN"}, "avatarUrl": {Code: "NOT_FIT"}, "other": {Code: "NONE"},
		}
	}
	o.Further = []app.Module{{Validators: func(*resolvers.Resolvers) map[string]resolvers.InputValidator {
		return map[string]resolvers.InputValidator{"UpdateProfileInput": validate}
	}}}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, o)
	a := s.SignUp(nil)
	s.Must(a.Token, updateProfile, harness.Input("location", "Mars", "birthday", "", "visibility", "MEMBERS"))
	if asked.Load() != 0 {
		t.Error("the validator was called for an input of the right shape")
	}
	r := s.Do(a.Token, updateProfile, harness.Input("location", "Mars", "avatarUrl", "foo", "visibility", "MEMBERS"))
	expectFaults(t, "a wrong shape", r, "input.avatarUrl INVALID", "input.location TOO_FAR")
	r = s.Do(a.Token, `mutation { updateProfile(input: {location: "Mars", avatarUrl: "foo", visibility: MEMBERS}) { profile { id } } }`, nil)
	if fmt.Sprint(r.Fields()) != "[input.avatarUrl INVALID input.location TOO_FAR]" || fmt.Sprint(r.Errors[0].Extensions.Fields[1].Params) != "map[max:5]" {
		t.Errorf("by literals: %s", r.Body)
	}
	if got.Load() != "map[location:Mars visibility:MEMBERS]" || asked.Load() != 2 {
		t.Errorf("it was asked %d times, last about %v", asked.Load(), got.Load())
	}
	many := `mutation {` + strings.Repeat(` updateProfile(input: {location: "Mars", avatarUrl: "foo"}) { profile { id } }`, 40) + ` }`
	if r := s.Do(a.Token, many, nil); len(r.Errors) == 0 || asked.Load() > 2+16 || len(r.Body) > 20<<10 {
		t.Errorf("it was asked %d times for one request: %.300s", asked.Load(), r.Body)
	}
}
