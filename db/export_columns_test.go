package db_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

// columns has every column of every table: those that an export of a user's data contains, and, after a bar, those that it does not. A new
// column must be added here, after a decision: a secret, or what another person is entitled to, belongs to the list in
// functions/export_tables.sql.
var columns = map[string]string{
	"accounts":        "user_id disabled_at updated_at reset_at reset_ip anonymous idle_check_at | password_hash",
	"codes":           "purpose email email_key user_id expires_at | id data",
	"continuations":   "purpose user_id guesses expires_at | id client_hash data",
	"credentials":     "id user_id kind name created_at last_used_at |",
	"held_usernames":  "username_key user_id held_until |",
	"hidden_rows":     "user_id table_name row_key visibility |",
	"identities":      "credential_id issuer subject email |",
	"outbox":          "kind user_id recipient data created_at expires_at | id code_id attempts next_attempt_at sent_at parked_at last_error",
	"passkeys":        "credential_id sign_count aaguid transports backup_eligible backed_up | key_id public_key",
	"profile_private": "user_id birthday phone_number |",
	"profiles":        "id user_id username username_key display_name bio avatar_url website_url location visibility created_at updated_at |",
	"rate_limits":     "| bucket hits ends_at", // belongs to no user
	"recovery_codes":  "user_id used_at | code_hash",
	"scope_grants":    "user_id scope granted_at | granted_by",
	"security_events": "id user_id kind created_at device ip operator | operator_id",
	"sessions":        "id user_id rotated_at created_at authenticated_at last_used_at idle_expires_at expires_at revoked_at signed_out device ip amr second_factor_at credential_id | refresh_hash previous_hash",
	"sign_up_keys":    "user_id created_at | key_hash fingerprint",
	"totp_secrets":    "credential_id last_step | secret",
	"user_private":    "user_id email email_key email_verified_at pending_until pending_visibility |",
	"users":           "id created_at |",
}

// R26, GDPR art. 15 and 20: each column of each table is exported, or is excluded on purpose.
func TestExportDecidesAboutEachColumn(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	exported := map[string][]string{}
	for _, row := range d.Query(t, `SELECT table_name || ': ' || columns FROM app.export_tables()`) {
		table, list, _ := strings.Cut(row, ": ")
		for _, column := range regexp.MustCompile(`r\.(\w+) AS`).FindAllStringSubmatch(list, -1) {
			exported[table] = append(exported[table], column[1])
		}
	}
	all := map[string][]string{}
	for _, row := range d.Query(t, `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'app'`) {
		table, column, _ := strings.Cut(row, ".")
		all[table] = append(all[table], column)
	}
	diff(t, "tables", slices.Collect(maps.Keys(all)), slices.Collect(maps.Keys(columns)))
	for table, listed := range columns {
		in, out, _ := strings.Cut(listed, "|")
		diff(t, "exported columns of "+table, append([]string{}, exported[table]...), strings.Fields(in))
		diff(t, "columns of "+table, all[table], slices.Concat(strings.Fields(in), strings.Fields(out)))
	}
}

// An export contains tables and columns whose names mean something in the functions that read them.
func TestExportReadsAnyColumn(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, db.MigrationSet{Name: "odd", Files: fstest.MapFS{"0001_odd.sql": {Data: []byte(`-- +goose Up
CREATE TABLE app."loop" (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  x int, r int, label int, data int, bytes int, exported_row int, p_user_id int, "50% of $body$ 'a' \ ""b"" %s" int);
CREATE INDEX loop_user_id ON app."loop" (user_id);
SELECT app.protect('loop');
`)}}})
	row := d.Query(t, `
		WITH u AS (INSERT INTO app.users (id) VALUES (gen_random_uuid()) RETURNING id)
		INSERT INTO app."loop" SELECT gen_random_uuid(), id, 1, 2, 3, 4, 5, 6, 7, 8 FROM u RETURNING user_id`)
	got := d.Query(t, `SELECT label || ' ' || ((data::jsonb) - 'id' - 'userId') FROM app.export_rows($1, NULL) WHERE label = 'loop'`, row[0])
	if want := `loop {"r": 2, "x": 1, "data": 4, "bytes": 5, "label": 3, "pUserId": 7, "exportedRow": 6, "50%Of$Body$'A'\\\"B\"%S": 8}`; len(got) != 1 || got[0] != want {
		t.Errorf("exported %s, want %s", got, want)
	}
}
