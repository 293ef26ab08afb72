package dbtest

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
)

// Pooler is a transaction pooler that loses prepared statements, like PgBouncer 1.18: each transaction runs on the server connection
// that was used last, but a prepared statement stays on the connection that prepared it.
type Pooler struct {
	target string
	dir    string

	mu   sync.Mutex
	idle []net.Conn // the one used last comes last
}

// NewPooler returns a pooler for the server of a connection string.
func NewPooler(t testing.TB, databaseURL string) *Pooler {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	p := &Pooler{target: u.Query().Get("host") + "/.s.PGSQL." + u.Query().Get("port"), dir: t.TempDir()}
	listener, err := net.Listen("unix", filepath.Join(p.dir, ".s.PGSQL.6432")) //nolint:noctx // it is closed when the test ends
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	t.Cleanup(func() {
		listener.Close() //nolint:errcheck // the test has ended
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, server := range p.idle {
			server.Close()
		}
	})
	return p
}

// URL returns a connection string for the pooler.
func (p *Pooler) URL(databaseURL string) string { return Through(databaseURL, p.dir, "6432") }

func (p *Pooler) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.target) //nolint:noctx // a local socket
	if err != nil {
		return
	}
	length := make([]byte, 4)
	if _, err := io.ReadFull(client, length); err != nil {
		return
	}
	startup := make([]byte, binary.BigEndian.Uint32(length)-4)
	if _, err := io.ReadFull(client, startup); err != nil {
		return
	}
	server.Write(append(length, startup...)) //nolint:errcheck // the next read fails
	// Each client authenticates on a new server connection, which then goes to the pool.
	for {
		kind, packet, err := readMessage(server)
		if err != nil {
			server.Close()
			return
		}
		client.Write(packet) //nolint:errcheck // the next read fails
		switch {
		case kind == 'Z':
			p.put(server)
			p.transactions(client)
			return
		case kind == 'R' && asksForAnswer(packet):
			_, answer, err := readMessage(client)
			if err != nil {
				server.Close()
				return
			}
			server.Write(answer) //nolint:errcheck // the next read fails
		}
	}
}

// asksForAnswer reports whether a client answers an AuthenticationRequest.
func asksForAnswer(packet []byte) bool {
	switch binary.BigEndian.Uint32(packet[5:9]) {
	case 0, 12: // AuthenticationOk, AuthenticationSASLFinal
		return false
	}
	return true
}

// transactions runs each transaction of a client on the server connection that was used last.
func (p *Pooler) transactions(client net.Conn) {
	for {
		kind, packet, err := readMessage(client)
		if err != nil || kind == 'X' {
			return
		}
		server := p.take()
		if server == nil {
			return
		}
		for idle := false; !idle; {
			server.Write(packet)                                                          //nolint:errcheck // the next read fails
			for kind == 'P' || kind == 'D' || kind == 'B' || kind == 'E' || kind == 'C' { // until Sync
				if kind, packet, err = readMessage(client); err != nil {
					server.Close()
					return
				}
				server.Write(packet) //nolint:errcheck // the next read fails
			}
			if idle, err = copyAnswer(client, server); err == nil && !idle {
				kind, packet, err = readMessage(client)
			}
			if err != nil || kind == 'X' && !idle {
				server.Close()
				return
			}
		}
		p.put(server)
	}
}

// copyAnswer copies up to ReadyForQuery, and reports whether the transaction has ended.
func copyAnswer(client, server net.Conn) (idle bool, err error) {
	for {
		kind, packet, err := readMessage(server)
		if err != nil {
			return false, err
		}
		client.Write(packet) //nolint:errcheck // the next read fails
		if kind == 'Z' {
			return packet[5] == 'I', nil
		}
	}
}

func (p *Pooler) take() net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	last := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return last
}

func (p *Pooler) put(server net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, server)
}

func readMessage(r io.Reader) (kind byte, packet []byte, err error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	packet = make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
	copy(packet, head)
	_, err = io.ReadFull(r, packet[5:])
	return head[0], packet, err
}
