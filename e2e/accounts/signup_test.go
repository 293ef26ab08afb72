package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
)

func TestSignUpGivesUserProfileAndTokens(t *testing.T) {
	t.Parallel()
	s := harness.Setup{FullCost: true, Settings: []string{"FREEHOLD_DEFAULT_VISIBILITY=MEMBERS"}}.Start(t)
	r := s.Do("", `mutation ($input: SignUpInput!) { signUp(input: $input) {
			user { email emailVerified profile { username visibility displayName birthday phoneNumber avatarUrl user { email } } } tokens { expiresAt } } }`,
		harness.Vars{"input": harness.Vars{"email": "Ann.Lee@Example.ORG", "password": harness.Password, "username": "Ann_Lee", "profile": harness.Vars{
			"displayName": "Ann 👩‍🚀", "birthday": "1970-12-31", "phoneNumber": "+4930123456", "avatarUrl": "https://ann.example/a.png",
		}}})
	want := `{"signUp":{"user":{"email":"Ann.Lee@Example.ORG","emailVerified":false,"profile":{"username":"Ann_Lee","visibility":"MEMBERS","displayName":"Ann 👩‍🚀","birthday":"1970-12-31","phoneNumber":"+4930123456","avatarUrl":"https://ann.example/a.png","user":{"email":"Ann.Lee@Example.ORG"}}},"tokens":{"expiresAt":`
	if !strings.HasPrefix(string(r.Data), want) || len(r.Errors) > 0 {
		t.Errorf("got  %s\nwant %s", r.Body, want)
	}
	if half := s.DB.Query(t, harness.HalfAccountsQuery); len(half) > 0 {
		t.Errorf("half an account: %v", half)
	}
	if hash := s.DB.Query(t, `SELECT password_hash FROM app.accounts`); !strings.HasPrefix(hash[0], "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the password is stored as %s", hash[0])
	}
}

// Only the payload of a sign-up has its new viewer.
func TestOnlyThePayloadOfASignUpHasItsViewer(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	another := s.SignUp(nil)
	r := s.Do(another.Token, `mutation ($a: SignUpInput!) { signUp(input: $a) { user { email } } updateProfile(input: {bio: "mine"}) { profile { username } } }`,
		harness.Vars{"a": harness.Vars{"email": "new@example.org", "password": harness.Password, "username": "new"}})
	if want := `{"signUp":{"user":{"email":"new@example.org"}},"updateProfile":{"profile":{"username":"` + another.Username + `"}}}`; string(r.Data) != want {
		t.Errorf("got %s, want %s", r.Body, want)
	}
	r = s.Do("", `mutation ($a: SignUpInput!) { signUp(input: $a) { user { email } } updateProfile(input: {bio: "x"}) { profile { id } } }`,
		harness.Vars{"a": harness.Vars{"email": "new2@example.org", "password": harness.Password, "username": "new2"}})
	if r.Code() != "UNAUTHENTICATED" || !strings.Contains(r.Body, "new2@example.org") || !strings.Contains(r.Body, `"updateProfile":null`) {
		t.Errorf("got %s", r.Body)
	}
}

func TestSignUpReportsAllErrorsTogether(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.SignUpAs("Ann", nil)
	input := func(email, password, username string, profile harness.Vars) harness.Vars {
		return harness.Vars{"email": email, "password": password, "username": username, "profile": profile}
	}
	for _, c := range []struct {
		name   string
		input  harness.Vars
		code   string
		fields string
	}{
		{"all", input("x", "short", "a b", harness.Vars{"displayName": strings.Repeat("x", 101), "phoneNumber": "123", "location": "a\u202eb"}), "BAD_USER_INPUT",
			"input.email INVALID, input.password TOO_SHORT, input.username INVALID_CHARACTER, input.profile.displayName TOO_LONG, input.profile.location INVALID_CHARACTER, input.profile.phoneNumber INVALID"},
		{"taken", input("ANN@example.ORG", harness.Password, "aNN", nil), "CONFLICT", "input.email TAKEN, input.username TAKEN"},
		{"taken and short", input("ann@EXAMPLE.org", "1234567", "new", nil), "BAD_USER_INPUT", "input.email TAKEN, input.password TOO_SHORT"},
		{"username taken", input("new@example.org", harness.Password, "ANN", nil), "CONFLICT", "input.username TAKEN"},
		{"common password", input("new@example.org", "Password123", "new", nil), "BAD_USER_INPUT", "input.password TOO_COMMON"},
		{"long password", input("new@example.org", strings.Repeat("ä1", 129), "new", nil), "BAD_USER_INPUT", "input.password TOO_LONG"},
		{"short username", input("new@example.org", harness.Password, "ab", nil), "BAD_USER_INPUT", "input.username TOO_SHORT"},
		{"long username", input("new@example.org", harness.Password, strings.Repeat("a", 31), nil), "BAD_USER_INPUT", "input.username TOO_LONG"},
		{"dotted username", input("new@example.org", harness.Password, "...", nil), "BAD_USER_INPUT", "input.username INVALID"},
		{"NUL", input("a\x00b@example.org", harness.Password, "a\x00bc", harness.Vars{"bio": "x\x00y"}), "BAD_USER_INPUT", "input.email INVALID, input.username INVALID_CHARACTER, input.profile.bio INVALID_CHARACTER"},
		{"bidi override", input("new@example.org", harness.Password, "ab\u202ec", nil), "BAD_USER_INPUT", "input.username INVALID_CHARACTER"},
		{"bidi isolate", input("new@example.org", harness.Password, "new", harness.Vars{"displayName": "a\u2066b"}), "BAD_USER_INPUT", "input.profile.displayName INVALID_CHARACTER"},
		{"replacement character", input("new@example.org", harness.Password, "new", harness.Vars{"displayName": "a\ufffdb"}), "BAD_USER_INPUT", "input.profile.displayName INVALID_CHARACTER"},
		{"Turkish and German letters", input("new@example.org", harness.Password, "İßaK", nil), "BAD_USER_INPUT", "input.username INVALID_CHARACTER"},
		{"two addresses", input("a@x.org,b@y.org", harness.Password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"quoted address", input(`"a b"@x.org`, harness.Password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"full-width at", input("a＠x.org@y.org", harness.Password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"line break in address", input("a@x.org\r\nBcc: b@y.org", harness.Password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"no domain", input("a@localhost", harness.Password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"long address", input(strings.Repeat("a", 65)+"@x.org", harness.Password, "new", nil), "BAD_USER_INPUT", "input.email TOO_LONG"},
		{"birthday to come", input("new@example.org", harness.Password, "new", harness.Vars{"birthday": "9999-12-31"}), "BAD_USER_INPUT", "input.profile.birthday IN_FUTURE"},
		{"no such day", input("new@example.org", harness.Password, "new", harness.Vars{"birthday": "2001-02-29"}), "BAD_USER_INPUT", "input.profile.birthday INVALID"},
		{"a script for a page", input("new@example.org", harness.Password, "new", harness.Vars{"websiteUrl": "javascript:alert(1)"}), "BAD_USER_INPUT", "input.profile.websiteUrl INVALID"},
		{"a page with a password", input("new@example.org", harness.Password, "new", harness.Vars{"websiteUrl": "https://a:b@c.example"}), "BAD_USER_INPUT", "input.profile.websiteUrl INVALID"},
		{"unknown, missing, wrong", harness.Vars{"mail": "x", "username": 5, "password": harness.Password, "profile": harness.Vars{"visibility": "public", "nick": 1}}, "BAD_USER_INPUT",
			"input.mail UNKNOWN_FIELD, input.email REQUIRED, input.username INVALID, input.profile.nick UNKNOWN_FIELD, input.profile.visibility INVALID"},
	} {
		r := s.Do("", harness.SignUpMutation, harness.Vars{"input": c.input})
		if r.Code() != c.code || strings.Join(r.Fields(), ", ") != c.fields {
			t.Errorf("%s: got %s\nwant %s %s", c.name, r.Body, c.code, c.fields)
		}
		for _, secret := range []string{"short", "1234567", "Password123", harness.Password, "SQLSTATE", "pq:"} {
			if strings.Contains(r.Body, `"`+secret) || strings.Contains(r.Body, secret+`"`) {
				t.Errorf("%s: the answer repeats %q: %s", c.name, secret, r.Body)
			}
		}
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.users`); n[0] != "1" {
		t.Errorf("refused sign-ups left %s users", n[0])
	}
}

func TestUsernameAvailable(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.SignUpAs("Ann", nil)
	for username, want := range map[string]string{"ann": "false", "ANN": "false", "ann2": "true", "a": "false", "a b c": "false", "": "false", "ann\u0000": "false"} {
		r := s.Do("", `query ($u: String!) { usernameAvailable(username: $u) }`, harness.Vars{"u": username})
		if string(r.Data) != `{"usernameAvailable":`+want+`}` {
			t.Errorf("%q: %s, want %s", username, r.Body, want)
		}
	}
}

// R07: of 64 sign-ups at once with one username, one wins. The others write nothing, and their error names the field.
func TestRaceForAUsername(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	var wg sync.WaitGroup
	replies := make([]harness.Reply, 64)
	for i := range replies {
		wg.Go(func() {
			username := "Winner"
			if i%2 == 0 {
				username = "wINNER"
			}
			replies[i] = s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": fmt.Sprintf("racer-%d@example.org", i), "password": harness.Password, "username": username}})
		})
	}
	wg.Wait()
	won := 0
	for _, r := range replies {
		switch {
		case len(r.Errors) == 0:
			won++
		case r.Code() != "CONFLICT" || fmt.Sprint(r.Fields()) != "[input.username TAKEN]":
			t.Errorf("a losing sign-up got %s", r.Body)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
	for _, table := range []string{"users", "user_private", "credentials", "sessions", "profiles", "profile_private"} {
		if n := s.DB.Query(t, `SELECT count(*) FROM app.`+table); n[0] != "1" {
			t.Errorf("%s has %s rows", table, n[0])
		}
	}
}

// An adopter's hook runs in the transaction, as the new owner. Its error rolls back everything, and an error about the input
// reaches the client.
func TestHookAfterSignUp(t *testing.T) {
	t.Parallel()
	var seen []string
	hook := func(ctx context.Context, tx *db.Tx, p *db.Profile) error {
		if p.UserID != tx.Viewer.UserID {
			t.Errorf("the hook runs as %v for %v", tx.Viewer.UserID, p.UserID)
		}
		var own int
		if err := tx.Get(ctx, &own, `SELECT count(*) FROM app.user_private`); err != nil || own != 1 {
			t.Errorf("the hook sees %d private rows: %v", own, err)
		}
		seen = append(seen, p.Username)
		switch p.Username {
		case "refused":
			return fault.Input("input.username", "RESERVED", "This username is reserved.")
		case "broken":
			return errors.New("secret detail")
		}
		return nil
	}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}}})
	s.SignUpAs("fine", nil)
	try := func(name string) harness.Reply {
		return s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": name + "@example.org", "password": harness.Password, "username": name}})
	}
	if r := try("refused"); r.Code() != "BAD_USER_INPUT" || !slices.Equal(r.Fields(), []string{"input.username RESERVED"}) {
		t.Errorf("refused: %s", r.Body)
	}
	s.ExpectError("secret detail")
	if r := try("broken"); r.Code() != "INTERNAL_SERVER_ERROR" || strings.Contains(r.Body, "secret detail") || r.Errors[0].Extensions.RequestID != r.Header.Get("X-Request-Id") {
		t.Errorf("broken: %s", r.Body)
	}
	if !strings.Contains(s.Logs.String(), "secret detail") {
		t.Error("the internal error was not logged")
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.users`); n[0] != "1" || !slices.Equal(seen, []string{"fine", "refused", "broken"}) {
		t.Errorf("%s users after hooks for %v", n[0], seen)
	}
}
