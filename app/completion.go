package app

import (
	"context"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold/auth"
	"freehold/fault"
	"freehold/resolvers"
)

// judges say what is wrong with fields that fit their types, by the name of the input type.
type judges map[string]resolvers.InputJudge

// completion completes the error of a request whose input does not fit the schema by what else is wrong with that input.
// A request that fits has no part in it: the use case judges its input.
type completion struct {
	ctx       context.Context
	judges    judges
	variables map[string]any // of the request
	left      int            // inputs that may still be judged
	told      int            // bytes of faults
}

// mostJudged bounds the inputs that are judged for one request: a judge may ask the database.
const mostJudged = 16

// maxFaultBytes bounds what is told of one request, in bytes of JSON: a small list can have many faults, and a name of
// a few bytes can take six times as many.
const maxFaultBytes = 12 << 10

func (j judges) complete(ctx context.Context, variables map[string]any) *completion {
	if variables == nil {
		variables = map[string]any{}
	}
	return &completion{ctx: ctx, judges: j, variables: variables, left: mostJudged}
}

func (c *completion) judge(typ string, in resolvers.Input) map[string]fault.Flaw {
	judge := c.judges[typ]
	if judge == nil || c.left == 0 {
		return nil
	}
	c.left--
	return judge(c.ctx, in)
}

// arguments checks the arguments of a field or directive. If any has a fault, all are checked once more, with what else
// is wrong with them.
func (c *inputChecker) arguments(definitions ast.ArgumentDefinitionList, arguments ast.ArgumentList) {
	check := func() {
		for _, a := range arguments {
			if definition := definitions.ForName(a.Name); definition != nil { // else KnownArgumentNames tells
				c.check(a.Name, definition.Type, plain(a.Value))
			}
		}
	}
	before, told, variables := len(c.faults), c.completion.told, c.variables
	check()
	if len(c.faults) == before {
		return
	}
	c.faults, c.completion.told = c.faults[:before], told
	c.completing, c.parts, c.variables = true, map[string]resolvers.Input{}, c.completion.variables
	check()
	c.completing, c.parts, c.variables = false, nil, variables
	c.faults = unique(c.faults)
}

// unique leaves out what was said before of the same place.
func unique(faults []fault.Field) []fault.Field {
	type place struct{ path, code string }
	seen := map[place]bool{}
	return slices.DeleteFunc(faults, func(f fault.Field) bool {
		at := place{f.Path, f.Code}
		defer func() { seen[at] = true }()
		return seen[at]
	})
}

// completeFields checks the fields of an object and lets its judge look at those that fit. It tells all in the order of
// the schema.
func (c *inputChecker) completeFields(path string, def *ast.Definition, object map[string]any) {
	before, told := len(c.faults), c.completion.told
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
	flaws := c.completion.judge(def.Name, in)
	c.completion.told = told
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

// resolve returns the value of a field as JSON would have it; given is false where it is absent.
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

// isBlank reports whether a value is a blank text in the place of a scalar of ours that may be null, such as a date: it
// clears the field, as null does. Front ends send it for an empty form field.
func isBlank(typ *ast.Type, value any) bool {
	text, isText := value.(string)
	return isText && typ.Elem == nil && !typ.NonNull && scalars[typ.NamedType] != nil &&
		auth.TrimPasted(text) == ""
}

// clearBlanks turns blank literals into null.
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
	default: // no text, and nothing that holds one
	}
}
