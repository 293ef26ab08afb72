package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/go-json-experiment/json/jsontext"

	"freehold.dev/freehold/edge/document"
	"freehold.dev/freehold/fault"
)

// refusal is why a request does not become an operation.
type refusal struct {
	status int
	err    *fault.Error
}

func refuse(status int, message string) *refusal {
	return &refusal{status, fault.New(fault.BadRequest, message)}
}

// isReadOnly reports whether a request has a safe method (RFC 9110), with which it must not change anything.
func isReadOnly(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// readRequest reads a POST with one JSON object, or a GET with the same members as URL parameters. A refusal never repeats what the
// client sent.
func readRequest(w http.ResponseWriter, r *http.Request, limit int64) (*document.Request, *refusal) {
	var read *document.Request
	var refused *refusal
	switch {
	case isReadOnly(r):
		read, refused = readURL(r.URL.RawQuery)
	case r.Method == http.MethodPost:
		read, refused = readPost(w, r, limit)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		return nil, refuse(http.StatusMethodNotAllowed, "Send a GraphQL operation by POST, or a query by GET.")
	}
	if refused != nil {
		return nil, refused
	}
	read.Headers = r.Header
	return read, nil
}

func readPost(w http.ResponseWriter, r *http.Request, limit int64) (*document.Request, *refusal) {
	if !isJSON(r.Header.Get("Content-Type")) || !isPlain(r.Header.Get("Content-Encoding")) {
		return nil, refuse(http.StatusUnsupportedMediaType, "Send the request as application/json, in UTF-8 and uncompressed.")
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), smallBody)) + bytes.MinRead) // no more, since Content-Length is only a claim
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is too large. At most %d bytes are allowed.", limit))
	}
	if err != nil {
		return nil, refuse(http.StatusRequestTimeout, "The request body was incomplete.")
	}
	return parseRequest(body.Bytes())
}

// smallBody is the size of most requests, in bytes.
const smallBody = 4 << 10

// isJSON accepts application/json with the names of UTF-8 that clients send (WHATWG Encoding, 4.2).
func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	charset := strings.ToLower(params["charset"])
	return err == nil && media == "application/json" && (charset == "" || charset == "utf-8" || charset == "utf8")
}

func isPlain(encoding string) bool { return encoding == "" || strings.EqualFold(encoding, "identity") }

// decoders read requests. A decoder keeps its buffer.
var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(new(bytes.Buffer)) }}

// parseRequest reads a request in JSON. It is stricter than encoding/json: it requires one document, unique names in their exact
// case, valid UTF-8 and valid surrogates.
func parseRequest(body []byte) (*document.Request, *refusal) {
	d := decoders.Get().(*jsontext.Decoder)
	defer func() {
		d.Reset(new(bytes.Buffer)) // otherwise it would keep the body
		decoders.Put(d)
	}()
	d.Reset(bytes.NewBuffer(body))
	if d.PeekKind() == '[' && jsontext.Value(body).IsValid() {
		return nil, refuse(http.StatusBadRequest, "Batches are not supported. Send each operation in a request of its own.")
	}
	read := &document.Request{RawParams: &graphql.RawParams{}}
	if err := readMembers(d, read); err != nil {
		return nil, refuse(http.StatusBadRequest, document.NotARequest)
	}
	return read, nil
}

var errNotARequest = errors.New("not a request")

// readMembers reads one JSON object, and nothing after it. It ignores unknown members and null.
func readMembers(d *jsontext.Decoder, r *document.Request) error {
	if begin, err := d.ReadToken(); err != nil || begin.Kind() != '{' {
		return errNotARequest
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		switch name.String() {
		case "query":
			err = readText(d, &r.Query)
		case "documentId":
			err = readText(d, &r.DocumentID)
		case "operationName":
			err = readText(d, &r.OperationName)
		case "variables":
			err = readObject(d, &r.Variables)
		case "extensions":
			err = readObject(d, &r.Extensions)
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errNotARequest
	}
	return nil
}

func readText(d *jsontext.Decoder, into *string) error {
	value, err := readValue(d)
	if text, ok := value.(string); ok {
		*into = text
	} else if value != nil {
		return errNotARequest
	}
	return err
}

func readObject(d *jsontext.Decoder, into *map[string]any) error {
	value, err := readValue(d)
	if object, ok := value.(map[string]any); ok {
		*into = object
	} else if value != nil {
		return errNotARequest
	}
	return err
}

// readValue reads a value like encoding/json, with numbers as json.Number.
func readValue(d *jsontext.Decoder) (any, error) {
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch byte(token.Kind()) {
	case '{':
		object := map[string]any{}
		for d.PeekKind() != '}' {
			token, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			name := token.String() // the next read overwrites it
			if object[name], err = readValue(d); err != nil {
				return nil, err
			}
		}
		_, err := d.ReadToken()
		return object, err
	case '[':
		list := []any{}
		for d.PeekKind() != ']' {
			value, err := readValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := d.ReadToken()
		return list, err
	case '"':
		return token.String(), nil
	case '0':
		return json.Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil //nolint:nilnil // JSON's null
}

func decode(text []byte, into any) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into) == nil
}

// readURL reads the parameters of a GET. Variables and extensions are JSON objects. An empty parameter is the same as none.
func readURL(rawQuery string) (*document.Request, *refusal) {
	const invalid = "Send query once as a URL parameter, and optionally operationName, variables and extensions. The last two are JSON objects."
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, invalid)
	}
	read := &document.Request{RawParams: &graphql.RawParams{}, ReadOnly: true}
	for name, into := range map[string]any{
		"query": &read.Query, "documentId": &read.DocumentID, "operationName": &read.OperationName,
		"variables": &read.Variables, "extensions": &read.Extensions,
	} {
		text := strings.Clone(values.Get(name)) // otherwise it would keep the whole URL in memory
		if len(values[name]) > 1 || !utf8.ValidString(text) {
			return nil, refuse(http.StatusBadRequest, invalid)
		}
		if plain, isText := into.(*string); isText {
			*plain = text
		} else if text != "" && (!jsontext.Value(text).IsValid() || !decode([]byte(text), into)) {
			return nil, refuse(http.StatusBadRequest, invalid)
		}
	}
	return read, nil
}
