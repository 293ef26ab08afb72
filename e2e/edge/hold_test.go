package edge

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// countingListener counts the writes to its connections.
type countingListener struct {
	net.Listener

	writes *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countedConn{c, l.writes}, err
}

type countedConn struct {
	net.Conn

	writes *atomic.Int64
}

func (c countedConn) Write(text []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(text)
}

// A reply is sent in one write, unless it is long.
func TestRepliesGoOutInOnePiece(t *testing.T) {
	t.Parallel()
	var writes atomic.Int64
	s, _ := harness.ListenOn(t, dbtest.New(t), func(l net.Listener) net.Listener { return countingListener{l, &writes} }, app.Options{})
	for range 20 {
		s.SignUp(harness.Vars{"visibility": "PUBLIC", "bio": strings.Repeat("x", 500)})
	}
	for query, c := range map[string]struct {
		bios     int
		onePiece bool
	}{
		`{ profiles(first: 1) { nodes { bio } } }`:                      {1, true},
		`{ profiles(first: 5) { nodes { bio birthday } } }`:             {5, true},
		`{ profiles(first: 7) { nodes { bio birthday } } }`:             {7, true},
		`{ profiles(first: 20) { nodes { bio birthday createdAt } } }`:  {20, true},
		`{` + aliases(30, `profiles(first: 5) { nodes { bio } }`) + `}`: {150, false},
	} {
		for range 2 { // on one connection
			writes.Store(0)
			r := s.Do("", query, nil)
			if n := strings.Count(r.Body, `xxxxx"`); n != c.bios || (writes.Load() == 1) != c.onePiece {
				t.Errorf("%s: %d bios, %d bytes in %d pieces", query, n, len(r.Body), writes.Load())
			}
		}
	}
}
