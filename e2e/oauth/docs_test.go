package oauth

import (
	"encoding/json"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
	"freehold.dev/freehold/e2e/harness/node"
)

// The code of docs/accounts/oauth.md signs a user up: the sign-in page, the provider, and the page to which the user returns.
func TestPageOfProviders(t *testing.T) {
	t.Parallel()
	const target = "https://app.example.org/signed-in"
	p := newProvider(t, "work")
	s := harness.Start(t, p.settings("work", "FREEHOLD_OIDC_REDIRECTS="+target)...)
	p.put("ann", "ann@example.org", true)
	code := strings.Join(docs.Snippets(t, "docs/accounts/oauth.md", "js"), "\n")
	run := func(search, stored, program string) (out struct {
		Providers        []struct{ Name, Label string }
		Stored, Assigned string
		Result           account
	}) {
		t.Helper()
		text := node.Run(t, `
			const url = process.env.URL_OF_SERVICE;
			const kept = new Map(Object.entries(JSON.parse(process.env.STORED || "{}")));
			const sessionStorage = { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) };
			const location = { search: process.env.SEARCH, assign(to) { location.assigned = to; } };
			`+code+program+`
			console.log(JSON.stringify({ providers, result, assigned: location.assigned, stored: JSON.stringify(Object.fromEntries(kept)) }));`,
			map[string]string{"URL_OF_SERVICE": s.URL, "SEARCH": search, "STORED": stored})
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return out
	}
	left := run("", "", `const providers = await listProviders(), result = null; await signInWith(providers[0].name, "ann");`)
	if len(left.Providers) != 1 || left.Providers[0].Label != "Work" || left.Assigned == "" {
		t.Fatalf("the sign-in page: %+v", left)
	}
	answer := p.signIn(left.Assigned, "ann")
	_, to := visit(&harness.Browser{Service: s}, "/oauth/work/callback?"+answer.Encode())
	if to == nil || !strings.HasPrefix(to.String(), target+"?") {
		t.Fatalf("the callback leads to %v", to)
	}
	returned := run("?"+to.RawQuery, left.Stored, `const providers = null, result = await returnFromProvider();`)
	if a := returned.Result; a.User == nil || a.User.Profile.Username != "ann" || a.Tokens == nil || returned.Stored != "{}" {
		t.Errorf("the page to which the user returns: %+v", returned)
	}
}
