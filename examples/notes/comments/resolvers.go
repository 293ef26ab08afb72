package comments

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
	// CommentResolver resolves the fields of Comment that are not in its row.
	CommentResolver struct{ *resolvers.Resolvers }
	// MutationResolver resolves the mutations of comments.
	MutationResolver struct{ *resolvers.Resolvers }
	// NoteResolver resolves the list of a note's comments.
	NoteResolver struct{ *resolvers.Resolvers }
)

// ViewerCan returns what the viewer may do with a comment.
func (r *CommentResolver) ViewerCan(ctx context.Context, obj *model.Comment) (*owned.Permissions, error) {
	return r.Permissions(ctx, "Comment", obj)
}

// Comments lists the comments on a note.
func (n *NoteResolver) Comments(ctx context.Context, obj *model.Note, first *int, after *string, last *int, before *string) (*model.CommentConnection, error) {
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

func connection(ctx context.Context, page *db.Page[row]) *model.CommentConnection {
	c := &model.CommentConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page, (*row).place, (*row).model,
		func(cursor string, node *model.Comment) *model.CommentEdge {
			return &model.CommentEdge{Cursor: cursor, Node: node}
		})
	return c
}

// CreateComment comments a note.
func (m *MutationResolver) CreateComment(ctx context.Context, in model.CreateCommentInput) (*model.CreateCommentPayload, error) {
	c := changes{Body: db.SetTo(in.Body)}
	if err := c.validate(); err != nil {
		return nil, err
	}
	if err := m.Accounts.CheckWrite(ctx, auth.ViewerFrom(ctx)); err != nil {
		return nil, err
	}
	noteID, _ := auth.ParseID(in.NoteID) // the rule has found the row
	created, err := create(ctx, m.DB, auth.ViewerFrom(ctx), noteID, c)
	if err != nil {
		return nil, err
	}
	return &model.CreateCommentPayload{Comment: created.model()}, nil
}

// DeleteComment deletes a comment.
func (m *MutationResolver) DeleteComment(ctx context.Context, in model.DeleteCommentInput) (*model.DeleteCommentPayload, error) {
	if err := m.Accounts.CheckWrite(ctx, auth.ViewerFrom(ctx)); err != nil {
		return nil, err
	}
	id, _ := auth.ParseID(in.ID) // the rule has found the row
	if err := remove(ctx, m.DB, auth.ViewerFrom(ctx), id); err != nil {
		return nil, err
	}
	return &model.DeleteCommentPayload{DeletedCommentID: id.String()}, nil
}

// validate brings texts into the form in which they are stored, and returns one error with every invalid field.
func (c *changes) validate() error {
	var faults fault.Faults
	accounts.ReadText(&faults, "input.body", &c.Body, input.TextRule{Longest: 1000, Lines: true}.Read)
	accounts.Require(&faults, "input.body", c.Body)
	return faults.Err()
}
