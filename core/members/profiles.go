package members

import (
	"context"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/resolvers"
)

func (q *QueryResolver) Profiles(ctx context.Context, first *int, after *string, last *int, before *string) (*model.ProfileConnection, error) {
	r, err := resolvers.NewRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	page, err := q.DB.FindProfilePage(ctx, auth.ViewerFrom(ctx), r)
	if err != nil {
		return nil, err
	}
	return newConnection(ctx, page), nil
}

func newConnection(ctx context.Context, page *db.Page[db.Profile]) *model.ProfileConnection {
	c := &model.ProfileConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page,
		func(p *db.Profile) db.Place { return db.Place{CreatedAt: p.CreatedAt, ID: p.ID} }, newProfile,
		func(at string, p *model.Profile) *model.ProfileEdge { return &model.ProfileEdge{Cursor: at, Node: p} })
	return c
}
