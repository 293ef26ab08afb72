package edge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

var metricsURL = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/metrics`)

// Metrics have an address of their own, and are served only there.
func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	s, drain := harness.Listen(t, app.Options{}, "FREEHOLD_METRICS_ADDR=127.0.0.1:0")
	s.Do("", `{ me { id } }`, nil)
	if status, _ := s.Get("/metrics"); status != http.StatusNotFound {
		t.Errorf("/metrics at the public address: %d", status)
	}
	url := metricsURL.FindString(s.Logs.String())
	all, _ := s.MetricsAt(url)
	for _, name := range []string{"go_goroutines", "process_open_fds", "freehold_database_connections_open", `freehold_requests_total{code="ok",kind="query",operation=""}`} {
		if all[name] == 0 {
			t.Errorf("%s is missing", name)
		}
	}
	if err := drain(); err != nil {
		t.Error(err)
	}
	if _, err := s.TrySend(t.Context(), harness.Request{Method: http.MethodGet, Path: url}); err == nil {
		t.Error("metrics are still served after the end")
	}
	silent, _ := harness.Listen(t, app.Options{})
	if strings.Contains(silent.Logs.String(), "serving metrics") {
		t.Error("metrics are served although they are not configured")
	}
}

// Requests are counted by operation and outcome, refused fields by rule and code.
func TestRequestsAndDenialsAreCounted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	ann, bob := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(harness.Vars{"visibility": "PRIVATE"})
	for range 12 { // a name becomes a label when it occurs for the tenth time
		s.Do(ann.Token, `query Mine { me { id } }`, nil)
	}
	s.Do("", `{ me { id } }`, nil)
	s.Do("", `{ nonsense`, nil)
	s.Do("", `query Unknown { nonsense }`, nil)
	s.Send(harness.Request{Method: http.MethodGet})
	s.Do(bob.Token, `query Peek($u: String!) { profile(username: $u) { birthday phoneNumber user { email } } }`, harness.Vars{"u": ann.Username})
	s.Do("", `mutation Out { revokeOtherSessions { count } }`, nil)
	s.Do(ann.Token, `mutation Steal($id: ID!) { updateProfile(input: {id: $id, bio: "x"}) { profile { id } } }`, harness.Vars{"id": bob.ProfileID})

	all := s.Metrics()
	for prefix, want := range map[string]harness.Metrics{
		"freehold_requests_total": {
			`freehold_requests_total{code="ok",kind="mutation",operation=""}`:                    2,
			`freehold_requests_total{code="ok",kind="query",operation="Mine"}`:                   3,
			`freehold_requests_total{code="ok",kind="query",operation="other"}`:                  9,
			`freehold_requests_total{code="ok",kind="query",operation=""}`:                       1,
			`freehold_requests_total{code="GRAPHQL_PARSE_FAILED",kind="none",operation=""}`:      1,
			`freehold_requests_total{code="GRAPHQL_VALIDATION_FAILED",kind="none",operation=""}`: 1,
			`freehold_requests_total{code="BAD_REQUEST",kind="none",operation=""}`:               1,
			`freehold_requests_total{code="FORBIDDEN",kind="query",operation="other"}`:           1,
			`freehold_requests_total{code="UNAUTHENTICATED",kind="mutation",operation="other"}`:  1,
			`freehold_requests_total{code="NOT_FOUND",kind="mutation",operation="other"}`:        1,
		},
		"freehold_request_duration_seconds_count": {
			`freehold_request_duration_seconds_count{kind="mutation",operation=""}`:      2,
			`freehold_request_duration_seconds_count{kind="query",operation="Mine"}`:     3,
			`freehold_request_duration_seconds_count{kind="query",operation=""}`:         1,
			`freehold_request_duration_seconds_count{kind="none",operation=""}`:          3,
			`freehold_request_duration_seconds_count{kind="query",operation="other"}`:    10,
			`freehold_request_duration_seconds_count{kind="mutation",operation="other"}`: 2,
		},
		"freehold_denials_total": {
			`freehold_denials_total{code="FORBIDDEN",rule="@owner"}`:          3,
			`freehold_denials_total{code="NOT_FOUND",rule="@owner"}`:          1,
			`freehold_denials_total{code="UNAUTHENTICATED",rule="@signedIn"}`: 1,
		},
	} {
		if got := all.With(prefix); !maps.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
}

// Without the policies, @visible refuses the rows that the database would have hidden.
func TestDenialsOfHiddenRowsAreCounted(t *testing.T) {
	t.Parallel()
	s := harness.StartWith(t, dbtest.New(t), harness.RulesAlone, app.Options{})
	hidden := s.SignUp(harness.Vars{"visibility": "PRIVATE"})
	s.Do("", `query ($u: String!) { profile(username: $u) { bio displayName } }`, harness.Vars{"u": hidden.Username})
	if got := s.Metrics()[`freehold_denials_total{code="NOT_FOUND",rule="@visible"}`]; got != 2 {
		t.Errorf("%v refusals by @visible, want 2", got)
	}
}

// There are few series and no long labels, however many names clients send. A flood of new names neither displaces a frequent
// name nor keeps a later one from becoming a label.
func TestNamesOfOperationsAreBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	ask := func(name string, times int) {
		for range times {
			s.Do("", `query `+name+` { __typename }`, nil)
		}
	}
	ask("Usual", 10)
	ask(strings.Repeat("long", 1000), 12)
	for i := range 1200 {
		ask(fmt.Sprintf("Flood%d", i), 1)
	}
	ask("Usual", 5)
	ask("Later", 12)
	all := s.Metrics()
	for name, want := range map[string]float64{"Usual": 6, "Later": 3, "other": 9 + 12 + 1200 + 9} {
		if n := all[`freehold_requests_total{code="ok",kind="query",operation="`+name+`"}`]; n != want {
			t.Errorf("%v requests of %s, want %v", n, name, want)
		}
	}
	for _, name := range []string{"freehold_requests_total", "freehold_request_duration_seconds_count"} {
		if n := len(all.With(name)); n != 3 {
			t.Errorf("%d series of %s", n, name)
		}
	}
}

// A burst of sign-ins shows in the metrics of the hash queue: those refused are counted, and in the end none waits.
func TestRefusedHashesAreCounted(t *testing.T) {
	t.Parallel()
	s := harness.Setup{FullCost: true, Settings: []string{"FREEHOLD_PASSWORD_QUEUE=1"}}.Start(t)
	var wg sync.WaitGroup
	codes := make([]string, 30)
	for i := range codes {
		wg.Go(func() {
			codes[i] = s.Do("", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": "nobody@example.org", "password": harness.Password}}).Code()
		})
	}
	wg.Wait()
	refused := 0
	for _, code := range codes {
		if code == "RATE_LIMITED" {
			refused++
		}
	}
	want := harness.Metrics{"freehold_password_hashes_refused_total": float64(refused), "freehold_password_hashes_waiting": 0, "freehold_password_hashes_running": 0}
	if got := s.Metrics().With("freehold_password_hashes"); refused == 0 || !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// failOnce returns a hook of sign-ups whose first transaction the database fails.
func failOnce() accounts.Hook {
	failed := false
	return func(ctx context.Context, tx *db.Tx, _ *db.Profile) error {
		if failed {
			return nil
		}
		failed = true
		var n int
		return tx.Get(ctx, &n, `SELECT app.fail()`)
	}
}

const failFunction = `CREATE FUNCTION app.fail() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'canary-of-a-secret' USING ERRCODE = 'serialization_failure'; END $$`

// A retried transaction is counted with the reason, and afterwards no connection is in use.
func TestRetriesAndThePoolAreCounted(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	d.Query(t, failFunction)
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{failOnce()}}}}})
	s.SignUp(nil)
	all := s.Metrics()
	if got, want := all.With("freehold_transaction_retries"), (harness.Metrics{`freehold_transaction_retries_total{reason="serialization_failure"}`: 1}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	open, idle, used := all["freehold_database_connections_open"], all["freehold_database_connections_idle"], all["freehold_database_connections_in_use"]
	if _, waits := all["freehold_database_waits_total"]; open < 1 || idle != open || used != 0 || !waits {
		t.Errorf("connections: %v", all.With("freehold_database"))
	}
}

func attributes(span sdktrace.ReadOnlySpan) map[string]string {
	found := map[string]string{}
	for _, a := range span.Attributes() {
		found[string(a.Key)] = a.Value.String()
	}
	return found
}

// A request's spans belong to the trace that its client began: request, operation, transaction and statement, each within the
// one before.
func TestSpansOfARequest(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Spans: recorder})
	a := s.SignUp(nil)
	recorder.Reset()
	const traceID, client = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + a.Token}, "Traceparent": {"00-" + traceID + "-" + client + "-01"}}
	r := s.Send(harness.Request{Header: header, Body: `{"query": "query Mine { me { profile { username } } }"}`})

	byID := map[trace.SpanID]sdktrace.ReadOnlySpan{}
	for _, span := range recorder.Ended() {
		if got := span.SpanContext().TraceID().String(); got != traceID {
			t.Errorf("%s is of the trace %s", span.Name(), got)
		}
		byID[span.SpanContext().SpanID()] = span
	}
	statements := 0
	for id, span := range byID {
		query := attributes(span)["db.query.text"]
		if query == "" {
			continue
		}
		statements++
		var chain []string
		for byID[id] != nil {
			chain = append(chain, byID[id].Name())
			id = byID[id].Parent().SpanID()
		}
		if want := []string{"SELECT", "transaction", "query Mine", "POST /graphql"}; !slices.Equal(chain, want) || id.String() != client {
			t.Errorf("%q is in %v, begun by %s", query, chain, id)
		}
	}
	if statements < 1 {
		t.Errorf("%d statements in %d spans", statements, len(byID))
	}
	for _, span := range byID {
		if at := attributes(span); span.Name() == "POST /graphql" && (at["http.response.status_code"] != "200" || at["freehold.request_id"] != r.Header.Get("X-Request-Id")) {
			t.Errorf("the request's span has %v", at)
		}
	}
}

// Spans record failures by their kind: the attempt that the database failed, the statement in it, and the refusal.
func TestSpansRecordTheKindOfFailure(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	d.Query(t, failFunction)
	recorder := tracetest.NewSpanRecorder()
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{Spans: recorder, Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{failOnce()}}}}})
	a := s.SignUp(nil)
	s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": a.Email, "password": harness.Password, "username": "another"}})
	s.Do("", `mutation Out { revokeOtherSessions { count } }`, nil)
	got := map[string]int{}
	for _, span := range recorder.Ended() {
		if kind := attributes(span)["error.type"]; kind != "" {
			got[fmt.Sprintf("%s %s %s%s", span.Name(), kind, span.Status().Code, span.Status().Description)]++
		}
	}
	want := map[string]int{
		"SELECT serialization_failure Error": 1, "transaction serialization_failure Error": 1,
		"mutation CONFLICT Unset": 1, "mutation Out UNAUTHENTICATED Unset": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// collector is an OTLP receiver that keeps what it gets: protocol buffers, which contain texts as they are.
func collector(t *testing.T) (url string, received func() string) {
	t.Helper()
	var mu sync.Mutex
	var all bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&all, r.URL.Path)
		io.Copy(&all, r.Body)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

// Spans reach the collector that OTEL_… names before the server has ended. Spans and metrics contain nothing that a client
// may want to keep private.
func TestNothingSecretIsInMetricsAndTraces(t *testing.T) { //nolint:paralleltest // the environment is the process's
	url, received := collector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	s, drain := harness.Listen(t, app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{failOnce()}}}}}, "FREEHOLD_METRICS_ADDR=127.0.0.1:0")
	s.DB.Query(t, failFunction) // PostgreSQL's error quotes the secret
	const secret = "canary-of-a-secret"
	ann := s.SignUpAs("canary-name", harness.Vars{"bio": secret, "phoneNumber": harness.CanaryPhone, "birthday": harness.CanaryBirthday, "visibility": "PUBLIC"})
	bob := s.SignUp(nil)
	s.Do("", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": ann.Email, "password": secret}})
	s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": ann.Email, "password": harness.Password, "username": "taken-by"}})
	s.Do(bob.Token, `query Canaries { canaryAlias: profile(username: "canary-name") { phoneNumber bio } } # `+secret, nil)
	s.Do(ann.Token, `query ($u: String!) { profile(username: $u) { id user { email } birthday } me { id email } }`, harness.Vars{"u": ann.Username})
	s.Do("", `{ me { canaryField(x: "`+secret+`") } }`, nil)
	s.Do("", `{ "`+secret+`"`, nil)
	s.Do(ann.Token+"x", `{ me { id } }`, nil)
	renewed := harness.Browser{Service: s, Refresh: bob.Refresh}
	renewed.Expect("by cookies", bob.Email)
	s.Send(harness.Request{Method: "CANARYMETHOD", Header: http.Header{"Content-Type": {secret}, "User-Agent": {secret}, "X-Forwarded-For": {secret}, "Baggage": {"a=" + secret}, "Cookie": {"freehold=" + secret}, "Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "Tracestate": {"a=" + secret}}, Body: secret})
	s.Get("/" + secret)
	_, shown := s.MetricsAt(metricsURL.FindString(s.Logs.String()))
	if err := drain(); err != nil {
		t.Fatal(err)
	}
	spans := received()
	for _, want := range []string{"/v1/traces\n", "freehold", "POST /graphql", "query Canaries", "transaction", "FROM app.enter($1, $2)", "4bf92f3577b34da6", "serialization_failure"} {
		if want = strings.ReplaceAll(want, "4bf92f3577b34da6", "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6"); !strings.Contains(spans, want) {
			t.Errorf("the collector was not sent %q", want)
		}
	}
	for _, canary := range []string{
		secret, harness.Password, ann.Email, ann.Username, ann.UserID, ann.ProfileID, ann.Token, ann.Token[:40], ann.Refresh, bob.Token, bob.Refresh, renewed.Access, renewed.Refresh, harness.CanaryPhone, harness.CanaryBirthday,
		"canaryAlias", "canaryField", "CANARYMETHOD", "taken-by", "127.0.0.1",
	} {
		if strings.Contains(spans, canary) {
			t.Errorf("a span holds %q", canary)
		}
		if strings.Contains(shown, canary) {
			t.Errorf("a metric holds %q", canary)
		}
	}
}

// A collector that does not answer delays the end of the server by at most the drain timeout, and is not an error.
func TestSilentCollectorDoesNotHoldTheServer(t *testing.T) { //nolint:paralleltest // as above
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-gone }))
	defer server.Close()
	defer close(gone)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", server.URL)
	s, drain := harness.Listen(t, app.Options{}, "FREEHOLD_DRAIN_TIMEOUT=1s")
	s.Do("", `{ me { id } }`, nil)
	begun := time.Now()
	if err := drain(); err != nil || time.Since(begun) > 8*time.Second {
		t.Errorf("drained after %v: %v", time.Since(begun), err)
	}
	if !strings.Contains(s.Logs.String(), "failed to send the remaining traces") && !strings.Contains(s.Logs.String(), "failed to send traces") {
		t.Error("the log does not report it")
	}
}
