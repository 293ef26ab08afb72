package faults

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync"
	"syscall"
	"testing"
	"time"
)

// balancer forwards requests to instances in turn. Like nginx and HAProxy, it asks their /readyz, and tries another one only if a
// connection was refused, since a request that was sent may have had an effect.
type balancer struct {
	URL string

	mu        sync.Mutex
	instances []*backend
	next      int
	transport http.RoundTripper
}

// backend is an instance as the balancer knows it.
type backend struct {
	host  string // and port
	ready bool
}

// asks is how often the balancer asks whether instances are ready.
const asks = 100 * time.Millisecond

func newBalancer(t *testing.T, n int) *balancer {
	t.Helper()
	b := &balancer{transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	for range n {
		b.instances = append(b.instances, &backend{host: "127.0.0.1:1"})
	}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Transport: b, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite:      func(*httputil.ProxyRequest) {}, // RoundTrip decides
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	b.URL = server.URL
	done := make(chan struct{})
	var asking sync.WaitGroup
	for _, i := range b.instances {
		asking.Go(func() {
			for client := (&http.Client{Timeout: time.Second}); ; {
				b.ask(client, i)
				select {
				case <-done:
					return
				case <-time.After(asks):
				}
			}
		})
	}
	t.Cleanup(func() {
		close(done)
		asking.Wait()
		server.Close()
	})
	return b
}

// put sets the address of an instance.
func (b *balancer) put(n int, host string) {
	b.mu.Lock()
	b.instances[n].host = host
	b.mu.Unlock()
	b.ask(&http.Client{Timeout: time.Second}, b.instances[n])
}

func (b *balancer) ask(client *http.Client, i *backend) {
	b.mu.Lock()
	host := i.host
	b.mu.Unlock()
	r, err := client.Get("http://" + host + "/readyz")
	if err == nil {
		r.Body.Close()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i.ready = err == nil && r.StatusCode == http.StatusOK
}

// turn returns the instances in the order in which a request tries them: those that are ready, or all if none is.
func (b *balancer) turn() (hosts []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	for _, all := range []bool{false, true} {
		for n := range b.instances {
			if i := b.instances[(n+b.next)%len(b.instances)]; i.ready || all {
				hosts = append(hosts, i.host)
			}
		}
		if len(hosts) > 0 {
			break
		}
	}
	return hosts
}

// RoundTrip implements http.RoundTripper.
func (b *balancer) RoundTrip(r *http.Request) (response *http.Response, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	for _, host := range b.turn() {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host = "http", host
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		r.Body, _ = r.GetBody()
		if response, err = b.transport.RoundTrip(r); !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
	}
	return response, err
}
