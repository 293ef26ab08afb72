package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/resolvers"
)

const maxErrors = 20 // of a request that is refused

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
	prove     prove
	guarded   map[string]bool // see mayClaim
	origins   *origins
	cookies   *auth.Cookies
	bodyLimit int64

	replyLimit  int
	replyMemory *replyMemory
}

// newEndpoint reads the trusted documents, and fails if one of them is invalid.
func (a *App) newEndpoint(ctx context.Context, schema graphql.ExecutableSchema, judges judges, o *origins, viewer findViewer, prove prove) (*endpoint, error) {
	c := a.config
	d := &documents{
		schema: schema.Schema(), tokenLimit: c.TokenLimit, judges: judges, introspection: c.Development(),
		limits: a.program.limits(schema.Schema(), c),
	}
	operations, err := loadTrusted(ctx, c.Operations, d)
	if err != nil {
		return nil, err
	}
	d.cache = newDocumentCache(operations)
	a.telemetry.names.trusted = operations
	e := &endpoint{
		exec: executor.New(schema), documents: d, persisted: newPersisted(operations, c.OperationsOnly == "on"),
		presenter: presenter{a.log}, telemetry: a.telemetry, explainer: a.explainer, viewer: viewer, prove: prove, guarded: guarded(schema.Schema()), origins: o,
		cookies: auth.NewCookies(strings.HasPrefix(c.PublicURL, "https://"), c.AccessTokenTTL, c.SessionIdle),
		local:   newLocal(c), bodyLimit: c.BodyLimit,
		replyLimit: c.ReplyLimit, replyMemory: newReplyMemory(c.ReplyMemory),
	}
	e.exec.SetErrorPresenter(e.presenter.present)
	e.exec.SetRecoverFunc(e.presenter.recovered)
	e.exec.SetQueryCache(d.cache)
	if c.Development() {
		e.exec.Use(extension.Introspection{})
	}
	e.exec.AroundRootFields(takeTurns)
	e.exec.AroundRootFields(boundRootField)
	e.exec.AroundRootFields(resolvers.AroundRootField)
	return e, nil
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	media := negotiate(r.Header)
	if isReadOnly(r) {
		w.Header().Set("Cache-Control", "private, no-store")
	}
	read, refused := readRequest(w, r, e.bodyLimit)
	if refused == nil {
		refused = e.persisted.resolve(read, media)
	}
	if refused != nil {
		e.reportToken(r.Context(), r.Header) // without a jar: what is no operation renews no session
		e.write(w, r, media, refused.status, e.refuseOperation(r.Context(), refused.err))
		return
	}
	if asked, _ := read.Extensions["explain"].(bool); asked && e.explainer != nil {
		if f := e.local.refuse(r); f != nil {
			e.write(w, r, media, http.StatusMisdirectedRequest, e.refuseOperation(r.Context(), f))
			return
		}
	}
	if e.origins.isOwn(r) {
		r = r.WithContext(auth.WithJar(r.Context(), e.cookies.Open(r.Header)))
	}
	limit := &reply{limit: e.replyLimit, memory: e.replyMemory}
	defer limit.release(0) // once it is written
	ctx := context.WithValue(withRootFields(graphql.StartOperationTrace(r.Context())), replyKey{}, limit)
	status, response := e.answer(ctx, read, media, limit)
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	e.write(w, r, media, status, response)
}

// answer executes the operation of a request, or says why it cannot be executed.
func (e *endpoint) answer(ctx context.Context, read *request, media string, limit *reply) (status int, response *graphql.Response) {
	ctx, problems := e.documents.read(ctx, read)
	if len(problems) == 0 {
		e.persisted.register(read)
		operation, errs := e.exec.CreateOperationContext(ctx, read.RawParams)
		if problems = e.problems(operation, errs, e.documents.completion(ctx, read)); len(problems) == 0 {
			return http.StatusOK, e.execute(ctx, operation, limit)
		}
	}
	e.reportToken(ctx, read.Headers)
	if errors.Is(problems[0], errMutationByGet) {
		return http.StatusMethodNotAllowed, e.refuseOperation(ctx, problems...)
	}
	return statusOfRefused(media), e.refuseOperation(ctx, problems...)
}

// execute runs an operation, and bounds and observes its reply.
func (e *endpoint) execute(ctx context.Context, operation *graphql.OperationContext, limit *reply) *graphql.Response {
	noteOperation(ctx, operation)
	ctx, end := e.telemetry.operation(ctx, operation.Operation)
	defer end()
	x := exchangeOf(ctx)
	asked, _ := operation.Extensions["explain"].(bool)
	x.denials.explain = asked && e.explainer != nil
	response := e.run(ctx, operation, limit)
	if err := limit.settle(operation.Operation.Operation); err != nil {
		response = e.refuseOperation(ctx, err)
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
func (e *endpoint) problems(op *graphql.OperationContext, errs gqlerror.List, c *completion) (problems []error) {
	aboutVariables := len(errs) > 0 && len(errs[0].Path) > 0 && errs[0].Path[0] == ast.PathName("variable")
	if len(errs) == 0 { // first, since it is cheaper than looking at every value
		if f := e.documents.limits.judgeOperation(op); f != nil {
			return []error{f}
		}
	}
	if aboutVariables || len(errs) == 0 {
		if err := e.judgeVariables(op, errs, c); err != nil {
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
func (e *endpoint) judgeVariables(op *graphql.OperationContext, errs gqlerror.List, c *completion) error {
	if len(op.Operation.VariableDefinitions) == 0 {
		return nil // all values are literals, which validation has judged
	}
	f := fault.New(fault.BadUserInput, "The variables do not fit the operation.")
	f.Fields = variableFaults(e.documents.schema, op.Operation, op.Variables, c)
	if len(f.Fields) == 0 && len(errs) > 0 {
		f.Fields = fault.Input(dotted(errs[0].Path[1:]), "INVALID", "This is not a valid value.").Fields
	}
	if len(f.Fields) == 0 {
		return nil
	}
	return f
}

// refuseOperation presents the errors of a request that cannot be executed.
func (e *endpoint) refuseOperation(ctx context.Context, problems ...error) *graphql.Response {
	response := &graphql.Response{}
	for _, err := range problems {
		response.Errors = append(response.Errors, e.presenter.present(ctx, err))
	}
	return response
}

// statusOfRefused is the status of a well-formed request whose operation cannot be executed (GraphQL over HTTP, 6.4).
// Clients of application/json treat any status but 200 as a network failure, and lose the errors.
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
	var errs []byte
	response.Errors, errs = encodeErrors(response.Errors)
	x.outcome = outcomeOf(r.Context(), response.Errors)
	if response.Data == nil {
		switch x.outcome {
		case string(fault.Unavailable):
			status = http.StatusServiceUnavailable
		case string(fault.Internal):
			status = http.StatusInternalServerError
		case clientClosed:
			status = statusClientClosed
		case string(fault.TooCostly): // also of a reply, once the operation has run
			status = statusOfRefused(media)
		}
	}
	parts, err := envelope(response, errs)
	if err != nil {
		panic(err) // the recoverer answers
	}
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	if x.reason != "" {
		w.Header().Set("WWW-Authenticate", challenge(x.reason))
	}
	auth.JarFrom(r.Context()).Write(w.Header())
	if err := writeParts(w, r, status, parts); err != nil {
		e.presenter.log.DebugContext(r.Context(), "the client went away", "error", err)
	}
}

// challenge is the WWW-Authenticate header for an invalid token (RFC 6750, 3).
func challenge(reason fault.Reason) string {
	return fmt.Sprintf(`Bearer error="invalid_token", error_description=%q`, fault.SignIn(reason).Message)
}
