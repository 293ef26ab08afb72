package document

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"freehold.dev/freehold/e2e/hostile"
	"freehold.dev/freehold/graph"
)

// seedLength is the length above which a seed would slow the fuzzing down.
const seedLength = 8 << 10

// variablesOf reads variables as package edge does, with numbers as json.Number. It returns nil unless the text is an object.
func variablesOf(text string) (variables map[string]any) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&variables) != nil {
		return nil
	}
	return variables
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
	d := testDocuments(f)
	f.Fuzz(func(t *testing.T, query string) {
		begun := time.Now()
		doc, problems := d.parse(query)
		if len(problems) == 0 {
			problems = d.validate(doc, Validators(nil).complete(t.Context(), nil))
		}
		if len(problems) == 0 {
			m := meter{limits: d.limits, fragments: map[string]*measure{}}
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
	d := testDocuments(f)
	schema := graph.NewExecutableSchema(graph.Config{Schema: d.schema})
	exec := executor.New(schema)
	exec.SetQueryCache(d.Cache())
	f.Fuzz(func(t *testing.T, query, variables string) {
		read := &Request{RawParams: &graphql.RawParams{Query: query}}
		if read.Variables = variablesOf(variables); read.Variables == nil {
			return
		}
		ctx, problems := d.Read(graphql.StartOperationTrace(t.Context()), read)
		if len(problems) > 0 {
			return
		}
		operation, errs := exec.CreateOperationContext(ctx, read.RawParams)
		d.Check(ctx, read, operation, errs)
	})
}
