package db_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

// bookmark is an adopter's type with a visibility, of which an owner has many. Single bookmarks and whole folders are shared.
type bookmark struct {
	ID         uuid.UUID `db:"id"`
	UserID     uuid.UUID `db:"user_id"`
	Visibility string    `db:"visibility"`
	CreatedAt  time.Time `db:"created_at"`
}

var (
	bookmarkList = db.NewList[bookmark](db.Listing{Table: `app.bookmarks`, Columns: `id, user_id, visibility, created_at`, Shared: sharedWithViewer})
	folderList   = db.NewList[bookmark](db.Listing{Table: `app.bookmarks`, Columns: `id, user_id, visibility, created_at`, Shared: sharedWithViewer, Parent: `folder_id`})
	draftList    = db.NewList[bookmark](db.Listing{Table: `app.drafts`, Columns: `id, user_id, created_at`, Parent: `folder_id`, OwnerOnly: true})
	letterList   = db.NewList[bookmark](db.Listing{Table: `app.letters`, Columns: `id, user_id, created_at`, OwnerOnly: true, Shared: sharedWithViewer})
	remarkList   = db.NewList[bookmark](db.Listing{Table: `app.remarks`, Columns: `id, created_at`, Parent: `folder_id`, Related: `app.item_relation($6) IS NOT NULL`})
)

const sharedWithViewer = `SELECT item_id FROM app.readers WHERE user_id = app.viewer_id()`

var bookmarks = db.MigrationSet{Name: "bookmarks", Files: fstest.MapFS{"0001_bookmarks.sql": {Data: []byte(`
-- +goose Up
CREATE TABLE app.bookmarks (
  id         uuid        PRIMARY KEY,
  user_id    uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  folder_id  uuid        NOT NULL,
  visibility text        NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC')),
  created_at timestamptz NOT NULL
);
CREATE INDEX bookmarks_newest ON app.bookmarks (visibility, created_at, id);
CREATE INDEX bookmarks_in ON app.bookmarks (folder_id, visibility, created_at, id);
CREATE INDEX bookmarks_of ON app.bookmarks (user_id, visibility, created_at, id);
SELECT app.protect('bookmarks', sees => 'visibility', relation => 'app.item_relation(id)', relations => '{READER}');
CREATE TABLE app.drafts (
  id         uuid        PRIMARY KEY,
  user_id    uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  folder_id  uuid        NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX drafts_user_id ON app.drafts (user_id);
CREATE INDEX drafts_in ON app.drafts (folder_id, created_at, id);
SELECT app.protect('drafts');
CREATE TABLE app.letters (
  id         uuid        PRIMARY KEY,
  user_id    uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  created_at timestamptz NOT NULL
);
CREATE INDEX letters_user_id ON app.letters (user_id, created_at, id);
SELECT app.protect('letters', sees => 'relation', relation => 'app.item_relation(id)', relations => '{READER}');
CREATE TABLE app.folders (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE);
CREATE INDEX folders_user_id ON app.folders (user_id);
SELECT app.protect('folders');
CREATE TABLE app.remarks (id uuid PRIMARY KEY, folder_id uuid NOT NULL REFERENCES app.folders ON DELETE CASCADE, created_at timestamptz NOT NULL);
CREATE INDEX remarks_in ON app.remarks (folder_id, created_at, id);
SELECT app.protect('remarks', owner => NULL, sees => 'relation', relation => 'app.item_relation(folder_id)', relations => '{READER}');
CREATE TABLE app.readers (user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE, item_id uuid NOT NULL, PRIMARY KEY (user_id, item_id));
SELECT app.protect('readers');
GRANT SELECT ON app.readers, app.folders TO freehold_definer;
`)}, "functions/item_relation.sql": {Data: []byte(`-- Executed by: freehold_app
-- Created: before the tables
CREATE OR REPLACE FUNCTION app.item_relation(p_id uuid) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN CASE WHEN EXISTS (SELECT FROM app.folders WHERE id = p_id AND user_id = app.viewer_id()) THEN 'OWNER'
              WHEN EXISTS (SELECT FROM app.readers WHERE item_id = p_id AND user_id = app.viewer_id()) THEN 'READER' END;
END
$$`)}}}

type runner = func(ctx context.Context, dest any, query string, args ...any) error

// listed is a list as the tests see it.
type listed struct {
	table  string
	method string // of DB; "" for those of adopters
	owner  *uuid.UUID
	parent []any // the id of a folder, for FindPageIn
	// page calls the method, and by finds the same page with statements that the test runs. It returns the places of the rows.
	page func(ctx context.Context, d *db.DB, viewer auth.Viewer, r db.Range) error
	by   func(ctx context.Context, run runner, viewer auth.Viewer, r db.Range) (*db.Page[db.Place], error)
}

func list[T any](table, method string, owner *uuid.UUID, l *db.List[T], place func(*T) db.Place, parent ...any) listed {
	c := listed{table: table, method: method, owner: owner, parent: parent}
	c.page = func(ctx context.Context, d *db.DB, viewer auth.Viewer, r db.Range) error {
		if method == "" {
			if owner == nil {
				_, err := l.FindPage(ctx, d, viewer, r)
				return err
			}
			if len(parent) > 0 {
				_, err := l.FindPageIn(ctx, d, viewer, *owner, parent[0].(uuid.UUID), r)
				return err
			}
			_, err := l.FindPageOf(ctx, d, viewer, *owner, r)
			return err
		}
		in := []reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(viewer)}
		if owner != nil {
			in = append(in, reflect.ValueOf(*owner))
		}
		err, _ := reflect.ValueOf(d).MethodByName(method).Call(append(in, reflect.ValueOf(r)))[1].Interface().(error)
		return err
	}
	c.by = func(ctx context.Context, run runner, viewer auth.Viewer, r db.Range) (*db.Page[db.Place], error) {
		p, err := l.FindBy(ctx, run, viewer, owner, r, parent...)
		if err != nil {
			return nil, err
		}
		places := &db.Page[db.Place]{MoreBefore: p.MoreBefore, MoreAfter: p.MoreAfter}
		for i := range p.Rows {
			places.Rows = append(places.Rows, place(&p.Rows[i]))
		}
		return places, nil
	}
	return c
}

// lists returns all lists: those of package db and those of an adopter's table. Some are the lists of owner.
func lists(owner uuid.UUID) []listed {
	folder := folderOf(owner)
	mark := func(b *bookmark) db.Place { return db.Place{CreatedAt: b.CreatedAt, ID: b.ID} }
	return []listed{
		list("profiles", "FindProfilePage", nil, db.ProfileList, func(p *db.Profile) db.Place { return db.Place{CreatedAt: p.CreatedAt, ID: p.ID} }),
		list("sessions", "FindSessionPage", &owner, db.SessionList, func(s *db.LiveSession) db.Place { return db.Place{CreatedAt: s.CreatedAt, ID: s.ID} }),
		list("security_events", "FindEventPage", &owner, db.EventList, func(e *db.SecurityEvent) db.Place { return db.Place{CreatedAt: e.CreatedAt, ID: e.ID} }),
		list("bookmarks", "", nil, bookmarkList, mark),
		list("bookmarks", "", &owner, bookmarkList, mark),
		list("bookmarks", "", &owner, folderList, mark, folder),
		list("drafts", "", &owner, draftList, mark, folder),
		list("letters", "", nil, letterList, mark),
		list("letters", "", &owner, letterList, mark),
		list("remarks", "", &owner, remarkList, mark, folder),
	}
}

// folderOf returns the id of a folder of a user, who has half of their bookmarks in it.
func folderOf(owner uuid.UUID) uuid.UUID { return uuid.NewSHA1(owner, []byte("folder")) }

func TestEveryListIsTested(t *testing.T) {
	t.Parallel()
	var tested, found []string
	for _, c := range lists(uuid.Nil) {
		if c.method != "" {
			tested = append(tested, c.method)
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[*db.DB](), reflect.TypeFor[*db.Tx]()} {
		for m := range typ.Methods() {
			if m.Type.NumOut() > 0 && strings.HasPrefix(m.Type.Out(0).String(), "*db.Page[") {
				found = append(found, m.Name)
			}
		}
	}
	diff(t, "methods that return a page, and those in lists", found, tested)
}

// hide fills each table with 100,000 rows that the viewers do not see. In the middle are 1,000 rows that everyone or every member
// sees, or 40 to 61 rows of one owner. The number of the latter identifies the owner. 20 rows and the folder are shared with a member.
const hide = `
	SET session_replication_role = replica; -- without foreign keys
	CREATE FUNCTION pg_temp.nth(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT lpad(n::text, 32, '0')::uuid $$;
	CREATE TEMP TABLE numbers AS
	SELECT n, pg_temp.nth(n) AS id, timestamptz '2026-01-01' + make_interval(secs => n) AS at,
	       CASE WHEN n BETWEEN 49000 AND 50060 THEN 'PUBLIC' WHEN n BETWEEN 50300 AND 51300 THEN 'MEMBERS' ELSE 'PRIVATE' END AS visibility
	  FROM generate_series(1, 100200) n;
	INSERT INTO app.profiles (id, user_id, username, username_key, visibility, created_at)
	SELECT id, id, id, id, visibility, at FROM numbers;
	INSERT INTO app.sessions (id, user_id, refresh_hash, created_at, idle_expires_at, expires_at, revoked_at)
	SELECT id, pg_temp.nth(50080), ''::bytea, at, now() + make_interval(hours => CASE WHEN n % 2 = 0 AND NOT live THEN -1 ELSE 1 END), now() + interval '2 hours',
	       CASE WHEN n % 2 = 1 AND NOT live THEN now() END
	  FROM (SELECT n, id, at, n BETWEEN 50001 AND 50040 AS live FROM numbers) s
	 UNION ALL
	SELECT gen_random_uuid(), gen_random_uuid(), '', now(), now() + interval '1 hour', now() + interval '1 hour', NULL FROM generate_series(1, 5000);
	INSERT INTO app.security_events (id, user_id, kind, created_at)
	SELECT id, CASE WHEN n BETWEEN 50001 AND 50060 THEN pg_temp.nth(50080) ELSE id END, 'SIGNED_IN', at FROM numbers;
	INSERT INTO app.bookmarks (id, user_id, folder_id, visibility, created_at)
	SELECT id, pg_temp.nth(CASE WHEN n BETWEEN 50200 AND 50260 THEN 50090 ELSE 50080 END),
	       CASE WHEN n BETWEEN 50200 AND 50260 THEN pg_temp.nth(2) WHEN n % 2 = 0 THEN '{folder}' ELSE pg_temp.nth(1) END, visibility, at FROM numbers;
	INSERT INTO app.drafts (id, user_id, folder_id, created_at)
	SELECT id, pg_temp.nth(50080), CASE WHEN n BETWEEN 50001 AND 50060 THEN '{folder}' ELSE pg_temp.nth(1) END, at FROM numbers;
	INSERT INTO app.letters (id, user_id, created_at) SELECT id, CASE WHEN n BETWEEN 50001 AND 50060 THEN pg_temp.nth(50080) ELSE pg_temp.nth(1) END, at FROM numbers;
	INSERT INTO app.remarks (id, folder_id, created_at) SELECT id, '{folder}', at FROM numbers WHERE n BETWEEN 49000 AND 51000;
	INSERT INTO app.folders (id, user_id) VALUES ('{folder}', pg_temp.nth(50080));
	INSERT INTO app.readers (user_id, item_id)
	SELECT pg_temp.nth(50090), id FROM numbers WHERE n BETWEEN 50001 AND 50010 OR n BETWEEN 50101 AND 50110
	 UNION ALL VALUES (pg_temp.nth(50090), '{folder}'::uuid)
	 UNION ALL SELECT pg_temp.nth(3), id FROM numbers;
	DROP TABLE numbers;
	DROP FUNCTION pg_temp.nth(integer);
	RESET session_replication_role;
	ANALYZE app.profiles, app.sessions, app.security_events, app.bookmarks, app.drafts, app.letters, app.remarks, app.readers`

// D13: no page of a list reads more rows because of rows that its viewer does not see, or that are on other pages, wherever it
// begins and ends, and whether or not PostgreSQL plans it for the values that it gets.
func TestListsReadNoHiddenRows(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t, bookmarks)
	server.Query(t, strings.ReplaceAll(hide, "{folder}", folderOf(user(50080)).String()))
	pool := openApp(t, server)
	var ran []string
	d := open(t, db.Options{URL: server.App, MaxConnections: 1, Observer: db.Observer{Query: func(query string) { ran = append(ran, query) }}})
	ann, bob := user(50080), user(50090)
	middle := time.Date(2026, 1, 1, 0, 0, 50020, 0, time.UTC)
	newer, older := &db.Place{CreatedAt: middle.Add(10 * time.Second), ID: uuid.New()}, &db.Place{CreatedAt: middle, ID: uuid.New()}
	newest, oldest := &db.Place{CreatedAt: middle.AddDate(0, 1, 0)}, &db.Place{CreatedAt: middle.AddDate(0, -1, 0)}
	for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
		for who, viewer := range map[string]auth.Viewer{"nobody": {}, "the owner": {UserID: ann}, "a member": {UserID: bob}} {
			tx := enter(t, pool, viewer)
			tx.MustExec(`SET plan_cache_mode = ` + mode)
			for _, c := range lists(ann) {
				found := 0
				for _, fromEnd := range []bool{false, true} {
					for _, r := range []db.Range{
						{}, {After: newer}, {Before: older}, {After: newer, Before: older}, {After: newest, Before: oldest}, {After: oldest}, {Before: newest},
					} {
						r.Size, r.FromEnd = 20, fromEnd
						page, err := c.by(t.Context(), reader(t, tx, fmt.Sprint(c.table, " for ", who, ", ", mode)), viewer, r)
						if err != nil {
							t.Fatal(err)
						}
						found += len(page.Rows)
					}
				}
				shared := who == "a member" && (c.table == "letters" || c.table == "remarks")
				if sees := who == "the owner" || c.table == "profiles" || c.table == "bookmarks"; (found > 0) != (sees || shared) {
					t.Errorf("%s: %s found %d rows", c.table, who, found)
				}
			}
		}
	}
	// The methods run these statements.
	for _, viewer := range []auth.Viewer{{}, member(t, d, "ann", "PRIVATE")} {
		tx := enter(t, pool, viewer)
		for _, c := range lists(viewer.UserID) {
			r, want := db.Range{Size: 20, After: older, Before: newer}, []string(nil)
			if _, err := c.by(t.Context(), func(ctx context.Context, dest any, query string, args ...any) error {
				want = append(want, query)
				return tx.SelectContext(ctx, dest, query, args...)
			}, viewer, r); err != nil {
				t.Fatal(err)
			}
			ran = nil
			if err := c.page(t.Context(), d, viewer, r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, entered(ran)); diff != "" {
				t.Errorf("%s: %s runs other statements (-want +got):\n%s", c.table, c.method, diff)
			}
		}
	}
}

func user(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("%032d", n)) }

// openApp opens a pool as the app role.
func openApp(t *testing.T, server dbtest.Database) *sqlx.DB {
	t.Helper()
	pool, err := sqlx.Open("postgres", server.App)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// enter begins a transaction with a viewer without a session. It is rolled back when the test ends, or earlier.
func enter(t *testing.T, pool *sqlx.DB, viewer auth.Viewer) *sqlx.Tx {
	t.Helper()
	tx, err := pool.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if viewer.IsMember() {
		if _, err := tx.ExecContext(t.Context(), `SELECT set_config('app.viewer_id', $1, true)`, viewer.UserID.String()); err != nil {
			t.Fatal(err)
		}
	}
	return tx
}

// mostRead is the maximum number of rows that a statement may read. A viewer sees at most 61 rows of one owner. PostgreSQL may read all
// of them from the index and from the table, and sort them.
const mostRead = 3 * 2 * 61

// reader runs the statements of a page, and fails the test if one reads too many rows.
func reader(t *testing.T, tx *sqlx.Tx, what string) runner {
	return func(ctx context.Context, dest any, query string, args ...any) error {
		literals := make([]string, len(args))
		for i, arg := range args {
			if at, ok := arg.(time.Time); ok {
				arg = at.Format(time.RFC3339Nano)
			}
			literals[i] = fmt.Sprintf("'%v'", arg)
		}
		if _, err := tx.ExecContext(ctx, `PREPARE page AS `+query); err != nil {
			return err
		}
		var text string
		if err := tx.GetContext(ctx, &text, `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page (`+strings.Join(literals, ", ")+`)`); err != nil {
			return err
		}
		var plans []struct{ Plan plan }
		if err := json.Unmarshal([]byte(text), &plans); err != nil {
			return err
		}
		if n := plans[0].Plan.read(); n > mostRead {
			t.Fatalf("%s: a statement reads %v rows, want at most %d: %v\n%s\n%s", what, n, mostRead, args, query, text)
		}
		if _, err := tx.ExecContext(ctx, `DEALLOCATE page`); err != nil {
			return err
		}
		return tx.SelectContext(ctx, dest, query, args...)
	}
}

type plan struct {
	Node     string  `json:"Node Type"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Filtered float64 `json:"Rows Removed by Filter"`
	Recheck  float64 `json:"Rows Removed by Index Recheck"`
	Plans    []plan
}

// read returns how many rows the scans of tables and indexes have read.
func (p plan) read() (n float64) {
	if slices.Contains([]string{"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Bitmap Index Scan"}, p.Node) {
		n = (p.Rows + p.Filtered + p.Recheck) * p.Loops
	}
	for _, child := range p.Plans {
		n += child.read()
	}
	return n
}

// entered returns the statements of a read without those that set the viewer.
func entered(ran []string) (statements []string) {
	for i, query := range ran {
		if i%2 == 1 {
			statements = append(statements, query)
		}
	}
	return statements
}
