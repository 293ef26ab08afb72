package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/levers"

	"freehold.dev/freehold/accounts"
)

var jsonHeader = http.Header{"Content-Type": {"application/json"}}

// Requests that never become an operation: typed errors with the right status, and nothing of what was sent.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	s := start(t)
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
		r := s.send(c.method, http.Header{"Content-Type": {c.contentType}}, c.body)
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

// Faults of literals are told with their paths, all of them, without the values.
func TestFaultsOfLiterals(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := s.do("", `mutation { signUp(input: {mail: "x", password: 12345678, profile: {visibility: HIDDEN, nick: "n"}}) { user { id } } }`, nil)
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

func TestFaultsOfVariables(t *testing.T) {
	t.Parallel()
	s := start(t)
	const bodySent = 12345678
	for _, c := range []struct {
		name, query string
		v           vars
		want        string
	}{
		{"absent", signUpMutation, nil, "[input REQUIRED]"},
		{"null", signUpMutation, vars{"input": nil}, "[input NULL]"},
		{"a list", signUpMutation, vars{"input": []any{bodySent}}, "[input INVALID]"},
		{"in a fragment, twice", `query ($n: Int) { ...F a: me { id } } fragment F on Query { profiles(first: $n) { nodes { id } } }`, vars{"n": "x"}, "[first INVALID]"},
		{"inside a literal", `mutation ($p: String!) { signIn(input: {email: "x", password: $p}) { user { id } } }`, vars{"p": bodySent}, "[input.password INVALID]"},
		{"in a list", `query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": []any{"a", nil, true}}, "[ids.1 NULL ids.2 INVALID]"},
		{"too large for Int", `query ($n: Int) { profiles(first: $n) { nodes { id } } }`, vars{"n": 3e9}, "[first INVALID]"},
		{"malformed scalars with the rest", signUpMutation, vars{"input": vars{"email": "x", "password": "s", "username": "a b", "profile": vars{"birthday": "x", "avatarUrl": "y", "websiteUrl": bodySent}}},
			"[input.email INVALID input.password TOO_SHORT input.username INVALID_CHARACTER input.profile.avatarUrl INVALID input.profile.websiteUrl INVALID input.profile.birthday INVALID]"},
		{"a wrong kind with the rest", signUpMutation, vars{"input": vars{"email": "x", "password": bodySent, "username": "ab", "profile": vars{"displayName": "a\u202eb"}}},
			"[input.email INVALID input.password INVALID input.username TOO_SHORT input.profile.displayName INVALID_CHARACTER]"},
		{"null for a variable with a default", `query ($x: Boolean = false) { me @skip(if: $x) { id } }`, vars{"x": nil}, "[if NULL]"},
		{"null for a directive of a fragment", `query ($x: Boolean = true) { ... @include(if: $x) { me { id } } }`, vars{"x": nil}, "[if NULL]"},
		{"null where null may not stand", `query ($n: String = "x") { profile(username: $n) { id } }`, vars{"n": nil}, "[username NULL]"},
		{"null inside a list", `query ($p: ID = "x") { nodes(ids: ["a", $p]) { id } }`, vars{"p": nil}, "[ids.1 NULL]"},
		{"null inside a literal", `mutation ($p: String = "x") { signIn(input: {email: "x", password: $p}) { user { id } } }`, vars{"p": nil}, "[input.password NULL]"},
		{"null for an input", `mutation ($i: UpdateProfileInput = {}) { updateProfile(input: $i) { profile { id } } }`, vars{"i": nil}, "[input NULL]"},
		{"an unused variable", `query ($n: Int!) { me { id } }`, vars{}, ""},
	} {
		r := s.do("", c.query, c.v)
		if c.want != "" && (r.code() != "BAD_USER_INPUT" || fmt.Sprint(r.fields()) != c.want) {
			t.Errorf("%s: got %s, want %s", c.name, r.Body, c.want)
		}
		if len(r.Errors) == 0 || strings.Contains(r.Body, "12345678") {
			t.Errorf("%s: %s", c.name, r.Body)
		}
	}
}

// What was sent is not given back at length, and a list that many fields use is told about once, as it were.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t)
	var query strings.Builder
	query.WriteString("query ($i: [ID!]!) {")
	for i := range 40 {
		fmt.Fprintf(&query, " a%d: nodes(ids: $i) { id }", i)
	}
	query.WriteString("}")
	for name, r := range map[string]reply{
		"a list, 40 times":   s.do("", query.String(), vars{"i": slices.Repeat([]any{true}, 6000)}),
		"a long name":        s.do("", signUpMutation, vars{"input": vars{strings.Repeat("x", 100_000): 1}}),
		"a long operation":   s.send(http.MethodPost, jsonHeader, `{"query": "{ me { id } }", "operationName": "`+strings.Repeat("x", 100_000)+`"}`),
		"a long field":       s.do("", `{ `+strings.Repeat("x", 100_000)+` }`, nil),
		"many fields":        s.do("", `{ `+strings.Repeat("x ", 900)+`}`, nil),
		"many literal lists": s.do("", `{ nodes(ids: [`+strings.Repeat("true ", 900)+`]) { id } }`, nil),
	} {
		if len(r.Body) > 16<<10 || r.Status != 200 || len(r.Errors) == 0 || strings.Contains(r.Body, `"data"`) {
			t.Errorf("%s: status %d, %d bytes: %.300s", name, r.Status, len(r.Body), r.Body)
		}
	}
}

// A15, I09: cursors and sizes that are none.
func TestFaultsOfPages(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.signUp(vars{"visibility": "PUBLIC"})
	var p struct {
		Profiles struct{ Edges []struct{ Cursor string } }
	}
	s.do("", `{ profiles { edges { cursor } } }`, nil).into(t, &p)
	cursor := p.Profiles.Edges[0].Cursor
	for arguments, want := range map[string]string{
		`first: 0`: "[first OUT_OF_RANGE]", `first: 101`: "[first OUT_OF_RANGE]", `last: -1`: "[last OUT_OF_RANGE]",
		`first: 1, last: 1`: "[last NOT_TOGETHER]", `after: ""`: "[after INVALID]", `before: "` + strings.Repeat("A", 100_000) + `"`: "[before INVALID]",
		`after: "` + cursor[1:] + `"`: "[after INVALID]", `after: "` + cursor + `", before: "x'"`: "[before INVALID]",
		`after: "AP__________AAAAAAAAAAAAAAAAAAAAAA"`: "[after INVALID]", `after: "\u0000"`: "[after INVALID]", `after: "` + strings.Repeat(`\n`, 34) + `"`: "[after INVALID]",
	} {
		if r := s.do("", `{ profiles(`+arguments+`) { nodes { id } } }`, nil); r.code() != "BAD_USER_INPUT" || fmt.Sprint(r.fields()) != want {
			t.Errorf("%.60s: %s, want %s", arguments, r.Body, want)
		}
	}
	many := `"` + strings.Repeat(`x", "`, 100) + `"`
	if r := s.do("", `{ nodes(ids: [`+many+`]) { id } }`, nil); fmt.Sprint(r.fields()) != "[ids TOO_MANY]" {
		t.Errorf("101 ids: %s", r.Body)
	}
}

// R19: a panic is an internal error with the request's id; the process lives, and the log has the stack.
func TestPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	hook := func(context.Context, *db.Tx, *db.Profile) error { panic("canary of a panic") }
	s := startWith(t, dbtest.New(t), bothWalls, app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}}})
	s.expectError("canary of a panic")
	r := s.do("", signUpMutation, vars{"input": vars{"email": "a@example.org", "password": password, "username": "abc"}})
	if r.code() != "INTERNAL_SERVER_ERROR" || strings.Contains(r.Body, "canary") || r.Errors[0].Extensions.RequestID == "" {
		t.Errorf("got %s", r.Body)
	}
	if log := s.logs.String(); !strings.Contains(log, "canary of a panic") || !strings.Contains(log, "TestPanicIsAnInternalError") {
		t.Error("the log lacks the panic or its stack")
	}
	if n := s.db.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
		t.Error("the transaction was not undone")
	}
	if r := s.do("", `{ me { id } }`, nil); len(r.Errors) > 0 {
		t.Errorf("afterwards: %s", r.Body)
	}
}

func TestIntrospectionIsForDevelopment(t *testing.T) {
	t.Parallel()
	const query = `{ __schema { queryType { name } } }`
	s := start(t)
	if r := s.do("", query, nil); !strings.Contains(r.Body, `"name":"Query"`) {
		t.Errorf("in development: %s", r.Body)
	}
	d := dbtest.New(t)
	production := startWith(t, d, bothWalls, app.Options{}, production(t, d)...)
	if r := production.do("", query, nil); len(r.Errors) == 0 || strings.Contains(r.Body, `"name":"Query"`) {
		t.Errorf("in production: %s", r.Body)
	}
	for _, path := range []string{"/", "/playground/", "/debug/pprof/", "/metrics", "/dev/mail"} {
		if status, body := production.get(path); status != 404 || !strings.Contains(body, "NOT_FOUND") {
			t.Errorf("in production %s: %d %.100s", path, status, body)
		}
	}
	for _, r := range []reply{production.do("", `{ mee { id } }`, nil), production.do("", `{ me { emial } }`, nil), production.do("", `{ profile(usrname: "x") { id } }`, nil), production.do("", `query ($x: Strin) { me { id } }`, nil)} {
		if strings.Contains(r.Body, "mean") || len(r.Errors) == 0 {
			t.Errorf("a suggestion: %s", r.Body)
		}
	}
}

func (s *service) get(path string) (status int, body string) {
	s.t.Helper()
	status, header, text := s.fetch(http.MethodGet, s.url+path)
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := header.Get(name); got != want {
			s.t.Errorf("%s: %s is %q", path, name, got)
		}
	}
	return status, strings.TrimSpace(text)
}

// G12: when the time of a request is up, its statement ends in the database too.
func TestDeadlineCancelsInTheDatabase(t *testing.T) {
	t.Parallel()
	hook := func(ctx context.Context, tx *db.Tx, _ *db.Profile) error {
		var s string
		return tx.Get(ctx, &s, `SELECT pg_sleep(300)::text`)
	}
	o := appOptions()
	o.Further = []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}}
	s := startWith(t, dbtest.New(t), bothWalls, o, "FREEHOLD_REQUEST_TIMEOUT=1s")
	begun := time.Now()
	r := s.do("", signUpMutation, vars{"input": vars{"email": "a@x.org", "password": password, "username": "abc"}})
	if took := time.Since(begun); r.code() != "UNAVAILABLE" || took > 10*time.Second {
		t.Errorf("after %v: %s", took, r.Body)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		n := s.db.Query(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app' AND state = 'active'`)
		if n[0] == "0" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the statement still runs")
		}
	}
	if n := s.db.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
		t.Error("there is an account")
	}
}

// R13: ready only while the database answers; a request then is told to come again, with nothing of the driver's words.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_REQUEST_TIMEOUT=5s")
	a := s.signUp(nil)
	for path, want := range map[string]string{"/healthz": `200 {"status":"alive"}`, "/readyz": `200 {"status":"ready"}`} {
		if status, body := s.get(path); fmt.Sprintf("%d %s", status, body) != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := s.get("/nothing"); status != 404 || !strings.Contains(body, "NOT_FOUND") {
		t.Errorf("/nothing: %d %s", status, body)
	}
	s.db.Query(t, `ALTER ROLE freehold_app CONNECTION LIMIT -1`)
	name := s.db.Query(t, `SELECT current_database()`)[0]
	s.db.Query(t, `REVOKE CONNECT ON DATABASE `+name+` FROM freehold_app`)
	s.db.Query(t, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`)
	if status, body := s.get("/readyz"); status != 503 || strings.Contains(body, "pq") {
		t.Errorf("without a database /readyz: %d %s", status, body)
	}
	if status, _ := s.get("/healthz"); status != 200 {
		t.Errorf("without a database /healthz: %d", status)
	}
	if r := s.do(a.Token, `{ me { id } }`, nil); r.code() != "UNAVAILABLE" || r.Status != 503 || strings.Contains(r.Body, "pq") || r.Errors[0].Extensions.RetryAfter == 0 {
		t.Errorf("without a database a query: %d %s", r.Status, r.Body)
	}
	if r := s.do("", `{ profile(username: "abc") { id } me { id } }`, nil); r.code() != "UNAVAILABLE" || strings.Contains(r.Body, "pq") {
		t.Errorf("without a database nobody's query: %s", r.Body)
	}
	s.db.Query(t, `GRANT CONNECT ON DATABASE `+name+` TO freehold_app`)
	if r := s.do(a.Token, meQuery, nil); !strings.Contains(r.Body, a.Email) {
		t.Errorf("after the database is back: %s", r.Body)
	}
}

// listen serves with the server's own time-outs and draining, and returns how to begin to drain.
func listen(t *testing.T, o app.Options, further ...string) (s *service, drain func() error) {
	t.Helper()
	return listenOn(t, dbtest.New(t), func(l net.Listener) net.Listener { return l }, o, further...)
}

// listenOn is listen on a database, and on what wrap makes of the listener.
func listenOn(t *testing.T, d dbtest.Database, wrap func(net.Listener) net.Listener, o app.Options, further ...string) (s *service, drain func() error) {
	t.Helper()
	logs := &logBuffer{}
	o.Log = slog.New(slog.NewJSONHandler(logs, nil))
	a, err := program.New(levers.With(t.Context(), cheap), config(t, d.App, further...), o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, wrap(l)) }()
	drained := false
	drain = func() error {
		if drained {
			return nil
		}
		drained = true
		cancel()
		return <-done
	}
	s = &service{t: t, db: d, url: "http://" + l.Addr().String(), logs: logs, app: a}
	t.Cleanup(func() {
		drain() // the test has looked
		a.Close()
		s.checkLog()
	})
	return s, drain
}

// A request under way is finished when the server is told to end; new ones are not taken.
func TestDrainFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	hook := func(context.Context, *db.Tx, *db.Profile) error {
		close(begun)
		<-goOn
		return nil
	}
	s, drain := listen(t, app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{hook}}}}})
	answered := make(chan reply, 1)
	go func() {
		answered <- s.do("", signUpMutation, vars{"input": vars{"email": "a@example.org", "password": password, "username": "abc"}})
	}()
	<-begun
	drained := make(chan error, 1)
	go func() { drained <- drain() }()
	for { // until the listener is closed
		if _, err := s.trySend(http.MethodPost, jsonHeader, `{"query":"{ me { id } }"}`); err != nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	select {
	case err := <-drained:
		t.Fatalf("drained before the request was answered: %v", err)
	default:
	}
	close(goOn)
	if r := <-answered; len(r.Errors) > 0 {
		t.Errorf("the request under way: %s", r.Body)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// While it waits for balancers to notice, a draining server says that it is not ready and serves all the same.
func TestDrainingIsSaidBeforeItIsDone(t *testing.T) {
	t.Parallel()
	s, drain := listen(t, app.Options{}, "FREEHOLD_DRAIN_DELAY=1500ms")
	drained := make(chan error, 1)
	go func() { drained <- drain() }()
	for deadline := time.Now().Add(time.Second); ; time.Sleep(5 * time.Millisecond) {
		if status, body := s.get("/readyz"); status == 503 && strings.Contains(body, "draining") {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("/readyz still says %d %s", status, body)
		}
	}
	if r := s.do("", `{ me { id } }`, nil); len(r.Errors) > 0 {
		t.Errorf("while draining: %s", r.Body)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// A client that dawdles over its head or its body is cut off; others are served meanwhile.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	s, _ := listen(t, app.Options{}, "FREEHOLD_REQUEST_TIMEOUT=2s")
	for name, sent := range map[string]string{
		"head": "POST /graphql HTTP/1.1\r\nHost: x\r\nX-Slow:",
		"body": "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"query\"",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if r := s.do("", `{ me { id } }`, nil); len(r.Errors) > 0 {
				t.Errorf("another client meanwhile: %s", r.Body)
			}
			if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if answer, err := io.ReadAll(c); errors.Is(err, context.DeadlineExceeded) || strings.Contains(string(answer), " 200 ") {
				t.Errorf("answer %q, %v", answer, err)
			}
		})
	}
}

// raw sends bytes over a connection of its own, and reads the answer.
func (s *service) raw(sent string) (status string, header http.Header, r reply) {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	go io.WriteString(c, sent) // it may be cut off
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		s.t.Errorf("%s is not JSON: %q", response.Status, text)
	}
	r.Body = string(text)
	return strconv.Itoa(response.StatusCode), response.Header, r
}
