package document

import (
	"fmt"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// A blank text means null only for our nullable scalars, in variables, literals and defaults alike.
func TestBlankTextsAreNull(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		scalar Date scalar URL scalar DateTime scalar Colour
		type Query { f(in: In, list: [In!], date: Date, due: Date!): Int }
		input In { date: Date due: Date! = "2026-01-01" url: URL at: DateTime colour: Colour text: String dates: [Date] inner: In }`})
	for _, c := range []struct{ name, query, variables, faults, given string }{
		{"of each kind", `query ($i: In) { f(due: "2026-01-01", in: $i) }`, `{"i": {"date": "", "url": " ", "at": "\t", "colour": "", "text": ""}}`, "[]",
			`map[i:map[at:<nil> colour: date:<nil> text: url:<nil>]]`},
		{"in depth", `query ($l: [In!]) { f(due: "2026-01-01", list: $l) }`, `{"l": [{"inner": {"inner": {"url": ""}}}, {"date": " "}]}`, "[]",
			`map[l:[map[inner:map[inner:map[url:<nil>]]] map[date:<nil>]]]`},
		{"a variable alone", `query ($d: Date) { f(due: "2026-01-01", date: $d) }`, `{"d": ""}`, "[]", `map[d:<nil>]`},
		{"a variable in a literal", `query ($d: Date, $u: URL) { f(due: "2026-01-01", in: {date: $d, inner: {url: $u}}) }`, `{"d": "", "u": "\u00a0"}`, "[]", `map[d:<nil> u:<nil>]`},
		{"where null is refused", `query ($i: In) { f(due: "2026-01-01", in: $i) }`, `{"i": {"due": ""}}`, "[in.due INVALID]", `map[i:map[due:]]`},
		{"a variable that is required", `query ($d: Date!) { f(due: $d, date: $d) }`, `{"d": " "}`, "[due INVALID date INVALID]", `map[d: ]`},
		{"in a list", `query ($i: In) { f(due: "2026-01-01", in: $i) }`, `{"i": {"dates": ["", null]}}`, "[in.dates.0 INVALID]", `map[i:map[dates:[ <nil>]]]`},
		{"literals", `{ f(due: "2026-01-01", date: "", in: {date: "", url: """ """, at: " ", inner: {date: ""}}, list: [{date: ""}]) }`, `{}`, "[]", `map[]`},
		{"a default", `query ($i: In = {date: "", text: ""}) { f(due: "2026-01-01", in: $i) }`, `{}`, "[]", `map[i:map[date:<nil> text:]]`},
		{"a literal where null is refused", `{ f(due: " ") }`, `{}`, "[due INVALID]", ""},
		{"a literal in a list", `{ f(due: "2026-01-01", in: {dates: [""]}) }`, `{}`, "[in.dates.0 INVALID]", ""},
	} {
		doc, err := parser.ParseQuery(&ast.Source{Input: c.query})
		if err != nil {
			t.Fatal(err)
		}
		variables := variablesOf(c.variables)
		completion := Validators(nil).complete(t.Context(), variables)
		faults := []string{}
		for _, e := range validator.ValidateWithRules(schema, doc, validationRules(completion, true)) {
			faults = append(faults, e.Message[:len(e.Message)-len(": This is not a valid date, such as 1970-12-31.")]+" INVALID")
		}
		if len(faults) == 0 {
			op := doc.Operations[0]
			coerced, err := validator.VariableValues(schema, op, variables)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range variableFaults(schema, op, coerced, completion) {
				faults = append(faults, f.Path+" "+f.Code)
			}
			if got := fmt.Sprint(coerced); got != c.given {
				t.Errorf("%s: gqlgen is given %s, want %s", c.name, got, c.given)
			}
		}
		if got := fmt.Sprint(faults); got != c.faults {
			t.Errorf("%s: %s, want %s", c.name, got, c.faults)
		}
	}
}
