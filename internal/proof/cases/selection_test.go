package cases

import (
	"encoding/json"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// Each path gets its own part of a reply to several. An error beside the path matters if it made something null that the path selects.
func TestSelectionOfAReply(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		type Query { q: Int } type Mutation { save: Saved } type Saved { row: Row! rows: [Row] }
		type Row { name: String owner: Row! }`})
	at := func(typ, field string) Step {
		def := schema.Types[typ].Fields.ForName(field)
		return Step{Call: Call{Parent: schema.Types[typ], Def: def, On: schema.Types[def.Type.Name()], Object: schema.Types[def.Type.Name()].IsCompositeType()}}
	}
	save, row, rows := at("Mutation", "save"), at("Saved", "row"), at("Saved", "rows")
	short := Path{Root: schema.Mutation, Steps: []Step{save}, Leaves: []Call{row.Call, rows.Call}}
	long := Path{Root: schema.Mutation, Steps: []Step{save, rows}, Leaves: []Call{at("Row", "name").Call, at("Row", "owner").Call}}
	text, _, err := Together([]Path{short, long}, nil)
	if want := "mutation { save { row { __typename } rows { __typename name owner { __typename } } } } "; err != nil || text != want {
		t.Errorf("together: %q %v, want %q", text, err, want)
	}
	const reply = `{"save":{"row":{"__typename":"Row"},"rows":[{"__typename":"Row","name":"x","owner":{"__typename":"Row"}},null]}}`
	for _, c := range []struct {
		path           Path
		part           string
		at             []any
		selects, nulls bool
	}{
		{short, `{"save":{"row":{"__typename":"Row"},"rows":[{"__typename":"Row"},null]}}`, []any{"save", "rows", 0.0, "name"}, false, false},
		{short, "", []any{"save", "rows", 1.0, "owner"}, false, true},
		{short, "", []any{"save", "rows"}, true, false},
		{short, "", []any{"save"}, true, false},
		{long, `{"save":{"rows":[{"name":"x","owner":{"__typename":"Row"}},null]}}`, []any{"save", "rows", 1.0, "owner"}, true, false},
		{long, "", []any{"save", "row", "name"}, false, false},
		{long, "", []any{"save", "rows", 0.0, "owner", "name"}, false, false},
	} {
		var s Selection
		s.Add(c.path)
		var data any
		if err := json.Unmarshal([]byte(reply), &data); err != nil {
			t.Fatal(err)
		}
		if selects, nulls := s.Touch(data, c.at); selects != c.selects || nulls != c.nulls {
			t.Errorf("%s, an error at %v: %v %v, want %v %v", c.path, c.at, selects, nulls, c.selects, c.nulls)
		}
		if part, err := json.Marshal(s.Of(data)); err != nil || c.part != "" && string(part) != c.part {
			t.Errorf("%s: %s, want %s", c.path, part, c.part)
		}
	}
}
