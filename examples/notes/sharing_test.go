package main

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"

	"example.com/notes/modules"
)

func program(t *testing.T) *app.Program {
	t.Helper()
	p, err := modules.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	createNotebook = `mutation ($i: CreateNotebookInput!) { createNotebook(input: $i) { notebook { id } } }`
	invite         = `mutation ($i: InviteToNotebookInput!) { inviteToNotebook(input: $i) { code } }`
	accept         = `mutation ($i: AcceptInvitationInput!) { acceptInvitation(input: $i) { notebook { id } } }`
	leave          = `mutation ($i: LeaveNotebookInput!) { leaveNotebook(input: $i) { leftNotebookId } }`
	changeRole     = `mutation ($i: ChangeMemberRoleInput!) { changeMemberRole(input: $i) { changedUserId } }`
	removeMember   = `mutation ($i: RemoveMemberInput!) { removeMember(input: $i) { removedUserId } }`
	transfer       = `mutation ($i: TransferNotebookInput!) { transferNotebook(input: $i) { transferredNotebookId } }`
	revoke         = `mutation ($i: RevokeInvitationInput!) { revokeInvitation(input: $i) { revokedInvitationId } }`
	createNote     = `mutation ($i: CreateNoteInput!) { createNote(input: $i) { note { id } } }`
	createComment  = `mutation ($i: CreateCommentInput!) { createComment(input: $i) { comment { id } } }`
	updateNotebook = `mutation ($i: UpdateNotebookInput!) { updateNotebook(input: $i) { notebook { id } } }`
)

// shared is a service with a private notebook of ann, of which bob is an editor and cal a member. Dan is nothing.
type shared struct {
	*harness.Service
	ann, bob, cal, dan harness.Account
	notebook           string
}

func share(t *testing.T, x harness.Setup) *shared {
	t.Helper()
	x.Program = program(t)
	s := &shared{Service: x.Start(t)}
	s.ann, s.bob, s.cal, s.dan = s.SignUp(nil), s.SignUp(nil), s.SignUp(nil), s.SignUp(nil)
	s.notebook = s.id(s.ann, createNotebook, "title", "Ours")
	s.join(s.bob, "EDITOR")
	s.join(s.cal, "MEMBER")
	return s
}

// id returns the first id in the reply to a mutation.
func (s *shared) id(as harness.Account, mutation string, pairs ...any) string {
	s.T.Helper()
	r := s.Must(as.Token, mutation, harness.Input(pairs...))
	_, after, _ := strings.Cut(r.Body, `"id":"`)
	id, _, _ := strings.Cut(after, `"`)
	return id
}

// code returns the code of a new invitation to the notebook of ann.
func (s *shared) code(as harness.Account, role string) string {
	s.T.Helper()
	return s.codeOf(as, s.notebook, role)
}

// codeOf returns the code of a new invitation to a notebook.
func (s *shared) codeOf(as harness.Account, notebook, role string) string {
	s.T.Helper()
	var data struct{ InviteToNotebook struct{ Code string } }
	s.Must(as.Token, invite, harness.Input("notebookId", notebook, "role", role)).Into(s.T, &data)
	return data.InviteToNotebook.Code
}

func (s *shared) join(a harness.Account, role string) {
	s.T.Helper()
	s.Must(a.Token, accept, harness.Input("code", s.code(s.ann, role)))
}

// state describes who has which relation to what, and which invitations are open.
func (s *shared) state() []string {
	s.T.Helper()
	return s.DB.Query(s.T, `
		SELECT 'notebook ' || id || user_id || visibility FROM app.notebooks
		 UNION ALL SELECT 'member ' || notebook_id || user_id || role FROM app.notebook_members
		 UNION ALL SELECT 'invitation ' || notebook_id || user_id || role FROM app.notebook_invitations
		 UNION ALL SELECT 'note ' || id || user_id FROM app.notes
		 UNION ALL SELECT 'mail ' || id FROM app.outbox
		 UNION ALL SELECT 'organisation ' || id || COALESCE(parent_id::text, '') FROM app.organisations
		 UNION ALL SELECT 'organisation member ' || organisation_id || user_id || role FROM app.organisation_members
		 ORDER BY 1`)
}

// Invalid input gets an error with a code that names the field, and changes nothing.
func TestSharingRefusesInvalidInput(t *testing.T) {
	t.Parallel()
	s := share(t, harness.Setup{})
	gone := s.SignUp(nil)
	s.join(gone, "EDITOR")
	left, used, expired := s.code(gone, "MEMBER"), s.code(s.ann, "MEMBER"), s.code(s.ann, "MEMBER")
	s.Must(gone.Token, leave, harness.Input("notebookId", s.notebook))
	late := s.SignUp(nil)
	s.join(late, "EDITOR")
	demoted := s.code(late, "MEMBER")
	s.Must(s.ann.Token, changeRole, harness.Input("notebookId", s.notebook, "userId", late.UserID, "role", "MEMBER"))
	away := s.SignUp(nil)
	s.join(away, "EDITOR")
	theirs := s.id(away, createNotebook, "title", "Theirs")
	byAway, inTheirs := s.code(away, "MEMBER"), s.codeOf(away, theirs, "MEMBER")
	s.Must(s.cal.Token, accept, harness.Input("code", s.codeOf(away, theirs, "MEMBER")))
	s.DB.Query(t, `SELECT app.set_disabled($1, true, NULL)`, away.UserID)
	s.Must(s.SignUp(nil).Token, accept, harness.Input("code", used))
	s.DB.Query(t, `UPDATE app.notebook_invitations SET expires_at = now() WHERE id = (SELECT id FROM app.notebook_invitations WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1)`, s.ann.UserID)
	open, byBob := s.code(s.ann, "MEMBER"), s.code(s.bob, "MEMBER")
	parent := s.id(s.ann, `mutation ($i: CreateOrganisationInput!) { createOrganisation(input: $i) { organisation { id } } }`, "name", "A")
	child := s.id(s.ann, `mutation ($i: CreateOrganisationInput!) { createOrganisation(input: $i) { organisation { id } } }`, "name", "B")
	const move = `mutation ($i: MoveOrganisationInput!) { moveOrganisation(input: $i) { organisation { id } } }`
	const setMember = `mutation ($i: SetOrganisationMemberInput!) { setOrganisationMember(input: $i) { memberUserId } }`
	s.Must(s.ann.Token, move, harness.Input("id", child, "organisationId", parent))
	in := func(pairs ...any) harness.Vars {
		return harness.Input(append([]any{"notebookId", s.notebook}, pairs...)...)
	}
	for _, c := range []struct {
		name     string
		as       harness.Account
		mutation string
		input    harness.Vars
		code     string
		field    string // of BAD_USER_INPUT
	}{
		{"an invitation that was used", s.dan, accept, harness.Input("code", used), "BAD_USER_INPUT", "input.code INVALID"},
		{"an invitation that has expired", s.dan, accept, harness.Input("code", expired), "BAD_USER_INPUT", "input.code INVALID"},
		{"an invitation from someone who has left", s.dan, accept, harness.Input("code", left), "BAD_USER_INPUT", "input.code INVALID"},
		{"an invitation from someone who is no longer an editor", s.dan, accept, harness.Input("code", demoted), "BAD_USER_INPUT", "input.code INVALID"},
		{"an invitation from someone who is disabled", s.dan, accept, harness.Input("code", byAway), "BAD_USER_INPUT", "input.code INVALID"},
		{"an invitation to the notebook of someone who is disabled", s.dan, accept, harness.Input("code", inTheirs), "BAD_USER_INPUT", "input.code INVALID"},
		{"an invitation of a member to the notebook of someone who is disabled", s.cal, accept, harness.Input("code", inTheirs), "BAD_USER_INPUT", "input.code INVALID"},
		{"an invitation that does not exist", s.dan, accept, harness.Input("code", "x"), "BAD_USER_INPUT", "input.code INVALID"},
		{"no code", s.dan, accept, harness.Input("code", ""), "BAD_USER_INPUT", "input.code INVALID"},
		{"the owner's own invitation", s.ann, accept, harness.Input("code", open), "BAD_USER_INPUT", "input.code SELF"},
		{"an editor's own invitation", s.bob, accept, harness.Input("code", byBob), "BAD_USER_INPUT", "input.code SELF"},
		{"an invitation of a member", s.cal, accept, harness.Input("code", open), "BAD_USER_INPUT", "input.code MEMBER"},
		{"an invitation of the owner", s.ann, accept, harness.Input("code", byBob), "BAD_USER_INPUT", "input.code MEMBER"},
		{"an invitation to oneself", s.ann, invite, in("role", "MEMBER", "email", strings.ToUpper(s.ann.Email)), "BAD_USER_INPUT", "input.email SELF"},
		{"an invitation to no address", s.ann, invite, in("role", "MEMBER", "email", "dan"), "BAD_USER_INPUT", "input.email INVALID"},
		{"an invitation with an unknown role", s.ann, invite, in("role", "ADMIN"), "BAD_USER_INPUT", ""},
		{"an unknown role", s.ann, changeRole, in("userId", s.cal.UserID, "role", "OWNER"), "BAD_USER_INPUT", ""},
		{"a role of the owner", s.ann, changeRole, in("userId", s.ann.UserID, "role", "EDITOR"), "BAD_USER_INPUT", "input.userId OWNER"},
		{"a role of a stranger", s.ann, changeRole, in("userId", s.dan.UserID, "role", "EDITOR"), "BAD_USER_INPUT", "input.userId STRANGER"},
		{"a role of nobody", s.ann, changeRole, in("userId", "x", "role", "EDITOR"), "BAD_USER_INPUT", "input.userId STRANGER"},
		{"the owner leaves", s.ann, leave, in(), "BAD_USER_INPUT", "input.notebookId OWNER"},
		{"removing the owner", s.ann, removeMember, in("userId", s.ann.UserID), "BAD_USER_INPUT", "input.userId OWNER"},
		{"removing a stranger", s.ann, removeMember, in("userId", s.dan.UserID), "BAD_USER_INPUT", "input.userId STRANGER"},
		{"a transfer to a stranger", s.ann, transfer, in("userId", s.dan.UserID), "BAD_USER_INPUT", "input.userId STRANGER"},
		{"a transfer to the owner", s.ann, transfer, in("userId", s.ann.UserID), "BAD_USER_INPUT", "input.userId OWNER"},
		{"a member who invites", s.cal, invite, in("role", "MEMBER"), "FORBIDDEN", ""},
		{"an editor who removes", s.bob, removeMember, in("userId", s.cal.UserID), "FORBIDDEN", ""},
		{"an editor who changes a role", s.bob, changeRole, in("userId", s.cal.UserID, "role", "EDITOR"), "FORBIDDEN", ""},
		{"an editor who transfers", s.bob, transfer, in("userId", s.bob.UserID), "FORBIDDEN", ""},
		{"an editor who revokes", s.bob, revoke, in("invitationId", s.notebook), "FORBIDDEN", ""},
		{"an editor who shows the notebook to all", s.bob, updateNotebook, harness.Input("id", s.notebook, "visibility", "PUBLIC"), "FORBIDDEN", ""},
		{"a member who writes a note", s.cal, createNote, in("body", "x"), "FORBIDDEN", ""},
		{"a stranger who leaves", s.dan, leave, in(), "NOT_FOUND", ""},
		{"a stranger who writes a note", s.dan, createNote, in("body", "x"), "NOT_FOUND", ""},
		{"an organisation in one of its parts", s.ann, move, harness.Input("id", parent, "organisationId", child), "BAD_USER_INPUT", "input.organisationId CYCLE"},
		{"an organisation in another user's", s.dan, move, harness.Input("id", parent, "organisationId", parent), "NOT_FOUND", ""},
		{"the owner as a member of an organisation", s.ann, setMember, harness.Input("organisationId", parent, "userId", s.ann.UserID, "role", "ADMIN"), "BAD_USER_INPUT", "input.userId STRANGER"},
		{"a hidden user as a member of an organisation", s.ann, setMember, harness.Input("organisationId", parent, "userId", s.dan.UserID, "role", "ADMIN"), "BAD_USER_INPUT", "input.userId STRANGER"},
		{
			"the owner leaves an organisation", s.ann, `mutation ($i: LeaveOrganisationInput!) { leaveOrganisation(input: $i) { leftOrganisationId } }`,
			harness.Input("organisationId", parent), "BAD_USER_INPUT", "input.organisationId OWNER",
		},
	} {
		before := s.state()
		r := s.Do(c.as.Token, c.mutation, c.input)
		if r.Code() != c.code || c.field != "" && !slices.Equal(r.Fields(), []string{c.field}) {
			t.Errorf("%s: got %s, want %s %s", c.name, r.Body, c.code, c.field)
		}
		if after := s.state(); !slices.Equal(before, after) {
			t.Errorf("%s: it changed\n%s\nto\n%s", c.name, strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	}
}

// A notebook changes hands: its notes follow, and the former owner stays an editor.
func TestTransferredNotebook(t *testing.T) {
	t.Parallel()
	s := share(t, harness.Setup{})
	note := s.id(s.ann, createNote, "notebookId", s.notebook, "body", "x")
	s.id(s.cal, createComment, "noteId", note, "body", "y")
	s.Must(s.ann.Token, transfer, harness.Input("notebookId", s.notebook, "userId", s.cal.UserID))
	const mine = `{ node(id: "%") { ... on Notebook { viewerCan { actions edit } members { nodes { userId role } } notes { nodes { body viewerCan { actions } comments { nodes { body } } } } } } }`
	for _, c := range []struct {
		as   harness.Account
		want string
	}{
		{s.cal, `"edit":["TITLE","VISIBILITY"]`},
		{s.ann, `"edit":["TITLE"]`},
		{s.bob, `"edit":["TITLE"]`},
	} {
		r := s.Must(c.as.Token, strings.Replace(mine, "%", s.notebook, 1), nil)
		if !strings.Contains(r.Body, c.want) || !strings.Contains(r.Body, `"body":"x"`) || !strings.Contains(r.Body, `"body":"y"`) {
			t.Errorf("%s: got %s, want %s", c.as.Username, r.Body, c.want)
		}
	}
	if r := s.Do(s.ann.Token, transfer, harness.Input("notebookId", s.notebook, "userId", s.bob.UserID)); r.Code() != "FORBIDDEN" {
		t.Errorf("the former owner transfers it again: %s", r.Body)
	}
	s.Must(s.ann.Token, createNote, harness.Input("notebookId", s.notebook, "body", "z"))
	s.Must(s.ann.Token, leave, harness.Input("notebookId", s.notebook))
	if r := s.Do(s.ann.Token, strings.Replace(mine, "%", s.notebook, 1), nil); !strings.Contains(r.Body, `"node":null`) {
		t.Errorf("after leaving: %s", r.Body)
	}
}

// The code of an invitation by mail is in the mail only, and works once. Its owner sees the invitation, without the code.
func TestInvitationByMail(t *testing.T) {
	t.Parallel()
	s := share(t, harness.Setup{Settings: []string{"FREEHOLD_APP_URL=https://notes.example.org/"}})
	s.Work()
	r := s.Must(s.bob.Token, invite, harness.Input("notebookId", s.notebook, "role", "EDITOR", "email", s.dan.Email))
	if !strings.Contains(r.Body, `"code":null`) {
		t.Errorf("the inviter got %s", r.Body)
	}
	mail := s.MailTo(s.dan.Email, "notebook_invitation", 1)
	_, code, found := strings.Cut(mail.Link, "https://notes.example.org/invitation#code=")
	if !found || !strings.Contains(mail.Text, code) {
		t.Fatalf("the mail is %+v", mail)
	}
	list := s.Must(s.ann.Token, `query ($id: ID!) { node(id: $id) { ... on Notebook { invitations { nodes { invitedBy role email } } } } }`, harness.Vars{"id": s.notebook})
	if !strings.Contains(list.Body, `{"invitedBy":"`+s.bob.UserID+`","role":"EDITOR","email":"`+s.dan.Email+`"}`) {
		t.Errorf("the owner sees %s", list.Body)
	}
	if rows := strings.Join(s.AllRows(), "\n"); strings.Contains(rows, code) {
		t.Error("the database has the code")
	}
	s.Must(s.dan.Token, accept, harness.Input("code", code))
	s.Must(s.dan.Token, createNote, harness.Input("notebookId", s.notebook, "body", "x"))
	if r := s.Do(s.SignUp(nil).Token, accept, harness.Input("code", code)); !slices.Equal(r.Fields(), []string{"input.code INVALID"}) {
		t.Errorf("a second use: %s", r.Body)
	}
}

// A page of 50 rows costs its other viewers at most one statement more than its owner, however they are related to it.
func TestRelationsCostNoQueries(t *testing.T) {
	t.Parallel()
	var ran atomic.Int64
	s := share(t, harness.Setup{Options: app.Options{Observe: func(string) { ran.Add(1) }}, Settings: []string{"FREEHOLD_COST_LIMIT=1000000"}})
	for range 50 {
		note := s.id(s.ann, createNote, "notebookId", s.notebook, "body", "x")
		s.DB.Query(t, `
			WITH b AS (INSERT INTO app.notebooks (id, user_id, title, visibility) VALUES (gen_random_uuid(), $1, 'x', 'PRIVATE') RETURNING id)
			INSERT INTO app.notebook_members (notebook_id, user_id, role) SELECT b.id, m.user_id, m.role FROM b, app.notebook_members m WHERE m.notebook_id = $2`,
			s.ann.UserID, s.notebook)
		s.DB.Query(t, `INSERT INTO app.comments (id, note_id, body) VALUES (gen_random_uuid(), $1, 'y')`, note)
	}
	for _, query := range []string{
		`{ notebooks(first: 50) { nodes { title viewerCan { actions see edit } } } }`,
		`query ($id: ID!) { node(id: $id) { ... on Notebook { notes(first: 50) { nodes { body viewerCan { actions see edit } } } } } }`,
		`query ($id: ID!) { node(id: $id) { ... on Notebook { members { nodes { role } } } } }`,
	} {
		cost := func(a harness.Account) int64 {
			before := ran.Load()
			if r := s.Must(a.Token, query, harness.Vars{"id": s.notebook}); len(r.Body) < 70 {
				t.Errorf("%s as %s: %s", query, a.Username, r.Body)
			}
			return ran.Load() - before
		}
		owner := cost(s.ann)
		for _, a := range []harness.Account{s.bob, s.cal} {
			if n := cost(a); n > owner+1 {
				t.Errorf("%s costs %s %d statements, and the owner %d", query, a.Username, n, owner)
			}
		}
	}
}

// The owner changes roles, removes members and withdraws invitations. All of it applies at once.
func TestChangedRoles(t *testing.T) {
	t.Parallel()
	s := share(t, harness.Setup{})
	in := func(pairs ...any) harness.Vars {
		return harness.Input(append([]any{"notebookId", s.notebook}, pairs...)...)
	}
	s.Must(s.ann.Token, changeRole, in("userId", s.cal.UserID, "role", "EDITOR"))
	s.Must(s.cal.Token, createNote, in("body", "x"))
	code := s.code(s.cal, "EDITOR")
	s.Must(s.ann.Token, changeRole, in("userId", s.bob.UserID, "role", "MEMBER"))
	if r := s.Do(s.bob.Token, createNote, in("body", "x")); r.Code() != "FORBIDDEN" {
		t.Errorf("a former editor writes: %s", r.Body)
	}
	s.Must(s.ann.Token, removeMember, in("userId", s.cal.UserID))
	if r := s.Do(s.cal.Token, createNote, in("body", "x")); r.Code() != "NOT_FOUND" {
		t.Errorf("a former member writes: %s", r.Body)
	}
	if r := s.Do(s.dan.Token, accept, harness.Input("code", code)); !slices.Equal(r.Fields(), []string{"input.code INVALID"}) {
		t.Errorf("the invitation of a former member: %s", r.Body)
	}
	code = s.code(s.ann, "EDITOR")
	var data struct {
		Node struct {
			Invitations struct{ Nodes []struct{ ID string } }
		}
	}
	s.Must(s.ann.Token, `query ($id: ID!) { node(id: $id) { ... on Notebook { invitations { nodes { id } } } } }`, harness.Vars{"id": s.notebook}).Into(t, &data)
	if len(data.Node.Invitations.Nodes) != 1 {
		t.Fatalf("the invitations are %+v", data)
	}
	for range 2 { // a retry has the same result
		s.Must(s.ann.Token, revoke, in("invitationId", data.Node.Invitations.Nodes[0].ID))
	}
	if r := s.Do(s.dan.Token, accept, harness.Input("code", code)); !slices.Equal(r.Fields(), []string{"input.code INVALID"}) {
		t.Errorf("an invitation that was withdrawn: %s", r.Body)
	}
}

// The admins of an organisation decide who is a member, and members leave.
func TestOrganisationMembers(t *testing.T) {
	t.Parallel()
	s := &shared{Service: harness.Setup{Program: program(t)}.Start(t)}
	public := harness.Vars{"visibility": "PUBLIC"}
	ann, bob, cal := s.SignUp(public), s.SignUp(public), s.SignUp(public)
	id := s.id(ann, `mutation ($i: CreateOrganisationInput!) { createOrganisation(input: $i) { organisation { id } } }`, "name", "A")
	const (
		set    = `mutation ($i: SetOrganisationMemberInput!) { setOrganisationMember(input: $i) { memberUserId } }`
		remove = `mutation ($i: RemoveOrganisationMemberInput!) { removeOrganisationMember(input: $i) { removedUserId } }`
		quit   = `mutation ($i: LeaveOrganisationInput!) { leaveOrganisation(input: $i) { leftOrganisationId } }`
		mine   = `{ organisations { nodes { id } } }`
	)
	s.Must(ann.Token, set, harness.Input("organisationId", id, "userId", bob.UserID, "role", "MEMBER"))
	if r := s.Do(bob.Token, set, harness.Input("organisationId", id, "userId", cal.UserID, "role", "MEMBER")); r.Code() != "FORBIDDEN" {
		t.Errorf("a member adds a member: %s", r.Body)
	}
	s.Must(ann.Token, set, harness.Input("organisationId", id, "userId", bob.UserID, "role", "ADMIN"))
	s.Must(bob.Token, set, harness.Input("organisationId", id, "userId", cal.UserID, "role", "MEMBER"))
	r := s.Must(cal.Token, `{ organisations { nodes { members { nodes { userId role } } } } }`, nil)
	for _, want := range []string{`{"userId":"` + bob.UserID + `","role":"ADMIN"}`, `{"userId":"` + cal.UserID + `","role":"MEMBER"}`} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the members are %s, want %s", r.Body, want)
		}
	}
	if r := s.Must(cal.Token, mine, nil); !strings.Contains(r.Body, id) {
		t.Errorf("a member finds %s", r.Body)
	}
	s.Must(cal.Token, quit, harness.Input("organisationId", id))
	if r := s.Must(cal.Token, mine, nil); strings.Contains(r.Body, id) {
		t.Errorf("a former member finds %s", r.Body)
	}
	s.Must(ann.Token, remove, harness.Input("organisationId", id, "userId", bob.UserID))
	if r := s.Do(bob.Token, quit, harness.Input("organisationId", id)); r.Code() != "NOT_FOUND" {
		t.Errorf("a former admin leaves: %s", r.Body)
	}
}
