package oauth

import (
	"fmt"
	"slices"
	"strings"
)

// Preset names a provider whose particulars this package knows.
type Preset string

// The presets.
const (
	Google    Preset = "GOOGLE"
	Apple     Preset = "APPLE"
	Microsoft Preset = "MICROSOFT"
	GitLab    Preset = "GITLAB"
	GitHub    Preset = "GITHUB"
)

// Presets are all presets.
var Presets = []Preset{Google, Apple, Microsoft, GitLab, GitHub}

type particulars struct {
	label, issuer string // the issuer is "" if each customer has one of their own
	scopes        []string
}

var known = map[Preset]particulars{
	"":        {scopes: []string{"openid", "profile", "email"}},
	Google:    {"Google", "https://accounts.google.com", []string{"openid", "profile", "email"}},
	Apple:     {"Apple", appleIssuer, []string{"openid", "name", "email"}},
	Microsoft: {"Microsoft", "", []string{"openid", "profile", "email"}},
	GitLab:    {"GitLab", "https://gitlab.com", []string{"openid", "profile", "email"}},
	GitHub:    {"GitHub", gitHubIssuer, []string{"read:user", "user:email"}},
}

// Label returns what users call the provider; "" without a preset.
func (p Preset) Label() string { return known[p].label }

// Issuer returns the provider's issuer; "" without a preset, and for Microsoft, where each tenant has one of its own.
func (p Preset) Issuer() string { return known[p].issuer }

func (p *Provider) scopes() []string {
	if p.settings.Scopes != nil {
		return p.settings.Scopes
	}
	return known[p.settings.Preset].scopes
}

// What a claim can be for.
const (
	forUsername, forName      = "username", "name"
	forEmail, forVerification = "email", "email_verified"
)

// ParseClaims reads a mapping of claims, such as username=preferred_username,name=nickname. It says which claim has the username, the
// display name, the email address, and whether the address is verified.
func ParseClaims(list []string) (map[string]string, error) {
	claims := map[string]string{}
	for _, entry := range list {
		purpose, claim, ok := strings.Cut(strings.TrimSpace(entry), "=")
		if !ok || claim == "" || !slices.Contains([]string{forUsername, forName, forEmail, forVerification}, purpose) {
			return nil, fmt.Errorf("must be a list such as %s=preferred_username,%s=name; %s and %s are possible, too", forUsername, forName, forEmail, forVerification)
		}
		claims[purpose] = claim
	}
	return claims, nil
}

// claim returns the name of the claim that has something; "" if no claim has it. Nothing but an operator's choice makes a claim the
// username of new users, since providers let users choose each other's.
func (s *Settings) claim(purpose string) string {
	switch name, chosen := s.Claims[purpose]; {
	case chosen:
		return name
	case purpose == forUsername:
		return ""
	case purpose == forVerification && s.Preset == Microsoft:
		return "xms_edov" // an optional claim, which says that the owner of the domain has verified the address
	}
	return purpose
}
