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
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/hostile"
)

func asBody(t testing.TB, query string, v vars) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// G01 to G10: each is refused, quickly, in a small answer, and the service lives. Times are wide here, since machines are
// slow and -race is on; BenchmarkHostile has the figures.
func TestHostileRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, body := range hostile.Requests() {
		begun := time.Now()
		r, err := s.trySend(http.MethodPost, jsonHeader, body)
		took := time.Since(begun)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if refused := r.Status == 200 || r.Status >= 400 && r.Status < 500; !refused || len(r.Errors) == 0 || len(r.Errors) > 20 || len(r.Body) > 16<<10 || strings.Contains(r.Body, `"data"`) {
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
	for name, body := range hostile.Requests() {
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
	if r.code() != "OPERATION_TOO_COSTLY" || !strings.Contains(r.Body, `"cost":1801,"limit":1000`) || r.Status != 200 {
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
			if header == "Cache-Control" && name == "a GET" {
				want = "private, no-store"
			}
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
