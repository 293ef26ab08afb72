package operators

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
)

// Each action of an operator, and of the command line, is an event that the owner of the account reads. It names the operator, but not
// the operator's client.
func TestActionsAreEvents(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers)
	by := operator(s, all...)
	ran := map[string]bool{"find": true, "show": true, "grants": true, "delete": true} // the first three only read; TestDelete
	for _, c := range []struct {
		kind, mutation string
		command        []string // followed by the username, unless it is {user} in it
		undo           string   // a mutation that lets the owner sign in again
	}{
		{"ACCOUNT_DISABLED", disable, []string{"disable"}, enable},
		{"ACCOUNT_ENABLED", enable, []string{"enable"}, ""},
		{"SESSIONS_REVOKED", endSessions, []string{"revoke-sessions"}, ""},
		{"PASSWORD_RESET_STARTED", startReset, []string{"reset-password"}, ""},
		{"SCOPE_GRANTED", "", []string{"grant", "{user}", "sessions:revoke"}, ""},
		{"SCOPE_REVOKED", "", []string{"revoke", "{user}", "sessions:revoke"}, ""},
		{"SECOND_FACTOR_REMOVED", "", []string{"remove-second-factor"}, ""},
		{"EMAIL_CHANGE_STARTED", "", []string{"change-email", "{user}", "new@example.org"}, ""},
		{"VERIFICATION_SENT", "", []string{"resend-verification"}, ""},
		{"MAIL_RETRIED", "", []string{"mails", "retry", "{mail}"}, ""},
		{"MAIL_DROPPED", "", []string{"mails", "drop", "{mail}"}, ""},
		{"DATA_EXPORTED", "", []string{"export"}, ""},
	} {
		ran[c.command[0]] = true
		for _, who := range []string{by.Username, "the command line"} {
			a := s.SignUp(nil)
			switch c.kind {
			case "ACCOUNT_ENABLED":
				s.DB.Query(t, `SELECT app.set_disabled($1, true, NULL)`, a.UserID)
			case "SCOPE_REVOKED":
				grant(s, a, "sessions:revoke")
			case "SECOND_FACTOR_REMOVED":
				s.DB.Query(t, `INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1, 'TOTP', 'x')`, a.UserID)
			}
			switch {
			case who == "the command line":
				admin(argumentsFor(s, a, c.command)...)
			case c.mutation == "":
				continue // only the command line grants scopes
			default:
				must(s, by, c.mutation, a)
			}
			if c.undo != "" {
				must(s, by, c.undo, a)
			}
			found := false
			for _, e := range events(s, s.SignIn(a.Email)) {
				if e.Kind == c.kind {
					found = true
					if e != (event{Kind: c.kind, By: who}) {
						t.Errorf("%s by %s: %+v", c.kind, who, e)
					}
				} else if e.By == "" && e.IP == "" {
					t.Errorf("an event of the owner lost its client: %+v", e)
				}
			}
			if !found {
				t.Errorf("%s by %s: the owner reads no such event", c.kind, who)
			}
		}
	}
	output, _ := freehold(s, nil, "admin")
	for _, line := range regexp.MustCompile(`freehold admin ([a-z-]+)`).FindAllStringSubmatch(output, -1) {
		if !ran[line[1]] {
			t.Errorf("no event of `freehold admin %s` is read here", line[1])
		}
	}
}

// argumentsFor returns the arguments of a command about an account, which has a parked mail.
func argumentsFor(s *harness.Service, a harness.Account, command []string) (args []string) {
	s.T.Helper()
	text := strings.Join(command, " ")
	if !strings.Contains(text, "{") {
		text += " {user}"
	}
	if strings.Contains(text, "{mail}") {
		text = strings.ReplaceAll(text, "{mail}", park(s, a, "password_changed"))
	}
	return strings.Fields(strings.ReplaceAll(text, "{user}", a.Username))
}

// Actions that change nothing are no events.
func TestRepeatedActionsChangeNothing(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	by, a := operator(s, all...), s.SignUp(nil)
	must(s, by, enable, a)
	must(s, by, disable, a)
	before := s.DB.Query(t, `SELECT disabled_at FROM app.accounts WHERE user_id = $1`, a.UserID)
	if r := must(s, by, disable, a); !strings.Contains(r.Body, `"state":"DISABLED"`) {
		t.Errorf("disabled again: %s", r.Body)
	}
	if after := s.DB.Query(t, `SELECT disabled_at FROM app.accounts WHERE user_id = $1`, a.UserID); after[0] != before[0] {
		t.Errorf("disabled at %s, then at %s", before, after)
	}
	if r := must(s, by, endSessions, a); !strings.Contains(r.Body, `"count":0`) {
		t.Errorf("sessions of a disabled account: %s", r.Body)
	}
	must(s, by, enable, a)
	var kinds []string
	for _, e := range events(s, s.SignIn(a.Email)) {
		kinds = append(kinds, e.Kind)
	}
	if d := cmp.Diff([]string{"SIGNED_IN", "ACCOUNT_ENABLED", "ACCOUNT_DISABLED", "SIGNED_UP"}, kinds); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

// An id that no account has is NOT_FOUND, as is one that is malformed.
func TestActionsOnUnknownAccounts(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	by := operator(s, all...)
	for _, mutations := range actions {
		for _, mutation := range mutations {
			for _, id := range []string{uuid.NewString(), by.ProfileID, "x", "", uuid.Nil.String()} {
				before := s.AllRows()
				if r := s.Do(by.Token, mutation, harness.Input("id", id)); r.Code() != "NOT_FOUND" {
					t.Errorf("%s with the id %q: %s", mutation, id, r.Body)
				}
				if d := cmp.Diff(before, s.AllRows()); d != "" {
					t.Errorf("%s with the id %q wrote something:\n%s", mutation, id, d)
				}
			}
		}
	}
}

// Operators must have entered their password recently, as for other sensitive actions.
func TestActionsAskForThePassword(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	by, a := operator(s, all...), s.SignUp(nil)
	s.AgeAuthentication(by)
	for _, mutations := range actions {
		for _, mutation := range mutations {
			if r := on(s, by, mutation, a); r.Code() != "REAUTH_REQUIRED" {
				t.Errorf("%s: %s", mutation, r.Body)
			}
		}
	}
	if r := s.Do(by.Token, find, nil); len(r.Errors) > 0 {
		t.Errorf("reading accounts: %s", r.Body)
	}
	s.Must(by.Token, harness.Reauthenticate, harness.Input("password", harness.Password))
	must(s, by, disable, a)
}

// The code that an operator sends sets a new password. Until then, the old one works.
func TestStartPasswordReset(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_LIMIT_MAIL_TOTAL=2/1h").Work()
	by, a := operator(s, all...), s.SignUp(nil)
	must(s, by, startReset, a)
	s.SignIn(a.Email)
	m := s.MailTo(a.Email, "reset_password", 1)
	if !strings.Contains(m.Text, "An operator of 127.0.0.1 requested a new password") {
		t.Errorf("the mail: %s", m.Text)
	}
	s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", harness.CodeInText.FindString(m.Text), "newPassword", harness.NewPassword))
	if r := s.TrySignIn(a.Email, harness.NewPassword); len(r.Errors) > 0 {
		t.Errorf("the new password: %s", r.Body)
	}
	must(s, by, startReset, a)
	if r := on(s, by, startReset, a); r.Code() != "RATE_LIMITED" || fmt.Sprint(r.Fields()) != "[input.id RATE_LIMITED]" {
		t.Errorf("too many codes: %s", r.Body)
	}
	s.Must("", harness.RequestReset, harness.Input("email", a.Email)) // the owner can get one still

	must(s, by, disable, a)
	s.ExpectFault("a disabled account", on(s, by, startReset, a), "input.id DISABLED")
}

func TestPendingAccountGetsNoPassword(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	by := operator(s, all...)
	strict := harness.StartWith(t, s.DB, harness.BothLayers, app.Options{}, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	strict.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "p@example.org", "password": harness.Password, "username": "pending"}})
	pending := harness.Account{UserID: s.DB.Query(t, `SELECT user_id FROM app.profiles WHERE username = 'pending'`)[0]}
	s.ExpectFault("a pending account", on(s, by, startReset, pending), "input.id PENDING")
	if output, ok := freehold(s, nil, "admin", "grant", "pending", "accounts:read"); ok || !strings.Contains(output, "is pending") {
		t.Errorf("a scope for a pending account: %s", output)
	}
	r := s.Must(by.Token, `{ accounts(filter: {state: PENDING}) { nodes { username state emailVerified } } }`, nil)
	if string(r.Data) != `{"accounts":{"nodes":[{"username":"pending","state":"PENDING","emailVerified":false}]}}` {
		t.Errorf("pending accounts: %s", r.Body)
	}
}

// An operator's account is an ordinary account in everything that no scope names.
func TestOperatorIsOrdinaryOtherwise(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	by := operator(s, all...)
	private, public := s.SignUp(nil), s.SignUp(harness.Vars{"visibility": "PUBLIC", "phoneNumber": harness.CanaryPhone, "birthday": harness.CanaryBirthday})
	session := s.DB.Query(t, `SELECT id FROM app.sessions WHERE user_id = $1`, public.UserID)[0]
	node := func(id, fields string) string { return fmt.Sprintf(`{ node(id: %q) { ... %s } }`, id, fields) }
	for _, c := range []struct{ attempt, query, code, data string }{
		{"edit a profile", fmt.Sprintf(`mutation { updateProfile(input: {id: %q, bio: "x"}) { profile { id } } }`, public.ProfileID), "FORBIDDEN", `{"updateProfile":null}`},
		{"edit a hidden profile", fmt.Sprintf(`mutation { updateProfile(input: {id: %q, bio: "x"}) { profile { id } } }`, private.ProfileID), "NOT_FOUND", `{"updateProfile":null}`},
		{"read an address", node(public.UserID, `on User { email }`), "FORBIDDEN", `{"node":{"email":null}}`},
		{"read sessions", node(public.UserID, `on User { sessions { nodes { id } } }`), "FORBIDDEN", `{"node":{"sessions":null}}`},
		{"read events", node(public.UserID, `on User { securityEvents { nodes { id } } }`), "FORBIDDEN", `{"node":{"securityEvents":null}}`},
		{"read private values", node(public.ProfileID, `on Profile { phoneNumber birthday }`), "FORBIDDEN FORBIDDEN", `{"node":{"phoneNumber":null,"birthday":null}}`},
		{"read a hidden profile", node(private.ProfileID, `on Profile { username }`), "", `{"node":null}`},
		{"read a session", node(session, `on Session { id }`), "", `{"node":null}`},
		{"revoke one session", fmt.Sprintf(`mutation { revokeSession(input: {id: %q}) { revokedSessionId } }`, session), "NOT_FOUND", `{"revokeSession":null}`},
		{"grant itself a scope", `mutation { grantScope(input: {scope: "x"}) { success } }`, "GRAPHQL_VALIDATION_FAILED", ``},
		{"count hidden profiles", `{ profiles { nodes { username } } }`, "", fmt.Sprintf(`{"profiles":{"nodes":[{"username":%q},{"username":%q}]}}`, public.Username, by.Username)},
	} {
		if r := s.Do(by.Token, c.query, nil); r.Code() != c.code || string(r.Data) != c.data {
			t.Errorf("%s: %s", c.attempt, r.Body)
		}
	}
}

// The last operator cannot be disabled, deleted or lose its scope, on any way.
func TestLastOperator(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	last := operator(s, all...)
	operator(s, "accounts:read", "sessions:revoke", "passwords:reset") // which cannot enable accounts
	expect := func() {
		t.Helper()
		s.ExpectFault("disabled by themselves", on(s, last, disable, last), "input.id LAST_OPERATOR")
		if r := s.Do(last.Token, harness.DeleteAccount, harness.Input("password", harness.Password)); r.Code() != "FORBIDDEN" || !strings.Contains(r.Body, "is the last operator") {
			t.Errorf("deleted: %s", r.Body)
		}
		for _, args := range [][]string{{"disable", last.Username}, {"revoke", last.Username, "accounts:disable"}, {"revoke", last.Username, "accounts:read", "accounts:disable"}} {
			if output, ok := freehold(s, nil, append([]string{"admin"}, args...)...); ok || output != "freehold: This account is the last operator. Grant another account the scope `accounts:disable` first.\n" {
				t.Errorf("%v: %v, %s", args, ok, output)
			}
		}
		s.ExpectMember(last.Token, last.Email)
		if r := s.Do(last.Token, find, nil); len(r.Errors) > 0 {
			t.Errorf("the last operator lost a scope: %s", r.Body)
		}
	}
	expect()
	second := operator(s, "accounts:disable")
	must(s, last, disable, second)
	expect()
	must(s, last, enable, second)
	second.Token = s.SignIn(second.Email)
	s.Must(last.Token, harness.DeleteAccount, harness.Input("password", harness.Password))
	if r := s.Do(second.Token, harness.DeleteAccount, harness.Input("password", harness.Password)); r.Code() != "FORBIDDEN" {
		t.Errorf("the one that is last now: %s", r.Body)
	}
}

// Of operators who disable each other, or delete their accounts, at the same time, one stays.
func TestOperatorsWhoRemoveEachOther(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for range 5 {
		a, b := operator(s, all...), operator(s, all...)
		var wg sync.WaitGroup
		for _, c := range []struct {
			by    harness.Account
			query string
			input harness.Vars
		}{
			{a, disable, harness.Input("id", b.UserID)}, {b, disable, harness.Input("id", a.UserID)},
			{a, harness.DeleteAccount, harness.Input("password", harness.Password)}, {b, harness.DeleteAccount, harness.Input("password", harness.Password)},
		} {
			wg.Go(func() {
				if _, err := s.TryDo(c.by.Token, c.query, c.input); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		left := s.DB.Query(t, `SELECT g.user_id FROM app.scope_grants g WHERE g.scope = 'accounts:disable' AND NOT app.is_disabled(g.user_id)`)
		if len(left) != 1 {
			t.Fatalf("%d operators are left", len(left))
		}
		s.DB.Query(t, `DELETE FROM app.users WHERE id IN (SELECT user_id FROM app.scope_grants)`)
	}
}
