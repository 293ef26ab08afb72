package operators

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// S23: `freehold keys revoke` ends what a thief of the signing keys can do, while two instances serve. Within ten seconds, tokens and
// codes of the old keys are refused, and their owners continue with their refresh tokens and with new codes. A mail that waits with a
// code of an old key does not keep other mails from being sent.
func TestRevokeSigningKeys(t *testing.T) {
	t.Parallel()
	clock, d, folder := &harness.Clock{}, dbtest.New(t), "FREEHOLD_DATA_DIR="+t.TempDir()
	const public = "FREEHOLD_PUBLIC_URL=http://id.example"
	first := harness.StartWith(t, d, harness.BothLayers, app.Options{Now: clock.Now}, folder, public)
	second := harness.StartWith(t, d, harness.BothLayers, app.Options{Now: clock.Now}, folder, public)
	run := func(want string, args ...string) string {
		t.Helper()
		output, ok := freehold(first, []string{folder}, append([]string{"keys"}, args...)...)
		if !ok || !regexp.MustCompile(`^`+want+`$`).MatchString(output) {
			t.Fatalf("freehold keys %v: %q, want %q", args, output, want)
		}
		return output
	}
	const kid = `[\w-]{16}`
	a, b := first.SignUp(nil), second.SignUp(nil)
	browser, email := first.SignUpInBrowser()
	leaked := harness.DecodeHeader(t, a.Token)["kid"].(string)
	run(`KID +CREATED +AGE +STATE\n`+leaked+` +- +- +signs\n`, "list")

	work(first, func() {
		first.Must("", harness.RequestReset, harness.Input("email", a.Email))
		first.MailTo(a.Email, "reset_password", 1)
	})
	code := first.CodeTo(a.Email, "reset_password", 1)
	first.Must("", harness.RequestReset, harness.Input("email", b.Email)) // its mail waits
	run(`added key `+kid+` to .*\n`, "rotate")
	clock.Put(10 * time.Second)
	second.ExpectMember(a.Token, a.Email) // it has read the file now

	output := run(`deleted `+leaked+`, `+kid+` from .*\nadded key `+kid+`, which signs immediately\nServers .*\n.*\n`, "revoke")
	fresh := regexp.MustCompile(`added key (\S+),`).FindStringSubmatch(output)[1]
	run(`KID +CREATED +AGE +STATE\n`+fresh+` +\S+Z +0h00m +signs\n`, "list")
	token, refresh, reason := first.Refresh(a.Refresh)
	if reason != "" || harness.DecodeHeader(t, token)["kid"] != fresh {
		t.Fatalf("after the revocation, a refresh: %q, and the token has the key %v", reason, harness.DecodeHeader(t, token)["kid"])
	}
	first.ExpectNoSession(a.Token, "invalid")
	if browser.Expect("a browser after the revocation", email) || harness.DecodeHeader(t, browser.Access)["kid"] != fresh {
		t.Error("a browser keeps its cookie with the old key")
	}
	clock.Put(11 * time.Second)
	second.ExpectMember(token, a.Email) // a token of an unknown key makes it read the file early
	second.ExpectNoSession(a.Token, "invalid")
	second.ExpectNoSession(b.Token, "invalid")
	if token, _, reason = second.Refresh(refresh); reason != "" {
		t.Errorf("the next refresh: %s", reason)
	}
	second.ExpectMember(token, a.Email)
	if keys := first.Fetch("/.well-known/jwks.json").Body; !strings.Contains(keys, fresh) || strings.Contains(keys, leaked) {
		t.Errorf("the published keys are %s", keys)
	}

	first.ExpectFault("a code of the old key", first.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", harness.NewPassword)), harness.WrongCode)
	second.Work()
	second.Must("", harness.RequestReset, harness.Input("email", a.Email))
	code = second.CodeTo(a.Email, "reset_password", 1)
	first.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", harness.NewPassword))
	if got := d.Query(t, `SELECT concat_ws(' ', sent_at IS NULL, parked_at IS NULL, last_error) FROM app.outbox WHERE recipient = $1 AND kind = 'reset_password'`, b.Email); len(got) != 1 || got[0] != "t t code" {
		t.Errorf("the mail with a code of an old key: %v", got)
	}
}

// work runs the jobs of a service while f runs.
func work(s *harness.Service, f func()) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.App.Work(ctx)
	}()
	f()
	stop()
	<-done
}

// A command about keys that is wrong says what is wrong, and leaves the file as it is. One key can be revoked by its id.
func TestCommandsOfKeys(t *testing.T) {
	t.Parallel()
	folder := "FREEHOLD_DATA_DIR=" + t.TempDir()
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{}, folder)
	run := func(args string) (string, bool) {
		return freehold(s, []string{folder}, append([]string{"keys"}, strings.Fields(args)...)...)
	}
	list := func() string {
		output, ok := run("list")
		if !ok {
			t.Fatal(output)
		}
		return output
	}
	before := list()
	for args, want := range map[string]string{
		"": "usage:", "delete": "usage:", "list all": "usage:", "rotate now": "usage:", "revoke a b": "usage:", "revoke nothing": `has no key "nothing"; it has `,
	} {
		if output, ok := run(args); ok || !strings.Contains(output, want) {
			t.Errorf("freehold keys %s: %v %s", args, ok, output)
		}
	}
	if output, ok := freehold(s, nil, "keys", "revoke"); ok || !strings.Contains(output, "no such file") {
		t.Errorf("without a key file: %s", output)
	}
	if after := list(); after != before {
		t.Errorf("commands that failed changed the keys: %s", after)
	}
	if output, ok := run("rotate"); !ok {
		t.Error(output)
	}
	rows := strings.Split(list(), "\n")
	if len(rows) != 4 || !strings.HasSuffix(rows[1], "signs") || !strings.HasSuffix(rows[2], "next") {
		t.Fatalf("after a rotation: %q", rows)
	}
	next := strings.Fields(rows[2])[0]
	if output, ok := run("revoke " + next); !ok || !strings.HasPrefix(output, "deleted "+next+" from ") || strings.Contains(output, "added") {
		t.Errorf("revoking the next key: %s", output)
	}
	if after := list(); after != before {
		t.Errorf("without the next key: %s", after)
	}
}
