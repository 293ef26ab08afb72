package bookmarks // like another module, so modules.go gives it another name

import (
	"context"

	"example.org/program/graph/model"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

type (
	QueryResolver  = query // another name counts as well
	PersonResolver struct{ *resolvers.Resolvers }
	query          struct{ *resolvers.Resolvers }
)

func (*query) Node(ctx context.Context, id string) (owned.Row, error) { return nil, nil }

func (*query) Entities(ctx context.Context, representations []any) ([]owned.Row, error) {
	return nil, nil
}

func (*PersonResolver) Email(ctx context.Context, obj *model.Person) (*string, error) {
	return nil, nil
}
