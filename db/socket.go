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

// How long the database may take to answer. lib/pq sets no deadline on a connected socket. Without one, a peer that has vanished
// would block a connection, and the request that uses it, for as long as TCP retransmits.
const (
	onlyTimeout   = 3 * time.Second         // to connect and authenticate, if there is one host
	hostTimeout   = 2 * time.Second         // to connect and authenticate to one of several hosts
	beginTimeout  = 1500 * time.Millisecond // for BEGIN and ROLLBACK, which wait for no lock
	enterTimeout  = beginTimeout * 2 / 3    // for the statement that sets the viewer
	cancelTimeout = time.Second             // to ask the server to cancel a statement
	socketGrace   = 500 * time.Millisecond  // after a statement's timeout, so that the server's error arrives first
)

// keepAlive detects a peer that has vanished while a connection is idle, or has no deadline.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}

// clock returns the monotonic time in nanoseconds.
var clockStart = time.Now()

func clock() int64 { return int64(time.Since(clockStart)) }

// doubt lets a connection that got no answer make the other connections of its pool suspect.
type doubt struct{ since atomic.Int64 }

// raise makes each connection suspect that has received nothing since a moment.
func (d *doubt) raise(moment int64) {
	for {
		known := d.since.Load()
		if moment <= known || d.since.CompareAndSwap(known, moment) {
			return
		}
	}
}

// socket is a connection to the database, below TLS. Each use has a deadline, which is set before it and never cleared: an idle
// socket neither reads nor writes. The first error closes the socket.
type socket struct {
	net.Conn
	doubt  *doubt
	wrote  atomic.Int64 // when we last sent something, by clock
	heard  atomic.Int64 // when we last received something
	broken atomic.Bool
	cause  atomic.Pointer[error] // why watch closed the socket

	mu    sync.Mutex
	limit time.Time
	asked int64 // since when a missing answer shows that the peer is unreachable; 0 if it only shows that the request had little time
}

// allow sets the deadline of the socket; the zero time means none.
func (s *socket) allow(limit time.Time, asked int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.asked = limit, asked
	s.Conn.SetDeadline(limit) //nolint:errcheck // the next use of a closed socket returns the error
}

// SetDeadline is called by lib/pq and crypto/tls, which may shorten the deadline that allow has set.
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

// note closes the socket after an error. After a missing answer, it makes connections suspect that have received nothing since.
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

// end closes the socket. A caller that waits for an answer gets cause as its error.
func (s *socket) end(cause error) {
	s.cause.Store(&cause)
	s.broken.Store(true)
	s.Close()
}

// suspect reports whether the socket is broken, or has received nothing since another one got no answer.
func (s *socket) suspect() bool {
	return s.broken.Load() || s.doubt != nil && s.heard.Load() < s.doubt.since.Load()
}

// silence returns how long the socket has waited for an answer.
func (s *socket) silence() time.Duration {
	wrote := s.wrote.Load()
	if wrote <= s.heard.Load() {
		return 0
	}
	return time.Duration(clock() - wrote)
}

// dialing is one call of lib/pq's Connect, which may try several hosts.
type dialing struct {
	hosts   int           // not tried yet
	longest time.Duration // for each
	doubt   *doubt
	socket  *socket // the last one dialled, which is in use
}

type dialingKey struct{}

// dialer dials for lib/pq: to connect, and to ask the server to cancel a statement, for which lib/pq sets no deadline.
type dialer struct{ net.Dialer }

func newDialer() dialer {
	return dialer{net.Dialer{KeepAliveConfig: keepAlive, Control: limitUnacknowledged}}
}

// DialContext implements pq.DialerContext.
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

// Dial implements pq.Dialer.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout implements pq.Dialer.
func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// limit returns the deadline for the next host: each gets its share of the time that is left.
func (a *dialing) limit(ctx context.Context) time.Time {
	now, timeout := time.Now(), a.longest
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, deadline.Sub(now)/time.Duration(max(1, a.hosts)))
	}
	a.hosts--
	return now.Add(timeout)
}

// pqConnector is lib/pq's connector, over sockets with deadlines.
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

// dial connects. The returned socket still has the deadline of connecting.
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
