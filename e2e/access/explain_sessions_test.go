package access

import (
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// The explanation of a hidden session names the session and its policy.
func TestHiddenSessionIsExplained(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_MIGRATE_URL="+d.Owner)
	ann, bob := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil)
	id := harness.DecodeClaims(t, ann.Token)["sid"].(string)
	for query, want := range map[string]string{
		`{ node(id: "` + id + `") { id } }`:                                                       "node Query.node  policy  [member " + bob.Username + "] app.sessions sessions_select admits=false",
		`{ profile(username: "` + ann.Username + `") { user { hasPassword } } }`:                  "profile.user.hasPassword User.hasPassword FORBIDDEN rule @owner [member, visible-to " + bob.Username + "]",
		`{ _entities(representations: [{__typename: "User", id: "` + id + `"}]) { __typename } }`: "",
	} {
		list, _ := explain(s, bob.Token, query)
		if got := briefs(list); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", query, got, want)
		}
		if strings.Contains(want, "hasPassword") && len(list) == 1 && !strings.Contains(list[0].Why, "app.has_password admits only its owner") {
			t.Errorf("why: %s", list[0].Why)
		}
	}
}

func briefs(list []denial) string {
	var all []string
	for _, x := range list {
		all = append(all, x.brief())
	}
	return strings.Join(all, "\n")
}
