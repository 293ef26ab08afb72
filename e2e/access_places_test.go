package e2e

import (
	"encoding/json"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// places returns where in each list on the path the target's object is, as far as it is found: an index for each list, and for
// each list within a list. Without the row policies nothing is left out of a list, but what is refused does not tell whose it is:
// there the owner's own list shows it.
func (p *stage) places(r request, target *person, data any, text string, variables vars) (indices []int, err error) {
	if p.walls == rulesAlone && r.path.throughList() && !r.path.isMutation() && r.own == "" {
		owners, err := p.ask(target.token(), text, variables)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(owners.Data, &data); err != nil {
			return nil, fmt.Errorf("the owner gets no data: %.500s", owners.Body)
		}
	}
	for n, s := range r.path.steps {
		object, _ := data.(map[string]any)
		data = object[s.def.Name]
		is := func(any) bool { return true }
		if typ := r.path.toldBy(n); typ != nil {
			is = target.finds(typ.Name)
		}
		at, element, found := search(data, s.def.Type, is)
		if !found {
			break
		}
		indices, data = append(indices, at...), element
	}
	return indices, nil
}

// search looks in a list of this type, or in lists within it, for an element. What is no list is its own element.
func search(value any, t *ast.Type, is func(any) bool) (at []int, element any, found bool) {
	if t.Elem == nil {
		return nil, value, true
	}
	list, _ := value.([]any)
	for i, x := range list {
		if t.Elem.Elem == nil && !is(x) {
			continue
		}
		if at, element, found := search(x, t.Elem, is); found {
			return append([]int{i}, at...), element, true
		}
	}
	return nil, nil, false
}
