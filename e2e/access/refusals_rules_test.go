package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
	"freehold.dev/freehold/internal/proof/stage"
)

// refusal is a call of a mutation that its rule refuses.
type refusal struct {
	way    string
	target *people.Person
	token  string
	id     any // replaces the id of the target's row; nil keeps it
	code   access.Answer
}

// refusedByRule returns the ways in which the rule of a mutation refuses; none for a public mutation.
func refusedByRule(p *stage.Stage, m *ast.FieldDefinition, gone *people.Person) (list []refusal) {
	rule, _ := directives.RuleOf(m)
	answers := p.Matrix["Mutation."+m.Name].Answers
	seen, hidden, asker := p.Targets["PUBLIC"], p.Targets["PRIVATE"], p.Another.Token()
	if rule.Name == "signedIn" || rule.Name == "owner" {
		list = append(list,
			refusal{"nobody", seen, "", nil, answers[access.NobodyVisibleTo]},
			refusal{"signed out", seen, gone.Token(), nil, access.Answer(fault.Unauthenticated)})
	}
	if rule.Of != "" {
		missing := access.Answer(fault.NotFound)
		list = append(list,
			refusal{"seen", seen, asker, nil, answers[access.MemberVisibleTo]},
			refusal{"hidden", hidden, asker, nil, answers[access.Member]},
			refusal{"missing", hidden, asker, uuid.NewString(), missing},
			refusal{"the id of a code", hidden, asker, p.Maker.DB.Query(p.Maker.T, `SELECT id FROM app.codes LIMIT 1`)[0], missing},
			refusal{"malformed id", hidden, asker, "../x", access.Answer(fault.BadUserInput)})
	}
	return list
}

// mutation returns a call of a mutation about the target of a refusal.
func mutation(p *stage.Stage, m *ast.FieldDefinition, c refusal) (text string, v harness.Vars, err error) {
	rule, _ := directives.RuleOf(m)
	argument, field, inInput := strings.Cut(rule.ID, ".")
	with := func(at cases.Call, a *ast.ArgumentDefinition) (value any, known bool, err error) {
		value, known, err = c.target.ArgumentValue(at, a)
		if c.id == nil || a.Name != argument || err != nil {
			return value, known, err
		}
		if !inInput {
			return c.id, true, nil
		}
		value.(map[string]any)[field] = c.id
		return value, true, nil
	}
	return cases.Path{Root: p.Schema.Mutation, Leaves: []cases.Call{cases.Calls(p.Schema, p.Schema.Mutation, m)[0]}}.Query(with)
}

// A09: a mutation that its rule refuses, in any way, writes no row of any table, for any account.
func TestMutationsRefusedByTheirRuleHaveNoSideEffect(t *testing.T) {
	t.Parallel()
	p := newStage(t)
	gone := p.Make(t, "PUBLIC")
	p.Maker.Do(gone.Token(), `mutation { signOut { success } }`, nil)
	tried := 0
	for _, m := range p.Schema.Mutation.Fields {
		for _, c := range refusedByRule(p, m, gone) {
			name := fmt.Sprintf("%s, %s", m.Name, c.way)
			text, v, err := mutation(p, m, c)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			tried++
			before := p.Maker.AllRows() // a flow that the mutation finishes has begun
			if r := p.Asked.Do(c.token, text, v); r.Code() != string(c.code) {
				t.Errorf("%s: %s, want %s", name, r.Body, c.code)
			}
			after := p.Maker.AllRows()
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("%s: was refused, but wrote (-before +after):\n%s", name, diff)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d calls were refused", tried)
	}
	text, v, err := mutation(p, p.Schema.Mutation.Fields.ForName("updateProfile"), refusal{target: p.Targets["PUBLIC"]})
	if err != nil {
		t.Fatal(err)
	}
	before := p.Maker.AllRows()
	if r := p.Asked.Do(p.Targets["PUBLIC"].Token(), text, v); len(r.Errors) > 0 || slices.Equal(before, p.Maker.AllRows()) {
		t.Errorf("an accepted call writes nothing: %s", r.Body) // then AllRows would miss writes
	}
}
