package core

import (
	"encoding/json"
	"fmt"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// credentials returns the facts about credentials and flows.
func credentials() people.Facts {
	return people.Facts{
		Known: cases.Known{
			Own: map[string]cases.Own{"Mutation.completeSignUp": cases.CreatesAccount},
			NullAfter: map[string]map[string]string{
				"Mutation.removeCredential": {"SecurityEvent.by": newest},
				"Mutation.completeSignUp":   {"User.pendingEmail": "nothing was changed yet", "User.nextCodeAt": "no code was requested yet", "SecurityEvent.by": newest},
			},
		},
		Values: map[string]people.Value{"CompleteSignUpInput.continuationToken": code, "CompleteSignUpInput.username": seeded("username")},
		Before: map[string]func(*harness.Service, *people.Person) error{"removeCredential": addPasskey},
	}
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

// addPasskey gives a person another credential, which they then remove. The last one cannot be removed.
func addPasskey(s *harness.Service, of *people.Person) error {
	ids := s.DB.Query(s.T, `
		INSERT INTO app.credentials (id, user_id, kind, name, last_used_at) VALUES (gen_random_uuid(), $1, 'PASSKEY', 'A key', now()) RETURNING id`, of.RowID("User"))
	if len(ids) != 1 {
		return fmt.Errorf("add a passkey: got the ids %v", ids)
	}
	of.Objects["Credential"] = map[string]any{"id": ids[0], "kind": "PASSKEY", "name": "A key"}
	return nil
}
