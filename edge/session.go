package edge

import (
	"context"
	"errors"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/edge/reply"
	"freehold.dev/freehold/explain"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/telemetry"
)

// guarded returns the mutations that only members may run.
func guarded(schema *ast.Schema) map[string]bool {
	names := map[string]bool{}
	if schema.Mutation == nil {
		return names
	}
	for _, f := range schema.Mutation.Fields {
		rule, ok := directives.RuleOf(f)
		names[f.Name] = ok && (rule.Name == "owner" || rule.Name == "signedIn" || rule.Name == "scopes")
	}
	return names
}

// mayClaim reports whether an operation may begin before the session of its viewer is proved. A query may, and so may mutations that
// refuse anonymous viewers: if the session is over, they have changed nothing.
func (e *endpoint) mayClaim(op *ast.OperationDefinition) bool {
	if op.Operation == ast.Query {
		return true
	}
	for _, selection := range op.SelectionSet {
		if f, ok := selection.(*ast.Field); !ok || !e.guarded[f.Name] {
			return false
		}
	}
	return true
}

// run runs an operation for the viewer of a request. The first transaction of that viewer proves the session. An operation without a
// transaction proves it before the reply is sent. If the session is over, the operation runs again for an anonymous viewer.
func (e *endpoint) run(ctx context.Context, operation *graphql.OperationContext, data *reply.Data) *graphql.Response {
	viewer, err := e.Viewer(ctx, operation.Headers)
	if err != nil {
		return e.refuseOperation(ctx, err)
	}
	x := telemetry.ExchangeOf(ctx)
	if x.Reason = viewer.Reason; !viewer.IsMember() {
		return e.dispatch(ctx, operation, viewer)
	}
	claim := &auth.Claim{Viewer: viewer, First: operation.Operation.Operation == ast.Mutation}
	ctx = auth.WithClaim(ctx, claim)
	var response *graphql.Response
	if e.mayClaim(operation.Operation) {
		response = e.dispatch(ctx, operation, viewer)
	}
	switch reason, err := e.settle(ctx, claim); {
	case err != nil:
		return e.refuseOperation(ctx, err)
	case reason != "":
		x.Reason = reason
		explain.DenialsOf(ctx).Reset()
		data.Reset()
		auth.JarFrom(ctx).SignOut()
		response = e.dispatch(auth.WithClaim(ctx, nil), operation, auth.Anonymous(reason))
	case response == nil:
		response = e.dispatch(ctx, operation, viewer)
	}
	return response
}

// dispatch runs an operation. If the client leaves or the deadline passes before the operation begins, gqlgen returns no response,
// and dispatch returns UNAVAILABLE.
func (e *endpoint) dispatch(ctx context.Context, operation *graphql.OperationContext, viewer auth.Viewer) *graphql.Response {
	handler, ctx := e.exec.DispatchOperation(directives.WithRequest(auth.WithViewer(ctx, viewer)), operation)
	if response := handler(ctx); response != nil {
		return response
	}
	return e.refuseOperation(ctx, fault.Busy(context.Cause(ctx)))
}

// settle returns why the session of a claim is over, or "" if it is not. It queries the database unless a transaction has done so.
func (e *endpoint) settle(ctx context.Context, claim *auth.Claim) (fault.Reason, error) {
	if reason, settled := claim.Settled(); settled {
		return reason, nil
	}
	err := e.Prove(ctx, claim.Viewer)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == fault.Unauthenticated {
		return f.Reason, nil
	}
	return "", err
}

// reportToken notes whether the token of a refused request is invalid, for the header WWW-Authenticate.
func (e *endpoint) reportToken(ctx context.Context, header http.Header) {
	viewer, err := e.Viewer(ctx, header)
	if err != nil {
		return // the reply lacks WWW-Authenticate
	}
	reason := viewer.Reason
	if viewer.IsMember() {
		reason, _ = e.settle(ctx, &auth.Claim{Viewer: viewer})
	}
	telemetry.ExchangeOf(ctx).Reason = reason
}
