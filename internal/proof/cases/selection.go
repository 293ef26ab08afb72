package cases

import "slices"

// Selection is what an operation selects of an object: fields, each with what it selects behind it.
type Selection struct {
	call  Call
	style Style
	extra []string // fields that need no call
	below []*Selection
}

const typeName = "__typename"

// Add selects the fields at the end of a path, and what leads to them.
func (s *Selection) Add(p Path) {
	for _, step := range p.Steps {
		s = s.field(step.Call, step.Style)
		if step.WithID {
			s.also(ID)
		}
	}
	for _, c := range p.Leaves {
		leaf := s.field(c, plain)
		switch {
		case c.On != nil && c.On.Fields.ForName("nodes") != nil:
			leaf.field(Call{Parent: c.On, Def: c.On.Fields.ForName("nodes")}, plain).also(typeName) // a connection exists if it has an entry
		case c.Object:
			leaf.also(typeName) // only its existence matters
		}
	}
}

func (s *Selection) field(c Call, how Style) *Selection {
	if found := s.behind(c.Def.Name); found != nil {
		return found
	}
	s.below = append(s.below, &Selection{call: c, style: how})
	return s.below[len(s.below)-1]
}

func (s *Selection) also(field string) {
	if !slices.Contains(s.extra, field) {
		s.extra = append(s.extra, field)
	}
}

func (s *Selection) behind(field string) *Selection {
	for _, b := range s.below {
		if b.call.Def.Name == field {
			return b
		}
	}
	return nil
}

// Of returns the part of a reply's data that an operation with this selection returns.
func (s *Selection) Of(data any) any {
	switch v := data.(type) {
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = s.Of(x)
		}
		return list
	case map[string]any:
		part := map[string]any{}
		for _, name := range s.extra {
			part[name] = v[name]
		}
		for _, b := range s.below {
			part[b.call.Def.Name] = b.Of(v[b.call.Def.Name])
		}
		return part
	default:
		return data
	}
}

// Touch reports how an error at a path of a reply concerns the selection: whether it selects that field, and otherwise, whether the error has
// made something null that it selects.
func (s *Selection) Touch(data any, path []any) (selects, nulls bool) {
	for _, at := range path {
		if name, ok := at.(string); ok {
			object, _ := data.(map[string]any)
			if next := s.behind(name); next == nil {
				return slices.Contains(s.extra, name), data == nil
			} else {
				s, data = next, object[name]
			}
			continue
		}
		list, _ := data.([]any)
		if i, ok := at.(float64); ok && int(i) < len(list) {
			data = list[int(i)]
		} else if data != nil {
			return true, false
		}
	}
	return true, false
}
