package main

import (
	"testing"

	"freehold.dev/freehold/freeholdtest"
	"github.com/google/uuid"

	"example.com/notes/modules"
)

func TestMain(m *testing.M) { freeholdtest.Main(m, modules.Program) }

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
			Values: map[string]func(int) any{"RevokeInvitationInput.invitationId": func(int) any { return uuid.NewString() }},
			ByHand: map[string]string{
				"Mutation.acceptInvitation": "TestInvitations", "Mutation.leaveNotebook": "TestMembers", "Mutation.changeMemberRole": "TestMembers",
				"Mutation.removeMember": "TestMembers", "Mutation.transferNotebook": "TestMembers", "Mutation.revokeInvitation": "TestInvitations",
				"Mutation.inviteToNotebook": "TestInvitations",
			},
		},
		freeholdtest.Seed{
			Type:   "Organisation",
			Relate: `INSERT INTO app.organisation_members (organisation_id, user_id, role) VALUES ($1, $2, $3)`,
			Furnish: []string{
				`WITH u AS (INSERT INTO app.users (id) VALUES (gen_random_uuid()) RETURNING id)
				 INSERT INTO app.organisation_members (organisation_id, user_id, role) SELECT $1, id, 'MEMBER' FROM u`,
			},
			ByHand: map[string]string{
				"Mutation.moveOrganisation": "TestMembers", "Mutation.setOrganisationMember": "TestMembers", "Mutation.removeOrganisationMember": "TestMembers",
				"Mutation.leaveOrganisation": "TestMembers",
			},
		})
}
