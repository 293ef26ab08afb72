package edge

import (
	"net/http"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
)

// The quality values in Accept decide about the response's media type, and the media type about the status: a well-formed
// request that does not parse, validate or coerce is 200 for application/json and 400 for application/graphql-response+json.
func TestAcceptDecidesAboutTheStatus(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	const plain, response = "application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8"
	refused := map[string]string{
		"syntax":     `{"query": "{"}`,
		"validation": `{"query": "{ nope }"}`,
		"variables":  `{"query": "query ($u: String!) { profile(username: $u) { id } }"}`,
		"cost":       `{"query": "{ profiles(first: 100000) { nodes { id } } }"}`,
		"operation":  `{"query": "{ me { id } }", "operationName": "Nope"}`,
		"persisted":  `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + strings.Repeat("0", 64) + `"}}}`,
	}
	for accept, want := range map[string]string{
		"": plain, "*/*": plain, "application/json": plain, "application/*": plain, "text/html": plain, "application/json; charset=utf-8": plain, ";;;": plain,
		"application/graphql-response+json":                                                     response,
		"APPLICATION/GRAPHQL-RESPONSE+JSON":                                                     response,
		"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8":     response,
		"application/json, application/graphql-response+json":                                   plain,
		"application/json, application/graphql-response+json;q=0.9":                             plain,
		"application/json;q=0.9, application/graphql-response+json":                             response,
		"application/graphql-response+json;q=0":                                                 plain,
		"application/graphql-response+json;q=0, */*":                                            plain,
		"application/json;q=0, */*":                                                             response,
		"application/json;q=0.1, */*;q=0.5":                                                     response,
		"application/graphql-response+json, application/json, multipart/mixed":                  response,
		"multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json": response,
		"text/event-stream, application/graphql-response+json":                                  response,
		"application/graphql-response+jsonx":                                                    plain,
		"application/graphql-response+json;q=2, application/json;q=0.1":                         plain,
		"application/graphql-response+json;q=x, application/json;q=0.1":                         plain,
	} {
		header := http.Header{}
		if accept != "" {
			header.Set("Accept", accept)
		}
		r := s.Send(harness.Request{Header: header, Query: `{ __typename }`})
		if got := r.Header.Get("Content-Type"); got != want || r.Status != 200 {
			t.Errorf("Accept: %s: %d %s, want %s", accept, r.Status, got, want)
		}
		status := map[string]int{plain: 200, response: 400}[want]
		for name, body := range refused {
			if r := s.Send(harness.Request{Header: header, Body: body}); r.Status != status || r.Header.Get("Content-Type") != want || len(r.Errors) == 0 || strings.Contains(r.Body, `"data"`) {
				t.Errorf("Accept: %s, refused for its %s: %d %s", accept, name, r.Status, r.Body)
			}
		}
	}
}

// The content types and encodings that clients and proxies send are accepted. Others are 415.
func TestContentTypes(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, c := range []struct {
		contentType, encoding string
		status                int
	}{
		{"application/json", "", 200}, {"application/json; charset=utf-8", "", 200}, {"application/json;charset=utf8", "", 200},
		{`Application/JSON; Charset="UTF-8"`, "", 200}, {"application/json; charset=UTF8", "identity", 200}, {"application/json", "Identity", 200},
		{"application/json; charset=latin1", "", 415}, {"application/json; charset=utf-16", "", 415}, {"application/json", "gzip", 415},
		{"application/graphql", "", 415}, {"application/json, text/plain", "", 415}, {"application/jsonx", "", 415}, {"", "", 415},
	} {
		header := http.Header{"Content-Type": {c.contentType}}
		if c.encoding != "" {
			header.Set("Content-Encoding", c.encoding)
		}
		r := s.Send(harness.Request{Header: header, Query: `{ __typename }`})
		if r.Status != c.status || (c.status == 415) != (r.Code() == "BAD_REQUEST") {
			t.Errorf("%q, %q: %d %s, want %d", c.contentType, c.encoding, r.Status, r.Body, c.status)
		}
	}
}

// The replies of net/http itself have our form of errors: for a path, a method, a header, or a request that is not HTTP.
func TestEveryRefusalHasOurForm(t *testing.T) {
	t.Parallel()
	s, _ := harness.Listen(t, app.Options{})
	for name, c := range map[string]struct {
		sent string
		want string // status and code
	}{
		"no such page":            {"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n", "404 NOT_FOUND"},
		"no such asset":           {"GET /playground/nope.js HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 NOT_FOUND"},
		"no such page to post to": {"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "404 NOT_FOUND"},
		"no such mail":            {"GET /dev/mail/nope HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 NOT_FOUND"},
		"a foreign Host":          {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "421 BAD_REQUEST"},
		"a huge header":           {"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + strings.Repeat(".", 40<<10) + "\r\n\r\n", "431 BAD_REQUEST"},
		"a huge URL":              {"GET /graphql?query=" + strings.Repeat("a", 40<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", "431 BAD_REQUEST"},
		"no HTTP":                 {"nonsense\r\n\r\n", "400 BAD_REQUEST"},
		"no Host":                 {"GET /graphql HTTP/1.1\r\n\r\n", "400 BAD_REQUEST"},
		"another HTTP":            {"GET /graphql HTTP/7.0\r\nHost: x\r\n\r\n", "505 BAD_REQUEST"},
		"an unknown encoding":     {"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n", "501 BAD_REQUEST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, header, r := raw(s, c.sent)
			if got := status + " " + r.Code(); got != c.want || len(r.Errors) != 1 || r.Errors[0].Message == "" || header.Get("Content-Type") != "application/json; charset=utf-8" ||
				header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %v %s, want %s", status, header, r.Body, c.want)
			}
		})
	}
}

// The error for a batch says so, so that developers know which option of their client to change.
func TestBatchesAreRefusedByName(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, body := range []string{`[{"query": "{ me { id } }"}]`, ` []`, "\r\n\t[1]"} {
		if r := s.Send(harness.Request{Body: body}); r.Status != 400 || r.Code() != "BAD_REQUEST" || !strings.Contains(r.Errors[0].Message, "Batches are not supported") {
			t.Errorf("%q: %d %s", body, r.Status, r.Body)
		}
	}
}
