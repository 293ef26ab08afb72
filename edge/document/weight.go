package document

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/resolvers"
)

const (
	// weightUnit is the size of a text that costs as much as a field, in bytes.
	weightUnit  = 1 << 10
	enumBytes   = 64
	cursorBytes = 40
	// defaultTextBytes is the size of a text that no table has, in bytes.
	defaultTextBytes = 1000 * resolvers.CharacterBytes
)

// scalarBytes is the largest size of the values of a scalar, in bytes.
var scalarBytes = map[string]int{
	"ID": 48, "Int": 11, "Float": 24, "Boolean": 5, "DateTime": 40, "Date": 12, "URL": 2048 * resolvers.CharacterBytes,
}

// weight returns the cost of a field without its selections: 1, or 1 per KiB of its largest text. The texts of introspection are
// free, since they are those of the schema.
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
