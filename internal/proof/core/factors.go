package core

import (
	"encoding/json"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// factors returns the facts about second factors.
func factors() people.Facts {
	return people.Facts{
		Known: cases.Known{
			Own: map[string]cases.Own{"Mutation.finishSecondFactor": cases.ProvesOwner},
			NullAfter: map[string]map[string]string{
				"Mutation.signIn": {
					"SignInPayload.secondFactor": oneFactor, "SecondFactorChallenge.continuationToken": oneFactor,
					"SecondFactorChallenge.factors": oneFactor, "SecondFactorChallenge.expiresAt": oneFactor,
				},
				"Mutation.finishSecondFactor":  {"SecurityEvent.by": newest},
				"Mutation.finishTotp":          {"SecurityEvent.by": newest},
				"Mutation.createRecoveryCodes": {"SecurityEvent.by": newest},
			},
		},
		Values: map[string]people.Value{
			"ReauthenticateInput.code": none, "ReauthenticateInput.recoveryCode": none,
			"FinishTotpInput.continuationToken": code, "FinishTotpInput.code": currentCode, "FinishTotpInput.name": always("An app"),
			"FinishSecondFactorInput.continuationToken": code, "FinishSecondFactorInput.code": none, "FinishSecondFactorInput.recoveryCode": always(recoveryCode),
		},
		Before: map[string]func(*harness.Service, *people.Person) error{"createRecoveryCodes": addSecondFactor},
		Disarm: []string{`
			CREATE OR REPLACE FUNCTION app.recovery_codes_left(p_user_id uuid) RETURNS integer
			  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
			  AS $$ SELECT count(*)::integer FROM app.recovery_codes r WHERE r.user_id = p_user_id AND r.used_at IS NULL $$`, `
			CREATE OR REPLACE FUNCTION app.export_account(p_user_id uuid, p_max_bytes bigint) RETURNS TABLE (label text, data text)
			  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
			  AS $$ SELECT x.label, x.data FROM app.export_rows(p_user_id, p_max_bytes) x $$`},
	}
}

// oneFactor is why a sign-in starts a session at once. TestAuthenticatorApp has the other outcome.
const oneFactor = "the account has no second factor"

// secret is that of every authenticator app of the proof, and recoveryCode the recovery code of everyone.
var secret = totp.Secret("the proof's own secret")

const recoveryCode = "0000-0000-0000-0000-0000-0000"

func currentCode(*people.Person, cases.Call, *people.Sown) (any, bool, error) {
	value, err := secret.Code(time.Now())
	return value, true, err
}

// newApp opens the flow in which a person adds an authenticator app, as the service does, and returns its token.
func newApp(s *harness.Service, of *people.Person) (string, error) {
	return openFlow(s, of, "TOTP", map[string]any{"Secret": secret, "SessionID": harness.DecodeClaims(s.T, of.Token())["sid"]})
}

// newSecondFactor opens the flow of a sign-in whose second factor is missing, gives the person a recovery code, and returns the token.
func newSecondFactor(s *harness.Service, of *people.Person) (string, error) {
	hash, _ := auth.HashRecoveryCode(of.RowID("User"), recoveryCode)
	s.DB.Query(s.T, `INSERT INTO app.recovery_codes (user_id, code_hash) VALUES ($1, $2) ON CONFLICT (user_id, code_hash) DO UPDATE SET used_at = NULL`, of.RowID("User"), hash)
	return openFlow(s, of, "SECOND_FACTOR", map[string]any{"Proof": auth.Proof{Methods: []string{"pwd"}}})
}

// openFlow opens a flow of a person for a client of the harness, and returns its token.
func openFlow(s *harness.Service, of *people.Person, purpose string, knows any) (string, error) {
	data, err := json.Marshal(knows)
	if err != nil {
		return "", err
	}
	token := auth.NewFlowToken()
	sealed, err := token.Seal(data)
	if err != nil {
		return "", err
	}
	s.DB.Query(s.T, `SELECT app.open_continuation($1, $2, sha256('device\000Go-http-client/1.1'), $3, $4, 600)`, token.Hash(), purpose, of.RowID("User"), sealed)
	return token.String(), nil
}

// addSecondFactor gives a person a second factor, which they have just proved.
func addSecondFactor(s *harness.Service, of *people.Person) error {
	s.DB.Query(s.T, `INSERT INTO app.credentials (id, user_id, kind, name, last_used_at) VALUES (gen_random_uuid(), $1, 'TOTP', 'An app', now())`, of.RowID("User"))
	s.DB.Query(s.T, `UPDATE app.sessions SET second_factor_at = now() WHERE user_id = $1`, of.RowID("User"))
	return nil
}
