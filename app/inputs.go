package app

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"freehold/fault"
)

// validationRules are the specification's, but for two things: no error suggests names of the schema, and a value of
// the wrong shape is told by its path and never repeated, since it may be a password.
func validationRules() *rules.Rules {
	r := rules.NewDefaultRules()
	r.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, valuesOfCorrectType)
	return r
}

// valuesOfCorrectType is the rule of that name (GraphQL specification, 5.6) for literals.
func valuesOfCorrectType(observers *core.Events, addError core.AddErrFunc) {
	report := func(w *core.Walker, definitions ast.ArgumentDefinitionList, arguments ast.ArgumentList) {
		for _, a := range arguments {
			definition := definitions.ForName(a.Name)
			if definition == nil {
				continue // KnownArgumentNames tells
			}
			c := inputChecker{schema: w.Schema}
			c.check(a.Name, definition.Type, plain(a.Value))
			for _, f := range c.faults {
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
func variableFaults(schema *ast.Schema, op *ast.OperationDefinition, variables map[string]any) []fault.Field {
	if variables == nil {
		variables = map[string]any{}
	}
	c := inputChecker{schema: schema, variables: variables, definitions: op.VariableDefinitions, seen: map[string]bool{}}
	c.selections(op.SelectionSet)
	return c.faults
}

// inputChecker compares values with input types and collects what does not fit.
type inputChecker struct {
	schema      *ast.Schema
	variables   map[string]any // nil: variables are not looked at
	definitions ast.VariableDefinitionList
	seen        map[string]bool // fragments
	faults      []fault.Field
}

func (c *inputChecker) add(path, code, message string) {
	c.faults = append(c.faults, fault.Field{Path: path, Code: code, Message: message})
}

func (c *inputChecker) selections(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			for _, a := range s.Arguments {
				c.check(a.Name, s.Definition.Arguments.ForName(a.Name).Type, plain(a.Value))
			}
			c.selections(s.SelectionSet)
		case *ast.InlineFragment:
			c.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			if !c.seen[s.Name] {
				c.seen[s.Name] = true
				c.selections(s.Definition.SelectionSet)
			}
		}
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
	if name, ok := value.(variable); ok {
		c.variable(path, string(name))
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

func (c *inputChecker) variable(path, name string) {
	definition := c.definitions.ForName(name)
	if c.variables == nil || definition == nil {
		return
	}
	value, given := c.variables[name]
	switch {
	case given:
		c.check(path, definition.Type, value)
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
		if !fitsScalar(def.Name, value) {
			c.add(path, "INVALID", "This is not a value of "+def.Name+".")
		}
	}
}

func (c *inputChecker) object(path string, def *ast.Definition, object map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if def.Fields.ForName(name) == nil {
			c.add(path+"."+name, "UNKNOWN_FIELD", def.Name+" has no such field.")
		}
	}
	for _, f := range def.Fields {
		value, given := object[f.Name]
		switch {
		case given:
			c.check(path+"."+f.Name, f.Type, value)
		case f.Type.NonNull && f.DefaultValue == nil:
			c.add(path+"."+f.Name, "REQUIRED", "This is required.")
		}
	}
	if def.Directives.ForName("oneOf") != nil && len(object) != 1 {
		c.add(path, "INVALID", "Exactly one field of "+def.Name+" has to be given.")
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

// fitsScalar reports whether a value is of the kind that a built-in scalar takes. Scalars of our own judge themselves.
func fitsScalar(name string, value any) bool {
	number, isNumber := value.(json.Number)
	_, isString := value.(string)
	switch name {
	case "String":
		return isString
	case "Boolean":
		_, ok := value.(bool)
		return ok
	case "Int":
		_, err := strconv.ParseInt(string(number), 10, 32)
		return isNumber && err == nil
	case "Float":
		return isNumber
	case "ID":
		_, err := strconv.ParseInt(string(number), 10, 64)
		return isString || isNumber && err == nil
	}
	return true
}
