package organisations

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	core "freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"

	"example.com/notes/graph/model"
)

type (
	// OrganisationResolver resolves the fields of Organisation that are not in its row.
	OrganisationResolver struct{ *resolvers.Resolvers }
	// MutationResolver resolves the mutations of organisations.
	MutationResolver struct{ *resolvers.Resolvers }
	// QueryResolver resolves the list of organisations.
	QueryResolver struct{ *resolvers.Resolvers }
	// UserResolver resolves the list of a user's organisations.
	UserResolver struct{ *resolvers.Resolvers }
)

// ViewerCan returns what the viewer may do with an organisation.
func (r *OrganisationResolver) ViewerCan(ctx context.Context, obj *model.Organisation) (*owned.Permissions, error) {
	return r.Permissions(ctx, "Organisation", obj)
}

// Organisations lists the organisations of a user.
func (u *UserResolver) Organisations(ctx context.Context, obj *core.User, first *int, after *string, last *int, before *string) (*model.OrganisationConnection, error) {
	r, err := resolvers.NewRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	page, err := list.FindPageOf(ctx, u.DB, auth.ViewerFrom(ctx), obj.Owner, r)
	if err != nil {
		return nil, err
	}
	return connection(ctx, page), nil
}

// Organisations lists the organisations that the viewer owns or is a member of.
func (q *QueryResolver) Organisations(ctx context.Context, first *int, after *string, last *int, before *string) (*model.OrganisationConnection, error) {
	r, err := resolvers.NewRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	page, err := list.FindPage(ctx, q.DB, auth.ViewerFrom(ctx), r)
	if err != nil {
		return nil, err
	}
	return connection(ctx, page), nil
}

func connection(ctx context.Context, page *db.Page[row]) *model.OrganisationConnection {
	c := &model.OrganisationConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page, (*row).place, (*row).model,
		func(cursor string, node *model.Organisation) *model.OrganisationEdge {
			return &model.OrganisationEdge{Cursor: cursor, Node: node}
		})
	return c
}

// CreateOrganisation creates an organisation of the viewer.
func (m *MutationResolver) CreateOrganisation(ctx context.Context, in model.CreateOrganisationInput) (*model.CreateOrganisationPayload, error) {
	c := changes{
		Name: db.SetTo(in.Name),
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	if err := m.Accounts.CheckWrite(ctx, auth.ViewerFrom(ctx)); err != nil {
		return nil, err
	}
	created, err := create(ctx, m.DB, auth.ViewerFrom(ctx), c)
	if err != nil {
		return nil, err
	}
	return &model.CreateOrganisationPayload{Organisation: created.model()}, nil
}

// UpdateOrganisation changes an organisation.
func (m *MutationResolver) UpdateOrganisation(ctx context.Context, in model.UpdateOrganisationInput) (*model.UpdateOrganisationPayload, error) {
	c := changes{
		Name: resolvers.Patch(in.Name),
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	if err := m.Accounts.CheckWrite(ctx, auth.ViewerFrom(ctx)); err != nil {
		return nil, err
	}
	id, _ := auth.ParseID(in.ID) // the rule has found the row
	updated, err := update(ctx, m.DB, auth.ViewerFrom(ctx), id, c)
	if err != nil {
		return nil, err
	}
	return &model.UpdateOrganisationPayload{Organisation: updated.model()}, nil
}

// DeleteOrganisation deletes an organisation of the viewer, or any for an operator.
func (m *MutationResolver) DeleteOrganisation(ctx context.Context, in model.DeleteOrganisationInput) (*model.DeleteOrganisationPayload, error) {
	if err := m.Accounts.CheckWrite(ctx, auth.ViewerFrom(ctx)); err != nil {
		return nil, err
	}
	id, _ := auth.ParseID(in.ID) // the rule has found the row
	if err := remove(ctx, m.DB, auth.ViewerFrom(ctx), id); err != nil {
		return nil, err
	}
	return &model.DeleteOrganisationPayload{DeletedOrganisationID: id.String()}, nil
}

// Members lists the members of an organisation.
func (r *OrganisationResolver) Members(ctx context.Context, obj *model.Organisation, first *int, after *string, last *int, before *string) (*model.OrganisationMemberConnection, error) {
	at, err := resolvers.NewRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	page, err := memberList.FindPageIn(ctx, r.DB, auth.ViewerFrom(ctx), obj.Owner, obj.ID, at)
	if err != nil {
		return nil, err
	}
	c := &model.OrganisationMemberConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page, (*memberRow).place, (*memberRow).model,
		func(cursor string, node *model.OrganisationMember) *model.OrganisationMemberEdge {
			return &model.OrganisationMemberEdge{Cursor: cursor, Node: node}
		})
	return c, nil
}

// MoveOrganisation makes an organisation a part of another one.
func (m *MutationResolver) MoveOrganisation(ctx context.Context, in model.MoveOrganisationInput) (*model.MoveOrganisationPayload, error) {
	found, err := m.change(ctx, in.ID, func(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
		return move(ctx, tx, id, idOf(in.OrganisationID))
	})
	if err != nil {
		return nil, err
	}
	return &model.MoveOrganisationPayload{Organisation: found}, nil
}

// SetOrganisationMember adds a member, or changes their role.
func (m *MutationResolver) SetOrganisationMember(ctx context.Context, in model.SetOrganisationMemberInput) (*model.SetOrganisationMemberPayload, error) {
	_, err := m.change(ctx, in.OrganisationID, func(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
		return setMember(ctx, tx, id, idOf(in.UserID), string(in.Role))
	})
	if err != nil {
		return nil, err
	}
	return &model.SetOrganisationMemberPayload{MemberUserID: in.UserID}, nil
}

// RemoveOrganisationMember removes a member.
func (m *MutationResolver) RemoveOrganisationMember(ctx context.Context, in model.RemoveOrganisationMemberInput) (*model.RemoveOrganisationMemberPayload, error) {
	_, err := m.change(ctx, in.OrganisationID, func(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
		return removeMember(ctx, tx, id, idOf(in.UserID))
	})
	if err != nil {
		return nil, err
	}
	return &model.RemoveOrganisationMemberPayload{RemovedUserID: in.UserID}, nil
}

// LeaveOrganisation ends the viewer's membership.
func (m *MutationResolver) LeaveOrganisation(ctx context.Context, in model.LeaveOrganisationInput) (*model.LeaveOrganisationPayload, error) {
	if _, err := m.change(ctx, in.OrganisationID, leave); err != nil {
		return nil, err
	}
	return &model.LeaveOrganisationPayload{LeftOrganisationID: idOf(in.OrganisationID).String()}, nil
}

// change changes an organisation or its members, and returns it as the viewer sees it then.
func (m *MutationResolver) change(ctx context.Context, text string, fn func(ctx context.Context, tx *db.Tx, id uuid.UUID) error) (found *model.Organisation, err error) {
	viewer := auth.ViewerFrom(ctx)
	if err := m.Accounts.CheckWrite(ctx, viewer); err != nil {
		return nil, err
	}
	err = m.DB.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := fn(ctx, tx, idOf(text)); err != nil { // the rule has found the row
			return err
		}
		found, err = findOne(ctx, tx, idOf(text))
		return err
	})
	return found, err
}

// idOf returns an id that a client sent; the zero id, which nothing has, for a text that cannot be one.
func idOf(text string) uuid.UUID {
	id, _ := auth.ParseID(text)
	return id
}

// validate brings texts into the form in which they are stored, and returns one error with every invalid field.
func (c *changes) validate() error {
	var faults fault.Faults
	accounts.ReadText(&faults, "input.name", &c.Name, input.TextRule{Longest: 1000, Lines: true}.Read)
	accounts.Require(&faults, "input.name", c.Name)
	return faults.Err()
}
