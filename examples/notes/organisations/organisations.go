// Package organisations owns organisations: their owners and admins decide who is a member. Row policies alone protect the members, so
// that no function writes them.
package organisations

import (
	"context"
	"embed"
	"io/fs"

	"github.com/google/uuid"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/owned"

	"example.com/notes/graph/model"
)

//go:embed migrations
var files embed.FS

// Module returns the module of organisations.
func Module() app.Module {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return app.Module{
		Name: "organisations", Migrations: migrations, Types: []owned.Type{organisationType},
		Scopes: map[string]string{moderate: "See and delete any organisation."},
		Functions: map[string]access.Layer{
			"Mutation.leaveOrganisation": {Name: "app.leave_organisation", Admits: member},
			"Mutation.moveOrganisation":  {Name: "organisations_owner_updates", Admits: access.AdmitsOwner}, // the trigger
		},
	}
}

// The relations to an organisation besides that of its owner.
const (
	admin  = "ADMIN"
	member = "MEMBER"
)

var relations = []string{admin, member}

// moderate is the scope of operators who see and delete any organisation.
const moderate = "organisations:moderate"

var organisationType = owned.Declare(owned.Type{
	Name: "Organisation", Model: &model.Organisation{},
	Table: db.Table{
		Name: "organisations", Admits: db.AdmitsRelated, Insert: true, Delete: true,
		Update: []string{"name", "parent_id", "updated_at"}, OwnerUpdate: []string{"parent_id"},
		Relation: "app.organisation_relation(id)", Relations: relations, As: map[string]string{"UPDATE": admin},
		Scopes: map[string][]string{"SELECT": {moderate}, "DELETE": {moderate}},
	},
	Fields: map[string]owned.Part{"members": {Row: "organisation_id", Table: db.Table{
		Name: "organisation_members", Admits: db.AdmitsRelated, OfParent: true, Insert: true, Update: []string{"role"}, Delete: true,
		Relation: "app.organisation_relation(organisation_id)", Relations: relations, As: map[string]string{"INSERT": admin, "UPDATE": admin, "DELETE": admin},
	}}},
	Rows: func(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
		found, err := find(ctx, tx, ids)
		rows := make([]owned.Row, len(found))
		for i := range found {
			rows[i] = found[i].model()
		}
		return rows, err
	},
})
