package credentials

import (
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
	"freehold.dev/freehold/e2e/harness/node"
)

// The code of docs/accounts/credentials.md works.
func TestPageOfCredentials(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	id := add(s, a, "PASSKEY")
	program := `const url = process.env.URL_OF_SERVICE, accessToken = process.env.TOKEN;` +
		strings.Join(docs.Snippets(t, "docs/accounts/credentials.md", "js"), "\n") + `
		const before = await listCredentials();
		console.log(before.map((c) => c.kind).join(" "));
		console.log(await removeCredential(process.env.PASSKEY));
		console.log(await removeCredential(before[0].id));
		try { await completeSignUp("x", "ann"); } catch (e) { console.log(e.code, e.fields[0].path, e.fields[0].code); }`
	got := node.Run(t, program, map[string]string{"URL_OF_SERVICE": s.URL, "TOKEN": a.Token, "PASSKEY": id})
	want := "PASSWORD PASSKEY\nRemoved.\nThis is the only way to sign in to the account. Add another one first.\nBAD_USER_INPUT input.continuationToken INVALID\n"
	if got != want {
		t.Errorf("the page prints:\n%s\nwant:\n%s", got, want)
	}
}
