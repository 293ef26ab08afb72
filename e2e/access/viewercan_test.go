package access

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/stage"
)

// viewerCan lists an action exactly if its mutation is admitted, for each type with actions, each viewer and each visibility.
func TestViewerCanIsWhatTheMutationsDo(t *testing.T) {
	t.Parallel()
	p := newStage(t)
	types := 0
	for _, typ := range p.Schema.Types {
		f := actionsField(p.Schema, typ)
		if f == nil {
			continue
		}
		types++
		promised := 0
		for _, visibility := range cases.Visibilities {
			for _, asker := range cases.Askers {
				promised += checkActions(t, p, typ, f, visibility, asker)
			}
		}
		if promised == 0 {
			t.Errorf("%s.%s lists nothing for any viewer", typ.Name, f.Name)
		}
	}
	if types == 0 {
		t.Error("no type has actions")
	}
}

// actionsField returns the field of an owned type that says what the viewer can do with a row; nil if it has none.
func actionsField(schema *cases.Schema, t *ast.Definition) *ast.FieldDefinition {
	for _, f := range t.Fields {
		if schema.IsOwned(t) && f.Type.Name() == t.Name+"Action" {
			return f
		}
	}
	return nil
}

// checkActions compares the actions listed for a row with what its mutations do, and returns how many are listed.
func checkActions(t *testing.T, p *stage.Stage, typ *ast.Definition, f *ast.FieldDefinition, visibility, asker string) (promised int) {
	t.Helper()
	target := p.Make(t, visibility)
	token := map[string]string{cases.ByOwner: target.Token(), cases.ByMember: p.Another.Token(), cases.ByNobody: ""}[asker]
	var data struct{ Node map[string][]string }
	p.Asked.Do(token, fmt.Sprintf(`query ($id: ID!) { node(id: $id) { ... on %s { %s } } }`, typ.Name, f.Name), harness.Vars{"id": target.RowID(typ.Name)}).Into(t, &data)
	if data.Node == nil {
		return 0 // hidden: no actions
	}
	can := []string{}
	for _, action := range p.Schema.Types[f.Type.Name()].EnumValues {
		m := p.Schema.Mutation.Fields.ForName(mutationOf(action.Name, typ.Name))
		if m == nil {
			t.Errorf("%s of %s belongs to no mutation", action.Name, typ.Name)
			continue
		}
		if err := p.Spare(target, m.Name); err != nil { // the row is needed again
			t.Fatal(err)
		}
		text, v, err := mutation(p, m, refusal{target: target})
		if err != nil {
			t.Fatal(err)
		}
		r := p.Asked.Do(token, text, v)
		if len(r.Errors) == 0 {
			can = append(can, action.Name)
		} else if !stage.IsRefusal(r.Code()) {
			t.Errorf("%s: %s", m.Name, r.Body)
		}
	}
	if got := data.Node[f.Name]; fmt.Sprint(got) != fmt.Sprint(can) {
		t.Errorf("%s of a %s %s lists %v, and the admitted mutations are %v", asker, visibility, typ.Name, got, can)
	}
	return len(data.Node[f.Name])
}

// mutationOf returns the mutation of an action: changeNameProfile for CHANGE_NAME of Profile.
func mutationOf(action, typ string) string {
	words := strings.Split(strings.ToLower(action), "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "") + typ
}

// viewerCan costs no statement, for any number of rows.
func TestViewerCanCostsNoStatement(t *testing.T) {
	t.Parallel()
	var statements atomic.Int64
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Observe: func(string) { statements.Add(1) }})
	another := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	s.SignUp(harness.Vars{"visibility": "MEMBERS"})
	s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	count := func(field string) int64 {
		before := statements.Load()
		if r := s.Do(another.Token, `{ profiles { nodes { id `+field+` } } }`, nil); len(r.Errors) > 0 || field != "" && strings.Count(r.Body, field) < 3 {
			t.Errorf("%s", r.Body)
		}
		return statements.Load() - before
	}
	count("") // prepares the statements of the first request
	if without, with := count(""), count("viewerCan"); with != without {
		t.Errorf("%d statements with viewerCan, %d without", with, without)
	}
}
