package document

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/resolvers"
)

const (
	// weightUnit is how many bytes of a text cost as much as a field.
	weightUnit  = 1 << 10
	enumBytes   = 64
	cursorBytes = 40
	// defaultTextBytes is what a text may weigh that no table below knows.
	defaultTextBytes = 1000 * resolvers.CharacterBytes
)

// scalarBytes is what the values of a scalar may weigh.
var scalarBytes = map[string]int{
	"ID": 48, "Int": 11, "Float": 24, "Boolean": 5, "DateTime": 40, "Date": 12, "URL": 2048 * resolvers.CharacterBytes,
}

// weight is what a field costs by itself: 1, or 1 for each KiB that its text may weigh. Introspection has no texts but the
// schema's own.
func (m *meter) weight(f *ast.Field) int64 {
	typ := f.Definition.Type
	if len(f.SelectionSet) > 0 || strings.HasPrefix(f.Name, "__") || strings.HasPrefix(f.ObjectDefinition.Name, "__") {
		return 1
	}
	bytes, known := m.textBytes[f.ObjectDefinition.Name+"."+f.Name]
	if f.Name == "cursor" && strings.HasSuffix(f.ObjectDefinition.Name, "Edge") {
		bytes, known = cursorBytes, true
	}
	if !known {
		bytes, known = scalarBytes[typ.Name()]
	}
	if !known {
		bytes = defaultTextBytes
		if m.schema.Types[typ.Name()].Kind == ast.Enum {
			bytes = enumBytes
		}
	}
	return max(1, (int64(bytes)*int64(m.size(f))+weightUnit-1)/weightUnit)
}
