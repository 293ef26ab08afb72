package accounts

import (
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

const updateProfile = `mutation ($i: UpdateProfileInput!) { updateProfile(input: $i) {
	profile { username displayName bio avatarUrl websiteUrl location birthday phoneNumber visibility } } }`

// expectParams expects one error whose only field is at path, with this code and these parameters, as fmt.Sprint prints them.
func expectParams(t *testing.T, what string, r harness.Reply, path, code, params string) {
	t.Helper()
	if len(r.Errors) != 1 || len(r.Errors[0].Extensions.Fields) != 1 {
		t.Errorf("%s: %s, want one field %s %s", what, r.Body, path, code)
		return
	}
	f := r.Errors[0].Extensions.Fields[0]
	if f.Path != path || f.Code != code || fmt.Sprint(f.Params) != params {
		t.Errorf("%s: %s %s %v, want %s %s %s", what, f.Path, f.Code, f.Params, path, code, params)
	}
	if strings.Contains(r.Body, `"params":null`) || strings.Contains(r.Body, `"params":{}`) {
		t.Errorf("%s: empty parameters are sent: %s", what, r.Body)
	}
}

// The bounds in a message are parameters of its field, so that clients can translate it.
func TestParametersOfErrors(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	signUpWith := func(name string, value any) harness.Reply {
		v := harness.Vars{"email": "new@example.org", "password": harness.Password, "username": "new"}
		v[name] = value
		return s.Do("", harness.SignUpMutation, harness.Vars{"input": v})
	}
	update := func(name string, value any) harness.Reply {
		return s.Do(a.Token, updateProfile, harness.Input(name, value))
	}
	for _, c := range []struct {
		what               string
		r                  harness.Reply
		path, code, params string
	}{
		{"short password", signUpWith("password", "x"), "input.password", "TOO_SHORT", "map[min:8]"},
		{"long password", signUpWith("password", strings.Repeat("x1", 129)), "input.password", "TOO_LONG", "map[max:256]"},
		{"common password", signUpWith("password", "Password123"), "input.password", "TOO_COMMON", "map[]"},
		{"short username", signUpWith("username", "ab"), "input.username", "TOO_SHORT", "map[min:3]"},
		{"long username", signUpWith("username", strings.Repeat("a", 31)), "input.username", "TOO_LONG", "map[max:30]"},
		{"long address", signUpWith("email", strings.Repeat("a", 250)+"@x.org"), "input.email", "TOO_LONG", "map[max:254]"},
		{"long local part", signUpWith("email", strings.Repeat("a", 65)+"@x.org"), "input.email", "TOO_LONG", "map[max:64]"},
		{"long key", signUpWith("idempotencyKey", strings.Repeat("k", 256)), "input.idempotencyKey", "INVALID", "map[max:255 min:1]"},
		{"taken username", signUpWith("username", a.Username), "input.username", "TAKEN", "map[]"},
		{"long display name", update("displayName", strings.Repeat("x", 101)), "input.displayName", "TOO_LONG", "map[max:100]"},
		{"long bio", update("bio", strings.Repeat("x", 1001)), "input.bio", "TOO_LONG", "map[max:1000]"},
		{"long location", update("location", strings.Repeat("x", 101)), "input.location", "TOO_LONG", "map[max:100]"},
		{"page size", s.Do("", `{ profiles(first: 101) { nodes { id } } }`, nil), "first", "OUT_OF_RANGE", "map[max:100 min:1]"},
		{"page size from the end", s.Do("", `{ profiles(last: 0) { nodes { id } } }`, nil), "last", "OUT_OF_RANGE", "map[max:100 min:1]"},
		{"many ids", s.Do("", `query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`, harness.Vars{"ids": strings.Split(strings.Repeat("x ", 101), " ")}), "ids", "TOO_MANY", "map[max:100]"},
		{"short new password", s.Do(a.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", "x")), "input.newPassword", "TOO_SHORT", "map[min:8]"},
		{"short new username", s.Do(a.Token, harness.ChangeUsername, harness.Input("username", "x")), "input.username", "TOO_SHORT", "map[min:3]"},
	} {
		expectParams(t, c.what, c.r, c.path, c.code, c.params)
	}
}

// If a limit is about one field of the input, RATE_LIMITED names the field, identically for an address with an account and
// one without. The limits of a client name no field.
func TestLimitsNameTheirField(t *testing.T) {
	t.Parallel()
	s := limited(t).Work()
	a := s.SignUp(nil)
	fill := func(bucket string) { // uses up the limit
		s.DB.Query(t, `UPDATE app.rate_limits SET hits = 2000000000 WHERE bucket LIKE $1 || ' %'`, bucket)
	}
	passwords := []string{harness.Password, harness.NewPassword}
	for _, c := range []struct {
		bucket, path string
		try          func(email string) harness.Reply
	}{
		{"guess", "input.password", func(email string) harness.Reply { return s.TrySignIn(email, "wrong password") }},
		{"strangers", "input.password", func(email string) harness.Reply { return guessFrom(s, "203.0.113.9", email, "wrong password") }},
		{"code", "input.code", func(email string) harness.Reply {
			return s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", "0000-0000"))
		}},
		{"code", "input.code", func(email string) harness.Reply {
			return s.Do("", harness.ResetPassword, harness.Input("email", email, "code", "0000-0000", "newPassword", harness.NewPassword))
		}},
		{"mail", "input.email", func(email string) harness.Reply { return s.Do("", harness.RequestReset, harness.Input("email", email)) }},
		{"mail", "input.email", func(email string) harness.Reply {
			return s.Do("", harness.RequestVerification, harness.Input("email", email))
		}},
		{"mail", "input.newEmail", func(string) harness.Reply {
			return s.Do(a.Token, harness.ChangeEmail, harness.Input("newEmail", "new@example.org"))
		}},
		{"ownGuess", "input.password", func(string) harness.Reply {
			return s.Do(a.Token, harness.Reauthenticate, harness.Input("password", "wrong password"))
		}},
		{"ownGuess", "input.password", func(string) harness.Reply {
			return s.Do(a.Token, harness.DeleteAccount, harness.Input("password", "wrong password"))
		}},
		{"ownGuess", "input.currentPassword", func(string) harness.Reply {
			return s.Do(a.Token, harness.ChangePassword, harness.Input("currentPassword", "wrong password", "newPassword", harness.NewPassword))
		}},
		{"changePassword", "input.newPassword", func(string) harness.Reply {
			r := s.Do(a.Token, harness.ChangePassword, harness.Input("currentPassword", passwords[0], "newPassword", passwords[1]))
			if len(r.Errors) == 0 {
				passwords[0], passwords[1] = passwords[1], passwords[0]
			}
			return r
		}},
		{"changeUsername", "input.username", func(string) harness.Reply {
			return s.Do(a.Token, harness.ChangeUsername, harness.Input("username", fmt.Sprint("name-", harness.Serial.Add(1))))
		}},
		{"signIn", "", func(email string) harness.Reply { return s.TrySignIn(email, "wrong password") }},
		{"signUp", "", func(string) harness.Reply { return s.Do("", harness.SignUpMutation, form("new", "x", "")) }},
		{"codeTry", "", func(email string) harness.Reply {
			return s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", "0000-0000"))
		}},
		{"codeRequest", "", func(email string) harness.Reply { return s.Do("", harness.RequestReset, harness.Input("email", email)) }},
	} {
		said := map[string]bool{}
		for _, email := range []string{a.Email, "nobody@example.org"} {
			limitsEnd(s)
			c.try(email)
			fill(c.bucket)
			r := c.try(email)
			if r.Code() != "RATE_LIMITED" {
				t.Errorf("%s of %s: %s", c.bucket, email, r.Body)
				continue
			}
			x := r.Errors[0].Extensions
			said[fmt.Sprint(r.Errors[0].Message, r.Fields())] = true
			if c.path == "" && len(x.Fields) > 0 || x.RetryAfter <= 0 {
				t.Errorf("%s of %s: %s", c.bucket, email, r.Body)
			}
			if c.path != "" {
				expectParams(t, c.bucket+" of "+email, r, c.path, "RATE_LIMITED", fmt.Sprintf("map[retryAfter:%d]", x.RetryAfter))
			}
		}
		if len(said) != 1 {
			t.Errorf("%s: an account and an unknown address get different replies: %v", c.bucket, said)
		}
	}
}
