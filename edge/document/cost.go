package document

import (
	"fmt"
	"math"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/resolvers"
)

// limits bound what one operation may ask for, before it is executed.
type limits struct {
	schema  *ast.Schema
	cost    int // fields and their texts, multiplied by the sizes of the pages around them
	depth   int // nested selections
	aliases int // in the document

	credentials map[string]bool // mutations of which an operation may have one, so that it is one guess
	textBytes   map[string]int  // bytes that the text of a field may take, by Type.field; defaultTextBytes for others
}

const (
	// maxSameName bounds how often a document may repeat a response name, since validation compares all of them with each other.
	maxSameName = 200
	// listSize is the assumed size of a list of unknown size.
	listSize = 10
	// rootCost is the cost of a field of Query or Mutation, which takes a transaction and a connection.
	rootCost = 200
	// introspectionSize is the assumed size of a list of introspection, so that the usual query of tools is within the limits.
	introspectionSize = 2
)

func tooCostly(cost, limit int, format string, args ...any) *fault.Error {
	return &fault.Error{Code: fault.TooCostly, Message: fmt.Sprintf(format, args...), Cost: cost, CostLimit: limit}
}

// checkDocument refuses a document whose validation would be slow. It visits each selection once.
func (l limits) checkDocument(doc *ast.QueryDocument) *fault.Error {
	names, aliases := map[string]int{}, 0
	var walk func(set ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch s := selection.(type) {
			case *ast.Field:
				names[s.Alias]++
				if s.Alias != s.Name {
					aliases++
				}
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				walk(s.SelectionSet)
			}
		}
	}
	for _, operation := range doc.Operations {
		walk(operation.SelectionSet)
	}
	for _, fragment := range doc.Fragments {
		walk(fragment.SelectionSet)
	}
	if aliases > l.aliases {
		return tooCostly(aliases, l.aliases, "The document has %d aliases; at most %d are allowed.", aliases, l.aliases)
	}
	for _, n := range names {
		if n > maxSameName {
			return tooCostly(n, maxSameName, "The document repeats a field %d times; at most %d are allowed.", n, maxSameName)
		}
	}
	return nil
}

// checkOperation refuses an operation that asks for too much. It ignores @skip and @include.
func (l limits) checkOperation(op *graphql.OperationContext) *fault.Error {
	m := meter{limits: l, variables: op.Variables, fragments: map[string]*measure{}}
	asked := m.selections(op.Operation.SelectionSet)
	switch {
	case asked.credentials > 1:
		return tooCostly(asked.credentials, 1, "An operation may have at most one field about a password or a code.")
	case asked.depth > l.depth:
		return tooCostly(asked.depth, l.depth, "The operation is %d levels deep; at most %d are allowed.", asked.depth, l.depth)
	case asked.cost > l.cost:
		return tooCostly(asked.cost, l.cost, "The operation costs %d; at most %d are allowed. Ask for smaller pages or fewer fields.", asked.cost, l.cost)
	}
	return nil
}

// measure is the size of a set of selections.
type measure struct{ cost, depth, credentials int }

// meter measures an operation in one pass. It measures a fragment once, however often it is spread.
type meter struct {
	limits
	variables map[string]any
	fragments map[string]*measure
}

// costly is the largest cost. Sums and products stay far from overflow.
const costly = math.MaxInt32

func (m *meter) selections(set ast.SelectionSet) (sum measure) {
	for _, selection := range set {
		var one measure
		switch s := selection.(type) {
		case *ast.Field:
			one = m.field(s)
		case *ast.InlineFragment:
			one = m.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			one = m.fragment(s)
		}
		sum.cost = min(costly, sum.cost+one.cost)
		sum.depth = max(sum.depth, one.depth)
		sum.credentials = min(costly, sum.credentials+one.credentials)
	}
	return sum
}

func (m *meter) fragment(spread *ast.FragmentSpread) measure {
	known := m.fragments[spread.Name]
	if known == nil {
		known = new(measure)
		m.fragments[spread.Name] = known
		*known = m.selections(spread.Definition.SelectionSet)
	}
	return *known
}

func (m *meter) field(f *ast.Field) measure {
	inner := m.selections(f.SelectionSet)
	inner.cost = int(min(costly, m.weight(f)+int64(m.size(f))*int64(inner.cost)))
	inner.depth++
	root := f.ObjectDefinition.Name
	if (root == "Query" || root == "Mutation") && !strings.HasPrefix(f.Name, "__") {
		inner.cost = min(costly, inner.cost+rootCost)
	}
	if root == "Mutation" && m.credentials[f.Name] {
		inner.credentials++
	}
	return inner
}

// size is how many objects a field may return.
func (m *meter) size(f *ast.Field) int {
	var arguments map[string]any
	if len(f.Definition.Arguments) > 0 {
		arguments = f.ArgumentMap(m.variables)
	}
	for _, name := range []string{"first", "last"} {
		if n, ok := asInt(arguments[name]); ok {
			return max(0, min(n, costly))
		}
	}
	if f.Definition.Arguments.ForName("first") != nil {
		return resolvers.DefaultPage
	}
	if f.Definition.Type.Elem == nil || strings.HasSuffix(f.ObjectDefinition.Name, "Connection") {
		return 1 // the page size of the connection has counted its edges
	}
	for _, name := range []string{"ids", "representations"} {
		if list, ok := arguments[name].([]any); ok {
			return len(list)
		}
	}
	if strings.HasPrefix(f.ObjectDefinition.Name, "__") {
		return introspectionSize
	}
	return listSize
}

// asInt reads an argument from a variable or a literal. A number that is not an Int has no cost, since it is an error elsewhere.
func asInt(value any) (int, bool) {
	var n int64
	switch v := value.(type) {
	case int64:
		n = v
	case int:
		n = int64(v)
	case float64:
		n = int64(v)
	default:
		return 0, false
	}
	if n < math.MinInt32 || n > math.MaxInt32 {
		return 0, true
	}
	return int(n), true
}
