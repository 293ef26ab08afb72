// Package permissions owns the trial of viewerCan: it compares what a row's viewerCan lists for a viewer with what the service does
// when that viewer asks for it. It must not know any particular type.
package permissions

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
	"freehold.dev/freehold/internal/proof/stage"
)

// Run fails the test if viewerCan of any owned type lists anything for a viewer that the service refuses, or omits anything that it
// permits: mutations, fields to see, and fields to change.
func Run(t *testing.T, program stage.Program) {
	t.Helper()
	p := stage.New(t, program)
	listed := map[string]int{} // by type
	for _, typ := range program.Registry().Types() {
		if !slices.Contains(p.Schema.Types[typ.Name].Interfaces, "Node") {
			continue // nothing finds a row by its id
		}
		askers := slices.Clone(cases.Askers)
		for _, relation := range typ.Relations() {
			askers = append(askers, cases.Related(relation))
		}
		for _, visibility := range cases.Visibilities {
			for _, asker := range askers {
				listed[typ.Name] += compare(t, p, p.Schema.Types[typ.Name], visibility, asker)
			}
		}
		if listed[typ.Name] == 0 {
			t.Errorf("viewerCan of %s lists nothing for any viewer", typ.Name)
		}
	}
}

// trial is one row and one viewer.
type trial struct {
	*stage.Stage

	t          *testing.T
	typ        *ast.Definition
	visibility string
	asker      string
	target     *people.Person // who owns the row
	token      string         // of the viewer
}

// cast gives the trial a new row. A mutation may end what other requests need, such as the session of its owner.
func (x trial) cast() trial {
	x.target = x.Make(x.t, x.visibility)
	if err := x.Relate(x.target, x.asker); err != nil {
		x.t.Fatal(err)
	}
	x.token = x.TokenOf(x.asker, x.target)
	return x
}

// compare compares all lists of one row, and returns how much they list.
func compare(t *testing.T, p *stage.Stage, typ *ast.Definition, visibility, asker string) (listed int) {
	t.Helper()
	x := trial{Stage: p, t: t, typ: typ, visibility: visibility, asker: asker}.cast()
	got := x.lists()
	for _, list := range slices.Sorted(maps.Keys(got)) {
		var want []string
		for _, value := range p.Schema.Types[typ.Name+map[string]string{"actions": "Action", "see": "Field", "edit": "Field"}[list]].EnumValues {
			if x.permits(list, value.Name) {
				want = append(want, value.Name)
			}
		}
		slices.Sort(got[list])
		slices.Sort(want)
		if fmt.Sprint(got[list]) != fmt.Sprint(want) {
			t.Errorf("%s of a %s %s: viewerCan.%s lists %v, and the service permits %v", asker, visibility, typ.Name, list, got[list], want)
		}
		listed += len(want)
	}
	return listed
}

// lists returns what viewerCan lists, by the names of its fields; nothing for a hidden row.
func (x trial) lists() map[string][]string {
	f, permissions := x.typ.Fields.ForName("viewerCan"), x.Schema.Types[x.typ.Name+"Permissions"]
	var leaves []cases.Call
	for _, list := range permissions.Fields {
		leaves = append(leaves, cases.Call{Parent: permissions, Def: list})
	}
	var row struct{ ViewerCan map[string][]string }
	x.read(x.row(leaves, cases.Step{Call: cases.Call{Parent: x.typ, Def: f, On: permissions}}), &row)
	return row.ViewerCan
}

// row requests the row by its id, and leaves of what the steps lead to. A second subgraph has only entities.
func (x trial) row(leaves []cases.Call, steps ...cases.Step) harness.Reply {
	from := x.Schema.Query.Fields.ForName("node")
	if from == nil {
		from = x.Schema.Query.Fields.ForName("_entities")
	}
	for _, c := range cases.Calls(x.Schema, x.Schema.Query, from) {
		if c.On == x.typ {
			steps = append([]cases.Step{{Call: c, Style: cases.Inline}}, steps...)
		}
	}
	text, v, err := cases.Path{Root: x.Schema.Query, Steps: steps, Leaves: leaves}.Query(x.target.ArgumentValue)
	if err != nil {
		x.t.Fatal(err)
	}
	return x.Asked.Do(x.token, text, v)
}

// read reads the row in a reply; nothing for a hidden row.
func (x trial) read(r harness.Reply, row any) {
	var data struct {
		Node     json.RawMessage
		Entities []json.RawMessage `json:"_entities"`
	}
	r.Into(x.t, &data)
	if len(data.Entities) > 0 {
		data.Node = data.Entities[0]
	}
	if err := json.Unmarshal(data.Node, row); err != nil {
		x.t.Fatalf("decode %s: %v", r.Body, err)
	}
}

// permits reports whether the service permits the viewer what a value of a list means.
func (x trial) permits(list, value string) bool {
	switch list {
	case "actions":
		m := x.mutationOf(value)
		if m == nil {
			x.t.Errorf("%s of %s belongs to no mutation", value, x.typ.Name)
			return false
		}
		return x.cast().accepts(m, "")
	case "see":
		return x.sees(value)
	default:
		return fieldOf(value) != cases.ID && slices.ContainsFunc(x.Schema.Mutation.Fields, func(m *ast.FieldDefinition) bool {
			rule, _ := directives.RuleOf(m)
			return rule.Of == x.typ.Name && (rule.ID == cases.ID || strings.HasSuffix(rule.ID, "."+cases.ID)) && x.accepts(m, fieldOf(value))
		})
	}
}

// sees requests one field of the row. A refusal without an error is a null: the row has a value for each field with such a rule.
func (x trial) sees(value string) bool {
	f := x.typ.Fields.ForName(fieldOf(value))
	if f == nil {
		x.t.Errorf("%s is not a field of %s", value, x.typ.Name)
		return false
	}
	var row map[string]any
	r := x.row(cases.Calls(x.Schema, x.typ, f)[:1])
	x.read(r, &row)
	rule, _ := directives.RuleOf(f)
	return x.admitted(r) && (rule.Otherwise == directives.OtherwiseError || row[f.Name] != nil)
}

// admitted reports whether no rule refused the request.
func (x trial) admitted(r harness.Reply) bool {
	if code := r.Code(); code != "" && !stage.IsRefusal(code) {
		x.t.Errorf("viewerCan of %s: %s", x.typ.Name, r.Body)
	}
	return r.Code() == ""
}

// mutationOf returns the mutation of an action: giveAwayNote for GIVE_AWAY of Note, or createComment for CREATE_COMMENT.
func (x trial) mutationOf(action string) *ast.FieldDefinition {
	for _, name := range []string{fieldOf(action) + x.typ.Name, fieldOf(action)} {
		if m := x.Schema.Mutation.Fields.ForName(name); m != nil {
			return m
		}
	}
	return nil
}

// fieldOf returns the field of a value: dueOn for DUE_ON.
func fieldOf(value string) string {
	var b strings.Builder
	upper := false
	for _, r := range strings.ToLower(value) {
		if r == '_' {
			upper = true
			continue
		}
		if upper {
			r = unicode.ToUpper(r)
		}
		b.WriteRune(r)
		upper = false
	}
	return b.String()
}

// accepts calls a mutation about the row. If only is not "", the mutation gets no other optional field of an input, and accepts reports
// false if it has no field of this name.
func (x trial) accepts(m *ast.FieldDefinition, only string) bool {
	if err := x.Prepare(x.target, m.Name); err != nil { // the row is needed again
		x.t.Fatal(err)
	}
	has := false
	with := func(c cases.Call, a *ast.ArgumentDefinition) (value any, known bool, err error) {
		value, known, err = x.target.ArgumentValue(c, a)
		has = has || a.Name == only
		if fields, ok := value.(map[string]any); ok && only != "" && c.Def == m {
			for _, f := range x.Schema.Types[a.Type.Name()].Fields {
				has = has || f.Name == only
				if f.Name != only && f.Name != cases.ID && !f.Type.NonNull {
					delete(fields, f.Name)
				}
			}
		}
		return value, known, err
	}
	call := cases.Calls(x.Schema, x.Schema.Mutation, m)[0]
	for _, rule := range directives.RulesOf(m) {
		if only != "" && (rule.When == only || strings.HasSuffix(rule.When, "."+only)) {
			call.With = rule.When
		}
	}
	text, v, err := cases.Path{Root: x.Schema.Mutation, Leaves: []cases.Call{call}}.Query(with)
	if err != nil {
		x.t.Fatal(err)
	}
	if only != "" && !has {
		return false
	}
	r := x.Asked.Do(x.token, text, v)
	if x.Known.ByHand["Mutation."+m.Name] != "" && isByResolver(r, m) {
		return true // the rule has let it through, and the resolver misses a value that only a test by hand has
	}
	return x.admitted(r)
}

// isByResolver reports whether the resolver of a mutation found its input invalid. Before it, the edge does so for whole operations, and
// rules for ids that are invalid.
func isByResolver(r harness.Reply, m *ast.FieldDefinition) bool {
	return r.Code() == "BAD_USER_INPUT" && len(r.Errors[0].Path) > 0 && !slices.ContainsFunc(directives.RulesOf(m), func(rule directives.Rule) bool {
		return slices.ContainsFunc(r.Fields(), func(f string) bool { return f == rule.ID+" INVALID" || f == rule.ID+" NULL" })
	})
}
