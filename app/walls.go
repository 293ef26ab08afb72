package app

import (
	"strings"

	"freehold/access"
	"freehold/db"
	"freehold/graph/model"
)

// ownedTypes are the Go models of the types whose rows have an owner.
var ownedTypes = map[string]any{"User": &model.User{}, "Profile": &model.Profile{}, "Session": &model.Session{}}

// policies say by name under which row policy each owned type is read, and which ones stand behind a field that comes
// from elsewhere or writes. A test holds each of them against the database.
var (
	policyOfType    = map[string]string{"User": "profiles_select", "Profile": "profiles_select", "Session": "sessions_select"}
	policiesOfField = map[string][]string{
		"User.email":             {"user_private_select"},
		"User.emailVerified":     {"user_private_select"},
		"User.sessions":          {"sessions_select"},
		"User.securityEvents":    {"security_events_select"},
		"Profile.birthday":       {"profile_private_select"},
		"Profile.phoneNumber":    {"profile_private_select"},
		"Mutation.updateProfile": {"profiles_update", "profile_private_update"},
	}
	// definers are the functions that stand behind a field, and whom they let through.
	definers = map[string]access.Wall{
		"User.pendingEmail":            {Name: "app.pending_email", Admits: access.AdmitsOwner},
		"User.hasPassword":             {Name: "app.has_password", Admits: access.AdmitsOwner},
		"User.reauthenticatedUntil":    {Name: "app.recent_until", Admits: access.AdmitsOwner},
		"User.nextCodeAt":              {Name: "app.closed_until", Admits: access.AdmitsOwner},
		"Mutation.revokeSession":       {Name: "app.revoke_session", Admits: access.AdmitsOwner},
		"Mutation.revokeOtherSessions": {Name: "app.revoke_other_sessions", Admits: access.AdmitsMembers},
		"Mutation.reauthenticate":      {Name: "app.reauthenticate", Admits: access.AdmitsMembers},
		"Mutation.changePassword":      {Name: "app.change_password", Admits: access.AdmitsMembers},
		"Mutation.changeEmail":         {Name: "app.require_recent", Admits: access.AdmitsMembers},
		"Mutation.changeUsername":      {Name: "app.require_recent", Admits: access.AdmitsMembers},
		"Mutation.deleteAccount":       {Name: "app.delete_account", Admits: access.AdmitsMembers},
	}
)

// policiesBehind names the policies behind a field, Type.field.
func policiesBehind(field string) []string {
	if names, ok := policiesOfField[field]; ok {
		return names
	}
	if _, ok := definers[field]; ok {
		return nil // the function replaces the policy of the type
	}
	typ, _, _ := strings.Cut(field, ".")
	if name, ok := policyOfType[typ]; ok {
		return []string{name}
	}
	return nil
}

// walls tells the matrix what it needs of the policies.
func walls() access.Walls {
	w := access.Walls{Types: map[string]access.Wall{}, Fields: map[string][]access.Wall{}}
	for typ, name := range policyOfType {
		w.Types[typ] = wall(name)
	}
	for field, names := range policiesOfField {
		for _, name := range names {
			w.Fields[field] = append(w.Fields[field], wall(name))
		}
	}
	for field, definer := range definers {
		w.Fields[field] = append(w.Fields[field], definer)
	}
	return w
}

func wall(policy string) access.Wall {
	p, known := db.FindPolicy(policy)
	if !known {
		panic("no row policy is called " + policy)
	}
	return access.Wall{Name: policy, Admits: access.Admits(p.Admits)}
}
