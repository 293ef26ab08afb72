package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/modules"
)

// BenchmarkListOf50 compares requests for 50 profiles with and without rules, in turns, since machines are noisy. It reports the
// fastest tenth, and the cost of the rules in percent of a request. Both have gqlgen's closures around each rule.
func BenchmarkListOf50(b *testing.B) {
	d := dbtest.New(b)
	with, without := newTestApp(b, d, false), newTestApp(b, d, true)
	for i := range 50 {
		answer := post(with, fmt.Sprintf(`mutation { signUp(input: {email: "m%[1]d@example.org", password: "correct horse battery", username: "member%[1]d", profile: {visibility: PUBLIC}}) { user { id } } }`, i))
		if strings.Contains(answer, "errors") {
			b.Fatal(answer)
		}
	}
	const query = `{ profiles(first: 50) { edges { cursor node { id username displayName bio avatarUrl location visibility createdAt updatedAt viewerCan { actions } user { id createdAt } } } pageInfo { hasNextPage endCursor } } }`
	if answer := post(with, query); answer != post(without, query) || strings.Count(answer, `"username"`) != 50 {
		b.Fatal(answer)
	}
	var took [2][]time.Duration
	for i := 0; b.Loop(); i++ {
		for turn := range 2 {
			which := (i + turn) % 2
			handler, begun := []http.Handler{with, without}[which], time.Now()
			post(handler, query)
			took[which] = append(took[which], time.Since(begun))
		}
	}
	ns := func(which int) float64 {
		slices.Sort(took[which])
		return float64(took[which][len(took[which])/10])
	}
	b.ReportMetric(0, "ns/op") // it is about pairs of requests, and not useful
	b.ReportMetric(ns(0), "ns/with-rules")
	b.ReportMetric(ns(1), "ns/without")
	b.ReportMetric(100*(ns(0)-ns(1))/ns(0), "%-of-request")
	b.ReportMetric(testing.AllocsPerRun(20, func() { post(with, query) }), "allocs/with-rules")
	b.ReportMetric(testing.AllocsPerRun(20, func() { post(without, query) }), "allocs/without")
}

func newTestApp(t testing.TB, d dbtest.Database, withoutRules bool) http.Handler {
	t.Helper()
	c, err := config.Load([]string{"DATABASE_URL=" + d.App, "FREEHOLD_DATA_DIR=" + t.TempDir(), "FREEHOLD_RATE_LIMIT=off"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := modules.MustProgram().New(levers.With(t.Context(), levers.Levers{CheapPasswords: true, NoRules: withoutRules}), c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a.Handler()
}

func post(h http.Handler, query string) string {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		panic(err)
	}
	return string(text)
}
