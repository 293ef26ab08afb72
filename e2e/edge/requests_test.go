package edge

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/e2e/harness"
)

// Requests that never become an operation get typed errors with the right status, without anything that was sent.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	const secret = "hunter2-hunter2"
	q := func(query string) string { return fmt.Sprintf(`{"query": %q}`, query) }
	for _, c := range []struct {
		name, method, contentType, body string
		status                          int
		code                            string
	}{
		{"GET without a query", "GET", "", "", 400, "BAD_REQUEST"},
		{"DELETE", "DELETE", "application/json", q("mutation {signOut{success}}"), 405, "BAD_REQUEST"},
		{"PUT", "PUT", "application/json", q("{me{id}}"), 405, "BAD_REQUEST"},
		{"text", "POST", "text/plain", q("{me{id}}"), 415, "BAD_REQUEST"},
		{"form", "POST", "application/x-www-form-urlencoded", "query={me{id}}", 415, "BAD_REQUEST"},
		{"multipart", "POST", "multipart/form-data; boundary=x", "--x--", 415, "BAD_REQUEST"},
		{"no type", "POST", "", q("{me{id}}"), 415, "BAD_REQUEST"},
		{"latin-1", "POST", "application/json; charset=latin1", q("{me{id}}"), 415, "BAD_REQUEST"},
		{"empty", "POST", "application/json", "", 400, "BAD_REQUEST"},
		{"cut", "POST", "application/json", `{"query": "` + secret, 400, "BAD_REQUEST"},
		{"array", "POST", "application/json", `[` + q("{me{id}}") + `]`, 400, "BAD_REQUEST"},
		{"null", "POST", "application/json", `null`, 400, "BAD_REQUEST"},
		{"two documents", "POST", "application/json", q("{me{id}}") + q("{me{id}}"), 400, "BAD_REQUEST"},
		{"duplicate names", "POST", "application/json", `{"query": "{me{id}}", "query": "{me{email}}"}`, 400, "BAD_REQUEST"},
		{"duplicate names below", "POST", "application/json", `{"query": "{me{id}}", "variables": {"a": 1, "a": 2}}`, 400, "BAD_REQUEST"},
		{"invalid UTF-8", "POST", "application/json", "{\"query\": \"{me{id}} #\xff\"}", 400, "BAD_REQUEST"},
		{"lone surrogate", "POST", "application/json", `{"query": "{me{id}} #\ud800"}`, 400, "BAD_REQUEST"},
		{"query a number", "POST", "application/json", `{"query": 5}`, 400, "BAD_REQUEST"},
		{"variables a list", "POST", "application/json", `{"query": "{me{id}}", "variables": ["` + secret + `"]}`, 400, "BAD_REQUEST"},
		{"no query", "POST", "application/json", `{"variables": {}}`, 400, "BAD_REQUEST"},
		{"too large", "POST", "application/json", q("#" + strings.Repeat("x", 200_000)), 413, "BAD_REQUEST"},
		{"deep JSON", "POST", "application/json", strings.Repeat("[", 100_000), 400, "BAD_REQUEST"},
		{"syntax", "POST", "application/json", q(`mutation { signIn(input: {email "` + secret + `"}) { user { id } } }`), 200, "GRAPHQL_PARSE_FAILED"},
		{"unexpected string", "POST", "application/json", q(`mutation { signIn(input: {email: ] "` + secret + `"}) { user { id } } }`), 200, "GRAPHQL_PARSE_FAILED"},
		{"unexpected name", "POST", "application/json", q(secret + ` { me { id } }`), 200, "GRAPHQL_PARSE_FAILED"},
		{"unexpected value", "POST", "application/json", q(`mutation { signIn(input: {email: "x"}) "` + secret + `" }`), 200, "GRAPHQL_PARSE_FAILED"},
		{"bad escape", "POST", "application/json", q(`mutation { signIn(input: {email: "\uZZ` + secret + `"}) { user { id } } }`), 200, "GRAPHQL_PARSE_FAILED"},
		{"bad number", "POST", "application/json", q(`mutation { signIn(input: {password: 0123` + secret + `}) { user { id } } }`), 200, "GRAPHQL_PARSE_FAILED"},
		{"operation name", "POST", "application/json", `{"query": "{ me { id } }", "operationName": "` + secret + `"}`, 200, "GRAPHQL_VALIDATION_FAILED"},
		{"no operation name", "POST", "application/json", q("query A { me { id } } query B { me { id } }"), 200, "GRAPHQL_VALIDATION_FAILED"},
		{"many tokens", "POST", "application/json", q("{" + strings.Repeat(" a", 2000) + "}"), 200, "GRAPHQL_PARSE_FAILED"},
		{"nested", "POST", "application/json", q(strings.Repeat("[", 50_000)), 200, "GRAPHQL_PARSE_FAILED"},
		{"no operation", "POST", "application/json", q("fragment F on User { id }"), 200, "GRAPHQL_VALIDATION_FAILED"},
		{"unknown field", "POST", "application/json", q("{ mee { id } }"), 200, "GRAPHQL_VALIDATION_FAILED"},
		{"unknown argument", "POST", "application/json", q(`{ profile(usernam: "` + secret + `", username: "x") { id } }`), 200, "GRAPHQL_VALIDATION_FAILED"},
		{"literal of a wrong kind", "POST", "application/json", q(`mutation { signIn(input: {email: "x", password: {p: "` + secret + `"}}) { user { id } } }`), 200, "GRAPHQL_VALIDATION_FAILED"},
		{"enum as a string", "POST", "application/json", q(`mutation { updateProfile(input: {visibility: "PUBLIC"}) { profile { id } } }`), 200, "GRAPHQL_VALIDATION_FAILED"},
	} {
		r := s.Send(harness.Request{Method: c.method, Header: http.Header{"Content-Type": {c.contentType}}, Body: c.body})
		if r.Status != c.status || len(r.Errors) == 0 || r.Errors[0].Extensions.Code != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.name, r.Status, r.Body, c.status, c.code)
		}
		if strings.Contains(r.Body, "hunter") || strings.Contains(r.Body, `"data"`) || strings.Contains(r.Body, "Did you mean") {
			t.Errorf("%s: %s", c.name, r.Body)
		}
		if got := r.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%s: answered as %s", c.name, got)
		}
		if c.status == 405 && r.Header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: Allow is %q", c.name, r.Header.Get("Allow"))
		}
	}
}

// All errors of literals are reported with their paths, without the values.
func TestErrorsOfLiterals(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	r := s.Do("", `mutation { signUp(input: {mail: "x", password: 12345678, profile: {visibility: HIDDEN, nick: "n"}}) { user { id } } }`, nil)
	var got []string
	for _, e := range r.Errors {
		for _, f := range e.Extensions.Fields {
			got = append(got, f.Path+" "+f.Code)
		}
	}
	want := "input.mail UNKNOWN_FIELD, input.email REQUIRED, input.password INVALID, input.username REQUIRED, input.profile.nick UNKNOWN_FIELD, input.profile.visibility INVALID"
	if strings.Join(got, ", ") != want || strings.Contains(r.Body, "12345678") {
		t.Errorf("got  %s\nwant %s", r.Body, want)
	}
}

func TestErrorsOfVariables(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	const bodySent = 12345678
	for _, c := range []struct {
		name, query string
		v           harness.Vars
		want        string
	}{
		{"absent", harness.SignUpMutation, nil, "[input REQUIRED]"},
		{"null", harness.SignUpMutation, harness.Vars{"input": nil}, "[input NULL]"},
		{"a list", harness.SignUpMutation, harness.Vars{"input": []any{bodySent}}, "[input INVALID]"},
		{"in a fragment, twice", `query ($n: Int) { ...F a: me { id } } fragment F on Query { profiles(first: $n) { nodes { id } } }`, harness.Vars{"n": "x"}, "[first INVALID]"},
		{"inside a literal", `mutation ($p: String!) { signIn(input: {email: "x", password: $p}) { user { id } } }`, harness.Vars{"p": bodySent}, "[input.password INVALID]"},
		{"in a list", `query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`, harness.Vars{"ids": []any{"a", nil, true}}, "[ids.1 NULL ids.2 INVALID]"},
		{"too large for Int", `query ($n: Int) { profiles(first: $n) { nodes { id } } }`, harness.Vars{"n": 3e9}, "[first INVALID]"},
		{"malformed scalars with the rest", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "x", "password": "s", "username": "a b", "profile": harness.Vars{"birthday": "x", "avatarUrl": "y", "websiteUrl": bodySent}}},
			"[input.email INVALID input.password TOO_SHORT input.username INVALID_CHARACTER input.profile.avatarUrl INVALID input.profile.websiteUrl INVALID input.profile.birthday INVALID]"},
		{"a wrong kind with the rest", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "x", "password": bodySent, "username": "ab", "profile": harness.Vars{"displayName": "a\u202eb"}}},
			"[input.email INVALID input.password INVALID input.username TOO_SHORT input.profile.displayName INVALID_CHARACTER]"},
		{"null for a variable with a default", `query ($x: Boolean = false) { me @skip(if: $x) { id } }`, harness.Vars{"x": nil}, "[if NULL]"},
		{"null for a directive of a fragment", `query ($x: Boolean = true) { ... @include(if: $x) { me { id } } }`, harness.Vars{"x": nil}, "[if NULL]"},
		{"null where null may not stand", `query ($n: String = "x") { profile(username: $n) { id } }`, harness.Vars{"n": nil}, "[username NULL]"},
		{"null inside a list", `query ($p: ID = "x") { nodes(ids: ["a", $p]) { id } }`, harness.Vars{"p": nil}, "[ids.1 NULL]"},
		{"null inside a literal", `mutation ($p: String = "x") { signIn(input: {email: "x", password: $p}) { user { id } } }`, harness.Vars{"p": nil}, "[input.password NULL]"},
		{"null for an input", `mutation ($i: UpdateProfileInput = {}) { updateProfile(input: $i) { profile { id } } }`, harness.Vars{"i": nil}, "[input NULL]"},
		{"an unused variable", `query ($n: Int!) { me { id } }`, harness.Vars{}, ""},
	} {
		r := s.Do("", c.query, c.v)
		if c.want != "" && (r.Code() != "BAD_USER_INPUT" || fmt.Sprint(r.Fields()) != c.want) {
			t.Errorf("%s: got %s, want %s", c.name, r.Body, c.want)
		}
		if len(r.Errors) == 0 || strings.Contains(r.Body, "12345678") {
			t.Errorf("%s: %s", c.name, r.Body)
		}
	}
}

// Errors do not repeat long input, and report a list that many fields use once.
func TestErrorsOfInputAreBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	var query strings.Builder
	query.WriteString("query ($i: [ID!]!) {")
	for i := range 40 {
		fmt.Fprintf(&query, " a%d: nodes(ids: $i) { id }", i)
	}
	query.WriteString("}")
	for name, r := range map[string]harness.Reply{
		"a list, 40 times":   s.Do("", query.String(), harness.Vars{"i": slices.Repeat([]any{true}, 6000)}),
		"a long name":        s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{strings.Repeat("x", 100_000): 1}}),
		"a long operation":   s.Send(harness.Request{Body: `{"query": "{ me { id } }", "operationName": "` + strings.Repeat("x", 100_000) + `"}`}),
		"a long field":       s.Do("", `{ `+strings.Repeat("x", 100_000)+` }`, nil),
		"many fields":        s.Do("", `{ `+strings.Repeat("x ", 900)+`}`, nil),
		"many literal lists": s.Do("", `{ nodes(ids: [`+strings.Repeat("true ", 900)+`]) { id } }`, nil),
	} {
		if len(r.Body) > 16<<10 || r.Status != 200 || len(r.Errors) == 0 || strings.Contains(r.Body, `"data"`) {
			t.Errorf("%s: status %d, %d bytes: %.300s", name, r.Status, len(r.Body), r.Body)
		}
	}
}

// A15, I09: invalid cursors and page sizes.
func TestErrorsOfPages(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	var p struct {
		Profiles struct{ Edges []struct{ Cursor string } }
	}
	s.Do("", `{ profiles { edges { cursor } } }`, nil).Into(t, &p)
	cursor := p.Profiles.Edges[0].Cursor
	for arguments, want := range map[string]string{
		`first: 0`: "[first OUT_OF_RANGE]", `first: 101`: "[first OUT_OF_RANGE]", `last: -1`: "[last OUT_OF_RANGE]",
		`first: 1, last: 1`: "[last NOT_TOGETHER]", `after: ""`: "[after INVALID]", `before: "` + strings.Repeat("A", 100_000) + `"`: "[before INVALID]",
		`after: "` + cursor[1:] + `"`: "[after INVALID]", `after: "` + cursor + `", before: "x'"`: "[before INVALID]",
		`after: "AP__________AAAAAAAAAAAAAAAAAAAAAA"`: "[after INVALID]", `after: "\u0000"`: "[after INVALID]", `after: "` + strings.Repeat(`\n`, 34) + `"`: "[after INVALID]",
	} {
		if r := s.Do("", `{ profiles(`+arguments+`) { nodes { id } } }`, nil); r.Code() != "BAD_USER_INPUT" || fmt.Sprint(r.Fields()) != want {
			t.Errorf("%.60s: %s, want %s", arguments, r.Body, want)
		}
	}
	many := `"` + strings.Repeat(`x", "`, 100) + `"`
	if r := s.Do("", `{ nodes(ids: [`+many+`]) { id } }`, nil); fmt.Sprint(r.Fields()) != "[ids TOO_MANY]" {
		t.Errorf("101 ids: %s", r.Body)
	}
}

// R19: a panic is an internal error with the request's id. The process continues, and the log has the stack.
func TestPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	hook := func(context.Context, *db.Tx, *db.Profile) error { panic("canary of a panic") }
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}}})
	s.ExpectError("canary of a panic")
	r := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "a@example.org", "password": harness.Password, "username": "abc"}})
	if r.Code() != "INTERNAL_SERVER_ERROR" || strings.Contains(r.Body, "canary") || r.Errors[0].Extensions.RequestID == "" {
		t.Errorf("got %s", r.Body)
	}
	if log := s.Logs.String(); !strings.Contains(log, "canary of a panic") || !strings.Contains(log, "TestPanicIsAnInternalError") {
		t.Error("the log lacks the panic or its stack")
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
		t.Error("the transaction was not undone")
	}
	if r := s.Do("", `{ me { id } }`, nil); len(r.Errors) > 0 {
		t.Errorf("afterwards: %s", r.Body)
	}
}

func TestIntrospectionIsForDevelopment(t *testing.T) {
	t.Parallel()
	const query = `{ __schema { queryType { name } } }`
	s := harness.Start(t)
	if r := s.Do("", query, nil); !strings.Contains(r.Body, `"name":"Query"`) {
		t.Errorf("in development: %s", r.Body)
	}
	d := dbtest.New(t)
	production := harness.StartWith(t, d, harness.BothLayers, app.Options{}, harness.Production(t, d)...)
	if r := production.Do("", query, nil); len(r.Errors) == 0 || strings.Contains(r.Body, `"name":"Query"`) {
		t.Errorf("in production: %s", r.Body)
	}
	for _, path := range []string{"/", "/playground/", "/debug/pprof/", "/metrics", "/dev/mail"} {
		if status, body := production.Get(path); status != 404 || !strings.Contains(body, "NOT_FOUND") {
			t.Errorf("in production %s: %d %.100s", path, status, body)
		}
		asBrowser := harness.Request{Method: http.MethodGet, Path: path, Header: http.Header{"Accept": {"text/html,*/*;q=0.8"}}}
		if r := production.Send(asBrowser); r.Status != 404 || !strings.Contains(r.Body, `"code":"NOT_FOUND"`) {
			t.Errorf("in production, a browser gets %s: %d %.100s", path, r.Status, r.Body)
		}
	}
	for _, r := range []harness.Reply{production.Do("", `{ mee { id } }`, nil), production.Do("", `{ me { emial } }`, nil), production.Do("", `{ profile(usrname: "x") { id } }`, nil), production.Do("", `query ($x: Strin) { me { id } }`, nil)} {
		if strings.Contains(r.Body, "mean") || len(r.Errors) == 0 {
			t.Errorf("a suggestion: %s", r.Body)
		}
	}
}

// raw sends bytes over a connection of its own, and reads the reply.
func raw(s *harness.Service, sent string) (status string, header http.Header, r harness.Reply) {
	s.T.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		s.T.Fatal(err)
	}
	defer c.Close()
	go io.WriteString(c, sent) // the server may disconnect
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		s.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		s.T.Errorf("%s is not JSON: %q", response.Status, text)
	}
	r.Body = string(text)
	return strconv.Itoa(response.StatusCode), response.Header, r
}
