package app

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"freehold.dev/freehold/fault"
)

// documents parses and validates, and remembers what was valid. It is done here, before gqlgen's executor would, so
// that a document is judged between parsing and validation; the executor then finds it in the context, by way of the
// cache.
type documents struct {
	schema        *ast.Schema
	tokenLimit    int
	limits        limits
	judges        judges
	introspection bool // whether documents may read the schema
	cache         *documentCache
}

type documentKey struct{}

// errMutationByGet is the problem of a request that must not change anything, and asks for a mutation.
var errMutationByGet = fault.New(fault.BadRequest, "Send mutations by POST.")

// read returns a context with the document if it can be executed, else what is wrong with it.
func (d *documents) read(ctx context.Context, r *request) (_ context.Context, problems []error) {
	doc, known := d.cache.Get(ctx, r.Query)
	if !known {
		if doc, problems = d.parse(r.Query); len(problems) > 0 {
			return ctx, problems
		}
	}
	if op := doc.Operations.ForName(r.OperationName); r.readOnly && op != nil && op.Operation != ast.Query {
		return ctx, []error{errMutationByGet}
	}
	if !known {
		if problems = d.validate(doc, d.completion(ctx, r)); len(problems) > 0 {
			return ctx, problems
		}
		d.cache.Add(ctx, r.Query, doc)
	}
	return context.WithValue(ctx, documentKey{}, doc), nil
}

// completion is what completes the errors of a request's input. Its judges may count, so a request that must not change
// anything goes without them.
func (d *documents) completion(ctx context.Context, r *request) *completion {
	if r.readOnly {
		return judges(nil).complete(ctx, r.Variables)
	}
	return d.judges.complete(ctx, r.Variables)
}

func (d *documents) parse(query string) (doc *ast.QueryDocument, problems []error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, d.tokenLimit)
	if err != nil {
		return nil, []error{coded(err, fault.ParseFailed)}
	}
	if len(doc.Operations) == 0 {
		return nil, []error{coded(gqlerror.Errorf("The document has no operation."), fault.ValidationFailed)}
	}
	if f := d.limits.judgeDocument(doc); f != nil {
		return nil, []error{f}
	}
	return doc, nil
}

// validate returns what is wrong with a parsed document.
func (d *documents) validate(doc *ast.QueryDocument, c *completion) (problems []error) {
	reported := map[string]bool{} // gqlparser reports the faults of a fragment again wherever it is spread
	for _, err := range validator.ValidateWithRules(d.schema, doc, validationRules(c, d.introspection)) {
		if text := err.Error(); !reported[text] && len(problems) < maxErrors {
			reported[text] = true
			problems = append(problems, coded(err, fault.ValidationFailed))
		}
	}
	return problems
}

// coded gives an error of gqlparser its code.
func coded(err error, code fault.Code) error {
	g := gqlerror.Wrap(err)
	if asGiven, ok := err.(*gqlerror.Error); ok { //nolint:errorlint // gqlparser returns it bare
		g = asGiven
	}
	if g.Extensions == nil {
		g.Extensions = map[string]any{}
	}
	g.Extensions["code"] = string(code)
	return g
}

// documentCache keeps valid documents by their text. It is gqlgen's graphql.Cache.
type documentCache struct {
	trusted *trusted
	recent  *boundedCache[*ast.QueryDocument]
}

func newDocumentCache(t *trusted) *documentCache {
	return &documentCache{t, newBoundedCache(cachedParsed, parsedSize)}
}

// Get returns the document that is being executed, or else one by its text.
func (c *documentCache) Get(ctx context.Context, query string) (*ast.QueryDocument, bool) {
	if doc, ok := ctx.Value(documentKey{}).(*ast.QueryDocument); ok {
		return doc, true
	}
	if doc := c.trusted.document(query); doc != nil {
		return doc, true
	}
	return c.recent.get(query)
}

// Add remembers a document.
func (c *documentCache) Add(_ context.Context, query string, doc *ast.QueryDocument) {
	if len(query) <= cachedLongest {
		c.recent.add(query, doc)
	}
}
