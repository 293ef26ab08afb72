package edge

import (
	"fmt"
	"math"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// Each operation takes a fixed number of round trips to PostgreSQL, which take most of its time. Other parts of the service
// use the database too, such as the worker of the outbox, and a new connection prepares its statements. So the least of
// several tries counts.
func TestTripsOfOperations(t *testing.T) {
	t.Parallel()
	s, p := harness.StartBehindProxy(t)
	a, another := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	for _, c := range []struct {
		name  string
		trips int
		code  string
		run   func() harness.Reply
	}{
		{"a document that reads no row, by a member", 1, "", func() harness.Reply { return s.Do(a.Token, `{ __typename }`, nil) }},
		{"me with e-mail and profile", 1, "", func() harness.Reply {
			return s.Do(a.Token, `{ me { id email profile { id username displayName bio } } }`, nil)
		}},
		{"updateProfile", 1, "", func() harness.Reply { return s.Do(a.Token, harness.BioMutation, harness.Vars{"bio": "x"}) }},
		{"updateProfile, by its id", 2, "", func() harness.Reply {
			return s.Do(a.Token, harness.UpdateMutation, harness.Vars{"input": harness.Vars{"id": a.ProfileID, "bio": "x"}})
		}},
		{"updateProfile, another user's", 1, "FORBIDDEN", func() harness.Reply {
			return s.Do(a.Token, harness.UpdateMutation, harness.Vars{"input": harness.Vars{"id": another.ProfileID, "bio": "x"}})
		}},
		{"profiles, 50", 1, "", func() harness.Reply {
			return s.Do(a.Token, `{ profiles(first: 50) { nodes { id username displayName bio } } }`, nil)
		}},
		{"profiles, 50, with the birthday of each", 2, "FORBIDDEN", func() harness.Reply { // the page, and the viewer's own birthday
			return s.Do(a.Token, `{ profiles(first: 50) { nodes { id username displayName bio birthday } } }`, nil)
		}},
		{"profiles, 50, by an anonymous viewer", 1, "", func() harness.Reply {
			return s.Do("", `{ profiles(first: 50) { nodes { id username displayName bio } } }`, nil)
		}},
		{"sign-in", 8, "", func() harness.Reply {
			return s.Do("", harness.SignInMutation, harness.Vars{"i": harness.Vars{"email": a.Email, "password": harness.Password}})
		}},
		{"sign-up", 10, "", func() harness.Reply {
			name := fmt.Sprint("trips-", harness.Serial.Add(1))
			return s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": name + "@example.org", "password": harness.Password, "username": name}})
		}},
	} {
		least := math.MaxInt
		for range 6 {
			before := p.Trips()
			if r := c.run(); r.Code() != c.code {
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
