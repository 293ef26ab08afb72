package accounts

import (
	"context"
	"encoding/json"
	"fmt"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/mail"
)

// Addition is a proved credential that an account gets later: when its sign-up is complete, or when its owner has proved the second factor.
type Addition struct {
	Kind db.CredentialKind
	Data json.RawMessage // what AddCredential needs
}

// AddCredential adds a credential to the viewer's account. It returns false if the account has the credential already.
type AddCredential func(ctx context.Context, tx *db.Tx, data json.RawMessage) (added bool, err error)

// NewAddition returns an Addition. Data is what AddCredential gets, as JSON.
func NewAddition(kind db.CredentialKind, data any) (*Addition, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode a credential of the kind %s: %w", kind, err)
	}
	return &Addition{kind, encoded}, nil
}

// OnAddition sets how a kind of credential is added. Call it before the service is used.
func (s *Service) OnAddition(kind db.CredentialKind, add AddCredential) { s.additions[kind] = add }

// ofVerified adds nothing: an account whose address is verified can sign in with codes that are sent there.
func ofVerified(context.Context, *db.Tx, json.RawMessage) (bool, error) { return false, nil }

func (s *Service) add(ctx context.Context, tx *db.Tx, a Addition) (added bool, err error) {
	add, known := s.additions[a.Kind]
	if !known {
		return false, fmt.Errorf("no package adds credentials of the kind %s", a.Kind)
	}
	return add(ctx, tx, a.Data)
}

// addWithNotice is add for an account that exists, whose owner gets a notice.
func (s *Service) addWithNotice(ctx context.Context, tx *db.Tx, a Addition) error {
	added, err := s.add(ctx, tx, a)
	if err != nil || !added {
		return err
	}
	return s.NotifyCredential(ctx, tx, mail.CredentialAdded, a.Kind)
}
