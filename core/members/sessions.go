package members

import (
	"context"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

// maxRevoked bounds the list of revoked sessions. No client shows more.
const maxRevoked = 1000

func (u *UserResolver) Sessions(ctx context.Context, obj *model.User, first *int, after *string, last *int, before *string) (*model.SessionConnection, error) {
	r, err := resolvers.NewRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	viewer := auth.ViewerFrom(ctx)
	page, err := u.DB.FindSessionPage(ctx, viewer, obj.Owner, r)
	if err != nil {
		return nil, err
	}
	c := &model.SessionConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page,
		func(s *db.LiveSession) db.Place { return db.Place{CreatedAt: s.CreatedAt, ID: s.ID} },
		func(s *db.LiveSession) *model.Session { return newSession(viewer, s) },
		func(at string, s *model.Session) *model.SessionEdge { return &model.SessionEdge{Cursor: at, Node: s} })
	return c, nil
}

func (u *UserResolver) SecurityEvents(ctx context.Context, obj *model.User, first *int, after *string, last *int, before *string) (*model.SecurityEventConnection, error) {
	r, err := resolvers.NewRange(first, after, last, before)
	if err != nil {
		return nil, err
	}
	page, err := u.DB.FindEventPage(ctx, auth.ViewerFrom(ctx), obj.Owner, r)
	if err != nil {
		return nil, err
	}
	c := &model.SecurityEventConnection{}
	c.Edges, c.Nodes, c.PageInfo = resolvers.Connect(ctx, page,
		func(e *db.SecurityEvent) db.Place { return db.Place{CreatedAt: e.CreatedAt, ID: e.ID} }, newEvent,
		func(at string, e *model.SecurityEvent) *model.SecurityEventEdge {
			return &model.SecurityEventEdge{Cursor: at, Node: e}
		})
	return c, nil
}

func newEvent(e *db.SecurityEvent) *model.SecurityEvent {
	return &model.SecurityEvent{
		ID: e.ID.String(), Kind: model.SecurityEventKind(e.Kind), CreatedAt: e.CreatedAt, Device: e.Device, IP: e.IP, By: e.Operator,
	}
}

func (m *MutationResolver) RevokeSession(ctx context.Context, input model.RevokeSessionInput) (*model.RevokeSessionPayload, error) {
	id, _ := auth.ParseID(input.ID) // otherwise the zero id, which no object has
	p, err := m.Accounts.Sessions.Revoke(ctx, auth.ViewerFrom(ctx), id)
	if err != nil {
		return nil, err
	}
	payload := &model.RevokeSessionPayload{RevokedSessionID: id.String()}
	if p != nil {
		payload.User = newProfile(p).User
	}
	return payload, nil
}

func (m *MutationResolver) RevokeOtherSessions(ctx context.Context) (*model.RevokeOtherSessionsPayload, error) {
	ids, p, err := m.Accounts.Sessions.RevokeOthers(ctx, auth.ViewerFrom(ctx))
	if err != nil {
		return nil, err
	}
	payload := &model.RevokeOtherSessionsPayload{Count: len(ids), RevokedSessionIds: []string{}, User: newProfile(p).User}
	for _, id := range ids[:min(len(ids), maxRevoked)] {
		payload.RevokedSessionIds = append(payload.RevokedSessionIds, id.String())
	}
	return payload, nil
}

func newSession(viewer auth.Viewer, s *db.LiveSession) *model.Session {
	return &model.Session{
		By:     owned.By{ID: s.ID, Owner: s.UserID},
		Device: s.Device, IP: s.IP, CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt, Current: s.ID == viewer.SessionID,
	}
}
