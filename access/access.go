// Package access owns the access matrix: what each field returns to each kind of viewer, and whether the field rule, the
// row policies or both refuse. It derives the matrix from the schema and from a description of the policies, never from the code
// that runs, so that tests can compare the two. It must not know the database, resolvers or HTTP.
package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/fault"
)

// Viewer is a kind of viewer, by their relation to the row that a field belongs to. For a root field without a row there are only
// anonymous viewers and members.
type Viewer string

// The kinds of viewers. Nobody is an anonymous viewer. Visible-to are viewers who may see the row and do not own it.
const (
	Nobody          Viewer = "nobody"
	NobodyVisibleTo Viewer = "nobody, visible-to"
	Member          Viewer = "member"
	MemberVisibleTo Viewer = "member, visible-to"
	Owner           Viewer = "owner"
)

// Viewers are all kinds, in the order of what they get, least first.
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

// Answer is what a field returns to a viewer: Value, Null, or null and an error with this code.
type Answer string

// The answers that are not a code of package fault.
const (
	Value Answer = "value"
	Null  Answer = "null" // without an error
)

// Admits is the kind of viewers that a layer in the database lets through.
type Admits string

// The viewers that a layer in the database can let through.
const (
	AdmitsOwner   Admits = "owner"
	AdmitsVisible Admits = "visible-to"
	AdmitsMembers Admits = "members"
	// AdmitsEveryone is for rows that another subgraph has. There is no layer behind them here.
	AdmitsEveryone Admits = "everyone"
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
	AdmitsOwner: "only its owner", AdmitsVisible: "everyone who may see it", AdmitsMembers: "signed-in members",
}

// InWords names the viewers that a layer lets through.
func (a Admits) InWords() string { return admitsInWords[a] }

// Layer is what refuses in the database, independently of the field rule: a row policy, or a definer function.
type Layer struct {
	Name   string
	Admits Admits
}

// Layers are the layers in the database behind each field.
type Layers struct {
	Types  map[string]Layer   // by type: the policy under which its row is read
	Fields map[string][]Layer // by Type.field: those of a field whose value is not in the row of its type
}

func (w Layers) of(typ, field string) []Layer {
	if layers, ok := w.Fields[typ+"."+field]; ok {
		return layers
	}
	if layer, ok := w.Types[typ]; ok && layer.Admits != AdmitsEveryone {
		return []Layer{layer}
	}
	return nil
}

// Holder is what refuses a field.
type Holder string

// The holders of a refusal.
const (
	Both       Holder = "rule and policy"
	RuleOnly   Holder = "rule"
	PolicyOnly Holder = "policy"
	None       Holder = "none" // no viewer is refused
)

// Field is a row of the matrix.
type Field struct {
	Type      string            `json:"type"`
	Name      string            `json:"field"`
	Rule      string            `json:"rule"`                // as in the schema; "in code" for Federation's and introspection's
	Reason    string            `json:"reason,omitempty"`    // why it is public
	DecidedBy []string          `json:"decidedBy,omitempty"` // of @inherited: the fields whose rules decide
	Answers   map[Viewer]Answer `json:"answers"`
	HeldBy    Holder            `json:"heldBy"`
	HeldOnce  []Viewer          `json:"heldOnce,omitempty"` // the viewers that only one of rule and policy refuses
	Policies  []string          `json:"policies,omitempty"`
	Why       string            `json:"why,omitempty"` // of HeldBy
}

// String returns the field as Type.field.
func (f Field) String() string { return f.Type + "." + f.Name }

// Matrix is every field of every object type, in the order of the schema.
type Matrix struct {
	Fields []Field `json:"fields"`
}

// New returns the matrix of a schema that has passed directives.Check.
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

// Find returns the row of a field, by its name Type.field.
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

// decision is what decides about a field: its own rule or that of a field that leads to it, and the layers behind that rule.
type decision struct {
	field  string
	rule   directives.Rule
	layers []Layer
	unseen bool // the row is of a type that only owners ever see
	open   bool // the row is of a type that everyone sees
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

// decisions returns what decides about a field: its own rule, or for @inherited the rules of all fields that lead to its type. It
// returns none for a field that is decided in code, which is public.
func (c *compiler) decisions(t *ast.Definition, f *ast.FieldDefinition, seen map[string]bool) (decisions []decision) {
	name := t.Name + "." + f.Name
	rule, ok := directives.RuleOf(f)
	if !ok || seen[name] {
		return nil
	}
	seen[name] = true
	if rule.Name != "inherited" {
		row, owned := c.layers.Types[cmp.Or(rule.Of, t.Name)]
		return []decision{{name, rule, c.layers.of(t.Name, f.Name), owned && row.Admits == AdmitsOwner, owned && row.Admits == AdmitsEveryone}}
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

// widest returns a value if any decision gives one, since a viewer can reach a value type by any field that lets them through.
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

// answer is the meaning of a rule. Tests compare it with the code that runs, in package directives.
func (d decision) answer(v Viewer) Answer {
	var refusal fault.Code
	r := d.rule
	switch {
	case r.Name == "visible" && d.open:
		return Value
	case r.Name == "visible" && (!v.sees() || d.unseen && v != Owner):
		refusal = fault.NotFound
	case (r.Name == "signedIn" || r.Name == "owner") && !v.signedIn():
		refusal = fault.Unauthenticated
	case r.Name == "owner" && (v == Member && !d.open || d.unseen && v != Owner):
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

// hold sets what refuses. Every way to the value must be refused, so the weakest decides.
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
		return "The database has no layer behind this rule."
	}
	why := strings.Join(parts, "; ") + "."
	if f.HeldBy != Both {
		var viewers []string
		for _, v := range f.HeldOnce {
			viewers = append(viewers, string(v))
		}
		why += " Only one of the two refuses: " + strings.Join(viewers, "; ") + "."
	}
	return why
}

func all(decisions []decision, holds func(decision) bool) bool {
	return len(decisions) > 0 && !slices.ContainsFunc(decisions, func(d decision) bool { return !holds(d) })
}
