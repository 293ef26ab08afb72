package main

import (
	"testing"

	"freehold.dev/freehold/freeholdtest"

	"example.com/notes/modules"
	"example.com/notes/seeds"
)

func TestMain(m *testing.M) { freeholdtest.Main(m, modules.Program) }

// sameOwner is why one of the two rules of moveOrganisation is enough for the requests of the proof.
const sameOwner = "the other rule asks for the owner too, and a foreign key gives both organisations the same owner"

// Each field of each type answers to each viewer what its rule says: with rules and policies together, and with each alone.
func TestAccess(t *testing.T) {
	freeholdtest.Run(t, modules.Program,
		seeds.Notebook, seeds.Comment,
		freeholdtest.Seed{
			Type:      "Organisation",
			NullAfter: map[string]map[string]string{"Mutation.createOrganisation": {"Organisation.parentId": "no organisation is its parent yet"}},
			RuleAlone: map[string]string{"User.organisations": "operators who moderate organisations see the rows, and the list is for its user"},
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
			Equivalent: map[string]string{
				`Mutation.moveOrganisation @owner(of: "Organisation", id: "input.id") as ADMIN`:             sameOwner,
				`Mutation.moveOrganisation @owner(of: "Organisation", id: "input.organisationId") as ADMIN`: sameOwner,
			},
		})
}
