package members

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
)

var credentialType = owned.Declare(owned.Type{
	Name: "Credential", Model: &model.Credential{}, Rows: findCredentials,
	Table:   credentialsTable,
	Actions: map[string]string{"finishPasskeyRegistration": "INSERT", "finishTotp": "INSERT", "finishOAuthLink": "INSERT"},
})

func findCredentials(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	found, err := tx.FindCredentials(ctx, ids)
	return rowsOf(found, newCredential), err
}

func newCredential(c *db.Credential) *model.Credential {
	return &model.Credential{
		By: owned.By{ID: c.ID, Owner: c.UserID}, Kind: model.CredentialKind(c.Kind), Name: c.Name, CreatedAt: c.CreatedAt, LastUsedAt: c.LastUsedAt,
	}
}

func (u *UserResolver) Credentials(ctx context.Context, obj *model.User) ([]*model.Credential, error) {
	found, err := u.DB.FindCredentialsOf(ctx, auth.ViewerFrom(ctx), obj.Owner)
	if err != nil {
		return nil, err
	}
	list := make([]*model.Credential, len(found))
	for i := range found {
		list[i] = newCredential(&found[i])
	}
	return list, nil
}

func (m *MutationResolver) RenameCredential(ctx context.Context, input model.RenameCredentialInput) (*model.RenameCredentialPayload, error) {
	id, _ := auth.ParseID(input.ID) // otherwise the zero id, which no object has
	c, err := m.Accounts.RenameCredential(ctx, auth.ViewerFrom(ctx), id, input.Name)
	if err != nil {
		return nil, err
	}
	return &model.RenameCredentialPayload{Credential: newCredential(c)}, nil
}

func (m *MutationResolver) RemoveCredential(ctx context.Context, input model.RemoveCredentialInput) (*model.RemoveCredentialPayload, error) {
	id, _ := auth.ParseID(input.ID)
	p, err := m.Accounts.RemoveCredential(ctx, auth.ViewerFrom(ctx), id)
	if err != nil {
		return nil, err
	}
	return &model.RemoveCredentialPayload{RemovedCredentialID: id.String(), User: newProfile(p).User}, nil
}
