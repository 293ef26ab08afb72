package app

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"freehold/fault"
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

// read returns a context with the document if it can be executed, else what is wrong with it. The variables of the request
// are for the errors of literals: an error lists the faults of both.
func (d *documents) read(ctx context.Context, query string, variables map[string]any) (_ context.Context, problems []error) {
	doc, known := d.cache.Get(ctx, query)
	if !known {
		if doc, problems = d.parse(ctx, query, variables); len(problems) > 0 {
			return ctx, problems
		}
		d.cache.Add(ctx, query, doc)
	}
	return context.WithValue(ctx, documentKey{}, doc), nil
}

func (d *documents) parse(ctx context.Context, query string, variables map[string]any) (doc *ast.QueryDocument, problems []error) {
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
	reported := map[string]bool{} // gqlparser reports the faults of a fragment again wherever it is spread
	for _, err := range validator.ValidateWithRules(d.schema, doc, validationRules(d.judges.complete(ctx, variables), d.introspection)) {
		if text := err.Error(); !reported[text] && len(problems) < maxErrors {
			reported[text] = true
			problems = append(problems, coded(err, fault.ValidationFailed))
		}
	}
	return doc, problems
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
	return &documentCache{t, newBoundedCache(cachedBytes, func(query string, _ *ast.QueryDocument) int { return len(query) })}
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
