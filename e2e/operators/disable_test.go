package operators

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// The rows of an account that was just disabled are hidden from every other viewer, and from its owner, on every path: with both layers,
// with rules alone and with policies alone. They come back as they were.
func TestDisabledAccountIsHidden(t *testing.T) {
	t.Parallel()
	for _, layers := range []harness.Layers{harness.BothLayers, harness.RulesAlone, harness.PoliciesAlone} {
		t.Run(layers.String(), func(t *testing.T) {
			t.Parallel()
			s := harness.StartWith(t, dbtest.New(t), layers, app.Options{})
			operators, other := operator(s, all...), s.SignUp(nil)
			for _, visibility := range []string{"PUBLIC", "MEMBERS", "PRIVATE"} {
				canary := "canary for " + visibility
				a := s.SignUp(harness.Vars{"visibility": visibility, "bio": canary})
				second := s.SignIn(a.Email)
				seen := func() string {
					t.Helper()
					var all []string
					for _, token := range []string{"", other.Token, operators.Token} {
						for _, r := range paths(s, token, a) {
							all = append(all, r.Body)
						}
					}
					return strings.Join(all, "\n")
				}
				before := seen()
				if strings.Contains(before, canary) != (visibility != "PRIVATE") {
					t.Fatalf("a profile for %s: %s", visibility, before)
				}
				stored := s.DB.Query(t, `SELECT to_jsonb(p) FROM app.profiles p WHERE user_id = $1`, a.UserID)

				must(s, operators, disable, a)
				if now := seen(); strings.Contains(now, canary) || strings.Contains(now, a.Username+`"`) || strings.Contains(now, a.ProfileID) {
					t.Errorf("a disabled account with a profile for %s is seen: %s", visibility, now)
				}
				for _, token := range []string{a.Token, second} {
					if r := s.Do(token, `{ me { id } }`, nil); r.Code() != "UNAUTHENTICATED" || r.Errors[0].Extensions.Reason != "invalid" {
						t.Errorf("a session of a disabled account: %s", r.Body)
					}
				}
				if _, _, reason := s.Refresh(a.Refresh); reason != "invalid" {
					t.Errorf("a refresh of a disabled account: %s", reason)
				}
				if r := s.TrySignIn(a.Email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
					t.Errorf("a sign-in to a disabled account: %s", r.Body)
				}

				must(s, operators, enable, a)
				if d := cmp.Diff(before, seen()); d != "" {
					t.Errorf("after enabling (-before +after):\n%s", d)
				}
				if d := cmp.Diff(stored, s.DB.Query(t, `SELECT to_jsonb(p) FROM app.profiles p WHERE user_id = $1`, a.UserID)); d != "" {
					t.Errorf("the row after enabling (-before +after):\n%s", d)
				}
				if s.Count("hidden_rows") != "0" {
					t.Error("a row is remembered as hidden")
				}
				s.ExpectMember(s.SignIn(a.Email), a.Email)
			}
		})
	}
}

// paths returns the replies to a viewer on each path that leads to an account.
func paths(s *harness.Service, token string, a harness.Account) (replies []harness.Reply) {
	s.T.Helper()
	const profile = `... on Profile { id username bio user { id } }`
	representations, err := json.Marshal([]harness.Vars{a.AsUser(), a.AsProfile(), a.ByName()})
	if err != nil {
		s.T.Fatal(err)
	}
	v := harness.Vars{"p": a.ProfileID, "u": a.UserID, "n": a.Username, "r": json.RawMessage(representations)}
	for _, query := range []string{
		`query ($p: ID!) { node(id: $p) { __typename ` + profile + ` } }`,
		`query ($u: ID!) { node(id: $u) { __typename ... on User { profile { bio username } createdAt } } }`,
		`query ($u: ID!, $p: ID!) { nodes(ids: [$u, $p]) { __typename ` + profile + ` } }`,
		`query ($n: String!) { profile(username: $n) { bio user { id } } }`,
		`query { profiles(first: 100) { nodes { bio username } pageInfo { endCursor } } }`,
		`query ($r: [_Any!]!) { _entities(representations: $r) { ` + profile + ` } }`,
	} {
		used := harness.Vars{}
		for name, value := range v {
			if strings.Contains(query, "$"+name+":") {
				used[name] = value
			}
		}
		replies = append(replies, s.Do(token, query, used))
	}
	return replies
}
