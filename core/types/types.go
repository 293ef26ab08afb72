// Package types owns the types that belong to the accounts of users: users, profiles, sessions, credentials. It declares their tables and
// keys, finds their rows, and translates the rows. It must not know what resolvers do with them.
package types

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
)

// The tables of what only the owner of an account reads of their user and profile.
var (
	UserPrivate    = db.Table{Name: "user_private", Key: "user_id"}
	ProfilePrivate = db.Table{Name: "profile_private", Key: "user_id", Insert: true, Update: []string{"birthday", "phone_number"}}
)

// The other tables of accounts and profiles that the app role can read or write.
var (
	sessionsTable       = db.Table{Name: "sessions"}
	credentialsTable    = db.Table{Name: "credentials", Update: []string{"name"}}
	securityEventsTable = db.Table{Name: "security_events"}
	profileColumns      = []string{"display_name", "bio", "avatar_url", "website_url", "location", "visibility", "updated_at"}
)

// All are the types of the module.
func All() []owned.Type { return []owned.Type{User, Profile, Session, Credential} }

// User is the type User. Everybody who sees a profile sees its user, so users are read from profiles.
var User = owned.Declare(owned.Type{
	Name: "User", Model: &model.User{}, Rows: findUsers,
	Table: db.Table{Name: "profiles", Key: "user_id", Admits: db.AdmitsVisible, Insert: true, Update: profileColumns},
	Keys:  map[string]owned.Key{"username": {Read: input.UsernameKey, Of: usernameOfUser, Rows: findUsersByUsername}},
	Fields: map[string]owned.Part{
		"email": {Table: UserPrivate}, "emailVerified": {Table: UserPrivate},
		"sessions": {Table: sessionsTable}, "securityEvents": {Table: securityEventsTable},
		"credentials": {Table: credentialsTable},
	},
})

// Profile is the type Profile.
var Profile = owned.Declare(owned.Type{
	Name: "Profile", Model: &model.Profile{}, Rows: findProfiles,
	Table: db.Table{Name: "profiles", Admits: db.AdmitsVisible, Insert: true, Update: profileColumns},
	Keys:  map[string]owned.Key{"username": {Read: input.UsernameKey, Of: usernameOfProfile, Rows: findProfilesByUsername}},
	Fields: map[string]owned.Part{
		"birthday": {Table: ProfilePrivate}, "phoneNumber": {Table: ProfilePrivate},
	},
})

// Session is the type Session.
var Session = owned.Declare(owned.Type{Name: "Session", Model: &model.Session{}, Rows: findSessions, Table: sessionsTable})

// Credential is the type Credential.
var Credential = owned.Declare(owned.Type{
	Name: "Credential", Model: &model.Credential{}, Rows: findCredentials,
	Table:   credentialsTable,
	Actions: map[string]string{"finishPasskeyRegistration": "INSERT", "finishTotp": "INSERT", "finishOAuthLink": "INSERT"},
})

func findUsers(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	found, err := tx.FindProfilesOfUsers(ctx, ids)
	return rowsOf(found, NewUser), err
}

func findUsersByUsername(ctx context.Context, tx *db.Tx, keys []string) ([]owned.Row, error) {
	found, err := tx.FindProfilesByUsernameKeys(ctx, keys)
	return rowsOf(found, NewUser), err
}

func findProfiles(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	found, err := tx.FindProfiles(ctx, ids)
	return rowsOf(found, NewProfile), err
}

func findProfilesByUsername(ctx context.Context, tx *db.Tx, keys []string) ([]owned.Row, error) {
	found, err := tx.FindProfilesByUsernameKeys(ctx, keys)
	return rowsOf(found, NewProfile), err
}

func findSessions(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	found, err := tx.FindSessions(ctx, ids)
	return rowsOf(found, func(s *db.LiveSession) *model.Session { return NewSession(tx.Viewer, s) }), err
}

func findCredentials(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	found, err := tx.FindCredentials(ctx, ids)
	return rowsOf(found, NewCredential), err
}

// rowsOf translates rows of the database.
func rowsOf[R any, M owned.Row](found []R, translate func(*R) M) []owned.Row {
	rows := make([]owned.Row, len(found))
	for i := range found {
		rows[i] = translate(&found[i])
	}
	return rows
}

func usernameOfUser(row owned.Row) string { return usernameOfProfile(row.(*model.User).Profile) }

func usernameOfProfile(row owned.Row) string {
	key, _ := input.UsernameKey(row.(*model.Profile).Username) // a stored username has a key
	return key
}
