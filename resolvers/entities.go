package resolvers

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph/exec"
	"freehold.dev/freehold/owned"
)

const maxRepresentations = 500

var _ exec.EntityResolver = (*EntityResolver)(nil)

// EntityResolver resolves Federation's entry point, and nothing else of Query.
type EntityResolver struct{ *Resolvers }

// Entities finds the objects of Federation's representations in one transaction.
func (q *EntityResolver) Entities(ctx context.Context, representations []any) ([]owned.Row, error) {
	if len(representations) > maxRepresentations {
		return nil, tooMany("representations", maxRepresentations)
	}
	refs := make([][]owned.Ref, len(representations))
	for i, representation := range representations {
		var err error
		if refs[i], err = q.readRepresentation(fmt.Sprintf("representations.%d", i), representation); err != nil {
			at := withIndex(ctx, i)
			graphql.AddError(at, graphql.AddFieldLocationToError(at, graphql.ErrorOnPath(at, err)))
		}
	}
	found, err := q.Registry.FindRefs(ctx, q.DB, auth.ViewerFrom(ctx), refs)
	if err != nil {
		return nil, err
	}
	for i := range found {
		if found[i] == nil && len(refs[i]) > 0 {
			q.Miss(withIndex(ctx, i), refs[i][0])
		}
	}
	return found, nil
}

// readRepresentation returns the keys of a representation. It ignores all other fields, which the caller could have made up. A
// key that is not a string is a fault. A string that cannot be a key gets the same response as an unknown key, in the same time.
func (q *EntityResolver) readRepresentation(path string, representation any) ([]owned.Ref, error) {
	fields, _ := representation.(map[string]any) // anything else has no __typename
	name, _ := fields["__typename"].(string)
	t := q.Registry.Lookup(name)
	keys := q.EntityKeys[name]
	if t == nil || len(keys) == 0 {
		return nil, fault.Input(path+".__typename", "INVALID", "A representation must be an object with the __typename of an entity.")
	}
	var refs []owned.Ref
	var faults fault.Faults
	for _, key := range keys {
		value, given := fields[key]
		if text, ok := value.(string); ok {
			refs = append(refs, t.Ref(key, text))
		} else if given {
			faults.Add(path+"."+key, fault.Flaw{Code: "INVALID", Message: "Key fields must be strings."})
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if len(refs) == 0 {
		return nil, fault.Input(path, "REQUIRED", "A representation must contain a key of its type.")
	}
	return refs, nil
}

// EntityKeys returns the keys of each type with @key, by the names of the types.
func EntityKeys(schema *ast.Schema) map[string][]string {
	keys := map[string][]string{}
	for _, t := range schema.Types {
		for _, d := range t.Directives.ForNames("key") {
			keys[t.Name] = append(keys[t.Name], d.Arguments.ForName("fields").Value.Raw)
		}
	}
	return keys
}
