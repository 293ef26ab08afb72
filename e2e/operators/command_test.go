package operators

import (
	"regexp"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

var regexpInstants = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)

// The command line does what operators do, for an installation that has none yet.
func TestCommands(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers)
	s.Work()
	a := s.SignUpAs("Command.Ann", harness.Vars{"visibility": "PUBLIC"})
	steps := []struct {
		args []string
		want string // of the output, without instants
	}{
		{[]string{"find", "--username=command.ann"}, "ID USERNAME EMAIL STATE CREATED LAST USED SCOPES\n" + a.UserID + " Command.Ann " + a.Email + " active - -\n"},
		{[]string{"grants"}, "USERNAME SCOPE GRANTED BY\n"},
		{[]string{"grant", "command.ann", "accounts:read", "accounts:disable"}, "Command.Ann has accounts:read accounts:disable; access tokens contain this from the next sign-in or refresh on\n"},
		{[]string{"grant", "command.ann", "accounts:read"}, "Command.Ann has accounts:read; access tokens contain this from the next sign-in or refresh on\n"},
		{[]string{"find", "--id", a.UserID, "--state=active", "--email", strings.ToUpper(a.Email)}, "ID USERNAME EMAIL STATE CREATED LAST USED SCOPES\n" + a.UserID + " Command.Ann " + a.Email + " active - - accounts:disable accounts:read\n"},
		{[]string{"revoke", a.Email, "accounts:read"}, "Command.Ann no longer has accounts:read\n"},
		{[]string{"find", "--state=disabled"}, "ID USERNAME EMAIL STATE CREATED LAST USED SCOPES\n"},
		{[]string{"reset-password", a.UserID}, "a code for a new password will be sent to " + a.Email + "\n"},
		{[]string{"revoke-sessions", "command.ann"}, "revoked 1 sessions of Command.Ann\n"},
	}
	for _, step := range steps {
		got := regexpInstants.ReplaceAllString(admin(step.args...), "-")
		if got = regexp.MustCompile(` +`).ReplaceAllString(got, " "); strings.ReplaceAll(got, " \n", "\n") != step.want {
			t.Errorf("%v:\n got %q\nwant %q", step.args, got, step.want)
		}
	}
	s.ExpectNoSession(a.Token, "revoked")
	s.MailTo(a.Email, "reset_password", 1)
	operator(s, "accounts:disable") // so that ann is not the last one
	if got := admin("disable", "command.ann"); got != "Command.Ann is disabled\n" {
		t.Errorf("disable: %s", got)
	}
	if r := s.Do("", `{ profile(username: "command.ann") { id } }`, nil); string(r.Data) != `{"profile":null}` {
		t.Errorf("the profile of a disabled account: %s", r.Body)
	}
	if got := admin("enable", a.UserID); got != "Command.Ann is enabled\n" {
		t.Errorf("enable: %s", got)
	}
	if r := s.Do("", `{ profile(username: "command.ann") { id } }`, nil); string(r.Data) != `{"profile":{"id":"`+a.ProfileID+`"}}` {
		t.Errorf("the profile of an account that is enabled again: %s", r.Body)
	}
	if got := admin("grants"); !strings.Contains(got, "Command.Ann") || !strings.Contains(got, "accounts:disable") {
		t.Errorf("grants: %s", got)
	}
}

// A command that is wrong says what is wrong, and changes nothing.
func TestInvalidCommands(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUpAs("wrong-ann", nil)
	before := s.AllRows()
	for _, c := range []struct {
		args     string
		settings []string
		want     string
	}{
		{"", nil, "usage:"},
		{"promote wrong-ann", nil, "usage:"},
		{"grant wrong-ann", nil, "usage:"},
		{"disable", nil, "usage:"},
		{"disable wrong-ann bob", nil, "usage:"},
		{"grants wrong-ann", nil, "usage:"},
		{"find wrong-ann", nil, "usage:"},
		{"find --wide", nil, "-wide"},
		{"find --first=0", nil, "--first: want 1 to 100"},
		{"find --first=x", nil, "first"},
		{"find --state=gone", nil, "want active, disabled or pending"},
		{"find --email=x", nil, "--email: This is not a valid email address."},
		{"find --id=x --username=..", nil, "--id: This is not a valid id.\n--username: No account can have this username."},
		{"disable nobody-there", nil, `unknown account "nobody-there"`},
		{"disable nobody@example.org", nil, `unknown account "nobody@example.org"`},
		{"disable " + a.ProfileID, nil, `unknown account "` + a.ProfileID + `"`},
		{"disable a b", nil, "usage:"},
		{"grant wrong-ann accounts:read everything", nil, "unknown scope \"everything\". The scopes of this program are:\n  accounts:disable  Disable and enable accounts.\n  accounts:read     Find accounts,"},
		{"grant nobody-there accounts:read", nil, `unknown account "nobody-there"`},
		{"revoke wrong-ann accounts:read", nil, `wrong-ann does not have the scope "accounts:read"`},
		{"grants", []string{"FREEHOLD_MIGRATE_URL=", "DATABASE_URL=" + s.DB.App}, "FREEHOLD_MIGRATE_URL: required"},
		{"reset-password wrong-ann", nil, "load the service's signing keys (FREEHOLD_SIGNING_KEY_FILE)"},
		{"grants", []string{"FREEHOLD_MIGRATE_URL=" + s.DB.App}, "the role is not the owner role, freehold_owner"},
		{"grants", []string{"FREEHOLD_MIGRATE_URL=" + s.DB.Owner, "FREEHOLD_ENV=x"}, "FREEHOLD_ENV"},
	} {
		output, ok := freehold(s, c.settings, append([]string{"admin"}, strings.Fields(c.args)...)...)
		if ok || !strings.HasPrefix(output, "freehold: ") || !strings.Contains(output, c.want) {
			t.Errorf("freehold admin %s: %v, %s; want %q", c.args, ok, output, c.want)
		}
	}
	after := s.AllRows()
	if strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Error("a command that failed has written something")
	}
	if output, ok := freehold(s, nil, "help"); !ok || !strings.Contains(output, "freehold admin ") {
		t.Errorf("help: %s", output)
	}
}

// A user who has lost the authenticator app and the recovery codes signs in again after an operator has removed them. The user reads that in
// the events and in a mail.
func TestRemoveSecondFactor(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers)
	s.Work()
	a := s.SignUpAs("locked-out", nil)
	if got := admin("remove-second-factor", a.Username); got != "locked-out had no second factor\n" {
		t.Errorf("an account without one: %s", got)
	}
	for range 2 {
		s.DB.Query(t, `INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1, 'TOTP', 'x')`, a.UserID)
	}
	s.DB.Query(t, `INSERT INTO app.recovery_codes (user_id, code_hash) VALUES ($1, 'x')`, a.UserID)
	if r := s.TrySignIn(a.Email, harness.Password); strings.Contains(r.Body, "accessToken") {
		t.Fatalf("a sign-in without the second factor: %s", r.Body)
	}
	if got := admin("remove-second-factor", a.UserID); got != "locked-out has no second factor any more\n" {
		t.Errorf("removing it: %s", got)
	}
	token := s.SignIn(a.Email)
	var data struct {
		Me struct {
			RecoveryCodesLeft int
			Credentials       []struct{ Kind string }
		}
	}
	s.Must(token, `{ me { recoveryCodesLeft credentials { kind } } }`, nil).Into(t, &data)
	if data.Me.RecoveryCodesLeft != 0 || len(data.Me.Credentials) != 1 || data.Me.Credentials[0].Kind != "PASSWORD" {
		t.Errorf("afterwards, the account has %+v", data.Me)
	}
	if got := events(s, token)[1]; got.Kind != "SECOND_FACTOR_REMOVED" || got.By != "the command line" {
		t.Errorf("the event is %+v", got)
	}
	if m := s.MailTo(a.Email, "credential_removed", 1); !strings.Contains(m.Text, "which an operator has removed") {
		t.Errorf("the notice: %s", m.Text)
	}
	if output, ok := freehold(s, nil, "admin", "remove-second-factor", "nobody-here"); ok || !strings.Contains(output, "nobody-here") {
		t.Errorf("an unknown account: %s", output)
	}
}
