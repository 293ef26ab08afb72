package core

import (
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// mailCodes returns the facts about codes by mail, and about passwords for accounts that have none.
func mailCodes() people.Facts {
	return people.Facts{
		Known: cases.Known{
			Own: map[string]cases.Own{"Mutation.signInWithCode": cases.ProvesOwner},
			NullAfter: map[string]map[string]string{
				"Mutation.signInWithCode": {
					"User.pendingEmail": "all codes are deleted", "User.nextCodeAt": "and so no address is pending", "SecurityEvent.by": newest,
					"SignInWithCodePayload.secondFactor": complete, "SignInWithCodePayload.pendingSignUp": complete, // e2e/mailcodes has them
					"SecondFactorChallenge.continuationToken": complete, "SecondFactorChallenge.factors": complete, "SecondFactorChallenge.expiresAt": complete,
					"PendingSignUp.needs": complete, "PendingSignUp.continuationToken": complete, "PendingSignUp.expiresAt": complete,
				},
				"Mutation.reauthenticateWithCode": {"SecurityEvent.by": newest},
				"Mutation.enableSignInCodes":      {"SecurityEvent.by": newest},
				"Mutation.setPassword":            {"SecurityEvent.by": newest},
			},
		},
		Values: map[string]people.Value{
			"RequestSignInCodeInput.email": seeded("email"), "RequestSignInCodeInput.username": none, "RequestSignInCodeInput.profile": none, // the account has the address
			"SignInWithCodeInput.email": seeded("email"), "SignInWithCodeInput.code": code, "SignInWithCodeInput.username": none,
			"ReauthenticateWithCodeInput.code": code, "SetPasswordInput.newPassword": always(harness.NewPassword),
		},
		Before: map[string]func(*harness.Service, *people.Person) error{
			"reauthenticateWithCode": verifyAddress, "enableSignInCodes": verifyAddress, "setPassword": removePassword,
		},
	}
}

// complete is why a sign-in with a code lacks nothing.
const complete = "the account exists, and has no second factor"

// verifyAddress verifies the address of a person, without adding a credential twice.
func verifyAddress(s *harness.Service, of *people.Person) error {
	s.DB.Query(s.T, `UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $1`, of.RowID("User"))
	s.DB.Query(s.T, `
		INSERT INTO app.credentials (id, user_id, kind, name, last_used_at) VALUES (gen_random_uuid(), $1, 'EMAIL_CODE', 'Codes', now()) ON CONFLICT DO NOTHING`, of.RowID("User"))
	return nil
}

func removePassword(s *harness.Service, of *people.Person) error {
	s.DB.Query(s.T, `UPDATE app.accounts SET password_hash = '' WHERE user_id = $1`, of.RowID("User"))
	return nil
}
