package config

import (
	"strings"
	"testing"
)

// Each setting of a provider is checked at start-up. The error names the variable and shows no value.
func TestProviderSettingsAreChecked(t *testing.T) {
	t.Parallel()
	const redirects = "FREEHOLD_OIDC_REDIRECTS=https://app.example.org/signed-in"
	google := []string{redirects, "FREEHOLD_OIDC_GOOGLE_CLIENT_ID=x", "FREEHOLD_OIDC_GOOGLE_CLIENT_SECRET=canary"}
	work := []string{redirects, "FREEHOLD_OIDC_WORK_CLIENT_ID=x", "FREEHOLD_OIDC_WORK_CLIENT_SECRET_FILE=/canary"}
	apple := []string{redirects, "FREEHOLD_OIDC_APPLE_CLIENT_ID=x", "FREEHOLD_OIDC_APPLE_TEAM_ID=x", "FREEHOLD_OIDC_APPLE_KEY_ID=x", "FREEHOLD_OIDC_APPLE_KEY_FILE=x"}
	microsoft := []string{redirects, "FREEHOLD_OIDC_MICROSOFT_CLIENT_ID=x", "FREEHOLD_OIDC_MICROSOFT_CLIENT_SECRET=x"}
	production := []string{"FREEHOLD_ENV=production", "FREEHOLD_PUBLIC_URL=https://id.example.org", "DATABASE_URL=postgres://x", "FREEHOLD_SIGNING_KEY_FILE=x"}
	with := func(settings []string, further ...string) []string {
		return append(append([]string{}, settings...), further...)
	}
	for name, c := range map[string]struct {
		settings []string
		want     string // of the error; "" for none
	}{
		"a preset by its name":     {google, ""},
		"a preset by its setting":  {with(work, "FREEHOLD_OIDC_WORK_PRESET=GITLAB"), ""},
		"any issuer":               {with(work, "FREEHOLD_OIDC_WORK_ISSUER=https://id.work.example/realm"), ""},
		"a key for Apple":          {apple, ""},
		"a tenant of Microsoft":    {with(microsoft, "FREEHOLD_OIDC_MICROSOFT_ISSUER=https://login.microsoftonline.com/8c6/v2.0"), ""},
		"claims":                   {with(google, "FREEHOLD_OIDC_GOOGLE_CLAIMS=username=preferred_username, name=nickname"), ""},
		"an app's scheme":          {with(google[1:], "FREEHOLD_OIDC_REDIRECTS= com.example.app://signed-in ,https://a.example/,"), ""},
		"an unknown preset":        {with(work, "FREEHOLD_OIDC_WORK_PRESET=canary", "FREEHOLD_OIDC_WORK_ISSUER=https://id.example"), "FREEHOLD_OIDC_WORK_PRESET: must be one of GOOGLE, APPLE, MICROSOFT, GITLAB, GITHUB"},
		"no issuer":                {work, "FREEHOLD_OIDC_WORK_ISSUER: required"},
		"no tenant":                {microsoft, "FREEHOLD_OIDC_MICROSOFT_ISSUER: required, with the issuer of one tenant"},
		"all tenants":              {with(microsoft, "FREEHOLD_OIDC_MICROSOFT_ISSUER=https://login.microsoftonline.com/common/v2.0"), "FREEHOLD_OIDC_MICROSOFT_ISSUER: required, with the issuer of one tenant"},
		"an issuer with a query":   {with(work, "FREEHOLD_OIDC_WORK_ISSUER=https://canary.example/?x"), "FREEHOLD_OIDC_WORK_ISSUER: must be an https URL"},
		"no client":                {[]string{redirects, "FREEHOLD_OIDC_GOOGLE_CLIENT_SECRET=canary"}, "FREEHOLD_OIDC_GOOGLE_CLIENT_ID: required"},
		"no secret":                {google[:2], "FREEHOLD_OIDC_GOOGLE_CLIENT_SECRET: required, or FREEHOLD_OIDC_GOOGLE_CLIENT_SECRET_FILE"},
		"two secrets":              {with(google, "FREEHOLD_OIDC_GOOGLE_CLIENT_SECRET_FILE=/canary"), "FREEHOLD_OIDC_GOOGLE_CLIENT_SECRET: set this or FREEHOLD_OIDC_GOOGLE_CLIENT_SECRET_FILE, not both"},
		"Apple without a key":      {apple[:4], "FREEHOLD_OIDC_APPLE_KEY_FILE: required for Apple"},
		"Apple with a secret":      {with(apple, "FREEHOLD_OIDC_APPLE_CLIENT_SECRET=canary"), "FREEHOLD_OIDC_APPLE_CLIENT_SECRET: must not be set for Apple"},
		"a key for another":        {with(google, "FREEHOLD_OIDC_GOOGLE_KEY_ID=canary"), "FREEHOLD_OIDC_GOOGLE_KEY_ID: only for Apple"},
		"an unknown purpose":       {with(google, "FREEHOLD_OIDC_GOOGLE_CLAIMS=canary=x"), "FREEHOLD_OIDC_GOOGLE_CLAIMS: must be a list such as username=preferred_username"},
		"the subject":              {with(google, "FREEHOLD_OIDC_GOOGLE_CLAIMS=sub=email"), "FREEHOLD_OIDC_GOOGLE_CLAIMS: must be a list"},
		"a long label":             {with(google, "FREEHOLD_OIDC_GOOGLE_LABEL="+strings.Repeat("canary", 7)), "FREEHOLD_OIDC_GOOGLE_LABEL: must be one line"},
		"two with one issuer":      {with(google, "FREEHOLD_OIDC_G2_PRESET=GOOGLE", "FREEHOLD_OIDC_G2_CLIENT_ID=x", "FREEHOLD_OIDC_G2_CLIENT_SECRET=x"), "FREEHOLD_OIDC_GOOGLE_ISSUER: FREEHOLD_OIDC_G2 has the same issuer"},
		"a misspelled setting":     {with(google, "FREEHOLD_OIDC_GOOGLE_CLIENTID=canary"), "FREEHOLD_OIDC_GOOGLE_CLIENTID: unknown setting: the name of a provider has upper-case letters and digits, and its settings end in PRESET, LABEL, ISSUER"},
		"an underscore in a name":  {with(google, "FREEHOLD_OIDC_MY_WORK_ISSUER=canary"), "FREEHOLD_OIDC_MY_WORK_ISSUER: unknown setting: the name"},
		"no redirects":             {google[1:], "FREEHOLD_OIDC_REDIRECTS: required with providers"},
		"a redirect to a script":   {with(google[1:], "FREEHOLD_OIDC_REDIRECTS=javascript://canary"), "FREEHOLD_OIDC_REDIRECTS: value 1 must be a URL"},
		"a redirect to a path":     {with(google[1:], "FREEHOLD_OIDC_REDIRECTS=https://a.example,/canary"), "FREEHOLD_OIDC_REDIRECTS: value 2 must be a URL"},
		"a redirect to a fragment": {with(google[1:], "FREEHOLD_OIDC_REDIRECTS=https://a.example/#canary"), "FREEHOLD_OIDC_REDIRECTS: value 1 must be a URL"},
		"plain in production":      {with(append(production, google[1:]...), "FREEHOLD_OIDC_REDIRECTS=http://canary.example"), "FREEHOLD_OIDC_REDIRECTS: value 1 must be https in production"},
		"a plain issuer":           {with(append(production, work...), "FREEHOLD_OIDC_WORK_ISSUER=http://canary.example"), "FREEHOLD_OIDC_WORK_ISSUER: must be https in production"},
	} {
		_, err := Load(c.settings)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v, want one line with %q", name, err, c.want)
		}
	}
}

func TestProvidersArePrintedWithoutSecrets(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{
		"FREEHOLD_OIDC_REDIRECTS=https://app.example.org/ , https://b.example", "FREEHOLD_OIDC_GITLAB_CLIENT_ID=an-id", "FREEHOLD_OIDC_GITLAB_CLIENT_SECRET=canary",
		"FREEHOLD_OIDC_GITLAB_ISSUER=https://gitlab.work.example", "FREEHOLD_OIDC_GITLAB_SCOPES=openid email",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"FREEHOLD_OIDC_REDIRECTS=[https://app.example.org/ https://b.example]\n", "FREEHOLD_OIDC_GITLAB_PRESET=GITLAB\n", "FREEHOLD_OIDC_GITLAB_LABEL=GitLab\n",
		"FREEHOLD_OIDC_GITLAB_ISSUER=https://gitlab.work.example\n", "FREEHOLD_OIDC_GITLAB_CLIENT_ID=an-id\n", "FREEHOLD_OIDC_GITLAB_CLIENT_SECRET=xxxxx\n",
		"FREEHOLD_OIDC_GITLAB_SCOPES=[openid email]\n",
	} {
		if printed := c.Print(); !strings.Contains(printed, want) || strings.Contains(printed, "canary") {
			t.Errorf("the settings lack %q, or have a secret:\n%s", want, printed)
		}
	}
}
