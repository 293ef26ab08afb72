package app

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// net/http writes a reply to the connection in pieces of 4 KiB and less. Each is a system call, and wakes the client. A connection can
// hold them back until the reply is complete.

const (
	// heldLeast is the size of a body from which its reply takes more than one piece.
	heldLeast = 3 << 10
	// heldMost bounds what a connection copies. Longer replies go out in pieces.
	heldMost = 24 << 10
)

// heldBuffers has the buffers of connections that hold nothing.
var heldBuffers = sync.Pool{New: func() any { return new([]byte) }}

type connKey struct{}

// withConn lets handlers find their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// holdReply holds back what is written to the connection of a request until release. The body has size bytes, and its
// Content-Length is set.
func holdReply(w http.ResponseWriter, r *http.Request, size int) (release func() error) {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok || size < heldLeast || size > heldMost {
		return func() error { return nil }
	}
	c.held = heldBuffers.Get().(*[]byte)
	return func() error {
		err := http.NewResponseController(w).Flush()
		held := c.held
		c.held = nil
		if _, writeErr := c.Conn.Write(*held); err == nil {
			err = writeErr
		}
		*held = (*held)[:0]
		heldBuffers.Put(held)
		return err
	}
}
