package edge

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// getQuery sends an operation by GET.
func getQuery(s *harness.Service, header http.Header, parameters url.Values) harness.Reply {
	s.T.Helper()
	return s.Send(harness.Request{Method: http.MethodGet, Path: "/graphql?" + parameters.Encode(), Header: header})
}

// Queries work by GET, with the same replies as by POST. Invalid requests and mutations are refused with the right status.
func TestQueriesByGet(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	token := http.Header{"Authorization": {"Bearer " + a.Token}}
	const both = `query A { __typename } query B($u: String!) { profile(username: $u) { username } }`
	for _, c := range []struct {
		name       string
		header     http.Header
		parameters url.Values
		status     int
		want       string // of the data, or the code
	}{
		{"an anonymous viewer", nil, url.Values{"query": {`{ me { id } }`}}, 200, `{"me":null}`},
		{"a member", token, url.Values{"query": {`{ me { email } }`}}, 200, `{"me":{"email":"` + a.Email + `"}}`},
		{"an operation with variables", nil, url.Values{"query": {both}, "operationName": {"B"}, "variables": {`{"u":"` + a.Username + `"}`}, "extensions": {`{}`}}, 200, `{"profile":{"username":"` + a.Username + `"}}`},
		{"empty parameters", nil, url.Values{"query": {`{ __typename }`}, "operationName": {""}, "variables": {""}, "extensions": {""}}, 200, `{"__typename":"Query"}`},
		{"null parameters", nil, url.Values{"query": {`{ __typename }`}, "variables": {"null"}, "extensions": {"null"}}, 200, `{"__typename":"Query"}`},
		{"an unknown parameter", nil, url.Values{"query": {`{ __typename }`}, "utm_source": {"x"}}, 200, `{"__typename":"Query"}`},
		{"a variable of the wrong kind", nil, url.Values{"query": {both}, "operationName": {"B"}, "variables": {`{"u":5}`}}, 200, "BAD_USER_INPUT"},
		{"an invalid document", nil, url.Values{"query": {`{ nope }`}}, 200, "GRAPHQL_VALIDATION_FAILED"},
		{"no query", nil, url.Values{"operationName": {"A"}}, 400, "BAD_REQUEST"},
		{"query twice", nil, url.Values{"query": {`{ me { id } }`, `{ me { id } }`}}, 400, "BAD_REQUEST"},
		{"variables twice", nil, url.Values{"query": {both}, "operationName": {"B"}, "variables": {`{}`, `{}`}}, 400, "BAD_REQUEST"},
		{"a variable twice", nil, url.Values{"query": {both}, "operationName": {"B"}, "variables": {`{"u":"x","u":"y"}`}}, 400, "BAD_REQUEST"},
		{"variables a list", nil, url.Values{"query": {both}, "operationName": {"B"}, "variables": {`["hunter2"]`}}, 400, "BAD_REQUEST"},
		{"invalid UTF-8", nil, url.Values{"query": {"{ __typename } #\xff"}}, 400, "BAD_REQUEST"},
		{"a mutation", token, url.Values{"query": {`mutation { signOut { success } }`}}, 405, "BAD_REQUEST"},
		{"a mutation beside a query", token, url.Values{"query": {`query A { __typename } mutation B { signOut { success } }`}, "operationName": {"B"}}, 405, "BAD_REQUEST"},
		{"a mutation with a faulty variable", token, url.Values{"query": {`mutation ($i: SignInInput!) { signIn(input: $i) { user { id } } }`}}, 405, "BAD_REQUEST"},
		{"a mutation with a faulty literal", token, url.Values{"query": {`mutation { signUp(input: {email: "` + a.Email + `", password: "x", username: "x", profile: {birthday: "q"}}) { user { id } } }`}}, 405, "BAD_REQUEST"},
		{"a query beside a faulty mutation", token, url.Values{"query": {`query A { __typename } mutation B { signUp(input: {email: "` + a.Email + `", password: "x", username: "x", profile: {birthday: "q"}}) { user { id } } }`}, "operationName": {"A"}}, 200, "GRAPHQL_VALIDATION_FAILED"},
	} {
		r := getQuery(s, c.header, c.parameters)
		got := string(r.Data)
		if len(r.Errors) > 0 {
			got = r.Code()
		}
		if r.Status != c.status || got != c.want || strings.Contains(r.Body, "hunter") {
			t.Errorf("%s: %d %s, want %d %s", c.name, r.Status, r.Body, c.status, c.want)
		}
		if cache := r.Header.Get("Cache-Control"); cache != "private, no-store" {
			t.Errorf("%s: Cache-Control is %q", c.name, cache)
		}
		if strings.Contains(r.Body, "TAKEN") {
			t.Errorf("%s: an input was checked: %s", c.name, r.Body)
		}
		if allow := r.Header.Get("Allow"); (allow == "POST") != (c.status == 405) {
			t.Errorf("%s: Allow is %q", c.name, allow)
		}
	}
	if r := s.Fetch("/graphql?query={me{id}}&variables=%ZZ"); r.Status != 400 {
		t.Errorf("a parameter that is not encoded: %d", r.Status)
	}
	if r := s.Do(a.Token, `{ me { id } }`, nil); len(r.Errors) > 0 {
		t.Errorf("a mutation by GET has signed out: %s", r.Body)
	}
}

// W01: HEAD is GET without a body, so it runs no mutation either.
func TestQueriesByHead(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	for query, want := range map[string]int{`{ me { id } }`: 200, `mutation { signOut { success } }`: 405, `{`: 200, ``: 400} {
		r := s.Send(harness.Request{Method: http.MethodHead, Path: "/graphql?" + url.Values{"query": {query}}.Encode(), Token: a.Token})
		if r.Status != want {
			t.Errorf("%q: %d, want %d", query, r.Status, want)
		}
	}
	if r := s.Do(a.Token, `{ me { id } }`, nil); len(r.Errors) > 0 {
		t.Errorf("a mutation by HEAD has signed out: %s", r.Body)
	}
}

// W03: a GET passes the same checks as a POST. From another site it is refused and renews nothing, and from a configured origin
// it does not use the cookies.
func TestGetFromOtherSites(t *testing.T) {
	t.Parallel()
	var c harness.Clock
	s := harness.StartAt(t, &c, "FREEHOLD_CORS_ORIGINS=https://app.example.org")
	b, email := s.SignUpInBrowser()
	c.Put(12 * time.Minute) // a renewal is due
	query := url.Values{"query": {`{ me { email } }`}}
	from := func(site, mode, origin string) http.Header {
		h := b.Header()
		for name, value := range map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Origin": origin} {
			if value != "" {
				h.Set(name, value)
			}
		}
		return h
	}
	for name, c := range map[string]struct {
		header http.Header
		status int
		want   string
		renews bool
	}{
		"a link or image":               {from("cross-site", "no-cors", ""), 403, "FORBIDDEN", false},
		"a link on the same site":       {from("same-site", "navigate", ""), 403, "FORBIDDEN", false},
		"a script of another site":      {from("cross-site", "cors", "https://evil.example"), 403, "FORBIDDEN", false},
		"the same in an old browser":    {from("", "", "https://evil.example"), 403, "FORBIDDEN", false},
		"a sandboxed frame":             {from("cross-site", "cors", "null"), 403, "FORBIDDEN", false},
		"a page of a configured origin": {from("cross-site", "cors", "https://app.example.org"), 200, harness.NoMe, false},
		"a page of the service":         {from("same-origin", "cors", ""), 200, email, true},
		"typed into the address bar":    {from("none", "navigate", ""), 200, email, true},
	} {
		r := getQuery(s, c.header, query)
		if r.Status != c.status || !strings.Contains(r.Body, c.want) || (len(harness.SetCookies(r)) > 0) != c.renews {
			t.Errorf("%s: %d %s %v", name, r.Status, r.Body, r.Header)
		}
	}
}
