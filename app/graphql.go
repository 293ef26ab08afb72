package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"freehold/auth"
	"freehold/directives"
	"freehold/fault"
	"freehold/resolvers"
)

const (
	maxErrors     = 20       // of a request that is refused
	maxErrorBytes = 64 << 10 // of any reply
)

// endpoint serves GraphQL over HTTP: one operation per request. gqlgen's executor does the work; its transports are not
// used, because they repeat what was sent and decode JSON loosely.
type endpoint struct {
	exec      *executor.Executor
	documents *documents
	persisted *persisted
	presenter presenter
	telemetry *telemetry
	explainer *explainer // nil where refusals are not explained
	local     local      // whom they are explained to
	viewer    findViewer
	origins   *origins
	cookies   *auth.Cookies
	bodyLimit int64

	replyLimit  int
	replyMemory *replyMemory
}

// findViewer returns who is asking. An invalid token makes the viewer nobody, with the reason.
type findViewer func(context.Context, http.Header) (auth.Viewer, error)

func newEndpoint(ctx context.Context, schema graphql.ExecutableSchema, judges judges, c Config, log *slog.Logger, t *telemetry, x *explainer, o *origins, viewer findViewer) (*endpoint, error) {
	e := &endpoint{exec: executor.New(schema), presenter: presenter{log}, telemetry: t, explainer: x, local: newLocal(c), origins: o, viewer: viewer, bodyLimit: c.BodyLimit}
	e.replyLimit, e.replyMemory = c.ReplyLimit, newReplyMemory(c.ReplyMemory)
	e.cookies = auth.NewCookies(strings.HasPrefix(c.PublicURL, "https://"), c.AccessTokenTTL, c.SessionIdle)
	e.documents = &documents{
		schema: schema.Schema(), tokenLimit: c.TokenLimit, judges: judges, introspection: c.Development(),
		limits: limits{schema: schema.Schema(), cost: c.CostLimit, depth: c.DepthLimit, aliases: c.AliasLimit},
	}
	var t0 *trusted
	if c.Operations != "" {
		var err error
		if t0, err = loadTrusted(ctx, c.Operations, e.documents); err != nil {
			return nil, err
		}
	}
	t.names.trusted = t0
	e.persisted = newPersisted(t0, c.OperationsOnly == "on")
	e.documents.cache = newDocumentCache(t0)
	e.exec.SetErrorPresenter(e.presenter.present)
	e.exec.SetRecoverFunc(e.presenter.recovered)
	e.exec.SetQueryCache(e.documents.cache)
	if c.Development() {
		e.exec.Use(extension.Introspection{})
	}
	e.exec.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		v, err := e.authenticate(ctx, graphql.GetOperationContext(ctx).Headers)
		if err != nil {
			return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{e.presenter.present(ctx, err)}})
		}
		return next(directives.WithRequest(auth.WithViewer(ctx, v)))
	})
	e.exec.AroundRootFields(takeTurns)
	e.exec.AroundRootFields(boundRootField)
	e.exec.AroundRootFields(resolvers.AroundRootField)
	return e, nil
}

// authenticate finds the viewer, and notes for the reply why a token that was sent is not accepted.
func (e *endpoint) authenticate(ctx context.Context, header http.Header) (auth.Viewer, error) {
	v, err := e.viewer(ctx, header)
	exchangeOf(ctx).reason = v.Reason
	return v, err
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	media := negotiate(r.Header)
	if isReadOnly(r) {
		w.Header().Set("Cache-Control", "private, no-store")
	}
	read, refused := readRequest(w, r, e.bodyLimit)
	register := ""
	if refused == nil {
		register, refused = e.persisted.resolve(read, media)
	}
	if refused != nil {
		e.write(w, r, media, refused.status, &graphql.Response{Errors: gqlerror.List{e.presenter.present(r.Context(), refused.err)}})
		return
	}
	if asked, _ := read.Extensions["explain"].(bool); asked && e.explainer != nil {
		if f := e.local.refuse(r); f != nil {
			e.write(w, r, media, http.StatusMisdirectedRequest, e.refuseOperation(r.Context(), []error{f}))
			return
		}
	}
	if e.origins.isOwn(r) {
		r = r.WithContext(auth.WithJar(r.Context(), e.cookies.Open(r.Header)))
	}
	ctx := graphql.StartOperationTrace(r.Context())
	ctx, problems := e.documents.read(ctx, read.Query, read.Variables)
	var operation *graphql.OperationContext
	if len(problems) == 0 {
		e.persisted.register(register, read.Query)
		var errs gqlerror.List
		operation, errs = e.exec.CreateOperationContext(ctx, read.RawParams)
		if read.readOnly && operation.Operation != nil && operation.Operation.Operation != ast.Query {
			w.Header().Set("Allow", http.MethodPost)
			e.write(w, r, media, http.StatusMethodNotAllowed, e.refuseOperation(ctx, []error{fault.New(fault.BadRequest, "Send mutations by POST.")}))
			return
		}
		problems = e.problems(ctx, operation, read.RawParams, errs)
	}
	if len(problems) > 0 {
		e.authenticate(ctx, r.Header) //nolint:errcheck // an invalid token is reported beside the problems, if it can be told
		e.write(w, r, media, statusOfRefused(media), e.refuseOperation(ctx, problems))
		return
	}
	limit := &reply{limit: e.replyLimit, memory: e.replyMemory}
	defer limit.release(0) // once it is written
	e.write(w, r, media, http.StatusOK, e.execute(context.WithValue(withRootFields(ctx), replyKey{}, limit), operation, limit))
}

// execute runs an operation. If the client has left or the deadline has passed before it could begin, gqlgen gives no
// response, and the answer is UNAVAILABLE.
func (e *endpoint) execute(ctx context.Context, operation *graphql.OperationContext, limit *reply) *graphql.Response {
	noteOperation(ctx, operation)
	ctx, end := e.telemetry.operation(ctx, operation.Operation)
	defer end()
	x := exchangeOf(ctx)
	asked, _ := operation.Extensions["explain"].(bool)
	x.denials.explain = asked && e.explainer != nil
	handler, ctx := e.exec.DispatchOperation(ctx, operation)
	response := handler(ctx)
	if response == nil {
		response = e.refuseOperation(ctx, []error{fault.Busy(context.Cause(ctx))})
	}
	if err := limit.settle(operation.Operation.Operation); err != nil {
		response = e.refuseOperation(ctx, []error{err})
	}
	if x.denials.explain {
		e.explain(ctx, response)
	}
	x.outcome = outcomeOf(ctx, response.Errors)
	return response
}

// explain adds to a response why its fields were refused.
func (e *endpoint) explain(ctx context.Context, response *graphql.Response) {
	list, err := e.explainer.explain(ctx, exchangeOf(ctx).denials.told)
	if err != nil {
		e.presenter.log.WarnContext(ctx, "some refusals could not be explained", "error", err)
	}
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	response.Extensions["denials"] = list
}

// problems returns why a valid document cannot be executed: the executor's errors, or one about the variables in place
// of the executor's, or that too much is asked for.
func (e *endpoint) problems(ctx context.Context, op *graphql.OperationContext, params *graphql.RawParams, errs gqlerror.List) (problems []error) {
	aboutVariables := len(errs) > 0 && len(errs[0].Path) > 0 && errs[0].Path[0] == ast.PathName("variable")
	if len(errs) == 0 { // first, since it is cheaper than looking at every value
		if f := e.documents.limits.judgeOperation(op); f != nil {
			return []error{f}
		}
	}
	if aboutVariables || len(errs) == 0 {
		if err := e.judgeVariables(ctx, op, params, errs); err != nil {
			return []error{err}
		}
	}
	for _, err := range errs {
		problems = append(problems, err)
	}
	return problems
}

// judgeVariables returns one error with every fault of the variables, by the paths of the arguments that use them.
// gqlparser stops at the first, names the variable, and takes a number for a string.
func (e *endpoint) judgeVariables(ctx context.Context, op *graphql.OperationContext, params *graphql.RawParams, errs gqlerror.List) error {
	if len(op.Operation.VariableDefinitions) == 0 {
		return nil // all values are literals, which validation has judged
	}
	f := fault.New(fault.BadUserInput, "The variables do not fit the operation.")
	f.Fields = variableFaults(e.documents.schema, op.Operation, op.Variables, e.documents.judges.complete(ctx, params.Variables))
	if len(f.Fields) == 0 && len(errs) > 0 {
		f.Fields = fault.Input(dotted(errs[0].Path[1:]), "INVALID", "This is not a valid value.").Fields
	}
	if len(f.Fields) == 0 {
		return nil
	}
	return f
}

// refuseOperation presents the errors of a request that cannot be executed.
func (e *endpoint) refuseOperation(ctx context.Context, problems []error) *graphql.Response {
	response := &graphql.Response{}
	for _, err := range problems {
		response.Errors = append(response.Errors, e.presenter.present(ctx, err))
	}
	return response
}

// statusOfRefused is the status of a well-formed request whose operation cannot be executed (GraphQL over HTTP, 6.4).
// Clients of application/json take any other status than 200 for a failure of the network, and lose the errors.
func statusOfRefused(media string) int {
	if media == mediaResponse {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// write sends a response. One without data never began to execute, and then has no such member (GraphQL
// specification, 7.1).
func (e *endpoint) write(w http.ResponseWriter, r *http.Request, media string, status int, response *graphql.Response) {
	x := exchangeOf(r.Context())
	response.Errors = bounded(response.Errors)
	x.outcome = outcomeOf(r.Context(), response.Errors)
	if response.Data == nil {
		switch x.outcome {
		case string(fault.Unavailable):
			status = http.StatusServiceUnavailable
		case string(fault.Internal):
			status = http.StatusInternalServerError
		case clientClosed:
			status = statusClientClosed
		}
	}
	parts, err := envelope(response)
	if err != nil {
		panic(err) // the recoverer answers
	}
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	if x.reason != "" {
		w.Header().Set("WWW-Authenticate", challenge(x.reason))
	}
	auth.JarFrom(r.Context()).Write(w.Header())
	if err := writeParts(w, status, parts); err != nil {
		e.presenter.log.DebugContext(r.Context(), "the client went away", "error", err)
	}
}

// challenge says why the token that was sent is not accepted (RFC 6750, 3).
func challenge(reason fault.Reason) string {
	return fmt.Sprintf(`Bearer error="invalid_token", error_description=%q`, fault.SignIn(reason).Message)
}

// bounded puts errors in the order of their paths, since fields are resolved at once and fail in any order, and cuts a
// list that would take too much room, saying how many are left out.
func bounded(errs gqlerror.List) gqlerror.List {
	slices.SortStableFunc(errs, func(a, b *gqlerror.Error) int { return slices.CompareFunc(a.Path, b.Path, compareSteps) })
	size := 0
	for i, err := range errs {
		text, marshalErr := json.Marshal(err)
		if size += len(text); size > maxErrorBytes || marshalErr != nil {
			rest := &gqlerror.Error{Message: fmt.Sprintf("There are %d more errors.", len(errs)-i), Extensions: map[string]any{"code": err.Extensions["code"]}}
			return append(errs[:i:i], rest)
		}
	}
	return errs
}

func compareSteps(a, b ast.PathElement) int {
	i, isIndex := a.(ast.PathIndex)
	j, bothIndexes := b.(ast.PathIndex)
	if isIndex && bothIndexes {
		return cmp.Compare(i, j)
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
