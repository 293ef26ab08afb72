// Package seeds has what the tests of both programs say about types whose schema says too little for the proof of access rules. It
// is for tests only.
package seeds

import (
	"github.com/google/uuid"

	"freehold.dev/freehold/freeholdtest"
)

// Notebook says how users get relations to notebooks. The tests beside the program call the mutations that change them by hand.
var Notebook = freeholdtest.Seed{
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
}
