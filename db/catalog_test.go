package db_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold/db"
	"freehold/db/dbtest"
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

// The policies of the app's role: one permissive policy for each table and command that the role is granted, with the
// expressions that the command takes.
func TestPoliciesAreOnePerTableAndCommand(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	diff(t, "policies of the app's role", d.Query(t, `
		SELECT concat_ws(' ', tablename, cmd, policyname, CASE WHEN qual IS NOT NULL THEN 'USING' END, CASE WHEN with_check IS NOT NULL THEN 'CHECK' END)
		  FROM pg_policies WHERE schemaname = 'app' AND roles = '{freehold_app}' AND permissive = 'PERMISSIVE'`), []string{
		"users SELECT users_select USING",
		"user_private SELECT user_private_select USING",
		"sessions SELECT sessions_select USING",
		"security_events SELECT security_events_select USING",
		"profiles SELECT profiles_select USING",
		"profiles INSERT profiles_insert CHECK",
		"profiles UPDATE profiles_update USING CHECK",
		"profile_private SELECT profile_private_select USING",
		"profile_private INSERT profile_private_insert CHECK",
		"profile_private UPDATE profile_private_update USING CHECK",
	})
	diff(t, "policies with a sub-select", d.Query(t, `
		SELECT policyname FROM pg_policies WHERE COALESCE(qual, '') || COALESCE(with_check, '') ILIKE '%SELECT%'`), nil)
	diff(t, "policies of other roles that are not <table>_owner or <table>_definer for every command", d.Query(t, `
		SELECT policyname FROM pg_policies
		 WHERE roles <> '{freehold_app}'
		   AND NOT (policyname = tablename || '_owner' AND roles = '{freehold_owner}' AND cmd = 'ALL' AND qual = 'true')
		   AND NOT (policyname = tablename || '_definer' AND roles = '{freehold_definer}' AND cmd = 'ALL' AND qual = 'true')`), nil)
	diff(t, "tables without the owner's policy", d.Query(t, `
		SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'app'::regnamespace
		   AND NOT EXISTS (SELECT FROM pg_policies WHERE tablename = relname AND policyname = relname || '_owner')`), nil)
	diff(t, "commands of the app's role", d.Query(t, `
		SELECT table_name || ' ' || privilege_type FROM information_schema.role_table_grants
		 WHERE table_schema = 'app' AND grantee = 'freehold_app'`), []string{
		"users SELECT", "user_private SELECT", "security_events SELECT", "profiles SELECT", "profiles INSERT", "profile_private SELECT", "profile_private INSERT",
	})
	diff(t, "columns that the app's role may update", d.Query(t, `
		SELECT table_name || '.' || column_name FROM information_schema.role_column_grants
		 WHERE table_schema = 'app' AND grantee = 'freehold_app' AND privilege_type = 'UPDATE'`), []string{
		"profiles.display_name", "profiles.bio", "profiles.avatar_url", "profiles.website_url", "profiles.location",
		"profiles.visibility", "profiles.updated_at", "profile_private.birthday", "profile_private.phone_number",
	})
}

// Of a session its owner sees nothing by which somebody could go on with it.
func TestColumnsOfSessionsThatTheAppSees(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	diff(t, "columns of sessions that the app's role may read", d.Query(t, `
		SELECT column_name FROM information_schema.role_column_grants
		 WHERE table_schema = 'app' AND table_name = 'sessions' AND grantee = 'freehold_app'`), []string{
		"id", "user_id", "created_at", "last_used_at", "idle_expires_at", "expires_at", "revoked_at", "device", "ip",
	})
}

func TestDefinerFunctionsAreTheListedOnes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	diff(t, "SECURITY DEFINER functions", d.Query(t, `SELECT oid::regproc FROM pg_proc WHERE prosecdef AND pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`), []string{
		"app.enter", "app.start_session", "app.sign_up", "app.find_salt", "app.sign_in", "app.renew_hash", "app.revoke_session", "app.sign_out", "app.taken", "app.count_hits", "app.find_pending_salt", "app.has_hits", "app.is_proved", "app.end_oldest_sessions", "app.purge_excess_events", "app.refresh_session",
		"app.record_event", "app.revoke_other_sessions",
		"app.enqueue_mail", "app.claim_mails", "app.settle_mail", "app.count_waiting_mails", "app.purge_outbox", "app.purge_rate_limits", "app.purge_sessions", "app.purge_events",
		"app.drop_overdue", "app.hold_username", "app.is_held", "app.find_sign_up", "app.prove_sign_up", "app.put_code", "app.await_verification", "app.request_code", "app.find_code",
		"app.shut_out", "app.silence_rivals", "app.reset_password", "app.verify_email", "app.request_email_change", "app.change_email", "app.find_own_salt", "app.is_own_hash",
		"app.require_recent", "app.reauthenticate", "app.change_password", "app.change_username", "app.delete_account", "app.refuse_sign_in",
		"app.is_known_client", "app.clear_hits", "app.purge_codes", "app.purge_held_usernames", "app.purge_sign_up_keys", "app.purge_pending",
		"app.pending_email", "app.has_password", "app.recent_until", "app.closed_until",
	})
	diff(t, "definer functions without the definer's ownership or a fixed search_path", d.Query(t, `
		SELECT oid::regproc FROM pg_proc
		 WHERE prosecdef AND (proowner <> 'freehold_definer'::regrole OR proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}')`), nil)
	diff(t, "functions that PUBLIC may execute", d.Query(t, `
		SELECT p.oid::regproc FROM pg_proc p, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
		 WHERE p.pronamespace = 'app'::regnamespace AND a.grantee = 0`), nil)
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
		  FROM pg_roles WHERE rolname IN ('freehold_owner', 'freehold_definer', 'freehold_app')`),
		[]string{"freehold_owner login", "freehold_definer", "freehold_app login"})
	diff(t, "memberships", d.Query(t, `
		SELECT m.member::regrole || ' in ' || m.roleid::regrole FROM pg_auth_members m
		 WHERE m.member::regrole::text LIKE 'freehold%' AND m.member::regrole::text <> 'freehold_bypass'`),
		[]string{"freehold_owner in freehold_definer"})
	diff(t, "what the app's role may do with what is the definer's, and with versions", d.Query(t, `
		SELECT table_schema || '.' || table_name FROM information_schema.role_table_grants
		 WHERE grantee IN ('freehold_app', 'PUBLIC') AND (table_name IN ('credentials', 'sessions', 'codes', 'outbox', 'rate_limits', 'held_usernames', 'sign_up_keys') OR table_schema = 'migrations')`), nil)
}

// A role that could go around a policy does not get to serve, whichever way it could.
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
		"tester_credentials": {`CREATE ROLE %s LOGIN PASSWORD '` + password + `' IN ROLE freehold_app; GRANT SELECT ON app.credentials TO %[1]s`, "app.credentials"},
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
		t.Errorf("a role that is least was refused: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want an error that says %q", err, want)
	}
}

// Whatever refers to an account goes with it, or lets it go: a reference that does neither would keep accounts from being
// deleted.
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
