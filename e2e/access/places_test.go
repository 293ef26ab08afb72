package access

import (
	"encoding/json"
	"fmt"

	"freehold.dev/freehold/e2e/harness"
	"github.com/vektah/gqlparser/v2/ast"
)

// places returns where in each list on the path the target's object is, as far as it is found: an index for each list, and for
// each list within a list. Without the row policies nothing is left out of a list but by the page of a connection, and what is
// refused does not tell whose it is: there the owner's own list shows it.
func (p *stage) places(r request, target *person, data any, text string, variables harness.Vars) (indices []int, err error) {
	owners := data
	if p.walls == harness.RulesAlone && r.path.throughList() && !r.path.isMutation() && r.own == "" {
		reply, err := p.ask(target.token(), text, variables)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(reply.Data, &owners); err != nil {
			return nil, fmt.Errorf("the owner gets no data: %.500s", reply.Body)
		}
	}
	for n, s := range r.path.steps {
		data, owners = member(data, s.def.Name), member(owners, s.def.Name)
		is := func(any) bool { return true }
		if typ := r.path.toldBy(n); typ != nil {
			is = target.finds(typ.Name)
		}
		shown := owners
		if r.path.throughPage(n + 1) {
			shown = data
		}
		at, found := search(shown, s.def.Type, is)
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

// element returns what is at these indices of a list and the lists within it.
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

// search looks in a list of this type, or in lists within it, for an element. What is no list is its own element.
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
