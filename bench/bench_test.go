//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/bench/load"
	"freehold.dev/freehold/bench/requests"
)

var testUser = requests.User{
	Email: "ann@example.org", Username: "ann", UserID: "user", ProfileID: "profile", Session: "session", DisplayName: "Ann", Bio: "Bio",
}

func TestParseVariant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]variant{
		"old=/bin/freehold":                         {name: "old", path: "/bin/freehold"},
		"gc=/bin/freehold,GOGC=200,GOMEMLIMIT=1GiB": {name: "gc", path: "/bin/freehold", env: []string{"GOGC=200", "GOMEMLIMIT=1GiB"}},
	} {
		got, err := parseVariant(text)
		if err != nil || got.name != want.name || got.path != want.path || !slices.Equal(got.env, want.env) {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "freehold", "=path", "name="} {
		if v, err := parseVariant(text); err == nil {
			t.Errorf("%q is %+v; want an error", text, v)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	if o, err := parseOptions(nil); err != nil || len(o.variants) != 1 || o.connections != 16 {
		t.Errorf("without flags: %+v, %v", o, err)
	}
	for _, args := range []string{"-loads W9", "-servers Hasura", "-rounds 0", "-accounts 10", "-connections 0", "-duration 1ms", "-freehold x"} {
		if _, err := parseOptions(strings.Fields(args)); err == nil {
			t.Errorf("%s is no error", args)
		}
	}
}

// An update with a correct reply that was not stored is found by reading the viewer.
func TestUpdatesThatAreNotStoredFail(t *testing.T) {
	t.Parallel()
	u := testUser
	name := u.DisplayName
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"data":{"me":{"id":"user","email":"ann@example.org","profile":{"id":"profile","username":"ann","displayName":"%s","bio":"Bio"}}}}`, name)
	}))
	defer fake.Close()
	b := &bench{options: options{connections: 1}}
	s := &server{dialect: requests.Freehold{}, data: &data{users: []*requests.User{&u}}, addr: strings.TrimPrefix(fake.URL, "http://")}
	for _, c := range []struct {
		stamp, stored string
		right         bool
	}{
		{"s000000000007", name, false},
		{"s000000000007", "s000000000007", true},
		{load.Stamp, "s000000000007", true}, // the load changed nothing
		{load.Stamp, "Mallory", false},
	} {
		name = c.stored
		err := b.checkStored(t.Context(), s, []*load.Call{{LastStamp: c.stamp}}, kinds[1])
		if (err == nil) != c.right {
			t.Errorf("%s was to be stored, and %s is: %v", c.stamp, c.stored, err)
		}
	}
}

func made(rate float64, p99, cpu time.Duration, memory int) []sample {
	return []sample{
		{rate: rate / 2, p99: 2 * p99, server: cpu, memory: memory, requests: 1},
		{rate: rate, p99: p99, server: cpu, memory: memory / 2, requests: 1},
		{rate: rate * 2, p99: p99 / 2, server: cpu, memory: memory / 2, requests: 1},
	}
}

func TestReportSaysWhichTargetsAreMet(t *testing.T) {
	t.Parallel()
	peers := map[string][]sample{
		"PostGraphile": {{rate: 1200, p99: 20 * time.Millisecond, server: 8e6}}, "Apollo": {{rate: 2000, p99: 10 * time.Millisecond, database: 4e6}},
	}
	for name, c := range map[string]struct {
		own  []sample
		want string
	}{
		"all met":  {made(7200, 5*time.Millisecond, 1e6, 59e6), "| 6.00 | 3.60 | 3.60 of 2.5 | yes | yes | 0.25 | 0.50 | yes | 59 | yes |"},
		"one peer": {made(7000, 5*time.Millisecond, 1e6, 59e6), "| 5.83 | 3.50 | 3.50 of 2.5 | yes | no | 0.25 | 0.50 | yes | 59 | yes |"},
		"not all":  {made(5000, 6*time.Millisecond, 1e6, 61e6), "| 4.17 | 2.50 | 2.50 of 2.5 | yes | no | 0.25 | 0.60 | no | 61 | no |"},
		"too slow": {made(4900, 5*time.Millisecond, 1e6, 30e6), "| 4.08 | 2.45 | 2.45 of 2.5 | no | no | 0.25 | 0.50 | yes | 30 | yes |"},
	} {
		all := results{"W1": {"freehold": c.own, "PostGraphile": peers["PostGraphile"], "Apollo": peers["Apollo"]}}
		var text strings.Builder
		b := &bench{options: options{servers: []string{"freehold"}, rounds: 3}, servers: []*server{{name: "freehold"}}}
		if err := b.report(&text, "2 cores", all); err != nil || !strings.Contains(text.String(), c.want) {
			t.Errorf("%s: %v\n%s\nwant %s", name, err, &text, c.want)
		}
	}
}

func TestReportSaysWhatRowSecurityTakes(t *testing.T) {
	t.Parallel()
	all := results{"W1": {
		"freehold": made(1000, 1e6, 400*time.Microsecond, 1),
		"pgbench":  {{database: 150 * time.Microsecond}}, "pgbench without row security": {{database: 50 * time.Microsecond}},
	}}
	var text strings.Builder
	printRowSecurity(&printer{w: &text}, all, kinds[:1], []string{"freehold"})
	if want := "takes 0.10 ms of a request of W1, 25 %, target under 25 %: no."; !strings.Contains(text.String(), want) {
		t.Errorf("%s; want %s", &text, want)
	}
}

// Figures that pgbench's samples do not have are not in the medians.
func TestReportSaysWhatOtherProgramsTook(t *testing.T) {
	t.Parallel()
	all := results{"W1": {
		"freehold": {{others: 0.125, generator: 0.07, thorough: 0.01, requests: 1}}, "pgbench": {{}, {}}, "pgbench without row security": {{}, {}},
	}}
	var text strings.Builder
	b := &bench{options: options{servers: []string{"freehold", "pgbench"}, rounds: 1}, servers: []*server{{name: "freehold"}}}
	if err := b.report(&text, "2 cores", all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"took 7 % of one core", "took 12 % of the machine", "at most 1.0 % of the answers"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, &text)
		}
	}
}

func TestScriptsHaveIDs(t *testing.T) {
	t.Parallel()
	bob := requests.User{UserID: "user-of-bob", Session: "session-of-bob"}
	b := &bench{data: map[string]*data{"freehold": {users: []*requests.User{&testUser, &bob}}}}
	for load, script := range transactions() {
		script = b.withIDs(script)
		if strings.Contains(script, "USER") || strings.Contains(script, "SESSION") || !strings.Contains(script, "session,session-of-bob") {
			t.Errorf("%s: %.300s", load, script)
		}
		for line := range strings.Lines(script) {
			if !strings.HasSuffix(line, ";\n") {
				t.Errorf("%s: a line is no statement: %.100s", load, line)
			}
		}
	}
}
