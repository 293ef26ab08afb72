package passwords

import (
	"sync"

	"freehold.dev/freehold/auth"
)

// shares bounds how many callers of one client wait at once, so that one client cannot delay the others for long.
type shares struct {
	most  int // callers of one client; 0 for no bound
	mu    sync.Mutex
	taken map[string]int // waiting callers, by Block and by Site
}

// take counts one more waiting caller of a client. It reports false if the client has too many.
func (s *shares) take(c auth.Client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.most > 0 && (c.Block != "" && s.taken[c.Block] >= s.most || c.Site != "" && s.taken[c.Site] >= 2*s.most) {
		return false
	}
	s.taken[c.Block]++
	s.taken[c.Site]++
	return true
}

// giveBack counts one waiting caller of a client less.
func (s *shares) giveBack(c auth.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, block := range []string{c.Block, c.Site} {
		if s.taken[block]--; s.taken[block] <= 0 {
			delete(s.taken, block)
		}
	}
}
