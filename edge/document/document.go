package document

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"freehold.dev/freehold/fault"
)

// Options are what a service decides about documents.
type Options struct {
	Schema        *ast.Schema
	Introspection bool // whether documents may read the schema

	Tokens  int // most lexical tokens of a document
	Cost    int // most cost of an operation
	Depth   int // most levels of an operation
	Aliases int // most aliases of a document

	Credentials map[string]bool // the mutations of which an operation may have one
	TextBytes   map[string]int  // how many bytes the text of a field may take, by Type.field; others may take the most
	Validators  Validators      // nil for none

	Trusted     string // file or folder of trusted documents; "" for none
	TrustedOnly bool   // whether other documents are refused
}

// Documents parses and validates documents, and caches valid ones. It does so before gqlgen's executor would, in order to
// check a document between parsing and validation. The executor then takes the document from the context, through Cache.
type Documents struct {
	schema        *ast.Schema
	tokenLimit    int
	limits        limits
	validators    Validators
	introspection bool
	cache         *cache
	persisted     *persisted
}

// New reads the trusted documents. The error names the file and the document that is invalid.
func New(ctx context.Context, o Options) (*Documents, error) {
	d := &Documents{
		schema: o.Schema, tokenLimit: o.Tokens, validators: o.Validators, introspection: o.Introspection,
		limits: limits{schema: o.Schema, cost: o.Cost, depth: o.Depth, aliases: o.Aliases, credentials: o.Credentials, textBytes: o.TextBytes},
	}
	trusted, err := loadTrusted(ctx, o.Trusted, d)
	if err != nil {
		return nil, err
	}
	d.cache, d.persisted = newCache(trusted), newPersisted(trusted, o.TrustedOnly)
	return d, nil
}

// Cache returns the cache from which gqlgen's executor takes documents.
func (d *Documents) Cache() graphql.Cache[*ast.QueryDocument] { return d.cache }

// IsTrusted reports whether a trusted document has an operation with this name.
func (d *Documents) IsTrusted(operation string) bool { return d.persisted.trusted.operation(operation) }

type documentKey struct{}

// ErrMutationByGet is the problem of a mutation in a read-only request.
var ErrMutationByGet = fault.New(fault.BadRequest, "Send mutations by POST.")

// maxErrors bounds the validation errors of a document.
const maxErrors = 20

// Read returns a context with the document of a request, or why the document cannot be executed.
func (d *Documents) Read(ctx context.Context, r *Request) (_ context.Context, problems []error) {
	doc, known := d.cache.Get(ctx, r.Query)
	if !known {
		if doc, problems = d.parse(r.Query); len(problems) > 0 {
			return ctx, problems
		}
	}
	if op := doc.Operations.ForName(r.OperationName); r.ReadOnly && op != nil && op.Operation != ast.Query {
		return ctx, []error{ErrMutationByGet}
	}
	if !known {
		if problems = d.validate(doc, d.completion(ctx, r)); len(problems) > 0 {
			return ctx, problems
		}
		d.cache.Add(ctx, r.Query, doc)
	}
	return context.WithValue(ctx, documentKey{}, doc), nil
}

// completion returns what completes the errors of a request's input. Validators may count attempts, so a read-only request has
// none.
func (d *Documents) completion(ctx context.Context, r *Request) *completion {
	if r.ReadOnly {
		return Validators(nil).complete(ctx, r.Variables)
	}
	return d.validators.complete(ctx, r.Variables)
}

func (d *Documents) parse(query string) (doc *ast.QueryDocument, problems []error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, d.tokenLimit)
	if err != nil {
		return nil, []error{coded(err, fault.ParseFailed)}
	}
	if len(doc.Operations) == 0 {
		return nil, []error{coded(gqlerror.Errorf("The document has no operation."), fault.ValidationFailed)}
	}
	if f := d.limits.checkDocument(doc); f != nil {
		return nil, []error{f}
	}
	return doc, nil
}

// validate returns what is wrong with a parsed document.
func (d *Documents) validate(doc *ast.QueryDocument, c *completion) (problems []error) {
	reported := map[string]bool{} // gqlparser repeats the faults of a fragment at each spread
	for _, err := range validator.ValidateWithRules(d.schema, doc, validationRules(c, d.introspection)) {
		if text := err.Error(); !reported[text] && len(problems) < maxErrors {
			reported[text] = true
			problems = append(problems, coded(err, fault.ValidationFailed))
		}
	}
	return problems
}

// coded adds a code to an error of gqlparser.
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

// cache keeps valid documents by their text. It is a graphql.Cache of gqlgen.
type cache struct {
	trusted *trusted
	recent  *boundedCache[*ast.QueryDocument]
}

func newCache(t *trusted) *cache {
	return &cache{t, newBoundedCache(cachedParsed, parsedSize)}
}

// Get returns the document of the request that ctx belongs to, or else the one with this text.
func (c *cache) Get(ctx context.Context, query string) (*ast.QueryDocument, bool) {
	if doc, ok := ctx.Value(documentKey{}).(*ast.QueryDocument); ok {
		return doc, true
	}
	if doc := c.trusted.document(query); doc != nil {
		return doc, true
	}
	return c.recent.get(query)
}

// Add remembers a document.
func (c *cache) Add(_ context.Context, query string, doc *ast.QueryDocument) {
	if len(query) <= cachedLongest {
		c.recent.add(query, doc)
	}
}
