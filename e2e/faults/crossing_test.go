package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// A17, D04: 10,000 requests of several viewers share two connections, and the client cancels every second one at a random
// moment. Every reply is exactly the one that its viewer gets without the others.
func TestViewersNeverCrossWhileRequestsAreCancelledOverHTTP(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_DATABASE_CONNECTIONS=2")
	connections := func() (n int) { // so far; a connection is closed when its statement is cut off
		fmt.Sscan(s.DB.Query(t, `SELECT sessions FROM pg_stat_database WHERE datname = current_database()`)[0], &n)
		return n
	}
	questions := crossingQuestions(s)
	var latency atomic.Int64 // of the last request that got a reply
	latency.Store(int64(10 * time.Millisecond))
	ask := func(q question, cancelled bool) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if cancelled {
			timer := time.AfterFunc(rand.N(time.Duration(latency.Load())/2), cancel)
			defer timer.Stop()
		}
		begun := time.Now()
		r, err := s.TrySend(ctx, q.request)
		if err != nil {
			return err
		}
		latency.Store(int64(time.Since(begun)))
		if string(r.Data) != q.want {
			t.Errorf("%s was answered\n%s\nwant\n%s", q.name, r.Body, q.want)
		}
		return nil
	}
	before := connections()
	var next, answered, cancelled atomic.Int64
	var workers sync.WaitGroup
	for range 12 {
		workers.Go(func() {
			for i := next.Add(1); i <= 10_000 && !t.Failed(); i = next.Add(1) {
				switch err := ask(questions[rand.N(len(questions))], i%2 == 0); {
				case err == nil:
					answered.Add(1)
				case errors.Is(err, context.Canceled):
					cancelled.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	cut := connections() - before
	t.Logf("%d answered, %d cancelled; %d statements were cut off", answered.Load(), cancelled.Load(), cut)
	if answered.Load() < 5000 || cancelled.Load() < 2500 || cut < 50 {
		t.Errorf("only %d answered, %d cancelled and %d statements cut off: too few to show anything", answered.Load(), cancelled.Load(), cut)
	}
}

// question is a request with the data that its viewer gets.
type question struct {
	name, want string
	request    harness.Request
}

// crossingQuestions returns requests of members and of anonymous viewers that show all private fields, with the replies that
// they get one after the other.
func crossingQuestions(s *harness.Service) (questions []question) {
	s.T.Helper()
	queries := map[string]string{
		"me":       `{ me { email profile { birthday phoneNumber } } }`,
		"nodes":    `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Profile { username birthday user { email } } } }`,
		"profiles": `{ profiles { nodes { username phoneNumber user { email } } } }`,
	}
	birthday := func(i int) string { return fmt.Sprintf("1961-04-1%d", i) }
	phone := func(i int) string { return fmt.Sprintf("+499990001112%d", i) }
	var members []harness.Account
	var ids []string
	for i, visibility := range []string{"PRIVATE", "PRIVATE", "MEMBERS", "PUBLIC"} {
		m := s.SignUp(harness.Vars{"visibility": visibility, "birthday": birthday(i), "phoneNumber": phone(i)})
		members, ids = append(members, m), append(ids, m.ProfileID)
	}
	// Two of three are anonymous: their transactions set no viewer, so they would show one that was left behind.
	for who, viewer := range append(members, make([]harness.Account, 2*len(members))...) {
		for name, query := range queries {
			q := question{name: fmt.Sprintf("%q by %d", name, who), request: harness.Request{Token: viewer.Token, Query: query}}
			if name == "nodes" {
				q.request.Vars = harness.Vars{"ids": ids}
			}
			r := s.Send(q.request)
			q.want = string(r.Data)
			if strings.Contains(r.Code(), "NOT_FOUND") { // of a row that the database must not show
				s.T.Errorf("%s: reaches what is hidden: %s", q.name, r.Body)
			}
			for i, m := range members {
				shown := strings.Contains(r.Body, m.Email) || strings.Contains(r.Body, birthday(i)) || strings.Contains(r.Body, phone(i))
				if shown != (i == who) {
					s.T.Errorf("%s: shows what is private of %d: %v: %s", q.name, i, shown, r.Body)
				}
			}
			questions = append(questions, q)
		}
	}
	return questions
}
