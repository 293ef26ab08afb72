// Package owned owns the owned types: rows that have an owner, the declaration of their types, and the registry of all types of a
// program. The field rules, Node, Federation's entities, the access matrix, explanations and the generated tests take every type
// from the registry. The package must not know GraphQL's execution, HTTP, or any particular type.
package owned

import (
	"fmt"
	"io"
	"strconv"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
)

// Row is a loaded row of an owned type. Structs get its methods by embedding By or ByVisibility.
type Row interface {
	// RowID returns the global id of the row.
	RowID() uuid.UUID
	// OwnerID returns the id of the user who owns the row.
	OwnerID() uuid.UUID
	// VisibleTo reports whether the viewer may see the row. It is the Go version of the row policy of its table.
	VisibleTo(auth.Viewer) bool
	// RelationTo returns the strongest relation of the viewer to the row, "OWNER" for its owner; "" if there is none.
	RelationTo(auth.Viewer) string
}

// By is for embedding in the struct of a type whose rows only their owners see, and viewers to whom they have a relation.
type By struct {
	ID    uuid.UUID // of the row
	Owner uuid.UUID // the id of the user who owns the row
	// Relation is the relation to the row of the viewer for whom it was loaded, from the SQL function of the table's relations; ""
	// for none. See db.Table.
	Relation string
}

// RowID returns the id of the row.
func (b *By) RowID() uuid.UUID { return b.ID }

// OwnerID returns the id of the user who owns the row.
func (b *By) OwnerID() uuid.UUID { return b.Owner }

// RelationTo returns the relation of the viewer for whom the row was loaded.
func (b *By) RelationTo(v auth.Viewer) string {
	switch {
	case v.Is(b.Owner):
		return db.OwnerRelation
	case v.IsMember():
		return b.Relation
	default:
		return ""
	}
}

// VisibleTo reports whether the viewer owns the row or has another relation to it.
func (b *By) VisibleTo(v auth.Viewer) bool { return b.RelationTo(v) != "" }

// ByVisibility is for embedding in the struct of a type whose rows have a visibility.
type ByVisibility struct {
	By

	Visibility Visibility
}

// VisibleTo reports whether the row's visibility, or a relation, admits the viewer.
func (b *ByVisibility) VisibleTo(v auth.Viewer) bool {
	switch b.Visibility {
	case Public:
		return true
	case Members:
		return v.IsMember()
	default:
		return b.By.VisibleTo(v)
	}
}

// Visibility says which viewers may see a row besides its owner.
type Visibility string

// The values of the schema's enum ProfileVisibility and of the column visibility.
const (
	Private Visibility = "PRIVATE" // no one else
	Members Visibility = "MEMBERS" // members
	Public  Visibility = "PUBLIC"  // everyone
)

// Visibilities has all values of Visibility, from the narrowest to the widest.
var Visibilities = []Visibility{Private, Members, Public}

// UnmarshalGQL reads the enum.
func (v *Visibility) UnmarshalGQL(value any) error {
	text, _ := value.(string)
	for _, known := range Visibilities {
		if string(known) == text {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("%v is not a visibility", value)
}

// MarshalGQL writes the enum.
func (v Visibility) MarshalGQL(w io.Writer) { io.WriteString(w, strconv.Quote(string(v))) } //nolint:errcheck // as gqlgen's own
