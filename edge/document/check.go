package document

import (
	"context"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"freehold.dev/freehold/fault"
)

// Check returns why the operation of a valid document cannot be executed: it asks for too much, its variables are invalid, or
// the executor has refused it with errs.
func (d *Documents) Check(ctx context.Context, r *Request, op *graphql.OperationContext, errs gqlerror.List) (problems []error) {
	aboutVariables := len(errs) > 0 && len(errs[0].Path) > 0 && errs[0].Path[0] == ast.PathName("variable")
	if len(errs) == 0 { // first, since it is cheaper than looking at every value
		if f := d.limits.checkOperation(op); f != nil {
			return []error{f}
		}
	}
	if aboutVariables || len(errs) == 0 {
		if err := d.checkVariables(op, errs, d.completion(ctx, r)); err != nil {
			return []error{err}
		}
	}
	for _, err := range errs {
		problems = append(problems, err)
	}
	return problems
}

// checkVariables returns one error with every fault of the variables, by the paths of the arguments that use them. gqlparser
// stops at the first fault, names the variable instead, and accepts a number for a string.
func (d *Documents) checkVariables(op *graphql.OperationContext, errs gqlerror.List, c *completion) error {
	if len(op.Operation.VariableDefinitions) == 0 {
		return nil // all values are literals, which validation has checked
	}
	f := fault.New(fault.BadUserInput, "The variables do not fit the operation.")
	f.Fields = variableFaults(d.schema, op.Operation, op.Variables, c)
	if len(f.Fields) == 0 && len(errs) > 0 {
		f.Fields = fault.Input(Dotted(errs[0].Path[1:]), "INVALID", "This is not a valid value.").Fields
	}
	if len(f.Fields) == 0 {
		return nil
	}
	return f
}

// Dotted writes a path as in extensions.fields: input.profile.birthday, ids.3.
func Dotted(path ast.Path) string {
	steps := make([]string, len(path))
	for i, step := range path {
		steps[i] = fmt.Sprint(step)
	}
	return strings.Join(steps, ".")
}
