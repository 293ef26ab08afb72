package factors

import (
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
	"freehold.dev/freehold/e2e/harness/node"
	"freehold.dev/freehold/internal/eventually"
)

// The code of docs/accounts/second-factor.md works: a user adds an app, signs in with it after a typing error and then with a recovery code,
// and confirms who they are.
func TestPageOfTheSecondFactor(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	program := `import { createHmac } from "node:crypto";
		const url = process.env.URL_OF_SERVICE;
		let accessToken = process.env.TOKEN;` + strings.Join(docs.Snippets(t, "docs/accounts/second-factor.md", "js"), "\n") + `
		// An app: RFC 6238 with the secret of startTotp, at a step that grows with each code.
		let secret, step = Math.floor(Date.now() / 30000) - 2;
		function code() {
			let bits = "";
			for (const c of secret) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0");
			const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
			const counter = Buffer.alloc(8);
			counter.writeBigUInt64BE(BigInt(++step));
			const mac = createHmac("sha1", key).update(counter).digest();
			return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, "0");
		}
		const started = await startApp();
		secret = started.secret;
		const recovery = await finishApp(started.continuationToken, code());
		console.log(recovery.length, started.uri.startsWith("otpauth://totp/"));
		const answers = [{ code: "wrong" }, { code: code() }];
		accessToken = undefined;
		console.log(Object.keys(await signIn(process.env.EMAIL, process.env.PASSWORD, () => answers.shift())).join(" "), answers.length);
		accessToken = (await signIn(process.env.EMAIL, process.env.PASSWORD, () => ({ recoveryCode: recovery[0] }))).accessToken;
		console.log("signed in");
		await fetch(process.env.AGE);
		const asked = [];
		const renewed = await confirmed(
			() => gql("mutation { createRecoveryCodes { recoveryCodes } }"),
			(acceptable) => {
				asked.push(acceptable.join(","));
				return acceptable.includes("PASSWORD") ? { password: process.env.PASSWORD } : { code: code() };
			},
		);
		console.log(asked.join(" then "), renewed.createRecoveryCodes.recoveryCodes.length);`
	age := newServer(t, func() {
		s.DB.Query(t, `UPDATE app.sessions SET authenticated_at = authenticated_at - interval '1 hour', second_factor_at = second_factor_at - interval '1 hour'`)
	})
	// The program uses three steps around the current one.
	eventually.True(t, time.Minute, "the current step has ten seconds left", func() bool { return time.Now().Unix()%30 < 20 })
	got := node.Run(t, program, map[string]string{"URL_OF_SERVICE": s.URL, "TOKEN": a.Token, "EMAIL": a.Email, "PASSWORD": harness.Password, "AGE": age})
	if want := "10 true\naccessToken refreshToken 0\nsigned in\nPASSWORD then TOTP,RECOVERY_CODE 10\n"; got != want {
		t.Errorf("the page prints:\n%s\nwant:\n%s", got, want)
	}
}
