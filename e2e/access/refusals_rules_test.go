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
)

// refusal is a call of a mutation that its rule refuses.
type refusal struct {
	way    string
	target *person
	token  string
	id     any // replaces the id of the target's row; nil keeps it
	code   access.Answer
}

// refusedByRule returns the ways in which the rule of a mutation refuses; none for a public mutation.
func (p *stage) refusedByRule(m *ast.FieldDefinition, gone *person) (list []refusal) {
	rule, _ := directives.RuleOf(m)
	answers := p.matrix["Mutation."+m.Name].Answers
	seen, hidden, asker := p.targets["PUBLIC"], p.targets["PRIVATE"], p.another.token()
	if rule.Name == "signedIn" || rule.Name == "owner" {
		list = append(list,
			refusal{"nobody", seen, "", nil, answers[access.NobodyVisibleTo]},
			refusal{"signed out", gone, gone.token(), nil, access.Answer(fault.Unauthenticated)})
	}
	if rule.Of != "" {
		missing := access.Answer(fault.NotFound)
		list = append(list,
			refusal{"seen", seen, asker, nil, answers[access.MemberVisibleTo]},
			refusal{"hidden", hidden, asker, nil, answers[access.Member]},
			refusal{"missing", hidden, asker, uuid.NewString(), missing},
			refusal{"the id of a code", hidden, asker, p.maker.DB.Query(p.maker.T, `SELECT id FROM app.codes LIMIT 1`)[0], missing},
			refusal{"malformed id", hidden, asker, "../x", access.Answer(fault.BadUserInput)})
	}
	return list
}

// mutation returns a call of a mutation about the target of a refusal.
func (p *stage) mutation(m *ast.FieldDefinition, c refusal) (text string, v harness.Vars, err error) {
	rule, _ := directives.RuleOf(m)
	argument, field, inInput := strings.Cut(rule.ID, ".")
	with := func(at call, a *ast.ArgumentDefinition) (value any, known bool, err error) {
		value, known, err = c.target.argumentValue(at, a)
		if c.id == nil || a.Name != argument || err != nil {
			return value, known, err
		}
		if !inInput {
			return c.id, true, nil
		}
		value.(harness.Vars)[field] = c.id
		return value, true, nil
	}
	return path{root: p.schema.Mutation, leaves: []call{calls(p.schema, p.schema.Mutation, m)[0]}}.query(with)
}

// A09: a mutation that its rule refuses, in any way, writes no row of any table, for any account.
func TestMutationsRefusedByTheirRuleHaveNoSideEffect(t *testing.T) {
	t.Parallel()
	p := newStage(t, ownSpecification(t))
	gone := p.make(t, "PUBLIC")
	p.maker.Do(gone.token(), `mutation { signOut { success } }`, nil)
	before := p.maker.AllRows()
	tried := 0
	for _, m := range p.schema.Mutation.Fields {
		for _, c := range p.refusedByRule(m, gone) {
			name := fmt.Sprintf("%s, %s", m.Name, c.way)
			text, v, err := p.mutation(m, c)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			tried++
			if r := p.asked.Do(c.token, text, v); r.Code() != string(c.code) {
				t.Errorf("%s: %s, want %s", name, r.Body, c.code)
			}
			after := p.maker.AllRows()
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("%s: was refused, but wrote (-before +after):\n%s", name, diff)
			}
			before = after
		}
	}
	if tried < 20 {
		t.Errorf("only %d calls were refused", tried)
	}
	text, v, err := p.mutation(p.schema.Mutation.Fields.ForName("updateProfile"), refusal{target: p.targets["PUBLIC"]})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.asked.Do(p.targets["PUBLIC"].token(), text, v); len(r.Errors) > 0 || slices.Equal(before, p.maker.AllRows()) {
		t.Errorf("an accepted call writes nothing: %s", r.Body) // then AllRows would miss writes
	}
}
