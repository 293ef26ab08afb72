package reply

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
)

// Body is an encoded response, in parts that are written one after the other, so that the data is not copied.
type Body [][]byte

// Encode encodes a response. It sorts the errors of the response, and cuts them to a bounded size. It takes over the data.
func Encode(response *graphql.Response) (Body, error) {
	var errs []byte
	response.Errors, errs = encodeErrors(response.Errors)
	if response.Data == nil {
		return Body{[]byte(`{"errors":`), errs, []byte("}")}, nil
	}
	begin := []byte(`{"data":`)
	if len(response.Errors) > 0 {
		begin = append(append([]byte(`{"errors":`), errs...), `,"data":`...)
	}
	end := []byte("}")
	if len(response.Extensions) > 0 {
		extensions, err := json.Marshal(response.Extensions)
		if err != nil {
			return nil, fmt.Errorf("encode the extensions: %w", err)
		}
		end = fmt.Appendf(nil, `,"extensions":%s}`, extensions)
	}
	return Body{begin, append(response.Data, end...)}, nil
}

// Write writes the header and the body.
func (b Body) Write(w http.ResponseWriter, r *http.Request, status int) (err error) {
	size := 0
	for _, part := range b {
		size += len(part)
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	release := hold(w, r, size)
	defer func() { err = errors.Join(err, release()) }()
	w.WriteHeader(status)
	for _, part := range b {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
