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
)

// Answer is what a field returns to a viewer: Value, Null, or null and an error with this code.
type Answer string

// The answers that are not a code of package fault.
const (
	Value Answer = "value"
	Null  Answer = "null" // without an error
)

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
	When      string            `json:"when,omitempty"`      // an argument of a mutation with further rules: the row is about calls that have it
	Rule      string            `json:"rule"`                // as in the schema; "in code" for Federation's and introspection's
	Reason    string            `json:"reason,omitempty"`    // why it is public
	DecidedBy []string          `json:"decidedBy,omitempty"` // of @inherited: the fields whose rules decide
	Relations []string          `json:"relations,omitempty"` // that viewers can have to the row, strongest first
	Scopes    [][]string        `json:"scopes,omitempty"`    // alternatives; an operator has all scopes of one
	Answers   map[Viewer]Answer `json:"answers"`             // of the viewers that the field distinguishes
	HeldBy    Holder            `json:"heldBy"`
	HeldOnce  []Viewer          `json:"heldOnce,omitempty"` // the viewers that only one of rule and policy refuses
	Policies  []string          `json:"policies,omitempty"`
	Why       string            `json:"why,omitempty"` // of HeldBy

	decisions []decision // none in a matrix that was read
}

// String returns the field as Type.field, for some rows with the argument that they are about: Type.field with input.name.
func (f Field) String() string { return f.Type + "." + f.Title() }

// Title returns the field without its type.
func (f Field) Title() string {
	if f.When != "" {
		return f.Name + " with " + f.When
	}
	return f.Name
}

// For returns what the field returns to a viewer with scopes, and whether a row policy refuses this viewer. An operator is a Member
// or MemberVisibleTo with scopes. A viewer with a relation that the field does not distinguish counts as a member.
func (f Field) For(v Viewer, scopes ...string) (answer Answer, byPolicy bool) {
	if v.isRelation() && !slices.Contains(f.Relations, string(v)) {
		v = Member
	}
	return f.ask(func(decision) asker { return asker{v, scopes} }, v)
}

// Hides reports whether the row of the field, or that of an argument, is hidden from a viewer by the row policy under which it is read.
func (f Field) Hides(v Viewer, scopes ...string) bool {
	return slices.ContainsFunc(f.decisions, func(d decision) bool { return d.row != nil && !d.row.admits(v, scopes) })
}

// ask returns the answer to a viewer, who is some asker for each decision.
func (f Field) ask(askerOf func(decision) asker, v Viewer) (answer Answer, byPolicy bool) {
	decisions := slices.DeleteFunc(slices.Clone(f.decisions), func(d decision) bool { return !d.concerns(v) })
	return widest(decisions, askerOf), all(decisions, func(d decision) bool { return d.refusedByLayer(askerOf(d)) })
}

// Matrix is every field of every object type, in the order of the schema.
type Matrix struct {
	Fields []Field `json:"fields"`
}

// New returns the matrix of a schema that has passed check.Schema.
func New(schema *ast.Schema, layers Layers) *Matrix {
	c := &compiler{schema: schema, layers: layers}
	m := &Matrix{}
	for _, t := range objectTypes(schema) {
		for _, f := range t.Fields {
			m.Fields = append(m.Fields, c.field(t, f, ""))
			for _, when := range conditions(f) {
				m.Fields = append(m.Fields, c.field(t, f, when))
			}
		}
	}
	return m
}

// Find returns the row of a field, by its name as String returns it.
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

// conditions returns the arguments of a field that have rules of their own.
func conditions(f *ast.FieldDefinition) (when []string) {
	for _, r := range directives.RulesOf(f) {
		if r.When != "" && !slices.Contains(when, r.When) {
			when = append(when, r.When)
		}
	}
	return when
}

type compiler struct {
	schema *ast.Schema
	layers Layers
}

// field returns a row of the matrix: of calls without any of the conditions or, if when is one of them, with it alone.
func (c *compiler) field(t *ast.Definition, f *ast.FieldDefinition, when string) Field {
	row := Field{Type: t.Name, Name: f.Name, When: when, Answers: map[Viewer]Answer{}, HeldBy: None}
	row.decisions = c.decisions(t, f, when, map[string]bool{})
	if rules := applying(f, when); len(rules) > 0 {
		row.Rule, row.Reason = inWords(rules), rules[0].Reason
		if rules[0].Name == "inherited" {
			for _, d := range row.decisions {
				row.DecidedBy = append(row.DecidedBy, d.field)
			}
		}
	} else {
		row.Rule, row.Reason = "in code", directives.DecidedInCode[row.String()]
	}
	for _, d := range row.decisions {
		for _, r := range d.relations() {
			if !slices.Contains(row.Relations, r) {
				row.Relations = append(row.Relations, r)
			}
		}
		for _, set := range d.scopes() {
			if !slices.ContainsFunc(row.Scopes, func(s []string) bool { return slices.Equal(s, set) }) {
				row.Scopes = append(row.Scopes, set)
			}
		}
	}
	row.hold()
	return row
}

// applying returns the rules of a field without conditions, and those with this one.
func applying(f *ast.FieldDefinition, when string) []directives.Rule {
	return slices.DeleteFunc(directives.RulesOf(f), func(r directives.Rule) bool { return r.When != "" && r.When != when })
}

func inWords(rules []directives.Rule) string {
	var texts []string
	for _, r := range rules {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, " ")
}

// decisions returns what decides about a field: its own rules, or for @inherited the rules of all fields that lead to its type. It
// returns none for a field that is decided in code, which is public.
func (c *compiler) decisions(t *ast.Definition, f *ast.FieldDefinition, when string, seen map[string]bool) (decisions []decision) {
	name := t.Name + "." + f.Name
	rules := applying(f, when)
	if len(rules) == 0 || seen[name] {
		return nil
	}
	seen[name] = true
	if rules[0].Name != "inherited" {
		d := decision{field: name, rules: rules, layers: slices.Clone(c.layers.of(t.Name, f.Name, when))}
		if row, owned := c.layers.Types[cmp.Or(rules[0].Of, t.Name)]; owned {
			d.row = &row
		}
		for i := range d.layers {
			if d.layers[i].Relations == nil {
				d.layers[i].Relations = d.relations()
			}
		}
		return []decision{d}
	}
	for _, parent := range objectTypes(c.schema) {
		for _, g := range parent.Fields {
			returned := c.schema.Types[g.Type.Name()]
			if returned == t || slices.Contains(c.schema.GetPossibleTypes(returned), t) {
				decisions = append(decisions, c.decisions(parent, g, "", seen)...)
			}
		}
	}
	return decisions
}

// widest returns a value if any decision gives one, since a viewer can reach a value type by any field that lets them through.
func widest(decisions []decision, askerOf func(decision) asker) Answer {
	var refusal Answer
	for _, d := range decisions {
		a := d.answer(askerOf(d))
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

// hold sets the answers, and what refuses. Every way to the value must be refused, so the weakest decides.
func (f *Field) hold() {
	for _, d := range f.decisions {
		for _, l := range d.layers {
			if !slices.Contains(f.Policies, l.Name) {
				f.Policies = append(f.Policies, l.Name)
			}
		}
	}
	var byRule, byPolicy, any bool
	for _, v := range Columns(*f) {
		answer, policy := f.ask(func(d decision) asker { return d.asker(v) }, v)
		f.Answers[v] = answer
		rule := answer != Value
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
	f.Why = f.why()
}

func (f *Field) why() string {
	if f.HeldBy == None {
		return f.Reason
	}
	var parts []string
	for _, d := range f.decisions {
		for _, l := range d.layers {
			part := l.Name + " admits " + l.InWords()
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
