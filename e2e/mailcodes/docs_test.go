package mailcodes

import (
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
	"freehold.dev/freehold/e2e/harness/node"
)

// The code of docs/accounts/mailcodes.md works: it signs up and in, also from the page of the link, and changes the credential.
func TestPageOfCodes(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_SIGN_IN_URL=https://app.example.org/sign-in#email={email}&code={code}").Work()
	page := node.Relative + strings.Join(docs.Snippets(t, "docs/accounts/mailcodes.md", "js"), "\n")
	run := func(program string, env map[string]string) string {
		t.Helper()
		env["BASE"] = s.URL
		return strings.TrimSpace(node.Run(t, page+"\n"+program, env))
	}
	const email = "ann@example.org"
	const requests = `await requestCode(process.env.EMAIL, process.env.USERNAME);`
	run(requests, map[string]string{"EMAIL": email, "USERNAME": "ann"})
	link := s.MailTo(email, "sign_in_code", 1).Link
	const clicks = `
		const handlers = [];
		const form = { email: {}, code: {}, addEventListener: (event, handle) => handlers.push(handle) };
		const replaced = [];
		const entered = await new Promise(async (done) => {
			openPage(form, new URL(process.env.LINK), { replaceState: (...args) => replaced.push(args[2]) }, done);
			await handlers[0]({ preventDefault() {} });
		});
		console.log(replaced.join(), entered.user.profile.username);
		console.log(entered.tokens.accessToken);`
	printed, token, _ := strings.Cut(run(clicks, map[string]string{"LINK": link}), "\n")
	if printed != "/sign-in ann" {
		t.Fatalf("the page of the link prints %s", printed)
	}

	run(requests, map[string]string{"EMAIL": "bob@example.org", "USERNAME": ""})
	const asked = `
		const next = await enterCode(process.env.EMAIL, process.env.CODE);
		const { user } = await chooseUsername(next.continuationToken, 'bob');
		console.log(next.ask, next.needs, user.profile.username);`
	if got := run(asked, map[string]string{"EMAIL": "bob@example.org", "CODE": s.CodeTo("bob@example.org", "sign_in_code", 1)}); got != "username NEEDS_USERNAME bob" {
		t.Errorf("a missing username: %s", got)
	}

	run(requests, map[string]string{"EMAIL": email})
	const changes = `
		const token = process.env.TOKEN;
		console.log(new Date((await confirmWithCode(process.env.CODE, token)).user.reauthenticatedUntil) > new Date());
		console.log((await addPassword('a quite different sentence', token)).user.hasPassword);
		await turnCodesOff(token);
		console.log((await turnCodesOn(token)).user.credentials.map(({ kind }) => kind).join());`
	want := "true\ntrue\nPASSWORD,EMAIL_CODE"
	if got := run(changes, map[string]string{"TOKEN": token, "CODE": s.CodeTo(email, "sign_in_code", 2)}); got != want {
		t.Errorf("changes print %s, want %s", got, want)
	}
}
