package e2e

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
	"freehold.dev/freehold/fault"
)

func TestSignUpGivesUserProfileAndTokens(t *testing.T) {
	t.Parallel()
	s := startDear(t, "FREEHOLD_DEFAULT_VISIBILITY=MEMBERS")
	r := s.do("", `mutation ($input: SignUpInput!) { signUp(input: $input) {
			user { email emailVerified profile { username visibility displayName birthday phoneNumber avatarUrl user { email } } } tokens { expiresAt } } }`,
		vars{"input": vars{"email": "Ann.Lee@Example.ORG", "password": password, "username": "Ann_Lee", "profile": vars{
			"displayName": "Ann 👩‍🚀", "birthday": "1970-12-31", "phoneNumber": "+4930123456", "avatarUrl": "https://ann.example/a.png",
		}}})
	want := `{"signUp":{"user":{"email":"Ann.Lee@Example.ORG","emailVerified":false,"profile":{"username":"Ann_Lee","visibility":"MEMBERS","displayName":"Ann 👩‍🚀","birthday":"1970-12-31","phoneNumber":"+4930123456","avatarUrl":"https://ann.example/a.png","user":{"email":"Ann.Lee@Example.ORG"}}},"tokens":{"expiresAt":`
	if !strings.HasPrefix(string(r.Data), want) || len(r.Errors) > 0 {
		t.Errorf("got  %s\nwant %s", r.Body, want)
	}
	if half := s.db.Query(t, halfAccounts); len(half) > 0 {
		t.Errorf("half an account: %v", half)
	}
	if hash := s.db.Query(t, `SELECT password_hash FROM app.credentials`); !strings.HasPrefix(hash[0], "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the password is stored as %s", hash[0])
	}
}

// The viewer that a sign-up makes is known to its own payload only.
func TestSignUpMakesTheViewerOfItsPayloadOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	another := s.signUp(nil)
	r := s.do(another.Token, `mutation ($a: SignUpInput!) { signUp(input: $a) { user { email } } updateProfile(input: {bio: "mine"}) { profile { username } } }`,
		vars{"a": vars{"email": "new@example.org", "password": password, "username": "new"}})
	if want := `{"signUp":{"user":{"email":"new@example.org"}},"updateProfile":{"profile":{"username":"` + another.Username + `"}}}`; string(r.Data) != want {
		t.Errorf("got %s, want %s", r.Body, want)
	}
	r = s.do("", `mutation ($a: SignUpInput!) { signUp(input: $a) { user { email } } updateProfile(input: {bio: "x"}) { profile { id } } }`,
		vars{"a": vars{"email": "new2@example.org", "password": password, "username": "new2"}})
	if r.code() != "UNAUTHENTICATED" || !strings.Contains(r.Body, "new2@example.org") || !strings.Contains(r.Body, `"updateProfile":null`) {
		t.Errorf("got %s", r.Body)
	}
}

func TestSignUpTellsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.signUpAs("Ann", nil)
	input := func(email, password, username string, profile vars) vars {
		return vars{"email": email, "password": password, "username": username, "profile": profile}
	}
	for _, c := range []struct {
		name   string
		input  vars
		code   string
		fields string
	}{
		{"all", input("x", "short", "a b", vars{"displayName": strings.Repeat("x", 101), "phoneNumber": "123", "location": "a\u202eb"}), "BAD_USER_INPUT",
			"input.email INVALID, input.password TOO_SHORT, input.username INVALID_CHARACTER, input.profile.displayName TOO_LONG, input.profile.location INVALID_CHARACTER, input.profile.phoneNumber INVALID"},
		{"taken", input("ANN@example.ORG", password, "aNN", nil), "CONFLICT", "input.email TAKEN, input.username TAKEN"},
		{"taken and short", input("ann@EXAMPLE.org", "1234567", "new", nil), "BAD_USER_INPUT", "input.email TAKEN, input.password TOO_SHORT"},
		{"username taken", input("new@example.org", password, "ANN", nil), "CONFLICT", "input.username TAKEN"},
		{"common password", input("new@example.org", "Password123", "new", nil), "BAD_USER_INPUT", "input.password TOO_COMMON"},
		{"long password", input("new@example.org", strings.Repeat("ä1", 129), "new", nil), "BAD_USER_INPUT", "input.password TOO_LONG"},
		{"short username", input("new@example.org", password, "ab", nil), "BAD_USER_INPUT", "input.username TOO_SHORT"},
		{"long username", input("new@example.org", password, strings.Repeat("a", 31), nil), "BAD_USER_INPUT", "input.username TOO_LONG"},
		{"dotted username", input("new@example.org", password, "...", nil), "BAD_USER_INPUT", "input.username INVALID"},
		{"NUL", input("a\x00b@example.org", password, "a\x00bc", vars{"bio": "x\x00y"}), "BAD_USER_INPUT", "input.email INVALID, input.username INVALID_CHARACTER, input.profile.bio INVALID_CHARACTER"},
		{"bidi override", input("new@example.org", password, "ab\u202ec", nil), "BAD_USER_INPUT", "input.username INVALID_CHARACTER"},
		{"bidi isolate", input("new@example.org", password, "new", vars{"displayName": "a\u2066b"}), "BAD_USER_INPUT", "input.profile.displayName INVALID_CHARACTER"},
		{"replacement character", input("new@example.org", password, "new", vars{"displayName": "a\ufffdb"}), "BAD_USER_INPUT", "input.profile.displayName INVALID_CHARACTER"},
		{"Turkish and German letters", input("new@example.org", password, "İßaK", nil), "BAD_USER_INPUT", "input.username INVALID_CHARACTER"},
		{"two addresses", input("a@x.org,b@y.org", password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"quoted address", input(`"a b"@x.org`, password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"full-width at", input("a＠x.org@y.org", password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"line break in address", input("a@x.org\r\nBcc: b@y.org", password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"no domain", input("a@localhost", password, "new", nil), "BAD_USER_INPUT", "input.email INVALID"},
		{"long address", input(strings.Repeat("a", 65)+"@x.org", password, "new", nil), "BAD_USER_INPUT", "input.email TOO_LONG"},
		{"birthday to come", input("new@example.org", password, "new", vars{"birthday": "9999-12-31"}), "BAD_USER_INPUT", "input.profile.birthday IN_FUTURE"},
		{"no such day", input("new@example.org", password, "new", vars{"birthday": "2001-02-29"}), "BAD_USER_INPUT", "input.profile.birthday INVALID"},
		{"a script for a page", input("new@example.org", password, "new", vars{"websiteUrl": "javascript:alert(1)"}), "BAD_USER_INPUT", "input.profile.websiteUrl INVALID"},
		{"a page with a password", input("new@example.org", password, "new", vars{"websiteUrl": "https://a:b@c.example"}), "BAD_USER_INPUT", "input.profile.websiteUrl INVALID"},
		{"unknown, missing, wrong", vars{"mail": "x", "username": 5, "password": password, "profile": vars{"visibility": "public", "nick": 1}}, "BAD_USER_INPUT",
			"input.mail UNKNOWN_FIELD, input.email REQUIRED, input.username INVALID, input.profile.nick UNKNOWN_FIELD, input.profile.visibility INVALID"},
	} {
		r := s.do("", signUpMutation, vars{"input": c.input})
		if r.code() != c.code || strings.Join(r.fields(), ", ") != c.fields {
			t.Errorf("%s: got %s\nwant %s %s", c.name, r.Body, c.code, c.fields)
		}
		for _, secret := range []string{"short", "1234567", "Password123", password, "SQLSTATE", "pq:"} {
			if strings.Contains(r.Body, `"`+secret) || strings.Contains(r.Body, secret+`"`) {
				t.Errorf("%s: the answer repeats %q: %s", c.name, secret, r.Body)
			}
		}
	}
	if n := s.db.Query(t, `SELECT count(*) FROM app.users`); n[0] != "1" {
		t.Errorf("refused sign-ups left %s users", n[0])
	}
}

func TestUsernameAvailable(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.signUpAs("Ann", nil)
	for username, want := range map[string]string{"ann": "false", "ANN": "false", "ann2": "true", "a": "false", "a b c": "false", "": "false", "ann\u0000": "false"} {
		r := s.do("", `query ($u: String!) { usernameAvailable(username: $u) }`, vars{"u": username})
		if string(r.Data) != `{"usernameAvailable":`+want+`}` {
			t.Errorf("%q: %s, want %s", username, r.Body, want)
		}
	}
}

// R07: of 64 sign-ups at once for one username one wins; the losers leave nothing and are told which field to mend.
func TestRaceForAUsername(t *testing.T) {
	t.Parallel()
	s := start(t)
	var wg sync.WaitGroup
	replies := make([]reply, 64)
	for i := range replies {
		wg.Go(func() {
			username := "Winner"
			if i%2 == 0 {
				username = "wINNER"
			}
			replies[i] = s.do("", signUpMutation, vars{"input": vars{"email": fmt.Sprintf("racer-%d@example.org", i), "password": password, "username": username}})
		})
	}
	wg.Wait()
	won := 0
	for _, r := range replies {
		switch {
		case len(r.Errors) == 0:
			won++
		case r.code() != "CONFLICT" || fmt.Sprint(r.fields()) != "[input.username TAKEN]":
			t.Errorf("a loser was told %s", r.Body)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
	for _, table := range []string{"users", "user_private", "credentials", "sessions", "profiles", "profile_private"} {
		if n := s.db.Query(t, `SELECT count(*) FROM app.`+table); n[0] != "1" {
			t.Errorf("%s has %s rows", table, n[0])
		}
	}
}

// An adopter's hook runs in the transaction, as the new owner; its error undoes everything, and a fault of its own
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
	s := startWith(t, dbtest.New(t), bothWalls, app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}}})
	s.signUpAs("fine", nil)
	try := func(name string) reply {
		return s.do("", signUpMutation, vars{"input": vars{"email": name + "@example.org", "password": password, "username": name}})
	}
	if r := try("refused"); r.code() != "BAD_USER_INPUT" || !slices.Equal(r.fields(), []string{"input.username RESERVED"}) {
		t.Errorf("refused: %s", r.Body)
	}
	s.expectError("secret detail")
	if r := try("broken"); r.code() != "INTERNAL_SERVER_ERROR" || strings.Contains(r.Body, "secret detail") || r.Errors[0].Extensions.RequestID != r.Header.Get("X-Request-Id") {
		t.Errorf("broken: %s", r.Body)
	}
	if !strings.Contains(s.logs.String(), "secret detail") {
		t.Error("the internal error was not logged")
	}
	if n := s.db.Query(t, `SELECT count(*) FROM app.users`); n[0] != "1" || !slices.Equal(seen, []string{"fine", "refused", "broken"}) {
		t.Errorf("%s users after hooks for %v", n[0], seen)
	}
}
