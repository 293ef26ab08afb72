package reply

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// net/http writes a reply to the connection in pieces of at most 4 KiB. Each piece is a system call, and wakes the client. A Conn
// can hold them back until the reply is complete.

const (
	// heldLeast is the size of a body from which its reply takes more than one piece.
	heldLeast = 3 << 10
	// heldMost bounds what a connection copies. Longer replies go out in pieces.
	heldMost = 24 << 10
)

// Conn is a connection to a client that can hold back what is written. Replace, if not nil, may return other bytes for a write.
type Conn struct {
	net.Conn
	Replace func(written []byte) (instead []byte, ok bool)

	held *[]byte // what was written since hold
}

// Write writes text, or holds it back while a reply is held.
func (c *Conn) Write(text []byte) (int, error) {
	if c.held != nil {
		*c.held = append(*c.held, text...)
		return len(text), nil
	}
	if c.Replace == nil {
		return c.Conn.Write(text)
	}
	instead, ok := c.Replace(text)
	if !ok {
		return c.Conn.Write(text)
	}
	if _, err := c.Conn.Write(instead); err != nil {
		return 0, err
	}
	return len(text), nil
}

// CloseWrite lets net/http send a reply before it drops the rest of the request.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// heldBuffers has the buffers of connections that hold nothing.
var heldBuffers = sync.Pool{New: func() any { return new([]byte) }}

type connKey struct{}

// WithConn lets handlers find their connection. It is for http.Server.ConnContext.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// hold holds back what is written to the connection of a request until release is called. The body has size bytes, and its
// Content-Length is set.
func hold(w http.ResponseWriter, r *http.Request, size int) (release func() error) {
	c, ok := r.Context().Value(connKey{}).(*Conn)
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
