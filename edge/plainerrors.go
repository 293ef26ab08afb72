package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"freehold.dev/freehold/edge/reply"
	"freehold.dev/freehold/fault"
)

// net/http and its mux reply to some requests themselves, in plain text. Clients get our form of errors for these as well.
// plainErrors replaces what a handler writes. jsonErrors replaces what the server writes before there is a request, such as a 431.

// errorOf returns the error that a client sees for a status of net/http.
func errorOf(status int) *fault.Error {
	switch status {
	case http.StatusNotFound:
		return fault.New(fault.NotFound, "Not found. GraphQL is at /graphql.")
	case http.StatusRequestHeaderFieldsTooLarge:
		return fault.New(fault.BadRequest, fmt.Sprintf("The headers are too large. At most %d bytes are allowed.", maxHeaderBytes))
	}
	return fault.New(fault.BadRequest, http.StatusText(status)+".")
}

// plainErrors replaces a plain-text error in a response.
type plainErrors struct {
	http.ResponseWriter
	request     *http.Request
	missingPage func(http.ResponseWriter) // writes the page for a path that is not found; nil: there is none
	replaced    bool
}

func (w *plainErrors) WriteHeader(status int) {
	isPlain := strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain")
	if isPlain && status == http.StatusNotFound && w.missingPage != nil && WantsPage(w.request) {
		w.replaced = true
		w.missingPage(w.ResponseWriter)
		return
	}
	if isPlain && status >= http.StatusBadRequest {
		w.replaced = true
		WriteError(w.request.Context(), w.ResponseWriter, status, errorOf(status))
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

// Listen wraps a listener for NewServer: replies are written in one piece, and those of net/http itself have our error form.
func Listen(l net.Listener) net.Listener { return jsonErrors{l} }

type jsonErrors struct{ net.Listener }

func (l jsonErrors) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &reply.Conn{Conn: c, Replace: jsonErrorAnswer}, nil
}

// plainHeader is the end of the header of net/http's own replies. Our handlers never reply in plain text.
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
