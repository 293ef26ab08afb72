package db_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
)

// Each statement of a read is prepared once, whatever its first word.
func TestQueriesArePreparedOnce(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	var observed []string
	d := open(t, db.Options{URL: server.App, MaxConnections: 1, Observer: db.Observer{Query: func(query string) { observed = append(observed, query) }}})
	ann := member(t, d, "ann", "PUBLIC")
	observed = nil
	for range 3 {
		if _, err := d.FindProfileOfUser(t.Context(), ann, ann.UserID); err != nil {
			t.Fatal(err)
		}
		if _, err := d.FindProfilePage(t.Context(), ann, db.Range{Size: 5}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.FindEventPage(t.Context(), ann, ann.UserID, db.Range{Size: 5}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(observed); n != 18 {
		t.Errorf("nine reads ran %d statements, want two for each", n)
	}
	var prepared []string
	err := d.Read(t.Context(), ann, func(ctx context.Context, tx *db.Tx) error {
		return tx.Select(ctx, &prepared, `SELECT statement FROM pg_prepared_statements`)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range observed {
		n := 0
		for _, statement := range prepared {
			if strings.Contains(statement, " AS "+query) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d prepared statements for one query: %s", n, query)
		}
	}
}

// The query by username uses its index under row-level security. TestListsReadNoHiddenRows checks the indexes of lists.
func TestUsernamesUseTheirIndexUnderRowSecurity(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	server.Query(t, `INSERT INTO app.users (id) SELECT gen_random_uuid() FROM generate_series(1, 5000)`)
	server.Query(t, `INSERT INTO app.profiles (id, user_id, username, username_key, visibility) SELECT gen_random_uuid(), id, id, id, 'PUBLIC' FROM app.users`)
	server.Query(t, `ANALYZE app.users, app.profiles`)
	var ran []string
	d := open(t, db.Options{URL: server.App, Observer: db.Observer{Query: func(query string) { ran = append(ran, query) }}})
	if _, err := d.FindProfileByUsernameKey(t.Context(), auth.Viewer{}, "x"); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	query := ran[len(ran)-1]
	if plan := explain(t, server.App, query, `'x'`); !strings.Contains(plan, "profiles_username_key") {
		t.Errorf("%s\ndoes not use its index:\n%s", query, plan)
	}
}

func explain(t *testing.T, url, query, arguments string) string {
	t.Helper()
	pool, err := sqlx.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	if _, err := pool.ExecContext(t.Context(), `PREPARE q AS `+query); err != nil {
		t.Fatal(err)
	}
	var plan []string
	if err := pool.SelectContext(t.Context(), &plan, `EXPLAIN EXECUTE q (`+arguments+`)`); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}
