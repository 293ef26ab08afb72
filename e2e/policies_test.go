package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold/app"
	"freehold/auth"
	"freehold/db"
	"freehold/db/dbtest"
)

// storedPolicy is a row policy of the app's role as the catalog has it, with what is needed to try it.
type storedPolicy struct {
	table, name, command string
	using, check         sql.NullString
	owner                string // the column that holds the owner's id
	updatable            string // a nullable column that the app's role may update; "" where it may update none
}

func (p storedPolicy) String() string { return p.name }

// storedPolicies reads them. The owner's column is the one that refers to users, and in users itself the key.
func storedPolicies(t testing.TB, d dbtest.Database) (list []storedPolicy) {
	t.Helper()
	pool := open(t, d.Superuser)
	rows, err := pool.QueryContext(t.Context(), `
		SELECT tablename, policyname, cmd, qual, with_check,
		       COALESCE((SELECT a.attname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
		                  WHERE c.contype = 'f' AND c.confrelid = 'app.users'::regclass AND c.conrelid = ('app.' || tablename)::regclass), 'id'),
		       COALESCE((SELECT min(g.column_name) FROM information_schema.role_column_grants g JOIN information_schema.columns i USING (table_schema, table_name, column_name)
		                  WHERE g.table_schema = 'app' AND g.table_name = tablename AND g.grantee = 'freehold_app' AND g.privilege_type = 'UPDATE' AND i.is_nullable = 'YES'), '')
		  FROM pg_policies WHERE 'freehold_app' = ANY (roles) ORDER BY tablename, policyname`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var p storedPolicy
		if err := rows.Scan(&p.table, &p.name, &p.command, &p.using, &p.check, &p.owner, &p.updatable); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		t.Fatalf("%d policies, %v", len(list), err)
	}
	return list
}

func open(t testing.TB, url string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// prober tries the row policies directly, as viewers of all kinds, about rows of all visibilities.
type prober struct {
	db      *db.DB
	app     *sql.DB // as the app's role
	super   *sql.DB
	viewers map[string]auth.Viewer // by asker; the owner's by the visibility of what he owns
	targets map[string]rowIDs      // by visibility
	newborn auth.Viewer            // an account without any further rows
}

type rowIDs struct{ user, profile uuid.UUID }

// newProber makes the rows in a stage's database, and the mistaken grants that it tries.
func newProber(t testing.TB, s *stage, stored []storedPolicy) *prober {
	t.Helper()
	d, err := db.Open(db.Options{URL: s.maker.db.App})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	p := &prober{
		db: d, app: open(t, s.maker.db.App), super: open(t, s.maker.db.Superuser),
		viewers: map[string]auth.Viewer{byNobody: {}, byMember: viewerOf(t, s.another.token())}, targets: map[string]rowIDs{},
	}
	for _, policy := range stored {
		if policy.command == "UPDATE" {
			p.alter(t, fmt.Sprintf(`GRANT UPDATE (%s) ON app.%s TO freehold_app`, policy.owner, policy.table))
		}
	}
	for visibility, person := range s.targets {
		p.viewers[visibility] = viewerOf(t, person.token())
		p.targets[visibility] = rowIDs{person.id("User"), person.id("Profile")}
	}
	p.newborn = auth.Viewer{UserID: uuid.New(), SessionID: uuid.New()}
	err = d.AsSystem(t.Context(), func(ctx context.Context, tx *db.SystemTx) error {
		return tx.CreateAccount(ctx, db.Account{UserID: p.newborn.UserID, Email: "newborn@example.org", EmailKey: "newborn@example.org", PasswordHash: "x",
			Session: db.Session{ID: p.newborn.SessionID, RefreshHash: []byte("x"), Idle: time.Hour, Lifetime: time.Hour}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// alter changes the database as its superuser.
func (p *prober) alter(t testing.TB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := p.super.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (p *person) id(typ string) uuid.UUID {
	text, _ := p.objects[typ][listedID].(string)
	return uuid.MustParse(text)
}

// viewerOf is the viewer that a token proves.
func viewerOf(t testing.TB, token string) auth.Viewer {
	t.Helper()
	claims := decodeClaims(t, token)
	return auth.Viewer{UserID: uuid.MustParse(fmt.Sprint(claims["sub"])), SessionID: uuid.MustParse(fmt.Sprint(claims["sid"]))}
}

// who is the viewer of an asker about the target of a visibility.
func (p *prober) who(asker, visibility string) auth.Viewer {
	if asker == byOwner {
		asker = visibility
	}
	return p.viewers[asker]
}

// check tries a policy in every way that its command has, and returns what it does otherwise than it should.
func (p *prober) check(ctx context.Context, stored storedPolicy) (faults []string) {
	declared, known := db.FindPolicy(stored.name)
	if !known || declared.Table != stored.table || declared.Command != stored.command {
		return []string{stored.name + " is not one of db.Policies, or for another table or command there"}
	}
	say := func(format string, args ...any) {
		faults = append(faults, stored.name+": "+fmt.Sprintf(format, args...))
	}
	if declared.Probe != "" {
		p.checkRows(ctx, declared, say)
	}
	switch stored.command {
	case "UPDATE":
		p.checkUpdate(ctx, stored, say)
	case "INSERT":
		p.checkInsert(ctx, stored, say)
	}
	return faults
}

// checkRows: the policy lets exactly those at a row whom it is declared to.
func (p *prober) checkRows(ctx context.Context, declared db.Policy, say func(string, ...any)) {
	for _, visibility := range visibilities {
		for _, asker := range askers {
			id := p.targets[visibility].profile
			if declared.ByOwner {
				id = p.targets[visibility].user
			}
			want := asker == byOwner || declared.Admits == db.AdmitsVisible && (visibility == "PUBLIC" || visibility == "MEMBERS" && asker == byMember)
			if got, err := p.db.Probe(ctx, p.who(asker, visibility), declared, id); err != nil || got != want {
				say("%s at a %s row: admitted is %v (%v), want %v", asker, visibility, got, err, want)
			}
		}
	}
}

// checkUpdate: an update that reads nothing, so that no SELECT policy helps, touches the viewer's own row alone; and
// after a mistaken grant he still cannot give it away.
func (p *prober) checkUpdate(ctx context.Context, stored storedPolicy, say func(string, ...any)) {
	if stored.updatable == "" {
		say("the app's role may update no nullable column of %s to try it with", stored.table)
		return
	}
	blind := fmt.Sprintf(`UPDATE app.%s SET %s = NULL`, stored.table, stored.updatable)
	for viewer, want := range map[string]int64{byNobody: 0, byMember: 1, "PUBLIC": 1} {
		if n, err := p.attempt(ctx, p.viewers[viewer], blind); err != nil || n != want {
			say("an update of all rows by %s touched %d (%v), want %d", viewer, n, err, want)
		}
	}
	owned := p.viewers["PUBLIC"]
	give := fmt.Sprintf(`UPDATE app.%s SET %s = $1`, stored.table, stored.owner)
	if n, err := p.attempt(ctx, owned, give, owned.UserID); err != nil || n != 1 {
		say("giving a row to oneself touched %d (%v), want 1", n, err)
	}
	if n, err := p.attempt(ctx, owned, give, p.newborn.UserID); !isPolicyError(err) {
		say("giving a row away touched %d (%v), want the policy's error", n, err)
	}
}

// checkInsert: a row can be made in one's own name, and in nobody else's.
func (p *prober) checkInsert(ctx context.Context, stored storedPolicy, say func(string, ...any)) {
	row, err := p.newRow(ctx, stored)
	if err != nil {
		say("%v", err)
		return
	}
	insert := fmt.Sprintf(`INSERT INTO app.%[1]s SELECT * FROM jsonb_populate_record(NULL::app.%[1]s, $1)`, stored.table)
	if n, err := p.attempt(ctx, p.newborn, insert, row); err != nil || n != 1 {
		say("inserting in one's own name made %d rows (%v), want 1", n, err)
	}
	for _, viewer := range []string{byNobody, byMember} {
		if n, err := p.attempt(ctx, p.viewers[viewer], insert, row); !isPolicyError(err) {
			say("inserting in another's name by %s made %d rows (%v), want the policy's error", viewer, n, err)
		}
	}
}

// newRow is a row of a table that the newborn could have: a copy of somebody's, with other values in unique columns.
func (p *prober) newRow(ctx context.Context, stored storedPolicy) (string, error) {
	var text string
	err := p.super.QueryRowContext(ctx, fmt.Sprintf(`SELECT to_jsonb(x) FROM app.%s x WHERE %s = $1`, stored.table, stored.owner), p.targets["PUBLIC"].user).Scan(&text)
	if err != nil {
		return "", fmt.Errorf("find a row of %s to copy: %w", stored.table, err)
	}
	row := map[string]any{}
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		return "", err
	}
	var unique pq.StringArray
	err = p.super.QueryRowContext(ctx, `
		SELECT array_agg(DISTINCT a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
		 WHERE i.indisunique AND i.indrelid = ('app.' || $1)::regclass`, stored.table).Scan(&unique)
	if err != nil {
		return "", fmt.Errorf("find the unique columns of %s: %w", stored.table, err)
	}
	for _, column := range unique {
		row[column] = uuid.NewString()
	}
	row[stored.owner] = p.newborn.UserID
	copied, err := json.Marshal(row)
	return string(copied), err
}

// attempt runs a statement in a transaction of the viewer's that is undone.
func (p *prober) attempt(ctx context.Context, viewer auth.Viewer, statement string, args ...any) (rows int64, err error) {
	tx, err := p.app.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if viewer.IsMember() {
		if _, err := tx.ExecContext(ctx, `SELECT app.enter($1, 60000)`, viewer.SessionID); err != nil {
			return 0, err
		}
	}
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// isPolicyError tells a policy's refusal of a new row from a missing grant, which has the same code.
func isPolicyError(err error) bool {
	return err != nil && strings.Contains(err.Error(), "row-level security policy")
}

// Each row policy in the catalog is declared, and does what it is declared to do; the access matrix names no other.
func TestPoliciesDoWhatIsDeclared(t *testing.T) {
	t.Parallel()
	s := newStage(t, ownSpecification(t))
	stored := storedPolicies(t, s.maker.db)
	p := newProber(t, s, stored)
	for _, policy := range stored {
		expectNone(t, p.check(t.Context(), policy))
	}
	for _, declared := range db.Policies {
		if !slices.ContainsFunc(stored, func(p storedPolicy) bool { return p.name == declared.Name() }) {
			t.Errorf("db.Policies has %s, which is not in the catalog", declared.Name())
		}
	}
	functions := s.maker.db.Query(t, `SELECT oid::regproc FROM pg_proc WHERE prosecdef`)
	for _, f := range app.Access().Fields {
		for _, name := range f.Policies {
			if !slices.Contains(functions, name) && !slices.ContainsFunc(stored, func(p storedPolicy) bool { return p.name == name }) {
				t.Errorf("the access matrix says that %s is held by %s, which is neither a row policy nor a definer function", f, name)
			}
		}
	}
}
