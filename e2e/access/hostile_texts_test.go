package access

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/hostile"
	"freehold.dev/freehold/internal/proof/cases"
)

// I01, I05, I07: for any text in any field of any mutation, the server replies with one of its own errors or a value. The
// reply has no word of the database, and mails go only to the addresses of accounts.
func TestHostileTextsInEveryInput(t *testing.T) {
	t.Parallel()
	p := newStage(t)
	tried := 0
	for _, mutation := range p.Schema.Mutation.Fields {
		argument := mutation.Arguments.ForName("input")
		if argument == nil {
			continue
		}
		typ := p.Schema.Types[argument.Type.Name()]
		query := fmt.Sprintf(`mutation ($i: %s!) { %s(input: $i) { __typename } }`, typ.Name, mutation.Name)
		for _, field := range typ.Fields {
			if kind := p.Schema.Types[field.Type.Name()].Kind; kind != ast.Scalar {
				continue
			}
			target := p.Make(t, "PUBLIC")
			for name, text := range hostile.Texts {
				in, err := target.Input(cases.Call{Parent: p.Schema.Mutation, Def: mutation}, typ)
				if err != nil {
					t.Fatal(err)
				}
				in[field.Name] = text
				r := p.Asked.Do(target.Token(), query, harness.Vars{"i": in})
				tried++
				if r.Code() == "INTERNAL_SERVER_ERROR" || r.Code() == "UNAVAILABLE" || strings.Contains(r.Body, "pq:") || strings.Contains(r.Body, "SQL") || len(r.Body) > 2000 {
					t.Errorf("%s.%s is %s: %d %.400s", typ.Name, field.Name, name, r.Status, r.Body)
				}
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d texts were tried", tried)
	}
	for _, recipient := range p.Maker.DB.Query(t, `SELECT DISTINCT recipient FROM app.outbox WHERE parked_at IS NULL`) {
		if !strings.HasSuffix(recipient, "@example.org") || strings.Count(recipient, "@") != 1 {
			t.Errorf("a mail goes to %q", recipient)
		}
	}
}
