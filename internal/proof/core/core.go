// Package core owns what the proof knows about the types of the module core and its schema does not say. These are facts of the
// same kinds as freeholdtest.Seed has for other types. It must not know how the proof works.
package core

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// Facts returns the facts about the module core: those of accounts, and those of each way in.
func Facts() people.Facts {
	return people.Join(
		accounts(),
		credentials(),
		mailCodes(),
		anonymous(),
		factors(),
		passkeys(),
		identities(),
	)
}

func accounts() people.Facts {
	return people.Facts{
		Known: cases.Known{
			Own: map[string]cases.Own{
				"Mutation.signUp":      cases.CreatesAccount,
				"Mutation.signIn":      cases.ProvesOwner,
				"Mutation.verifyEmail": cases.CreatesSession, // TestVerifyEmail
				"Mutation.signOut":     cases.ProvesOwner,    // by the refresh token
			},
			NullAfter: map[string]map[string]string{
				"Mutation.signUp":         {"User.pendingEmail": "nothing was changed yet", "User.nextCodeAt": "no code was requested yet", "SecurityEvent.by": newest},
				"Mutation.signIn":         {"SecurityEvent.by": newest},
				"Mutation.reauthenticate": {"SecurityEvent.by": newest},
				"Mutation.revokeSession":  {"SecurityEvent.by": newest},
				"Mutation.changeUsername": {"SecurityEvent.by": newest},
				"Mutation.verifyEmail":    {"User.pendingEmail": "all codes are deleted", "User.nextCodeAt": "and so no address is pending", "SecurityEvent.by": newest},
				"Mutation.changePassword": {"User.pendingEmail": "all codes are deleted", "User.nextCodeAt": "and so no address is pending", "SecurityEvent.by": newest},
				"Mutation.changeEmail":    {"User.nextCodeAt": "the new address was sent one mail only"},

				"Query.accounts":                 {"Account.disabledAt": "the account is active"},
				"Mutation.enableAccount":         {"Account.disabledAt": "the account is active"},
				"Mutation.revokeAccountSessions": {"Account.disabledAt": "the account is active"},
				"Mutation.startPasswordReset":    {"Account.disabledAt": "the account is active"},
			},
		},
		IDOf:    map[string]string{"Account.id": "User"},
		Values:  values(),
		Furnish: []func(*harness.Service, *people.Person) error{addPending, addOperatorEvent},
		Before:  map[string]func(*harness.Service, *people.Person) error{"revokeSession": signInAgain},
		NewCode: newCode,
		Grant:   grant,
		Disarm:  []string{disarmed},
	}
}

// newest is why an event has no operator.
const newest = "the newest event is the user's own"

// values returns the values of inputs and arguments of which only some make sense.
func values() map[string]people.Value {
	all := map[string]people.Value{
		"Query.profile.username":              seeded("username"),
		"Query.usernameAvailable.username":    seeded("username"),
		"User.nextCodeAt.purpose":             always("CHANGE_EMAIL"), // no mutation of the proof reaches its limit
		"SignUpInput.username":                seeded("username"),
		"SignUpInput.idempotencyKey":          none, // a key that the client chooses, not a field of the person
		"ChangePasswordInput.currentPassword": always(harness.Password),
		"ChangeUsernameInput.username":        planted("username", "canary-%06d"),
		"ChangeEmailInput.newEmail":           planted("pendingEmail", "canary-%06d@example.org"),
		"DisableAccountInput.id":              userID,
		"EnableAccountInput.id":               userID,
		"RevokeAccountSessionsInput.id":       userID,
		"StartPasswordResetInput.id":          userID,
		"Query.accounts.filter":               byUsername,
	}
	for value, inputs := range map[string][]string{
		"email":        {"SignUp", "SignIn", "RequestEmailVerification", "VerifyEmail", "RequestPasswordReset", "ResetPassword"},
		"password":     {"SignUp", "SignIn", "VerifyEmail", "Reauthenticate", "DeleteAccount"},
		"newPassword":  {"ResetPassword", "ChangePassword"},
		"code":         {"VerifyEmail", "ResetPassword"},
		"refreshToken": {"RefreshSession", "SignOut"},
		"phoneNumber":  {"ProfileFields", "UpdateProfile"},
	} {
		for _, input := range inputs {
			all[input+"Input."+value] = map[string]people.Value{
				"email": seeded("email"), "password": always(harness.Password), "newPassword": always(harness.NewPassword), "code": code,
				"refreshToken": refreshToken, "phoneNumber": planted("phoneNumber", "+4930%06d"),
			}[value]
		}
	}
	return all
}

func always(value any) people.Value {
	return func(*people.Person, cases.Call, *people.Sown) (any, bool, error) { return value, true, nil }
}

func none(*people.Person, cases.Call, *people.Sown) (any, bool, error) { return nil, false, nil }

// seeded returns the person's own value of a field.
func seeded(field string) people.Value {
	return func(p *people.Person, _ cases.Call, _ *people.Sown) (any, bool, error) {
		return p.Seed[field], true, nil
	}
}

// planted returns a new value, which a field then has.
func planted(field, format string) people.Value {
	return func(_ *people.Person, _ cases.Call, into *people.Sown) (any, bool, error) {
		return into.Plant(field, fmt.Sprintf(format, people.Serial())), true, nil
	}
}

func userID(p *people.Person, _ cases.Call, _ *people.Sown) (any, bool, error) {
	return p.RowID("User"), true, nil
}

// byUsername filters accounts, whose first page may lack the person.
func byUsername(p *people.Person, _ cases.Call, _ *people.Sown) (any, bool, error) {
	return map[string]any{"username": p.Seed["username"]}, true, nil
}

func refreshToken(p *people.Person, c cases.Call, _ *people.Sown) (any, bool, error) {
	value, err := p.Known("Tokens", "refreshToken", c)
	return value, true, err
}

func code(p *people.Person, c cases.Call, _ *people.Sown) (any, bool, error) {
	if p.NewCode == nil {
		return "0000-0000", true, nil
	}
	value, err := p.NewCode(c.Def.Name)
	return value, true, err
}

// newCode requests a code, and derives it from the id of its mail as the service does.
func newCode(s *harness.Service, dataDir string, of *people.Person, mutation string) (string, error) {
	switch mutation {
	case "completeSignUp":
		return newSignUp(s, of)
	case "finishTotp":
		return newApp(s, of)
	case "finishSecondFactor":
		return newSecondFactor(s, of)
	}
	if strings.HasPrefix(mutation, "finishPasskey") {
		return newPasskeyFlow(s, of, mutation)
	}
	if strings.HasPrefix(mutation, "finishOAuth") {
		return newOAuthFlow(s, of, mutation)
	}
	ask, purpose := harness.RequestVerification, "VERIFY_EMAIL"
	switch mutation {
	case "resetPassword":
		ask, purpose = harness.RequestReset, "RESET_PASSWORD"
	case "signInWithCode", "reauthenticateWithCode":
		ask, purpose = harness.RequestSignInCode, "SIGN_IN"
	}
	if r, err := s.TryDo("", ask, harness.Input("email", of.Seed["email"])); err != nil || len(r.Errors) > 0 {
		return "", fmt.Errorf("request a code: %s, %w", r.Body, err)
	}
	return codeOf(s, dataDir, `SELECT o.id FROM app.codes k JOIN app.outbox o ON o.code_id = k.id WHERE k.email_key = $1 AND k.purpose = $2`,
		of.Seed["email"], purpose)
}

// codeOf derives a code from the id of its mail as the service does, with the key in the data folder.
func codeOf(s *harness.Service, dataDir, query string, args ...any) (string, error) {
	set, err := keys.Load(dataDir+"/signing-key.pem", time.Now)
	if err != nil {
		return "", err
	}
	id, err := uuid.Parse(strings.Join(s.DB.Query(s.T, query, args...), " "))
	return auth.NewSecrets(set).Code(id), err
}

// addPending adds a pending email address and a limit that is reached, so that these fields have values.
func addPending(s *harness.Service, of *people.Person) error {
	pending := of.Plant("pendingEmail", fmt.Sprintf("canary-%06d@example.org", people.Serial()))
	s.DB.Query(s.T, `
		INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at)
		VALUES (gen_random_uuid(), 'CHANGE_EMAIL', $1, $1, $2, now() + interval '1 hour')`, pending, of.RowID("User"))
	s.DB.Query(s.T, `
		INSERT INTO app.rate_limits (bucket, hits, ends_at)
		VALUES ('mailTotal change_email ' || translate(encode(substr(sha256($1::bytea), 1, 15), 'base64'), '+/', '-_') || ' strangers', 1000, now() + interval '1 hour')`, pending)
	return nil
}

// addOperatorEvent adds an event that an operator caused, with the other values of an event.
func addOperatorEvent(s *harness.Service, of *people.Person) error {
	s.DB.Query(s.T, `
		INSERT INTO app.security_events (user_id, kind, device, ip, operator) VALUES ($1, 'SESSIONS_REVOKED', 'a browser', '10.0.0.1', 'an operator')`,
		of.RowID("User"))
	return nil
}

// grant grants scopes to a person, who then signs in again, so that their token contains them.
func grant(s *harness.Service, of *people.Person, scopes []string) error {
	for _, scope := range scopes {
		s.DB.Query(s.T, `SELECT app.grant_scope($1, $2, 'the proof')`, of.RowID("User"), scope)
	}
	return signInAgain(s, of)
}

// signInAgain starts another session of a person, which they use from then on. Revoking the session of the request would sign the
// viewer out.
func signInAgain(s *harness.Service, of *people.Person) error {
	r, err := s.TryDo("", harness.SignInMutation, harness.Input("email", of.Seed["email"], "password", harness.Password))
	if err != nil {
		return err
	}
	var data struct {
		SignIn struct{ Tokens map[string]any }
	}
	if err := json.Unmarshal(r.Data, &data); err != nil || len(r.Errors) > 0 {
		return fmt.Errorf("sign in again: %s", r.Body)
	}
	of.Objects["Tokens"] = data.SignIn.Tokens
	return nil
}

// disarmed replaces the definer functions that refuse a viewer other users' rows by functions that refuse no viewer.
const disarmed = `
	CREATE OR REPLACE FUNCTION app.revoke_session(p_session_id uuid) RETURNS boolean
	  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$
	BEGIN
	  UPDATE app.sessions SET revoked_at = now() WHERE id = p_session_id AND revoked_at IS NULL;
	  RETURN FOUND;
	END
	$$;
	CREATE OR REPLACE FUNCTION app.require_scope(p_scope text) RETURNS void
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$ $$;
	CREATE OR REPLACE FUNCTION app.pending_email(p_user_id uuid) RETURNS text
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$ SELECT k.email FROM app.codes k WHERE k.user_id = p_user_id AND k.purpose = 'CHANGE_EMAIL' $$;
	CREATE OR REPLACE FUNCTION app.has_password(p_user_id uuid) RETURNS boolean
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$ SELECT c.password_hash <> '' FROM app.accounts c WHERE c.user_id = p_user_id $$;
	CREATE OR REPLACE FUNCTION app.reauthenticated_until(p_user_id uuid, p_seconds double precision) RETURNS timestamptz
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$ SELECT max(s.authenticated_at) + make_interval(secs => p_seconds) FROM app.sessions s WHERE s.user_id = p_user_id $$;
	CREATE OR REPLACE FUNCTION app.rate_limited_until(p_user_id uuid, p_buckets text[], p_limits integer[]) RETURNS timestamptz
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$
	SELECT max(r.ends_at)
	  FROM unnest(p_buckets, p_limits) AS b (bucket, hits) JOIN app.rate_limits r ON r.bucket = b.bucket
	 WHERE r.hits >= b.hits AND r.ends_at > now()
	$$`
