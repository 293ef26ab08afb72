package operators

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"freehold.dev/freehold/e2e/harness"
)

// An operator finds accounts by each value and by several, and reads everything about them that has a field.
func TestFindAccounts(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	by := operator(s, all...)
	ann, bob := s.SignUpAs("Ann.Finder", nil), s.SignUpAs("bob-finder", nil)
	must(s, by, disable, bob)
	usernames := func(filter string) []string {
		t.Helper()
		var data struct {
			Accounts struct{ Nodes []struct{ Username string } }
		}
		s.Must(by.Token, `{ accounts(filter: `+filter+`) { nodes { username } } }`, nil).Into(t, &data)
		found := []string{}
		for _, n := range data.Accounts.Nodes {
			found = append(found, n.Username)
		}
		return found
	}
	for filter, want := range map[string][]string{
		`{}`: {bob.Username, ann.Username, by.Username}, `null`: {bob.Username, ann.Username, by.Username},
		`{id: null, email: null, username: null, state: null}`:      {bob.Username, ann.Username, by.Username},
		fmt.Sprintf(`{id: %q}`, ann.UserID):                         {ann.Username},
		fmt.Sprintf(`{id: %q}`, uuid.NewString()):                   {},
		`{email: " ANN.finder@Example.org "}`:                       {ann.Username},
		`{email: "nobody@example.org"}`:                             {},
		`{username: "ann.FINDER"}`:                                  {ann.Username},
		`{username: "finder"}`:                                      {},
		`{state: ACTIVE}`:                                           {ann.Username, by.Username},
		`{state: DISABLED}`:                                         {bob.Username},
		`{state: PENDING}`:                                          {},
		`{username: "bob-finder", state: ACTIVE}`:                   {},
		fmt.Sprintf(`{id: %q, username: "bob-finder"}`, bob.UserID): {bob.Username},
		fmt.Sprintf(`{id: %q, username: "bob-finder"}`, ann.UserID): {},
	} {
		if d := cmp.Diff(want, usernames(filter)); d != "" {
			t.Errorf("%s (-want +got):\n%s", filter, d)
		}
	}
	r := s.Must(by.Token, fmt.Sprintf(`{ accounts(filter: {id: %q}) { nodes { id email emailVerified username state disabledAt scopes } } }`, by.UserID), nil)
	want := fmt.Sprintf(`{"accounts":{"nodes":[{"id":%q,"email":%q,"emailVerified":false,"username":%q,"state":"ACTIVE","disabledAt":null,"scopes":["%s"]}]}}`,
		by.UserID, by.Email, by.Username, strings.Join(sorted(all), `","`))
	if string(r.Data) != want {
		t.Errorf("an operator's account:\n got %s\nwant %s", r.Data, want)
	}
	r = s.Must(by.Token, fmt.Sprintf(`{ accounts(filter: {id: %q}) { nodes { createdAt disabledAt lastUsedAt } } }`, bob.UserID), nil)
	stored := s.DB.Query(t, `SELECT to_jsonb(x) FROM (SELECT u.created_at, c.disabled_at, s.last_used_at FROM app.users u JOIN app.accounts c ON c.user_id = u.id JOIN app.sessions s ON s.user_id = u.id WHERE u.id = $1) x`, bob.UserID)[0]
	for _, instant := range regexpInstants.FindAllString(string(r.Data), -1) {
		if !strings.Contains(stored, strings.TrimRight(instant, "Z")) {
			t.Errorf("%s is not in %s", instant, stored)
		}
	}
	if n := len(regexpInstants.FindAllString(string(r.Data), -1)); n != 3 {
		t.Errorf("%d instants in %s", n, r.Data)
	}
}

// Pages of accounts are those of all accounts sorted and cut, from both ends.
func TestPagesOfAccounts(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	by := operator(s, all...)
	want := []string{by.UserID}
	for range 6 {
		want = append(want, s.SignUp(nil).UserID)
	}
	slices.Reverse(want)
	type page struct {
		Accounts struct {
			Edges []struct {
				Cursor string
				Node   struct{ ID string }
			}
			PageInfo struct {
				HasNextPage, HasPreviousPage bool
				StartCursor, EndCursor       string
			}
		}
	}
	const query = `query ($first: Int, $after: String, $last: Int, $before: String) {
		accounts(first: $first, after: $after, last: $last, before: $before) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }
	}`
	for _, backwards := range []bool{false, true} {
		var got []string
		v := harness.Vars{"first": 3}
		if backwards {
			v = harness.Vars{"last": 3}
		}
		for more := true; more; {
			var p page
			s.Must(by.Token, query, v).Into(t, &p)
			var ids []string
			for _, e := range p.Accounts.Edges {
				ids = append(ids, e.Node.ID)
			}
			info := p.Accounts.PageInfo
			if backwards {
				got, more, v["before"] = append(ids, got...), info.HasPreviousPage, info.StartCursor
			} else {
				got, more, v["after"] = append(got, ids...), info.HasNextPage, info.EndCursor
			}
			if len(got) > len(want) {
				t.Fatalf("too many accounts: %v", got)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("backwards %v (-want +got):\n%s", backwards, d)
		}
	}
}

// A filter that cannot match, and an invalid page, are errors that name each field.
func TestInvalidFilters(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	by := operator(s, all...)
	for arguments, want := range map[string][]string{
		`filter: {id: "x"}`:                            {"filter.id INVALID"},
		`filter: {id: ""}`:                             {"filter.id INVALID"},
		`filter: {email: "x"}`:                         {"filter.email INVALID"},
		`filter: {email: ""}`:                          {"filter.email INVALID"},
		`filter: {username: "a b"}`:                    {"filter.username INVALID"},
		`filter: {username: ""}`:                       {"filter.username INVALID"},
		`filter: {id: "x", email: "x", username: "x"}`: {"filter.id INVALID", "filter.email INVALID", "filter.username INVALID"},
		`first: 0`:                                     {"first OUT_OF_RANGE"},
		`first: 101`:                                   {"first OUT_OF_RANGE"},
		`first: 1, last: 1`:                            {"last NOT_TOGETHER"},
		`after: "x"`:                                   {"after INVALID"},
		`filter: {email: "` + strings.Repeat("a", 300) + `@x.org"}`: {"filter.email TOO_LONG"},
	} {
		r := s.Do(by.Token, `{ accounts(`+arguments+`) { nodes { id } } }`, nil)
		if d := cmp.Diff(want, r.Fields()); d != "" || r.Code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %s (-want +got):\n%s", arguments, r.Body, d)
		}
	}
	for filter, want := range map[string]string{`{"state": "GONE"}`: "filter.state INVALID", `{"phone": "x"}`: "filter.phone UNKNOWN_FIELD"} {
		r := s.Do(by.Token, find, harness.Vars{"f": json.RawMessage(filter)})
		if r.Code() != "BAD_USER_INPUT" || !strings.Contains(fmt.Sprint(r.Fields()), want) {
			t.Errorf("the filter %s: %s, want %s", filter, r.Body, want)
		}
	}
}
