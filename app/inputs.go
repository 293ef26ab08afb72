package app

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"freehold/fault"
	"freehold/graph/model"
)

// judge returns what is wrong with the text of a field of an input type.
type judge func(input, field, text string) fault.Flaw

// validationRules are the specification's, but for three things: no error suggests names of the schema; a value of the
// wrong shape is told by its path and never repeated, since it may be a password; and representations may be null.
func validationRules(judge judge) *rules.Rules {
	r := rules.NewDefaultRules()
	for with, without := range map[string]core.Rule{
		rules.FieldsOnCorrectTypeRule.Name: rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
		rules.ScalarLeafsRule.Name:         rules.ScalarLeafsRuleWithoutSuggestions,
		rules.KnownArgumentNamesRule.Name:  rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRule.Name:      rules.KnownTypeNamesRuleWithoutSuggestions,
	} {
		r.ReplaceRule(with, without.RuleFunc)
	}
	r.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, func(observers *core.Events, addError core.AddErrFunc) {
		valuesOfCorrectType(observers, addError, judge)
	})
	r.AddRule("NullRepresentations", nullRepresentations)
	return r
}

// nullRepresentations reads a variable of [_Any!]!, as routers declare Federation's representations, as [_Any]!, as the
// schema has it: a null among 500 of them is then a fault of its own place, and does not refuse the others.
func nullRepresentations(observers *core.Events, _ core.AddErrFunc) {
	observers.OnVariable(func(_ *core.Walker, v *ast.VariableDefinition) {
		if v.Type.Elem != nil && v.Type.Elem.NamedType == "_Any" {
			v.Type.Elem.NonNull = false
		}
	})
}

// valuesOfCorrectType is the rule of that name (GraphQL specification, 5.6) for literals.
func valuesOfCorrectType(observers *core.Events, addError core.AddErrFunc, judge judge) {
	report := func(w *core.Walker, definitions ast.ArgumentDefinitionList, arguments ast.ArgumentList) {
		for _, a := range arguments {
			definition := definitions.ForName(a.Name)
			if definition == nil {
				continue // KnownArgumentNames tells
			}
			c := inputChecker{schema: w.Schema}
			faults := c.complete(judge, func() { c.check(a.Name, definition.Type, plain(a.Value)) })
			for _, f := range faults {
				addError(core.Message("%s: %s", f.Path, f.Message), core.At(a.Position), func(e *gqlerror.Error) {
					e.Extensions = map[string]any{"fields": []fault.Field{f}}
				})
			}
		}
	}
	observers.OnField(func(w *core.Walker, field *ast.Field) {
		if field.Definition != nil {
			report(w, field.Definition.Arguments, field.Arguments)
		}
	})
	observers.OnDirective(func(w *core.Walker, directive *ast.Directive) {
		if directive.Definition != nil {
			report(w, directive.Definition.Arguments, directive.Arguments)
		}
	})
	observers.OnVariable(func(w *core.Walker, v *ast.VariableDefinition) {
		if v.DefaultValue != nil {
			report(w, ast.ArgumentDefinitionList{{Name: v.Variable, Type: v.Type}}, ast.ArgumentList{{Name: v.Variable, Value: v.DefaultValue, Position: v.Position}})
		}
	})
}

// variableFaults returns every fault of an operation's variables, by the paths of the arguments they are used in.
func variableFaults(schema *ast.Schema, op *ast.OperationDefinition, variables map[string]any, judge judge) []fault.Field {
	if variables == nil {
		variables = map[string]any{}
	}
	c := inputChecker{schema: schema, variables: variables, definitions: op.VariableDefinitions}
	return c.complete(judge, func() {
		c.seen, c.used = map[string]bool{}, map[string]bool{}
		c.directives(op.Directives)
		c.selections(op.SelectionSet)
	})
}

// inputChecker compares values with input types and collects what does not fit. If anything does not, the fields that fit
// are judged as the use case would, so that a form learns all its faults at once.
type inputChecker struct {
	schema      *ast.Schema
	variables   map[string]any // nil: variables are not looked at
	definitions ast.VariableDefinitionList
	judge       judge           // nil: only types are looked at
	seen        map[string]bool // fragments
	used        map[string]bool // variables, by name and the type of the place
	faults      []fault.Field
	told        int // bytes of faults
}

// complete runs a check, and if it finds any fault once more with the judge.
func (c *inputChecker) complete(judge judge, check func()) []fault.Field {
	check()
	if len(c.faults) > 0 {
		c.faults, c.told, c.judge = nil, 0, judge
		check()
	}
	return c.faults
}

// maxFaultBytes bounds what is told of one request, in bytes of JSON: a small list can have many faults, and a name of
// a few bytes can take six times as many.
const maxFaultBytes = 12 << 10

func (c *inputChecker) add(path, code, message string) {
	c.addFlaw(path, fault.Flaw{Code: code, Message: message})
}

func (c *inputChecker) addFlaw(path string, flaw fault.Flaw) {
	f := fault.Field{Path: path, Flaw: flaw}
	text, err := json.Marshal(f)
	if c.told += len(text); err == nil && c.told <= maxFaultBytes {
		c.faults = append(c.faults, f)
	}
}

func (c *inputChecker) selections(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			c.directives(s.Directives)
			c.arguments(s.Definition.Arguments, s.Arguments)
			c.selections(s.SelectionSet)
		case *ast.InlineFragment:
			c.directives(s.Directives)
			c.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			c.directives(s.Directives)
			if !c.seen[s.Name] {
				c.seen[s.Name] = true
				c.selections(s.Definition.SelectionSet)
			}
		}
	}
}

func (c *inputChecker) directives(list ast.DirectiveList) {
	for _, d := range list {
		c.arguments(d.Definition.Arguments, d.Arguments)
	}
}

func (c *inputChecker) arguments(definitions ast.ArgumentDefinitionList, arguments ast.ArgumentList) {
	for _, a := range arguments {
		c.check(a.Name, definitions.ForName(a.Name).Type, plain(a.Value))
	}
}

// The two kinds of literal that JSON does not have.
type (
	enumLiteral string
	variable    string
)

// plain turns a literal into what it would be in JSON.
func plain(v *ast.Value) any {
	switch v.Kind {
	case ast.Variable:
		return variable(v.Raw)
	case ast.NullValue:
		return nil
	case ast.EnumValue:
		return enumLiteral(v.Raw)
	case ast.BooleanValue:
		return v.Raw == "true"
	case ast.IntValue, ast.FloatValue:
		return json.Number(v.Raw)
	case ast.ListValue:
		list := make([]any, len(v.Children))
		for i, child := range v.Children {
			list[i] = plain(child.Value)
		}
		return list
	case ast.ObjectValue:
		object := make(map[string]any, len(v.Children))
		for _, child := range v.Children {
			object[child.Name] = plain(child.Value)
		}
		return object
	default:
		return v.Raw
	}
}

func (c *inputChecker) check(path string, typ *ast.Type, value any) {
	if c.told > maxFaultBytes {
		return
	}
	if name, ok := value.(variable); ok {
		c.variable(path, typ, string(name))
		return
	}
	list := reflect.ValueOf(value) // gqlparser turns a single value into a typed list of one
	switch {
	case value == nil && typ.NonNull:
		c.add(path, "NULL", "This can't be null.")
	case value == nil:
	case typ.Elem != nil && list.Kind() == reflect.Slice:
		for i := range list.Len() {
			c.check(path+"."+strconv.Itoa(i), typ.Elem, list.Index(i).Interface())
		}
	case typ.Elem != nil:
		c.check(path, typ.Elem, value) // a single value stands for a list of one
	default:
		c.named(path, c.schema.Types[typ.NamedType], value)
	}
}

// variable checks the value of a variable against the place where it is used. A nullable variable with a default may
// stand where null may not (GraphQL specification, 5.8.5), and then must not be null.
func (c *inputChecker) variable(path string, typ *ast.Type, name string) {
	definition := c.definitions.ForName(name)
	if c.variables == nil || definition == nil {
		return
	}
	value, given := c.variables[name]
	place := *typ
	place.NonNull = typ.NonNull || definition.Type.NonNull
	use := name + " " + place.String()
	if c.used[use] {
		return // told already, where it was used first
	}
	c.used[use] = true
	switch {
	case given:
		c.check(path, &place, value)
	case definition.Type.NonNull && definition.DefaultValue == nil:
		c.add(path, "REQUIRED", "This is required.")
	}
}

func (c *inputChecker) named(path string, def *ast.Definition, value any) {
	switch def.Kind {
	case ast.InputObject:
		if object, ok := value.(map[string]any); ok {
			c.object(path, def, object)
		} else {
			c.add(path, "INVALID", "This has to be an object of type "+def.Name+".")
		}
	case ast.Enum:
		if text, ok := c.enumName(value); !ok || def.EnumValues.ForName(text) == nil {
			c.add(path, "INVALID", "This is not a value of "+def.Name+".")
		}
	default:
		if err := judgeScalar(def.Name, value); err != nil {
			c.add(path, "INVALID", err.Error())
		}
	}
}

func (c *inputChecker) object(path string, def *ast.Definition, object map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if def.Fields.ForName(name) == nil {
			c.add(path+"."+shorten(name), "UNKNOWN_FIELD", def.Name+" has no such field.")
		}
	}
	for _, f := range def.Fields {
		value, given := object[f.Name]
		switch {
		case given:
			c.field(path, def, f, value)
		case f.Type.NonNull && f.DefaultValue == nil:
			c.add(path+"."+f.Name, "REQUIRED", "This is required.")
		}
	}
	if def.Directives.ForName("oneOf") != nil && len(object) != 1 {
		c.add(path, "INVALID", "Exactly one field of "+def.Name+" has to be given.")
	}
}

func (c *inputChecker) field(path string, def *ast.Definition, f *ast.FieldDefinition, value any) {
	before := len(c.faults)
	c.check(path+"."+f.Name, f.Type, value)
	if v, ok := value.(variable); ok {
		value = c.variables[string(v)]
	}
	text, isText := value.(string)
	if c.judge == nil || !isText || len(c.faults) > before {
		return
	}
	if flaw := c.judge(def.Name, f.Name, text); !flaw.IsZero() {
		c.addFlaw(path+"."+f.Name, flaw)
	}
}

// enumName returns the name of an enum value: a name in a literal, a string in JSON.
func (c *inputChecker) enumName(value any) (string, bool) {
	switch v := value.(type) {
	case enumLiteral:
		return string(v), true
	case string:
		return v, c.variables != nil
	}
	return "", false
}

// scalars are those of our own, which say themselves what is wrong.
var scalars = map[string]func(any) error{
	"DateTime": func(v any) error { _, err := model.UnmarshalDateTime(v); return err },
	"Date":     func(v any) error { _, err := model.UnmarshalDate(v); return err },
	"URL":      func(v any) error { _, err := model.UnmarshalURL(v); return err },
}

// judgeScalar returns what is wrong with the value of a scalar, without the value. An adopter's scalar that is not
// known here judges when it is read.
func judgeScalar(name string, value any) error {
	if judge, ours := scalars[name]; ours {
		return judge(value)
	}
	number, isNumber := value.(json.Number)
	_, fits := value.(string) // of String and ID
	var err error
	switch name {
	case "String":
	case "Boolean":
		_, fits = value.(bool)
	case "Int":
		_, err = strconv.ParseInt(string(number), 10, 32)
		fits = isNumber && err == nil
	case "Float":
		fits = isNumber
	case "ID":
		_, err = strconv.ParseInt(string(number), 10, 64)
		fits = fits || isNumber && err == nil
	default:
		fits = true
	}
	if !fits {
		return errors.New("This is not a value of " + name + ".")
	}
	return nil
}
