// Package load sends GraphQL requests to a server for a while, checks every answer, and measures how long each took.
//
// It owns the connections, the check of a reply and the figures of a run. It must not know which server it talks to, what the
// requests mean, or how the servers are run.
package load

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Stamp is a placeholder in a [Call] for a text that differs in each request: an "s" and twelve digits.
const Stamp = "s000000000000"

var stamps atomic.Int64

// A Call is a request that is sent repeatedly, and its expected reply.
type Call struct {
	// Request is a whole HTTP/1.1 request. Each Stamp in it is replaced.
	Request []byte
	// Check examines the body of a reply thoroughly. The stamp is that of the request; it is Stamp if the request has none.
	Check func(body []byte, stamp string) error
	// Volatile says that two correct replies differ. Otherwise a reply is correct if it has the bytes of one that Check
	// accepted, and Check gets only a different one.
	Volatile bool

	// LastStamp is the stamp of the last request that got a reply.
	LastStamp string

	right  []byte // a reply that Check accepted
	stamps []int  // where the stamp is in the request
	echoes []int  // where the stamp is in right
}

// A Result is the outcome of a run.
type Result struct {
	Requests  int
	Elapsed   time.Duration
	Thorough  int             // the replies that Check examined
	Latencies []time.Duration // sorted
	CPU       time.Duration   // that this process used
}

// PerSecond returns the requests per second.
func (r *Result) PerSecond() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// Percentile returns the latency that p percent of the requests did not exceed.
func (r *Result) Percentile(p int) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	return r.Latencies[(len(r.Latencies)-1)*p/100]
}

// Run sends the calls over a number of connections, each call always on the same one, in turn. It ends after span or, if span
// is 0, after each call was sent once. The error is that of the first wrong reply, with request and reply.
func Run(ctx context.Context, addr string, calls []*Call, connections int, span time.Duration) (*Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	connections = min(connections, len(calls))
	workers := make([]*worker, connections)
	for i := range workers {
		c, err := dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		workers[i] = &worker{conn: c}
	}
	for i, call := range calls {
		workers[i%connections].calls = append(workers[i%connections].calls, call)
	}
	var group sync.WaitGroup
	began, cpu := time.Now(), ownCPU()
	for _, w := range workers {
		group.Go(func() {
			if err := w.run(ctx, began, span); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	r := &Result{Elapsed: time.Since(began), CPU: ownCPU() - cpu}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	for _, w := range workers {
		r.Latencies = append(r.Latencies, w.latencies...)
		r.Thorough += w.thorough
	}
	r.Requests = len(r.Latencies)
	slices.Sort(r.Latencies)
	return r, nil
}

type worker struct {
	conn      *conn
	calls     []*Call
	latencies []time.Duration
	thorough  int
}

func (w *worker) run(ctx context.Context, began time.Time, span time.Duration) error {
	for i := 0; ctx.Err() == nil; i++ {
		if span > 0 && time.Since(began) >= span || span == 0 && i == len(w.calls) {
			break
		}
		if err := w.make(w.calls[i%len(w.calls)]); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) make(c *Call) error {
	stamp := c.prepare()
	began := time.Now()
	status, body, err := w.conn.do(c.Request)
	w.latencies = append(w.latencies, time.Since(began))
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d", status)
	}
	if err == nil && !c.isRight(body, stamp) {
		w.thorough++
		if err = c.Check(body, stamp); err == nil {
			c.learn(body, stamp)
		}
	}
	if err != nil {
		return fmt.Errorf("wrong answer: %w\nrequest:\n%s\nreply:\n%s", err, c.Request, body)
	}
	c.LastStamp = stamp
	return nil
}

// prepare writes a new stamp into the request, if it has any.
func (c *Call) prepare() string {
	if c.stamps == nil {
		c.stamps = places(c.Request, Stamp)
	}
	if len(c.stamps) == 0 {
		return Stamp
	}
	stamp := fmt.Sprintf("s%012d", stamps.Add(1))
	put(c.Request, c.stamps, stamp)
	return stamp
}

func (c *Call) isRight(body []byte, stamp string) bool {
	if c.Volatile || c.right == nil {
		return false
	}
	put(c.right, c.echoes, stamp)
	return bytes.Equal(body, c.right)
}

func (c *Call) learn(body []byte, stamp string) {
	if c.Volatile {
		return
	}
	c.right = bytes.Clone(body)
	c.echoes = places(body, stamp)
}

func put(text []byte, places []int, stamp string) {
	for _, at := range places {
		copy(text[at:], stamp)
	}
}

// places returns the positions of a word in a text. It is never nil.
func places(text []byte, word string) []int {
	found := []int{}
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(word))
		if i < 0 {
			return found
		}
		found = append(found, at+i)
		at += i + len(word)
	}
}

// ownCPU returns the processor time that this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
