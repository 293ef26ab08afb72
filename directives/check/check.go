// Package check owns what is wrong with the field rules of a schema: it names each invalid place, by its file and line. The service calls
// it when it starts. It must not know what a rule decides about a request: package directives does.
package check

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/directives"
)

// Program is what the schema must agree with: the rules that run, and what the modules declare.
type Program struct {
	Root  any             // the generated graph.DirectiveRoot, with all rules
	Owned map[string]bool // the names of the owned types that modules declare
	// Remote are those of them whose rows another subgraph has. That subgraph also says what viewers can do with them.
	Remote map[string]bool

	Relations map[string][]string // the relations of each owned type besides the owner's, strongest first
	Scopes    map[string]bool     // the scopes that modules declare
}

// Schema returns an error that names each invalid place of the schema, by its file and line: a field without exactly one rule, a
// rule where gqlgen would never run it, a rule that is declared but not running, a non-null field that can be refused, a rule
// about rows on a type that no module declares, and an @inherited field that can be reached without a rule.
func Schema(schema *ast.Schema, p Program) error {
	k := &checker{schema: schema, Program: p}
	k.definitions()
	k.running()
	k.viewerCan()
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
	Program
	schema *ast.Schema
	faults []error
}

// fault adds a fault of an element of the schema, with its file and line.
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

// definitions checks that each rule is defined on FIELD_DEFINITION only. gqlgen does not run a directive on an object for _entities
// or behind an interface.
func (k *checker) definitions() {
	for name := range directives.Names() {
		d := k.schema.Directives[name]
		if d == nil {
			k.fault(nil, "@"+name, "the directive is not defined")
			continue
		}
		if !slices.Equal(d.Locations, []ast.DirectiveLocation{ast.LocationFieldDefinition}) {
			k.fault(d.Position, "@"+name, "a rule must be on FIELD_DEFINITION only, not on %v", d.Locations)
		}
	}
}

// running checks that gqlgen runs each rule. A rule that gqlgen.yml skips, or without a function, would let everything through.
func (k *checker) running() {
	root := reflect.Indirect(reflect.ValueOf(k.Root))
	for name, runs := range directives.Names() {
		if !runs {
			continue
		}
		f := root.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
		if !f.IsValid() {
			k.fault(nil, "gqlgen.yml: @"+name, "the rule does not run: gqlgen generates no call of it (see directives there)")
		} else if f.IsNil() {
			k.fault(nil, "@"+name, "the rule does not run: it has no function")
		}
	}
}

// placement checks that no rule is on a type, a field of an interface or an input, where it would never run.
func (k *checker) placement(t *ast.Definition) {
	if hasRule(t.Directives) {
		k.fault(t.Position, t.Name, "a rule on a type never runs for _entities or behind an interface: put it on the fields")
	}
	if t.Kind == ast.Object {
		return
	}
	for _, f := range t.Fields {
		if hasRule(f.Directives) {
			k.fault(f.Position, t.Name+"."+f.Name, "a rule on a field of an %s never runs: put it on the fields of object types", t.Kind)
		}
	}
}

func hasRule(list ast.DirectiveList) bool {
	return slices.ContainsFunc(list, func(d *ast.Directive) bool { return directives.IsRule(d.Name) })
}

// isRoot reports whether t is Query, Mutation or Subscription.
func (k *checker) isRoot(t *ast.Definition) bool {
	return t == k.schema.Query || t == k.schema.Mutation || t == k.schema.Subscription
}

func (k *checker) object(t *ast.Definition) {
	for _, f := range t.Fields {
		where := t.Name + "." + f.Name
		if directives.DecidedInCode[where] != "" {
			continue
		}
		list := directives.RulesOf(f)
		for _, rule := range list {
			k.rule(where, t, f, rule)
		}
		switch _, ok := directives.RuleOf(f); {
		case len(list) == 0:
			k.fault(f.Position, where, "the field has no rule: add one that says who may read it")
		case len(list) > 1:
			k.repeated(where, t, f, list)
		case !ok:
			k.fault(f.Position, where, "the rule applies only with %s, so nothing decides without it: add a rule without when", list[0].When)
		}
	}
}

func (k *checker) rule(where string, t *ast.Definition, f *ast.FieldDefinition, r directives.Rule) {
	switch r.Name {
	case "public":
		if k.isRoot(t) && r.Reason == "" {
			k.fault(r.At, where, "@public on a root field requires a reason")
		}
	case "visible":
		k.owned(where, t, r)
	case "signedIn":
		k.nullable(where, f, r)
	case "scopes":
		k.nullable(where, f, r)
		k.scopes(where, r, "anyOf", r.AnyOf)
	case "owner":
		k.nullable(where, f, r)
		k.owner(where, t, f, r)
		k.relation(where, t, r)
		k.condition(where, t, f, r)
		if r.OrScopes != nil {
			k.scopes(where, r, "orScopes", r.OrScopes)
		}
	case "inherited":
		k.inherited(where, t, r)
	}
}

// owned checks that a rule about the loaded row is on an owned type.
func (k *checker) owned(where string, t *ast.Definition, r directives.Rule) {
	if !k.Owned[t.Name] {
		k.fault(r.At, where, "@%s is about a row, and no module declares the owned type %s: add owned.Declare(owned.Type{Name: %[2]q, …}) to the Types of a module", r.Name, t.Name)
	}
}

// nullable checks that a field that can be refused is nullable. Otherwise a refusal would also null its siblings.
func (k *checker) nullable(where string, f *ast.FieldDefinition, r directives.Rule) {
	if f.Type.NonNull {
		k.fault(r.At, where, "a field with @%s can be refused, so it must be nullable", r.Name)
	}
}

// inherited checks that another field has decided before. A type with @key or Node can be reached by its id, without such a
// field.
func (k *checker) inherited(where string, t *ast.Definition, r directives.Rule) {
	switch {
	case k.isRoot(t):
		k.fault(r.At, where, "@inherited on a root field: no field decides before it")
	case t.Directives.ForName("key") != nil || slices.Contains(t.Interfaces, "Node"):
		k.fault(r.At, where, "@inherited on a type with @key or Node: it is reached by its id, without a field that decides")
	default:
		for _, path := range k.undecidedPathsTo(t) {
			k.fault(r.At, where, "@inherited, but %s leads here without a rule", path)
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
			if !hasRule(f.Directives) && (returned == t || slices.Contains(k.schema.GetPossibleTypes(returned), t)) {
				paths = append(paths, parent.Name+"."+f.Name)
			}
		}
	}
	return paths
}
