package main

import (
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/freeholdtest"

	"example.com/notes/modules"
)

func TestMain(m *testing.M) { freeholdtest.Main(m, modules.Program) }

// disarmed makes the functions of sharing refuse nobody, so that the rules in front of them are tested alone.
const disarmed = `
	CREATE OR REPLACE FUNCTION app.manages_notebook(p_id uuid, p_as text[]) RETURNS boolean
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS 'SELECT true'`

// Each field of each type answers to each viewer what its rule says: with rules and policies together, and with each alone.
func TestAccess(t *testing.T) {
	freeholdtest.Run(t, modules.Program,
		freeholdtest.Seed{
			Type:   "Notebook",
			Relate: `INSERT INTO app.notebook_members (notebook_id, user_id, role) VALUES ($1, $2, $3)`,
			Furnish: []string{
				`WITH u AS (INSERT INTO app.users (id) VALUES (gen_random_uuid()) RETURNING id)
				 INSERT INTO app.notebook_members (notebook_id, user_id, role) SELECT $1, id, 'MEMBER' FROM u`,
				`INSERT INTO app.notebook_invitations (id, notebook_id, user_id, role, email, secret_hash, expires_at)
				 VALUES (gen_random_uuid(), $1, $2, 'EDITOR', 'somebody@example.org', sha256(gen_random_uuid()::text::bytea), now() + interval '1 day')`,
			},
			Values: map[string]func(int) any{
				"InviteToNotebookInput.email":        func(int) any { return nil }, // by link
				"RevokeInvitationInput.invitationId": func(int) any { return uuid.Nil.String() },
			},
			ByHand: map[string]string{
				"Mutation.acceptInvitation": "TestTransferredNotebook: it takes a code",
				"Mutation.leaveNotebook":    "TestTransferredNotebook: the owner cannot leave",
				"Mutation.changeMemberRole": "TestChangedRoles: it takes a member",
				"Mutation.removeMember":     "TestChangedRoles: it takes a member",
				"Mutation.transferNotebook": "TestTransferredNotebook: it takes a member",
				"Mutation.revokeInvitation": "TestChangedRoles: it takes an invitation",
			},
			Disarm: []string{disarmed},
		},
		freeholdtest.Seed{Type: "Comment", IDOf: map[string]string{"Comment.authorId": "User"}},
		freeholdtest.Seed{
			Type:      "Organisation",
			NullAfter: map[string]map[string]string{"Mutation.createOrganisation": {"Organisation.parentId": "no organisation is its parent yet"}},
			Relate:    `INSERT INTO app.organisation_members (organisation_id, user_id, role) VALUES ($1, $2, $3)`,
			Furnish: []string{
				`WITH u AS (INSERT INTO app.users (id) VALUES (gen_random_uuid()) RETURNING id)
				 INSERT INTO app.organisation_members (organisation_id, user_id, role) SELECT $1, id, 'MEMBER' FROM u`,
				`WITH p AS (INSERT INTO app.organisations (id, user_id, name) VALUES (gen_random_uuid(), $2, 'The parent') RETURNING id)
				 UPDATE app.organisations o SET parent_id = p.id FROM p WHERE o.id = $1`,
			},
			ByHand: map[string]string{
				"Mutation.moveOrganisation":         "TestOrganisationMembers: it takes two organisations",
				"Mutation.setOrganisationMember":    "TestOrganisationMembers: it takes another user",
				"Mutation.removeOrganisationMember": "TestOrganisationMembers: it takes a member",
				"Mutation.leaveOrganisation":        "TestOrganisationMembers: the owner cannot leave",
			},
		})
}
