package core

import (
	"encoding/json"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// credentials returns the facts about credentials and flows.
func credentials() people.Facts {
	afterRemoval := noCredentials("the credential was removed")
	afterRemoval["SecurityEvent.by"] = newest
	return people.Facts{
		Known: cases.Known{
			Own: map[string]cases.Own{"Mutation.completeSignUp": cases.CreatesAccount},
			NullAfter: map[string]map[string]string{
				"Mutation.removeCredential": afterRemoval,
				"Mutation.completeSignUp":   {"User.pendingEmail": "nothing was changed yet", "User.nextCodeAt": "no code was requested yet", "SecurityEvent.by": newest},
			},
		},
		Values: map[string]people.Value{"CompleteSignUpInput.continuationToken": code, "CompleteSignUpInput.username": seeded("username")},
	}
}

// noCredentials returns that no field of Credential has a value, with the reason.
func noCredentials(reason string) map[string]string {
	none := map[string]string{}
	for _, field := range []string{"id", "kind", "name", "createdAt", "lastUsedAt", "viewerCan"} {
		none["Credential."+field] = reason
	}
	return none
}

// newSignUp stores what a sign-up without a username knows, as the service does, and returns its token.
func newSignUp(s *harness.Service, of *people.Person) (string, error) {
	data, err := json.Marshal(map[string]any{"Kind": "EMAIL_CODE", "Email": of.Seed["email"], "EmailVerified": true, "Proof": map[string]any{"Methods": []string{"email"}}})
	if err != nil {
		return "", err
	}
	token := auth.NewFlowToken()
	sealed, err := token.Seal(data)
	if err != nil {
		return "", err
	}
	s.DB.Query(s.T, `SELECT app.open_continuation($1, 'SIGN_UP', sha256('device\000Go-http-client/1.1'), NULL, $2, 600)`, token.Hash(), sealed)
	return token.String(), nil
}
