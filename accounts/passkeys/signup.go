package passkeys

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/auth/passkeys"
	"freehold.dev/freehold/db"
)

// form is a sign-up that waits for its passkey, which contains the id of the user.
type form struct {
	UserID          uuid.UUID
	Email, Username string
	Profile         db.ProfileFields
}

func (f form) signUp() accounts.SignUp {
	return accounts.SignUp{Email: f.Email, Username: f.Username, Profile: f.Profile}
}

// StartSignUp checks the form of a sign-up as accounts.SignUp does, and returns the options for its passkey. It stores nothing but the
// flow.
func (s *Service) StartSignUp(ctx context.Context, in accounts.SignUp, cookie bool) (*Started, error) {
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	if err := s.accounts.CheckSignUpWith(ctx, in, accounts.NewAccount{}); err != nil {
		return nil, wrap("sign up", err)
	}
	f := form{UserID: uuid.New(), Email: in.Email, Username: in.Username, Profile: in.Profile}
	options, ceremony, err := s.protocol.StartRegistration(nameOf(f.UserID, f.Email, f.Username, f.Profile.DisplayName.Value), nil)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, continuations.Flow{Purpose: signUp, Cookie: cookie, Data: known{ceremony, &f}}, options)
}

// FinishSignUp creates the account of a sign-up with its profile, its passkey and a session, in one transaction. It returns nil if the
// address must be verified first, and reports whether cookies are to hold the session. The flow can be used again if a value was taken in
// the meantime; the error is then that of accounts.SignUp.
func (s *Service) FinishSignUp(ctx context.Context, a Answer) (session *accounts.SignedIn, cookie bool, err error) {
	flow, k, err := s.finish(ctx, signUp, a)
	if err != nil {
		return nil, false, err
	}
	key, err := s.register(k.Ceremony, a)
	if err != nil {
		return nil, false, wrap("sign up", err)
	}
	session, err = s.accounts.SignUpWith(ctx, k.Form.signUp(), accounts.NewAccount{
		UserID: k.Form.UserID, Proof: proofOf(key.verified),
		Use: func(ctx context.Context, tx *db.SystemTx) error { return s.accounts.Flows.Use(ctx, tx, flow) },
		Add: func(ctx context.Context, tx *db.Tx) error {
			return tx.AddPasskey(ctx, key.Passkey, passkeys.NameOf(key.AAGUID))
		},
	})
	if errors.Is(err, db.ErrPasskeyTaken) {
		err = a.errTaken()
	}
	return session, flow.Cookie, wrap("sign up", err)
}
