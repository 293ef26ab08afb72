package db_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

// outcome is the outcome of a call of a function as the app role, after the superuser has run setup: the result, the tables that it
// writes, and the superuser's result of then. The callers are an anonymous viewer (nobody), another member (other), the owner, and a
// caller that sets app.viewer_id to the owner without a session (forged). Each has the outcome of the one before by default.
type outcome struct {
	name, setup, call, then      string
	nobody, other, owner, forged string
	inside                       string // the outcome for another function, if the app role may not call this one
}

// D14, D08: each function has exactly the listed outcomes, for each kind of caller.
func TestFunctionsDoWhatIsListed(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{
		"protect": true, "check_protection": true, "check_relations": true, "check_scopes": true, "admission": true, "refuse_update": true, // see TestProtect
	}
	for topic, functions := range map[string]map[string][]outcome{
		"accounts": accountOutcomes, "own": ownOutcomes, "mailcodes": mailCodeOutcomes, "anonymous": anonymousOutcomes, "sessions": sessionOutcomes, "codes": codeOutcomes, "mail": mailOutcomes, "inner": innerOutcomes, "operators": operatorOutcomes, "credentials": credentialOutcomes, "factors": factorOutcomes, "passkeys": passkeyOutcomes, "identities": identityOutcomes, "support": supportOutcomes,
	} {
		for name, outcomes := range functions {
			if listed[name] {
				t.Errorf("app.%s is listed twice", name)
			}
			listed[name] = true
			if n := ends(t, name); len(outcomes) < n {
				t.Errorf("app.%s has %d outcomes here, and %d statements that return or raise", name, len(outcomes), n)
			}
		}
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			expectOutcomes(t, functions)
		})
	}
	for name := range functionFiles(t) {
		if !listed[name] {
			t.Errorf("app.%s has no outcomes here", name)
		}
	}
}

// ends counts the statements of a function that return or raise.
func ends(t *testing.T, function string) int {
	t.Helper()
	text, err := fs.ReadFile(db.OwnMigrations().Files, "functions/"+function+".sql")
	if err != nil {
		t.Fatal(err)
	}
	return len(regexp.MustCompile(`(?m)^ +(RETURN|RAISE EXCEPTION)\b`).FindAll(text, -1))
}

func expectOutcomes(t *testing.T, functions map[string][]outcome) {
	t.Helper()
	pool := connect(t, dbtest.New(t).Superuser)
	for _, statement := range strings.Split(fixture, ";\n") {
		if _, err := pool.ExecContext(t.Context(), names.Replace(statement)); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	digests := snapshots(t, pool)
	for function, outcomes := range functions {
		seen := map[string]bool{}
		for _, o := range outcomes {
			if seen[o.name] || !strings.Contains(o.call, "app."+function+"(") {
				t.Errorf("app.%s: the outcome %q is listed twice, or of another function", function, o.name)
			}
			seen[o.name] = true
			other := cmp.Or(o.other, o.nobody)
			owner := cmp.Or(o.owner, other)
			callers := []struct{ who, role, enter, want string }{
				{"nobody", db.AppRole, `SELECT`, o.nobody},
				{"another member", db.AppRole, `SELECT app.enter($bob_session, 10000)`, other},
				{"the owner", db.AppRole, `SELECT app.enter($ann_session, 10000)`, owner},
				{"who sets the viewer", db.AppRole, `SELECT set_config('app.viewer_id', $ann::text, true)`, cmp.Or(o.forged, owner)},
			}
			if o.inside != "" {
				callers = callers[:2]
				callers[0].want = "42501 permission denied for function " + function
				callers[1] = struct{ who, role, enter, want string }{"another function", "freehold_definer", `SELECT`, o.inside}
			}
			for _, c := range callers {
				if got := call(t, pool, digests, c.role, c.enter, o); got != c.want {
					t.Errorf("app.%s, %s, as %s:\n got %s\nwant %s", function, o.name, c.who, got, c.want)
				}
			}
		}
	}
}

// call calls as a role, in a transaction that is undone.
func call(t *testing.T, pool *sql.DB, digests, role, enter string, o outcome) string {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, statement := range []string{`SET LOCAL ROLE freehold_app`, enter, `RESET ROLE`, o.setup} {
		if _, err := tx.ExecContext(t.Context(), names.Replace(statement)); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	before := snapshot(t, tx, digests)
	if _, err := tx.ExecContext(t.Context(), `SET LOCAL ROLE `+role); err != nil {
		t.Fatal(err)
	}
	got, err := values(t.Context(), tx, names.Replace(o.call))
	if e := pq.As(err); e != nil {
		return strings.Join([]string{string(e.Code), e.Message}, " ")
	} else if err != nil {
		t.Fatalf("%s: %v", o.call, err)
	}
	if _, err := tx.ExecContext(t.Context(), `RESET ROLE`); err != nil {
		t.Fatal(err)
	}
	var written []string
	for table, rows := range snapshot(t, tx, digests) {
		if rows != before[table] {
			written = append(written, table)
		}
	}
	if len(written) > 0 {
		slices.Sort(written)
		got += ", writes " + strings.Join(written, " ")
	}
	if o.then != "" {
		after, err := values(t.Context(), tx, names.Replace(o.then))
		if err != nil {
			t.Fatalf("%s: %v", o.then, err)
		}
		got += ", then " + after
	}
	return got
}

// snapshots returns a query of a digest of each table's rows.
func snapshots(t *testing.T, pool *sql.DB) string {
	t.Helper()
	var query string
	err := pool.QueryRowContext(t.Context(), `
		SELECT string_agg(format('SELECT %L, md5(string_agg(x::text, chr(10) ORDER BY x::text)) FROM app.%I x', relname, relname), ' UNION ALL ')
		  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'app'::regnamespace`).Scan(&query)
	if err != nil {
		t.Fatal(err)
	}
	return query
}

func snapshot(t *testing.T, tx *sql.Tx, query string) map[string]string {
	t.Helper()
	rows, err := tx.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string]string{}
	for rows.Next() {
		var table string
		var digest sql.NullString // null of no rows
		if err := rows.Scan(&table, &digest); err != nil {
			t.Fatal(err)
		}
		tables[table] = digest.String
	}
	if rows.Err() != nil || len(tables) < 6 {
		t.Fatalf("found only the tables %v, %v", tables, rows.Err())
	}
	return tables
}

// values are the rows of a query as a text.
func values(ctx context.Context, tx *sql.Tx, query string) (string, error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return "", err
	}
	var lines []string
	for rows.Next() {
		row, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		texts := make([]string, len(columns))
		for i, v := range row {
			switch {
			case columns[i].DatabaseTypeName() == "VOID":
				texts[i] = "void"
			case !v.Valid:
				texts[i] = "null"
			default:
				texts[i] = cmp.Or(v.String, "''")
			}
		}
		lines = append(lines, strings.Join(texts, " "))
	}
	if lines == nil {
		lines = []string{"no row"}
	}
	return strings.Join(lines, "; "), rows.Err()
}

// names replaces names by values in what follows.
var names = strings.NewReplacer(
	"$ann_session2", id(0xa2), "$ann_password", id(0xa3), "$bob_codes", id(0xb3), "$ann_session", id(0xa1), "$bob_session", id(0xb1), "$ann", id(0xa0), "$bob", id(0xb0), "$pending", id(0xe0), "$new", id(0xf0),
	"$totp", id(0xa4), "$reset_code", id(0xc1), "$verify_code", id(0xc2), "$change_code", id(0xc3), "$p_code", id(0xc4), "$mail", id(0xd0),
	"$hash", `'$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$a2V5'`, "$guess", `'$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$Z3Vlc3M'`,
)

func id(n int) string { return fmt.Sprintf(`'00000000-0000-4000-8000-%012x'::uuid`, n) }

// fixture is ann, the owner, who has all that an account can have; bob, who has proved an address but has no password; and a
// sign-up that waits for its address.
const fixture = `
INSERT INTO app.users (id) VALUES ($ann), ($bob);
INSERT INTO app.user_private (user_id, email, email_key) VALUES ($ann, 'Ann@example.org', 'ann@example.org'), ($bob, 'bob@example.org', 'bob@example.org');
UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $bob;
INSERT INTO app.accounts (user_id, password_hash) VALUES ($ann, $hash), ($bob, '');
INSERT INTO app.profiles (id, user_id, username, username_key, display_name, visibility) VALUES ($ann, $ann, 'Ann', 'ann', 'Ann A.', 'PRIVATE'), ($bob, $bob, 'bob', 'bob', NULL, 'PRIVATE');
INSERT INTO app.profile_private (user_id) VALUES ($ann), ($bob);
INSERT INTO app.sessions (id, user_id, refresh_hash, idle_expires_at, expires_at, ip) VALUES
 ($ann_session, $ann, 'token', now() + interval '1 hour', now() + interval '1 hour', '10.0.0.1'),
 ($ann_session2, $ann, 'token2', now() + interval '1 hour', now() + interval '1 hour', NULL),
 ($bob_session, $bob, 'token3', now() + interval '1 hour', now() + interval '1 hour', NULL);
INSERT INTO app.security_events (user_id, kind) VALUES ($ann, 'SIGNED_UP');
INSERT INTO app.users (id) VALUES ($pending);
INSERT INTO app.user_private (user_id, email, email_key, pending_until) VALUES ($pending, 'p@example.org', 'p@example.org', now() + interval '1 hour');
INSERT INTO app.accounts (user_id, password_hash) VALUES ($pending, $hash);
INSERT INTO app.credentials (id, user_id, kind, name) VALUES ($ann_password, $ann, 'PASSWORD', 'Password'), ($bob_codes, $bob, 'EMAIL_CODE', 'Code by email');
UPDATE app.sessions SET credential_id = $ann_password WHERE id = $ann_session2;
INSERT INTO app.continuations (id, purpose, client_hash, user_id, data, expires_at) VALUES ('flow', 'SIGN_UP', 'client', NULL, 'data', now() + interval '1 hour');
INSERT INTO app.profiles (id, user_id, username, username_key, visibility) VALUES ($pending, $pending, 'Pending', 'pending', 'PUBLIC');
INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at) VALUES
 ($reset_code, 'RESET_PASSWORD', 'Ann@example.org', 'ann@example.org', $ann, now() + interval '1 hour'),
 ($verify_code, 'VERIFY_EMAIL', 'Ann@example.org', 'ann@example.org', $ann, now() + interval '1 hour'),
 ($change_code, 'CHANGE_EMAIL', 'ann@example.net', 'ann@example.net', $ann, now() + interval '1 hour'),
 ($p_code, 'VERIFY_EMAIL', 'p@example.org', 'p@example.org', $pending, now() + interval '1 hour');
INSERT INTO app.outbox (id, kind, recipient, code_id, expires_at) VALUES ($mail, 'reset_password', 'Ann@example.org', $reset_code, now() + interval '1 hour');
INSERT INTO app.sign_up_keys (key_hash, user_id, fingerprint) VALUES ('key', $ann, 'fingerprint');
INSERT INTO app.held_usernames (username_key, user_id, held_until) VALUES ('held', $ann, now() + interval '1 hour');
INSERT INTO app.rate_limits (bucket, hits, ends_at) VALUES ('bucket', 3, now() + interval '1 hour')`
