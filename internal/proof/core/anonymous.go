package core

import (
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// anonymous returns the facts about anonymous accounts.
func anonymous() people.Facts {
	return people.Facts{
		Known: cases.Known{
			Own: map[string]cases.Own{"Mutation.signUpAnonymously": cases.CreatesAccount},
			NullAfter: map[string]map[string]string{
				"Mutation.signUpAnonymously": {
					"User.email": "the account has no address", "User.pendingEmail": "nothing was changed yet", "User.nextCodeAt": "no code was requested yet", "SecurityEvent.by": newest,
					"Credential.id": noCredential, "Credential.kind": noCredential, "Credential.name": noCredential, "Credential.createdAt": noCredential,
					"Credential.lastUsedAt": noCredential, "Credential.viewerCan": noCredential,
				},
				"Mutation.upgradeAccount": {"User.pendingEmail": "all codes are deleted", "User.nextCodeAt": "and so no address is pending", "SecurityEvent.by": newest},
			},
		},
		Values: map[string]people.Value{
			"SignUpAnonymouslyInput.username": seeded("username"),
			"UpgradeAccountInput.email":       planted("email", "canary-%06d@example.org"),
			"UpgradeAccountInput.password":    always(harness.Password),
			"UpgradeAccountInput.username":    none,
			"UpgradeAccountInput.profile":     none,
		},
		Settings: []string{"FREEHOLD_ANONYMOUS=on"},
		Before:   map[string]func(*harness.Service, *people.Person) error{"upgradeAccount": makeAnonymous},
		Disarm: []string{`
	CREATE OR REPLACE FUNCTION app.is_anonymous(p_user_id uuid) RETURNS boolean
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$ SELECT c.anonymous FROM app.accounts c WHERE c.user_id = p_user_id $$`},
	}
}

const noCredential = "the account has no credential"

// makeAnonymous takes a person's address and password away.
func makeAnonymous(s *harness.Service, of *people.Person) error {
	s.DB.Query(s.T, `UPDATE app.user_private SET email = NULL, email_key = NULL, email_verified_at = NULL WHERE user_id = $1`, of.RowID("User"))
	s.DB.Query(s.T, `UPDATE app.accounts SET password_hash = '', anonymous = true WHERE user_id = $1`, of.RowID("User"))
	return nil
}
