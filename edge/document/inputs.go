package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

// validationRules are those of the specification, with these differences. No error suggests names of the schema. An error about a
// value has its path and never repeats the value, which may be a password. Representations may be null. Without introspection, the
// fields that read the schema are refused.
func validationRules(completion *completion, introspection bool) *rules.Rules {
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
		valuesOfCorrectType(observers, addError, completion)
	})
	r.AddRule("NullRepresentations", nullRepresentations)
	if !introspection {
		r.AddRule("NoIntrospection", noIntrospection)
	}
	return r
}

// noIntrospection refuses __schema and __type. It allows __typename, which clients add to every selection.
func noIntrospection(observers *core.Events, addError core.AddErrFunc) {
	observers.OnField(func(_ *core.Walker, field *ast.Field) {
		if field.Name == "__schema" || field.Name == "__type" {
			addError(core.Message("Introspection is off in production: %s is not available.", field.Name), core.At(field.Position))
		}
	})
}

// nullRepresentations reads a variable of [_Any!]!, as routers declare the representations of Federation, as [_Any]!, as in the
// schema. A null among 500 representations is then an error of its own entry, and does not refuse the others.
func nullRepresentations(observers *core.Events, _ core.AddErrFunc) {
	observers.OnVariable(func(_ *core.Walker, v *ast.VariableDefinition) {
		if v.Type.Elem != nil && v.Type.Elem.NamedType == "_Any" {
			v.Type.Elem.NonNull = false
		}
	})
}

// valuesOfCorrectType is the rule of that name (GraphQL specification, 5.6) for literals. It reports all faults of the arguments of
// a field in one error.
func valuesOfCorrectType(observers *core.Events, addError core.AddErrFunc, completion *completion) {
	report := func(w *core.Walker, definitions ast.ArgumentDefinitionList, arguments ast.ArgumentList) {
		for _, a := range arguments {
			if definition := definitions.ForName(a.Name); definition != nil {
				clearBlanks(w.Schema, definition.Type, a.Value)
			}
		}
		c := inputChecker{schema: w.Schema, completion: completion, used: map[string]bool{}}
		if w.CurrentOperation != nil && len(w.Document.Operations) == 1 { // otherwise the variables may belong to another operation
			c.definitions = w.CurrentOperation.VariableDefinitions
		}
		c.arguments(definitions, arguments)
		if len(c.faults) == 0 {
			return
		}
		message := fmt.Sprintf("%s: %s", c.faults[0].Path, c.faults[0].Message)
		if len(c.faults) > 1 {
			message = "Several arguments are invalid."
		}
		addError(core.Message("%s", message), core.At(arguments[0].Position), func(e *gqlerror.Error) {
			e.Extensions = map[string]any{"fields": c.faults}
		})
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

// variableFaults returns every fault of an operation's variables, by the paths of the arguments that use them. If a blank text means
// null, it sets null in the variables and in coerced, which has the values that gqlgen will read.
func variableFaults(schema *ast.Schema, op *ast.OperationDefinition, coerced map[string]any, completion *completion) []fault.Field {
	c := inputChecker{
		schema: schema, variables: completion.variables, coerced: coerced, definitions: op.VariableDefinitions, completion: completion,
		seen: map[string]bool{}, used: map[string]bool{},
	}
	c.directives(op.Directives)
	c.selections(op.SelectionSet)
	return c.faults
}

// inputChecker compares values with input types and collects the faults. If an argument of a field has a fault, the validators
// check the values that fit, so that a form gets all its faults at once.
type inputChecker struct {
	schema      *ast.Schema
	variables   map[string]any // nil: variables are not checked
	coerced     map[string]any // the variables that gqlgen will read; nil for none
	definitions ast.VariableDefinitionList
	completion  *completion
	completing  bool                       // whether the validators run
	parts       map[string]resolvers.Input // while completing: the valid fields of each object, by its path
	inVariable  bool                       // whether the value is from a variable, where an enum value is a string
	seen        map[string]bool            // fragments
	used        map[string]bool            // variables, by name and the type of the place
	faults      []fault.Field
}

func (c *inputChecker) add(path, code, message string) {
	c.addFlaw(path, fault.Flaw{Code: code, Message: message})
}

func (c *inputChecker) addFlaw(path string, flaw fault.Flaw) {
	if flaw.IsZero() {
		return
	}
	f := fault.Field{Path: path, Flaw: flaw}
	text, err := json.Marshal(f)
	if c.completion.faultBytes += len(text); err == nil && c.completion.faultBytes <= maxFaultBytes {
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

// The kinds of literals that JSON does not have.
type (
	enumLiteral string
	variable    string
)

// plain converts a literal to the form of JSON.
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
	if c.completion.faultBytes > maxFaultBytes {
		return
	}
	if name, ok := value.(variable); ok {
		c.variable(path, typ, string(name))
		return
	}
	list := reflect.ValueOf(value) // gqlparser turns a single value into a typed list of one
	switch {
	case value == nil && typ.NonNull:
		c.add(path, "NULL", "This must not be null.")
	case value == nil:
	case typ.Elem != nil && list.Kind() == reflect.Slice:
		for i := range list.Len() {
			c.check(path+"."+strconv.Itoa(i), typ.Elem, list.Index(i).Interface())
		}
	case typ.Elem != nil:
		c.check(path, typ.Elem, value) // a single value means a list of one
	case c.schema.Types[typ.NamedType] == nil: // KnownTypeNames reports the type
	default:
		c.named(path, c.schema.Types[typ.NamedType], value)
	}
}

// variable checks the value of a variable against the type of its place. A nullable variable with a default is allowed where null
// is not (GraphQL specification, 5.8.5), and then must not be null.
func (c *inputChecker) variable(path string, typ *ast.Type, name string) {
	definition := c.definitions.ForName(name)
	if c.variables == nil || definition == nil {
		return
	}
	value, given := c.variables[name]
	place := *typ
	place.NonNull = typ.NonNull || definition.Type.NonNull
	use := name + " " + place.String()
	if c.used[use] && !c.completing {
		return // its first use has reported it
	}
	c.used[use] = true
	if given && isBlank(&place, value) {
		value, c.variables[name] = nil, nil
		if _, there := c.coerced[name]; there {
			c.coerced[name] = nil
		}
	}
	inVariable := c.inVariable
	c.inVariable = true
	defer func() { c.inVariable = inVariable }()
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
			c.add(path, "INVALID", "This must be an object of type "+def.Name+".")
		}
	case ast.Enum:
		if text, ok := c.enumName(value); !ok || def.EnumValues.ForName(text) == nil {
			c.add(path, "INVALID", "This is not a valid "+def.Name+".")
		}
	default:
		if err := checkScalar(def.Name, value); err != nil {
			c.add(path, "INVALID", err.Error())
		}
	}
}

func (c *inputChecker) object(path string, def *ast.Definition, object map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if def.Fields.ForName(name) == nil {
			c.add(path+"."+fault.Shorten(name), "UNKNOWN_FIELD", def.Name+" does not have this field.")
		}
	}
	if c.completing {
		c.completeFields(path, def, object)
	} else {
		for _, f := range def.Fields {
			c.field(path, f, object)
		}
	}
	if def.Directives.ForName("oneOf") != nil && len(object) != 1 {
		c.add(path, "INVALID", "Give exactly one field of "+def.Name+".")
	}
}

func (c *inputChecker) field(path string, f *ast.FieldDefinition, object map[string]any) {
	value, given := object[f.Name]
	if isBlank(f.Type, value) {
		value, object[f.Name] = nil, nil
	}
	switch {
	case given:
		c.check(path+"."+f.Name, f.Type, value)
	case f.Type.NonNull && f.DefaultValue == nil:
		c.add(path+"."+f.Name, "REQUIRED", "This is required.")
	}
}

// enumName returns the name of an enum value, which is a name in a literal and a string in JSON.
func (c *inputChecker) enumName(value any) (string, bool) {
	switch v := value.(type) {
	case enumLiteral:
		return string(v), true
	case string:
		return v, c.inVariable
	}
	return "", false
}

// scalars are our own scalars. Their errors are messages for clients.
var scalars = map[string]func(any) error{
	"DateTime": func(v any) error { _, err := model.UnmarshalDateTime(v); return err },
	"Date":     func(v any) error { _, err := model.UnmarshalDate(v); return err },
	"URL":      func(v any) error { _, err := model.UnmarshalURL(v); return err },
}

// checkScalar returns what is wrong with the value of a scalar, without the value. It accepts any value of an adopter's scalar,
// which gqlgen validates later.
func checkScalar(name string, value any) error {
	if validate, ours := scalars[name]; ours {
		return validate(value)
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
		return errors.New("This is not a valid " + name + ".")
	}
	return nil
}
