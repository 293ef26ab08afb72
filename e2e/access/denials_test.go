package access

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"github.com/google/uuid"
)

// refusalsLogged returns the log lines about refused fields of one request.
func refusalsLogged(s *harness.Service, requestID string) (list []string) {
	s.T.Helper()
	for text := range strings.Lines(s.Logs.String()) {
		var line struct {
			Msg, RequestID string
			Denials        []struct {
				Field, Rule, Code string
				Count             int
			}
		}
		if !strings.Contains(text, requestID) || !strings.Contains(text, "fields were refused") {
			continue
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			s.T.Fatal(err)
		}
		for _, d := range line.Denials {
			list = append(list, fmt.Sprintf("%s %s %s ×%d", d.Field, d.Rule, d.Code, d.Count))
		}
	}
	return list
}

// Each refusal is logged once, whether a rule refuses, with any of its codes, or the database.
func TestRefusalsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	seen, hidden, asking := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil), s.SignUp(nil)
	const ownerOf = `@owner(of: "Profile", id: "input.id")`
	for name, c := range map[string]struct {
		token, query, want string
	}{
		"hidden from a rule":   {asking.Token, `mutation { updateProfile(input: {id: "` + hidden.ProfileID + `"}) { profile { id } } }`, "[Mutation.updateProfile " + ownerOf + " NOT_FOUND ×1]"},
		"missing":              {asking.Token, `mutation { updateProfile(input: {id: "` + uuid.NewString() + `"}) { profile { id } } }`, "[Mutation.updateProfile " + ownerOf + " NOT_FOUND ×1]"},
		"twice":                {asking.Token, `mutation { a: updateProfile(input: {id: "` + hidden.ProfileID + `"}) { profile { id } } b: updateProfile(input: {id: "` + hidden.ProfileID + `"}) { profile { id } } }`, "[Mutation.updateProfile " + ownerOf + " NOT_FOUND ×2]"},
		"another's":            {asking.Token, `{ profile(username: "` + seen.Username + `") { birthday } }`, "[Profile.birthday @owner FORBIDDEN ×1]"},
		"nobody":               {"", `mutation { revokeOtherSessions { count } }`, "[Mutation.revokeOtherSessions @signedIn UNAUTHENTICATED ×1]"},
		"no row that is seen":  {asking.Token, `{ profile(username: "` + hidden.Username + `") { id } }`, "[Query.profile   ×1]"},
		"nothing to be logged": {asking.Token, `{ me { email } }`, "[]"},
	} {
		r := s.Do(c.token, c.query, nil)
		if got := fmt.Sprint(refusalsLogged(s, r.Header.Get("X-Request-Id"))); got != c.want {
			t.Errorf("%s: the log has %s, want %s", name, got, c.want)
		}
	}
}
