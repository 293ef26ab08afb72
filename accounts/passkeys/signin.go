package passkeys

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/auth/passkeys"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// refused returns the one answer to every sign-in that fails, whatever the reason. The reason is for the log; nil if it is not worth that.
func refused(reason error) error {
	return &fault.Error{Code: fault.InvalidCredentials, Message: "You cannot sign in with this passkey.", Err: reason}
}

// StartSignIn returns the options for a sign-in. They are the same for everybody, except for the challenge.
func (s *Service) StartSignIn(ctx context.Context, cookie bool) (*Started, error) {
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	options, ceremony, err := s.protocol.StartSignIn()
	if err != nil {
		return nil, err
	}
	return s.start(ctx, continuations.Flow{Purpose: signIn, Cookie: cookie, Data: known{Ceremony: ceremony}}, options)
}

// FinishSignIn starts a session of the account of a passkey, or asks for its second factor. It reports whether cookies are to hold the
// session. An unknown passkey, an answer that is not valid, a counter that did not increase and an account that cannot be used return the
// same INVALID_CREDENTIALS, and the refusal is recorded.
func (s *Service) FinishSignIn(ctx context.Context, a Answer) (entered *accounts.Entered, cookie bool, err error) {
	flow, k, err := s.finish(ctx, signIn, a)
	if err != nil {
		return nil, false, err
	}
	entered, err = s.enter(ctx, flow, k.Ceremony, a)
	return entered, flow.Cookie, wrap("sign in", err)
}

func (s *Service) enter(ctx context.Context, flow *continuations.Found, c passkeys.Ceremony, a Answer) (*accounts.Entered, error) {
	answer, err := passkeys.ReadAnswer(a.Credential)
	if err != nil {
		return nil, refused(err)
	}
	key, found, err := s.db.FindPasskey(ctx, answer.KeyID)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, s.refuse(ctx, answer.KeyID, refused(nil))
	}
	use, err := s.protocol.Verify(c, answer, key.UserID, keyOf(key))
	if err != nil {
		return nil, s.refuse(ctx, answer.KeyID, refused(err))
	}
	entered, err := s.accounts.Enter(ctx, accounts.Entrance{
		Proof: proofOf(use.UserVerified), Cookie: flow.Cookie,
		Prove: func(ctx context.Context, tx *db.SystemTx) (accounts.Proved, error) {
			if err := s.accounts.Flows.Use(ctx, tx, flow); err != nil {
				return accounts.Proved{}, err
			}
			ok, err := tx.UsePasskey(ctx, key.CredentialID, int64(use.SignCount), use.BackedUp)
			if err != nil || ok {
				return accounts.Proved{Proved: db.Proved{UserID: key.UserID, CredentialID: &key.CredentialID}}, err
			}
			return accounts.Proved{}, tx.RefusePasskey(ctx, answer.KeyID)
		},
	})
	if fault.Is(err, fault.InvalidCredentials) {
		err = refused(nil)
	}
	return entered, err
}

// Prove verifies an answer to the options of StartSignIn, for a client that shows that a passkey is theirs. The function that it returns
// uses up the answer in a transaction, and returns the credential. The error is BAD_USER_INPUT for an answer that is not valid.
func (s *Service) Prove(ctx context.Context, a Answer) (func(context.Context, *db.SystemTx) (*uuid.UUID, error), error) {
	flow, k, err := s.finish(ctx, signIn, a)
	if err != nil {
		return nil, err
	}
	answer, err := passkeys.ReadAnswer(a.Credential)
	if err != nil {
		return nil, wrap("prove who you are", a.notProved(err))
	}
	key, found, err := s.db.FindPasskey(ctx, answer.KeyID)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, wrap("prove who you are", a.notProved(nil))
	}
	use, err := s.protocol.Verify(k.Ceremony, answer, key.UserID, keyOf(key))
	if err != nil {
		return nil, wrap("prove who you are", a.notProved(err))
	}
	return func(ctx context.Context, tx *db.SystemTx) (*uuid.UUID, error) {
		if err := s.accounts.Flows.Use(ctx, tx, flow); err != nil {
			return nil, err
		}
		ok, err := tx.UsePasskey(ctx, key.CredentialID, int64(use.SignCount), use.BackedUp)
		if err == nil && !ok {
			err = a.notProved(passkeys.ErrReplayed)
		}
		return &key.CredentialID, err
	}, nil
}
