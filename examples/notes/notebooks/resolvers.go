package notebooks

import (
	"context"

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
	// NotebookResolver resolves the fields of Notebook that are not in its row.
	NotebookResolver struct{ *resolvers.Resolvers }
	// MutationResolver resolves the mutations of notebooks.
	MutationResolver struct{ *resolvers.Resolvers }
	// QueryResolver resolves the list of all notebooks.
	QueryResolver struct{ *resolvers.Resolvers }
	// UserResolver resolves the list of a user's notebooks.
	UserResolver struct{ *resolvers.Resolvers }
)

// ViewerCan returns what the viewer may do with a notebook.
func (r *NotebookResolver) ViewerCan(ctx context.Context, obj *model.Notebook) (*owned.Permissions, error) {
	return r.Permissions(ctx, "Notebook", obj)
}

// Notebooks lists the notebooks that the viewer may see.
func (q *QueryResolver) Notebooks(ctx context.Context, first *int, after *string, last *int, before *string) (*model.NotebookConnection, error) {
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

// Notebooks lists the notebooks of a user that the viewer may see.
func (u *UserResolver) Notebooks(ctx context.Context, obj *core.User, first *int, after *string, last *int, before *string) (*model.NotebookConnection, error) {
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

func connection(ctx context.Context, page *db.Page[row]) *model.NotebookConnection {
	c := &model.NotebookConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page, (*row).place, (*row).model,
		func(cursor string, node *model.Notebook) *model.NotebookEdge {
			return &model.NotebookEdge{Cursor: cursor, Node: node}
		})
	return c
}

// CreateNotebook creates a notebook of the viewer.
func (m *MutationResolver) CreateNotebook(ctx context.Context, in model.CreateNotebookInput) (*model.CreateNotebookPayload, error) {
	c := changes{
		Title:      db.SetTo(in.Title),
		Visibility: db.SetTo(string(owned.Private)),
	}
	if v := in.Visibility.Value(); v != nil {
		c.Visibility = db.SetTo(string(*v))
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
	return &model.CreateNotebookPayload{Notebook: created.model()}, nil
}

// UpdateNotebook changes a notebook of the viewer.
func (m *MutationResolver) UpdateNotebook(ctx context.Context, in model.UpdateNotebookInput) (*model.UpdateNotebookPayload, error) {
	c := changes{
		Title:      resolvers.Patch(in.Title),
		Visibility: db.Patch[string]{Set: in.Visibility.IsSet(), Value: (*string)(in.Visibility.Value())},
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
	return &model.UpdateNotebookPayload{Notebook: updated.model()}, nil
}

// DeleteNotebook deletes a notebook of the viewer.
func (m *MutationResolver) DeleteNotebook(ctx context.Context, in model.DeleteNotebookInput) (*model.DeleteNotebookPayload, error) {
	if err := m.Accounts.CheckWrite(ctx, auth.ViewerFrom(ctx)); err != nil {
		return nil, err
	}
	id, _ := auth.ParseID(in.ID) // the rule has found the row
	if err := remove(ctx, m.DB, auth.ViewerFrom(ctx), id); err != nil {
		return nil, err
	}
	return &model.DeleteNotebookPayload{DeletedNotebookID: id.String()}, nil
}

// validate brings texts into the form in which they are stored, and returns one error with every invalid field.
func (c *changes) validate() error {
	var faults fault.Faults
	accounts.ReadText(&faults, "input.title", &c.Title, input.TextRule{Longest: 1000, Lines: true}.Read)
	accounts.Require(&faults, "input.title", c.Title)
	accounts.Require(&faults, "input.visibility", c.Visibility)
	return faults.Err()
}
