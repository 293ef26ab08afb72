package operators

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
)

// notes is a module's set of migrations, with a table of owned rows and a sequence.
var notes = db.MigrationSet{Name: "notes", Files: fstest.MapFS{"0001_notes.sql": {Data: []byte(`-- +goose Up
CREATE SEQUENCE app.note_numbers;
CREATE TABLE app.notes (
  id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  body    text NOT NULL
);
CREATE INDEX ON app.notes (user_id);
COMMENT ON TABLE app.notes IS 'what users write down';
SELECT app.protect('notes', inserts => true, updates => '{body}', deletes => true);
`)}}}

// shell runs a script with the command freehold and PostgreSQL's programs, and further variables.
func shell(t *testing.T, d dbtest.Database, dir, script string, env ...string) (output string, err error) {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "sh", "-euc", script)
	c.Dir = dir
	c.Env = append([]string{
		"PATH=" + strings.Join([]string{filepath.Dir(path), d.Tools(t), os.Getenv("PATH")}, ":"), "FREEHOLD_DATA_DIR=" + dir, "LC_ALL=C",
	}, env...)
	text, err := c.CombinedOutput()
	return string(text), err
}

// blocks returns the code blocks of docs/backup.md, in a language, that contain a text.
func blocks(t *testing.T, language, text string) string {
	t.Helper()
	for _, b := range docs.Snippets(t, "docs/backup.md", language) {
		if strings.Contains(b, text) {
			return b
		}
	}
	t.Fatalf("docs/backup.md has no block of %s with %s", language, text)
	return ""
}

// R29: a dump of a service, by the commands of docs/backup.md, restores into an empty cluster: the whole schema with its owners, grants,
// policies, functions and comments, and all rows. A server there starts, and users continue: with a password, with a refresh token of before,
// and with their profiles and notes.
func TestRestoreIntoAnEmptyCluster(t *testing.T) {
	t.Parallel()
	d, dir := dbtest.New(t, notes), t.TempDir()
	folder := "FREEHOLD_DATA_DIR=" + dir
	before := harness.StartWith(t, d, harness.BothLayers, app.Options{}, folder)
	a := before.SignUp(harness.Vars{"displayName": "Ann of the dump", "visibility": "PUBLIC"})
	b := before.SignUp(nil)
	_, refresh, _ := before.Refresh(a.Refresh)
	before.Must("", harness.RequestReset, harness.Input("email", a.Email)) // its mail waits
	d.Query(t, `INSERT INTO app.notes (user_id, body) SELECT $1, 'note ' || nextval('app.note_numbers') FROM generate_series(1, 3)`, a.UserID)
	if output, err := shell(t, d, dir, blocks(t, "sh", "pg_dump"), "FREEHOLD_BACKUP_URL="+d.Backup); err != nil || !strings.Contains(output, "\na dump by this role is complete\n") {
		t.Fatalf("the backup: %v %s", err, output)
	}

	restored, password := dbtest.NewEmptyCluster(t)
	if output, err := shell(t, d, dir, `
		freehold roles | psql -v ON_ERROR_STOP=1 --quiet "$POSTGRES"
		for role in owner app backup; do psql --quiet "$POSTGRES" -c "ALTER ROLE freehold_$role PASSWORD '$PASSWORD'"; done
		psql --quiet "$POSTGRES" -c 'CREATE DATABASE freehold OWNER freehold_owner' \
		  -c 'REVOKE ALL ON DATABASE freehold FROM PUBLIC' -c 'GRANT CONNECT ON DATABASE freehold TO freehold_app, freehold_backup'
		`+blocks(t, "sh", "pg_restore"), "RESTORED_ADMIN_URL="+restored.Superuser, "PASSWORD="+password,
		"POSTGRES="+strings.Replace(restored.Superuser, "/freehold?", "/postgres?", 1)); err != nil || output != "" {
		t.Fatalf("restoring: %v %s", err, output)
	}
	const schema = `pg_dump --schema-only --restrict-key=x "$URL" 2>/dev/null || pg_dump --schema-only "$URL"`
	was, err1 := shell(t, d, dir, schema, "URL="+d.Backup)
	is, err2 := shell(t, d, dir, schema, "URL="+restored.Backup)
	if err1 != nil || err2 != nil || was != is {
		t.Errorf("the schema differs: %v %v\n%d bytes of\n%.3000s\n%d bytes of\n%.3000s", err1, err2, len(was), was, len(is), is)
	}
	for _, want := range []string{"COMMENT ON TABLE migrations.freehold IS", "CREATE POLICY sessions_select", "OWNER TO freehold_definer", "GRANT ALL ON FUNCTION app.enter_session", "FORCE ROW LEVEL SECURITY", "'what users write down'"} {
		if !strings.Contains(is, want) {
			t.Errorf("the restored schema has no %s", want)
		}
	}
	rows := func(d dbtest.Database) string {
		all := (&harness.Service{T: t, DB: d}).AllRows()
		return regexp.MustCompile(`(?m)^(\S+) \d+ `).ReplaceAllString(strings.Join(all, "\n"), "$1 ") // without the transaction
	}
	if was, is := rows(d), rows(restored); sortedLines(was) != sortedLines(is) || !strings.Contains(is, "note 3") {
		t.Errorf("the rows differ:\n%s\n\n%s", was, is)
	}
	if output, err := shell(t, d, dir, `freehold backup check`, "FREEHOLD_BACKUP_URL="+restored.Backup); err != nil {
		t.Errorf("the next backup: %s", output)
	}

	after := harness.StartWith(t, restored, harness.BothLayers, app.Options{}, folder)
	after.ExpectMember(after.SignIn(b.Email), b.Email)
	after.ExpectMember(a.Token, a.Email)
	token, _, reason := after.Refresh(refresh)
	if reason != "" {
		t.Errorf("a refresh with the token of before: %s", reason)
	}
	if r := after.Must(token, `{ me { profile { displayName } } }`, nil); !strings.Contains(r.Body, "Ann of the dump") {
		t.Errorf("the profile: %s", r.Body)
	}
	afterAnOldDump(t, restored, after, a, b)
}

// afterAnOldDump runs the statements that docs/backup.md has for after a restore, as the owner's role.
func afterAnOldDump(t *testing.T, d dbtest.Database, s *harness.Service, a, b harness.Account) {
	t.Helper()
	run := func(text, old, replacement string) {
		t.Helper()
		statement := strings.Replace(blocks(t, "sql", text), old, replacement, 1)
		if output, err := shell(t, d, t.TempDir(), `psql -v ON_ERROR_STOP=1 --quiet "$URL" -c "$STATEMENT"`, "URL="+d.Owner, "STATEMENT="+statement); err != nil {
			t.Errorf("%s: %s", statement, output)
		}
	}
	if waiting := d.Query(t, `SELECT count(*) FROM app.outbox WHERE sent_at IS NULL AND parked_at IS NULL`)[0]; waiting != "1" {
		t.Errorf("%s mails wait, want 1", waiting)
	}
	run("app.outbox", "", "")
	s.Work()
	run("app.end_sessions", "", "")
	s.ExpectNoSession(a.Token, "revoked")
	run("DELETE FROM app.users", "ann@example.org", a.Email)
	if r := s.TrySignIn(a.Email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("a deleted account signs in: %s", r.Body)
	}
	if r := s.Do("", `query ($u: String!) { usernameAvailable(username: $u) }`, harness.Vars{"u": a.Username}); string(r.Data) != `{"usernameAvailable":false}` {
		t.Errorf("the username of a deleted account: %s", r.Body)
	}
	s.ExpectMember(s.SignIn(b.Email), b.Email)
	if left := d.Query(t, `SELECT count(*) FROM app.outbox WHERE sent_at IS NOT NULL`)[0]; left != "0" {
		t.Errorf("%s mails of the dump were sent", left)
	}
}

func sortedLines(lines string) string {
	list := strings.Split(lines, "\n")
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// `freehold backup check` agrees with pg_dump about each role, and says what is wrong with it. Its output has no password.
func TestBackupCheckAgreesWithPgDump(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, notes)
	dir := t.TempDir()
	for i, c := range []struct {
		name    string
		setup   string // of $role; "" for a role of freehold or of the cluster
		url     string
		want    string // in the output
		without string // after the check, what undoes the setup besides the role
	}{
		{name: "the backup role", url: d.Backup, want: ""},
		{name: "a superuser", url: d.Superuser, want: "the role is a superuser"},
		{name: "the owner", url: d.Owner, want: "row security hides rows of app.accounts, app.codes, app."},
		{name: "the app", url: d.App, want: "the role cannot read app.accounts, "},
		{name: "no BYPASSRLS", setup: `CREATE ROLE $role LOGIN IN ROLE pg_read_all_data`, want: `run ALTER ROLE "$role" BYPASSRLS`},
		{name: "no rights", setup: `CREATE ROLE $role LOGIN BYPASSRLS`, want: `run GRANT pg_read_all_data TO "$role"`},
		{
			name: "all but one table", setup: granted + `REVOKE SELECT ON app.notes FROM $role`,
			want: "the role cannot read app.notes: use", without: revoked,
		},
		{
			name: "all but one sequence", setup: granted + `REVOKE SELECT ON SEQUENCE app.note_numbers FROM $role`,
			want: "the role cannot read app.note_numbers: use", without: revoked,
		},
		{
			name: "all but one schema", setup: granted + `REVOKE USAGE ON SCHEMA migrations FROM $role`,
			want: "the role cannot read migrations.", without: revoked,
		},
		{name: "all that it needs", setup: granted, want: "", without: revoked},
		{
			name: "more than it needs", setup: `CREATE ROLE $role LOGIN BYPASSRLS IN ROLE pg_read_all_data; GRANT DELETE ON app.notes TO $role`,
			want: "the role can change app.notes: use freehold_backup", without: `REVOKE ALL ON app.notes FROM $role`,
		},
		{
			name: "a large object", url: d.Backup, want: "the role cannot read the large object 4711, which freehold did not create",
			setup: `SELECT lo_create(4711)`, without: `SELECT lo_unlink(4711)`,
		},
		{
			name: "a large object that it can read", url: d.Backup, want: "",
			setup: `SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO freehold_backup`, without: `SELECT lo_unlink(4711)`,
		},
		{name: "no CONNECT", url: d.Backup, want: "permission denied for database", setup: `REVOKE CONNECT ON DATABASE $database FROM freehold_backup`, without: `GRANT CONNECT ON DATABASE $database TO freehold_backup`},
	} {
		u, err := url.Parse(d.Superuser)
		if err != nil {
			t.Fatal(err)
		}
		password, _ := u.User.Password()
		database, role := strings.Trim(u.Path, "/"), fmt.Sprintf("backup_test_%d", i)
		fill := strings.NewReplacer("$role", role, "$database", database).Replace
		if c.setup != "" {
			d.Query(t, fill(c.setup))
		}
		at := c.url
		if at == "" {
			d.Query(t, fill(`GRANT CONNECT ON DATABASE $database TO $role; ALTER ROLE $role PASSWORD '`)+password+`'`)
			u.User = url.UserPassword(role, password)
			at = u.String()
		}
		settings, err := harness.Program.LoadConfig([]string{"FREEHOLD_BACKUP_URL=" + at, "FREEHOLD_DATA_DIR=" + dir})
		if err != nil {
			t.Fatal(err)
		}
		report, err := operate.CheckBackup(t.Context(), harness.Program, settings)
		output := fmt.Sprint(strings.Join(append(report.Problems, report.Notes...), "\n"), err)
		complete := err == nil && len(report.Problems) == 0
		dump, dumped := shell(t, d, dir, `pg_dump --format=custom --file=x.dump "$URL"`, "URL="+at)
		if complete != (dumped == nil) || output == "<nil>" != (c.want == "") || !strings.Contains(output, fill(c.want)) || strings.Contains(output, password) {
			t.Errorf("%s: the check says %v, %s\nand pg_dump %v, %s", c.name, complete, output, dumped, dump)
		}
		if c.without != "" {
			d.Query(t, fill(c.without))
		}
		if c.url == "" {
			d.Query(t, fill(`REVOKE CONNECT ON DATABASE $database FROM $role; DROP ROLE $role`))
		}
	}
}

// granted creates a role that can dump the database because of its own grants; revoked deletes the grants.
const (
	granted = `CREATE ROLE $role LOGIN BYPASSRLS; GRANT USAGE ON SCHEMA app, migrations TO $role;
		GRANT SELECT ON ALL TABLES IN SCHEMA app, migrations TO $role; GRANT SELECT ON ALL SEQUENCES IN SCHEMA app, migrations TO $role;`
	revoked = `DROP OWNED BY $role`
)

// What cannot be checked is an error that says what to do: no setting, an invalid one, a database of something else.
func TestBackupCheckNeedsTheDatabase(t *testing.T) {
	t.Parallel()
	empty := dbtest.NewEmpty(t, "")
	for _, c := range []struct {
		setting, args, want string
	}{
		{"FREEHOLD_ENV=production", "check", "FREEHOLD_"},
		{"DATABASE_URL=" + empty.App, "check", "FREEHOLD_BACKUP_URL: required, with the URL of the backup role"},
		{"FREEHOLD_BACKUP_URL=postgres://%zz:s3cret@x", "check", "FREEHOLD_BACKUP_URL: "},
		{"FREEHOLD_BACKUP_URL=postgres://freehold_backup:s3cret@127.0.0.1:1/x?sslmode=disable", "check", "FREEHOLD_BACKUP_URL: connect to the database: "},
		{"FREEHOLD_BACKUP_URL=" + empty.Backup, "check", "has no table migrations.freehold: use the URL of the service's database, and run `freehold migrate`"},
		{"FREEHOLD_BACKUP_URL=" + empty.Backup, "", "usage: freehold backup check"},
		{"FREEHOLD_BACKUP_URL=" + empty.Backup, "restore", "usage: freehold backup check"},
	} {
		output, err := shell(t, empty, t.TempDir(), `freehold backup `+c.args, c.setting)
		if err == nil || !strings.Contains(output, c.want) || strings.Contains(output, "s3cret") {
			t.Errorf("%s: %s", c.setting, output)
		}
	}
}

// A role that can create roles, but is no superuser, creates the roles of freehold without the one for backups, and a warning says so.
func TestRolesWithoutASuperuser(t *testing.T) {
	t.Parallel()
	d, password := dbtest.NewEmptyCluster(t)
	admin := strings.Replace(d.Superuser, "/freehold?", "/postgres?", 1)
	tools := dbtest.New(t)
	output, err := shell(t, tools, t.TempDir(), `
		psql --quiet "$ADMIN" -c "CREATE ROLE creator LOGIN CREATEROLE PASSWORD '$PASSWORD'"
		freehold roles | psql -v ON_ERROR_STOP=1 --quiet "$CREATOR"
		psql -At "$ADMIN" -c "SELECT rolname FROM pg_roles WHERE rolname LIKE 'freehold_%' ORDER BY 1"
		freehold roles | psql -v ON_ERROR_STOP=1 --quiet "$ADMIN"
		psql -At "$ADMIN" -c "SELECT rolname, rolbypassrls FROM pg_roles WHERE rolname = 'freehold_backup'"`,
		"ADMIN="+admin, "CREATOR="+strings.Replace(admin, "//postgres:", "//creator:", 1), "PASSWORD="+password)
	if err != nil || !strings.Contains(output, "WARNING:  freehold_backup was not created: ") || !strings.Contains(output, "\nfreehold_app\nfreehold_definer\nfreehold_owner\n") || !strings.HasSuffix(output, "\nfreehold_backup|t\n") {
		t.Errorf("%v %s", err, output)
	}
}
