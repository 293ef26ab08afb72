package operators

import (
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
)

// The commands and statements of docs/incident.md run in the order of the page, and do what it says.
func TestPageOfIncidents(t *testing.T) {
	t.Parallel()
	d, dir := dbtest.New(t), t.TempDir()
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+dir)
	ann, bob, oscar := s.SignUpAs("ann", nil), s.SignUpAs("bob", nil), s.SignUpAs("oscar", nil)
	grant(s, oscar, "accounts:read", "accounts:disable")
	s.DB.Query(t, `INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1, 'TOTP', 'x')`, ann.UserID)
	s.TrySignIn(bob.Email, "a wrong password, not theirs")
	oscar.Token = s.SignIn(oscar.Email)
	must(s, oscar, disable, ann)
	must(s, oscar, enable, ann)
	outputs := map[string]string{}
	for _, b := range docs.Blocks(t, "docs/incident.md") {
		script := b.Code
		switch b.Language {
		case "sql":
			script = "psql -v ON_ERROR_STOP=1 -At \"$FREEHOLD_MIGRATE_URL\" <<'SQL'\n" + b.Code + "SQL\n"
		case "sh":
		default:
			continue // it needs a superuser, and affects other tests
		}
		output, err := shell(t, d, dir, script, "FREEHOLD_MIGRATE_URL="+d.Owner)
		if err != nil {
			t.Errorf("%s%s", b.Code, output)
		}
		outputs[b.Code] = output
	}
	for _, c := range []struct{ block, want string }{
		{"freehold keys revoke\n", ", which signs immediately"},
		{"app.end_sessions", "DO\n"},
		{"'EMAIL_CHANGED', 'PASSWORD_CHANGED'", ""},
		{"AS operator", "ann|f\n"},
		{"admin enable ann", "ann had no second factor"},
		{"admin disable oscar", "oscar is disabled"},
		{"e.operator = 'oscar'", "|ACCOUNT_ENABLED|ann\n"},
		{"AS refused", "127.0.0.1|1|1\n"},
	} {
		found := false
		for code, output := range outputs {
			found = found || strings.Contains(code, c.block) && strings.Contains(output, c.want)
		}
		if !found {
			t.Errorf("no block with %q prints %q: %q", c.block, c.want, outputs)
		}
	}
	if _, _, reason := s.Refresh(ann.Refresh); reason != "revoked" {
		t.Errorf("a session from before: %q", reason)
	}
	if r := s.TrySignIn(oscar.Email, harness.Password); strings.Contains(r.Body, "accessToken") {
		t.Errorf("a disabled operator signs in: %s", r.Body)
	}
	s.ExpectMember(s.SignIn(ann.Email), ann.Email)
}
