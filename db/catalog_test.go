package db_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

func diff(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestEveryTableForcesRowSecurity(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	tables := d.Query(t, `SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'app'::regnamespace`)
	if len(tables) < 6 {
		t.Fatalf("found only the tables %v", tables)
	}
	diff(t, "tables without ENABLE and FORCE ROW LEVEL SECURITY", d.Query(t, `
		SELECT oid::regclass FROM pg_class
		 WHERE relkind IN ('r', 'p', 'f', 'm') AND NOT (relrowsecurity AND relforcerowsecurity)
		   AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'migrations'::regnamespace)`), nil)
	diff(t, "tables not owned by the owner's role", d.Query(t, `
		SELECT c.oid::regclass FROM pg_class c
		 WHERE relnamespace IN ('app'::regnamespace, 'migrations'::regnamespace) AND relkind IN ('r', 'p', 'v')
		   AND relowner <> 'freehold_owner'::regrole`), nil)
	diff(t, "views that do not run as their caller", d.Query(t, `
		SELECT oid::regclass FROM pg_class WHERE relkind = 'v' AND relnamespace = 'app'::regnamespace
		   AND NOT COALESCE('security_invoker=true' = ANY (reloptions), false)`), nil)
}

// grants are the privileges of the app role, with the columns if they are limited. It has none on other tables.
var grants = []string{
	"user_private SELECT",
	"profiles SELECT", "profiles INSERT", "profiles UPDATE avatar_url bio display_name location updated_at visibility website_url",
	"profile_private SELECT", "profile_private INSERT", "profile_private UPDATE birthday phone_number",
	"sessions SELECT created_at device expires_at id idle_expires_at ip last_used_at revoked_at user_id", // not the hashes
	"security_events SELECT",
	"credentials SELECT", "credentials UPDATE name",
}

// Each privilege of the app role has one permissive policy, with the expressions that its command takes. There are no other policies.
func TestPoliciesAreOnePerTableAndCommand(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	diff(t, "grants of the app's role", d.Query(t, `
		SELECT table_name || ' ' || privilege_type FROM information_schema.role_table_grants
		 WHERE table_schema = 'app' AND grantee = 'freehold_app'
		UNION ALL
		SELECT g.table_name || ' ' || g.privilege_type || ' ' || string_agg(g.column_name, ' ' ORDER BY g.column_name)
		  FROM information_schema.role_column_grants g
		 WHERE g.table_schema = 'app' AND g.grantee = 'freehold_app'
		   AND NOT EXISTS (SELECT FROM information_schema.role_table_grants w
		                    WHERE w.table_schema = 'app' AND w.grantee = 'freehold_app' AND (w.table_name, w.privilege_type) = (g.table_name, g.privilege_type))
		 GROUP BY g.table_name, g.privilege_type`), slices.Clone(grants))
	expressions := map[string]string{"SELECT": "USING", "INSERT": "CHECK", "UPDATE": "USING CHECK", "DELETE": "USING"}
	var policies []string
	for _, grant := range grants {
		words := strings.Fields(grant)
		table, command := words[0], words[1]
		policies = append(policies, fmt.Sprintf("%s %s %s_%s %s", table, command, table, strings.ToLower(command), expressions[command]))
	}
	diff(t, "policies of the app's role", d.Query(t, `
		SELECT concat_ws(' ', tablename, cmd, policyname, CASE WHEN qual IS NOT NULL THEN 'USING' END, CASE WHEN with_check IS NOT NULL THEN 'CHECK' END)
		  FROM pg_policies WHERE schemaname = 'app' AND roles = '{freehold_app}' AND permissive = 'PERMISSIVE'`), policies)
	diff(t, "policies with a sub-select", d.Query(t, `
		SELECT policyname FROM pg_policies WHERE COALESCE(qual, '') || COALESCE(with_check, '') ILIKE '%SELECT%'`), nil)
	diff(t, "policies of other roles that are not <table>_owner or <table>_definer for every command", d.Query(t, `
		SELECT policyname FROM pg_policies
		 WHERE roles <> '{freehold_app}'
		   AND NOT (policyname = tablename || '_owner' AND roles = '{freehold_owner}' AND cmd = 'ALL' AND qual = 'true')
		   AND NOT (policyname = tablename || '_definer' AND roles = '{freehold_definer}' AND cmd = 'ALL' AND qual = 'true')`), nil)
	diff(t, "tables without the owner's or the definer's policy", d.Query(t, `
		SELECT relname || role FROM pg_class c, unnest('{_owner,_definer}'::text[]) role WHERE relkind = 'r' AND relnamespace = 'app'::regnamespace
		   AND NOT EXISTS (SELECT FROM pg_policies WHERE tablename = relname AND policyname = relname || role)`), nil)
}

// runAsCaller lists the functions that are not SECURITY DEFINER, with the reason.
var runAsCaller = map[string]string{
	"check_protection":  "its caller owns the table",
	"check_relations":   "its caller owns the table",
	"check_scopes":      "it computes",
	"admission":         "it computes",
	"protect":           "its caller owns the table",
	"refuse_update":     "it reads nothing",
	"viewer_id":         "policies call it, in which PostgreSQL inlines it",
	"client_device":     "it reads a setting",
	"client_ip":         "it reads a setting",
	"session_id":        "it reads a setting",
	"verified_username": "it computes",
	"salt_of":           "it computes",
	"account_lock":      "it computes",
	"account_state":     "it computes",
	"has_scope":         "policies call it, in which PostgreSQL inlines it",
	"prepare_disabling": "its caller owns the tables",
	"prepare_export":    "its caller owns the tables",
}

// functionFiles returns the functions of db/functions in order, with the roles that may execute each.
func functionFiles(t *testing.T) map[string]string {
	t.Helper()
	files := db.OwnMigrations().Files
	names, err := fs.Glob(files, "functions/*.sql")
	if err != nil || len(names) < 50 {
		t.Fatalf("found only the functions %v, %v", names, err)
	}
	functions := map[string]string{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		roles, found := strings.CutPrefix(first, "-- Executed by: ")
		if !found {
			t.Errorf("%s does not begin with the roles that may execute it", name)
		}
		if roles == "nobody" {
			roles = ""
		}
		listed := strings.Split(roles, ", ")
		slices.Sort(listed)
		functions[strings.TrimSuffix(path.Base(name), ".sql")] = strings.Join(listed, ", ")
	}
	return functions
}

// writtenByMigrate lists the functions that functions of db/functions write.
var writtenByMigrate = []string{"exported_rows invoker of freehold_owner, executed by [freehold_definer]"}

// D06: the database has exactly the functions of db/functions, and those that they write. The definer owns them, and the roles in their files
// may execute them.
func TestFunctionsAreThoseOfTheirFiles(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	want := slices.Clone(writtenByMigrate)
	for name, roles := range functionFiles(t) {
		kind := "definer"
		if runAsCaller[name] != "" {
			kind = "invoker"
		}
		want = append(want, fmt.Sprintf("%s %s of freehold_definer, executed by [%s]", name, kind, roles))
	}
	diff(t, "functions in schema app", d.Query(t, `
		SELECT format('%s %s of %s, executed by [%s]', p.proname, CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END, p.proowner::regrole,
		              (SELECT string_agg(CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, ', ' ORDER BY a.grantee::regrole::text)
		                 FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner))
		  FROM pg_proc p WHERE p.pronamespace = 'app'::regnamespace`), want)
	diff(t, "definer functions elsewhere", d.Query(t, `
		SELECT oid::regproc FROM pg_proc WHERE prosecdef AND pronamespace NOT IN ('app'::regnamespace, 'pg_catalog'::regnamespace, 'information_schema'::regnamespace)`), nil)
	diff(t, "functions without the fixed search_path, except those that read settings or compute", d.Query(t, `
		SELECT proname FROM pg_proc WHERE pronamespace = 'app'::regnamespace AND NOT '{"search_path=pg_catalog, pg_temp"}' <@ COALESCE(proconfig, '{}')`),
		[]string{"viewer_id", "client_device", "client_ip", "session_id", "verified_username", "salt_of", "account_lock", "account_state", "has_scope"})
	diff(t, "things the definer owns besides its functions", d.Query(t, `
		SELECT oid::regclass FROM pg_class WHERE relowner = 'freehold_definer'::regrole`), nil)
	diff(t, "schemas in which the definer or the app's role may create", d.Query(t, `
		SELECT nspname || ' ' || r FROM pg_namespace, unnest('{freehold_definer,freehold_app}'::text[]) r
		 WHERE has_schema_privilege(r, oid, 'CREATE')`), nil)
}

func TestRolesAreLeast(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	diff(t, "roles", d.Query(t, `
		SELECT concat_ws(' ', rolname, CASE WHEN rolcanlogin THEN 'login' END, CASE WHEN rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication THEN 'too much' END)
		  FROM pg_roles WHERE rolname IN ('freehold_owner', 'freehold_definer', 'freehold_app', 'freehold_backup')`),
		[]string{"freehold_owner login", "freehold_definer", "freehold_app login", "freehold_backup login too much"}) // it only reads
	diff(t, "memberships", d.Query(t, `
		SELECT m.member::regrole || ' in ' || m.roleid::regrole FROM pg_auth_members m
		 WHERE m.member::regrole::text LIKE 'freehold%' AND m.member::regrole::text <> 'freehold_bypass'`),
		[]string{"freehold_owner in freehold_definer", "freehold_backup in pg_read_all_data"})
	diff(t, "what the backup's role may change", d.Query(t, `
		SELECT oid::regclass::text FROM pg_class
		 WHERE relnamespace IN ('app'::regnamespace, 'migrations'::regnamespace) AND relkind IN ('r', 'p') AND has_table_privilege('freehold_backup', oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
		UNION ALL
		SELECT oid::regproc::text FROM pg_proc WHERE pronamespace = 'app'::regnamespace AND has_function_privilege('freehold_backup', oid, 'EXECUTE')`), nil)
	diff(t, "tables that everybody may use, and what the app's role may do with versions", d.Query(t, `
		SELECT table_schema || '.' || table_name FROM information_schema.role_table_grants
		 WHERE grantee = 'PUBLIC' AND table_schema IN ('app', 'migrations') OR grantee = 'freehold_app' AND table_schema = 'migrations'`), nil)
}

// The server rejects a role that can bypass a row policy in any way.
func TestCheckRole(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for url, want := range map[string]string{d.App: "", d.Owner: "owns tables", d.Bypass: "BYPASSRLS", d.Superuser: "superuser"} {
		expectRole(t, url, want)
	}
	u, err := url.Parse(d.App)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	for name, c := range map[string]struct{ make, want string }{
		"tester_plain":       {`CREATE ROLE %s LOGIN PASSWORD '` + password + `' IN ROLE freehold_app`, ""},
		"tester_createrole":  {`CREATE ROLE %s LOGIN CREATEROLE PASSWORD '` + password + `' IN ROLE freehold_app`, "CREATEROLE"},
		"tester_replication": {`CREATE ROLE %s LOGIN REPLICATION PASSWORD '` + password + `' IN ROLE freehold_app`, "REPLICATION"},
		"tester_definer":     {`CREATE ROLE %s LOGIN PASSWORD '` + password + `' IN ROLE freehold_app, freehold_definer`, "freehold_definer"},
		"tester_owner":       {`CREATE ROLE %s LOGIN NOINHERIT PASSWORD '` + password + `' IN ROLE freehold_app, freehold_owner`, "owns tables"},
		"tester_super":       {`CREATE ROLE %s LOGIN NOINHERIT PASSWORD '` + password + `' IN ROLE freehold_app, postgres`, "superuser"},
		"tester_hashes":      {`CREATE ROLE %s LOGIN PASSWORD '` + password + `' IN ROLE freehold_app; GRANT SELECT (refresh_hash) ON app.sessions TO %[1]s`, "app.sessions.refresh_hash"},
		"tester_credentials": {`CREATE ROLE %s LOGIN PASSWORD '` + password + `' IN ROLE freehold_app; GRANT SELECT ON app.accounts TO %[1]s`, "app.accounts"},
		"tester_update":      {`CREATE ROLE %s LOGIN PASSWORD '` + password + `' IN ROLE freehold_app; GRANT UPDATE (expires_at) ON app.sessions TO %[1]s`, "UPDATE on app.sessions"},
		"tester_delete":      {`CREATE ROLE %s LOGIN PASSWORD '` + password + `' IN ROLE freehold_app; GRANT DELETE ON app.profiles TO %[1]s`, "DELETE on app.profiles"},
		"tester_outbox":      {`CREATE ROLE %s LOGIN PASSWORD '` + password + `' IN ROLE freehold_app; GRANT SELECT ON app.outbox TO %[1]s`, "app.outbox"},
	} {
		d.Query(t, fmt.Sprintf(c.make, name))
		d.Query(t, `GRANT CONNECT ON DATABASE `+strings.TrimPrefix(u.Path, "/")+` TO `+name)
		as := *u
		as.User = url.UserPassword(name, password)
		expectRole(t, as.String(), c.want)
		d.Query(t, `DROP OWNED BY `+name+`; DROP ROLE `+name)
	}
}

func expectRole(t *testing.T, url, want string) {
	t.Helper()
	pool := open(t, db.Options{URL: url})
	defer pool.Close()
	switch err := pool.CheckRole(t.Context()); {
	case want == "" && err != nil:
		t.Errorf("the app role was rejected: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want an error that says %q", err, want)
	}
}

// Every reference to an account is ON DELETE CASCADE or SET NULL. Any other would prevent deletions of accounts.
func TestNothingKeepsAnAccountFromBeingDeleted(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	const references = `
		SELECT conrelid::regclass || ' ' || confdeltype::text FROM pg_constraint WHERE contype = 'f' AND confrelid = 'app.users'::regclass`
	if found := d.Query(t, references); len(found) < 5 {
		t.Fatalf("found only the references %v", found)
	}
	diff(t, "references to users that neither cascade nor are set null", d.Query(t, references+` AND confdeltype NOT IN ('c', 'n')`), nil)
	diff(t, "columns for a user without a reference to it", d.Query(t, `
		SELECT a.attrelid::regclass FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		 WHERE a.attname = 'user_id' AND c.relkind = 'r' AND c.relnamespace = 'app'::regnamespace
		   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid = 'app.users'::regclass AND a.attnum = ANY (k.conkey))`),
		[]string{"app.codes"}) // see its migration; app.delete_account deletes them
}
