package members

import (
	"context"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
)

// The tables of accounts and profiles that the app role can read or write.
var (
	userPrivateTable    = db.Table{Name: "user_private", Key: "user_id"}
	sessionsTable       = db.Table{Name: "sessions"}
	credentialsTable    = db.Table{Name: "credentials", Update: []string{"name"}}
	securityEventsTable = db.Table{Name: "security_events"}
	profilePrivateTable = db.Table{Name: "profile_private", Key: "user_id", Insert: true, Update: []string{"birthday", "phone_number"}}
	profileColumns      = []string{"display_name", "bio", "avatar_url", "website_url", "location", "visibility", "updated_at"}
)

// Types are the owned types of accounts, profiles and sessions.
func Types() []owned.Type { return []owned.Type{userType, profileType, sessionType, credentialType} }

// userType is the type User. Everybody who sees a profile sees its user, so users are read from profiles.
var userType = owned.Declare(owned.Type{
	Name: "User", Model: &model.User{}, Rows: findUsers,
	Table: db.Table{Name: "profiles", Key: "user_id", Admits: db.AdmitsVisible, Insert: true, Update: profileColumns},
	Keys:  map[string]owned.Key{"username": {Read: input.UsernameKey, Of: usernameOfUser, Rows: findUsersByUsername}},
	Fields: map[string]owned.Part{
		"email": {Table: userPrivateTable}, "emailVerified": {Table: userPrivateTable},
		"sessions": {Table: sessionsTable}, "securityEvents": {Table: securityEventsTable},
		"credentials": {Table: credentialsTable},
	},
})

var profileType = owned.Declare(owned.Type{
	Name: "Profile", Model: &model.Profile{}, Rows: findProfiles,
	Table: db.Table{Name: "profiles", Admits: db.AdmitsVisible, Insert: true, Update: profileColumns},
	Keys:  map[string]owned.Key{"username": {Read: input.UsernameKey, Of: usernameOfProfile, Rows: findProfilesByUsername}},
	Fields: map[string]owned.Part{
		"birthday": {Table: profilePrivateTable}, "phoneNumber": {Table: profilePrivateTable},
	},
})

var sessionType = owned.Declare(owned.Type{Name: "Session", Model: &model.Session{}, Rows: findSessions, Table: sessionsTable})

func findUsers(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	found, err := tx.FindProfilesOfUsers(ctx, ids)
	return rowsOf(found, newUser), err
}

func findUsersByUsername(ctx context.Context, tx *db.Tx, keys []string) ([]owned.Row, error) {
	found, err := tx.FindProfilesByUsernameKeys(ctx, keys)
	return rowsOf(found, newUser), err
}

func findProfiles(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	found, err := tx.FindProfiles(ctx, ids)
	return rowsOf(found, newProfile), err
}

func findProfilesByUsername(ctx context.Context, tx *db.Tx, keys []string) ([]owned.Row, error) {
	found, err := tx.FindProfilesByUsernameKeys(ctx, keys)
	return rowsOf(found, newProfile), err
}

func findSessions(ctx context.Context, tx *db.Tx, ids []uuid.UUID) ([]owned.Row, error) {
	found, err := tx.FindSessions(ctx, ids)
	return rowsOf(found, func(s *db.LiveSession) *model.Session { return newSession(tx.Viewer, s) }), err
}

// rowsOf translates rows of the database.
func rowsOf[R any, M owned.Row](found []R, translate func(*R) M) []owned.Row {
	rows := make([]owned.Row, len(found))
	for i := range found {
		rows[i] = translate(&found[i])
	}
	return rows
}

func newUser(p *db.Profile) *model.User { return newProfile(p).User }

func usernameOfUser(row owned.Row) string { return usernameOfProfile(row.(*model.User).Profile) }

func usernameOfProfile(row owned.Row) string {
	key, _ := input.UsernameKey(row.(*model.Profile).Username) // a stored username has a key
	return key
}
