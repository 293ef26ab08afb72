// Package core owns the declaration of the module of accounts, profiles and sessions, the first module of every program. It must
// not decide anything itself: members and accounts do.
package core

import (
	"freehold.dev/freehold/access"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/core/members"
)

type (
	// QueryResolver resolves the module's fields of Query.
	QueryResolver = members.QueryResolver
	// MutationResolver resolves the module's mutations.
	MutationResolver = members.MutationResolver
	// UserResolver resolves the fields of User that are not in its row.
	UserResolver = members.UserResolver
	// ProfileResolver resolves the fields of Profile that are not in its row.
	ProfileResolver = members.ProfileResolver
	// SessionResolver resolves the fields of Session that are not in its row.
	SessionResolver = members.SessionResolver
	// CredentialResolver resolves the fields of Credential that are not in its row.
	CredentialResolver = members.CredentialResolver
)

// Module returns the module. Its migrations are those of package db, which run before all others.
func Module() app.Module {
	return app.Module{
		Name: "freehold", Types: members.Types(), Validators: members.Validators, TextBytes: members.TextBytes,
		Functions: map[string]access.Layer{
			"User.pendingEmail":                      {Name: "app.pending_email", Admits: access.AdmitsOwner},
			"User.hasPassword":                       {Name: "app.has_password", Admits: access.AdmitsOwner},
			"User.anonymous":                         {Name: "app.is_anonymous", Admits: access.AdmitsOwner},
			"User.reauthenticatedUntil":              {Name: "app.reauthenticated_until", Admits: access.AdmitsOwner},
			"User.nextCodeAt":                        {Name: "app.rate_limited_until", Admits: access.AdmitsOwner},
			"Mutation.revokeSession":                 {Name: "app.revoke_session", Admits: access.AdmitsOwner},
			"Mutation.removeCredential":              {Name: "app.remove_credential", Admits: access.AdmitsOwner},
			"Mutation.revokeOtherSessions":           {Name: "app.revoke_other_sessions", Admits: access.AdmitsMembers},
			"Mutation.reauthenticate":                {Name: "app.reauthenticate", Admits: access.AdmitsMembers},
			"Mutation.changePassword":                {Name: "app.change_password", Admits: access.AdmitsMembers},
			"Mutation.changeEmail":                   {Name: "app.require_reauthentication", Admits: access.AdmitsMembers},
			"Mutation.changeUsername":                {Name: "app.require_reauthentication", Admits: access.AdmitsMembers},
			"Mutation.deleteAccount":                 {Name: "app.delete_account", Admits: access.AdmitsMembers},
			"Mutation.startPasskeyRegistration":      {Name: "app.own_passkeys", Admits: access.AdmitsMembers},
			"Mutation.finishPasskeyRegistration":     {Name: "app.add_passkey", Admits: access.AdmitsMembers},
			"Mutation.startPasskeyReauthentication":  {Name: "app.own_passkeys", Admits: access.AdmitsMembers},
			"Mutation.finishPasskeyReauthentication": {Name: "app.own_passkeys", Admits: access.AdmitsMembers},

			"Mutation.reauthenticateWithCode": {Name: "app.reauthenticate_with_code", Admits: access.AdmitsMembers},
			"Mutation.enableSignInCodes":      {Name: "app.require_reauthentication", Admits: access.AdmitsMembers},
			"Mutation.setPassword":            {Name: "app.require_reauthentication", Admits: access.AdmitsMembers},
			"Mutation.upgradeAccount":         {Name: "app.upgrade_account", Admits: access.AdmitsMembers},

			"Mutation.startOAuthLink":              {Name: "app.require_reauthentication", Admits: access.AdmitsMembers},
			"Mutation.finishOAuthLink":             {Name: "app.add_identity", Admits: access.AdmitsMembers},
			"Mutation.startOAuthReauthentication":  {Name: "app.has_own_identity", Admits: access.AdmitsMembers},
			"Mutation.finishOAuthReauthentication": {Name: "app.use_own_identity", Admits: access.AdmitsMembers},

			"User.export":                  {Name: "app.export_account", Admits: access.AdmitsOwner},
			"User.recoveryCodesLeft":       {Name: "app.recovery_codes_left", Admits: access.AdmitsOwner},
			"Mutation.startTotp":           {Name: "app.require_reauthentication", Admits: access.AdmitsMembers},
			"Mutation.finishTotp":          {Name: "app.add_totp", Admits: access.AdmitsMembers},
			"Mutation.createRecoveryCodes": {Name: "app.create_recovery_codes", Admits: access.AdmitsMembers},

			"Query.accounts":                       operators("app.find_accounts", "accounts:read"),
			"DisableAccountPayload.account":        operators("app.find_accounts", "accounts:read"),
			"EnableAccountPayload.account":         operators("app.find_accounts", "accounts:read"),
			"RevokeAccountSessionsPayload.account": operators("app.find_accounts", "accounts:read"),
			"StartPasswordResetPayload.account":    operators("app.find_accounts", "accounts:read"),
			"Mutation.disableAccount":              operators("app.disable_account", "accounts:disable"),
			"Mutation.enableAccount":               operators("app.enable_account", "accounts:disable"),
			"Mutation.revokeAccountSessions":       operators("app.revoke_account_sessions", "sessions:revoke"),
			"Mutation.startPasswordReset":          operators("app.start_password_reset", "passwords:reset"),
		},
		Credential: members.Credential, Scopes: members.Scopes,
	}
}

// operators returns a definer function that only operators with a scope can use.
func operators(name, scope string) access.Layer {
	return access.Layer{Name: name, Admits: access.AdmitsOperators, Scopes: []string{scope}}
}
