package main

import (
	"testing"

	"freehold.dev/freehold/freeholdtest"

	"example.com/notes/modules"
	"example.com/notes/seeds"
)

func TestMain(m *testing.M) { freeholdtest.Main(m, modules.Program) }

// Each field of each type answers to each viewer what its rule says: with rules and policies together, and with each alone.
func TestAccess(t *testing.T) {
	freeholdtest.Run(t, modules.Program,
		seeds.Notebook,
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
