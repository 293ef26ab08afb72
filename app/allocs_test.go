package app_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freehold.dev/freehold/db/dbtest"
)

// TestAllocations bounds the allocations of an operation, from the HTTP request to the reply. It fails on a rise of more than 1 %: find
// out what allocates (go test -memprofile), and raise the bound only if the gain is worth it. Lower the bound after an improvement. The
// bounds are for the race detector, which makes sync.Pool drop values. The test is not parallel, since it counts the allocations of
// all goroutines.
func TestAllocations(t *testing.T) { //nolint:paralleltest // see above
	h := newTestApp(t, dbtest.New(t), false)
	signUp := func(n int) string {
		return fmt.Sprintf(`mutation { signUp(input: {email: "m%[1]d@example.org", password: "correct horse battery", username: "member%[1]d", profile: {visibility: PUBLIC}}) {
			user { profile { id username } } tokens { accessToken }
		} }`, n)
	}
	var account struct {
		Data struct {
			SignUp struct {
				User   struct{ Profile struct{ ID string } }
				Tokens struct{ AccessToken string }
			}
		}
	}
	another, last := "", 0
	for last < 50 {
		another = account.Data.SignUp.User.Profile.ID
		last++
		if text := post(h, signUp(last)); json.Unmarshal([]byte(text), &account) != nil || account.Data.SignUp.Tokens.AccessToken == "" {
			t.Fatal(text)
		}
	}
	always := func(document string) func() string { return func() string { return document } }
	for _, c := range []struct {
		name     string
		allowed  float64
		has      string // what a reply has, and how often
		times    int
		document func() string
	}{
		{"W1", 268, `"username"`, 1, always(`{ me { id email profile { id username displayName } } }`)},
		{"W2", 306, `"username"`, 1, always(`mutation { updateProfile(input: {displayName: "Ann"}) { profile { id username displayName } } }`)},
		{"W3", 309, `"FORBIDDEN"`, 1, always(`mutation { updateProfile(input: {id: "` + another + `", displayName: "Ann"}) { profile { id username displayName } } }`)},
		{"W4a", 1885, `"username"`, 50, always(`{ profiles(first: 50) { edges { node { id username displayName createdAt } } } }`)},
		{"W4a with viewerCan", 2867, `"username"`, 50, always(`{ profiles(first: 50) { edges { node { id username viewerCan { actions } } } } }`)},
		{"W4b", 2655, `"username"`, 50, always(`{ profiles(first: 50) { edges { node { id username birthday } } } }`)},
		{"W5", 1075, `"username"`, 1, func() string { last++; return signUp(last) }},
		{"W6", 700, `"username"`, 1, always(`mutation { signIn(input: {email: "m1@example.org", password: "correct horse battery"}) { user { profile { id username } } tokens { accessToken } } }`)},
	} {
		ask := func() string {
			body, err := json.Marshal(map[string]string{"query": c.document()})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(string(body)))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+account.Data.SignUp.Tokens.AccessToken)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Body.String()
		}
		if answer := ask(); strings.Count(answer, c.has) != c.times {
			t.Fatal(answer)
		}
		fewest := math.Inf(1) // of several measurements, since workers in the background allocate as well
		for range 5 {
			fewest = min(fewest, testing.AllocsPerRun(20, func() { ask() }))
		}
		if fewest > c.allowed*1.01 {
			t.Errorf("%s: %v allocations, want %v at most", c.name, fewest, c.allowed)
		}
	}
}
