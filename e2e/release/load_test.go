package release

import (
	"context"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// load asks and writes all the time, through one balancer.
type load struct {
	name   string
	cancel func()
	wg     sync.WaitGroup

	mu sync.Mutex
	result
	errs []error
}

type result struct{ sent, failed int }

func startLoad(t *testing.T, name string, e entrance, a harness.Account) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{name: name, cancel: cancel}
	for i := range workers {
		query := `query ` + name + ` { me { email } }` // the name becomes a label of metrics
		if i%2 == 1 {
			query = `mutation { updateProfile(input: {bio: "x"}) { profile { bio } } }`
		}
		l.wg.Go(func() {
			for ctx.Err() == nil {
				_, _, err := e.ask(ctx, a.Token, query, nil)
				if ctx.Err() == nil {
					l.note(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	t.Cleanup(func() { l.stop() })
	return l
}

func (l *load) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent++; err != nil {
		l.failed++
		l.errs = append(l.errs, err)
	}
}

func (l *load) counts() result {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.result
}

func (l *load) stop() result {
	l.cancel()
	l.wg.Wait()
	return l.counts()
}

// last returns the last error, or nil.
func (l *load) last() (err error) {
	for _, err = range l.errs {
	}
	return err
}
