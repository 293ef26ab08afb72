// Package model owns the Go types of the GraphQL schema: those that gqlgen generates, the scalars, and for each owned
// type whose a row is and who may see it. It must not know where rows come from.
package model

import (
	"github.com/google/uuid"

	"freehold/auth"
)

// RowID returns the user's id.
func (u *User) RowID() uuid.UUID { return u.Owner }

// OwnerID returns the user himself.
func (u *User) OwnerID() uuid.UUID { return u.Owner }

// VisibleTo reports whether the viewer may see the user: whoever sees the profile does.
func (u *User) VisibleTo(v auth.Viewer) bool { return u.Visibility.admits(v, u.Owner) }

// RowID returns the profile's id.
func (p *Profile) RowID() uuid.UUID { return uuid.MustParse(p.ID) }

// OwnerID returns the id of the profile's user.
func (p *Profile) OwnerID() uuid.UUID { return p.Owner }

// VisibleTo reports whether the viewer may see the profile, by its visibility.
func (p *Profile) VisibleTo(v auth.Viewer) bool { return p.Visibility.admits(v, p.Owner) }

// RowID returns the session's id.
func (s *Session) RowID() uuid.UUID { return uuid.MustParse(s.ID) }

// OwnerID returns the id of the user whose session this is.
func (s *Session) OwnerID() uuid.UUID { return s.Owner }

// VisibleTo reports whether the viewer may see the session: it is its owner's alone.
func (s *Session) VisibleTo(v auth.Viewer) bool { return v.Is(s.Owner) }

// admits says in Go what the row policy profiles_select says in SQL.
func (x ProfileVisibility) admits(v auth.Viewer, owner uuid.UUID) bool {
	switch x {
	case ProfileVisibilityPublic:
		return true
	case ProfileVisibilityMembers:
		return v.IsMember()
	default:
		return v.Is(owner)
	}
}
