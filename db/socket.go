package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

// How long a database may be silent. lib/pq sets no deadline on a socket once it is connected, so a peer that is gone
// without a word would keep a connection, and the request that uses it, for as long as TCP retries.
const (
	onlyTimeout   = 3 * time.Second         // to connect to the only host, and to sign in there
	hostTimeout   = 2 * time.Second         // to one of several
	beginTimeout  = 1500 * time.Millisecond // of BEGIN and ROLLBACK, which wait for no lock
	enterTimeout  = beginTimeout * 2 / 3    // of the statement that enters
	cancelTimeout = time.Second             // to ask the server to end a statement
	socketGrace   = 500 * time.Millisecond  // after a statement's time, so that the server's own answer arrives first
)

// keepAlive finds a peer that is gone while a connection is idle, or while it waits without a deadline.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}

// clock is the monotonic time of what sockets note about each other.
var clockStart = time.Now()

func clock() int64 { return int64(time.Since(clockStart)) }

// doubt is what the connections of a pool know of each other's silence.
type doubt struct{ since atomic.Int64 }

// raise makes each connection suspect that has not been heard since a moment.
func (d *doubt) raise(moment int64) {
	for {
		known := d.since.Load()
		if moment <= known || d.since.CompareAndSwap(known, moment) {
			return
		}
	}
}

// socket is a connection to the database as it was dialled, below TLS. Each use of it has a deadline, which is set
// before and never cleared: an idle socket neither reads nor writes. It is closed for good at the first error.
type socket struct {
	net.Conn
	doubt  *doubt
	wrote  atomic.Int64 // when something was last sent, by clock
	heard  atomic.Int64 // when the peer last said something
	broken atomic.Bool
	cause  atomic.Pointer[error] // why watch closed it

	mu    sync.Mutex
	limit time.Time
	asked int64 // when a silence began that would tell of the peer rather than of a request with little time; 0 for neither
}

// allow sets how long the socket may be used; the zero time is for ever.
func (s *socket) allow(limit time.Time, asked int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.asked = limit, asked
	s.Conn.SetDeadline(limit) //nolint:errcheck // a closed socket says so at its next use
}

// SetDeadline is for lib/pq and crypto/tls, which may shorten what allow has set.
func (s *socket) SetDeadline(t time.Time) error { return s.shorten(s.Conn.SetDeadline, t) }

// SetReadDeadline is SetDeadline for reads.
func (s *socket) SetReadDeadline(t time.Time) error { return s.shorten(s.Conn.SetReadDeadline, t) }

// SetWriteDeadline is SetDeadline for writes.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.shorten(s.Conn.SetWriteDeadline, t) }

func (s *socket) shorten(set func(time.Time) error, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.IsZero() || !s.limit.IsZero() && t.After(s.limit) {
		t = s.limit
	}
	return set(t)
}

func (s *socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if n > 0 {
		s.heard.Store(clock())
	}
	return n, s.note(err)
}

func (s *socket) Write(p []byte) (int, error) {
	s.wrote.Store(clock())
	n, err := s.Conn.Write(p)
	return n, s.note(err)
}

// note closes the socket after an error. After a silence it makes the connections suspect that were not heard since.
func (s *socket) note(err error) error {
	if cause := s.cause.Load(); err != nil && cause != nil {
		return &net.OpError{Op: "wait", Net: s.RemoteAddr().Network(), Addr: s.RemoteAddr(), Err: *cause}
	}
	if err == nil || s.broken.Swap(true) {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.mu.Lock()
		asked := s.asked
		s.mu.Unlock()
		if asked > 0 && s.doubt != nil {
			s.doubt.raise(asked)
		}
	}
	s.Close()
	return err
}

// end closes the socket. A caller that waits for an answer gets the cause.
func (s *socket) end(cause error) {
	s.cause.Store(&cause)
	s.broken.Store(true)
	s.Close()
}

// suspect reports whether the socket broke, or was last heard before another one met a silence.
func (s *socket) suspect() bool {
	return s.broken.Load() || s.doubt != nil && s.heard.Load() < s.doubt.since.Load()
}

// silence is how long an answer has been waited for.
func (s *socket) silence() time.Duration {
	wrote := s.wrote.Load()
	if wrote <= s.heard.Load() {
		return 0
	}
	return time.Duration(clock() - wrote)
}

// dialing is one attempt of lib/pq's to connect, which may try several hosts.
type dialing struct {
	hosts   int           // left to try
	longest time.Duration // for each
	doubt   *doubt
	socket  *socket // the last that was dialled, which is the one in use
}

type dialingKey struct{}

// dialer dials for lib/pq: to connect, and to ask a server to end a statement, which lib/pq does without a deadline of its
// own.
type dialer struct{ net.Dialer }

func newDialer() dialer {
	return dialer{net.Dialer{KeepAliveConfig: keepAlive, Control: limitUnacknowledged}}
}

// DialContext is pq.DialerContext's.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	limit, s := time.Now().Add(cancelTimeout), &socket{}
	if attempt, ok := ctx.Value(dialingKey{}).(*dialing); ok {
		limit = attempt.limit(ctx)
		s.doubt, attempt.socket = attempt.doubt, s
	}
	ctx, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.Conn = conn
	s.heard.Store(clock())
	s.allow(limit, 0)
	return s, nil
}

// Dial is pq.Dialer's.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout is pq.Dialer's.
func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// limit is when to give up the next host: each has its share of the time that is left.
func (a *dialing) limit(ctx context.Context) time.Time {
	now, timeout := time.Now(), a.longest
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, deadline.Sub(now)/time.Duration(max(1, a.hosts)))
	}
	a.hosts--
	return now.Add(timeout)
}

// pqConnector is lib/pq's connector for a URL, over sockets with deadlines.
type pqConnector struct {
	*pq.Connector
	hosts int
	doubt doubt
}

func newPQConnector(url string) (*pqConnector, error) {
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, err
	}
	inner, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	inner.Dialer(newDialer())
	return &pqConnector{Connector: inner, hosts: 1 + len(config.Multi)}, nil
}

// dial connects. The socket still has the deadline of connecting.
func (c *pqConnector) dial(ctx context.Context) (driver.Conn, *socket, error) {
	attempt := &dialing{hosts: c.hosts, longest: onlyTimeout, doubt: &c.doubt}
	if c.hosts > 1 {
		attempt.longest = hostTimeout
	}
	conn, err := c.Connect(context.WithValue(ctx, dialingKey{}, attempt))
	if err != nil {
		return nil, nil, err
	}
	return conn, attempt.socket, nil
}
