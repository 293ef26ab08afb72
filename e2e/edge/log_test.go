package edge

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// line returns the line of the log about a request with an id.
func line(s *harness.Service, id string) map[string]any {
	s.T.Helper()
	for text := range strings.Lines(s.Logs.String()) {
		var fields map[string]any
		if json.Unmarshal([]byte(text), &fields) == nil && fields["msg"] == "request" && fields["requestId"] == id {
			return fields
		}
	}
	s.T.Errorf("the log has no request %q:\n%s", id, s.Logs)
	return nil
}

// The line of a request says who has sent it, and what came of it. A trusted proxy names the client and the request; nobody else does.
func TestLogOfRequests(t *testing.T) {
	t.Parallel()
	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	options := app.Options{Spans: tracetest.NewSpanRecorder()}
	trusting := harness.StartWith(t, dbtest.New(t), harness.BothLayers, options, "FREEHOLD_TRUSTED_PROXIES=127.0.0.1")
	open := harness.Start(t)
	const query, denied = `{"query":"{ me { id } }"}`, `{"query":"mutation Out { revokeOtherSessions { revokedSessionIds } }"}`
	for _, c := range []struct {
		s               *harness.Service
		body, id        string
		client, code    string
		keeps, hasTrace bool
	}{
		{trusting, query, "edge-7f3a:1", "203.0.113.7", "", true, true},
		{trusting, denied, "edge/2", "203.0.113.7", "UNAUTHENTICATED", true, true},
		{trusting, query, "two words", "203.0.113.7", "", false, true},
		{trusting, query, strings.Repeat("x", 129), "203.0.113.7", "", false, true},
		{open, query, "forged", "127.0.0.1", "", false, false},
	} {
		header := http.Header{
			"Content-Type": {"application/json"}, "X-Forwarded-For": {"203.0.113.7"}, "X-Request-Id": {c.id}, "Traceparent": {"00-" + traceID + "-00f067aa0ba902b7-01"},
		}
		r := c.s.Send(harness.Request{Header: header, Body: c.body})
		id := r.Header.Get("X-Request-Id")
		if (id == c.id) != c.keeps || id == "" {
			t.Errorf("a request called %q is called %q", c.id, id)
		}
		about := line(c.s, id)
		code, _ := about["code"].(string)
		if about["client"] != c.client || code != c.code || (about["traceId"] == traceID) != c.hasTrace || about["level"] != "INFO" {
			t.Errorf("the request %q: %v", c.id, about)
		}
	}
}

// Checks by machines are in the log at DEBUG, unless they fail.
func TestLogOfHealthChecks(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	level := func(path string) any {
		t.Helper()
		return line(s, s.Send(harness.Request{Method: http.MethodGet, Path: path}).Header.Get("X-Request-Id"))["level"]
	}
	for path, want := range map[string]string{"/healthz": "DEBUG", "/readyz": "DEBUG", "/nothing": "INFO"} {
		if got := level(path); got != want {
			t.Errorf("%s is logged at %v, want %s", path, got, want)
		}
	}
	s.DB.Query(t, `ALTER ROLE freehold_app CONNECTION LIMIT -1`)
	s.DB.Query(t, `REVOKE CONNECT ON DATABASE `+s.DB.Query(t, `SELECT current_database()`)[0]+` FROM freehold_app`)
	s.DB.Query(t, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`)
	if got := level("/readyz"); got != "INFO" {
		t.Errorf("a check that fails is logged at %v", got)
	}
}
