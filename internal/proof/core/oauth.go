package core

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// identities returns the facts about users of identity providers.
func identities() people.Facts {
	facts := people.Facts{
		Known: cases.Known{
			Own: map[string]cases.Own{"Mutation.finishOAuth": cases.ProvesOwner},
			NullAfter: map[string]map[string]string{
				"Mutation.finishOAuth": {
					"SecurityEvent.by": newest, "FinishOAuthPayload.secondFactor": knownUser, "FinishOAuthPayload.pendingSignUp": knownUser, // e2e/oauth has them
					"SecondFactorChallenge.continuationToken": knownUser, "SecondFactorChallenge.factors": knownUser, "SecondFactorChallenge.expiresAt": knownUser,
					"PendingSignUp.needs": knownUser, "PendingSignUp.continuationToken": knownUser, "PendingSignUp.expiresAt": knownUser,
				},
				"Mutation.finishOAuthReauthentication": {"SecurityEvent.by": newest},
			},
		},
		Values:   map[string]people.Value{"StartOAuthInput.username": none},
		Before:   map[string]func(*harness.Service, *people.Person) error{"startOAuthReauthentication": ownIdentity},
		Settings: harness.StartProvider().Settings(),
	}
	for _, flow := range []string{"OAuth", "OAuthLink", "OAuthReauthentication"} {
		start, finish := "Start"+flow+"Input.", "Finish"+flow+"Input."
		facts.Values[start+"provider"], facts.Values[start+"redirectTo"] = always(harness.ProviderName), always(harness.ProviderPage)
		facts.Values[finish+"continuationToken"] = oauthToken
		for _, name := range []string{"code", "state", "iss"} {
			facts.Values[finish+name] = ofAnswer(name)
		}
	}
	return facts
}

// knownUser is why a sign-in with a provider lacks nothing.
const knownUser = "the account exists, and has no second factor"

// atProvider is the key of the objects of a person that are the answer of the provider in the flow that was started last.
const atProvider = "an identity provider"

// oauthToken starts the flow that a mutation finishes, and keeps the provider's answer.
func oauthToken(p *people.Person, c cases.Call, _ *people.Sown) (any, bool, error) {
	if p.NewCode == nil {
		p.Objects[atProvider] = map[string]any{"code": "x", "state": "x"}
		return "x", true, nil
	}
	token, err := p.NewCode(c.Def.Name)
	return token, true, err
}

func ofAnswer(name string) people.Value {
	return func(p *people.Person, _ cases.Call, _ *people.Sown) (any, bool, error) {
		value, given := p.Objects[atProvider][name]
		return value, given, nil
	}
}

// newOAuthFlow starts the flow that a mutation finishes, and returns its token.
func newOAuthFlow(s *harness.Service, of *people.Person, mutation string) (string, error) {
	flow := strings.TrimPrefix(mutation, "finish")
	subject := fmt.Sprint(of.Seed["username"])
	if flow == "OAuthLink" {
		subject = fmt.Sprintf("further-%d", people.Serial())
	} else if err := ownIdentity(s, of); err != nil {
		return "", err
	}
	return startOAuth(s, of, flow, subject)
}

// startOAuth starts a flow, as a user of the provider.
func startOAuth(s *harness.Service, of *people.Person, flow, subject string) (string, error) {
	query := fmt.Sprintf(`mutation ($i: Start%sInput!) { flow: start%s(input: $i) { authorizationUrl continuationToken } }`, flow, flow)
	r, err := s.TryDo(of.Token(), query, harness.Input("provider", harness.ProviderName, "redirectTo", harness.ProviderPage))
	if err != nil {
		return "", err
	}
	var data struct {
		Flow struct{ AuthorizationURL, ContinuationToken string }
	}
	if err := json.Unmarshal(r.Data, &data); err != nil || len(r.Errors) > 0 {
		return "", fmt.Errorf("start a flow with a provider: %s", r.Body)
	}
	u, err := url.Parse(data.Flow.AuthorizationURL)
	code := harness.StartProvider().Code(subject, subject+"@provider.example", u.Query().Get("nonce"))
	of.Objects[atProvider] = map[string]any{"code": code, "state": u.Query().Get("state")}
	return data.Flow.ContinuationToken, err
}

// ownIdentity gives a person an identity, unless they have it.
func ownIdentity(s *harness.Service, of *people.Person) error {
	token, err := startOAuth(s, of, "OAuthLink", fmt.Sprint(of.Seed["username"]))
	if err != nil {
		return err
	}
	answer := of.Objects[atProvider]
	r, err := s.TryDo(of.Token(), `mutation ($i: FinishOAuthLinkInput!) { finishOAuthLink(input: $i) { credential { id } } }`,
		harness.Input("continuationToken", token, "code", answer["code"], "state", answer["state"]))
	if err == nil && len(r.Errors) > 0 {
		err = fmt.Errorf("add an identity: %s", r.Body)
	}
	return err
}
