package config

import (
	"slices"
	"strings"
	"testing"
)

// S22: a second subgraph names its issuer and its audience, and has no settings of accounts. The error names each setting that is wrong.
func TestSettingsOfASubgraph(t *testing.T) {
	t.Parallel()
	const issuer, audience = "FREEHOLD_ISSUER=https://id.example.org/", "FREEHOLD_AUDIENCE=https://notes.example.org"
	production := []string{"FREEHOLD_ENV=production", "DATABASE_URL=postgres://x", audience}
	for name, c := range map[string]struct {
		subgraph bool
		settings []string
		want     string // of the error; "" for none
	}{
		"both":                        {true, []string{issuer, audience}, ""},
		"http in development":         {true, []string{"FREEHOLD_ISSUER=http://localhost:8080", audience}, ""},
		"in production":               {true, append(production, issuer), ""},
		"http in production":          {true, append(production, "FREEHOLD_ISSUER=http://id.example.org"), "FREEHOLD_ISSUER: must be https in production"},
		"no database in production":   {true, []string{"FREEHOLD_ENV=production", issuer, audience}, "DATABASE_URL: required in production"},
		"no issuer":                   {true, []string{audience}, "FREEHOLD_ISSUER: required"},
		"an issuer that is no URL":    {true, []string{"FREEHOLD_ISSUER=id.example.org", audience}, "FREEHOLD_ISSUER: must be an http or https URL"},
		"an issuer with a password":   {true, []string{"FREEHOLD_ISSUER=https://x:y@id.example.org", audience}, "FREEHOLD_ISSUER: must be an http or https URL"},
		"an issuer with a query":      {true, []string{"FREEHOLD_ISSUER=https://id.example.org?x=y", audience}, "FREEHOLD_ISSUER: must be an http or https URL"},
		"no audience":                 {true, []string{issuer}, "FREEHOLD_AUDIENCE: required"},
		"an audience with a space":    {true, []string{issuer, "FREEHOLD_AUDIENCE=a b"}, "FREEHOLD_AUDIENCE: must be an http or https URL"},
		"the issuer as audience":      {true, []string{issuer, "FREEHOLD_AUDIENCE=https://id.example.org"}, "FREEHOLD_AUDIENCE: must not be FREEHOLD_ISSUER"},
		"a setting of mails":          {true, []string{issuer, audience, "FREEHOLD_APP_URL=https://app.example.org"}, "FREEHOLD_APP_URL: must not be set"},
		"a setting of keys":           {true, []string{issuer, audience, "FREEHOLD_SIGNING_KEY_FILE=x"}, "FREEHOLD_SIGNING_KEY_FILE: must not be set"},
		"a limit of accounts":         {true, []string{issuer, audience, "FREEHOLD_LIMIT_SIGN_IN=1/1h"}, "FREEHOLD_LIMIT_SIGN_IN: must not be set"},
		"the limit of writes":         {true, []string{issuer, audience, "FREEHOLD_LIMIT_WRITE=1/1h"}, ""},
		"an issuer, with accounts":    {false, []string{issuer}, "FREEHOLD_ISSUER: must not be set"},
		"an audience, with accounts":  {false, []string{audience}, "FREEHOLD_AUDIENCE: must not be set"},
		"a mistaken name of settings": {true, []string{issuer, audience, "FREEHOLD_ISUER=x"}, "FREEHOLD_ISUER: unknown setting"},
	} {
		_, err := load(c.settings, c.subgraph)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, name := range slices.Concat(ofAccounts, ofSubgraphs) {
		if !isSetting(name) {
			t.Errorf("%s is not a setting", name)
		}
	}
	of := func(subgraph bool, settings ...string) string {
		c, err := load(append(settings, "HOME=/home/ann"), subgraph)
		if err != nil {
			t.Fatal(err)
		}
		return c.Print()
	}
	theirs, ours := of(true, issuer, audience), of(false)
	for setting, want := range map[string][2]bool{
		"FREEHOLD_ISSUER=https://id.example.org\n": {true, false}, "FREEHOLD_AUDIENCE=": {true, false}, "FREEHOLD_LIMIT_WRITE=": {true, true},
		"FREEHOLD_SESSION_IDLE=": {false, true}, "FREEHOLD_LIMIT_SIGN_UP=": {false, true}, "FREEHOLD_DATABASE_CONNECTIONS=": {true, true},
	} {
		if got := [2]bool{strings.Contains(theirs, setting), strings.Contains(ours, setting)}; got != want {
			t.Errorf("%q is printed for a subgraph and with accounts: %v, want %v", setting, got, want)
		}
	}
}
