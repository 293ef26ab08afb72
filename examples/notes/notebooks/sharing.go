package notebooks

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
	"freehold.dev/freehold/resolvers"

	"example.com/notes/graph/model"
)

const (
	invitationMail     mail.Kind = "notebook_invitation"
	invitationLifetime           = 7 * 24 * time.Hour
)

// outcome is what a function of the database returns about a change of who has which relation to a notebook.
type outcome string

const (
	done    outcome = "OK"
	refused outcome = "REFUSED" // the viewer has lost the relation that the rule has found
)

// flaws are the errors of the other outcomes.
var flaws = map[outcome]fault.Flaw{
	"INVALID":  {Code: "INVALID", Message: "This invitation is invalid or has expired."},
	"SELF":     {Code: "SELF", Message: "You cannot invite yourself."},
	"MEMBER":   {Code: "MEMBER", Message: "You can use this notebook already."},
	"FULL":     {Code: "FULL", Message: "There are too many members or invitations."},
	"OWNER":    {Code: "OWNER", Message: "The owner has no role and cannot leave. Transfer the notebook first."},
	"STRANGER": {Code: "STRANGER", Message: "This user is not a member of the notebook."},
}

// fault returns the error of an outcome, at a path of the input; nil if the change was made.
func (o outcome) fault(path string) error {
	switch o {
	case done:
		return nil
	case refused:
		return fault.Gone()
	}
	return flaws[o].At(path)
}

// Members lists the users with whom a notebook is shared.
func (r *NotebookResolver) Members(ctx context.Context, obj *model.Notebook, first *int, after *string, last *int, before *string) (*model.NotebookMemberConnection, error) {
	page, err := pageIn(ctx, r.DB, memberList, obj, first, after, last, before)
	if err != nil {
		return nil, err
	}
	c := &model.NotebookMemberConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page, (*memberRow).place, (*memberRow).model,
		func(cursor string, node *model.NotebookMember) *model.NotebookMemberEdge {
			return &model.NotebookMemberEdge{Cursor: cursor, Node: node}
		})
	return c, nil
}

// Invitations lists the invitations to a notebook that nobody has accepted.
func (r *NotebookResolver) Invitations(ctx context.Context, obj *model.Notebook, first *int, after *string, last *int, before *string) (*model.NotebookInvitationConnection, error) {
	page, err := pageIn(ctx, r.DB, invitationList, obj, first, after, last, before)
	if err != nil {
		return nil, err
	}
	c := &model.NotebookInvitationConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page, (*invitationRow).place, (*invitationRow).model,
		func(cursor string, node *model.NotebookInvitation) *model.NotebookInvitationEdge {
			return &model.NotebookInvitationEdge{Cursor: cursor, Node: node}
		})
	return c, nil
}

// InviteToNotebook creates an invitation, and sends its code by mail or returns it.
func (m *MutationResolver) InviteToNotebook(ctx context.Context, in model.InviteToNotebookInput) (*model.InviteToNotebookPayload, error) {
	viewer := auth.ViewerFrom(ctx)
	if err := m.Accounts.CheckWrite(ctx, viewer); err != nil {
		return nil, err
	}
	i := invitation{role: string(in.Role), expiresAt: time.Now().Add(invitationLifetime)}
	i.notebookID, _ = auth.ParseID(in.NotebookID) // the rule has found the row
	if email := in.Email.Value(); email != nil {
		to, err := m.Accounts.CheckRecipient(ctx, invitationMail, "input.email", *email)
		if err != nil {
			return nil, err
		}
		i.email, i.emailKey = &to.Text, &to.Key
	}
	var secret string
	i.id, secret = m.Accounts.NewSecret()
	i.hash = auth.HashToken(secret)
	err := m.DB.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := i.create(ctx, tx); err != nil || i.email == nil {
			return err
		}
		return m.Accounts.EnqueueMail(ctx, tx, outbox.Mail{ID: i.id, Kind: invitationMail, Recipient: *i.email, CodeID: i.id, ValidFor: invitationLifetime})
	})
	if err != nil {
		return nil, err
	}
	p := &model.InviteToNotebookPayload{ExpiresAt: i.expiresAt}
	if i.email == nil {
		p.Code = &secret
	}
	return p, nil
}

// RevokeInvitation withdraws an invitation to a notebook of the viewer.
func (m *MutationResolver) RevokeInvitation(ctx context.Context, in model.RevokeInvitationInput) (*model.RevokeInvitationPayload, error) {
	err := m.change(ctx, in.NotebookID, func(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
		invitationID, _ := auth.ParseID(in.InvitationID) // otherwise the zero id, which no invitation has
		return revoke(ctx, tx, id, invitationID)
	})
	if err != nil {
		return nil, err
	}
	return &model.RevokeInvitationPayload{RevokedInvitationID: in.InvitationID}, nil
}

// AcceptInvitation makes the viewer a member of a notebook.
func (m *MutationResolver) AcceptInvitation(ctx context.Context, in model.AcceptInvitationInput) (*model.AcceptInvitationPayload, error) {
	viewer := auth.ViewerFrom(ctx)
	if err := m.Accounts.CheckWrite(ctx, viewer); err != nil {
		return nil, err
	}
	var joined *model.Notebook
	err := m.DB.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		id, err := accept(ctx, tx, auth.HashToken(in.Code))
		if err != nil {
			return err
		}
		joined, err = findOne(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &model.AcceptInvitationPayload{Notebook: joined}, nil
}

// LeaveNotebook ends a membership of the viewer.
func (m *MutationResolver) LeaveNotebook(ctx context.Context, in model.LeaveNotebookInput) (*model.LeaveNotebookPayload, error) {
	if err := m.change(ctx, in.NotebookID, leave); err != nil {
		return nil, err
	}
	return &model.LeaveNotebookPayload{LeftNotebookID: in.NotebookID}, nil
}

// ChangeMemberRole changes the role of a member.
func (m *MutationResolver) ChangeMemberRole(ctx context.Context, in model.ChangeMemberRoleInput) (*model.ChangeMemberRolePayload, error) {
	err := m.change(ctx, in.NotebookID, func(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
		return changeRole(ctx, tx, id, userOf(in.UserID), string(in.Role))
	})
	if err != nil {
		return nil, err
	}
	return &model.ChangeMemberRolePayload{ChangedUserID: in.UserID}, nil
}

// RemoveMember ends the membership of a user.
func (m *MutationResolver) RemoveMember(ctx context.Context, in model.RemoveMemberInput) (*model.RemoveMemberPayload, error) {
	err := m.change(ctx, in.NotebookID, func(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
		return removeMember(ctx, tx, id, userOf(in.UserID))
	})
	if err != nil {
		return nil, err
	}
	return &model.RemoveMemberPayload{RemovedUserID: in.UserID}, nil
}

// TransferNotebook makes a member the owner.
func (m *MutationResolver) TransferNotebook(ctx context.Context, in model.TransferNotebookInput) (*model.TransferNotebookPayload, error) {
	err := m.change(ctx, in.NotebookID, func(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
		return transfer(ctx, tx, id, userOf(in.UserID))
	})
	if err != nil {
		return nil, err
	}
	return &model.TransferNotebookPayload{TransferredNotebookID: in.NotebookID}, nil
}

// change changes who has which relation to a notebook.
func (m *MutationResolver) change(ctx context.Context, notebookID string, fn func(ctx context.Context, tx *db.Tx, id uuid.UUID) error) error {
	viewer := auth.ViewerFrom(ctx)
	if err := m.Accounts.CheckWrite(ctx, viewer); err != nil {
		return err
	}
	id, _ := auth.ParseID(notebookID) // the rule has found the row
	return m.DB.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error { return fn(ctx, tx, id) })
}

// userOf returns the id of a user that a client sent; the zero id, which no user has, for a text that cannot be one.
func userOf(text string) uuid.UUID {
	id, _ := auth.ParseID(text)
	return id
}
