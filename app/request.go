package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/go-json-experiment/json/jsontext"

	"freehold/fault"
)

// refusal is a request that never became an operation.
type refusal struct {
	status int
	err    *fault.Error
}

func refuse(status int, message string) *refusal {
	return &refusal{status, fault.New(fault.BadRequest, message)}
}

// readRequest reads a GraphQL request as GraphQL over HTTP has it: a POST with one JSON object. Nothing of what was
// sent is repeated in the refusal.
func readRequest(w http.ResponseWriter, r *http.Request, limit int64) (*graphql.RawParams, *refusal) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, refuse(http.StatusMethodNotAllowed, "GraphQL is served by POST.")
	}
	if !isJSON(r.Header.Get("Content-Type")) || r.Header.Get("Content-Encoding") != "" {
		return nil, refuse(http.StatusUnsupportedMediaType, "The request has to be application/json, in UTF-8 and uncompressed.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, refuse(http.StatusRequestEntityTooLarge, "The request is too large.")
	}
	if err != nil {
		return nil, refuse(http.StatusRequestTimeout, "The request did not arrive whole.")
	}
	params, ok := parseRequest(body)
	if !ok {
		return nil, refuse(http.StatusBadRequest, "The request has to be one JSON object with query, and optionally operationName, variables and extensions.")
	}
	if _, asked := params.Extensions["persistedQuery"]; asked {
		return nil, &refusal{http.StatusBadRequest, fault.New(fault.PersistedQueries, "Persisted queries are not supported: send the document.")}
	}
	params.Headers = r.Header
	return params, nil
}

func isJSON(contentType string) bool {
	media, params, err := mime.ParseMediaType(contentType)
	charset := params["charset"]
	return err == nil && media == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// parseRequest is strict where encoding/json is not: one document, no duplicate names, valid UTF-8 and surrogates, and
// names in their exact case.
func parseRequest(body []byte) (*graphql.RawParams, bool) {
	if !jsontext.Value(body).IsValid() {
		return nil, false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members == nil {
		return nil, false
	}
	params := &graphql.RawParams{}
	for name, into := range map[string]any{
		"query": &params.Query, "operationName": &params.OperationName, "variables": &params.Variables, "extensions": &params.Extensions,
	} {
		raw, present := members[name]
		if !present {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if decoder.Decode(into) != nil {
			return nil, false
		}
	}
	_, persisted := params.Extensions["persistedQuery"]
	return params, params.Query != "" || persisted
}
