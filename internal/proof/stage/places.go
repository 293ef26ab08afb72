package stage

import (
	"encoding/json"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// places returns the index of the target's object in each list on the path, as far as it is found, and in each list within a
// list. Without row policies, only pages of a connection omit rows, and refused fields do not show whose row they are on.
// There, the list as its owner sees it gives the index.
func (p *Stage) places(r cases.Request, target *people.Person, data any, text string, variables harness.Vars) (indices []int, err error) {
	owners := data
	if p.Layers == harness.RulesAlone && r.Path.ThroughList() && !r.Path.IsMutation() && r.Own == "" {
		reply, err := p.ask(target.Token(), text, variables)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(reply.Data, &owners); err != nil {
			return nil, fmt.Errorf("the owner gets no data: %.500s", reply.Body)
		}
	}
	for n, s := range r.Path.Steps {
		data, owners = member(data, s.Def.Name), member(owners, s.Def.Name)
		is := func(any) bool { return true }
		if typ := r.Path.IdentifiedBy(n); typ != nil {
			is = target.Finds(typ.Name)
		}
		shown := owners
		if r.Path.ThroughPage(n + 1) {
			shown = data
		}
		at, found := search(shown, s.Def.Type, is)
		if !found {
			break
		}
		indices, data, owners = append(indices, at...), element(data, at), element(owners, at)
	}
	return indices, nil
}

func member(object any, name string) any {
	fields, _ := object.(map[string]any)
	return fields[name]
}

// element returns the element at these indices of a list and the lists within it.
func element(value any, at []int) any {
	for _, i := range at {
		list, _ := value.([]any)
		if i >= len(list) {
			return nil
		}
		value = list[i]
	}
	return value
}

// search looks for an element in a list of this type, or in lists within it. A value that is not a list is its own element.
func search(value any, t *ast.Type, is func(any) bool) (at []int, found bool) {
	if t.Elem == nil {
		return nil, true
	}
	list, _ := value.([]any)
	for i, x := range list {
		if t.Elem.Elem == nil && !is(x) {
			continue
		}
		if at, found := search(x, t.Elem, is); found {
			return append([]int{i}, at...), true
		}
	}
	return nil, false
}
