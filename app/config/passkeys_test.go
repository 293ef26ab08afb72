package config

import (
	"strings"
	"testing"
)

func TestPasskeySettings(t *testing.T) {
	t.Parallel()
	const rpID, origins, cors, public = "FREEHOLD_PASSKEY_RP_ID=", "FREEHOLD_PASSKEY_ORIGINS=", "FREEHOLD_CORS_ORIGINS=", "FREEHOLD_PUBLIC_URL="
	for name, c := range map[string]struct {
		settings  []string
		wantRPID  string
		wantPages string // separated by spaces
	}{
		"by default":                      {nil, "localhost", "http://localhost:8080"},
		"on IPv6":                         {[]string{"FREEHOLD_ADDR=[::1]:80"}, "localhost", "http://localhost"},
		"on all addresses":                {[]string{"FREEHOLD_ADDR=:8080"}, "localhost", "http://localhost:8080"},
		"with a domain":                   {[]string{public + "https://ID.example.org:443/api"}, "id.example.org", "https://id.example.org"},
		"with CORS":                       {[]string{public + "https://example.org", cors + "https://app.example.org:8443,https://other.example,http://x.example.org,capacitor://localhost"}, "example.org", "https://example.org https://app.example.org:8443"},
		"with the domain of all pages":    {[]string{public + "https://api.example.org", cors + "https://app.example.org", rpID + "Example.org"}, "example.org", "https://api.example.org https://app.example.org"},
		"with an RP ID of the front end":  {[]string{public + "https://api.example.org", cors + "https://app.example.org", rpID + "app.example.org"}, "app.example.org", "https://app.example.org"},
		"with related origins and an app": {[]string{public + "https://example.org", origins + "https://example.org, https://example.co.uk,android:apk-key-hash:AbC_d"}, "example.org", "https://example.org https://example.co.uk android:apk-key-hash:AbC_d"},
		"on another machine, by http":     {[]string{public + "http://dev.example.org"}, "", ""},
		"on another machine, by address":  {[]string{public + "http://10.0.0.7:8080"}, "", ""},
	} {
		got, err := Load(c.settings)
		if pages := strings.Join(got.PasskeyOrigins, " "); err != nil || got.PasskeyRPID != c.wantRPID || pages != c.wantPages {
			t.Errorf("%s: %q %q, %v; want %q %q", name, got.PasskeyRPID, pages, err, c.wantRPID, c.wantPages)
		}
	}
	for _, c := range []struct {
		settings []string
		want     string
	}{
		{[]string{"FREEHOLD_PASSKEY_USER_VERIFICATION=always"}, "FREEHOLD_PASSKEY_USER_VERIFICATION: must be one of required, preferred, discouraged"},
		{[]string{rpID + "10.0.0.7"}, `FREEHOLD_PASSKEY_RP_ID: "10.0.0.7" is not a domain`},
		{[]string{rpID + "https://example.org"}, `FREEHOLD_PASSKEY_RP_ID: "https://example.org" is not a domain`},
		{[]string{rpID + "example.org"}, "FREEHOLD_PASSKEY_ORIGINS: required"},
		{[]string{origins + "https://example.org/path"}, `FREEHOLD_PASSKEY_ORIGINS: "https://example.org/path" is not an origin`},
		{[]string{origins + "http://example.org"}, `FREEHOLD_PASSKEY_ORIGINS: "http://example.org" is not an https origin`},
		{[]string{origins + "https://a.example,https://b.example,https://c.example,https://d.example,https://e.example,https://f.example"}, "FREEHOLD_PASSKEY_ORIGINS: check the origins"},
	} {
		if _, err := Load(c.settings); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.settings, err, c.want)
		}
	}
}
