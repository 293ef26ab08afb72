package edge

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/hostile"
)

// G01 to G10: each request is refused, quickly, in a small reply, and the service keeps serving. The time limits here are
// generous, because machines are slow and -race is on; BenchmarkHostile measures.
func TestHostileRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for name, body := range hostile.Requests() {
		begun := time.Now()
		r, err := s.TrySend(t.Context(), harness.Request{Body: body})
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
		t.Logf("%-28s %7d bytes: %d %s in %v", name, len(body), r.Status, r.Code()[:min(40, len(r.Code()))], took)
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
		t.Errorf("they have made %s accounts", n[0])
	}
	if r := s.Do("", `{ me { id } }`, nil); len(r.Errors) > 0 {
		t.Errorf("afterwards: %s", r.Body)
	}
}

func BenchmarkHostile(b *testing.B) {
	s := harness.Start(b)
	for name, body := range hostile.Requests() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.TrySend(s.T.Context(), harness.Request{Body: body}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// OPERATION_TOO_COSTLY gives the cost and the limit. The usual large page is admitted.
func TestCostIsReported(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_COST_LIMIT=1000")
	for range 3 {
		s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	}
	if r := s.Do("", `{ profiles(first: 50) { edges { cursor node { id username displayName user { id createdAt } } } pageInfo { hasNextPage endCursor } } }`, nil); len(r.Errors) > 0 {
		t.Errorf("a page of 50: %s", r.Body)
	}
	r := s.Do("", `query ($n: Int) { profiles(first: $n) { nodes { id username displayName bio location createdAt updatedAt visibility user { id } } } }`, harness.Vars{"n": 100})
	if r.Code() != "OPERATION_TOO_COSTLY" || !strings.Contains(r.Body, `"cost":1801,"limit":1000`) || r.Status != 200 {
		t.Errorf("over the limit: %s", r.Body)
	}
}

// Many errors of a reply are cut at 64 KB. The last one says how many more there are.
func TestErrorsOfAReplyAreBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for range 100 {
		s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	}
	r := s.Do("", `{ profiles(first: 100) { nodes { birthday phoneNumber b: birthday c: birthday d: birthday user { email emailVerified e: email f: email g: email } } } }`, nil)
	if len(r.Errors) < 100 || len(r.Errors) >= 1000 || len(r.Body)-len(r.Data) > 70<<10 || !strings.Contains(r.Errors[len(r.Errors)-1].Message, "more errors") {
		t.Errorf("%d errors in %d bytes; the last is %q", len(r.Errors), len(r.Body), r.Errors[len(r.Errors)-1].Message)
	}
}

// G07: a huge, compressed or endless body is refused before the server has read all of it. Memory stays flat.
func TestHugeBodies(t *testing.T) {
	t.Parallel()
	s, _ := harness.Listen(t, app.Options{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := s.TrySend(t.Context(), harness.Request{Stream: io.LimitReader(zeros{}, 64<<20)})
	if err == nil && r.Status != http.StatusRequestEntityTooLarge { // the server may close the connection before all is sent, which is an error here
		t.Errorf("64 MB: %d", r.Status)
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
	if r := s.Send(harness.Request{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: packed.String()}); r.Status != http.StatusUnsupportedMediaType {
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

// S10, W05: the server refuses a huge header before anything reads it.
func TestHugeHeaders(t *testing.T) {
	t.Parallel()
	s, _ := harness.Listen(t, app.Options{})
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go io.WriteString(c, "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+strings.Repeat(".", 1<<20)+"\r\n\r\n") // the server may disconnect
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("1 MB of Authorization: %s", response.Status)
	}
}

// W03, W04: pages of other sites can do nothing, unless exactly their origin is configured.
func TestCrossOriginRequests(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_CORS_ORIGINS=https://app.example.org,https://admin.example.org:8443")
	closed := harness.Start(t)
	const query = `{ me { id } }`
	for origin, allowed := range map[string]bool{
		"https://app.example.org": true, "https://admin.example.org:8443": true,
		"http://app.example.org": false, "https://app.example.org:8443": false, "https://app.example.org.evil.example": false, "https://evil.example": false,
		"https://sub.app.example.org": false, "null": false, "https://app.example.org/": false, "HTTPS://APP.EXAMPLE.ORG.": false,
	} {
		header := http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}}
		r := s.Send(harness.Request{Header: header, Query: query})
		permitted := r.Header.Get("Access-Control-Allow-Origin") == origin
		if allowed != (r.Status == 200) || allowed != permitted || r.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("from %s: %d %v", origin, r.Status, r.Header)
		}
		if !allowed && (r.Code() != "FORBIDDEN" || strings.Contains(r.Body, "data")) {
			t.Errorf("from %s: %s", origin, r.Body)
		}
		if r := closed.Send(harness.Request{Header: header, Query: query}); r.Status != 403 || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("from %s, none being configured: %d %v", origin, r.Status, r.Header)
		}
	}
	if r := s.Send(harness.Request{Header: http.Header{"Sec-Fetch-Site": {"same-origin"}}, Query: query}); r.Status != 200 {
		t.Errorf("from the same origin: %d", r.Status)
	}
}

// W05, W13: the headers of every reply. A forged Host changes nothing in replies and tokens.
func TestHeadersOfEveryReply(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_PUBLIC_URL=https://id.example.org")
	for name, r := range map[string]harness.Reply{
		"a query": s.Do("", `{ me { id } }`, nil), "a refusal": s.Send(harness.Request{Body: "{"}), "a GET": s.Send(harness.Request{Method: http.MethodGet}),
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
	r := s.Send(harness.Request{Header: http.Header{"Accept": {"application/graphql-response+json"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"http"}}, Query: harness.SignUpMutation, Vars: harness.Vars{"input": harness.Vars{"email": "a@x.org", "password": harness.Password, "username": "abc"}}})
	if r.Header.Get("Content-Type") != "application/graphql-response+json; charset=utf-8" {
		t.Errorf("asked for graphql-response+json: %s", r.Header.Get("Content-Type"))
	}
	var a harness.Account
	a.Fill(t, r)
	if claims := harness.DecodeClaims(t, a.Token); claims["iss"] != "https://id.example.org" || strings.Contains(fmt.Sprint(claims), "evil") {
		t.Errorf("the token says %v", claims)
	}
}
