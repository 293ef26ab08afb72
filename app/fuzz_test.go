package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

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
		if !utf8.ValidString(read.Query) || !utf8.ValidString(read.OperationName) || !utf8.ValidString(read.documentID) {
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

// fuzzed is an endpoint that executes nothing.
func fuzzed(f *testing.F) *endpoint {
	schema := testSchema()
	c, err := LoadConfig(nil)
	if err != nil {
		f.Fatal(err)
	}
	a := &App{config: c, program: testProgram(f), log: slog.New(slog.DiscardHandler), telemetry: &telemetry{}}
	e, err := a.newEndpoint(f.Context(), schema, nil, nil, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	return e
}

func FuzzCost(f *testing.F) {
	f.Add(`{ me { id } ...F } fragment F on Query { profiles(first: 3) { nodes { id } } }`)
	f.Add(hostile.FragmentBomb(5))
	for _, body := range hostile.Requests() {
		var request struct{ Query string }
		if json.Unmarshal([]byte(body), &request) == nil && len(request.Query) < seedLength {
			f.Add(request.Query)
		}
	}
	for _, definition := range hostile.Defaults {
		f.Add(fmt.Sprintf(`query (%s) { me { id } }`, definition))
	}
	e := fuzzed(f)
	f.Fuzz(func(t *testing.T, query string) {
		begun := time.Now()
		doc, problems := e.documents.parse(query)
		if len(problems) == 0 {
			problems = e.documents.validate(doc, judges(nil).complete(t.Context(), nil))
		}
		if len(problems) == 0 {
			m := meter{limits: e.documents.limits, fragments: map[string]*measure{}}
			if got := m.selections(doc.Operations[0].SelectionSet); got.cost < 1 || got.depth < 1 || got.cost > costly {
				t.Errorf("%q costs %+v", query, got)
			}
		}
		if took := time.Since(begun); took > 10*time.Second { // wide: machines are slow, and fuzzing loads them
			t.Errorf("%q took %v", query, took)
		}
	})
}

// FuzzVariables prepares documents with variables for execution: with default values, with values, and with both. Nothing may
// panic.
func FuzzVariables(f *testing.F) {
	for _, definition := range hostile.Defaults {
		for _, use := range []string{`me { id }`, `nodes(ids: $x) { id }`, `nodes(ids: ["a", $x]) { id }`, `profiles(first: $x) { nodes { id } }`, `me @skip(if: $x) { id }`, `_entities(representations: $x) { __typename }`} {
			for _, variables := range []string{`{}`, `{"x": null}`, `{"x": [{"email": 5, "nope": null}, 1e400, "NOPE"]}`} {
				f.Add(fmt.Sprintf(`query (%s) { %s }`, definition, use), variables)
			}
		}
		f.Add(fmt.Sprintf(`mutation (%s) { signIn(input: $x) { user { id } } updateProfile(input: {visibility: $x, birthday: $x, avatarUrl: $x, id: $x}) { profile { id } } }`, definition), `{"x": {"email": [5]}}`)
	}
	e := fuzzed(f)
	f.Fuzz(func(t *testing.T, query, variables string) {
		read := &request{RawParams: &graphql.RawParams{Query: query}}
		if !decode([]byte(variables), &read.Variables) {
			return
		}
		ctx, problems := e.documents.read(graphql.StartOperationTrace(t.Context()), read)
		if len(problems) > 0 {
			return
		}
		operation, errs := e.exec.CreateOperationContext(ctx, read.RawParams)
		e.problems(operation, errs, e.documents.completion(ctx, read))
	})
}
