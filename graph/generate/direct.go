package main

import (
	"fmt"
	"regexp"
	"strings"
)

// Most fields of a response have no arguments. gqlgen resolves each of them with graphql.ResolveField, which takes about ten allocations
// for closures and contexts. direct writes a plain call instead:
//
// - The rule runs first: the same method of DirectiveRoot, in a context with the same FieldContext. It calls exec.Allow instead
// of the resolver. If it does not return exec.Allowed, the field is refused. - Then the code reads the field of the struct, or
// calls the resolver.
//
// Interceptors of fields (AroundFields) do not run, and FieldContext.Child is nil. Fields with another directive or with
// arguments stay as gqlgen writes them.
var (
	objects  = regexp.MustCompile(`func \(ec \*executionContext\) _([A-Za-z]\w*)\(ctx context\.Context, sel ast\.SelectionSet, obj `)
	resolved = regexp.MustCompile(`(?s)func \(ec \*executionContext\) _(\w+)\(ctx context\.Context, field graphql\.CollectedField, obj (\*?[\w.]+)\) \(ret graphql\.Marshaler\) \{
	return graphql\.ResolveField\(.*?\n\t\)\n\}\n`)
	parts = regexp.MustCompile(`(?s)^.*?
		func\(ctx context\.Context\) \(any, error\) \{
			return ([^\n]+)
		\},
		(nil|func\(ctx context\.Context, next graphql\.Resolver\) graphql\.Resolver \{
			directive0 := next

			directive1 := .*?
			\}

			next = directive1
			return next
		\}),
		func\(ctx context\.Context, selections ast\.SelectionSet, v [^\n]+\) graphql\.Marshaler \{
			return (ec\.[^(]+)\(ctx, selections, v\)
		\},
		true,
		(?:true|false),
	\)
\}
$`)
	read   = regexp.MustCompile(`^(obj\.\w+), nil$`)
	asked  = regexp.MustCompile(`return ec\.Directives\.(Visible|SignedIn|Owner|Scopes)\(ctx, obj, directive0((?:, (?:nil|as|otherwise|anyOf))*)\)\n`)
	called = regexp.MustCompile(`ec\._(\w+)\(ctx, field, obj\)`)
	texts  = regexp.MustCompile(`(as|otherwise), err := ec\.unmarshal[^(]+\(ctx, ("\w+")\)`)
)

// direct rewrites the fields of types. It returns the new code, and how many fields it has rewritten.
func direct(text string) (rewritten string, n int) {
	types := map[string]string{} // of fields, as Type_field
	for _, t := range objects.FindAllStringSubmatch(text, -1) {
		for _, m := range regexp.MustCompile(`\) _`+t[1]+`_(\w+)\(ctx context\.Context, field`).FindAllStringSubmatch(text, -1) {
			types[t[1]+"_"+m[1]] = t[1]
		}
	}
	leaf := map[string]bool{}
	for _, m := range regexp.MustCompile(`fieldContext_(\w+)\(_ context[^\n]*\n\treturn graphql\.NewScalarFieldContext\(`).FindAllStringSubmatch(text, -1) {
		leaf[m[1]] = true
	}
	atRead := map[string]bool{} // calls of fields that get their context from the field set
	text = resolved.ReplaceAllStringFunc(text, func(function string) string {
		head, p := resolved.FindStringSubmatch(function), parts.FindStringSubmatch(function)
		if p == nil {
			return function
		}
		f := field{name: head[1], typ: types[head[1]], obj: head[2], resolve: p[1], marshal: p[3]}
		if f.typ == "" {
			return function // a field of introspection
		}
		if p[2] != "nil" {
			a := asked.FindStringSubmatch(p[2])
			if a == nil || strings.Contains(p[2], "directive2") {
				return function
			}
			arguments := a[2]
			for _, m := range texts.FindAllStringSubmatch(p[2], -1) {
				arguments = strings.Replace(arguments, ", "+m[1], ", "+m[2], 1)
			}
			arguments = strings.Replace(arguments, ", anyOf", ", nil", 1) // the rule has it from the schema
			f.rule = fmt.Sprintf("ec.Directives.%s(ctx, obj, exec.Allow%s)", a[1], arguments)
		}
		n++
		if m := read.FindStringSubmatch(f.resolve); m != nil {
			f.read = m[1]
			if leaf[f.name] {
				atRead[f.name] = true
				return f.leaf()
			}
		}
		return f.text()
	})
	return called.ReplaceAllStringFunc(text, func(call string) string {
		name := called.FindStringSubmatch(call)[1]
		if !atRead[name] {
			return call
		}
		return fmt.Sprintf("ec._%s(out.At(ctx, %q, &fields[i]), obj)", name, types[name])
	}), n
}

// field is a field whose code direct writes.
type field struct {
	name, typ, obj string // as Type_field, the type, and its Go type
	rule           string // the call of its rule; "" for none
	resolve        string // what gqlgen's resolver returns: a value and an error
	read           string // the field of the struct; "" for a method
	marshal        string // the method that marshals the value
}

// ask returns the call of the rule.
func (f field) ask() string {
	if f.rule == "" {
		return ""
	}
	return fmt.Sprintf("\tif answer, err := %s; err != nil || answer != exec.Allowed {\n\t\treturn exec.Refuse(ctx, ec.OperationContext, err)\n\t}\n", f.rule)
}

// leaf returns the code of a scalar or enum that is a field of a struct. Texts and ids are not copied.
func (f field) leaf() string {
	before, result := "", fmt.Sprintf("%s(ctx, nil, %s)", f.marshal, f.read)
	switch f.marshal {
	case "ec.marshalNString2string", "ec.marshalNID2string":
		result = fmt.Sprintf("(*exec.Text)(&%s)", f.read)
	case "ec.marshalOString2ᚖstring", "ec.marshalOID2ᚖstring":
		result = fmt.Sprintf("exec.TextOrNull(%s)", f.read)
	case "ec.marshalNID2githubᚗcomᚋgoogleᚋuuidᚐUUID":
		before = fmt.Sprintf("\tif id := (*exec.RowID)(&%s); *id != (exec.RowID{}) {\n\t\treturn id\n\t}\n", f.read)
	}
	return fmt.Sprintf("func (ec *executionContext) _%s(ctx context.Context, obj %s) graphql.Marshaler {\n%s%s\treturn %s\n}\n",
		f.name, f.obj, f.ask(), before, result)
}

// text returns the code of a field that has its own context, because its value takes time or has fields.
func (f field) text() string {
	body := fmt.Sprintf("\tctx = exec.WithField(ctx, %q, &field)\n\tdefer exec.OrNull(ctx, ec.OperationContext, &ret)\n", f.typ)
	value, resolve := f.read, ""
	if value == "" {
		value, resolve = "v", fmt.Sprintf("\tv, err := %s\n\tif err != nil {\n\t\treturn exec.Refuse(ctx, ec.OperationContext, err)\n\t}\n", f.resolve)
	}
	return fmt.Sprintf("func (ec *executionContext) _%s(ctx context.Context, field graphql.CollectedField, obj %s) (ret graphql.Marshaler) {\n%s%s%s\treturn %s(ctx, field.Selections, %s)\n}\n",
		f.name, f.obj, body, f.ask(), resolve, f.marshal, value)
}
