package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold/access"
	"freehold/fault"
)

// refusedSomehow is the answer where a row policy refuses and no rule says how: no value, with an error or without.
const refusedSomehow access.Answer = "no value"

// verdict is what is to be said of one request: a case for each field at the end of its path.
type verdict struct {
	request request
	twins   []string // the fields that gave a value
	oneWall []string // the fields that only the rule refuses, while the rules are off
	faults  []string
}

func (v *verdict) fault(format string, args ...any) {
	v.faults = append(v.faults, v.request.String()+": "+fmt.Sprintf(format, args...))
}

// judge asks, and holds the reply against the matrix.
func (p *stage) judge(r request) *verdict {
	v := &verdict{request: r}
	target, token, err := p.cast(r)
	if err != nil {
		v.fault("%v", err)
		return v
	}
	text, variables, err := r.path.query(target.argumentValue)
	if err != nil {
		v.fault("%v", err)
		return v
	}
	got, err := p.asked.tryDo(token, text, variables)
	if err != nil {
		v.fault("%v", err)
		return v
	}
	h := &hearing{stage: p, verdict: v, viewer: r.viewer(), target: target, reply: got}
	if err := json.Unmarshal(got.Data, &h.data); err != nil {
		v.fault("no data: %.500s", got.Body)
		return v
	}
	if h.indices, err = p.places(r, target, h.data, text, variables); err != nil {
		v.fault("%v", err)
		return v
	}
	h.hold()
	return v
}

// places returns where in each list on the path the target's object is, as far as it is found. Without the row policies
// nothing is left out of a list of ids, but what is refused does not tell whose it is: there the owner's own list shows it.
func (p *stage) places(r request, target *person, data any, text string, variables vars) (indices []int, err error) {
	if p.walls == rulesAlone && r.path.throughList() && !r.path.throughPage() && !r.path.isMutation() && r.own() == "" {
		owners, err := p.asked.tryDo(target.token(), text, variables)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(owners.Data, &data); err != nil {
			return nil, fmt.Errorf("the owner gets no data: %.500s", owners.Body)
		}
	}
	for n, s := range r.path.steps {
		object, _ := data.(map[string]any)
		if data = object[s.def.Name]; s.def.Type.Elem == nil {
			continue
		}
		list, _ := data.([]any)
		i := 0
		if r.path.tellsWhose() && !r.path.ownersAlone(n+1) {
			i = slices.IndexFunc(list, target.is)
		}
		if i < 0 || i >= len(list) {
			break
		}
		indices, data = append(indices, i), list[i]
	}
	return indices, nil
}

// hearing is one reply being held against the matrix.
type hearing struct {
	*stage
	*verdict
	viewer  access.Viewer
	target  *person
	reply   reply
	data    any
	indices []int           // the target's place in each list on the way
	at      []any           // where in the response
	lists   [][]any         // where the lists on the way are: beside the target there are other people's objects in them
	paged   bool            // it went through a connection
	nulled  bool            // a field that is never null was refused, and takes its object along
	told    map[string]bool // the errors that were looked at, by their paths
}

// answer is what a field gives this viewer while these walls are up.
func (h *hearing) answer(c call) access.Answer {
	f, known := h.matrix[c.name()]
	switch {
	case !known:
		h.fault("%s is not in the access matrix", c.name())
		return access.Value
	case isInherited(f) || f.Rule == "in code":
		return access.Value // for whoever gets there
	case h.walls == policiesOnly && policyRefuses(f, h.viewer):
		return refusedSomehow
	case h.walls == policiesOnly:
		return access.Value
	case f.Answers[h.viewer] == access.Value && h.walls == bothWalls && policyRefuses(f, h.viewer):
		return access.Null
	default:
		return f.Answers[h.viewer]
	}
}

func isInherited(f access.Field) bool { return strings.HasPrefix(f.Rule, "@inherited") }

// policyRefuses reports whether by the matrix something in the database keeps a field from a viewer.
func policyRefuses(f access.Field, v access.Viewer) bool {
	byRule, once := f.Answers[v] != access.Value, slices.Contains(f.HeldOnce, v)
	return !isInherited(f) && byRule != once
}

// hidden reports whether the row policies, or the statements of a connection, keep the whole object behind a call from the
// viewer, so that it is not there.
func (h *hearing) hidden(c call) bool {
	if c.on == nil || h.walls == rulesAlone && !h.paged {
		return false
	}
	return !slices.ContainsFunc(c.on.Fields, func(f *ast.FieldDefinition) bool {
		row, known := h.matrix[c.on.Name+"."+f.Name] // not of introspection
		return !known || !policyRefuses(row, h.viewer)
	})
}

func (h *hearing) hold() {
	h.told = map[string]bool{}
	h.leaks()
	if h.request.own() == showsTheViewer && h.request.asker == byNobody {
		h.absent(get(h.data, h.request.path.rootField()))
	} else if object, reached := h.follow(); reached {
		h.leaves(object)
	}
	h.unexpected()
}

func get(object any, c call) any {
	fields, _ := object.(map[string]any)
	return fields[c.def.Name]
}

// follow walks to the object at the end of the path. It stops where a field is refused or an object is hidden: then
// nothing that lies behind can be there.
func (h *hearing) follow() (object any, reached bool) {
	object = h.data
	for _, s := range h.request.path.steps {
		h.at = append(h.at, s.def.Name)
		value := get(object, s.call)
		if a := h.answer(s.call); a != access.Value {
			h.refused(s.call, value, a)
			return nil, false
		}
		if s.def.Type.Elem != nil {
			value = h.pick(value)
		}
		if h.hidden(s.call) {
			h.absent(value)
			return nil, false
		}
		h.paged = h.paged || s.isPage()
		if object = value; s.withID {
			h.field(call{parent: s.on, def: s.on.Fields.ForName(listedID)}, object)
		}
	}
	return object, true
}

// pick takes the target's object out of a list.
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

func (h *hearing) absent(value any) {
	if value != nil {
		h.fault("%v is hidden, but there is %v", h.at, value)
	}
}

// leaves holds the fields of the object at the end of the path.
func (h *hearing) leaves(object any) {
	for _, c := range h.request.path.leaves {
		h.nulled = h.nulled || c.def.Type.NonNull && h.answer(c) != access.Value
	}
	for _, c := range h.request.path.leaves {
		if h.field(c, object) {
			h.twins = append(h.twins, c.name())
		}
		if f := h.matrix[c.name()]; h.walls == policiesOnly && !isInherited(f) && f.Answers[h.viewer] != access.Value && !policyRefuses(f, h.viewer) {
			h.oneWall = append(h.oneWall, c.name())
		}
	}
}

// field holds one field of an object, and reports whether it gave a value as it should.
func (h *hearing) field(c call, object any) (gave bool) {
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
		return false // what it gave went with its object
	case c.def.Type.Elem == nil && h.hidden(c) && (!h.request.path.throughList() || h.request.path.tellsWhose()):
		h.absent(value)
		return false
	case value == nil && h.request.isNullAfter(c):
		return false
	case value == nil:
		h.fault("%s is null, and should have a value: %.700s", c.name(), h.reply.Body)
		return false
	}
	if want, known := h.seeded(c); known && !sameJSON(value, want) {
		h.fault("%s is %v, and was seeded with %v", c.name(), value, want)
		return false
	}
	return true
}

// seeded is what a field of the target was made with: the input's field of this name, or the id it got.
func (h *hearing) seeded(c call) (want any, known bool) {
	if c.def.Name == listedID {
		want, known = h.target.objects[c.parent.Name][listedID]
		return want, known && !h.request.path.ownersAlone(len(h.request.path.steps)) // else it is one of several
	}
	want, known = h.target.seed[c.def.Name]
	return want, known
}

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(x) == string(y)
}

// refused holds a field that gives no value.
func (h *hearing) refused(c call, value any, a access.Answer) {
	if a == refusedSomehow && isEmpty(value) {
		value = nil // a list that a policy has left empty
	}
	if h.nulled = h.nulled || c.def.Type.NonNull; value != nil {
		h.fault("%s is %v, and should be refused: %s", c.name(), value, a)
	}
	h.errors(c, a)
}

// isEmpty reports whether there is nothing in a value, such as a connection without entries.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case map[string]any:
		for name, inner := range v {
			if name != "__typename" && name != "pageInfo" && !isEmpty(inner) {
				return false
			}
		}
		info, _ := v["pageInfo"].(map[string]any)
		return info["startCursor"] == nil && (len(v) > 1 || v["__typename"] == nil) // of an object of which only the type was asked, that is what it gives
	default:
		return false
	}
}

// errors holds the errors at the path of a field: one with this code where a rule refuses it, else none. Who sends no
// token is told so by the rule; what else might refuse him would give another reason.
func (h *hearing) errors(c call, want access.Answer) {
	var codes []string
	for _, e := range h.reply.Errors {
		if where(e.Path) == where(h.at) {
			codes = append(codes, strings.TrimSpace(e.Extensions.Code+" "+e.Extensions.Reason))
		}
	}
	if want == access.Answer(fault.Unauthenticated) {
		want += access.Answer(" " + fault.Missing)
	}
	h.told[where(h.at)] = true
	switch {
	case want == refusedSomehow && len(codes) < 2:
	case (want == access.Value || want == access.Null) && len(codes) == 0:
	case len(codes) == 1 && codes[0] == string(want):
	default:
		h.fault("%s has the errors %v, and should answer: %s", c.name(), codes, want)
	}
}

// where writes a path of a response, so that those that were decoded and those that were made compare.
func where(path []any) string { return fmt.Sprint(path) }

// unexpected holds the errors that are at no field which was looked at: those of other people's objects in a list are
// refusals, and there are no others.
func (h *hearing) unexpected() {
	for _, e := range h.reply.Errors {
		known := h.told[where(e.Path)] || h.beside(e.Path) && isRefusal(e.Extensions.Code)
		if !known {
			h.fault("unexpected error %s at %v: %s", e.Extensions.Code, e.Path, e.Message)
		}
	}
}

func isRefusal(code string) bool {
	return slices.Contains([]fault.Code{fault.Unauthenticated, fault.NotFound, fault.Forbidden}, fault.Code(code))
}

// beside reports whether a path leads to another object than the target's in one of the lists on the way.
func (h *hearing) beside(path []any) bool {
	for i, list := range h.lists {
		if len(path) > len(list) && where(path[:len(list)]) == where(list) {
			return i >= len(h.indices) || where(path[len(list):len(list)+1]) != where([]any{h.indices[i]})
		}
	}
	return false
}

// leaks holds that nothing of the target which this viewer may not know is anywhere in the reply.
func (h *hearing) leaks() {
	for name, canary := range h.target.canaries {
		if !h.mayKnow(name) && strings.Contains(h.reply.Body, canary) {
			h.fault("the %s %q is in the reply: %s", name, canary, h.reply.Body)
		}
	}
	for typ, fields := range h.target.objects {
		id, ok := fields[listedID].(string)
		if ok && (h.viewer == access.Nobody || h.viewer == access.Member) && strings.Contains(h.reply.Body, id) {
			h.fault("the id of the hidden %s is in the reply: %s", typ, h.reply.Body)
		}
	}
}

// mayKnow reports whether some field of this name gives the viewer its value.
func (h *hearing) mayKnow(name string) bool {
	for _, f := range h.matrix {
		if f.Name == name && f.Answers[h.viewer] == access.Value && !policyRefuses(f, h.viewer) {
			return true
		}
	}
	return false
}
