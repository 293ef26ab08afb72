// Package disabled owns the trial of disabled accounts: it disables the owners of rows, and requests these rows as everyone else. It
// must not know any particular type.
package disabled

import (
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/stage"
)

// Run fails the test if anyone sees a row of an account that was just disabled: with field rules and row policies together, and with
// each alone. It fails too if no one saw the rows before. A second subgraph has no accounts that could be disabled.
func Run(t *testing.T, program stage.Program) {
	t.Helper()
	if program.IsSubgraph() {
		return
	}
	p := stage.New(t, program)
	for _, typ := range program.Registry().Types() {
		seen := 0
		for _, asker := range askers(p) {
			if sees(t, p, asker, "PUBLIC", typ.Name) {
				seen++
			}
		}
		if seen == 0 && (typ.Table.Admits != "" || len(typ.Relations()) > 0) {
			t.Errorf("no one but the owner sees a %s even before its owner is disabled", typ.Name)
		}
	}
	for _, target := range p.Targets {
		p.Maker.DB.Query(t, `SELECT app.set_disabled($1, true, NULL)`, target.RowID("User"))
	}
	for _, layers := range []harness.Layers{harness.BothLayers, harness.PoliciesAlone, harness.RulesAlone} {
		behind := p.Behind(t, layers)
		for _, typ := range program.Registry().Types() {
			for _, visibility := range cases.Visibilities {
				for _, asker := range askers(p) {
					if sees(t, behind, asker, visibility, typ.Name) {
						t.Errorf("%s: %s sees the %s %s of a disabled account. If viewers have relations to its rows, the SQL function must return NULL if app.is_disabled(the owner)",
							layers, asker, visibility, typ.Name)
					}
				}
			}
		}
	}
}

// askers are an anonymous viewer, another member, and members with relations.
func askers(p *stage.Stage) []string {
	list := []string{cases.ByNobody, cases.ByMember}
	for asker := range p.Others {
		if _, related := cases.RelationOf(asker); related {
			list = append(list, asker)
		}
	}
	return list
}

// sees reports whether node returns the target's row of a type, with its id, to an asker.
func sees(t *testing.T, p *stage.Stage, asker, visibility, typ string) bool {
	t.Helper()
	target := p.Targets[visibility]
	id := target.Objects[typ][cases.ID]
	if id == nil {
		return false
	}
	var data struct{ Node *struct{ ID *string } }
	p.Asked.Do(p.TokenOf(asker, target), `query ($id: ID!) { node(id: $id) { id } }`, harness.Vars{"id": id}).Into(t, &data)
	return data.Node != nil && data.Node.ID != nil
}
