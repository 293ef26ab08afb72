// Package load sends requests to a service as clients do, while a test makes something fail. It owns the clients, and the ledger of what
// the service has answered to them. Afterwards, it checks the database and the sessions against the ledger. It must not know what fails.
package load

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// Settings say what the clients do.
type Settings struct {
	Service *harness.Service // gets the requests; Check reads its database
	Seed    uint64           // determines what each client does, and in which order
	Clients int
	Pause   time.Duration // the longest between two requests of a client
	Mails   bool          // clients ask for mails more often
	Purged  bool          // the test purges the outbox, so Check ignores the mails
}

// Load is clients at work.
type Load struct {
	Settings
	clients []*client
	stop    chan struct{}
	stopped sync.Once
	working sync.WaitGroup
	acting  sync.RWMutex // clients hold it while they do something
	book    book
}

// Start starts the clients. Each signs up first.
func Start(s Settings) *Load {
	l := &Load{Settings: s, stop: make(chan struct{}), book: book{codes: map[string]int{}}}
	for n := range s.Clients {
		//nolint:gosec // a seeded generator, so that a run can be replayed
		c := &client{load: l, number: n, rand: rand.New(rand.NewPCG(s.Seed, uint64(n)))}
		l.clients = append(l.clients, c)
		l.working.Go(c.work)
	}
	return l
}

// Stop stops the clients. They finish what they must know the outcome of, such as a sign-up.
func (l *Load) Stop() {
	l.stopped.Do(func() { close(l.stop) })
	l.working.Wait()
}

// Quiet calls f while no client has a request under way.
func (l *Load) Quiet(f func()) {
	l.acting.Lock()
	defer l.acting.Unlock()
	f()
}

func (l *Load) ending() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// outcome is what the client knows about a request.
type outcome int

const (
	done    outcome = iota
	refused         // nothing has happened
	unknown         // no answer has come, or one that does not say whether the change was saved
)

// book has the numbers of requests, and what must not have happened.
type book struct {
	requests, failed atomic.Int64
	failedReads      atomic.Int64
	lastFailure      atomic.Int64 // when its answer came or was given up, as Unix nanoseconds

	mu        sync.Mutex
	codes     map[string]int // of failed requests
	lost      []string       // acknowledged writes that are not there
	half      []string
	signedOut []string
	wrong     []string // anything else
}

func (b *book) note(list *[]string, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*list = append(*list, fmt.Sprintf(format, args...))
}

func (b *book) fail(query, code string) {
	b.failed.Add(1)
	if strings.HasPrefix(query, "{") {
		b.failedReads.Add(1)
	}
	b.lastFailure.Store(time.Now().UnixNano())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.codes[code]++
}

// Lost is the code of a request that got no answer from the service.
const Lost = "LOST"

// answerTime is how long a client waits for an answer, which is longer than the service takes.
const answerTime = 35 * time.Second

// Counts returns how many requests there were so far, and how many of them failed.
func (l *Load) Counts() (requests, failed int) {
	return int(l.book.requests.Load()), int(l.book.failed.Load())
}

// FailedSince returns how long after a moment the last request failed: 0 if none has.
func (l *Load) FailedSince(moment time.Time) time.Duration {
	return max(0, time.Unix(0, l.book.lastFailure.Load()).Sub(moment))
}

// Result is what the ledger says after a fault.
type Result struct {
	Requests, Failed int
	FailedReads      int            // those of Failed that read
	Codes            map[string]int // of the failed requests; Lost is one of them
	Lost             []string       // acknowledged writes that are not there
	Half             []string       // parts of accounts
	SignedOut        []string       // sessions that ended although nobody ended them
	Wrong            []string       // anything else that must not happen
}

func (l *Load) result() Result {
	b := &l.book
	requests, failed := l.Counts()
	return Result{Requests: requests, Failed: failed, FailedReads: int(b.failedReads.Load()), Codes: b.codes, Lost: b.lost, Half: b.half, SignedOut: b.signedOut, Wrong: b.wrong}
}

// unsure is in the message of UNAVAILABLE if the outcome is unknown.
const unsure = "Check whether the change was saved"

// classify returns what a client knows about a request, and notes a failure. The expected codes are no failures.
func (l *Load) classify(query string, r harness.Reply, err error, expected string) (outcome, string) {
	b := &l.book
	b.requests.Add(1)
	if err != nil { // also if a balancer answers in place of the service
		b.fail(query, Lost)
		return unknown, Lost
	}
	switch code := r.Code(); code {
	case "":
		return done, ""
	case "UNAVAILABLE":
		b.fail(query, code)
		if strings.Contains(r.Body, unsure) {
			return unknown, code
		}
		return refused, code
	case expected, "UNAUTHENTICATED": // which the client decides itself
		return refused, code
	default:
		b.fail(query, code)
		b.note(&b.wrong, "a request got %s", r.Body)
		return refused, code
	}
}
