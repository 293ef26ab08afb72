package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"freehold.dev/freehold/edge/document"
	"freehold.dev/freehold/explain"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/telemetry"
)

// presenter converts every error to one that a client may see. Only errors of package fault and errors about the document keep
// their text. It logs all others with the id of the request.
type presenter struct{ log *slog.Logger }

func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	shown := &gqlerror.Error{}
	if g, ok := errors.AsType[*gqlerror.Error](err); ok {
		shown.Path, shown.Locations = g.Path, g.Locations
		if code, _ := g.Extensions["code"].(string); code == string(fault.ParseFailed) || code == string(fault.ValidationFailed) {
			return aboutDocument(g, fault.Code(code))
		}
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		if f = inputFault(ctx, shown.Path, err); f == nil {
			f = p.hide(ctx, shown.Path, err)
		}
	}
	explain.NoteError(ctx, f.Code, err)
	if f.Err != nil {
		level := slog.LevelWarn
		if errors.Is(f.Err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled) { // the client has left
			level = slog.LevelDebug
		}
		p.log.Log(ctx, level, "a request failed", "code", f.Code, "path", shown.Path.String(), "error", f.Err)
	}
	if beyondField(ctx, shown.Path) {
		shown.Path = graphql.GetPath(ctx) // the path in the response; extensions.fields has the path in the input
	}
	shown.Message, shown.Extensions = f.Message, extensions(ctx, f)
	return shown
}

// beyondField reports whether a path is longer than that of ctx. It builds no path if there are enough fields around ctx.
func beyondField(ctx context.Context, path ast.Path) bool {
	depth := 0
	for f := graphql.GetFieldContext(ctx); f != nil; f = f.Parent {
		if depth++; depth >= len(path) {
			return false
		}
	}
	return len(path) > len(graphql.GetPath(ctx))
}

// hide logs an internal error, and returns what the client gets instead.
func (p presenter) hide(ctx context.Context, path ast.Path, err error) *fault.Error {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Busy(err)
	}
	p.log.ErrorContext(ctx, "an internal error", "path", path.String(), "error", err)
	return fault.Bug()
}

func extensions(ctx context.Context, f *fault.Error) map[string]any {
	if shared := onlyCode[f.Code]; shared != nil && f.Reason == "" && f.RetryAfter == 0 && len(f.Fields) == 0 {
		return shared
	}
	x := map[string]any{"code": f.Code}
	if f.Reason != "" {
		x["reason"] = f.Reason
	}
	if f.RetryAfter > 0 {
		x["retryAfter"] = f.RetrySeconds()
	}
	if f.Code == fault.TooCostly {
		x["cost"], x["limit"] = f.Cost, f.CostLimit
	}
	if len(f.Fields) > 0 {
		x["fields"] = f.Fields
	}
	if f.Code == fault.ReauthRequired {
		x["acceptable"] = slices.Concat([]string{}, f.Acceptable) // a list, even if it is empty
	}
	if id := telemetry.RequestID(ctx); id != "" && (f.Code == fault.Internal || f.Code == fault.Unavailable) {
		x["requestId"] = id
	}
	return x
}

// onlyCode are the extensions of refusals, which a reply may have many of. They are shared, and never change.
var onlyCode = map[fault.Code]map[string]any{fault.Forbidden: {"code": fault.Forbidden}, fault.NotFound: {"code": fault.NotFound}}

// harmless matches the part of a syntax error that clients may see: what was expected and the kind of token that was found. The rest
// is the token or a part of the document, which may contain a password.
var harmless = regexp.MustCompile(`^(?:[Ee]xpected [^,]*, found|Unexpected) [^" ]+|^exceeded token limit of [0-9]+`)

// aboutDocument presents a syntax or validation error.
func aboutDocument(g *gqlerror.Error, code fault.Code) *gqlerror.Error {
	message := g.Message
	if code == fault.ParseFailed {
		message = strings.TrimSuffix("The document is not valid GraphQL: "+harmless.FindString(message), ": ")
	}
	if strings.HasPrefix(message, "operation ") && strings.HasSuffix(message, " not found") {
		message = "The document has no operation with the name in operationName."
	}
	message = fault.Shorten(message)
	x := map[string]any{"code": code}
	if fields, ok := g.Extensions["fields"]; ok {
		x["fields"] = fields
	}
	return &gqlerror.Error{Message: message, Locations: g.Locations, Extensions: x}
}

// inputFault returns the fault of an argument that a scalar or enum refused. gqlgen's path then continues beyond the field, to the
// place in its arguments.
func inputFault(ctx context.Context, path ast.Path, err error) *fault.Error {
	if !beyondField(ctx, path) {
		return nil
	}
	field := graphql.GetPath(ctx)
	if len(field) == 0 {
		return nil
	}
	message := "This is not a valid value."
	if g, ok := errors.AsType[*gqlerror.Error](err); ok && g.Err != nil && strings.HasSuffix(g.Err.Error(), ".") {
		message = g.Err.Error() // the errors of our scalars are sentences; those of gqlgen repeat the value
	}
	return fault.Input(document.Dotted(path[len(field):]), "INVALID", message)
}

// recovered logs a panic with its stack, and returns an internal error.
func (p presenter) recovered(ctx context.Context, cause any) error {
	p.log.ErrorContext(ctx, "a panic", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	return fault.Bug()
}
