package scaffold

import (
	"go/token"
	"slices"
)

// reservedTypes are the names that GraphQL, Federation and freehold's schema have. The names of the program's other types are
// checked against its schema.
var reservedTypes = []string{
	"Query", "Mutation", "Subscription", "Schema", "Type", "Interface", "Union", "Enum", "Input", "Scalar", "Directive", "Extend", "Fragment",
	"String", "Int", "Float", "Boolean", "ID", "Node", "PageInfo", "DateTime", "Date", "URL", "JSON",
}

// reservedPlurals are the fields of freehold's Query and User.
var reservedPlurals = []string{"node", "nodes", "me", "profile", "profiles", "settings", "sessions", "users", "securityEvents", "credentials", "accounts"}

// reservedPackages are the folders of a program, and the modules of freehold.
var reservedPackages = []string{"app", "core", "graph", "modules", "schema", "main", "internal", "vendor", "testdata", "freehold"}

// reservedFields are the fields and columns of every owned type, and names that the generated code uses.
var reservedFields = []string{"id", "userId", "owner", "user", "visibility", "viewerCan", "createdAt", "updatedAt", "rowID", "ownerID"}

// reservedWords are those of PostgreSQL that cannot name a column or a table without quotes (SQL key words, appendix C).
var reservedWords = []string{
	"all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case", "cast", "check", "collate", "column",
	"constraint", "create", "current_catalog", "current_date", "current_role", "current_time", "current_timestamp", "current_user", "default",
	"deferrable", "desc", "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "from", "grant", "group", "having",
	"in", "initially", "intersect", "into", "lateral", "leading", "limit", "localtime", "localtimestamp", "not", "null", "offset", "on", "only",
	"or", "order", "placing", "primary", "references", "returning", "select", "session_user", "some", "symmetric", "system_user", "table",
	"then", "to", "trailing", "true", "union", "unique", "user", "using", "variadic", "when", "where", "window", "with",
	"authorization", "binary", "collation", "concurrently", "cross", "current_schema", "freeze", "full", "ilike", "inner", "is", "isnull",
	"join", "left", "like", "natural", "notnull", "outer", "overlaps", "right", "similar", "tablesample", "verbose",
}

// isReservedWord reports whether a name in the form of SQL cannot be used without quotes in SQL, or at all in Go.
func isReservedWord(name string) bool {
	return slices.Contains(reservedWords, name) || token.IsKeyword(name)
}
