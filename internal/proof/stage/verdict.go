package stage

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/people"
)

// refusedSomehow is the answer of a row policy without a rule that says how to refuse: no value, with or without an error.
const refusedSomehow access.Answer = "no value"

// Verdict is the result of one request: a case for each field at the end of its path.
type Verdict struct {
	Request  cases.Request
	twins    []string // the fields that returned a value
	oneLayer []string // the fields that only a rule refuses, found with the rules switched off
	Faults   []findings.Finding
}

// fault records a fault: what is the same words for every request, and detail is about this one.
func (v *Verdict) fault(what, format string, args ...any) {
	v.Faults = append(v.Faults, findings.Finding{
		What: what, Where: v.Request.String(), Detail: fmt.Sprintf(format, args...), Type: v.Request.Path.End(),
	})
}

func (v *Verdict) impossible(err error) *Verdict {
	for _, f := range findings.All(err) {
		f.Where = v.Request.String()
		v.Faults = append(v.Faults, f)
	}
	return v
}

// Compare sends a request and compares the reply with the matrix.
func (p *Stage) Compare(r cases.Request) *Verdict { return p.CompareAll([]cases.Request{r})[0] }

// CompareAll sends requests that may go together as one, and compares each one's part of the reply with the matrix.
func (p *Stage) CompareAll(together []cases.Request) []*Verdict {
	verdicts := make([]*Verdict, len(together))
	fail := func(err error) []*Verdict {
		for i, r := range together {
			verdicts[i] = (&Verdict{Request: r}).impossible(err)
		}
		return verdicts
	}
	target, token, err := p.cast(together[0])
	if err != nil {
		return fail(err)
	}
	paths := make([]cases.Path, len(together))
	for i, r := range together {
		paths[i] = r.Path
	}
	text, variables, err := cases.Together(paths, target.ArgumentValue)
	if err != nil {
		return fail(err)
	}
	got, err := p.ask(token, text, variables)
	if err != nil {
		return fail(err)
	}
	for i, r := range together {
		own, part := got, true
		if len(together) > 1 {
			own, part = partOf(got, r.Path)
		}
		if part {
			verdicts[i] = p.hear(r, target, own, text, variables)
		} else {
			verdicts[i] = p.Compare(r)
		}
	}
	return verdicts
}

// hear compares a reply with the matrix.
func (p *Stage) hear(r cases.Request, target *people.Person, got harness.Reply, text string, variables harness.Vars) *Verdict {
	v := &Verdict{Request: r}
	h := &hearing{Stage: p, Verdict: v, target: target, reply: got}
	err := json.Unmarshal(got.Data, &h.data)
	if err != nil {
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
	*Stage
	*Verdict
	target  *people.Person
	reply   harness.Reply
	data    any
	indices []int           // the target's index in each list on the path
	at      []any           // the path in the response
	lists   [][]any         // the paths of the lists on the way, which also have objects of other people
	nulled  bool            // a non-null field was refused, so its object is null
	emptied bool            // a page on the path has no entry, because the viewer sees no row of its type
	told    map[string]bool // the paths of the errors that were checked
}

// kind returns how the viewer relates to the target's row of a type.
func (h *hearing) kind(typ string) cases.Kind {
	if relation := h.related[h.Request.Asker][typ]; relation != "" {
		return cases.Kind{Viewer: access.Viewer(relation)}
	}
	return cases.Kind{Viewer: h.Request.Viewer(), Scopes: cases.ScopesOf(h.Request.Asker)}
}

// answer returns what a field returns to this viewer with these layers.
func (h *hearing) answer(c cases.Call) access.Answer {
	f, known := h.Matrix[c.Name()]
	kind := h.kind(h.RowType(c))
	switch {
	case !known:
		h.fault(c.Name()+" is not in the access matrix", "")
		return access.Value
	case cases.IsInherited(f) || f.Rule == "in code":
		return access.Value // for any viewer who reaches the field
	case h.Layers == harness.PoliciesAlone && kind.RefusedByPolicy(f):
		return refusedSomehow
	case h.Layers == harness.PoliciesAlone:
		return access.Value
	}
	answer := kind.Answer(f)
	switch {
	case answer != access.Value || h.Layers != harness.BothLayers || !kind.RefusedByPolicy(f):
		return answer
	case h.RowType(c) != c.Parent.Name && h.RowType(c) != "":
		return access.Answer(fault.NotFound) // a root field looks for the row
	default:
		return access.Null
	}
}

// hidden reports whether the row policies hide the whole object behind a call, so that it is missing from the reply. Pages of
// a connection omit hidden rows even without policies, so with the rules alone the first n steps of the path decide.
func (h *hearing) hidden(c cases.Call, n int) bool {
	if c.On == nil || h.Layers == harness.RulesAlone && !h.Request.Path.ThroughPage(n) {
		return false
	}
	return slices.ContainsFunc(c.On.Fields, func(f *ast.FieldDefinition) bool {
		kind, row := h.kind(c.On.Name), h.Matrix[c.On.Name+"."+f.Name]
		return row.Name != "" && !cases.IsInherited(row) && row.Hides(kind.Viewer, kind.Scopes...)
	})
}

// empties reports whether a call leads to a page of the target's rows of types that the viewer sees no row of.
func (h *hearing) empties(c cases.Call, n int) bool {
	if c.On == nil || c.On.Fields.ForName("pageInfo") == nil || n == 1 || h.Request.Own != "" {
		return false
	}
	types := h.Schema.OwnedBehind(c.Def, true)
	return len(types) > 0 && !slices.ContainsFunc(types, func(t *ast.Definition) bool { return !h.hidden(cases.Call{On: t}, n) })
}

func (h *hearing) hold() {
	h.told = map[string]bool{}
	h.leaks()
	if root := h.Request.Path.RootField(); h.Request.Own == cases.ShowsViewer && h.Request.Asker == cases.ByNobody && h.answer(root) == access.Value {
		if value := get(h.data, root); !isEmpty(value) {
			h.absent(root, value)
		}
	} else if object, reached := h.follow(); reached {
		h.leaves(object)
	}
	h.unexpected()
}

func get(object any, c cases.Call) any {
	fields, _ := object.(map[string]any)
	return fields[c.Def.Name]
}

// follow walks to the object at the end of the path. It stops where a field is refused or an object is hidden, because
// nothing behind it can be in the reply.
func (h *hearing) follow() (object any, reached bool) {
	object = h.data
	for n, s := range h.Request.Path.Steps {
		h.at = append(h.at, s.Def.Name)
		value := get(object, s.Call)
		if a := h.answer(s.Call); a != access.Value {
			h.refused(s.Call, value, a)
			return nil, false
		}
		h.emptied = h.emptied || h.empties(s.Call, n+1)
		for t := s.Def.Type; t.Elem != nil; t = t.Elem {
			value = h.pick(value)
		}
		if h.hidden(s.Call, n+1) {
			h.absent(s.Call, value)
			return nil, false
		}
		if object = value; s.WithID {
			h.field(n+1, cases.Call{Parent: s.On, Def: s.On.Fields.ForName(cases.ID)}, object)
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

func (h *hearing) absent(c cases.Call, value any) {
	if value != nil {
		h.fault(c.Name()+" leads to a hidden row", "at %v there is %v", h.at, value)
	}
}

// leaves checks the fields of the object at the end of the path.
func (h *hearing) leaves(object any) {
	for _, c := range h.Request.Path.Leaves {
		h.nulled = h.nulled || c.Def.Type.NonNull && h.answer(c) != access.Value
	}
	for _, c := range h.Request.Path.Leaves {
		if h.field(len(h.Request.Path.Steps), c, object) {
			h.twins = append(h.twins, c.Name())
		}
		f, kind := h.Matrix[c.Name()], h.kind(h.RowType(c))
		if h.Layers == harness.PoliciesAlone && !cases.IsInherited(f) && kind.Answer(f) != access.Value && !kind.RefusedByPolicy(f) {
			h.oneLayer = append(h.oneLayer, c.Name())
		}
	}
}

// field checks one field of the object that n steps reach, and reports whether it returned a value as expected.
func (h *hearing) field(n int, c cases.Call, object any) (gave bool) {
	h.at = append(h.at, c.Def.Name)
	defer func() { h.at = h.at[:len(h.at)-1] }()
	value := get(object, c)
	if a := h.answer(c); a != access.Value {
		h.refused(c, value, a)
		return false
	}
	if h.Request.ByHand {
		h.admitted(c)
		return value != nil
	}
	h.errors(c, access.Value)
	switch {
	case h.nulled:
		return false // its value disappeared with its object
	case c.Def.Type.Elem == nil && h.hidden(c, len(h.Request.Path.Steps)) && (!h.Request.Path.ThroughList() || h.Request.Path.SelectsID()):
		h.absent(c, value)
		return false
	case value == nil && (h.Request.IsNullAfter(c) || h.Request.Optional || h.emptied):
		return false
	case value == nil:
		h.fault(c.Name()+" is null, and should have a value", "%.700s", h.reply.Body)
		return false
	}
	if want, known := h.seeded(n, c); known && !sameJSON(value, want) {
		h.fault(c.Name()+" has another value than the row was created with", "%v, want %v", value, want)
		return false
	}
	return true
}

// seeded returns the value with which a field of the object that n steps reach was created: that of the input's field with
// this name, or its id.
func (h *hearing) seeded(n int, c cases.Call) (want any, known bool) {
	p, path := h.target, h.Request.Path
	made, id := p.Rows[c.Parent.Name], p.Objects[c.Parent.Name][cases.ID]
	typ, _ := h.Schema.SubjectOf(path.RootField().Def)
	switch {
	case !h.Schema.IsOwned(c.Parent) || c.Object:
		return nil, false
	case typ == c.Parent.Name && p.Subject != nil && path.SubjectAt(h.Schema) == n:
		made, id = p.Subject, p.Subject.ID
	case made != nil:
		id = made.ID
	case path.OwnersAlone(n):
		id = nil // one of several values
	}
	if c.Def.Name == cases.ID {
		return id, id != nil
	}
	if made == nil && h.Schema.WithSignUp[c.Parent.Name] {
		made = p.Sown
	}
	if made == nil {
		return nil, false
	}
	want, known = made.Seed[c.Def.Name]
	return want, known
}

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(x) == string(y)
}

// refused checks a field that must return no value.
func (h *hearing) refused(c cases.Call, value any, a access.Answer) {
	if a == refusedSomehow && isEmpty(value) {
		value = nil // a list that a policy left empty
	}
	if h.nulled = h.nulled || c.Def.Type.NonNull; value != nil {
		h.fault(fmt.Sprintf("%s has a value for %s, and should be refused: %s", c.Name(), h.kind(h.RowType(c)), a), "it is %v", value)
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
