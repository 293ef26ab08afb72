package document

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"freehold.dev/freehold/core/members"
	"freehold.dev/freehold/e2e/hostile"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/graph"
)

// testDocuments returns the Documents of the core's schema, with the default limits.
func testDocuments(t testing.TB) *Documents {
	t.Helper()
	texts := maps.Clone(members.TextBytes)
	texts["_Service.sdl"] = 2 * len(graph.SDL())
	credentials := map[string]bool{}
	for _, mutation := range members.Credential {
		credentials[mutation] = true
	}
	d, err := New(t.Context(), Options{
		Schema: graph.NewSchema(), Introspection: true, Tokens: 1000, Cost: 10_000, Depth: 20, Aliases: 50, Credentials: credentials, TextBytes: texts,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// measureDocument runs a document through the stages before execution, and returns its cost or the fault.
func measureDocument(t testing.TB, query string, variables map[string]any) (measure, *fault.Error) {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	d := testDocuments(t)
	if f := d.limits.checkDocument(doc); f != nil {
		return measure{}, f
	}
	if errs := validator.ValidateWithRules(d.schema, doc, validationRules(Validators(nil).complete(t.Context(), nil), true)); len(errs) > 0 {
		t.Fatalf("%s: %v", query, errs)
	}
	m := meter{limits: d.limits, variables: variables, fragments: map[string]*measure{}}
	op := &graphql.OperationContext{Operation: doc.Operations[0], Variables: variables}
	return m.selections(doc.Operations[0].SelectionSet), d.limits.checkOperation(op)
}

func TestCostOfOperations(t *testing.T) {
	t.Parallel()
	ids := make([]any, 100)
	for i := range ids {
		ids[i] = "x"
	}
	for _, c := range []struct {
		query     string
		variables map[string]any
		want      measure
	}{
		{`{ me { id createdAt } }`, nil, measure{cost: 203, depth: 2}},
		{`{ me { id email } }`, nil, measure{cost: 204, depth: 2}},
		{`{ profiles(first: 2) { nodes { bio avatarUrl displayName visibility viewerCan { actions } } } }`, nil, measure{cost: 201 + 2*(1+6+12+1+1+1+1), depth: 4}},
		{`{ _service { sdl } }`, nil, measure{cost: 201 + (2*len(graph.SDL())+1023)/1024, depth: 2}},
		{`{ profiles { nodes { id username } } }`, nil, measure{cost: 201 + 20*3, depth: 3}},
		{`{ profiles(first: 50) { edges { cursor node { id } } } }`, nil, measure{cost: 201 + 50*4, depth: 4}},
		{`query ($n: Int) { profiles(last: $n) { nodes { id } } }`, map[string]any{"n": int64(100)}, measure{cost: 201 + 100*2, depth: 3}},
		{`{ profiles(first: 2000000000) { nodes { id } } }`, nil, measure{cost: costly, depth: 3}},
		{`{ profiles(first: -5) { nodes { id } } }`, nil, measure{cost: 201, depth: 3}},
		{`query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`, map[string]any{"ids": ids}, measure{cost: 301, depth: 2}},
		{`{ nodes(ids: ["a", "b", "c"]) { id ... on User { email } } }`, nil, measure{cost: 201 + 3*3, depth: 2}},
		{`{ ...F ...F } fragment F on Query { me { ...G } } fragment G on User { id createdAt }`, nil, measure{cost: 406, depth: 2}},
		{`{ me @skip(if: true) { id } }`, nil, measure{cost: 202, depth: 2}},
		{`mutation { ...A ...A } fragment A on Mutation { signOut { success } signIn(input: {email: "x", password: "x"}) { user { id } } }`, nil, measure{cost: 810, depth: 3, credentials: 2}},
	} {
		if got, _ := measureDocument(t, c.query, c.variables); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.query, got, c.want)
		}
	}
}

func TestLimitsOfOperations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query string
		fine  bool
	}{
		"introspection of tools":  {introspection, true},
		"50 profiles, everything": {`{ profiles(first: 50) { edges { cursor node { id username displayName bio avatarUrl websiteUrl location visibility birthday phoneNumber createdAt updatedAt user { id email emailVerified createdAt } } } pageInfo { hasNextPage endCursor } } }`, true},
		"nested introspection":    {`{ __schema { types { fields { type { fields { type { name } } } } } } }`, true},
		"fragment bomb":           {hostile.FragmentBomb(27), false},
		"fragment bomb, 60":       {hostile.FragmentBomb(60), false},
		"deep":                    {"{ me " + strings.Repeat("{ profile { user ", 11) + "{ id }" + strings.Repeat(" } }", 11) + " }", false},
		"many aliases":            {"{" + strings.Repeat("a: me { id } ", 51) + "}", false},
		"8000 × __typename":       {"{" + strings.Repeat("__typename ", 8000) + "}", false},
		"pages within":            {"{ p0: profiles(first: 100) { nodes { id user { id } } } }", true},
		"two credentials":         {`mutation { a: signIn(input: {email: "x", password: "x"}) { user { id } } signUp(input: {email: "x", password: "x", username: "x"}) { user { id } } }`, false},
		"large page":              {"{ profiles(first: 100000) { nodes { id } } }", false},
	} {
		begun := time.Now()
		got, f := measureDocument(t, c.query, nil)
		t.Logf("%s: cost %d, depth %d, %v", name, got.cost, got.depth, time.Since(begun))
		if (f == nil) != c.fine || f != nil && (f.Code != fault.TooCostly || f.CostLimit == 0 || f.Cost <= f.CostLimit) {
			t.Errorf("%s: %+v, %v", name, got, f)
		}
	}
}

// A fragment is measured once: a bomb of 60 costs 61 measurements, not 2 to the 60th.
func TestMeteringIsLinear(t *testing.T) {
	t.Parallel()
	doc, err := parser.ParseQuery(&ast.Source{Input: hostile.FragmentBomb(60)})
	if err != nil {
		t.Fatal(err)
	}
	d := testDocuments(t)
	validator.Walk(d.schema, doc, &validator.Events{})
	m := meter{limits: d.limits, fragments: map[string]*measure{}}
	if got := m.selections(doc.Operations[0].SelectionSet); got.cost != costly || len(m.fragments) != 61 {
		t.Errorf("cost %d by %d fragments", got.cost, len(m.fragments))
	}
}

func TestDocumentCacheIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	c := newCache(nil)
	doc := &ast.QueryDocument{}
	for i := range 10_000 {
		query := fmt.Sprintf("%01000d", i)
		c.Add(t.Context(), query, doc)
		c.Add(t.Context(), query, doc)
	}
	if r := c.recent; r.bytes > cachedParsed || r.bytes < cachedParsed/2 || r.lru.Len()*(1024+100*1000) != r.bytes {
		t.Errorf("%d bytes in %d documents", r.bytes, r.lru.Len())
	}
	c.Add(t.Context(), strings.Repeat("x", cachedLongest+1), doc)
	if _, ok := c.Get(t.Context(), strings.Repeat("x", cachedLongest+1)); ok {
		t.Error("a document with data in it is kept")
	}
}

// introspection is the usual query of tools.
const introspection = `query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
	types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf
	fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
	inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`
