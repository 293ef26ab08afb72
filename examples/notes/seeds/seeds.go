// Package seeds has what the tests of both programs say about types whose schema says too little for the proof of access rules. It
// is for tests only.
package seeds

import (
	"github.com/google/uuid"

	"freehold.dev/freehold/freeholdtest"
)

// disarmed makes the functions of sharing refuse nobody, so that the rules in front of them are tested alone.
const disarmed = `
	CREATE OR REPLACE FUNCTION app.manages_notebook(p_id uuid, p_as text[]) RETURNS boolean
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS 'SELECT true'`

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
	Values: map[string]func(int) any{
		"InviteToNotebookInput.email":        func(int) any { return nil }, // by link
		"RevokeInvitationInput.invitationId": func(int) any { return uuid.Nil.String() },
	},
	ByHand: map[string]string{
		"Mutation.acceptInvitation": "TestInvitationByMail: it takes a code",
		"Mutation.leaveNotebook":    "TestTransferredNotebook: the owner cannot leave",
		"Mutation.changeMemberRole": "TestChangedRoles: it takes a member",
		"Mutation.removeMember":     "TestChangedRoles: it takes a member",
		"Mutation.transferNotebook": "TestTransferredNotebook: it takes a member",
		"Mutation.revokeInvitation": "TestChangedRoles: it takes an invitation",
	},
	Disarm: []string{disarmed},
}

// Comment says whose id a comment shows.
var Comment = freeholdtest.Seed{Type: "Comment", IDOf: map[string]string{"Comment.authorId": "User"}}
