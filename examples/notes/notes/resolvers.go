package notes

import (
	"context"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"

	"example.com/notes/graph/model"
)

type (
	// NoteResolver resolves the fields of Note that are not in its row.
	NoteResolver struct{ *resolvers.Resolvers }
	// MutationResolver resolves the mutations of notes.
	MutationResolver struct{ *resolvers.Resolvers }
	// NotebookResolver resolves the list of a notebook's notes.
	NotebookResolver struct{ *resolvers.Resolvers }
)

// ViewerCan returns what the viewer may do with a note.
func (r *NoteResolver) ViewerCan(ctx context.Context, obj *model.Note) (*owned.Permissions, error) {
	return r.Permissions(ctx, "Note", obj)
}

// Notes lists the notes in a notebook.
func (n *NotebookResolver) Notes(ctx context.Context, obj *model.Notebook, first *int, after *string, last *int, before *string) (*model.NoteConnection, error) {
	r, err := resolvers.NewRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	page, err := list.FindPageIn(ctx, n.DB, auth.ViewerFrom(ctx), obj.Owner, obj.ID, r)
	if err != nil {
		return nil, err
	}
	return connection(ctx, page), nil
}

func connection(ctx context.Context, page *db.Page[row]) *model.NoteConnection {
	c := &model.NoteConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page, (*row).place, (*row).model,
		func(cursor string, node *model.Note) *model.NoteEdge {
			return &model.NoteEdge{Cursor: cursor, Node: node}
		})
	return c
}

// CreateNote creates a note.
func (m *MutationResolver) CreateNote(ctx context.Context, in model.CreateNoteInput) (*model.CreateNotePayload, error) {
	c := changes{
		Body:   db.SetTo(in.Body),
		Pinned: resolvers.Patch(in.Pinned),
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	if err := m.Accounts.CheckWrite(ctx, auth.ViewerFrom(ctx)); err != nil {
		return nil, err
	}
	notebookID, _ := auth.ParseID(in.NotebookID) // the rule has found the row
	created, err := create(ctx, m.DB, auth.ViewerFrom(ctx), notebookID, c)
	if err != nil {
		return nil, err
	}
	return &model.CreateNotePayload{Note: created.model()}, nil
}

// UpdateNote changes a note.
func (m *MutationResolver) UpdateNote(ctx context.Context, in model.UpdateNoteInput) (*model.UpdateNotePayload, error) {
	c := changes{
		Body:   resolvers.Patch(in.Body),
		Pinned: resolvers.Patch(in.Pinned),
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
	return &model.UpdateNotePayload{Note: updated.model()}, nil
}

// DeleteNote deletes a note.
func (m *MutationResolver) DeleteNote(ctx context.Context, in model.DeleteNoteInput) (*model.DeleteNotePayload, error) {
	if err := m.Accounts.CheckWrite(ctx, auth.ViewerFrom(ctx)); err != nil {
		return nil, err
	}
	id, _ := auth.ParseID(in.ID) // the rule has found the row
	if err := remove(ctx, m.DB, auth.ViewerFrom(ctx), id); err != nil {
		return nil, err
	}
	return &model.DeleteNotePayload{DeletedNoteID: id.String()}, nil
}

// validate brings texts into the form in which they are stored, and returns one error with every invalid field.
func (c *changes) validate() error {
	var faults fault.Faults
	accounts.ReadText(&faults, "input.body", &c.Body, input.TextRule{Longest: 1000, Lines: true}.Read)
	accounts.Require(&faults, "input.body", c.Body)
	return faults.Err()
}
