package exec

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// Objects are written byte for byte as gqlgen's own field set writes them.
func TestFieldSetsAreWrittenAsByGqlgen(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{}, {"a"}, {"a", "b"}, {"a", "a"}, {"a", "b", "a", "c", "b"}, numbered(manyFields), numbered(manyFields + 1), append(numbered(50), numbered(50)...)} {
		fields := make([]graphql.CollectedField, len(names))
		for i, name := range names {
			fields[i].Field = &ast.Field{Alias: name}
		}
		ours, theirs := NewFieldSet(fields, nil), graphql.NewFieldSet(fields)
		for i := range fields {
			ours.Values[i] = graphql.MarshalInt(i)
			theirs.Values[i] = ours.Values[i]
		}
		var got, want strings.Builder
		ours.MarshalGQL(&got)
		theirs.MarshalGQL(&want)
		if got.String() != want.String() {
			t.Errorf("%v: %s; want %s", names, &got, &want)
		}
	}
}

func numbered(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint("f", i))
	}
	return names
}

// barrier returns a function that waits until n calls wait, or fails the test.
func barrier(t *testing.T, n int) func() {
	t.Helper()
	var wg sync.WaitGroup
	wg.Add(n)
	all := make(chan struct{})
	go func() { wg.Wait(); close(all) }()
	return func() {
		wg.Done()
		select {
		case <-all:
		case <-time.After(10 * time.Second):
			t.Error("not at the same time")
		}
	}
}

// mayWait are the fields of these tests that are resolved at the same time.
var mayWait = Concurrent{"sessions": true, "securityEvents": true}

// Fields that may wait do so at the same time; others are resolved one after the other.
func TestFieldsThatMayWaitAreConcurrent(t *testing.T) {
	t.Parallel()
	op := operation()
	meet := barrier(t, 2)
	var order string // of the fields that have no goroutine of their own: the race detector looks at it
	fields := []struct {
		name    string
		nonNull bool
		resolve func() graphql.Marshaler
	}{
		{"viewerCan", false, func() graphql.Marshaler { order += "1"; return graphql.True }},
		{"sessions", false, func() graphql.Marshaler { meet(); return graphql.True }},
		{"birthday", true, func() graphql.Marshaler { order += "2"; return graphql.Null }},
		{"securityEvents", false, func() graphql.Marshaler { meet(); return graphql.RequiredNull }},
		{"phoneNumber", false, func() graphql.Marshaler { panic("no") }},
	}
	collected := make([]graphql.CollectedField, len(fields))
	for i, f := range fields {
		collected[i].Field = &ast.Field{Name: f.name, Alias: f.name}
	}
	set := NewFieldSet(collected, mayWait)
	for i, f := range fields {
		set.ResolveConcurrently(op, nil, i, true, f.nonNull, func(context.Context) graphql.Marshaler { return f.resolve() })
	}
	ctx := inOperation(t.Context(), op)
	set.Dispatch(ctx)
	var text strings.Builder
	set.MarshalGQL(&text)
	if want := `{"viewerCan":true,"sessions":true,"birthday":null,"securityEvents":null,"phoneNumber":null}`; text.String() != want || order != "12" {
		t.Errorf("%s in the order %s; want %s", &text, order, want)
	}
	if errs := graphql.GetErrors(ctx); set.Invalids != 2 || len(errs) != 1 {
		t.Errorf("%d values make the object null, want 2; errors %v, want that of the panic", set.Invalids, errs)
	}
}

func operation() *graphql.OperationContext {
	return &graphql.OperationContext{RecoverFunc: recoverQuietly}
}

func recoverQuietly(_ context.Context, cause any) error { return fmt.Errorf("panic: %v", cause) }

func inOperation(ctx context.Context, op *graphql.OperationContext) context.Context {
	return graphql.WithResponseContext(graphql.WithOperationContext(ctx, op), graphql.DefaultErrorPresenter, recoverQuietly)
}

// Elements of a list with a field that may wait are written at the same time; those of others, one after the other. A panic spoils its
// own element, and is reported with its path.
func TestElementsThatMayWaitAreConcurrent(t *testing.T) {
	t.Parallel()
	schema := NewSchema([]*ast.Source{{Name: "schema.graphqls", Input: `
		type Query { profiles: Profiles }
		type Profiles { edges: [Edge] }
		type Edge { node: Profile cursor: ID }
		type Profile { id: ID viewerCan: Int birthday: Int user: User }
		type User { id: ID email: ID sessions(first: Int): Profiles }
	`}})
	for query, concurrent := range map[string]bool{
		"{ profiles { edges { node { viewerCan birthday user { id email } } } } }":                                                                 false,
		"{ profiles { edges { node { user { id ... on User { sessions(first: 1) { edges { cursor } } } } } } } }":                                  true,
		"{ profiles { edges { node { ...A } } } } fragment A on Profile { ...B } fragment B on Profile { user { sessions { edges { cursor } } } }": true,
		"{ profiles { edges { node { ...A ...B } } } } fragment A on Profile { id } fragment B on Profile { user { birthday: id } }":               false,
	} {
		doc := gqlparser.MustLoadQueryWithRules(schema, query, nil)
		ctx := inOperation(t.Context(), operation())
		meet, order := barrier(t, 4), ""
		list := MarshalList(ctx, mayWait, doc.Operations[0].SelectionSet, 4, func(_ context.Context, i int) graphql.Marshaler {
			if concurrent {
				meet()
			} else {
				order += strconv.Itoa(i)
			}
			if i == 2 {
				panic("no")
			}
			return graphql.MarshalInt(i)
		})
		var text strings.Builder
		list.MarshalGQL(&text)
		if errs := graphql.GetErrors(ctx); text.String() != "[0,1,null,3]" || len(errs) != 1 || errs[0].Path.String() != "[2]" || !concurrent && order != "0123" {
			t.Errorf("%s: %s, %v, in the order %s", query, &text, errs, order)
		}
	}
}

// Each level spreads the next one twice, so walking all spreads would never end.
func TestNestedFragmentsAreLookedAtOnce(t *testing.T) {
	t.Parallel()
	const levels = 100
	fragments := make([]*ast.FragmentDefinition, levels)
	for i := range levels {
		fragments[i] = &ast.FragmentDefinition{SelectionSet: ast.SelectionSet{&ast.Field{Name: "id"}}}
		if i > 0 {
			spread := &ast.FragmentSpread{Definition: fragments[i-1]}
			fragments[i].SelectionSet = ast.SelectionSet{spread, spread}
		}
	}
	done := make(chan bool)
	go func() {
		done <- mayWait.in(fragments[levels-1].SelectionSet, map[*ast.FragmentDefinition]bool{})
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it takes too long")
	}
}
