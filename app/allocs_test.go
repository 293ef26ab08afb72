package app_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freehold/db/dbtest"
)

// TestAllocations bounds what an operation allocates, from the HTTP request to the reply. A rise of more than 1 % fails: find out what
// allocates (go test -memprofile), and raise the bound only for what is worth it. Lower it after a gain. It is not parallel, since the
// allocations of all goroutines are counted.
func TestAllocations(t *testing.T) { //nolint:paralleltest // see above
	h := newTestApp(t, dbtest.New(t), false)
	token := ""
	for i := range 50 {
		var answer struct {
			Data struct {
				SignUp struct{ Tokens struct{ AccessToken string } }
			}
		}
		text := post(h, fmt.Sprintf(`mutation { signUp(input: {email: "m%[1]d@example.org", password: "correct horse battery", username: "member%[1]d", profile: {visibility: PUBLIC}}) { tokens { accessToken } } }`, i))
		if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Data.SignUp.Tokens.AccessToken == "" {
			t.Fatal(text, err)
		}
		token = answer.Data.SignUp.Tokens.AccessToken
	}
	for _, c := range []struct {
		query   string
		allowed float64
		replies int // how often the reply has a username
	}{
		{`{ me { id email profile { id username displayName } } }`, 495, 1},
		{`mutation { updateProfile(input: {displayName: "Ann"}) { profile { id username displayName } } }`, 435, 1},
		{`{ profiles(first: 50) { edges { node { id username displayName createdAt } } } }`, 2565, 50},
		{`{ profiles(first: 50) { edges { node { id username viewerCan } } } }`, 2870, 50},
		{`{ profiles(first: 50) { edges { node { id username birthday } } } }`, 3720, 50}, // with the race detector, sync.Pool forgets
	} {
		body, err := json.Marshal(map[string]string{"query": c.query})
		if err != nil {
			t.Fatal(err)
		}
		ask := func() string {
			r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(string(body)))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Body.String()
		}
		if answer := ask(); strings.Count(answer, `"username":"`) != c.replies {
			t.Fatal(answer)
		}
		fewest := math.Inf(1) // of several measurements, since workers in the background allocate as well
		for range 5 {
			fewest = min(fewest, testing.AllocsPerRun(20, func() { ask() }))
		}
		if fewest > c.allowed*1.01 {
			t.Errorf("%s: %v allocations, want %v at most", c.query, fewest, c.allowed)
		}
	}
}
