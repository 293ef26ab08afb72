package app

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold/graph"
)

const (
	// weightUnit is how many bytes of a text cost as much as a field.
	weightUnit = 1 << 10
	// characterBytes is the most that a character takes in a reply: < is \u003c.
	characterBytes = 6
	enumBytes      = 64
	// defaultTextBytes is what a text may weigh that no table below knows.
	defaultTextBytes = 1000 * characterBytes
)

// scalarBytes is what the values of a scalar may weigh.
var scalarBytes = map[string]int{
	"ID": 48, "Int": 11, "Float": 24, "Boolean": 5, "DateTime": 40, "Date": 12, "URL": 2048 * characterBytes,
}

// textBytes is what the texts of a field may weigh, where that is not defaultTextBytes. A field without an entry costs
// more than it may need to.
var textBytes = map[string]int{
	"User.email": 254 * characterBytes, "User.pendingEmail": 254 * characterBytes,
	"Session.device": 200 * characterBytes, "Session.ip": 48, "SecurityEvent.device": 200 * characterBytes, "SecurityEvent.ip": 48,
	"Profile.username": 32, "Profile.displayName": 100 * characterBytes, "Profile.bio": 1000 * characterBytes,
	"Profile.location": 100 * characterBytes, "Profile.phoneNumber": 18,
	"ProfileEdge.cursor": 40, "SessionEdge.cursor": 40, "SecurityEventEdge.cursor": 40, "PageInfo.startCursor": 40, "PageInfo.endCursor": 40,
	"Tokens.accessToken": 1024, "Tokens.refreshToken": 256,
	"_Service.sdl": 2 * len(graph.SDL()),
}

// weight is what a field costs by itself: 1, or 1 for each KiB that its text may weigh. Introspection has no texts but the
// schema's own.
func (m *meter) weight(f *ast.Field) int64 {
	typ := f.Definition.Type
	if len(f.SelectionSet) > 0 || strings.HasPrefix(f.Name, "__") || strings.HasPrefix(f.ObjectDefinition.Name, "__") {
		return 1
	}
	bytes, known := textBytes[f.ObjectDefinition.Name+"."+f.Name]
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
