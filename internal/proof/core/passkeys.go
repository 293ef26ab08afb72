package core

import (
	"encoding/json"
	"fmt"

	"freehold.dev/freehold/auth/passkeys/softkey"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// passkeys returns the facts about passkeys.
func passkeys() people.Facts {
	facts := people.Facts{
		Known: cases.Known{
			Own: map[string]cases.Own{"Mutation.finishPasskeySignUp": cases.CreatesAccount, "Mutation.finishPasskeySignIn": cases.ProvesOwner},
			NullAfter: map[string]map[string]string{
				"Mutation.finishPasskeySignUp": {"User.pendingEmail": "nothing was changed yet", "User.nextCodeAt": "no code was requested yet", "SecurityEvent.by": newest},
				"Mutation.finishPasskeySignIn": {
					"SecurityEvent.by": newest, "FinishPasskeySignInPayload.secondFactor": verified, "SecondFactorChallenge.continuationToken": verified,
					"SecondFactorChallenge.expiresAt": verified, "SecondFactorChallenge.factors": verified,
				},
				"Mutation.verifyEmail":                   noCredentials(cleared),
				"Mutation.signInWithCode":                noCredentials(cleared),
				"Mutation.finishPasskeyReauthentication": {"SecurityEvent.by": newest},
			},
		},
		Values: map[string]people.Value{
			"StartPasskeySignUpInput.email": another("another-%d@example.org"), "StartPasskeySignUpInput.username": another("another-%d"),
			"StartPasskeySignUpInput.profile": none, // the options contain the display name
			"VerifyEmailInput.passkey":        none, // the sign-up has a password
		},

		// Everyone has a passkey. Otherwise the first mutation that returns a new credential would add one for everyone.
		Insert: map[string]string{"Credential": `
			WITH k AS (
			  INSERT INTO app.credentials (id, user_id, kind, name, last_used_at) VALUES (gen_random_uuid(), $1, 'PASSKEY', 'A ' || $2 || ' key', now()) RETURNING id
			), p AS (
			  INSERT INTO app.passkeys (credential_id, key_id, public_key, sign_count, aaguid, backup_eligible, backed_up)
			  SELECT id, uuid_send(id), '', 0, id, false, false FROM k
			)
			SELECT id FROM k`},
	}
	for _, input := range []string{"FinishPasskeyRegistration", "FinishPasskeySignUp", "FinishPasskeySignIn", "FinishPasskeyReauthentication"} {
		facts.Values[input+"Input.continuationToken"], facts.Values[input+"Input.credential"] = passkeyToken, passkeyAnswer
	}
	return facts
}

const (
	verified = "the passkey has verified the person, so no second factor is asked for"
	cleared  = "a stranger may have signed up with the address, so all credentials are deleted"
)

// another returns a new value, which nothing has.
func another(format string) people.Value {
	return func(*people.Person, cases.Call, *people.Sown) (any, bool, error) {
		return fmt.Sprintf(format, people.Serial()), true, nil
	}
}

// inBrowser is the key of the objects of a person that are in their browser: the authenticator, the form of a sign-up, and the answer to
// the options of the flow that was started last.
const inBrowser = "a browser"

func browserOf(p *people.Person) map[string]any {
	if p.Objects[inBrowser] == nil {
		p.Objects[inBrowser] = map[string]any{"authenticator": softkey.New("http://localhost:8080")}
	}
	return p.Objects[inBrowser]
}

// passkeyToken starts the flow that a mutation finishes, and keeps the browser's answer.
func passkeyToken(p *people.Person, c cases.Call, _ *people.Sown) (any, bool, error) {
	browser := browserOf(p)
	if p.NewCode == nil {
		browser["answer"] = map[string]any{}
		return "x", true, nil
	}
	if c.Def.Name == "finishPasskeySignUp" {
		profile, err := p.Input(c, p.Schema.Types["ProfileFieldsInput"])
		if err != nil {
			return nil, false, err
		}
		browser["profile"] = profile
	}
	token, err := p.NewCode(c.Def.Name)
	return token, true, err
}

func passkeyAnswer(p *people.Person, _ cases.Call, _ *people.Sown) (any, bool, error) {
	return browserOf(p)["answer"], true, nil
}

// newPasskeyFlow starts the flow that a mutation finishes, and returns its token.
func newPasskeyFlow(s *harness.Service, of *people.Person, mutation string) (token string, err error) {
	const flow = ` { options continuationToken } }`
	browser := browserOf(of)
	key := browser["authenticator"].(*softkey.Authenticator)
	if mutation == "finishPasskeySignIn" || mutation == "finishPasskeyReauthentication" {
		if err := ownPasskey(s, of); err != nil {
			return "", err
		}
	}
	switch mutation {
	case "finishPasskeyRegistration":
		token, browser["answer"], err = startPasskey(s, of, `mutation { flow: startPasskeyRegistration`+flow, nil, softkey.New(key.Origin).Create)
	case "finishPasskeySignIn":
		token, browser["answer"], err = startPasskey(s, of, `mutation { flow: startPasskeySignIn`+flow, nil, key.Get)
	case "finishPasskeyReauthentication":
		token, browser["answer"], err = startPasskey(s, of, `mutation { flow: startPasskeyReauthentication`+flow, nil, key.Get)
	default:
		form := harness.Vars{"email": of.Seed["email"], "username": of.Seed["username"], "profile": browser["profile"]}
		if of.Token() != "" { // they have these already
			form["email"], form["username"] = fmt.Sprintf("another-%d@example.org", people.Serial()), fmt.Sprintf("another-%d", people.Serial())
		}
		const start = `mutation ($i: StartPasskeySignUpInput!) { flow: startPasskeySignUp(input: $i)`
		token, browser["answer"], err = startPasskey(s, of, start+flow, harness.Vars{"i": form}, softkey.New(key.Origin).Create)
	}
	return token, err
}

// startPasskey starts a flow and answers its options.
func startPasskey(s *harness.Service, of *people.Person, query string, v harness.Vars, answer func([]byte) (json.RawMessage, error)) (string, json.RawMessage, error) {
	r, err := s.TryDo(of.Token(), query, v)
	if err != nil {
		return "", nil, err
	}
	var data struct {
		Flow struct {
			Options           json.RawMessage
			ContinuationToken string
		}
	}
	if err := json.Unmarshal(r.Data, &data); err != nil || len(r.Errors) > 0 {
		return "", nil, fmt.Errorf("start a flow of passkeys: %s", r.Body)
	}
	answered, err := answer(data.Flow.Options)
	return data.Flow.ContinuationToken, answered, err
}

// ownPasskey gives a person a passkey of their authenticator, unless they have one.
func ownPasskey(s *harness.Service, of *people.Person) error {
	key := browserOf(of)["authenticator"].(*softkey.Authenticator)
	if len(key.Keys) > 0 {
		return nil
	}
	return addPasskeyOf(s, of, key)
}

func addPasskeyOf(s *harness.Service, of *people.Person, key *softkey.Authenticator) error {
	token, answer, err := startPasskey(s, of, `mutation { flow: startPasskeyRegistration { options continuationToken } }`, nil, key.Create)
	if err != nil {
		return err
	}
	r, err := s.TryDo(of.Token(), `mutation ($i: FinishPasskeyRegistrationInput!) { finishPasskeyRegistration(input: $i) { credential { id } } }`,
		harness.Input("continuationToken", token, "credential", answer))
	if err == nil && len(r.Errors) > 0 {
		err = fmt.Errorf("add a passkey: %s", r.Body)
	}
	return err
}
