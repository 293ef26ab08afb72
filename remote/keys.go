package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/fault"
)

const (
	// Strangers can send tokens that name unknown keys. They cause at most one fetch in this time.
	fetchInterval = 5 * time.Second
	fetchTimeout  = 5 * time.Second
	maxBody       = 64 << 10 // bytes; a key has about 150

	// The JWKS says by Cache-Control how long it is valid, between these bounds.
	shortestLifetime = 30 * time.Second
	defaultLifetime  = 5 * time.Minute
	longestLifetime  = 15 * time.Minute
	// Keys are kept this long if the issuer cannot be reached. By then, all tokens that were issued before have expired.
	keptThroughErrors = 24 * time.Hour
)

// keySource has the keys of a JWKS. At most one fetch is under way. It is caused by a request, and outlives it.
//
//	the keys are
//	 ├─ younger than three quarters of their lifetime ─► used
//	 ├─ younger than their lifetime ───────────────────► used, and fetched in the background
//	 ├─ older, and the last fetch succeeded ───────────► fetched first
//	 ├─ older, and the last fetch failed ──────────────► used, and fetched in the background, for at most a day
//	 └─ missing, or older than a day ──────────────────► fetched first; UNAVAILABLE if that fails
type keySource struct {
	url     string
	client  *http.Client
	timeout time.Duration // of a fetch
	now     func() time.Time
	report  func(error)

	mu        sync.Mutex
	keys      *keys.PublicSet // nil before the first successful fetch
	fetched   time.Time       // when the fetch of keys began
	lifetime  time.Duration   // of keys
	attempted time.Time       // when the last fetch began
	failure   error           // of the last fetch
	fetching  chan struct{}   // is closed when the current fetch ends; nil if there is none
}

// current returns the keys. The error is UNAVAILABLE.
func (s *keySource) current(ctx context.Context) (*keys.PublicSet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := s.now().Sub(s.fetched)
	if s.keys != nil && age >= 0 && age < s.lifetime/4*3 {
		return s.keys, nil
	}
	s.fetch()
	if !s.usable() || s.failure == nil && (age < 0 || age >= s.lifetime) {
		if err := s.wait(ctx); err != nil {
			return nil, err
		}
	}
	if !s.usable() {
		return nil, s.unavailable()
	}
	return s.keys, nil
}

// after returns the keys that follow those that a caller has seen, or the same ones if there are no others. The error is UNAVAILABLE.
func (s *keySource) after(ctx context.Context, seen *keys.PublicSet) (*keys.PublicSet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys != seen {
		return s.keys, nil
	}
	s.fetch()
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	if s.keys == seen && s.failure != nil {
		return nil, s.unavailable() // the issuer may have a new key
	}
	return s.keys, nil
}

// usable reports whether the keys are not too old. The caller holds the lock.
func (s *keySource) usable() bool {
	return s.keys != nil && s.now().Sub(s.fetched) < keptThroughErrors
}

func (s *keySource) unavailable() error {
	f := fault.Busy(s.failure)
	f.RetryAfter = max(f.RetryAfter, fetchInterval-s.now().Sub(s.attempted))
	return f
}

// wait returns when no fetch is under way, or UNAVAILABLE if ctx ends first. The caller holds the lock, which wait releases
// meanwhile.
func (s *keySource) wait(ctx context.Context) error {
	fetching := s.fetching
	if fetching == nil {
		return nil
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-fetching:
		return nil
	case <-ctx.Done():
		return fault.Busy(context.Cause(ctx))
	}
}

// fetch begins to fetch the keys, unless the last fetch began a short time ago. The caller holds the lock.
func (s *keySource) fetch() {
	now := s.now()
	if since := now.Sub(s.attempted); s.fetching != nil || !s.attempted.IsZero() && since >= 0 && since < fetchInterval {
		return
	}
	s.attempted, s.fetching = now, make(chan struct{})
	go func() {
		keys, lifetime, err := s.get()
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			if s.keys != nil && s.keys.Equal(keys) {
				keys = s.keys // the reader remembers what these have verified
			}
			s.keys, s.fetched, s.lifetime = keys, now, lifetime
		}
		s.failure = err
		close(s.fetching)
		s.fetching = nil
		if err != nil && s.report != nil {
			go s.report(err) // it may take long, or verify a token
		}
	}()
}

// get fetches the keys, and returns how long they are valid.
func (s *keySource) get() (*keys.PublicSet, time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch JWKS: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch JWKS: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("fetch JWKS: %s returned status %d", s.url, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, 0, fmt.Errorf("fetch JWKS: %w", err)
	}
	if len(body) > maxBody {
		return nil, 0, fmt.Errorf("fetch JWKS: %s returned more than %d bytes", s.url, maxBody)
	}
	public, err := keys.ParseJWKS(body)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch JWKS: %s: %w", s.url, err)
	}
	return public, lifetimeOf(response.Header), nil
}

// lifetimeOf returns how long a response is valid, according to Cache-Control.
func lifetimeOf(header http.Header) time.Duration {
	lifetime := defaultLifetime
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return shortestLifetime
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil || errors.Is(err, strconv.ErrRange) {
				lifetime = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(lifetime, shortestLifetime), longestLifetime)
}
