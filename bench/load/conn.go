package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// patience is the longest that a reply may take.
const patience = 30 * time.Second

// conn is a connection that stays open. It reads HTTP/1.1 itself, because net/http would take a good part of a machine that
// the servers need.
type conn struct {
	net.Conn
	buf []byte // what was read; buf[:n] is in use
	n   int
}

func dial(ctx context.Context, addr string) (*conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to the server: %w", err)
	}
	return &conn{Conn: c, buf: make([]byte, 64<<10)}, nil
}

// do sends a request and returns the status and body of the reply. The body is valid until the next call.
func (c *conn) do(request []byte) (status int, body []byte, err error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	if _, err := c.Write(request); err != nil {
		return 0, nil, err
	}
	c.n = 0
	end := -1
	for end < 0 {
		if err := c.more(); err != nil {
			return 0, nil, err
		}
		end = bytes.Index(c.buf[:c.n], []byte("\r\n\r\n"))
	}
	head := c.buf[:end+2]
	if len(head) < len("HTTP/1.1 200") || !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) {
		return 0, nil, fmt.Errorf("no HTTP/1.1: %q", head)
	}
	if status, err = strconv.Atoi(string(head[9:12])); err != nil {
		return 0, nil, fmt.Errorf("no status: %q", head)
	}
	body, err = c.body(head, end+4)
	return status, body, err
}

// body reads the bytes after the head, which ends at start.
func (c *conn) body(head []byte, start int) ([]byte, error) {
	if field(head, "transfer-encoding") == "chunked" {
		return c.chunks(start)
	}
	length, err := strconv.Atoi(field(head, "content-length"))
	if err != nil {
		return nil, fmt.Errorf("an answer without a length: %q", head)
	}
	if err := c.need(start + length); err != nil {
		return nil, err
	}
	if c.n != start+length {
		return nil, errors.New("more came than was asked for")
	}
	return c.buf[start:c.n], nil
}

// chunks reads a chunked body and joins its chunks.
func (c *conn) chunks(at int) (body []byte, err error) {
	for {
		end := -1
		for end < 0 {
			if end = bytes.Index(c.buf[at:c.n], []byte("\r\n")); end < 0 {
				if err := c.more(); err != nil {
					return nil, err
				}
			}
		}
		size, err := strconv.ParseInt(string(c.buf[at:at+end]), 16, 32)
		if err != nil {
			return nil, fmt.Errorf("the size of a chunk: %w", err)
		}
		at += end + 2
		if err := c.need(at + int(size) + 2); err != nil {
			return nil, err
		}
		if size == 0 {
			return body, nil
		}
		body = append(body, c.buf[at:at+int(size)]...)
		at += int(size) + 2
	}
}

// need reads until so many bytes are in the buffer.
func (c *conn) need(n int) error {
	for c.n < n {
		if err := c.more(); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) more() error {
	if c.n == len(c.buf) {
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := c.Read(c.buf[c.n:])
	c.n += n
	if n == 0 && err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// field returns the value of a header field whose name is given in lower case.
func field(head []byte, name string) string {
	for line := range bytes.Lines(head) {
		key, value, found := bytes.Cut(line, []byte(":"))
		if found && len(key) == len(name) && bytes.EqualFold(key, []byte(name)) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}
