package e2e

import (
	"fmt"
	"math"
	"testing"
)

// Each operation takes so many trips to PostgreSQL, which is most of the time that it takes. The database has other clients in the
// service, such as the worker of the outbox, and a new connection prepares its statements, so the least of several tries counts.
func TestTripsOfOperations(t *testing.T) {
	t.Parallel()
	s, p := startBehindProxy(t)
	a, another := s.signUp(vars{"visibility": "PUBLIC"}), s.signUp(vars{"visibility": "PUBLIC"})
	for _, c := range []struct {
		name  string
		trips int
		code  string
		run   func() reply
	}{
		{"a document that reads no row, by a member", 1, "", func() reply { return s.do(a.Token, `{ __typename }`, nil) }},
		{"me with e-mail and profile", 1, "", func() reply {
			return s.do(a.Token, `{ me { id email profile { id username displayName bio } } }`, nil)
		}},
		{"updateProfile", 1, "", func() reply { return s.do(a.Token, bioMutation, vars{"bio": "x"}) }},
		{"updateProfile, by its id", 2, "", func() reply {
			return s.do(a.Token, updateMutation, vars{"input": vars{"id": a.ProfileID, "bio": "x"}})
		}},
		{"updateProfile, another's", 1, "FORBIDDEN", func() reply {
			return s.do(a.Token, updateMutation, vars{"input": vars{"id": another.ProfileID, "bio": "x"}})
		}},
		{"profiles, 50", 1, "", func() reply {
			return s.do(a.Token, `{ profiles(first: 50) { nodes { id username displayName bio } } }`, nil)
		}},
		{"profiles, 50, with the birthday of each", 2, "FORBIDDEN", func() reply { // the page, and the viewer's own
			return s.do(a.Token, `{ profiles(first: 50) { nodes { id username displayName bio birthday } } }`, nil)
		}},
		{"profiles, 50, by nobody", 1, "", func() reply {
			return s.do("", `{ profiles(first: 50) { nodes { id username displayName bio } } }`, nil)
		}},
		{"sign-in", 8, "", func() reply { return s.do("", signInMutation, vars{"i": vars{"email": a.Email, "password": password}}) }},
		{"sign-up", 10, "", func() reply {
			name := fmt.Sprint("trips-", serial.Add(1))
			return s.do("", signUpMutation, vars{"input": vars{"email": name + "@example.org", "password": password, "username": name}})
		}},
	} {
		least := math.MaxInt
		for range 6 {
			before := p.Trips()
			if r := c.run(); r.code() != c.code {
				t.Fatalf("%s: %s", c.name, r.Body)
			}
			least = min(least, p.Trips()-before)
		}
		switch {
		case least > c.trips:
			t.Errorf("%s takes %d trips, more than %d", c.name, least, c.trips)
		case least < c.trips:
			t.Errorf("%s takes only %d trips: lower the number, which is %d", c.name, least, c.trips)
		}
	}
}
