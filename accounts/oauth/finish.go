package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/continuations"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/oauth"
)

// byProvider is how somebody whom a provider names has proved who they are.
var byProvider = auth.Proof{Methods: []string{"fed"}}

// Finish signs the user in whom the provider names, or signs them up. It also reports whether cookies are to hold the session.
func (s *Service) Finish(ctx context.Context, a Answer) (*accounts.Entered, bool, error) {
	f, found, i, err := s.identify(ctx, signIn, uuid.Nil, a)
	if err != nil {
		return nil, false, err
	}
	entered, err := s.enter(ctx, f, found, i)
	return entered, found.Cookie, err
}

// attempts is how often enter looks for the account. Another request can add the same identity, or sign up with the same address, between
// its look-up and its sign-up.
const attempts = 3

var errNew = errors.New("no account has the identity")

func (s *Service) enter(ctx context.Context, f flow, found *continuations.Found, i *oauth.Identity) (entered *accounts.Entered, err error) {
	identity := s.identityOf(f, i)
	for range attempts {
		if entered, err = s.signIn(ctx, found, identity); errors.Is(err, errNew) {
			entered, err = s.signUp(ctx, f, found, identity, i)
		}
		taken := errors.Is(err, db.ErrIdentityTaken) || fault.Is(err, fault.Conflict) && isAbout(err, "input.email")
		if !taken {
			break
		}
	}
	if errors.Is(err, db.ErrIdentityTaken) {
		err = fault.Busy(err)
	}
	return entered, err
}

// identityOf returns an identity as a new credential. An address that the provider has not verified has no key, so it is nobody's.
func (s *Service) identityOf(f flow, i *oauth.Identity) db.Identity {
	identity := db.Identity{Issuer: i.Issuer, Subject: i.Subject, CredentialID: uuid.New(), Name: f.Provider}
	if p := s.provider(f.Provider); p != nil {
		identity.Name = p.Label
	}
	email, flaw := input.ReadEmail(i.Email)
	if !flaw.IsZero() {
		return identity
	}
	identity.Email = email.Text
	if i.EmailVerified {
		identity.EmailKey = email.Key
	}
	if name, flaw := input.ReadCredentialName(identity.Name + " (" + email.Text + ")"); flaw.IsZero() {
		identity.Name = name
	}
	return identity
}

// signIn starts a session of the account that has the identity, or that gets it because of a verified address. The error is errNew if
// there is none.
func (s *Service) signIn(ctx context.Context, found *continuations.Found, identity db.Identity) (*accounts.Entered, error) {
	return s.accounts.Enter(ctx, accounts.Entrance{Proof: byProvider, Cookie: found.Cookie, Prove: func(ctx context.Context, tx *db.SystemTx) (accounts.Proved, error) {
		if err := s.accounts.Flows.Use(ctx, tx, found); err != nil {
			return accounts.Proved{}, err
		}
		found, err := tx.ProveIdentity(ctx, identity)
		if err != nil {
			return accounts.Proved{}, err
		}
		switch found.Outcome {
		case db.IdentityNew:
			return accounts.Proved{}, errNew
		case db.IdentityUnverified:
			return accounts.Proved{}, errNotVerified
		case db.IdentityKnown, db.IdentityVerified:
		}
		proved := accounts.Proved{Proved: db.Proved{UserID: *found.UserID, CredentialID: found.CredentialID}}
		if found.Outcome == db.IdentityVerified {
			proved.Add, err = accounts.NewAddition(db.CredentialOAuth, identity)
		}
		return proved, err
	}})
}

var errNotVerified = &fault.Error{
	Code: fault.Conflict,
	Message: "An account has your email address and has not verified it. Verify the address (`requestEmailVerification`, `verifyEmail`), " +
		"then sign in with the provider again.",
	Fields: []fault.Field{{Path: "input.code", Flaw: fault.Flaw{
		Code: "EMAIL_NOT_VERIFIED", Message: "An account has the email address of this user and has not verified it.",
	}}},
}

// signUp creates an account for an identity, or asks for a username if there is none that the account can have.
func (s *Service) signUp(ctx context.Context, f flow, found *continuations.Found, identity db.Identity, i *oauth.Identity) (*accounts.Entered, error) {
	email := ""
	if identity.EmailKey != "" {
		email = identity.Email
	} else if s.accounts.Settings().RequireVerifiedEmail {
		return nil, fault.Input("input.code", "EMAIL_REQUIRED", "This service requires a verified email address, and the provider names none. Verify the address at the provider, or sign up in another way.")
	}
	username, profile := cmp.Or(f.Username, i.Username), withName(f.Profile, i.Name)
	if username == "" {
		return s.askForUsername(ctx, found, identity, email, profile)
	}
	session, err := s.accounts.SignUpWith(ctx, accounts.SignUp{Email: email, Username: username, Profile: profile}, accounts.NewAccount{
		Proof: byProvider, EmailVerified: email != "", NoEmail: email == "",
		Use: func(ctx context.Context, tx *db.SystemTx) error { return s.accounts.Flows.Use(ctx, tx, found) },
		Add: func(ctx context.Context, tx *db.Tx) error {
			_, _, err := tx.AddIdentity(ctx, identity)
			return err
		},
	})
	switch {
	case isAbout(err, "input.username"):
		return s.askForUsername(ctx, found, identity, email, profile)
	case err != nil:
		return nil, err
	}
	return &accounts.Entered{Session: session}, nil
}

// withName adds the name that the provider knows to a profile without a display name, if a profile can have it.
func withName(p db.ProfileFields, name string) db.ProfileFields {
	if text, flaw := input.DisplayName.Read(name); flaw.IsZero() && text != "" && !p.DisplayName.Set {
		p.DisplayName = db.Patch[string]{Set: true, Value: &text}
	}
	return p
}

// isAbout reports whether all faults of an error are about one field of a sign-up.
func isAbout(err error, path string) bool {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code == fault.RateLimited || len(f.Fields) == 0 {
		return false
	}
	for _, field := range f.Fields {
		if field.Path != path {
			return false
		}
	}
	return true
}

// askForUsername replaces the flow by that of a sign-up without a username.
func (s *Service) askForUsername(ctx context.Context, found *continuations.Found, identity db.Identity, email string, profile db.ProfileFields) (*accounts.Entered, error) {
	err := s.db.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error { return s.accounts.Flows.Use(ctx, tx, found) })
	if err != nil {
		return nil, err
	}
	addition, err := accounts.NewAddition(db.CredentialOAuth, identity)
	if err != nil {
		return nil, err
	}
	return s.accounts.AskForUsername(ctx, accounts.Waiting{
		Addition: *addition, Email: email, EmailVerified: email != "", Profile: profile, Proof: byProvider, Cookie: found.Cookie,
	})
}

// add adds an identity to the account of a sign-up or a sign-in that is complete now.
func (s *Service) add(ctx context.Context, tx *db.Tx, data json.RawMessage) (added bool, err error) {
	var identity db.Identity
	if err := json.Unmarshal(data, &identity); err != nil {
		return false, fmt.Errorf("add the identity of a flow: %w", err)
	}
	if _, added, err = tx.AddIdentity(ctx, identity); errors.Is(err, db.ErrIdentityTaken) {
		err = fmt.Errorf("%w: %w", fault.Taken("input.continuationToken", "This user of the provider has an account already. Sign in with the provider."), err)
	}
	return added, err
}

// FinishLink adds the identity that the provider names to the viewer's account, and returns the credential. The error is CONFLICT if
// another account has the identity.
func (s *Service) FinishLink(ctx context.Context, viewer auth.Viewer, a Answer) (c *db.Credential, err error) {
	f, found, i, err := s.identify(ctx, link, viewer.UserID, a)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := s.accounts.Flows.Use(ctx, tx, found); err != nil {
			return err
		}
		id, added, err := tx.AddIdentity(ctx, s.identityOf(f, i))
		if errors.Is(err, db.ErrIdentityTaken) {
			return fault.Taken("input.code", "Another account has this user of the provider. Remove it there first.")
		}
		if err != nil {
			return err
		}
		if added {
			if err := s.accounts.NotifyCredential(ctx, tx, mail.CredentialAdded, db.CredentialOAuth); err != nil {
				return err
			}
		}
		credentials, err := tx.FindCredentials(ctx, []uuid.UUID{id})
		if err == nil && len(credentials) == 1 {
			c = &credentials[0]
		}
		return err
	})
	return c, err
}

// FinishReauthentication records that the viewer has proved again who they are, and returns their profile.
func (s *Service) FinishReauthentication(ctx context.Context, viewer auth.Viewer, a Answer) (profile *db.Profile, err error) {
	_, found, i, err := s.identify(ctx, reauthentication, viewer.UserID, a)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := s.accounts.Flows.Use(ctx, tx, found); err != nil {
			return err
		}
		own, err := tx.UseOwnIdentity(ctx, i.Issuer, i.Subject)
		switch {
		case err != nil:
			return err
		case !own:
			return fault.Input("input.code", "NOT_YOURS", "Your account does not have this user of the provider.")
		}
		if err := tx.AuthenticateAgain(ctx, byProvider); err != nil {
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
