package anonymous

import (
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
	"freehold.dev/freehold/e2e/harness/node"
)

// The code of docs/accounts/anonymous.md works, whether or not verified addresses are required.
func TestPageOfAnonymousAccounts(t *testing.T) {
	t.Parallel()
	page := node.Relative + docs.Snippets(t, "docs/accounts/mailcodes.md", "js")[0] + strings.Join(docs.Snippets(t, "docs/accounts/anonymous.md", "js"), "\n")
	const enters = `
		const { user, tokens } = await enterAsGuest();
		const kept = await keepAccount('ann@example.org', 'correct horse battery staple', tokens.accessToken);
		console.log(kept.kept === user.id, kept.ask, kept.email, tokens.accessToken);`
	for _, settings := range [][]string{{on}, {on, verifiedOnly}} {
		s := harness.Start(t, settings...).Work()
		printed := strings.Fields(node.Run(t, page+enters, map[string]string{"BASE": s.URL}))
		if len(settings) == 1 {
			if got := strings.Join(printed[:3], " "); got != "true undefined undefined" {
				t.Errorf("an upgrade prints %s", got)
			}
			continue
		}
		if got := strings.Join(printed[:3], " "); got != "false code ann@example.org" {
			t.Errorf("an upgrade prints %s", got)
		}
		const confirms = `console.log((await confirmAddress('ann@example.org', process.env.CODE, process.env.TOKEN)).user.anonymous);`
		got := node.Run(t, page+confirms, map[string]string{"BASE": s.URL, "TOKEN": printed[3], "CODE": s.CodeTo("ann@example.org", "change_email", 1)})
		if strings.TrimSpace(got) != "false" {
			t.Errorf("after the code: %s", got)
		}
	}
}
