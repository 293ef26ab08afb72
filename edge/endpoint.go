package edge

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/edge/document"
	"freehold.dev/freehold/edge/reply"
	"freehold.dev/freehold/explain"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/resolvers"
	"freehold.dev/freehold/telemetry"
)

// endpoint serves GraphQL over HTTP: one operation per request. gqlgen's executor runs it. gqlgen's transports are not used,
// since they repeat what was sent and decode JSON loosely.
type endpoint struct {
	Options
	exec      *executor.Executor
	presenter presenter
	local     Local           // to whom refusals are explained
	guarded   map[string]bool // see mayClaim
	origins   *origins
	memory    *reply.Memory
}

func newEndpoint(o Options, origins *origins) *endpoint {
	e := &endpoint{
		Options: o, exec: executor.New(o.Schema), presenter: presenter{o.Log}, local: NewLocal(o.Addr, o.PublicURL),
		guarded: guarded(o.Schema.Schema()), origins: origins, memory: reply.NewMemory(o.ReplyMemory),
	}
	e.exec.SetErrorPresenter(e.presenter.present)
	e.exec.SetRecoverFunc(e.presenter.recovered)
	e.exec.SetQueryCache(o.Documents.Cache())
	if o.Development {
		e.exec.Use(extension.Introspection{})
	}
	e.exec.AroundRootFields(document.TakeTurns)
	e.exec.AroundRootFields(reply.AroundRootField)
	e.exec.AroundRootFields(resolvers.AroundRootField)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	media := negotiate(r.Header)
	if isReadOnly(r) {
		w.Header().Set("Cache-Control", "private, no-store")
	}
	read, refused := readRequest(w, r, e.BodyLimit)
	if refused == nil {
		if f := e.Documents.Resolve(read); f != nil {
			refused = &refusal{statusOfUnresolved(f, media), f}
		}
	}
	if refused != nil {
		e.reportToken(r.Context(), r.Header) // without a jar, since only an operation renews the session
		e.write(w, r, media, refused.status, e.refuseOperation(r.Context(), refused.err))
		return
	}
	if asked, _ := read.Extensions["explain"].(bool); asked && e.Explainer != nil {
		if f := e.local.refuse(r); f != nil {
			e.write(w, r, media, http.StatusMisdirectedRequest, e.refuseOperation(r.Context(), f))
			return
		}
	}
	if e.Cookies != nil && e.origins.isOwn(r) {
		r = r.WithContext(auth.WithJar(r.Context(), e.Cookies.Open(r.Header)))
	}
	ctx, data := reply.With(document.WithRootFields(graphql.StartOperationTrace(r.Context())), e.ReplyLimit, e.memory)
	defer data.Release() // once the reply is written
	status, response := e.answer(ctx, read, media, data)
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	e.write(w, r, media, status, response)
}

// answer executes the operation of a request, or says why it cannot be executed.
func (e *endpoint) answer(ctx context.Context, read *document.Request, media string, data *reply.Data) (status int, response *graphql.Response) {
	ctx, problems := e.Documents.Read(ctx, read)
	if len(problems) == 0 {
		e.Documents.Register(read)
		operation, errs := e.exec.CreateOperationContext(ctx, read.RawParams)
		if problems = e.Documents.Check(ctx, read, operation, errs); len(problems) == 0 {
			return http.StatusOK, e.execute(ctx, operation, data)
		}
	}
	e.reportToken(ctx, read.Headers)
	if errors.Is(problems[0], document.ErrMutationByGet) {
		return http.StatusMethodNotAllowed, e.refuseOperation(ctx, problems...)
	}
	return statusOfRefused(media), e.refuseOperation(ctx, problems...)
}

// execute runs an operation, and bounds and observes its reply.
func (e *endpoint) execute(ctx context.Context, operation *graphql.OperationContext, data *reply.Data) *graphql.Response {
	ctx, end := e.Telemetry.Operation(ctx, operation.Operation)
	defer end()
	asked, _ := operation.Extensions["explain"].(bool)
	asked = asked && e.Explainer != nil
	if asked {
		explain.DenialsOf(ctx).Keep()
	}
	response := e.run(ctx, operation, data)
	if err := data.Settle(operation.Operation.Operation); err != nil {
		response = e.refuseOperation(ctx, err)
	}
	if asked {
		e.explain(ctx, response)
	}
	telemetry.ExchangeOf(ctx).SetOutcome(ctx, response.Errors)
	return response
}

// explain adds to a response why its fields were refused.
func (e *endpoint) explain(ctx context.Context, response *graphql.Response) {
	list, err := e.Explainer.Explain(ctx, explain.DenialsOf(ctx))
	if err != nil {
		e.Log.WarnContext(ctx, "some refusals could not be explained", "error", err)
	}
	slices.SortStableFunc(list, func(a, b explain.Explanation) int { return reply.ComparePaths(a.Path, b.Path) })
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	response.Extensions["denials"] = list
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

// statusOfUnresolved is the status of a request whose document was not resolved.
func statusOfUnresolved(f *fault.Error, media string) int {
	if f.Code == fault.BadRequest {
		return http.StatusBadRequest
	}
	return statusOfRefused(media)
}

// statusClientClosed is only logged, since the client has left. The number is that of nginx.
const statusClientClosed = 499

// write sends a response. If the operation did not begin to execute, the response has no member data (GraphQL specification,
// 7.1).
func (e *endpoint) write(w http.ResponseWriter, r *http.Request, media string, status int, response *graphql.Response) {
	body, err := reply.Encode(response)
	if err != nil {
		panic(err) // around replies
	}
	x := telemetry.ExchangeOf(r.Context())
	x.SetOutcome(r.Context(), response.Errors)
	if response.Data == nil {
		switch x.Outcome {
		case string(fault.Unavailable):
			status = http.StatusServiceUnavailable
		case string(fault.Internal):
			status = http.StatusInternalServerError
		case telemetry.ClientClosed:
			status = statusClientClosed
		case string(fault.TooCostly): // also of a reply, once the operation has run
			status = statusOfRefused(media)
		}
	}
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	if x.Reason != "" {
		w.Header().Set("WWW-Authenticate", auth.Challenge(x.Reason))
	}
	auth.JarFrom(r.Context()).Write(w.Header())
	if err := body.Write(w, r, status); err != nil {
		e.Log.DebugContext(r.Context(), "the client went away", "error", err)
	}
}
