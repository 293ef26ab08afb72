package wire

import (
	"context"
	"errors"
	"fmt"
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
	onlyTimeout   = 3 * time.Second // to connect and authenticate, if there is one host
	hostTimeout   = 2 * time.Second // to connect and authenticate to one of several hosts
	cancelTimeout = time.Second     // to ask the server to cancel a statement
)

// Grace is how much longer than a statement's timeout a socket waits, so that the server's error arrives first.
const Grace = 500 * time.Millisecond

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

// Socket is a connection to the database, below TLS. Each use has a deadline, which is set before it and never cleared: an idle
// socket neither reads nor writes. The first error closes the socket.
type Socket struct {
	net.Conn
	doubt  *doubt
	wrote  atomic.Int64 // when we last sent something, by clock
	heard  atomic.Int64 // when we last received something
	broken atomic.Bool
	cause  atomic.Pointer[error] // the argument of End

	mu    sync.Mutex
	limit time.Time
	asked int64 // since when a missing answer is conclusive; 0 if it is not
}

// Allow sets the deadline of the socket; the zero time means none. conclusive says whether a missing answer shows that the peer is
// unreachable, rather than that the request had little time. If so, it makes other connections of the Connector suspect.
func (s *Socket) Allow(limit time.Time, conclusive bool) {
	asked := int64(0)
	if conclusive {
		asked = clock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.asked = limit, asked
	s.Conn.SetDeadline(limit) //nolint:errcheck // the next use of a closed socket returns the error
}

// SetDeadline is called by lib/pq and crypto/tls, which may shorten the deadline that Allow has set.
func (s *Socket) SetDeadline(t time.Time) error { return s.shorten(s.Conn.SetDeadline, t) }

// SetReadDeadline is SetDeadline for reads.
func (s *Socket) SetReadDeadline(t time.Time) error { return s.shorten(s.Conn.SetReadDeadline, t) }

// SetWriteDeadline is SetDeadline for writes.
func (s *Socket) SetWriteDeadline(t time.Time) error { return s.shorten(s.Conn.SetWriteDeadline, t) }

func (s *Socket) shorten(set func(time.Time) error, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.IsZero() || !s.limit.IsZero() && t.After(s.limit) {
		t = s.limit
	}
	return set(t)
}

func (s *Socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if n > 0 {
		s.heard.Store(clock())
	}
	return n, s.note(err)
}

func (s *Socket) Write(p []byte) (int, error) {
	s.wrote.Store(clock())
	n, err := s.Conn.Write(p)
	return n, s.note(err)
}

// note closes the socket after an error. After a missing answer, it makes connections suspect that have received nothing since.
func (s *Socket) note(err error) error {
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

// End closes the socket. A caller that waits for an answer gets cause as its error.
func (s *Socket) End(cause error) {
	s.cause.Store(&cause)
	s.broken.Store(true)
	s.Close()
}

// Broken reports whether the socket was closed after an error.
func (s *Socket) Broken() bool { return s.broken.Load() }

// Suspect reports whether the socket is broken, or has received nothing since another one got no answer.
func (s *Socket) Suspect() bool {
	return s.broken.Load() || s.doubt != nil && s.heard.Load() < s.doubt.since.Load()
}

// Silence returns how long the socket has waited for an answer.
func (s *Socket) Silence() time.Duration {
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
	socket  *Socket // the last one dialled, which is in use
}

type dialingKey struct{}

// dialer dials for lib/pq: to connect, and to ask the server to cancel a statement, for which lib/pq sets no deadline.
type dialer struct{ net.Dialer }

func newDialer() dialer {
	return dialer{net.Dialer{KeepAliveConfig: keepAlive, Control: limitUnacknowledged}}
}

// DialContext implements pq.DialerContext.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	limit, s := time.Now().Add(cancelTimeout), &Socket{}
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
	s.Allow(limit, false)
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

// Connector is lib/pq's connector, over sockets with deadlines.
type Connector struct {
	*pq.Connector
	hosts int
	doubt doubt
}

// NewConnector returns the Connector for a URL. The error may quote the password.
func NewConnector(url string) (*Connector, error) {
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, err
	}
	inner, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	inner.Dialer(newDialer())
	return &Connector{Connector: inner, hosts: 1 + len(config.Multi)}, nil
}

// Dial connects. The returned socket still has the deadline of connecting.
func (c *Connector) Dial(ctx context.Context) (Conn, *Socket, error) {
	attempt := &dialing{hosts: c.hosts, longest: onlyTimeout, doubt: &c.doubt}
	if c.hosts > 1 {
		attempt.longest = hostTimeout
	}
	conn, err := c.Connect(context.WithValue(ctx, dialingKey{}, attempt))
	if err != nil {
		return nil, nil, err
	}
	full, ok := conn.(Conn)
	if !ok {
		return nil, nil, errors.Join(fmt.Errorf("lib/pq's %T lacks an interface that the pool needs", conn), conn.Close())
	}
	return full, attempt.socket, nil
}

// Distrust makes all connections suspect that have received nothing since now.
func (c *Connector) Distrust() { c.doubt.raise(clock()) }
