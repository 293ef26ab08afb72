package directives

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// The rule directives. The value says whether gqlgen has to run something for it.
var ruleNames = map[string]bool{"public": false, "inherited": false, "visible": true, "signedIn": true, "owner": true}

// DecidedInCode are the only fields without a rule, by their names as Type.field, and why nobody needs to be asked.
var DecidedInCode = map[string]string{
	"Query.__schema":  "Introspection, in development only.",
	"Query.__type":    "Introspection, in development only.",
	"Query._entities": "Each field of the entities that are found has its own rule.",
	"Query._service":  "The schema is published for whoever composes it.",
	"_Service.sdl":    "The schema is published for whoever composes it.",
}

// Checked is what the check of a schema looks at besides the schema.
type Checked struct {
	Root  any             // the generated graph.DirectiveRoot, filled in
	Owned map[string]bool // the owned types that modules declare
}

// Check returns an error that names every place where the schema breaks a law, by its file and line: a field without exactly
// one rule, a rule where gqlgen would never run it, a rule that is declared but not running, a refusable field that is not
// nullable, a rule about rows on a type that no module declares, an @inherited that nothing decided.
func Check(schema *ast.Schema, c Checked) error {
	k := &checker{schema: schema, Checked: c}
	k.definitions()
	k.running()
	k.actions()
	for _, t := range sorted(schema.Types) {
		if t.BuiltIn || strings.HasPrefix(t.Name, "__") {
			continue // introspection is decided in code
		}
		k.placement(t)
		if t.Kind == ast.Object {
			k.object(t)
		}
	}
	return errors.Join(k.faults...)
}

type checker struct {
	Checked
	schema *ast.Schema
	faults []error
}

// fault notes what is wrong with an element of the schema, and where the element is.
func (k *checker) fault(at *ast.Position, where, format string, args ...any) {
	if at != nil && at.Src != nil {
		where = fmt.Sprintf("%s:%d: %s", at.Src.Name, at.Line, where)
	}
	k.faults = append(k.faults, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

func sorted(types map[string]*ast.Definition) []*ast.Definition {
	all := make([]*ast.Definition, 0, len(types))
	for _, t := range types {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// definitions: each rule is defined, for fields and nothing else. On an object gqlgen does not run a directive for
// _entities or behind an interface.
func (k *checker) definitions() {
	for name := range ruleNames {
		d := k.schema.Directives[name]
		if d == nil {
			k.fault(nil, "@"+name, "the directive is not defined")
			continue
		}
		if !slices.Equal(d.Locations, []ast.DirectiveLocation{ast.LocationFieldDefinition}) {
			k.fault(d.Position, "@"+name, "a rule stands on FIELD_DEFINITION only, not on %v", d.Locations)
		}
	}
}

// running: a declared rule that gqlgen was told to skip, or that nobody supplied, would let everything through.
func (k *checker) running() {
	root := reflect.Indirect(reflect.ValueOf(k.Root))
	for name, runs := range ruleNames {
		if !runs {
			continue
		}
		f := root.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
		if !f.IsValid() {
			k.fault(nil, "gqlgen.yml: @"+name, "the rule does not run: gqlgen generates no call of it (see directives there)")
		} else if f.IsNil() {
			k.fault(nil, "@"+name, "the rule does not run: no function was supplied for it")
		}
	}
}

// actions: each value of an enum of actions stands for a mutation, and each mutation of a type that has such an enum is
// in it, so that viewerCan tells all and promises nothing.
func (k *checker) actions() {
	for typ, actions := range actionsOf(k.schema) {
		told := map[string]bool{}
		for _, a := range actions {
			if told[a.field] = true; !a.known {
				k.fault(a.at, typ+"Action."+a.value, "there is no mutation %s with @owner(of: %q)", a.field, typ)
			}
		}
		for _, f := range k.schema.Mutation.Fields {
			if rule, ok := RuleOf(f); ok && rule.Of == typ && !told[f.Name] {
				k.fault(f.Position, "Mutation."+f.Name, "@owner(of: %q), but %sAction has no value for it", typ, typ)
			}
		}
	}
}

// placement: no rule on a type, an interface's field or an input, where it would never run.
func (k *checker) placement(t *ast.Definition) {
	if len(rulesOf(t.Directives)) > 0 {
		k.fault(t.Position, t.Name, "a rule on a type never runs for _entities or behind an interface: put it on the fields")
	}
	if t.Kind == ast.Object {
		return
	}
	for _, f := range t.Fields {
		if len(rulesOf(f.Directives)) > 0 {
			k.fault(f.Position, t.Name+"."+f.Name, "a rule on a field of an %s never runs: put it on the fields of object types", t.Kind)
		}
	}
}

func rulesOf(list ast.DirectiveList) (rules ast.DirectiveList) {
	for _, d := range list {
		if _, ok := ruleNames[d.Name]; ok {
			rules = append(rules, d)
		}
	}
	return rules
}

// isRoot reports whether t is Query, Mutation or Subscription.
func (k *checker) isRoot(t *ast.Definition) bool {
	return t == k.schema.Query || t == k.schema.Mutation || t == k.schema.Subscription
}

func (k *checker) object(t *ast.Definition) {
	for _, f := range t.Fields {
		where := t.Name + "." + f.Name
		if DecidedInCode[where] != "" {
			continue
		}
		if rule, ok := RuleOf(f); ok {
			k.rule(where, t, f, rule)
		} else if n := len(rulesOf(f.Directives)); n == 0 {
			k.fault(f.Position, where, "the field has no rule: decide who may read it")
		} else {
			k.fault(f.Position, where, "the field has %d rules; it needs exactly one", n)
		}
	}
}

func (k *checker) rule(where string, t *ast.Definition, f *ast.FieldDefinition, r Rule) {
	switch r.Name {
	case "public":
		if k.isRoot(t) && r.Reason == "" {
			k.fault(r.at, where, "@public on a root field gives its reason")
		}
	case "visible":
		k.owned(where, t, r)
	case "signedIn":
		k.nullable(where, f, r)
	case "owner":
		k.nullable(where, f, r)
		k.owner(where, t, f, r)
	case "inherited":
		k.inherited(where, t, r)
	}
}

// owned: a rule about the row that was loaded stands on an owned type only.
func (k *checker) owned(where string, t *ast.Definition, r Rule) {
	if !k.Owned[t.Name] {
		k.fault(r.at, where, "@%s is about a row, and no module declares the owned type %s: add owned.Declare(owned.Type{Name: %[2]q, …}) to the Types of a module", r.Name, t.Name)
	}
}

// nullable: a refused field is null, which must not take its siblings with it.
func (k *checker) nullable(where string, f *ast.FieldDefinition, r Rule) {
	if f.Type.NonNull {
		k.fault(r.at, where, "a field with @%s can be refused, so it has to be nullable", r.Name)
	}
}

func (k *checker) owner(where string, t *ast.Definition, f *ast.FieldDefinition, r Rule) {
	of, id := r.Of, r.ID
	if !k.isRoot(t) {
		if of != "" || id != "" {
			k.fault(r.at, where, "@owner takes of and id on root fields only; here the loaded row decides")
		}
		k.owned(where, t, r)
		return
	}
	if of == "" || id == "" {
		k.fault(r.at, where, "@owner on a root field says of which type and by which argument: @owner(of: …, id: …)")
		return
	}
	if k.schema.Types[of] == nil {
		k.fault(r.at, where, "@owner(of: %q): there is no such type", of)
	} else if !k.Owned[of] {
		k.fault(r.at, where, "@owner(of: %q): no module declares such an owned type, so nothing finds its rows: add owned.Declare(owned.Type{Name: %[1]q, …}) to the Types of a module", of)
	}
	k.argumentPath(where, f, r)
}

// argumentPath: the path leads through input objects to an ID or a list of them.
func (k *checker) argumentPath(where string, f *ast.FieldDefinition, r Rule) {
	path := r.ID
	steps := strings.Split(path, ".")
	arg := f.Arguments.ForName(steps[0])
	if arg == nil {
		k.fault(r.at, where, "@owner(id: %q): the field has no argument %s", path, steps[0])
		return
	}
	typ := arg.Type
	for _, step := range steps[1:] {
		input := k.schema.Types[typ.Name()]
		var next *ast.FieldDefinition
		if typ.Elem == nil && input.Kind == ast.InputObject {
			next = input.Fields.ForName(step)
		}
		if next == nil {
			k.fault(r.at, where, "@owner(id: %q): %s has no field %s", path, typ, step)
			return
		}
		typ = next.Type
	}
	if typ.Elem != nil {
		typ = typ.Elem
	}
	if typ.NamedType != "ID" {
		k.fault(r.at, where, "@owner(id: %q): it is a %s, not an ID or a list of IDs", path, typ)
	}
}

// inherited: only where some field has decided before. Whoever has a global id or a key is reached without one.
func (k *checker) inherited(where string, t *ast.Definition, r Rule) {
	switch {
	case k.isRoot(t):
		k.fault(r.at, where, "@inherited on a root field: nothing was decided before it")
	case t.Directives.ForName("key") != nil || slices.Contains(t.Interfaces, "Node"):
		k.fault(r.at, where, "@inherited on a type with @key or Node: it is reached by its id, without a field that decides")
	default:
		for _, path := range k.undecidedPathsTo(t) {
			k.fault(r.at, where, "@inherited, but %s leads here without a rule", path)
		}
	}
}

// undecidedPathsTo returns the fields without a rule that return t, an interface of t or a union with t.
func (k *checker) undecidedPathsTo(t *ast.Definition) (paths []string) {
	for _, parent := range sorted(k.schema.Types) {
		if parent.Kind != ast.Object || parent.BuiltIn || strings.HasPrefix(parent.Name, "__") {
			continue
		}
		for _, f := range parent.Fields {
			returned := k.schema.Types[f.Type.Name()]
			if len(rulesOf(f.Directives)) == 0 && (returned == t || slices.Contains(k.schema.GetPossibleTypes(returned), t)) {
				paths = append(paths, parent.Name+"."+f.Name)
			}
		}
	}
	return paths
}
