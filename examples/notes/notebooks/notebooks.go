// Package notebooks owns notebooks: their visibility decides who sees them, and their owners share them with editors and members.
package notebooks

import (
	"context"
	"embed"
	"io/fs"

	"github.com/google/uuid"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/owned"

	"example.com/notes/graph/model"
)

//go:embed migrations
var files embed.FS

//go:embed mails
var mailFiles embed.FS

// Module returns the module of notebooks.
func Module() app.Module {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	mails, err := fs.Sub(mailFiles, "mails")
	if err != nil {
		panic(err) // as above
	}
	return app.Module{
		Name: "notebooks", Migrations: migrations, Types: []owned.Type{notebookType},
		Mails: []mail.Extra{{Kind: invitationMail, Secret: true, Page: "/invitation#code={code}", Files: mails}},
		Functions: map[string]access.Layer{
			"Mutation.inviteToNotebook": {Name: "app.invite_to_notebook", Admits: access.Admits(Editor)},
			"Mutation.revokeInvitation": {Name: "app.revoke_invitation", Admits: access.AdmitsOwner},
			"Mutation.acceptInvitation": {Name: "app.accept_invitation", Admits: access.AdmitsMembers},
			"Mutation.leaveNotebook":    {Name: "app.leave_notebook", Admits: access.Admits(Member)},
			"Mutation.changeMemberRole": {Name: "app.change_member_role", Admits: access.AdmitsOwner},
			"Mutation.removeMember":     {Name: "app.remove_member", Admits: access.AdmitsOwner},
			"Mutation.transferNotebook": {Name: "app.transfer_notebook", Admits: access.AdmitsOwner},
		},
	}
}

// The relations to a notebook, and to everything in it, besides that of its owner.
const (
	Editor = "EDITOR"
	Member = "MEMBER"
)

// Relations has them, the strongest first.
var Relations = []string{Editor, Member}

var notebookType = owned.Declare(owned.Type{
	Name: "Notebook", Model: &model.Notebook{},
	Table: db.Table{
		Name: "notebooks", Admits: db.AdmitsVisible, Insert: true, Delete: true,
		Update: []string{"title", "visibility", "updated_at"}, OwnerUpdate: []string{"visibility"},
		Relation: "app.notebook_relation(id)", Relations: Relations, As: map[string]string{"UPDATE": Editor},
	},
	Fields: map[string]owned.Part{
		"members": {Row: "notebook_id", Table: db.Table{
			Name: "notebook_members", Admits: db.AdmitsRelated, Relation: "app.notebook_relation(notebook_id)", Relations: Relations,
		}},
		"invitations": {Row: "notebook_id", Table: db.Table{
			Name: "notebook_invitations", OfParent: true, Relation: "app.notebook_relation(notebook_id)",
		}},
	},
	Rows: func(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
		found, err := find(ctx, tx, ids)
		rows := make([]owned.Row, len(found))
		for i := range found {
			rows[i] = found[i].model()
		}
		return rows, err
	},
})
