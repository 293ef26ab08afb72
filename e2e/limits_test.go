package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func asBody(t testing.TB, query string, v vars) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func bomb(n int) string {
	var b strings.Builder
	b.WriteString("{me{...F0}}")
	for i := range n {
		fmt.Fprintf(&b, "fragment F%d on User{...F%d ...F%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment F%d on User{id}", n)
	return b.String()
}

// hostile are requests that have knocked servers like this one over.
func hostile(t testing.TB) map[string]string {
	t.Helper()
	aliased := make([]string, 1000)
	for i := range aliased {
		aliased[i] = fmt.Sprintf(`a%d: signUp(input: {email: "a%d@x.org", password: "%s", username: "u%d"}) { user { id } }`, i, i, password, i)
	}
	unknown := func(n int) string {
		input := vars{}
		for i := range n {
			input[fmt.Sprint("f", i)] = 1
		}
		return asBody(t, `mutation ($i: SignInInput!) { signIn(input: $i) { user { id } } }`, vars{"i": input})
	}
	growing, uses := vars{}, ""
	for i := range 100 {
		growing[strconv.Itoa(i)+strings.Repeat("<", 197)] = 1
	}
	for i := range 45 {
		uses += fmt.Sprintf("a%d: nodes(ids: $i) { id } ", i) //nolint:perfsprint // a few, in a test
	}
	nodes, pages := make([]string, 10_000), make([]string, 30)
	for i := range pages {
		pages[i] = fmt.Sprintf("a%d: profiles(first: 100) { nodes { id username user { id } } }", i)
	}
	return map[string]string{
		"a fragment bomb of 953 bytes": asBody(t, bomb(27), nil),
		"a fragment bomb of 60":        asBody(t, bomb(60), nil),
		"1 MB of [":                    asBody(t, "{me(a:"+strings.Repeat("[", 1<<20), nil),
		"200,000 tokens":               asBody(t, "{"+strings.Repeat("a ", 200_000)+"}", nil),
		"tokens up to the body limit":  asBody(t, "{"+strings.Repeat("a ", 60_000)+"}", nil),
		"50,000 unknown fields":        unknown(50_000),
		"10,000 unknown fields":        unknown(10_000),
		"[ up to the body limit":       asBody(t, "{me(a:"+strings.Repeat("[", 120_000), nil),
		"8,000 × __typename":           asBody(t, "{"+strings.Repeat("__typename ", 8000)+"}", nil),
		"900 × __typename":             asBody(t, "{"+strings.Repeat("__typename ", 900)+"}", nil),
		"10,000 ids":                   asBody(t, `query ($i: [ID!]!) { nodes(ids: $i) { id ... on User { email } } }`, vars{"i": nodes}),
		"10,000 representations":       asBody(t, `query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { id } } }`, vars{"r": slices.Repeat([]any{vars{}}, 10_000)}),
		"a list used by 45 fields":     asBody(t, "query ($i: [ID!]!) {"+uses+"}", vars{"i": slices.Repeat([]any{0}, 50_000)}),
		"and a fault at its end":       asBody(t, "query ($i: [ID!]!) {"+uses+"}", vars{"i": append(slices.Repeat([]any{0}, 50_000), true)}),
		"names that grow in JSON":      asBody(t, `mutation ($i: SignInInput!) { signIn(input: $i) { user { id } } }`, vars{"i": growing}),
		"1,000 aliased signUp":         asBody(t, "mutation {"+strings.Join(aliased, " ")+"}", nil),
		"two signUp by fragments":      asBody(t, `mutation { ...A ...B } fragment A on Mutation { a: signUp(input: {email: "x", password: "x", username: "x"}) { user { id } } } fragment B on Mutation { b: signUp(input: {email: "x", password: "x", username: "x"}) { user { id } } }`, nil),
		"a skipped second signIn":      `{"operationName": "B", "query": "query A { me { id } } mutation B { a: signIn(input: {email: \"x\", password: \"x\"}) { user { id } } b: signIn(input: {email: \"x\", password: \"x\"}) @skip(if: true) { user { id } } }"}`,
		"JSON 1,000,000 deep":          strings.Repeat(`{"query":`, 1_000_000),
		"JSON as deep as fits":         `{"query": "{ me { id } }", "variables": ` + strings.Repeat("[", 60_000) + strings.Repeat("]", 60_000) + `}`,
		"100,000 directives":           asBody(t, "{me"+strings.Repeat("@a", 60_000)+"{id}}", nil),
		"many pages":                   asBody(t, "{"+strings.Join(pages, " ")+"}", nil),
	}
}

// G01 to G10: each is refused, quickly, in a small answer, and the service lives. Times are wide here, since machines are
// slow and -race is on; BenchmarkHostile has the figures.
func TestHostileRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, body := range hostile(t) {
		begun := time.Now()
		r, err := s.trySend(http.MethodPost, jsonHeader, body)
		took := time.Since(begun)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Status < 400 || r.Status >= 500 || len(r.Errors) == 0 || len(r.Errors) > 20 || len(r.Body) > 16<<10 || strings.Contains(r.Body, `"data"`) {
			t.Errorf("%s: %d in %d bytes: %.300s", name, r.Status, len(r.Body), r.Body)
		}
		if took > 3*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		t.Logf("%-28s %7d bytes: %d %s in %v", name, len(body), r.Status, r.code()[:min(40, len(r.code()))], took)
	}
	if n := s.db.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
		t.Errorf("they have made %s accounts", n[0])
	}
	if r := s.do("", `{ me { id } }`, nil); len(r.Errors) > 0 {
		t.Errorf("afterwards: %s", r.Body)
	}
}

func BenchmarkHostile(b *testing.B) {
	s := start(b)
	for name, body := range hostile(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.trySend(http.MethodPost, jsonHeader, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// OPERATION_TOO_COSTLY says what was asked for and what is allowed, and the usual large page passes.
func TestCostIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_COST_LIMIT=1000")
	for range 3 {
		s.signUp(vars{"visibility": "PUBLIC"})
	}
	if r := s.do("", `{ profiles(first: 50) { edges { cursor node { id username displayName user { id createdAt } } } pageInfo { hasNextPage endCursor } } }`, nil); len(r.Errors) > 0 {
		t.Errorf("a page of 50: %s", r.Body)
	}
	r := s.do("", `query ($n: Int) { profiles(first: $n) { nodes { id username displayName bio location createdAt updatedAt visibility user { id } } } }`, vars{"n": 100})
	if r.code() != "OPERATION_TOO_COSTLY" || !strings.Contains(r.Body, `"cost":1301,"limit":1000`) || r.Status != 400 {
		t.Errorf("over the limit: %s", r.Body)
	}
}

// Many errors in an answer are cut at 64 KB, which says how many more there are.
func TestErrorsOfAReplyAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t)
	for range 100 {
		s.signUp(vars{"visibility": "PUBLIC"})
	}
	r := s.do("", `{ profiles(first: 100) { nodes { birthday phoneNumber b: birthday c: birthday d: birthday user { email emailVerified e: email f: email g: email } } } }`, nil)
	if len(r.Errors) < 100 || len(r.Errors) >= 1000 || len(r.Body)-len(r.Data) > 70<<10 || !strings.Contains(r.Errors[len(r.Errors)-1].Message, "more errors") {
		t.Errorf("%d errors in %d bytes; the last is %q", len(r.Errors), len(r.Body), r.Errors[len(r.Errors)-1].Message)
	}
}

// G07: a body that is huge, compressed or endless is refused before it is read to its end; memory stays flat.
func TestHugeBodies(t *testing.T) {
	t.Parallel()
	s, _ := listen(t, appOptions())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", io.LimitReader(zeros{}, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = jsonHeader
	if response, err := client.Do(request); err == nil { // the server may close before all is sent, which is an error here
		defer response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("64 MB: %s", response.Status)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 50<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.Copy(w, io.LimitReader(zeros{}, 10<<20)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if r := s.send(http.MethodPost, http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, packed.String()); r.Status != http.StatusUnsupportedMediaType {
		t.Errorf("gzip: %d %s", r.Status, r.Body)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// S10, W05: a huge header is refused by the server before anything looks at it.
func TestHugeHeaders(t *testing.T) {
	t.Parallel()
	s, _ := listen(t, appOptions())
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go io.WriteString(c, "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+strings.Repeat(".", 1<<20)+"\r\n\r\n") // it may be cut off
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("1 MB of Authorization: %s", response.Status)
	}
}

// W03, W04: pages of other sites get nothing done, unless their origin is configured, letter by letter.
func TestCrossOriginRequests(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_CORS_ORIGINS=https://app.example.org,https://admin.example.org:8443")
	closed := start(t)
	const query = `{"query": "{ me { id } }"}`
	for origin, allowed := range map[string]bool{
		"https://app.example.org": true, "https://admin.example.org:8443": true,
		"http://app.example.org": false, "https://app.example.org:8443": false, "https://app.example.org.evil.example": false, "https://evil.example": false,
		"https://sub.app.example.org": false, "null": false, "https://app.example.org/": false, "HTTPS://APP.EXAMPLE.ORG.": false,
	} {
		header := http.Header{"Content-Type": {"application/json"}, "Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}}
		r := s.send(http.MethodPost, header, query)
		permitted := r.Header.Get("Access-Control-Allow-Origin") == origin
		if allowed != (r.Status == 200) || allowed != permitted || r.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("from %s: %d %v", origin, r.Status, r.Header)
		}
		if !allowed && (r.code() != "FORBIDDEN" || strings.Contains(r.Body, "data")) {
			t.Errorf("from %s: %s", origin, r.Body)
		}
		if r := closed.send(http.MethodPost, header, query); r.Status != 403 || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("from %s, none being configured: %d %v", origin, r.Status, r.Header)
		}
	}
	if r := s.send(http.MethodPost, http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}, query); r.Status != 200 {
		t.Errorf("from the same origin: %d", r.Status)
	}
	if r := s.send(http.MethodGet, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, ""); r.Status != 405 {
		t.Errorf("a GET from elsewhere: %d %s", r.Status, r.Body)
	}
}

// W06: persisted queries are not there to be poisoned.
func TestPersistedQueriesAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, body := range []string{
		`{"query": "{ me { id } }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}}`,
		`{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}}`,
	} {
		if r := s.send(http.MethodPost, jsonHeader, body); r.code() != "PERSISTED_QUERY_NOT_SUPPORTED" || r.Status != 400 {
			t.Errorf("%s: %d %s", body, r.Status, r.Body)
		}
	}
}

// W05, W13: what every reply carries, and that a forged Host changes nothing that is said or issued.
func TestHeadersOfEveryReply(t *testing.T) {
	t.Parallel()
	s := start(t, "FREEHOLD_PUBLIC_URL=https://id.example.org")
	for name, r := range map[string]reply{
		"a query": s.do("", `{ me { id } }`, nil), "a refusal": s.send(http.MethodPost, jsonHeader, "{"), "a GET": s.send(http.MethodGet, nil, ""),
	} {
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Content-Type": "application/json; charset=utf-8",
		} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if len(r.Header.Get("X-Request-Id")) != 36 {
			t.Errorf("%s: no request id", name)
		}
	}
	r := s.send(http.MethodPost, http.Header{"Content-Type": {"application/json"}, "Accept": {"application/graphql-response+json"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"http"}},
		asBody(t, signUpMutation, vars{"input": vars{"email": "a@x.org", "password": password, "username": "abc"}}))
	if r.Header.Get("Content-Type") != "application/graphql-response+json; charset=utf-8" {
		t.Errorf("asked for graphql-response+json: %s", r.Header.Get("Content-Type"))
	}
	var a account
	a.fill(t, r)
	if claims := decodeClaims(t, a.Token); claims["iss"] != "https://id.example.org" || strings.Contains(fmt.Sprint(claims), "evil") {
		t.Errorf("the token says %v", claims)
	}
}
