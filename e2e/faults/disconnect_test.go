package faults

import (
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// G16: clients that disconnect at any time cause no panic and no ERROR, and others are served.
func TestClientsThatHangUp(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	requests := []harness.Request{
		{Token: a.Token, Query: `{ me { email profile { birthday } } profiles { nodes { user { email } } } }`},
		{Token: a.Token, Query: harness.UpdateMutation, Vars: harness.Vars{"input": harness.Vars{"bio": "x"}}},
		{Token: a.Token, Query: `{ profile(username: "` + a.Username + `") { id } }`},
		{Token: a.Token, Query: `{ me { email } }`, Extensions: harness.Vars{"explain": true}},
	}
	var wg sync.WaitGroup
	for i := range 600 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.Int64N(int64(12*time.Millisecond))))
			defer cancel()
			s.TrySend(ctx, requests[i%len(requests)])
		})
		if i%30 == 29 {
			wg.Wait()
		}
	}
	wg.Wait()
	if r := s.Do(a.Token, `{ me { email } }`, nil); len(r.Errors) > 0 {
		t.Errorf("afterwards: %s", r.Body)
	}
	if strings.Contains(s.Logs.String(), "client went away") || len(s.Metrics().With(`freehold_requests_total{code="CLIENT_CLOSED_REQUEST"`)) > 0 {
		return
	}
	t.Error("no client disconnected during a request, so this proves nothing")
}

// slowBody is a body that takes longer to arrive than the server waits.
type slowBody struct {
	text  io.Reader
	delay time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	time.Sleep(b.delay)
	b.delay = 0
	return b.text.Read(p)
}

// G16: if the deadline passes before the operation begins, the reply is UNAVAILABLE and nothing runs.
func TestDeadlineBeforeTheOperation(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_REQUEST_TIMEOUT=1s")
	for name, body := range map[string]string{
		"a query":               `{"query": "{ usernameAvailable(username: \"free\") }"}`,
		"a mutation":            `{"query": "mutation { signUp(input: {email: \"ann@example.org\", password: \"` + harness.Password + `\", username: \"ann\"}) { user { id } } }"}`,
		"one that is explained": `{"query": "{ me { email } }", "extensions": {"explain": true}}`,
	} {
		r := s.Send(harness.Request{Stream: &slowBody{strings.NewReader(body), 1500 * time.Millisecond}})
		if r.Status != 503 || r.Code() != "UNAVAILABLE" || r.Errors[0].Extensions.RetryAfter == 0 || strings.Contains(r.Body, `"data"`) {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
		t.Error("there is an account")
	}
}
