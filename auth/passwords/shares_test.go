package passwords

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/eventually"

	"freehold.dev/freehold/internal/levers"
)

// P21: one client waits in a share of the queue, and a site of IPv6 in two, whatever is free. Others get in.
func TestHasherGivesEachClientAShare(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		from  func(i int) string
		share int // that may wait
	}{
		"an IPv4 address": {func(int) string { return "203.0.113.1:80" }, 3},
		"a /64":           {func(i int) string { return fmt.Sprintf("[2001:db8:1:1::%x]:80", i+1) }, 3},
		"a /48":           {func(i int) string { return fmt.Sprintf("[2001:db8:1:%x::1]:80", i) }, 6},
	} {
		h := NewHasher(levers.With(t.Context(), levers.Levers{CheapPasswords: true}), HasherConfig{Queue: 100, Share: 3})
		for range cap(h.running) {
			h.running <- struct{}{}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		hash := func(from string) {
			wg.Go(func() { _, _ = h.Hash(auth.WithClient(ctx, from, ""), "pw") })
		}
		for i := range c.share {
			hash(c.from(i))
		}
		wait := func(n int) {
			eventually.True(t, 10*time.Second, fmt.Sprintf("%s: %d hashes wait", what, n), func() bool { return len(h.waiting) >= n })
		}
		wait(c.share)
		soon, stop := context.WithTimeout(ctx, 5*time.Second)
		defer stop()
		if _, err := h.Hash(auth.WithClient(soon, c.from(c.share), ""), "pw"); !fault.Is(err, fault.RateLimited) {
			t.Errorf("%s: a caller beyond the share got %v, want RATE_LIMITED", what, err)
		}
		hash("198.51.100.7:80")
		hash("[2001:db8:2::1]:80")
		wait(c.share + 2)
		cancel()
		wg.Wait()
		if len(h.shares.taken) != 0 {
			t.Errorf("%s: %v is still taken", what, h.shares.taken)
		}
	}
}
