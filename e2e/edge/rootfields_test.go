package edge

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// inUse waits until at least n connections are in use, and returns how many are a moment later.
func inUse(s *harness.Service, n int) int {
	s.T.Helper()
	used := func() int { return int(s.Metrics()["freehold_database_connections_in_use"]) }
	eventually.True(s.T, 10*time.Second, fmt.Sprintf("%d connections are in use", n), func() bool { return used() >= n })
	time.Sleep(200 * time.Millisecond)
	return used()
}

// G17: one request never takes the whole pool, however many fields of Query, or of one object, read the database at once.
func TestOneRequestNeverTakesThePool(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ connections, share int }{{2, 1}, {3, 1}, {5, 2}, {8, 4}, {20, 4}} {
		t.Run(strconv.Itoa(c.connections), func(t *testing.T) {
			t.Parallel()
			s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{}, fmt.Sprintf("FREEHOLD_DATABASE_CONNECTIONS=%d", c.connections))
			a := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
			for name, many := range map[string]struct{ token, query, blocked, meanwhile string }{
				"49 fields of Query, by an anonymous viewer": {"", "{" + aliases(48, `profile(username: "`+a.Username+`") { id }`) + `b0: profiles { nodes { id } } ` + "}", "app.profiles", `mutation { signOut(input: {refreshToken: "x"}) { success } }`},
				"49 fields of an object":                     {a.Token, "{ me {" + aliases(49, "securityEvents(first: 1) { nodes { id } }") + "} }", "app.security_events", `{ me { id sessions { nodes { id } } } }`},
			} {
				release := s.DB.Lock(t, many.blocked, "ACCESS EXCLUSIVE")
				answered := make(chan harness.Reply, 1)
				go func() {
					r, err := s.TryDo(many.token, many.query, nil)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					answered <- r
				}()
				if n := inUse(s, c.share); n != c.share {
					t.Errorf("%s: %d of %d connections are in use, want %d", name, n, c.connections, c.share)
				}
				begun := time.Now()
				if r := s.Do(a.Token, many.meanwhile, nil); len(r.Errors) > 0 || time.Since(begun) > 3*time.Second {
					t.Errorf("%s: another request in %v: %s", name, time.Since(begun), r.Body)
				}
				release()
				if r := <-answered; len(r.Errors) > 0 {
					t.Errorf("%s: %.500s", name, r.Body)
				}
			}
		})
	}
}
