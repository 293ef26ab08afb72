package operators

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// export is what a user and an operator get.
type export struct {
	UserID     string
	ExportedAt string
	Rows       map[string][]map[string]any
}

const exportOwn = `{ me { export } }`

// exportOf returns the export of the owner of a token.
func exportOf(s *harness.Service, token string) export {
	s.T.Helper()
	var data struct{ Me struct{ Export export } }
	s.Must(token, exportOwn, nil).Into(s.T, &data)
	return data.Me.Export
}

// A user and the command line get the same: all rows that belong to the user, those of other users never, and no secret.
func TestExport(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers)
	a, other := s.SignUpAs("exported-ann", harness.Vars{"bio": "<b>my & bio</b>", "phoneNumber": harness.CanaryPhone}), s.SignUpAs("canary-bob", harness.Vars{"bio": "canary"})
	furnish(s, a)
	furnish(s, other)
	s.DB.Query(t, `INSERT INTO app.security_events (user_id, kind, operator, operator_id) VALUES ($1, 'SESSIONS_REVOKED', 'canary', $2)`, other.UserID, a.UserID)
	own := exportOf(s, a.Token)
	var printed export
	if err := json.Unmarshal([]byte(admin("export", a.Email)), &printed); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(own.Rows, printed.Rows); diff != "" || own.UserID != a.UserID || printed.UserID != a.UserID {
		t.Errorf("the user and the command line get different exports (-user +command):\n%s", diff)
	}
	all := "accounts codes continuations credentials heldUsernames hiddenRows identities outbox passkeys profilePrivate profiles recoveryCodes scopeGrants securityEvents sessions signUpKeys totpSecrets userPrivate users"
	if tables := strings.Join(slices.Sorted(maps.Keys(own.Rows)), " "); tables != all {
		t.Errorf("the tables are %s, want %s", tables, all)
	}
	text, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"email":"exported-ann@example.org"`, `my \u0026 bio`, harness.CanaryPhone, `"scope":"accounts:read"`, `"name":"A passkey"`, `"issuer":"https://issuer.example"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the export has no %s: %s", want, text)
		}
	}
	secrets := s.DB.Query(t, `
		SELECT password_hash FROM app.accounts UNION SELECT encode(refresh_hash, 'hex') FROM app.sessions UNION SELECT id::text FROM app.codes
		UNION SELECT id::text FROM app.outbox UNION SELECT encode(secret, 'hex') FROM app.totp_secrets UNION SELECT encode(code_hash, 'hex') FROM app.recovery_codes`)
	for _, never := range append(secrets, "canary", other.UserID, "a colleague") {
		if strings.Contains(string(text), never) {
			t.Errorf("the export has %q: %s", never, text)
		}
	}
	if got := kinds(s, a.Token)[0]; got != "DATA_EXPORTED" {
		t.Errorf("the newest event is %s", got)
	}
}

// furnish gives an account a row in every table.
func furnish(s *harness.Service, a harness.Account) {
	s.T.Helper()
	for _, statement := range []string{
		`UPDATE app.accounts SET reset_at = now() WHERE user_id = $1::uuid`,
		`INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at, data) VALUES (gen_random_uuid(), 'SIGN_IN', 'x', $1::uuid::text, $1::uuid, now() + interval '1 hour', '{"password_hash": "canary"}')`,
		`INSERT INTO app.continuations (id, purpose, client_hash, user_id, data, expires_at) VALUES ($1::uuid::text::bytea, 'TOTP', 'x', $1::uuid, 'x', now() + interval '1 hour')`,
		`INSERT INTO app.held_usernames (username_key, user_id, held_until) VALUES ('held-' || $1::uuid::text, $1::uuid, now() + interval '1 hour')`,
		`INSERT INTO app.hidden_rows (user_id, table_name, row_key, visibility) VALUES ($1::uuid, 'x', '["x"]', 'PUBLIC')`,
		`INSERT INTO app.outbox (id, kind, user_id, recipient, parked_at, last_error) VALUES (gen_random_uuid(), 'password_changed', $1::uuid, 'x@example.org', now(), 'canary')`,
		`INSERT INTO app.recovery_codes (user_id, code_hash) VALUES ($1::uuid, $1::uuid::text::bytea)`,
		`INSERT INTO app.scope_grants (user_id, scope, granted_by) VALUES ($1::uuid, 'accounts:read', 'a colleague')`,
		`INSERT INTO app.sign_up_keys (key_hash, user_id, fingerprint) VALUES ($1::uuid::text::bytea, $1::uuid, 'x')`,
		`WITH c AS (INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1::uuid, 'OAUTH', 'A provider') RETURNING id)
		 INSERT INTO app.identities (credential_id, issuer, subject) SELECT id, 'https://issuer.example', $1::uuid::text FROM c`,
		`WITH c AS (INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1::uuid, 'PASSKEY', 'A passkey') RETURNING id)
		 INSERT INTO app.passkeys (credential_id, key_id, public_key, sign_count, aaguid, backup_eligible, backed_up) SELECT id, $1::uuid::text::bytea, 'x', 0, $1::uuid, true, true FROM c`,
		`WITH c AS (INSERT INTO app.credentials (id, user_id, kind, name, last_used_at) VALUES (gen_random_uuid(), $1::uuid, 'TOTP', 'An app', now()) RETURNING id)
		 INSERT INTO app.totp_secrets (credential_id, secret) SELECT id, $1::uuid::text::bytea FROM c`,
		`UPDATE app.sessions SET second_factor_at = now() WHERE user_id = $1::uuid`, // an account with an app reauthenticates with it
	} {
		s.DB.Query(s.T, statement, a.UserID)
	}
}

// The owner alone gets the export: by the rule, and by the database if the rule is off. A recent proof of who they are is required.
func TestExportIsForItsOwner(t *testing.T) {
	t.Parallel()
	for _, layers := range []harness.Layers{harness.BothLayers, harness.RulesAlone, harness.PoliciesAlone} {
		t.Run(layers.String(), func(t *testing.T) {
			t.Parallel()
			s := harness.StartWith(t, dbtest.New(t), layers, app.Options{})
			a, other := s.SignUp(harness.Vars{"visibility": "PUBLIC", "bio": "mine"}), s.SignUp(nil)
			by := operator(s, all...)
			query := `{ profile(username: "` + a.Username + `") { user { export } } }`
			for who, token := range map[string]string{"nobody": "", "another user": other.Token, "an operator": by.Token} {
				code := map[bool]string{true: "UNAUTHENTICATED", false: "FORBIDDEN"}[token == ""]
				r := s.Do(token, query, nil)
				if layers == harness.PoliciesAlone {
					code = r.Code() // without a rule, the database returns nothing
				}
				if r.Code() != code || string(r.Data) != `{"profile":{"user":{"export":null}}}` {
					t.Errorf("%s gets %s", who, r.Body)
				}
			}
			if r := s.Must(a.Token, query, nil); !strings.Contains(r.Body, `"bio":"mine"`) {
				t.Errorf("the owner gets %s", r.Body)
			}
			s.AgeAuthentication(a)
			if r := s.Do(a.Token, exportOwn, nil); r.Code() != "REAUTH_REQUIRED" || string(r.Data) != `{"me":{"export":null}}` {
				t.Errorf("long after signing in: %s", r.Body)
			}
			s.Must(a.Token, harness.Reauthenticate, harness.Input("password", harness.Password))
			s.Must(a.Token, exportOwn, nil)
		})
	}
}

// An export that is too large for a reply is an error with a code, and costs little. The command line has no limit. A document pays for
// the largest export.
func TestLargeExport(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers)
	a := s.SignUp(nil)
	add := func(n int) {
		s.DB.Query(t, `INSERT INTO app.security_events (user_id, kind, device) SELECT $1, 'SIGNED_IN', repeat('x', 200) FROM generate_series(1, $2)`, a.UserID, n)
	}
	add(2100)
	if r := s.Must(a.Token, exportOwn, nil); len(r.Body) < 800_000 {
		t.Errorf("a large export has %d bytes", len(r.Body))
	}
	add(900)
	r := s.Do(a.Token, exportOwn, nil)
	if r.Code() != "OPERATION_TOO_COSTLY" || string(r.Data) != `{"me":{"export":null}}` || !strings.Contains(r.Body, "Your data has more than 1000000 bytes") {
		t.Errorf("a larger one: %.500s", r.Body)
	}
	if text := admin("export", a.Username); strings.Count(text, `"SIGNED_IN"`) != 3000 {
		t.Errorf("the command prints %d events", strings.Count(text, `"SIGNED_IN"`))
	}
	var fields []string
	for i := range 11 {
		fields = append(fields, fmt.Sprintf("e%d: export", i))
	}
	if r := s.Do(a.Token, `{ me { `+strings.Join(fields, " ")+` } }`, nil); r.Code() != "OPERATION_TOO_COSTLY" || !strings.Contains(r.Body, `"limit":10000`) {
		t.Errorf("11 exports: %.300s", r.Body)
	}
}
