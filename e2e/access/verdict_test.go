package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/e2e/harness"
)

// refusedSomehow is the answer of a row policy without a rule that says how to refuse: no value, with or without an error.
const refusedSomehow access.Answer = "no value"

// verdict is the result of one request: a case for each field at the end of its path.
type verdict struct {
	request  request
	twins    []string // the fields that returned a value
	oneLayer []string // the fields that only a rule refuses, found with the rules switched off
	faults   []finding
}

// fault records a fault: what is the same words for every request, and detail is about this one.
func (v *verdict) fault(what, format string, args ...any) {
	v.faults = append(v.faults, finding{what: what, where: v.request.String(), detail: fmt.Sprintf(format, args...)})
}

func (v *verdict) impossible(err error) *verdict {
	f := newFinding(err)
	f.where = v.request.String()
	v.faults = append(v.faults, f)
	return v
}

// compare sends a request and compares the reply with the matrix.
func (p *stage) compare(r request) *verdict {
	v := &verdict{request: r}
	target, token, err := p.cast(r)
	if err != nil {
		return v.impossible(err)
	}
	text, variables, err := r.path.query(target.argumentValue)
	if err != nil {
		return v.impossible(err)
	}
	got, err := p.ask(token, text, variables)
	if err != nil {
		return v.impossible(err)
	}
	h := &hearing{stage: p, verdict: v, viewer: r.viewer(), target: target, reply: got}
	if err := json.Unmarshal(got.Data, &h.data); err != nil {
		v.fault("the reply has no data", "%.500s", got.Body)
		return v
	}
	if h.indices, err = p.places(r, target, h.data, text, variables); err != nil {
		return v.impossible(err)
	}
	h.hold()
	return v
}

// hearing compares one reply with the matrix.
type hearing struct {
	*stage
	*verdict
	viewer  access.Viewer
	target  *person
	reply   harness.Reply
	data    any
	indices []int           // the target's index in each list on the path
	at      []any           // the path in the response
	lists   [][]any         // the paths of the lists on the way, which also have objects of other people
	nulled  bool            // a non-null field was refused, so its object is null
	told    map[string]bool // the paths of the errors that were checked
}

// answer returns what a field returns to this viewer with these layers.
func (h *hearing) answer(c call) access.Answer {
	f, known := h.matrix[c.name()]
	switch {
	case !known:
		h.fault(c.name()+" is not in the access matrix", "")
		return access.Value
	case isInherited(f) || f.Rule == "in code":
		return access.Value // for any viewer who reaches the field
	case h.layers == harness.PoliciesAlone && policyRefuses(f, h.viewer):
		return refusedSomehow
	case h.layers == harness.PoliciesAlone:
		return access.Value
	case f.Answers[h.viewer] == access.Value && h.layers == harness.BothLayers && policyRefuses(f, h.viewer):
		return access.Null
	default:
		return f.Answers[h.viewer]
	}
}

func isInherited(f access.Field) bool { return strings.HasPrefix(f.Rule, "@inherited") }

// policyRefuses reports whether, according to the matrix, the database refuses a field to a viewer.
func policyRefuses(f access.Field, v access.Viewer) bool {
	byRule, once := f.Answers[v] != access.Value, slices.Contains(f.HeldOnce, v)
	return !isInherited(f) && byRule != once
}

// hidden reports whether the row policies hide the whole object behind a call, so that it is missing from the reply. Pages of
// a connection omit hidden rows even without policies, so with the rules alone the first n steps of the path decide.
func (h *hearing) hidden(c call, n int) bool {
	if c.on == nil || h.layers == harness.RulesAlone && !h.request.path.throughPage(n) {
		return false
	}
	return !slices.ContainsFunc(c.on.Fields, func(f *ast.FieldDefinition) bool {
		row, known := h.matrix[c.on.Name+"."+f.Name] // introspection has none
		return !known || !policyRefuses(row, h.viewer)
	})
}

func (h *hearing) hold() {
	h.told = map[string]bool{}
	h.leaks()
	if root := h.request.path.rootField(); h.request.own == showsTheViewer && h.request.asker == byNobody && h.answer(root) == access.Value {
		h.absent(root, get(h.data, root))
	} else if object, reached := h.follow(); reached {
		h.leaves(object)
	}
	h.unexpected()
}

func get(object any, c call) any {
	fields, _ := object.(map[string]any)
	return fields[c.def.Name]
}

// follow walks to the object at the end of the path. It stops where a field is refused or an object is hidden, because
// nothing behind it can be in the reply.
func (h *hearing) follow() (object any, reached bool) {
	object = h.data
	for n, s := range h.request.path.steps {
		h.at = append(h.at, s.def.Name)
		value := get(object, s.call)
		if a := h.answer(s.call); a != access.Value {
			h.refused(s.call, value, a)
			return nil, false
		}
		for t := s.def.Type; t.Elem != nil; t = t.Elem {
			value = h.pick(value)
		}
		if h.hidden(s.call, n+1) {
			h.absent(s.call, value)
			return nil, false
		}
		if object = value; s.withID {
			h.field(n+1, call{parent: s.on, def: s.on.Fields.ForName(listedID)}, object)
		}
	}
	return object, true
}

// pick returns the target's object in a list.
func (h *hearing) pick(value any) any {
	list, _ := value.([]any)
	h.lists = append(h.lists, slices.Clone(h.at))
	if n := len(h.lists); n <= len(h.indices) {
		i := h.indices[n-1]
		if h.at = append(h.at, i); i < len(list) {
			return list[i]
		}
	}
	return nil
}

func (h *hearing) absent(c call, value any) {
	if value != nil {
		h.fault(c.name()+" leads to a hidden row", "at %v there is %v", h.at, value)
	}
}

// leaves checks the fields of the object at the end of the path.
func (h *hearing) leaves(object any) {
	for _, c := range h.request.path.leaves {
		h.nulled = h.nulled || c.def.Type.NonNull && h.answer(c) != access.Value
	}
	for _, c := range h.request.path.leaves {
		if h.field(len(h.request.path.steps), c, object) {
			h.twins = append(h.twins, c.name())
		}
		if f := h.matrix[c.name()]; h.layers == harness.PoliciesAlone && !isInherited(f) && f.Answers[h.viewer] != access.Value && !policyRefuses(f, h.viewer) {
			h.oneLayer = append(h.oneLayer, c.name())
		}
	}
}

// field checks one field of the object that n steps reach, and reports whether it returned a value as expected.
func (h *hearing) field(n int, c call, object any) (gave bool) {
	h.at = append(h.at, c.def.Name)
	defer func() { h.at = h.at[:len(h.at)-1] }()
	value := get(object, c)
	if a := h.answer(c); a != access.Value {
		h.refused(c, value, a)
		return false
	}
	h.errors(c, access.Value)
	switch {
	case h.nulled:
		return false // its value disappeared with its object
	case c.def.Type.Elem == nil && h.hidden(c, len(h.request.path.steps)) && (!h.request.path.throughList() || h.request.path.tellsWhose()):
		h.absent(c, value)
		return false
	case value == nil && (h.request.isNullAfter(c) || h.request.optional):
		return false
	case value == nil:
		h.fault(c.name()+" is null, and should have a value", "%.700s", h.reply.Body)
		return false
	}
	if want, known := h.seeded(n, c); known && !sameJSON(value, want) {
		h.fault(c.name()+" has another value than the row was made with", "%v, want %v", value, want)
		return false
	}
	return true
}

// seeded returns the value with which a field of the object that n steps reach was created: that of the input's field with
// this name, or its id.
func (h *hearing) seeded(n int, c call) (want any, known bool) {
	p, path := h.target, h.request.path
	made, id := p.rows[c.parent.Name], p.objects[c.parent.Name][listedID]
	typ, _ := subjectOf(h.schema, path.rootField().def)
	switch {
	case !isOwned(h.schema, c.parent) || c.object:
		return nil, false
	case typ == c.parent.Name && p.subject != nil && path.subjectAt(h.schema) == n:
		made, id = p.subject, p.subject.id
	case made != nil:
		id = made.id
	case path.ownersAlone(n):
		id = nil // one of several values
	}
	if c.def.Name == listedID {
		return id, id != nil
	}
	if made == nil && factsOf(h.schema).withSignUp[c.parent.Name] {
		made = p.sown
	}
	if made == nil {
		return nil, false
	}
	want, known = made.seed[c.def.Name]
	return want, known
}

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(x) == string(y)
}

// refused checks a field that must return no value.
func (h *hearing) refused(c call, value any, a access.Answer) {
	if a == refusedSomehow && isEmpty(value) {
		value = nil // a list that a policy left empty
	}
	if h.nulled = h.nulled || c.def.Type.NonNull; value != nil {
		h.fault(fmt.Sprintf("%s has a value for %s, and should be refused: %s", c.name(), h.viewer, a), "it is %v", value)
	}
	h.errors(c, a)
}

// isEmpty reports whether a value, such as a connection, has no entries.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case []any:
		return !slices.ContainsFunc(v, func(x any) bool {
			list, inList := x.([]any)
			return !inList || !isEmpty(list)
		})
	case map[string]any:
		for name, inner := range v {
			if name != "__typename" && name != "pageInfo" && !isEmpty(inner) {
				return false
			}
		}
		info, _ := v["pageInfo"].(map[string]any)
		return info["startCursor"] == nil && (len(v) > 1 || v["__typename"] == nil) // only the type of the object was selected, and this is it
	default:
		return false
	}
}
