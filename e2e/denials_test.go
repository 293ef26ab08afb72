package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// refusalsLogged returns the lines of the log about refused fields of one request.
func (s *service) refusalsLogged(requestID string) (list []string) {
	s.t.Helper()
	for text := range strings.Lines(s.logs.String()) {
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
			s.t.Fatal(err)
		}
		for _, d := range line.Denials {
			list = append(list, fmt.Sprintf("%s %s %s ×%d", d.Field, d.Rule, d.Code, d.Count))
		}
	}
	return list
}

// Each refusal is logged once, whether by a rule, with any of its codes, or by the database.
func TestRefusalsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	seen, hidden, asking := s.signUp(vars{"visibility": "PUBLIC"}), s.signUp(nil), s.signUp(nil)
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
		r := s.do(c.token, c.query, nil)
		if got := fmt.Sprint(s.refusalsLogged(r.Header.Get("X-Request-Id"))); got != c.want {
			t.Errorf("%s: the log has %s, want %s", name, got, c.want)
		}
	}
}
