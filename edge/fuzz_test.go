package edge

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"freehold.dev/freehold/e2e/hostile"
)

// seedLength is the length above which a seed would slow the fuzzing down.
const seedLength = 8 << 10

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"query": "{ me { id } }", "variables": {"a": [1, "x", null]}, "operationName": null, "extensions": {}}`))
	f.Add([]byte(`{"query": "a", "query": "b"}`))
	f.Add([]byte("{\"query\": \"\xff\"} {}"))
	for _, body := range hostile.Requests() {
		f.Add([]byte(body[:min(len(body), seedLength)]))
	}
	for _, text := range hostile.Texts {
		f.Add([]byte(hostile.Request("{ me { id } }", map[string]any{"x": text[:min(len(text), seedLength)]})))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		read, refused := parseRequest(body)
		if refused != nil {
			return
		}
		if !utf8.ValidString(read.Query) || !utf8.ValidString(read.OperationName) || !utf8.ValidString(read.DocumentID) {
			t.Errorf("%q is read as %+v", body, read)
		}
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		var first map[string]any
		if err := decoder.Decode(&first); err != nil || decoder.More() {
			t.Errorf("%q is not one JSON object: %v", body, err)
		}
		variables, _ := first["variables"].(map[string]any)
		query, _ := first["query"].(string)
		if !reflect.DeepEqual(read.Variables, variables) || read.Query != query {
			t.Errorf("%q is read as %q with %v", body, read.Query, read.Variables)
		}
	})
}
