package document

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// G17: of 49 root fields four run at once. A field that panics gives its turn to the next, and no field waits after the deadline of the
// request.
func TestRootFieldsTakeTurns(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(WithRootFields(t.Context()))
	defer cancel()
	var running, most, done atomic.Int32
	var wg sync.WaitGroup
	for i := range 49 {
		wg.Go(func() {
			defer func() { recover() }()
			TakeTurns(ctx, func(context.Context) graphql.Marshaler {
				n := running.Add(1)
				defer running.Add(-1)
				defer done.Add(1)
				for known := most.Load(); n > known && !most.CompareAndSwap(known, n); known = most.Load() {
				}
				time.Sleep(2 * time.Millisecond)
				if i%7 == 0 {
					panic("a field")
				}
				return graphql.Null
			})
		})
	}
	wg.Wait()
	if most.Load() != maxRootFields || done.Load() != 49 {
		t.Errorf("%d ran at once, and %d in all", most.Load(), done.Load())
	}
	hold := make(chan struct{})
	for range maxRootFields {
		wg.Go(func() { TakeTurns(ctx, func(context.Context) graphql.Marshaler { <-hold; return graphql.Null }) })
	}
	cancel()
	TakeTurns(ctx, func(context.Context) graphql.Marshaler { return graphql.Null })
	close(hold)
	wg.Wait()
}
