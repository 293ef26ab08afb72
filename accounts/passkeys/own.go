package passkeys

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/passkeys"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// StartRegistration returns the options for another passkey of the viewer. The error is REAUTH_REQUIRED if the viewer has proved too
// long ago who they are.
func (s *Service) StartRegistration(ctx context.Context, viewer auth.Viewer, cookie bool) (*Started, error) {
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	var user passkeys.User
	var keys []db.Passkey
	err := s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) (err error) {
		if err := s.accounts.RequireRecent(ctx, tx); err != nil {
			return err
		}
		if user, err = findUser(ctx, tx); err != nil {
			return err
		}
		keys, err = tx.FindOwnPasskeys(ctx)
		return err
	})
	if err != nil {
		return nil, wrap("add", err)
	}
	options, ceremony, err := s.protocol.StartRegistration(user, keysOf(keys))
	if err != nil {
		return nil, err
	}
	return s.start(ctx, continuations.Flow{Purpose: registration, UserID: viewer.UserID, Cookie: cookie, Data: known{Ceremony: ceremony}}, options)
}

// FinishRegistration adds a passkey to the viewer's account, sends a notice, and returns the credential. Without a name, it has that
// of the product.
func (s *Service) FinishRegistration(ctx context.Context, viewer auth.Viewer, a Answer, name *string) (added *db.Credential, err error) {
	flow, k, err := s.finishOwn(ctx, viewer, registration, a)
	if err != nil {
		return nil, err
	}
	named, flaw := "", fault.Flaw{}
	if name != nil {
		named, flaw = input.ReadCredentialName(*name)
	}
	key, err := s.register(k.Ceremony, a)
	if err != nil {
		return nil, wrap("add", err)
	}
	if !flaw.IsZero() {
		return nil, flaw.At("input.name")
	}
	if named == "" {
		named = passkeys.NameOf(key.AAGUID)
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.AddPasskey(ctx, key.Passkey, named); err != nil {
			return err
		}
		if err := s.accounts.Flows.Use(ctx, tx, flow); err != nil {
			return err
		}
		if err := s.accounts.NotifyCredential(ctx, tx, mail.CredentialAdded, db.CredentialPasskey); err != nil {
			return err
		}
		found, err := tx.FindCredentials(ctx, []uuid.UUID{key.CredentialID})
		if err == nil {
			added = &found[0]
		}
		return err
	})
	if errors.Is(err, db.ErrPasskeyTaken) {
		err = a.errTaken()
	}
	return added, wrap("add", err)
}

// StartReauthentication returns the options to prove a passkey of the viewer; NOT_FOUND if they have none.
func (s *Service) StartReauthentication(ctx context.Context, viewer auth.Viewer, cookie bool) (*Started, error) {
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	keys, err := s.findOwn(ctx, viewer)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, fault.New(fault.NotFound, "You have no passkey.")
	}
	options, ceremony, err := s.protocol.StartProof(passkeys.User{ID: viewer.UserID}, keysOf(keys))
	if err != nil {
		return nil, err
	}
	return s.start(ctx, continuations.Flow{Purpose: reauthentication, UserID: viewer.UserID, Cookie: cookie, Data: known{Ceremony: ceremony}}, options)
}

// FinishReauthentication records that the viewer has proved a passkey, which sensitive actions require, and returns the viewer's
// profile. The error is BAD_USER_INPUT for an answer that is not valid, and the refusal is recorded.
func (s *Service) FinishReauthentication(ctx context.Context, viewer auth.Viewer, a Answer) (profile *db.Profile, err error) {
	flow, k, err := s.finishOwn(ctx, viewer, reauthentication, a)
	if err != nil {
		return nil, err
	}
	answer, err := passkeys.ReadAnswer(a.Credential)
	if err != nil {
		return nil, wrap("reauthenticate", a.notProved(err))
	}
	keys, err := s.findOwn(ctx, viewer)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(keys, func(p db.Passkey) bool { return bytes.Equal(p.KeyID, answer.KeyID) })
	if at < 0 {
		return nil, wrap("reauthenticate", a.notProved(nil))
	}
	use, err := s.protocol.Verify(k.Ceremony, answer, viewer.UserID, keyOf(keys[at]))
	if err == nil {
		profile, err = s.prove(ctx, viewer, flow, keys[at], use)
		if err != nil && !errors.Is(err, passkeys.ErrReplayed) {
			return nil, wrap("reauthenticate", err)
		}
	}
	if err != nil {
		return nil, wrap("reauthenticate", s.refuse(ctx, answer.KeyID, a.notProved(err)))
	}
	return profile, nil
}

// prove records the use of a passkey in the viewer's session. The error is ErrReplayed if its counter did not increase.
func (s *Service) prove(ctx context.Context, viewer auth.Viewer, flow *continuations.Found, key db.Passkey, use *passkeys.Use) (profile *db.Profile, err error) {
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		ok, err := tx.UsePasskey(ctx, key.CredentialID, int64(use.SignCount), use.BackedUp)
		switch {
		case err != nil:
			return err
		case !ok:
			return passkeys.ErrReplayed
		}
		if err := s.accounts.Flows.Use(ctx, tx, flow); err != nil {
			return err
		}
		if err := tx.AuthenticateAgain(ctx, proofOf(use.UserVerified)); err != nil {
			return err
		}
		if err := tx.RecordEvent(ctx, db.Reauthenticated); err != nil {
			return err
		}
		profile, err = tx.FindProfileOfUser(ctx, viewer.UserID)
		return err
	})
	return profile, err
}

// notProved returns the error for an answer that proves no passkey of the viewer.
func (a Answer) notProved(reason error) error {
	err := fault.Input(a.credentialPath(), "INVALID", "This is not one of your passkeys, or the answer is not valid.")
	err.Err = reason
	return err
}

func (s *Service) findOwn(ctx context.Context, viewer auth.Viewer) (keys []db.Passkey, err error) {
	err = s.db.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		keys, err = tx.FindOwnPasskeys(ctx)
		return err
	})
	return keys, err
}

// findUser returns the viewer, as authenticators show them.
func findUser(ctx context.Context, tx *db.Tx) (passkeys.User, error) {
	private, err := tx.FindPrivate(ctx, tx.Viewer.UserID)
	if err != nil {
		return passkeys.User{}, err
	}
	profile, err := tx.FindProfileOfUser(ctx, tx.Viewer.UserID)
	if err != nil {
		return passkeys.User{}, err
	}
	return nameOf(tx.Viewer.UserID, private.Email, profile.Username, profile.DisplayName), nil
}

func keysOf(list []db.Passkey) []passkeys.Key {
	keys := make([]passkeys.Key, len(list))
	for i, p := range list {
		keys[i] = keyOf(p)
	}
	return keys
}
