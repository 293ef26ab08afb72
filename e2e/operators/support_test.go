package operators

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/core"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/modules"
)

// Each command prints one JSON value with --json, wherever it stands, and nothing else; errors go to the standard error.
func TestJSON(t *testing.T) {
	t.Parallel()
	s, _ := start(t, harness.BothLayers)
	a := s.SignUpAs("json-ann", nil)
	settings := []string{"DATABASE_URL=" + s.DB.App}
	outcome, mails := "account success", "mails skipped success"
	for _, c := range []struct{ command, keys string }{
		{"find", "accounts more"},
		{"grants", "grants"},
		{"mails", "mails more"},
		{"grant {user} accounts:read", outcome},
		{"revoke {user} accounts:read", outcome},
		{"disable", outcome},
		{"enable", outcome},
		{"revoke-sessions", "account count success"},
		{"remove-second-factor", "account removed success"},
		{"mails retry {mail}", mails},
		{"mails retry --all", mails},
		{"mails drop {mail}", mails},
		{"show", "anonymous createdAt credentials disabledAt email emailVerified id lastUsedAt mails pendingEmail pendingUntil scopes securityEvents sessions state username"},
		{"export", "exportedAt rows userId"},
		{"delete --yes", outcome},
	} {
		args := append([]string{"admin", "--json"}, argumentsFor(s, a, strings.Fields(c.command))...)
		if c.command == "find" || c.command == "grants" || c.command == "mails" || strings.HasSuffix(c.command, "--all") {
			args = append(append([]string{"admin"}, strings.Fields(c.command)...), "--json")
		}
		output, complaint, ok := freeholdTyping(s, "", settings, args...)
		var value map[string]any
		if err := json.Unmarshal([]byte(output), &value); err != nil || !ok || complaint != "" {
			t.Errorf("%v: %v %v\n%s%s", args, ok, err, output, complaint)
		} else if keys := strings.Join(slices.Sorted(maps.Keys(value)), " "); keys != c.keys {
			t.Errorf("%v has the keys %s, want %s", args, keys, c.keys)
		}
	}
	if output, complaint, ok := freeholdTyping(s, "", settings, "admin", "show", "json-ann", "--json"); ok || output != "" || !strings.Contains(complaint, `unknown account "json-ann"`) {
		t.Errorf("an error: %v %q %q", ok, output, complaint)
	}
}

// show prints all that support needs, and no secret.
func TestShow(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers)
	a := s.SignUpAs("shown-ann", nil)
	grant(s, a, "accounts:read")
	s.DB.Query(t, `UPDATE app.sessions SET device = E'Browser\x1b[31m' WHERE user_id = $1`, a.UserID)
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "next-ann@example.org"))
	mail := park(s, a, "password_changed")
	for _, output := range []string{admin("show", "shown-ann"), admin("show", a.Email, "--json")} {
		for _, want := range []string{
			a.UserID, "shown-ann", a.Email, "next-ann@example.org", "accounts:read", "PASSWORD", "Browser", "SIGNED_UP", "SCOPE_GRANTED", "the command line", mail,
			"password_changed", "s…@example.org", "change_email", "n…@example.org",
		} {
			if !strings.Contains(output, want) {
				t.Errorf("%q is missing in\n%s", want, output)
			}
		}
		for _, secret := range s.DB.Query(t, `SELECT password_hash FROM app.accounts UNION SELECT id::text FROM app.codes UNION SELECT encode(refresh_hash, 'hex') FROM app.sessions`) {
			if strings.Contains(output, secret) {
				t.Errorf("%q is in\n%s", secret, output)
			}
		}
		if strings.Contains(output, "\x1b") {
			t.Error("a control character of a client reaches the terminal")
		}
	}
}

// delete does what deleteAccount does, also to an account that is disabled or pending: hooks run as the owner under the row policies, the
// username is held, a mail tells the owner, and the last operator stays.
func TestDelete(t *testing.T) {
	t.Parallel()
	var fails error
	var ran []string
	hook := func(ctx context.Context, tx *db.Tx, p *db.Profile) error {
		var emails []string
		if err := tx.Select(ctx, &emails, `SELECT email FROM app.user_private`); err != nil {
			return err
		}
		ran = append(ran, p.Username+" sees "+strings.Join(emails, " "))
		return errors.Join(fails, tx.ExecOne(ctx, `UPDATE app.profiles SET bio = 'farewell' WHERE user_id = $1`, tx.Viewer.UserID))
	}
	program, err := app.NewProgram(modules.Graph(), core.Module(), app.Module{Name: "farewell", Hooks: accounts.Hooks{BeforeDeletion: []accounts.Hook{hook}}})
	if err != nil {
		t.Fatal(err)
	}
	s := harness.Setup{Program: program, Settings: []string{"FREEHOLD_USERNAME_HOLD=1h"}}.Start(t)
	s.Work()
	remove := func(name string, settings ...string) error {
		t.Helper()
		config, err := program.LoadConfig(append([]string{"FREEHOLD_MIGRATE_URL=" + s.DB.Owner, "DATABASE_URL=" + s.DB.App, "FREEHOLD_DATA_DIR=" + t.TempDir(), "FREEHOLD_RATE_LIMIT=off"}, settings...))
		if err != nil {
			t.Fatal(err)
		}
		admin, err := operate.Administer(t.Context(), program, config, false)
		if err != nil {
			t.Fatal(err)
		}
		defer admin.Close()
		account, err := admin.Lookup(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return admin.Delete(t.Context(), account)
	}

	bystander := s.SignUpAs("stays", nil)
	grant(s, bystander, "accounts:disable")
	before := s.AllRows()
	for name, c := range map[string]struct {
		settings []string
		want     string
	}{
		"stays": {nil, "the last operator"},
		// the rest is refused before the ticket is written
		"STAYS":          {[]string{"DATABASE_URL=" + s.DB.Owner}, "open the database (DATABASE_URL)"},
		bystander.UserID: {[]string{"DATABASE_URL="}, "DATABASE_URL: required to delete an account"},
	} {
		if err := remove(name, c.settings...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	s.DB.Query(t, `DELETE FROM app.continuations`)
	if diff := cmp.Diff(before, s.AllRows()); diff != "" {
		t.Errorf("a refused deletion wrote something:\n%s", diff)
	}

	ran = nil
	for name, setup := range map[string]string{
		"active-ann":   `SELECT $1::uuid`,
		"disabled-ann": `SELECT app.set_disabled($1, true, NULL)`,
		"pending-ann":  `UPDATE app.user_private SET pending_until = now() + interval '1 hour' WHERE user_id = $1`,
	} {
		a := s.SignUpAs(name, harness.Vars{"visibility": "PUBLIC"})
		s.Must("", harness.RequestReset, harness.Input("email", a.Email)) // a code, and its mail
		s.DB.Query(t, setup, a.UserID)
		ran, fails = nil, errors.New("an order is under way")
		if err := remove(name); err == nil || !strings.Contains(err.Error(), "an order is under way") {
			t.Errorf("%s, with a hook that fails: %v", name, err)
		}
		if len(s.DB.Query(t, `SELECT id FROM app.profiles WHERE user_id = $1 AND bio IS NULL`, a.UserID)) != 1 {
			t.Errorf("%s: a deletion whose hook failed left something behind", name)
		}
		if fails = nil; remove(name) != nil || !slices.Equal(ran, []string{name + " sees " + a.Email, name + " sees " + a.Email}) {
			t.Errorf("%s: the hook ran as %q", name, ran)
		}
		if left := s.DB.Query(t, `
			SELECT 'user' FROM app.users WHERE id = $1 UNION ALL SELECT 'code' FROM app.codes WHERE user_id = $1
			UNION ALL SELECT 'event' FROM app.security_events WHERE user_id = $1 UNION ALL SELECT 'ticket' FROM app.continuations`, a.UserID); len(left) > 0 {
			t.Errorf("%s left %v", name, left)
		}
		if r := s.Do("", `query ($u: String!) { usernameAvailable(username: $u) }`, harness.Vars{"u": name}); string(r.Data) != `{"usernameAvailable":false}` {
			t.Errorf("the username %s is not held: %s", name, r.Body)
		}
		s.MailTo(a.Email, "account_deleted", 1)
		s.ExpectNoSession(a.Token, "invalid")
	}
	s.ExpectMember(bystander.Token, bystander.Email)
}

// Without --yes, delete asks for the username.
func TestDeleteAsks(t *testing.T) {
	t.Parallel()
	s, _ := start(t, harness.BothLayers)
	s.SignUpAs("asked-ann", nil)
	settings := []string{"DATABASE_URL=" + s.DB.App}
	for _, typed := range []string{"", "yes\n", "asked\n"} {
		if _, complaint, ok := freeholdTyping(s, typed, settings, "admin", "delete", "asked-ann"); ok || !strings.Contains(complaint, "Type its username to confirm") || !strings.Contains(complaint, "nothing was changed") {
			t.Errorf("who types %q: %v %s", typed, ok, complaint)
		}
	}
	if output, complaint, ok := freeholdTyping(s, "asked-ann\n", settings, "admin", "delete", "ASKED-ann"); !ok || output != "asked-ann is deleted\n" {
		t.Errorf("who types the username: %s%s", output, complaint)
	}
	if s.Count("users") != "0" {
		t.Error("the account is there")
	}
}

// An operator starts a change of address, and its owner finishes it as usual. Nothing changes before.
func TestChangeEmail(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers)
	s.Work()
	a, other := s.SignUpAs("moving-ann", nil), s.SignUpAs("moving-bob", nil)
	disabled, pending := s.SignUpAs("moving-cal", nil), s.SignUpAs("moving-dan", nil)
	s.DB.Query(t, `SELECT app.set_disabled($1, true, NULL)`, disabled.UserID)
	s.DB.Query(t, `UPDATE app.user_private SET pending_until = now() + interval '1 hour' WHERE user_id = $1`, pending.UserID)
	nowhere := s.SignUpAs("moving-eve", nil)
	s.DB.Query(t, `UPDATE app.user_private SET email = NULL, email_key = NULL WHERE user_id = $1`, nowhere.UserID)
	folder := t.TempDir()
	harness.StartWith(t, s.DB, harness.BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+folder) // creates a key
	for _, c := range []struct{ user, email, want string }{
		{a.Username, "not-an-address", "This is not a valid email address."},
		{a.Username, strings.ToUpper(other.Email), "Another account has this address."},
		{a.Username, strings.ToUpper(a.Email), "The account has this address already."},
		{disabled.Username, "x@example.org", "This account is disabled."},
		{pending.Username, "x@example.org", "This account is pending"},
		{nowhere.Username, "x@example.org", "This account has no email address."},
	} {
		if output, ok := freehold(s, []string{"FREEHOLD_DATA_DIR=" + folder}, "admin", "change-email", c.user, c.email); ok || !strings.Contains(output, c.want) {
			t.Errorf("change-email %s %s: %v %s; want %s", c.user, c.email, ok, output, c.want)
		}
	}
	if got := admin("change-email", a.Username, "Moved@example.org"); got != "a code will be sent to Moved@example.org; the address of moving-ann changes when the owner enters it\n" {
		t.Error(got)
	}
	if r := s.Do(a.Token, `{ me { email pendingEmail } }`, nil); string(r.Data) != `{"me":{"email":"`+a.Email+`","pendingEmail":"Moved@example.org"}}` {
		t.Errorf("before the proof: %s", r.Body)
	}
	code := s.CodeTo("Moved@example.org", "change_email", 1)
	if r := s.Do(other.Token, harness.VerifyEmail, harness.Input("email", "moved@example.org", "code", code)); r.Fields() == nil {
		t.Errorf("another account uses the code: %s", r.Body)
	}
	if r := s.Must(a.Token, harness.VerifyEmail, harness.Input("email", "moved@example.org", "code", code)); !strings.Contains(r.Body, `"email":"Moved@example.org","emailVerified":true`) {
		t.Errorf("after the proof: %s", r.Body)
	}
	s.MailTo(a.Email, "email_changed_old", 1)
	s.MailTo("Moved@example.org", "email_changed_new", 1)
}

// The owner of an address that is not verified gets another code, also if the sign-up waits for it.
func TestResendVerification(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	s.Work()
	form := harness.Input("email", "late@example.org", "password", harness.Password, "username", "late-ann")
	s.Must("", `mutation ($i: SignUpInput!) { signUp(input: $i) { user { id } } }`, form)
	s.MailTo("late@example.org", "verify_email", 1)
	s.Mailbox(1)
	admin("resend-verification", "late-ann")
	code := s.CodeTo("late@example.org", "verify_email", 2)
	r := s.Must("", harness.VerifyEmail, harness.Input("email", "late@example.org", "code", code, "password", harness.Password))
	if !strings.Contains(r.Body, `"emailVerified":true`) {
		t.Errorf("the code of the second mail: %s", r.Body)
	}
	var data struct {
		VerifyEmail struct{ Tokens struct{ AccessToken string } }
	}
	r.Into(t, &data)
	if got := kinds(s, data.VerifyEmail.Tokens.AccessToken); !slices.Contains(got, "VERIFICATION_SENT") {
		t.Errorf("the events are %v", got)
	}
	s.Must("", `mutation ($i: SignUpInput!) { signUp(input: $i) { user { id } } }`, harness.Input("email", "late@example.org", "password", harness.Password, "username", "rival"))
	for user, want := range map[string]string{"late-ann": "verified already", "rival": "cannot be verified any more"} {
		folder := t.TempDir()
		harness.StartWith(t, s.DB, harness.BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+folder) // creates a key
		if output, ok := freehold(s, []string{"FREEHOLD_DATA_DIR=" + folder}, "admin", "resend-verification", user); ok || !strings.Contains(output, want) {
			t.Errorf("%s: %v %s; want %s", user, ok, output, want)
		}
	}
}

// kinds returns the kinds of the events of an account, newest first.
func kinds(s *harness.Service, token string) (list []string) {
	s.T.Helper()
	for _, e := range events(s, token) {
		list = append(list, e.Kind)
	}
	return list
}
