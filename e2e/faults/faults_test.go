package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/faults/load"
	"freehold.dev/freehold/internal/eventually"
)

var (
	long = flag.Bool("long", false, "TestFaults: faults take as long as in production, and the table is printed")
	seed = flag.Uint64("seed", 0, "TestFaults: what clients do and when faults happen; 0 for another one each time")
)

// fault is a row of the table.
type fault struct {
	id, name string        // of the test, and in the table
	recovery time.Duration // the longest from the end of the fault until no request fails; 0 if no request may fail at all
	share    float64       // the largest share of requests that may fail
	codes    []string      // that failed requests may get
	reads    bool          // no read may fail
	settings []string
	mails    bool // clients ask for mails more often

	database func(*site) dbtest.Database // nil: one of the PostgreSQL that the tests share
	serve    func(*site)                 // starts the instances; nil: site.serve
	happen   func(*site)                 // begins and ends the fault
	after    func(*site)                 // further checks, once the clients have stopped
}

// forms returns the short or the long form of something.
func forms[T any](short, extended T) T {
	if *long {
		return extended
	}
	return short
}

const seconds = time.Second

// Each fault of the table happens while clients send requests. No acknowledged write is lost, no account is half done, there is one
// account for each key, nobody is signed out, and after the fault, requests succeed again within a bound.
func TestFaults(t *testing.T) {
	t.Parallel()
	if *seed == 0 {
		*seed = rand.Uint64N(1_000_000)
	}
	r := &report{}
	t.Cleanup(func() { r.print(t) })
	for _, f := range table() {
		t.Run(f.id, func(t *testing.T) {
			t.Parallel()
			r.add(f.name, f.try(t, *seed))
		})
	}
}

// try makes the fault happen, and returns its row of the table.
func (f fault) try(t *testing.T, seed uint64) string {
	t.Helper()
	s := newSite(t, seed, f.database, f.settings...)
	if f.serve == nil {
		f.serve = func(s *site) { s.serve() }
	}
	f.serve(s)
	s.load = load.Start(load.Settings{Service: s.Service, Seed: seed, Clients: forms(4, 8), Pause: 50 * time.Millisecond, Mails: f.mails})
	t.Cleanup(s.load.Stop)
	s.calm()
	f.happen(s)
	if s.ended.IsZero() {
		s.ended = time.Now()
	}
	s.settle(f.recovery)
	recovery := max(s.recovery, s.load.FailedSince(s.ended))
	s.load.Stop()
	result := s.load.Check()
	if f.after != nil {
		f.after(s)
	}
	f.verdict(s, result, recovery)
	return fmt.Sprintf("%d / %d | %d | %d | %d | %s", result.Failed, result.Requests, len(result.Lost), len(result.Half), len(result.SignedOut), f.say(recovery))
}

// calm waits until the clients are at work, and fails the test if a request fails meanwhile.
func (s *site) calm() {
	s.t.Helper()
	time.Sleep(quiet)
	eventually.True(s.t, 20*seconds, "the clients are at work", func() bool {
		requests, _ := s.load.Counts()
		return requests >= 40
	})
	if requests, failed := s.load.Counts(); failed > 0 {
		s.t.Fatalf("before the fault, %d of %d requests failed: %s", failed, requests, s.Logs.Containing("failed"))
	}
}

// quiet is how long no request has failed when the fault is over.
const quiet = 600 * time.Millisecond

// settle waits until no request has failed for a while, or until the bound has passed.
func (s *site) settle(bound time.Duration) {
	s.t.Helper()
	for time.Since(s.ended) < bound+quiet && time.Since(s.ended)-s.load.FailedSince(s.ended) < quiet {
		time.Sleep(10 * time.Millisecond)
	}
}

// verdict fails the test if something has happened that must not.
func (f fault) verdict(s *site, r load.Result, recovery time.Duration) {
	t := s.t
	t.Helper()
	for what, list := range map[string][]string{"lost": r.Lost, "half": r.Half, "signed out": r.SignedOut, "wrong": r.Wrong} {
		for _, text := range list {
			t.Errorf("%s: %s", what, text)
		}
	}
	for code, n := range r.Codes {
		if !slices.Contains(f.codes, code) {
			t.Errorf("%d requests failed with %s", n, code)
		}
	}
	if share := float64(r.Failed) / float64(r.Requests); share > f.share {
		t.Errorf("%d of %d requests failed, which is more than %.1f %%: %v", r.Failed, r.Requests, 100*f.share, r.Codes)
	}
	if f.reads && r.FailedReads > 0 {
		t.Errorf("%d reads failed", r.FailedReads)
	}
	if recovery > f.recovery {
		t.Errorf("requests failed until %v after the fault, want %v at most", recovery, f.recovery)
	}
	if t.Failed() {
		t.Logf("replay with: make faults FAULT=%s FAULTS_SEED=%d (or make soak)", f.id, *seed)
		t.Logf("the log: %.3000s", s.Logs.Containing("a request failed"))
	}
}

func (f fault) say(recovery time.Duration) string {
	switch {
	case f.recovery == 0:
		return "–"
	case recovery < 50*time.Millisecond:
		return "at once"
	default:
		return fmt.Sprintf("%.1f s", recovery.Seconds())
	}
}

// report collects the rows of the table.
type report struct {
	mu   sync.Mutex
	rows map[string]string
}

func (r *report) add(name, row string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows == nil {
		r.rows = map[string]string{}
	}
	r.rows[name] = row
	if *long {
		fmt.Printf("| %s | %s |\n", name, row)
	}
}

// print prints the table in the order of faults, as in docs/reliability.md.
func (r *report) print(t *testing.T) {
	var text strings.Builder
	text.WriteString("| fault | failed / requests | lost | half | signed out | recovery |\n|---|---|---|---|---|---|\n")
	for _, f := range table() {
		if row, ok := r.rows[f.name]; ok {
			fmt.Fprintf(&text, "| %s | %s |\n", f.name, row)
		}
	}
	if *long {
		fmt.Fprintf(os.Stdout, "\n%sseed %d\n", text.String(), *seed)
	} else {
		t.Logf("seed %d\n%s", *seed, text.String())
	}
}

// await waits until something has recovered, besides requests.
func (s *site) await(within time.Duration, what string, condition func() bool) {
	s.t.Helper()
	begun := time.Now()
	eventually.True(s.t, within, what, condition)
	s.recovery = time.Since(begun)
}

// hasFailed reports whether a request has failed.
func (s *site) hasFailed() bool {
	_, failed := s.load.Counts()
	return failed > 0
}

// lasts lets the fault last for a while, and longer until a client has noticed it.
func (s *site) lasts(d time.Duration) {
	s.t.Helper()
	time.Sleep(d)
	eventually.True(s.t, 20*seconds, "a request fails during the fault", s.hasFailed)
}

// sometime waits for up to a time that the seed determines.
func (s *site) sometime(longest time.Duration) {
	time.Sleep(time.Duration(s.rand.Int64N(int64(longest))))
}
