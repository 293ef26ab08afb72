package operators

import (
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

const find = `query ($f: AccountFilter) { accounts(filter: $f) { nodes { id } } }`

// Access tokens contain the scopes of an account from its next sign-in or refresh on, also in cookies. Those of other users have no such
// claim.
func TestScopesAreInTokens(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	if claims := harness.DecodeClaims(t, a.Token); claims["scope"] != nil {
		t.Errorf("the scopes of an ordinary user: %v", claims)
	}
	if r := s.Do(a.Token, find, nil); r.Code() != "FORBIDDEN" {
		t.Errorf("accounts for an ordinary user: %s", r.Body)
	}
	if r := s.Do("", find, nil); r.Code() != "UNAUTHENTICATED" {
		t.Errorf("accounts for an anonymous viewer: %s", r.Body)
	}
	grant(s, a, "sessions:revoke", "accounts:read")
	if r := s.Do(a.Token, find, nil); r.Code() != "FORBIDDEN" {
		t.Errorf("accounts with a token from before the grant: %s", r.Body)
	}
	refreshed, _, _ := s.Refresh(a.Refresh)
	browser := &harness.Browser{Service: s}
	browser.SignIn(a.Email)
	for way, token := range map[string]string{"a refresh": refreshed, "a sign-in": s.SignIn(a.Email), "a cookie": browser.Access} {
		if scope := harness.DecodeClaims(t, token)["scope"]; scope != "accounts:read sessions:revoke" {
			t.Errorf("the scopes of a token from %s: %v", way, scope)
		}
		if r := s.Do(token, find, nil); !strings.Contains(r.Body, a.UserID) {
			t.Errorf("accounts with a token from %s: %s", way, r.Body)
		}
	}
	if r := browser.Do(find, nil); !strings.Contains(r.Body, a.UserID) {
		t.Errorf("accounts in a browser: %s", r.Body)
	}
}

// A scope that was revoked is refused immediately, although the token still contains it: by the rules alone, and by the database alone.
func TestRevokedScopeIsRefused(t *testing.T) {
	t.Parallel()
	for _, layers := range []harness.Layers{harness.BothLayers, harness.RulesAlone, harness.PoliciesAlone} {
		t.Run(layers.String(), func(t *testing.T) {
			t.Parallel()
			s, admin := start(t, layers)
			operator(s, all...) // another one, so that the last operator keeps its scope
			a, victim := operator(s, all...), s.SignUp(nil)
			read := func() harness.Reply { return s.Do(a.Token, find, harness.Vars{"f": harness.Vars{"id": victim.UserID}}) }
			if r := read(); !strings.Contains(r.Body, victim.UserID) {
				t.Fatalf("before: %s", r.Body)
			}
			admin(append([]string{"revoke", a.Username}, all...)...)
			if scope := harness.DecodeClaims(t, a.Token)["scope"]; scope != strings.Join(sorted(all), " ") {
				t.Errorf("the token claims %v", scope)
			}
			if r := read(); strings.Contains(r.Body, victim.UserID) || layers != harness.PoliciesAlone && r.Code() != "FORBIDDEN" {
				t.Errorf("accounts: %s", r.Body)
			}
			for scope, mutations := range actions {
				for _, mutation := range mutations {
					if r := on(s, a, mutation, victim); r.Code() != "FORBIDDEN" {
						t.Errorf("a mutation that requires %s: %s", scope, r.Body)
					}
				}
			}
			s.ExpectMember(a.Token, a.Email)
			s.ExpectMember(victim.Token, victim.Email)
		})
	}
}

func sorted(list []string) []string {
	return slices.Sorted(slices.Values(list))
}

// Each scope permits what it names, and nothing else.
func TestScopesPermitWhatTheyName(t *testing.T) {
	t.Parallel()
	for _, layers := range []harness.Layers{harness.RulesAlone, harness.PoliciesAlone} {
		t.Run(layers.String(), func(t *testing.T) {
			t.Parallel()
			s := harness.StartWith(t, dbtest.New(t), layers, app.Options{})
			victim := s.SignUp(nil)
			for _, scope := range all {
				by := operator(s, scope)
				if r := s.Do(by.Token, find, nil); strings.Contains(r.Body, victim.UserID) != (scope == "accounts:read") {
					t.Errorf("accounts with %s: %s", scope, r.Body)
				}
				for needed, mutations := range actions {
					for _, mutation := range mutations {
						r := on(s, by, mutation, victim)
						if scope != needed && (r.Code() != "FORBIDDEN" || strings.Contains(r.Body, `"success":true`)) || scope == needed && !strings.Contains(r.Body, `"success":true`) {
							t.Errorf("with %s, %s: %s", scope, mutation, r.Body)
						}
						if strings.Contains(r.Body, victim.Username) {
							t.Errorf("with %s, an operator reads an account: %s", scope, r.Body)
						}
					}
				}
			}
		})
	}
}

// An operator who may disable accounts, but not read them, does not get it.
func TestPayloadNeedsAScopeOfItsOwn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	by, victim := operator(s, "accounts:disable"), s.SignUp(nil)
	r := on(s, by, disable, victim)
	if string(r.Data) != `{"disableAccount":{"success":true,"account":null}}` || r.Code() != "FORBIDDEN" {
		t.Errorf("the payload: %s", r.Body)
	}
	grant(s, by, "accounts:read")
	by.Token = s.SignIn(by.Email)
	if r := must(s, by, enable, victim); string(r.Data) != `{"enableAccount":{"success":true,"account":{"username":"`+victim.Username+`","state":"ACTIVE"}}}` {
		t.Errorf("the payload: %s", r.Body)
	}
}
