package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/oauth"
)

// Provider has the settings of one provider of OpenID Connect or OAuth, FREEHOLD_OIDC_<NAME>_… Its name is a part of the names of
// the variables, so they are not fields of Config.
type Provider struct {
	Name string `env:"-"` // as in the variables

	Preset       string   `env:"PRESET"`
	Label        string   `env:"LABEL"`
	Issuer       string   `env:"ISSUER"`
	ClientID     string   `env:"CLIENT_ID"`
	ClientSecret string   `env:"CLIENT_SECRET" secret:"true"`
	SecretFile   string   `env:"CLIENT_SECRET_FILE"`
	Scopes       []string `env:"SCOPES" envSeparator:" "`
	Claims       []string `env:"CLAIMS"`
	TeamID       string   `env:"TEAM_ID"` // this and the following for Apple only
	KeyID        string   `env:"KEY_ID"`
	KeyFile      string   `env:"KEY_FILE"`
}

const (
	oidcPrefix    = "FREEHOLD_OIDC_"
	redirectsName = "FREEHOLD_OIDC_REDIRECTS"
	maxLabel      = 40 // characters
)

// providerSetting matches the variables of providers. Names have no underscore, so that a variable has one meaning.
var providerSetting = regexp.MustCompile("^" + oidcPrefix + "([A-Z][A-Z0-9]{0,31})_(" + strings.Join(providerKeys(), "|") + ")$")

func providerKeys() (keys []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Provider]()) {
		if key := f.Tag.Get("env"); key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

// variable returns the name of a variable of the provider.
func (p *Provider) variable(key string) string { return oidcPrefix + p.Name + "_" + key }

// unknownSetting returns the error for a variable that is not a setting.
func unknownSetting(name string) error {
	if strings.HasPrefix(name, oidcPrefix) {
		return fmt.Errorf("%s: unknown setting: the name of a provider has upper-case letters and digits, and its settings end in %s", name, strings.Join(providerKeys(), ", "))
	}
	return fmt.Errorf("%s: unknown setting", name)
}

// parseProviders reads the providers from the environment, in the order of their names. A variable that is empty counts as missing.
func parseProviders(vars map[string]string) (list []Provider, faults []error) {
	names := map[string]bool{}
	for variable, value := range vars {
		if match := providerSetting.FindStringSubmatch(variable); match != nil && value != "" {
			names[match[1]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		p := Provider{Name: name}
		if err := env.ParseWithOptions(&p, env.Options{Environment: vars, Prefix: oidcPrefix + name + "_"}); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", oidcPrefix+name, err))
		}
		if p.Preset == "" && slices.Contains(oauth.Presets, oauth.Preset(name)) {
			p.Preset = name
		}
		p.Issuer = cmp.Or(p.Issuer, oauth.Preset(p.Preset).Issuer())
		p.Label = cmp.Or(p.Label, oauth.Preset(p.Preset).Label(), name[:1]+strings.ToLower(name[1:]))
		list = append(list, p)
	}
	return list, faults
}

func withoutBlanks(list []string) (kept []string) {
	for _, text := range list {
		if text = strings.TrimSpace(text); text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

// oidcFaults returns what is wrong with the settings of providers. The errors contain no values.
func (c *Config) oidcFaults() (faults []error) {
	issuers := map[string]string{}
	for _, p := range c.Providers {
		faults = append(faults, p.faults(c.Development())...)
		if other, taken := issuers[p.Issuer]; taken && p.Issuer != "" {
			faults = append(faults, fmt.Errorf("%s: %s has the same issuer", p.variable("ISSUER"), other))
		}
		issuers[p.Issuer] = oidcPrefix + p.Name
	}
	for i, target := range c.OIDCRedirects {
		if err := mail.CheckPage(target); err != nil || strings.Contains(target, "#") {
			faults = append(faults, fmt.Errorf("%s: value %d must be a URL such as https://app.example.org/signed-in, without a fragment", redirectsName, i+1))
		} else if !c.Development() && mail.IsPlain(target) {
			faults = append(faults, fmt.Errorf("%s: value %d must be https in production, except on localhost", redirectsName, i+1))
		}
	}
	if len(c.Providers) > 0 && len(c.OIDCRedirects) == 0 {
		faults = append(faults, errors.New(redirectsName+": required with providers, with the pages to which users return"))
	}
	return faults
}

func (p *Provider) faults(development bool) (faults []error) {
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s: "+format, append([]any{p.variable(key)}, args...)...))
		}
	}
	check(p.Preset == "" || slices.Contains(oauth.Presets, oauth.Preset(p.Preset)), "PRESET", "must be one of %s", joined(oauth.Presets))
	check(p.ClientID != "", "CLIENT_ID", "required")
	check(len([]rune(p.Label)) <= maxLabel && mail.CheckName(p.Label) == nil, "LABEL", "must be one line of at most %d characters", maxLabel)
	_, err := oauth.ParseClaims(p.Claims)
	check(err == nil, "CLAIMS", "%v", err)
	apple := oauth.Preset(p.Preset) == oauth.Apple
	for key, value := range map[string]string{"TEAM_ID": p.TeamID, "KEY_ID": p.KeyID, "KEY_FILE": p.KeyFile} {
		check(!apple || value != "", key, "required for Apple")
		check(apple || value == "", key, "only for Apple")
	}
	secrets := p.ClientSecret != "" || p.SecretFile != ""
	check(!apple || !secrets, "CLIENT_SECRET", "must not be set for Apple, whose secrets are signed with %s", p.variable("KEY_FILE"))
	check(apple || secrets, "CLIENT_SECRET", "required, or %s with a file that contains it", p.variable("CLIENT_SECRET_FILE"))
	check(p.ClientSecret == "" || p.SecretFile == "", "CLIENT_SECRET", "set this or %s, not both", p.variable("CLIENT_SECRET_FILE"))
	u, err := url.Parse(p.Issuer)
	switch {
	case p.Issuer == "" && oauth.Preset(p.Preset) == oauth.Microsoft, isSharedTenant(u):
		check(false, "ISSUER", "required, with the issuer of one tenant: https://login.microsoftonline.com/<tenant id>/v2.0")
	case p.Issuer == "":
		check(false, "ISSUER", "required")
	case err != nil || !isHTTP(u) || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		check(false, "ISSUER", "must be an https URL without a query")
	default:
		check(u.Scheme == "https" || development, "ISSUER", "must be https in production, because anyone who changes its keys on their way can act as any user")
	}
	return faults
}

// isSharedTenant reports whether an issuer is one of Microsoft's that tokens never name.
func isSharedTenant(issuer *url.URL) bool {
	if issuer == nil || issuer.Host != "login.microsoftonline.com" {
		return false
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(issuer.Path, "/"), "/")
	return slices.Contains([]string{"common", "organizations", "consumers"}, tenant)
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, text := range list {
		texts[i] = string(text)
	}
	return strings.Join(texts, ", ")
}

// OAuth returns the settings of the providers that users can sign in with. It reads the files of their secrets.
func (c *Config) OAuth() (list []oauth.Settings, err error) {
	for _, p := range c.Providers {
		name := strings.ToLower(p.Name)
		s := oauth.Settings{
			Name: name, Label: p.Label, Preset: oauth.Preset(p.Preset), Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret,
			Scopes: p.Scopes, RedirectURL: c.PublicURL + "/oauth/" + name + "/callback",
			Apple: oauth.AppleKey{TeamID: p.TeamID, KeyID: p.KeyID},
		}
		if s.Claims, err = oauth.ParseClaims(p.Claims); err != nil {
			return nil, fmt.Errorf("%s: %w", p.variable("CLAIMS"), err)
		}
		if p.SecretFile != "" {
			text, err := os.ReadFile(p.SecretFile)
			if s.ClientSecret = strings.TrimSpace(string(text)); err != nil || s.ClientSecret == "" {
				return nil, fmt.Errorf("%s: the file is empty or cannot be read: %w", p.variable("CLIENT_SECRET_FILE"), err)
			}
		}
		if p.KeyFile != "" {
			text, err := os.ReadFile(p.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.variable("KEY_FILE"), err)
			}
			if s.Apple.Key, err = oauth.ParseAppleKey(text); err != nil {
				return nil, fmt.Errorf("%s: %w", p.variable("KEY_FILE"), err)
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// printProviders returns the settings of the providers as Config.Print does.
func (c *Config) printProviders() string {
	var b strings.Builder
	for _, p := range c.Providers {
		v := reflect.ValueOf(p)
		for _, f := range reflect.VisibleFields(v.Type()) {
			key, value := f.Tag.Get("env"), v.FieldByIndex(f.Index)
			if key == "-" || value.Len() == 0 {
				continue
			}
			text := fmt.Sprint(value.Interface())
			if f.Tag.Get("secret") != "" {
				text = "xxxxx"
			}
			fmt.Fprintf(&b, "%s=%s\n", p.variable(key), text)
		}
	}
	return b.String()
}
