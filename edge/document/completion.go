package document

import (
	"context"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/runes"
	"freehold.dev/freehold/resolvers"
)

// Validators report what is wrong with fields that fit their types, by the name of the input type.
type Validators map[string]resolvers.InputValidator

// completion adds further faults to the error of an input that does not fit the schema. If an input fits, its use case validates
// it instead.
type completion struct {
	ctx        context.Context
	validators Validators
	variables  map[string]any // of the request
	left       int            // inputs that may still be validated
	faultBytes int            // of the faults so far, in JSON
}

// maxValidated bounds the inputs that are validated for one request, since a validator may query the database.
const maxValidated = 8

// maxFaultBytes bounds the faults of one request, in bytes of JSON. A small list can have many faults, and JSON may escape a byte of
// a name with six.
const maxFaultBytes = 12 << 10

// complete returns the completion of one request.
func (v Validators) complete(ctx context.Context, variables map[string]any) *completion {
	if variables == nil {
		variables = map[string]any{}
	}
	return &completion{ctx: ctx, validators: v, variables: variables, left: maxValidated}
}

func (c *completion) validate(typ string, in resolvers.Input) map[string]fault.Flaw {
	validate := c.validators[typ]
	if validate == nil || c.left == 0 {
		return nil
	}
	c.left--
	return validate(c.ctx, in)
}

// arguments checks the arguments of a field or directive. If one has a fault, it checks all of them again and runs the validators.
// The second check includes variables, since a validator needs the whole input.
func (c *inputChecker) arguments(definitions ast.ArgumentDefinitionList, arguments ast.ArgumentList) {
	check := func() {
		for _, a := range arguments {
			if definition := definitions.ForName(a.Name); definition != nil { // otherwise KnownArgumentNames reports it
				c.check(a.Name, definition.Type, plain(a.Value))
			}
		}
	}
	before, bytes, variables := len(c.faults), c.completion.faultBytes, c.variables
	check()
	if len(c.faults) == before {
		return
	}
	c.faults, c.completion.faultBytes = c.faults[:before], bytes
	c.completing, c.parts, c.variables = true, map[string]resolvers.Input{}, c.completion.variables
	check()
	c.completing, c.parts, c.variables = false, nil, variables
	c.faults = unique(c.faults)
}

// unique removes faults that repeat an earlier one, since a variable may be used in several places.
func unique(faults []fault.Field) []fault.Field {
	type place struct{ path, code string }
	seen := map[place]bool{}
	return slices.DeleteFunc(faults, func(f fault.Field) bool {
		at := place{f.Path, f.Code}
		repeated := seen[at]
		seen[at] = true
		return repeated
	})
}

// completeFields checks the fields of an object, and has its validator check those that fit. It adds all faults in the order of
// the schema.
func (c *inputChecker) completeFields(path string, def *ast.Definition, object map[string]any) {
	before, bytes := len(c.faults), c.completion.faultBytes
	in, found := resolvers.Input{}, make([][]fault.Field, len(def.Fields))
	for i, f := range def.Fields {
		c.field(path, f, object)
		found[i] = slices.Clone(c.faults[before:])
		c.faults = c.faults[:before]
		if part, nested := c.parts[path+"."+f.Name]; nested {
			in[f.Name] = part
		} else if value, given := c.resolve(object, f.Name); given && len(found[i]) == 0 {
			in[f.Name] = value
		}
	}
	flaws := c.completion.validate(def.Name, in)
	c.completion.faultBytes = bytes
	for i, f := range def.Fields {
		for _, x := range found[i] {
			c.addFlaw(x.Path, x.Flaw)
		}
		if _, fits := in[f.Name]; fits && len(found[i]) == 0 {
			c.addFlaw(path+"."+f.Name, flaws[f.Name])
		}
	}
	c.parts[path] = in
}

// resolve returns the value of a field in the form of JSON; given is false if the field is absent.
func (c *inputChecker) resolve(object map[string]any, name string) (value any, given bool) {
	value, given = object[name]
	if v, ok := value.(variable); ok {
		value, given = c.variables[string(v)]
	}
	if v, ok := value.(enumLiteral); ok {
		value = string(v)
	}
	return value, given
}

// isBlank reports whether a value is a blank text for a nullable scalar of ours, such as a date. A blank text means null, since
// front ends send it for an empty form field.
func isBlank(typ *ast.Type, value any) bool {
	text, isText := value.(string)
	return isText && typ.Elem == nil && !typ.NonNull && scalars[typ.NamedType] != nil &&
		runes.Trim(text) == ""
}

// clearBlanks replaces blank literals by null.
func clearBlanks(schema *ast.Schema, typ *ast.Type, value *ast.Value) {
	switch value.Kind {
	case ast.StringValue, ast.BlockValue:
		if isBlank(typ, value.Raw) {
			value.Kind, value.Raw = ast.NullValue, "null"
		}
	case ast.ListValue:
		for _, child := range value.Children {
			if typ.Elem != nil && child.Value.Kind != ast.StringValue && child.Value.Kind != ast.BlockValue {
				clearBlanks(schema, typ.Elem, child.Value)
			}
		}
	case ast.ObjectValue:
		def := schema.Types[typ.Name()]
		for _, child := range value.Children {
			if def == nil {
				return
			}
			if f := def.Fields.ForName(child.Name); f != nil {
				clearBlanks(schema, f.Type, child.Value)
			}
		}
	default: // other values have no text
	}
}
