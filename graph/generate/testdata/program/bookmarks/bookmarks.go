package bookmarks

import (
	"context"

	"example.org/program/graph/model"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

type QueryResolver struct{ *resolvers.Resolvers }

func (*QueryResolver) Bookmark(ctx context.Context, id string) (*model.Bookmark, error) {
	return nil, nil
}

type MutationResolver struct{ *resolvers.Resolvers }

func (*MutationResolver) ChangeBookmark(context.Context, string, *string) (*model.BookmarkPayload, error) {
	return &model.BookmarkPayload{}, nil
}

func (*MutationResolver) MakeBookmark(ctx context.Context, note *string) (*model.BookmarkPayload, error) {
	return nil, nil
}

type PersonResolver struct{ *resolvers.Resolvers }

func (*PersonResolver) Bookmarks(ctx context.Context, obj *model.Person, first *int) ([]*model.Bookmark, error) {
	return nil, nil
}

type BookmarkResolver struct{ *resolvers.Resolvers }

func (*BookmarkResolver) Note(ctx context.Context, obj *model.Bookmark) (*string, error) {
	return nil, nil
}

func (*BookmarkResolver) ViewerCan(ctx context.Context, obj *model.Bookmark) (*owned.Permissions, error) {
	return nil, nil
}

type BookmarkPayloadResolver struct{ *resolvers.Resolvers }

func (*BookmarkPayloadResolver) Bookmark(ctx context.Context, obj *model.BookmarkPayload, full *bool) (*model.Bookmark, error) {
	return nil, nil
}

type DraftResolver struct{ *resolvers.Resolvers }

func (*DraftResolver) Length(ctx context.Context, obj *model.Draft) (*int, error) { return nil, nil }
