package sessions

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// S04: a token of an ended session starts nothing: no mutation for members writes a row, counts towards a limit, or looks at
// its input first. The same holds for a document that begins with a public mutation, where the session is checked first.
func TestEndedSessionStartsNothing(t *testing.T) {
	t.Parallel()
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{}, "FREEHOLD_RATE_LIMIT=on")
	mutations := map[string]string{
		"updateProfile":       `updateProfile(input: {bio: "Mallory"}) { __typename }`,
		"revokeSession":       `revokeSession(input: {id: "SESSION"}) { __typename }`,
		"revokeOtherSessions": `revokeOtherSessions { __typename }`,
		"reauthenticate":      `reauthenticate(input: {password: "` + harness.Password + `"}) { __typename }`,
		"changePassword":      `changePassword(input: {currentPassword: "` + harness.Password + `", newPassword: "` + harness.NewPassword + `"}) { __typename }`,
		"changeEmail":         `changeEmail(input: {newEmail: "new@example.org"}) { __typename }`,
		"changeUsername":      `changeUsername(input: {username: "new-one"}) { __typename }`,
		"startOAuthLink":      `startOAuthLink(input: {provider: "x", redirectTo: "https://x.example"}) { __typename }`,
		"finishOAuthLink":     `finishOAuthLink(input: {continuationToken: "x", code: "x", state: "x"}) { __typename }`,
		"setPassword":         `setPassword(input: {newPassword: "` + harness.NewPassword + `"}) { __typename }`,
		"enableSignInCodes":   `enableSignInCodes { __typename }`,
		"upgradeAccount":      `upgradeAccount(input: {email: "new@example.org", password: "` + harness.NewPassword + `"}) { __typename }`,

		"startOAuthReauthentication":    `startOAuthReauthentication(input: {provider: "x", redirectTo: "https://x.example"}) { __typename }`,
		"finishOAuthReauthentication":   `finishOAuthReauthentication(input: {continuationToken: "x", code: "x", state: "x"}) { __typename }`,
		"startPasskeyRegistration":      `startPasskeyRegistration { __typename }`,
		"finishPasskeyRegistration":     `finishPasskeyRegistration(input: {continuationToken: "x", credential: {}}) { __typename }`,
		"startPasskeyReauthentication":  `startPasskeyReauthentication { __typename }`,
		"finishPasskeyReauthentication": `finishPasskeyReauthentication(input: {continuationToken: "x", credential: {}}) { __typename }`,
		"reauthenticateWithCode":        `reauthenticateWithCode(input: {code: "x"}) { __typename }`,

		"startTotp":           `startTotp { __typename }`,
		"finishTotp":          `finishTotp(input: {continuationToken: "x", code: "123456"}) { __typename }`,
		"createRecoveryCodes": `createRecoveryCodes { __typename }`,
		"deleteAccount":       `deleteAccount(input: {password: "` + harness.Password + `"}) { __typename }`,

		"renameCredential": `renameCredential(input: {id: "SESSION", name: "x"}) { __typename }`,
		"removeCredential": `removeCredential(input: {id: "SESSION"}) { __typename }`,

		"disableAccount":        `disableAccount(input: {id: "SESSION"}) { __typename }`,
		"enableAccount":         `enableAccount(input: {id: "SESSION"}) { __typename }`,
		"revokeAccountSessions": `revokeAccountSessions(input: {id: "SESSION"}) { __typename }`,
		"startPasswordReset":    `startPasswordReset(input: {id: "SESSION"}) { __typename }`,
	}
	for _, f := range harness.Program.Schema().Mutation.Fields {
		if !harness.PublicMutations(harness.Program.Schema())[f.Name] && mutations[f.Name] == "" {
			t.Errorf("add the mutation %s, which is for members, to the table", f.Name)
		}
	}
	faulty := []string{
		`updateProfile(input: {phoneNumber: "12"}) { __typename }`, `changeUsername(input: {username: "a b"}) { __typename }`,
		`changePassword(input: {currentPassword: "wrong", newPassword: "x"}) { __typename }`,
	}
	for reason, end := range map[string]string{
		"revoked": `UPDATE app.sessions SET revoked_at = now() WHERE user_id = $1`,
		"expired": `UPDATE app.sessions SET idle_expires_at = now() WHERE user_id = $1`,
		"invalid": `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $1`,
	} {
		a := s.SignUp(nil)
		session := s.DB.Query(t, `SELECT id FROM app.sessions WHERE user_id = $1`, a.UserID)[0]
		s.DB.Query(t, `SELECT app.grant_scope($1, scope, 'a test') FROM unnest('{accounts:disable,sessions:revoke,passwords:reset}'::text[]) scope`, a.UserID)
		a.Token = s.SignIn(a.Email)
		s.DB.Query(t, end, a.UserID)
		before := s.AllRows()
		for _, mutation := range append(slices.Sorted(maps.Values(mutations)), faulty...) {
			mutation = strings.Replace(mutation, "SESSION", session, 1)
			for _, document := range []string{
				`mutation { it: ` + mutation + ` }`, `mutation { one: updateProfile(input: {}) { __typename } it: ` + mutation + ` }`,
				`mutation { ...F } fragment F on Mutation { it: ` + mutation + ` }`,
			} {
				r := s.Do(a.Token, document, nil)
				if len(r.Errors) == 0 || r.Header.Get("WWW-Authenticate") == "" {
					t.Fatalf("%s: %s: %s %v", reason, document, r.Body, r.Header)
				}
				for _, e := range r.Errors {
					if e.Extensions.Code != "UNAUTHENTICATED" || e.Extensions.Reason != reason {
						t.Errorf("%s: %s: %s", reason, document, r.Body)
					}
				}
			}
		}
		if diff := cmp.Diff(before, s.AllRows()); diff != "" {
			t.Errorf("%s: something was written (-before +after):\n%s", reason, diff)
		}
	}
}

// S04: a token of an ended session reads what everyone may read, whatever else its document selects first, and the reply says
// that the token is invalid.
func TestEndedSessionReadsAnonymously(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, public, members := s.SignUp(nil), s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(harness.Vars{"visibility": "MEMBERS"})
	s.DB.Query(t, `UPDATE app.sessions SET revoked_at = now() WHERE user_id = $1`, a.UserID)
	for _, c := range []struct{ fields, data, code string }{
		{`__typename`, `{"__typename":"Query"}`, ""},
		{`usernameAvailable(username: "` + a.Username + `")`, `{"usernameAvailable":false}`, ""},
		{`me { id }`, `{"me":null}`, "UNAUTHENTICATED"},
		{`profile(username: "` + a.Username + `") { bio }`, `{"profile":null}`, ""},
		{`profile(username: "` + members.Username + `") { bio }`, `{"profile":null}`, ""},
		{`profile(username: "` + public.Username + `") { username birthday }`, `{"profile":{"username":"` + public.Username + `","birthday":null}}`, "UNAUTHENTICATED"},
		{`profiles { nodes { username } }`, `{"profiles":{"nodes":[{"username":"` + public.Username + `"}]}}`, ""},
		{`node(id: "` + a.UserID + `") { id }`, `{"node":null}`, ""},
	} {
		r := s.Do(a.Token, `{ `+c.fields+` }`, nil)
		if string(r.Data) != c.data || r.Code() != c.code || r.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %s %v", c.fields, r.Body, r.Header)
		}
		for _, e := range r.Errors {
			if e.Extensions.Reason != "revoked" {
				t.Errorf("%s: %s", c.fields, r.Body)
			}
		}
	}
}
