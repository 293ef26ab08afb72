package resolvers

import (
	"context"

	"freehold/auth"
	"freehold/db"
	"freehold/graph/model"
)

func (q *query) Profiles(ctx context.Context, first *int, after *string, last *int, before *string) (*model.ProfileConnection, error) {
	r, err := newRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	page, err := q.DB.FindProfilePage(ctx, auth.ViewerFrom(ctx), r)
	if err != nil {
		return nil, err
	}
	return newConnection(page), nil
}

func newConnection(page *db.ProfilePage) *model.ProfileConnection {
	n := len(page.Profiles)
	c := &model.ProfileConnection{
		Edges: make([]*model.ProfileEdge, n), Nodes: make([]*model.Profile, n),
		PageInfo: &model.PageInfo{HasNextPage: page.MoreAfter, HasPreviousPage: page.MoreBefore},
	}
	for i := range page.Profiles {
		c.Nodes[i] = newProfile(&page.Profiles[i])
		c.Edges[i] = &model.ProfileEdge{Cursor: cursor(&page.Profiles[i]), Node: c.Nodes[i]}
	}
	if n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c
}
