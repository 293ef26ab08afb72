package faults

import (
	"flag"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/e2e/faults/load"
	"freehold.dev/freehold/e2e/harness"
)

var soak = flag.Duration("soak", 0, "TestSoak: how long the service serves; 0 for a few seconds")

// sample is what a service takes at a moment.
type sample struct {
	heap, rss   float64 // bytes; of the heap, those that are in use after a collection
	goroutines  float64
	connections float64 // to the database, with those that purge
	rows, size  float64 // of all tables; bytes with their indexes
}

// quantities are what must stay flat. Slack is how much each may grow besides a tenth, since small numbers vary more.
var quantities = []struct {
	name  string
	of    func(sample) float64
	slack float64
	unit  float64
}{
	{"live heap, MB", func(s sample) float64 { return s.heap }, 3 << 20, 1 << 20}, // caches with a limit fill, such as that of verified tokens
	{"memory, MB", func(s sample) float64 { return s.rss }, 20 << 20, 1 << 20},    // a hash of a password takes 19 MB for a while
	{"goroutines", func(s sample) float64 { return s.goroutines }, 6, 1},
	{"connections", func(s sample) float64 { return s.connections }, 2, 1},
	{"rows", func(s sample) float64 { return s.rows }, 300, 1},
	{"tables, MB", func(s sample) float64 { return s.size }, 1 << 20, 1 << 20},
}

// A service under load, whose users sign up and are deleted, takes no more memory, connections and rows at the end than at the beginning.
// Time passes faster for its rows, so that all that is purged one day is purged meanwhile.
func TestSoak(t *testing.T) {
	t.Parallel()
	lasts, every := *soak, min(time.Minute, *soak/30)
	if *soak == 0 {
		lasts, every = 6*seconds, seconds/3
	}
	s := newSite(t, *seed, private)
	s.instances = s.instances[:1]
	at := func() string { return fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t)) }
	metrics, pprof := at(), at()
	s.instances[0].start("FREEHOLD_METRICS_ADDR="+metrics, "FREEHOLD_PPROF_ADDR="+pprof)
	d, err := db.Open(db.Options{URL: s.DB.App, MaxConnections: 2, StatementTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s.load = load.Start(load.Settings{Service: s.Service, Seed: *seed, Clients: 8, Pause: 50 * time.Millisecond, Purged: true})
	t.Cleanup(s.load.Stop)

	var samples []sample
	begun := time.Now()
	for next := begun; time.Since(begun) < lasts || len(samples) < 10; { // on a slow machine, ten samples take longer
		next = next.Add(every)
		time.Sleep(time.Until(next))
		var x sample
		s.load.Quiet(func() {
			s.age(d)
			x = s.measure(metrics, pprof)
		})
		samples = append(samples, x)
		if *soak > 0 {
			requests, failed := s.load.Counts()
			fmt.Printf("%8s  %d requests, %d failed  %s\n", time.Since(begun).Round(time.Second), requests, failed, x)
		}
	}
	s.load.Stop()
	fault{id: "soak", share: 0.01, codes: []string{"UNAVAILABLE"}}.verdict(s, s.load.Check(), 0)
	expectFlat(t, samples)
}

// expectFlat compares the last tenth of the samples with an early one: the tenth after the first fifth, in which caches fill.
func expectFlat(t *testing.T, samples []sample) {
	t.Helper()
	tenth := max(1, len(samples)/10)
	early, late := samples[2*tenth:3*tenth], samples[len(samples)-tenth:]
	for _, q := range quantities {
		before, after := least(early, q.of), least(late, q.of)
		line := fmt.Sprintf("%s: %.1f early, %.1f late", q.name, before/q.unit, after/q.unit)
		if after > 1.1*before+q.slack {
			t.Error(line)
		} else if *soak > 0 {
			fmt.Println(line)
		}
	}
}

// least returns the least of some samples, since others are higher for a moment: memory, until the collector has returned it.
func least(list []sample, of func(sample) float64) float64 {
	x := of(list[0])
	for _, s := range list {
		x = min(x, of(s))
	}
	return x
}

func (x sample) String() string {
	var text strings.Builder
	for _, q := range quantities {
		fmt.Fprintf(&text, "  %s %.1f", q.name, q.of(x)/q.unit)
	}
	return text.String()
}

var heapAlloc = regexp.MustCompile(`# HeapAlloc = (\d+)`)

// liveHeap returns the bytes of the heap right after a garbage collection.
func (s *site) liveHeap(pprof string) float64 {
	s.t.Helper()
	found := heapAlloc.FindStringSubmatch(s.Fetch("http://" + pprof + "/debug/pprof/heap?gc=1&debug=1").Body)
	if found == nil {
		s.t.Fatal("the profile does not show HeapAlloc")
	}
	x, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return x
}

// tables returns the tables of the service.
func (s *site) tables() []string {
	s.t.Helper()
	return s.DB.Query(s.t, `SELECT oid::regclass FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind = 'r'`)
}

// measure takes a sample.
func (s *site) measure(metrics, pprof string) (x sample) {
	s.t.Helper()
	x.heap = s.liveHeap(pprof)
	m, _ := s.MetricsAt("http://" + metrics + "/metrics")
	x.goroutines, x.rss = m["go_goroutines"], m["process_resident_memory_bytes"]
	number := func(query string) float64 {
		n, err := strconv.ParseFloat(s.DB.Query(s.t, query)[0], 64)
		if err != nil {
			s.t.Fatal(err)
		}
		return n
	}
	x.connections = number(`SELECT count(*) FROM pg_stat_activity WHERE usename = 'freehold_app'`)
	x.size = number(`SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind = 'r'`)
	x.rows = number(`SELECT (SELECT count(*) FROM ` + strings.Join(s.tables(), `) + (SELECT count(*) FROM `) + `)`)
	return x
}

// age makes rows older than the service keeps them, purges them as each instance does every ten minutes, and makes PostgreSQL reuse their room.
func (s *site) age(d *db.DB) {
	s.t.Helper()
	for table, column := range map[string]string{
		"outbox": "created_at", "security_events": "created_at", "codes": "expires_at", "held_usernames": "held_until", "sign_up_keys": "created_at",
	} {
		s.exec(`UPDATE app.` + table + ` SET ` + column + ` = now() - interval '1 year'`)
	}
	if _, err := d.Purge(s.t.Context(), 90*24*time.Hour, 500); err != nil {
		s.t.Fatal(err)
	}
	s.exec(`VACUUM ` + strings.Join(s.tables(), ", "))
}
