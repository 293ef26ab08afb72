package db_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"

	"freehold/db/dbtest"
)

// call is a call of a definer function by the app's role, and what it gives to whom: the result, and the tables that it
// writes. Without an outcome of its own, another member gets what nobody gets, the owner what another member gets, and a
// caller that sets app.viewer_id to the owner, without a session, what the owner gets.
type call struct {
	sql                          string
	nobody, other, owner, forged string
}

// D14, D08: each definer function, called as the app's role without a viewer, as another member, as the owner, and by a
// caller that sets the viewer itself, does what calls says and nothing more.
func TestDefinerFunctionsGiveWhatIsListed(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	pool, err := sql.Open("postgres", d.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, statement := range strings.Split(fixture, ";\n") {
		if _, err := pool.ExecContext(t.Context(), names.Replace(statement)); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	called := map[string]bool{}
	function := regexp.MustCompile(`app\.\w+`)
	for _, c := range slices.Concat(callsWithoutViewer, callsOfCodes, callsOfMail, callsOfOwners, callsRefused) {
		called[function.FindString(c.sql)] = true
		other := cmp.Or(c.other, c.nobody)
		owner := cmp.Or(c.owner, other)
		for _, as := range []struct{ who, enter, want string }{
			{"nobody", `SELECT`, c.nobody},
			{"another member", `SELECT app.enter($bob_session, 10000)`, other},
			{"the owner", `SELECT app.enter($ann_session, 10000)`, owner},
			{"who sets the viewer", `SELECT set_config('app.viewer_id', $ann::text, true)`, cmp.Or(c.forged, owner)},
		} {
			if got := outcome(t, pool, names.Replace(as.enter), names.Replace(c.sql)); got != as.want {
				t.Errorf("%s, as %s:\n got %s\nwant %s", c.sql, as.who, got, as.want)
			}
		}
	}
	var listed []string
	for name := range called {
		listed = append(listed, name)
	}
	diff(t, "definer functions that are called here", listed, d.Query(t, `SELECT oid::regproc FROM pg_proc WHERE prosecdef AND pronamespace = 'app'::regnamespace`))
}

// outcome calls as the app's role, in a transaction that is undone.
func outcome(t *testing.T, pool *sql.DB, enter, query string) string {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	before := snapshot(t, tx)
	for _, statement := range []string{`SET LOCAL ROLE freehold_app`, enter} {
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	got, err := values(t.Context(), tx, query)
	if e := pq.As(err); e != nil {
		return strings.Join([]string{string(e.Code), e.Message}, " ")
	} else if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if _, err := tx.ExecContext(t.Context(), `RESET ROLE`); err != nil {
		t.Fatal(err)
	}
	var written []string
	for table, rows := range snapshot(t, tx) {
		if rows != before[table] {
			written = append(written, table)
		}
	}
	if len(written) > 0 {
		slices.Sort(written)
		got += ", writes " + strings.Join(written, " ")
	}
	return got
}

// snapshot is a digest of each table's rows.
func snapshot(t *testing.T, tx *sql.Tx) map[string]string {
	t.Helper()
	rows, err := tx.QueryContext(t.Context(), `
		SELECT relname, md5(query_to_xml('SELECT x::text FROM app.' || relname || ' x ORDER BY 1', true, false, '')::text)
		  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'app'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string]string{}
	for rows.Next() {
		var table, digest string
		if err := rows.Scan(&table, &digest); err != nil {
			t.Fatal(err)
		}
		tables[table] = digest
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

// names stand for values in what follows.
var names = strings.NewReplacer(
	"$ann_session2", id(0xa2), "$ann_session", id(0xa1), "$bob_session", id(0xb1), "$ann", id(0xa0), "$bob", id(0xb0), "$pending", id(0xe0), "$new", id(0xf0),
	"$reset_code", id(0xc1), "$verify_code", id(0xc2), "$change_code", id(0xc3), "$p_code", id(0xc4), "$mail", id(0xd0),
	"$hash", `'$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$a2V5'`, "$guess", `'$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$Z3Vlc3M'`,
)

func id(n int) string { return fmt.Sprintf(`'00000000-0000-4000-8000-%012x'::uuid`, n) }

// fixture is ann, the owner, who has all that an account can have, and bob.
const fixture = `
INSERT INTO app.users (id) VALUES ($ann), ($bob);
INSERT INTO app.user_private (user_id, email, email_key) VALUES ($ann, 'Ann@example.org', 'ann@example.org'), ($bob, 'bob@example.org', 'bob@example.org');
UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $bob;
INSERT INTO app.credentials (user_id, password_hash) VALUES ($ann, $hash), ($bob, '');
INSERT INTO app.profiles (id, user_id, username, username_key, display_name, visibility) VALUES ($ann, $ann, 'Ann', 'ann', 'Ann A.', 'PRIVATE'), ($bob, $bob, 'bob', 'bob', NULL, 'PRIVATE');
INSERT INTO app.profile_private (user_id) VALUES ($ann), ($bob);
INSERT INTO app.sessions (id, user_id, refresh_hash, idle_expires_at, expires_at, ip) VALUES
 ($ann_session, $ann, 'token', now() + interval '1 hour', now() + interval '1 hour', '10.0.0.1'),
 ($ann_session2, $ann, 'token2', now() + interval '1 hour', now() + interval '1 hour', NULL),
 ($bob_session, $bob, 'token3', now() + interval '1 hour', now() + interval '1 hour', NULL);
INSERT INTO app.security_events (user_id, kind) VALUES ($ann, 'SIGNED_UP');
INSERT INTO app.users (id) VALUES ($pending);
INSERT INTO app.user_private (user_id, email, email_key, pending_until) VALUES ($pending, 'p@example.org', 'p@example.org', now() + interval '1 hour');
INSERT INTO app.credentials (user_id, password_hash) VALUES ($pending, $hash);
INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at) VALUES
 ($reset_code, 'RESET_PASSWORD', 'Ann@example.org', 'ann@example.org', $ann, now() + interval '1 hour'),
 ($verify_code, 'VERIFY_EMAIL', 'Ann@example.org', 'ann@example.org', $ann, now() + interval '1 hour'),
 ($change_code, 'CHANGE_EMAIL', 'ann@example.net', 'ann@example.net', $ann, now() + interval '1 hour'),
 ($p_code, 'VERIFY_EMAIL', 'p@example.org', 'p@example.org', $pending, now() + interval '1 hour');
INSERT INTO app.outbox (id, kind, recipient, code_id, expires_at) VALUES ($mail, 'reset_password', 'Ann@example.org', $reset_code, now() + interval '1 hour');
INSERT INTO app.sign_up_keys (key_hash, user_id, fingerprint) VALUES ('key', $ann, 'fingerprint');
INSERT INTO app.held_usernames (username_key, user_id, held_until) VALUES ('held', $ann, now() + interval '1 hour');
INSERT INTO app.rate_limits (bucket, hits, ends_at) VALUES ('bucket', 3, now() + interval '1 hour')`
