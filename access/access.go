// Package access owns the access matrix: what the rule of each field answers to each kind of viewer, and whether the
// field rule, the row policies or both hold what is refused. It derives all of that from the schema and from what it is
// told of the policies, never from the code that runs, so that tests can hold the one against the other. It must not
// know the database, resolvers or HTTP.
package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/fault"
)

// Viewer is a kind of viewer, as he stands to the row that a field belongs to. On a root field without a row only
// whether he is signed in counts.
type Viewer string

// The kinds of viewers. Visible-to are those who may see the row and do not own it.
const (
	Nobody          Viewer = "nobody"
	NobodyVisibleTo Viewer = "nobody, visible-to"
	Member          Viewer = "member"
	MemberVisibleTo Viewer = "member, visible-to"
	Owner           Viewer = "owner"
)

// Viewers are all kinds, from the one who is told least to the one who is told most.
var Viewers = []Viewer{Nobody, NobodyVisibleTo, Member, MemberVisibleTo, Owner}

// KindOf returns the kind of a viewer.
func KindOf(signedIn, sees, owns bool) Viewer {
	switch {
	case owns:
		return Owner
	case signedIn && sees:
		return MemberVisibleTo
	case signedIn:
		return Member
	case sees:
		return NobodyVisibleTo
	default:
		return Nobody
	}
}

func (v Viewer) signedIn() bool { return v != Nobody && v != NobodyVisibleTo }

func (v Viewer) sees() bool { return v != Nobody && v != Member }

// Answer is what a viewer gets of a field: Value, Null, or null and an error with this code.
type Answer string

// The answers besides fault's codes.
const (
	Value Answer = "value"
	Null  Answer = "null" // without an error
)

// Admits says whom a layer in the database lets through.
type Admits string

// Whom a layer in the database can let through.
const (
	AdmitsOwner   Admits = "owner"
	AdmitsVisible Admits = "visible-to"
	AdmitsMembers Admits = "members"
)

func (a Admits) admits(v Viewer) bool {
	switch a {
	case AdmitsVisible:
		return v.sees()
	case AdmitsMembers:
		return v.signedIn()
	default:
		return v == Owner
	}
}

var admitsInWords = map[Admits]string{
	AdmitsOwner: "its owner alone", AdmitsVisible: "everyone who may see it", AdmitsMembers: "signed-in members",
}

// InWords says whom a layer lets through.
func (a Admits) InWords() string { return admitsInWords[a] }

// Layer is something in the database that refuses by itself: a row policy, or a definer function.
type Layer struct {
	Name   string
	Admits Admits
}

// Layers say what stands in the database behind each field.
type Layers struct {
	Types  map[string]Layer   // behind a type's fields: the policy under which its row is read
	Fields map[string][]Layer // behind a field, as Type.field, in the place of its type's: it comes from elsewhere
}

func (w Layers) of(typ, field string) []Layer {
	if layers, ok := w.Fields[typ+"."+field]; ok {
		return layers
	}
	if layer, ok := w.Types[typ]; ok {
		return []Layer{layer}
	}
	return nil
}

// Holder says what holds the refusals of a field.
type Holder string

// What can hold a refusal.
const (
	Both       Holder = "rule and policy"
	RuleOnly   Holder = "rule"
	PolicyOnly Holder = "policy"
	None       Holder = "none" // nobody is refused
)

// Field is a row of the matrix.
type Field struct {
	Type      string            `json:"type"`
	Name      string            `json:"field"`
	Rule      string            `json:"rule"`                // as in the schema; "in code" for Federation's and introspection's
	Reason    string            `json:"reason,omitempty"`    // why it is public
	DecidedBy []string          `json:"decidedBy,omitempty"` // of @inherited: the fields whose rules count
	Answers   map[Viewer]Answer `json:"answers"`
	HeldBy    Holder            `json:"heldBy"`
	HeldOnce  []Viewer          `json:"heldOnce,omitempty"` // whose refusal only one of the two holds
	Policies  []string          `json:"policies,omitempty"`
	Why       string            `json:"why,omitempty"` // of HeldBy
}

// String is the field's name with its type's.
func (f Field) String() string { return f.Type + "." + f.Name }

// Matrix is every field of every object type, in the order of the schema.
type Matrix struct {
	Fields []Field `json:"fields"`
}

// New makes the matrix of a schema that has passed directives.Check.
func New(schema *ast.Schema, layers Layers) *Matrix {
	c := &compiler{schema: schema, layers: layers}
	m := &Matrix{}
	for _, t := range objectTypes(schema) {
		for _, f := range t.Fields {
			m.Fields = append(m.Fields, c.field(t, f))
		}
	}
	return m
}

// Find returns the row of a field that is written Type.field.
func (m *Matrix) Find(name string) (Field, bool) {
	i := slices.IndexFunc(m.Fields, func(f Field) bool { return f.String() == name })
	if i < 0 {
		return Field{}, false
	}
	return m.Fields[i], true
}

// objectTypes returns the object types in the order of the schema, with Federation's and introspection's last.
func objectTypes(schema *ast.Schema) (types []*ast.Definition) {
	for _, t := range schema.Types {
		if t.Kind == ast.Object && !t.BuiltIn && !strings.HasPrefix(t.Name, "__") {
			types = append(types, t)
		}
	}
	slices.SortFunc(types, func(a, b *ast.Definition) int {
		if a.Name[0] == '_' != (b.Name[0] == '_') {
			return strings.Compare(a.Name, b.Name) // an underscore follows all capitals
		}
		return a.Position.Line - b.Position.Line
	})
	return types
}

type compiler struct {
	schema *ast.Schema
	layers Layers
}

// decision is what decides about a field: a rule of its own or of a field before it, and what stands behind that.
type decision struct {
	field  string
	rule   directives.Rule
	layers []Layer
	unseen bool // the row is of a type that nobody but its owner ever sees
}

func (d decision) refusedByRule(v Viewer) bool { return d.answer(v) != Value }

func (d decision) refusedByLayer(v Viewer) bool {
	return slices.ContainsFunc(d.layers, func(w Layer) bool { return !w.Admits.admits(v) })
}

func (c *compiler) field(t *ast.Definition, f *ast.FieldDefinition) Field {
	row := Field{Type: t.Name, Name: f.Name, Answers: map[Viewer]Answer{}, HeldBy: None}
	decisions := c.decisions(t, f, map[string]bool{})
	if rule, ok := directives.RuleOf(f); ok {
		row.Rule, row.Reason = rule.String(), rule.Reason
		if rule.Name == "inherited" {
			for _, d := range decisions {
				row.DecidedBy = append(row.DecidedBy, d.field)
			}
		}
	} else {
		row.Rule, row.Reason = "in code", directives.DecidedInCode[row.String()]
	}
	for _, v := range Viewers {
		row.Answers[v] = widest(decisions, v)
	}
	row.hold(decisions)
	return row
}

// decisions returns what decides about a field: itself, or for @inherited whatever leads to its type. Nothing decides
// about what is decided in code, which is public.
func (c *compiler) decisions(t *ast.Definition, f *ast.FieldDefinition, seen map[string]bool) (decisions []decision) {
	name := t.Name + "." + f.Name
	rule, ok := directives.RuleOf(f)
	if !ok || seen[name] {
		return nil
	}
	seen[name] = true
	if rule.Name != "inherited" {
		row, owned := c.layers.Types[cmp.Or(rule.Of, t.Name)]
		return []decision{{name, rule, c.layers.of(t.Name, f.Name), owned && row.Admits == AdmitsOwner}}
	}
	for _, parent := range objectTypes(c.schema) {
		for _, g := range parent.Fields {
			returned := c.schema.Types[g.Type.Name()]
			if returned == t || slices.Contains(c.schema.GetPossibleTypes(returned), t) {
				decisions = append(decisions, c.decisions(parent, g, seen)...)
			}
		}
	}
	return decisions
}

// widest returns a value if any decision gives one: a value type is reached by whichever field lets through.
func widest(decisions []decision, v Viewer) Answer {
	var refusal Answer
	for _, d := range decisions {
		a := d.answer(v)
		if a == Value {
			return Value
		}
		if refusal == "" {
			refusal = a
		}
	}
	if refusal == "" {
		return Value
	}
	return refusal
}

// answer is the meaning of a rule. The code that runs is in directives; this is what it is held against.
func (d decision) answer(v Viewer) Answer {
	var refusal fault.Code
	r := d.rule
	switch {
	case r.Name == "visible" && (!v.sees() || d.unseen && v != Owner):
		refusal = fault.NotFound
	case (r.Name == "signedIn" || r.Name == "owner") && !v.signedIn():
		refusal = fault.Unauthenticated
	case r.Name == "owner" && (v == Member || d.unseen && v != Owner):
		refusal = fault.NotFound
	case r.Name == "owner" && v != Owner:
		refusal = fault.Forbidden
	default:
		return Value
	}
	if r.Name == "owner" && r.Otherwise == directives.OtherwiseNull {
		return Null
	}
	return Answer(refusal)
}

// hold says what holds the refusals. Each way to a value has to be held, so the weakest counts.
func (f *Field) hold(decisions []decision) {
	var byRule, byPolicy, any bool
	for _, d := range decisions {
		for _, w := range d.layers {
			if !slices.Contains(f.Policies, w.Name) {
				f.Policies = append(f.Policies, w.Name)
			}
		}
	}
	for _, v := range Viewers {
		rule := all(decisions, func(d decision) bool { return d.refusedByRule(v) })
		policy := all(decisions, func(d decision) bool { return d.refusedByLayer(v) })
		if !rule && !policy {
			continue
		}
		any = true
		if rule != policy {
			f.HeldOnce = append(f.HeldOnce, v)
		}
		byRule, byPolicy = byRule || !policy, byPolicy || !rule
	}
	switch {
	case !any:
		f.HeldBy = None
	case byRule:
		f.HeldBy = RuleOnly
	case byPolicy:
		f.HeldBy = PolicyOnly
	default:
		f.HeldBy = Both
	}
	f.Why = f.why(decisions)
}

func (f *Field) why(decisions []decision) string {
	if f.HeldBy == None {
		return f.Reason
	}
	var parts []string
	for _, d := range decisions {
		for _, w := range d.layers {
			part := w.Name + " admits " + w.Admits.InWords()
			if !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	if len(parts) == 0 {
		return "Nothing in the database stands behind this rule."
	}
	why := strings.Join(parts, "; ") + "."
	if f.HeldBy != Both {
		var who []string
		for _, v := range f.HeldOnce {
			who = append(who, string(v))
		}
		why += " Only one of the two refuses: " + strings.Join(who, "; ") + "."
	}
	return why
}

func all(decisions []decision, holds func(decision) bool) bool {
	return len(decisions) > 0 && !slices.ContainsFunc(decisions, func(d decision) bool { return !holds(d) })
}
