package app

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"query": "{ me { id } }", "variables": {"a": [1, "x", null]}, "operationName": null, "extensions": {}}`))
	f.Add([]byte(`{"query": "a", "query": "b"}`))
	f.Add([]byte("{\"query\": \"\xff\"} {}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		params, ok := parseRequest(body)
		if !ok {
			return
		}
		_, persisted := params.Extensions["persistedQuery"]
		if params.Query == "" && !persisted || !utf8.ValidString(params.Query) || !utf8.ValidString(params.OperationName) {
			t.Errorf("%q is read as %+v", body, params)
		}
		decoder := json.NewDecoder(bytes.NewReader(body))
		var first map[string]any
		if err := decoder.Decode(&first); err != nil || decoder.More() {
			t.Errorf("%q is not one JSON object: %v", body, err)
		}
	})
}
