package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"freehold.dev/freehold/internal/kept"
)

// replacements make the generated code use package graph/exec instead of gqlgen's runtime.
var replacements = []struct{ before, after string }{
	{"graphql.NewFieldSet(fields)", "exec.NewFieldSet(fields, concurrent)"},
	{"graphql.MarshalSliceConcurrently(ctx, len(v), 0, false, ", "exec.MarshalList(ctx, concurrent, sel, len(v), "},
	{"graphql.NewDeferredGroup(ctx)", "graphql.DeferredGroup{}"},                           // gqlgen's allocates a map and a path for each object, for @defer
	{"var buf bytes.Buffer\n\t\t\tdata.MarshalGQL(&buf)\n", "text := exec.Encode(data)\n"}, // in a buffer that already has its size
	{"buf.Bytes()", "text"},
	{"\t\"bytes\"\n", ""},
}

const (
	execImport   = "\t\"freehold.dev/freehold/graph/exec\"\n"
	gqlgenImport = "\t\"github.com/99designs/gqlgen/graphql\"\n"
)

// tune replaces the most expensive parts of the generated code. It fails if the code has another form, as with another version of
// gqlgen.
func tune(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read what gqlgen generated: %w", err)
	}
	for _, r := range replacements {
		if !bytes.Contains(text, []byte(r.before)) {
			return fmt.Errorf("the code that gqlgen generated does not have %q, which package graph/exec replaces", r.before)
		}
		text = bytes.ReplaceAll(text, []byte(r.before), []byte(r.after))
	}
	if !bytes.Contains(text, []byte(execImport)) { // the import exists if the schema has _Service
		text = bytes.Replace(text, []byte(gqlgenImport), []byte(execImport+gqlgenImport), 1)
	}
	rewritten, n := direct(string(text))
	if n == 0 {
		return errors.New("no field of the generated code has the form that graph/generate/direct.go expects")
	}
	return kept.Write(name, []byte(rewritten))
}
