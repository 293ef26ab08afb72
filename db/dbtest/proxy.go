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

// Proxy is a TCP proxy in front of a test's PostgreSQL that can go silent: it goes on taking what it is sent, and neither
// forwards nor answers it, as a peer does that has stopped.
type Proxy struct {
	listener net.Listener
	mu       sync.Mutex
	target   string // the folder of a socket
	links    map[*link]bool
	trap     *trap
	deaf     bool // new connections are silent too
	trips    atomic.Int64
}

// trap silences a connection while it is used.
type trap struct {
	text    []byte // what a client sends before
	skip    int    // how many packets are let through after the text's
	writing bool   // only in transactions that may write
	forward bool   // the packet is forwarded and its answer is lost
	left    atomic.Int32
}

type link struct {
	client, server net.Conn
	silent         atomic.Bool
	counting       int
	writing        bool // its transaction may write
}

// NewProxy returns a proxy for a connection string of Database's.
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
		listener.Close() //nolint:errcheck // nothing is left to do
		p.mu.Lock()
		defer p.mu.Unlock()
		for l := range p.links {
			l.close()
		}
	})
	return p
}

// Turn makes new connections go to the server of another connection string.
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

// Port is the proxy's, on 127.0.0.1.
func (p *Proxy) Port() string {
	_, port, _ := net.SplitHostPort(p.listener.Addr().String())
	return port
}

// URL returns a connection string that leads through the proxy.
func (p *Proxy) URL(databaseURL string) string { return Through(databaseURL, "127.0.0.1", p.Port()) }

// Through returns a connection string with other hosts and ports.
func Through(databaseURL, hosts, ports string) string {
	u, err := url.Parse(databaseURL)
	if err != nil {
		panic(err) // it is a test's own
	}
	query := u.Query()
	query.Set("host", hosts)
	query.Set("port", ports)
	u.RawQuery = query.Encode()
	return u.String()
}

// Silence silences the connections that there are.
func (p *Proxy) Silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.silent.Store(true)
	}
}

// SilenceAll silences the connections that there are, and new ones.
func (p *Proxy) SilenceAll() {
	p.mu.Lock()
	p.deaf = true
	p.mu.Unlock()
	p.Silence()
}

// SilenceAfter silences times connections, each when its client has sent skip packets after one with a text. The server
// gets none of what follows.
func (p *Proxy) SilenceAfter(text string, skip, times int) {
	p.set(&trap{text: []byte(text), skip: skip}, times)
}

// SilenceCommits silences times connections at the COMMIT of a transaction that may write. With forward the server gets
// the COMMIT, and its answer is lost.
func (p *Proxy) SilenceCommits(times int, forward bool) {
	p.set(&trap{text: []byte("COMMIT"), writing: true, forward: forward}, times)
}

func (p *Proxy) set(t *trap, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.left.Store(int32(times))
	p.trap = t
}

// Trips is how many packets clients have sent that await an answer.
func (p *Proxy) Trips() int { return int(p.trips.Load()) }

// Cut drops all connections.
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

// forward copies what the client sends. lib/pq waits for an answer to each packet, so that a read is a packet.
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
		if buffer[0] != 'X' { // which says goodbye
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

// springs reports whether the trap takes a packet.
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
		l.server.Write(packet) //nolint:errcheck // the test sees what became of it
	}
	return true
}

// answer copies what the server says.
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
			l.client.Write(buffer[:n]) //nolint:errcheck // the reader notices
		}
	}
}
