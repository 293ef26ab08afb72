package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"freehold.dev/freehold/fault"
)

// net/http and its mux answer some requests themselves, in plain text. Clients get our form of errors for these as well:
// plainErrors replaces what a handler writes, and jsonErrors what the server writes before there is a request, such as a 431.

// errorOf is the error that a client sees for a status of net/http.
func errorOf(status int) *fault.Error {
	switch status {
	case http.StatusNotFound:
		return fault.New(fault.NotFound, "There is nothing at this path. GraphQL is at /graphql.")
	case http.StatusRequestHeaderFieldsTooLarge:
		return fault.New(fault.BadRequest, fmt.Sprintf("The headers are too large. At most %d bytes are allowed.", maxHeaderBytes))
	}
	return fault.New(fault.BadRequest, http.StatusText(status)+".")
}

// plainErrors replaces a plain-text error in a response.
type plainErrors struct {
	http.ResponseWriter
	request  *http.Request
	replaced bool
}

func (w *plainErrors) WriteHeader(status int) {
	if status >= http.StatusBadRequest && strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		w.replaced = true
		writeError(w.request.Context(), w.ResponseWriter, status, errorOf(status))
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *plainErrors) Write(text []byte) (int, error) {
	if w.replaced {
		return len(text), nil
	}
	return w.ResponseWriter.Write(text)
}

func (w *plainErrors) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// jsonErrors is a listener for connections on which net/http's own answers have our error form.
type jsonErrors struct{ net.Listener }

func (l jsonErrors) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// conn is a connection to a client.
type conn struct {
	net.Conn

	held *[]byte // what is written meanwhile; see holdReply
}

// Write holds back what is part of a reply that is held. It replaces an answer that net/http writes in one piece, before there is a
// request.
func (c *conn) Write(text []byte) (int, error) {
	if c.held != nil {
		*c.held = append(*c.held, text...)
		return len(text), nil
	}
	answer, replaced := jsonErrorAnswer(text)
	if !replaced {
		return c.Conn.Write(text)
	}
	if _, err := c.Conn.Write(answer); err != nil {
		return 0, err
	}
	return len(text), nil
}

// CloseWrite lets net/http send an answer before it drops what is still arriving.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// plainHeader is the rest of the head of net/http's own answers. Our handlers never answer in plain text.
var plainHeader = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

func jsonErrorAnswer(text []byte) (answer []byte, replaced bool) {
	head, _, found := bytes.Cut(text, plainHeader)
	line, isHTTP := bytes.CutPrefix(head, []byte("HTTP/1.1 "))
	status, err := strconv.Atoi(string(line[:min(len(line), 3)]))
	if !found || !isHTTP || err != nil || bytes.IndexByte(line, '\r') >= 0 {
		return nil, false
	}
	f := errorOf(status)
	body, err := json.Marshal(errorBody(f.Message, map[string]any{"code": f.Code}))
	if err != nil {
		return nil, false
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n"+
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%s", status, http.StatusText(status), len(body), body), true
}
