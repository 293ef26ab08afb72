package dbtest

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy is a TCP proxy for a test's PostgreSQL that can go silent: it still accepts packets, but neither forwards nor answers them,
// like a peer that has stopped.
type Proxy struct {
	listener net.Listener
	mu       sync.Mutex
	target   string // the folder of a socket
	links    map[*link]bool
	trap     *trap
	deaf     bool // whether new connections are silent, too
	trips    atomic.Int64
}

// trap silences a connection in use.
type trap struct {
	text    []byte // in the packet that arms the trap
	skip    int    // how many packets after that one pass
	writing bool   // whether it only takes transactions that may write
	forward bool   // whether the packet is forwarded, so that only its answer is lost
	left    atomic.Int32
}

type link struct {
	client, server net.Conn
	silent         atomic.Bool
	counting       int
	writing        bool // whether its transaction may write
}

// NewProxy returns a proxy for a connection string of a Database.
func NewProxy(t testing.TB, databaseURL string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed when the test ends
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, links: map[*link]bool{}}
	p.Turn(t, databaseURL)
	go p.accept()
	t.Cleanup(func() {
		listener.Close() //nolint:errcheck // the test has ended
		p.mu.Lock()
		defer p.mu.Unlock()
		for l := range p.links {
			l.close()
		}
	})
	return p
}

// Turn directs new connections to the server of another connection string.
func (p *Proxy) Turn(t testing.TB, databaseURL string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = u.Query().Get("host") + "/.s.PGSQL." + u.Query().Get("port")
}

// Port returns the proxy's port on 127.0.0.1.
func (p *Proxy) Port() string {
	_, port, _ := net.SplitHostPort(p.listener.Addr().String())
	return port
}

// URL returns a connection string for the proxy.
func (p *Proxy) URL(databaseURL string) string { return Through(databaseURL, "127.0.0.1", p.Port()) }

// Through returns a connection string with other hosts and ports.
func Through(databaseURL, hosts, ports string) string {
	u, err := url.Parse(databaseURL)
	if err != nil {
		panic(err) // a test has composed it
	}
	query := u.Query()
	query.Set("host", hosts)
	query.Set("port", ports)
	u.RawQuery = query.Encode()
	return u.String()
}

// Silence silences the existing connections.
func (p *Proxy) Silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.silent.Store(true)
	}
}

// SilenceAll silences the existing connections and new ones.
func (p *Proxy) SilenceAll() {
	p.mu.Lock()
	p.deaf = true
	p.mu.Unlock()
	p.Silence()
}

// SilenceAfter silences times connections, each after its client has sent skip packets after one that contains a text. The server
// receives nothing that follows.
func (p *Proxy) SilenceAfter(text string, skip, times int) {
	p.set(&trap{text: []byte(text), skip: skip}, times)
}

// SilenceCommits silences times connections at the COMMIT of a transaction that may write. With forward, the server receives the
// COMMIT, and only its answer is lost.
func (p *Proxy) SilenceCommits(times int, forward bool) {
	p.set(&trap{text: []byte("COMMIT"), writing: true, forward: forward}, times)
}

func (p *Proxy) set(t *trap, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.left.Store(int32(times))
	p.trap = t
}

// Trips returns how many packets that await an answer clients have sent.
func (p *Proxy) Trips() int { return int(p.trips.Load()) }

// Cut closes all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		server, err := net.DialTimeout("unix", p.target, 10*time.Second) //nolint:noctx // it has a limit
		if err != nil {
			p.mu.Unlock()
			client.Close()
			continue
		}
		l := &link{client: client, server: server, counting: -1}
		l.silent.Store(p.deaf)
		p.links[l] = true
		p.mu.Unlock()
		go p.forward(l)
		go l.answer()
	}
}

func (l *link) close() {
	l.client.Close()
	l.server.Close()
}

// forward copies the packets of the client. lib/pq waits for an answer to each, so that each read returns one packet.
func (p *Proxy) forward(l *link) {
	defer func() {
		l.close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, l)
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, err := l.client.Read(buffer)
		if err != nil {
			return
		}
		if buffer[0] != 'X' { // Terminate
			p.trips.Add(1)
		}
		if p.springs(l, buffer[:n]) {
			continue
		}
		if l.silent.Load() {
			continue
		}
		if _, err := l.server.Write(buffer[:n]); err != nil && !l.silent.Load() {
			return
		}
	}
}

// springs reports whether the trap catches a packet.
func (p *Proxy) springs(l *link, packet []byte) bool {
	p.mu.Lock()
	t := p.trap
	p.mu.Unlock()
	if bytes.Contains(packet, []byte("BEGIN")) {
		l.writing = bytes.Contains(packet, []byte("READ WRITE"))
	}
	if t == nil || l.silent.Load() {
		return false
	}
	switch {
	case bytes.Contains(packet, t.text) && (l.writing || !t.writing):
		l.counting = t.skip
	case l.counting > 0:
		l.counting--
	}
	if l.counting != 0 {
		return false
	}
	l.counting = -1
	if t.left.Add(-1) < 0 {
		return false
	}
	l.silent.Store(true)
	if t.forward {
		l.server.Write(packet) //nolint:errcheck // the test sees the outcome
	}
	return true
}

// answer copies the answers of the server.
func (l *link) answer() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := l.server.Read(buffer)
		if err != nil {
			if !l.silent.Load() {
				l.client.Close()
			}
			return
		}
		if !l.silent.Load() {
			l.client.Write(buffer[:n]) //nolint:errcheck // the reader fails
		}
	}
}
