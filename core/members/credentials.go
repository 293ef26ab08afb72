package members

import (
	"context"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/core/types"
	"freehold.dev/freehold/graph/model"
)

func (u *UserResolver) Credentials(ctx context.Context, obj *model.User) ([]*model.Credential, error) {
	found, err := u.DB.FindCredentialsOf(ctx, auth.ViewerFrom(ctx), obj.Owner)
	if err != nil {
		return nil, err
	}
	list := make([]*model.Credential, len(found))
	for i := range found {
		list[i] = types.NewCredential(&found[i])
	}
	return list, nil
}

func (m *MutationResolver) RenameCredential(ctx context.Context, input model.RenameCredentialInput) (*model.RenameCredentialPayload, error) {
	id, _ := auth.ParseID(input.ID) // otherwise the zero id, which no object has
	c, err := m.Accounts.RenameCredential(ctx, auth.ViewerFrom(ctx), id, input.Name)
	if err != nil {
		return nil, err
	}
	return &model.RenameCredentialPayload{Credential: types.NewCredential(c)}, nil
}

func (m *MutationResolver) RemoveCredential(ctx context.Context, input model.RemoveCredentialInput) (*model.RemoveCredentialPayload, error) {
	id, _ := auth.ParseID(input.ID)
	p, err := m.Accounts.RemoveCredential(ctx, auth.ViewerFrom(ctx), id)
	if err != nil {
		return nil, err
	}
	return &model.RemoveCredentialPayload{RemovedCredentialID: id.String(), User: types.NewUser(p)}, nil
}
