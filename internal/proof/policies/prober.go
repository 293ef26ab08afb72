// Package policies owns the trial of row policies: it runs statements as the app's role for viewers of all kinds, and compares what
// each policy admits with its declaration. It must not know GraphQL, or any particular table.
package policies

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/stage"
	"freehold.dev/freehold/owned"
)

// Prober tries the row policies directly, as viewers of all kinds, with rows of all visibilities. It knows the tables only
// from the registry and the catalog.
type Prober struct {
	db      *db.DB
	super   *sql.DB
	tables  map[string]db.Table    // from the registry, by name
	guards  map[string][]guarded   // by policy
	people  map[string]auth.Viewer // cases.ByNobody, cases.ByMember, and by the visibility of their rows
	newborn auth.Viewer            // an account without further rows
}

// guarded is a policy behind fields or mutations of a type.
type guarded struct {
	owned.Guard

	typ *owned.Type
}

// New returns a prober for the types of a registry and the people of a stage. It adds the mistaken grants that it
// tries.
func New(t testing.TB, s *stage.Stage, r *owned.Registry) *Prober {
	t.Helper()
	d, err := db.Open(db.Options{URL: s.Maker.DB.App, Subgraph: s.Program.IsSubgraph()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	p := &Prober{
		db: d, super: open(t, s.Maker.DB.Superuser), tables: map[string]db.Table{}, guards: map[string][]guarded{},
		people: map[string]auth.Viewer{cases.ByNobody: {}, cases.ByMember: stage.ViewerOf(t, s.Another.Token())},
	}
	for visibility, person := range s.Targets {
		p.people[visibility] = stage.ViewerOf(t, person.Token())
	}
	for _, policy := range r.Guards() {
		p.tables[policy.Table.Name] = policy.Table
		if policy.Command == "UPDATE" {
			p.Alter(t, fmt.Sprintf(`GRANT UPDATE (%q) ON app.%q TO freehold_app`, p.ownerOf(policy.Table.Name), policy.Table.Name))
		}
	}
	for _, typ := range r.Types() {
		if typ.Remote {
			continue // its rows are elsewhere
		}
		guards := []owned.Guard{typ.Guard()}
		for field := range typ.Fields {
			guards = append(guards, typ.FieldGuard(field))
		}
		guards = slices.Concat(guards, typ.MutationGuards("update"+typ.Name), typ.MutationGuards("delete"+typ.Name))
		for _, g := range guards {
			p.guards[g.Name()] = append(p.guards[g.Name()], guarded{g, typ})
		}
	}
	p.newborn = auth.Viewer{UserID: uuid.New(), SessionID: uuid.New(), Until: time.Now().Add(time.Hour).Unix()}
	if !d.HasAccounts() {
		p.Alter(t, fmt.Sprintf(`INSERT INTO app.users (id) VALUES ('%s')`, p.newborn.UserID))
		return p
	}
	err = d.AsSystem(t.Context(), func(ctx context.Context, tx *db.SystemTx) error {
		return tx.CreateAccount(ctx, db.Account{UserID: p.newborn.UserID, Email: "newborn@example.org", EmailKey: "newborn@example.org", PasswordHash: "x",
			Session: db.SessionParams{ID: p.newborn.SessionID, RefreshHash: []byte("x"), Idle: time.Hour, Lifetime: time.Hour}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Alter changes the database as its superuser.
func (p *Prober) Alter(t testing.TB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := p.super.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// ownerOf returns the column with the id of the user who owns a row.
func (p *Prober) ownerOf(table string) string {
	if column := p.tables[table].Owner; column != "" {
		return column
	}
	return "user_id"
}

// Check tries a policy in every way that its command has, and returns how it differs from the declaration.
func (p *Prober) Check(ctx context.Context, stored Stored) (faults []findings.Finding) {
	table, known := p.tables[stored.Table]
	declared, hasCommand := table.Policy(stored.Command)
	if !known || !hasCommand || declared.Name() != stored.Name {
		return []findings.Finding{{What: "no owned type declares the row policy " + stored.Name}}
	}
	say := func(format string, args ...any) {
		faults = append(faults, findings.Finding{What: stored.Name + ": " + fmt.Sprintf(format, args...)})
	}
	for _, g := range p.guards[stored.Name] {
		if err := p.checkRows(ctx, g, say); err != nil {
			say("%v", err)
		}
	}
	var err error
	switch stored.Command {
	case "UPDATE":
		err = p.checkUpdate(ctx, table, say)
	case "DELETE":
		err = p.checkTouched(ctx, table, fmt.Sprintf(`DELETE FROM app.%q`, table.Name), say)
	case "INSERT":
		err = p.checkInsert(ctx, table, say)
	}
	if err != nil {
		say("%v", err)
	}
	return faults
}

// checkRows checks that the policy behind a type admits exactly the declared viewers to a row.
func (p *Prober) checkRows(ctx context.Context, g guarded, say func(string, ...any)) error {
	tried := 0
	for _, visibility := range cases.Visibilities {
		owner := p.people[visibility].UserID
		var rows []owned.By
		err := scanAll(ctx, p.super, func(found *sql.Rows) error {
			row := owned.By{Owner: owner}
			defer func() { rows = append(rows, row) }()
			return found.Scan(&row.ID)
		}, fmt.Sprintf(`SELECT %q FROM app.%q WHERE %q = $1`, keyOf(g.typ.Table), g.typ.Table.Name, p.ownerOf(g.typ.Table.Name)), owner)
		if err != nil {
			return fmt.Errorf("find rows of %s: %w", g.typ.Name, err)
		}
		for _, row := range rows {
			n, err := p.checkRow(ctx, g, &row, visibility, say)
			if err != nil {
				return err
			}
			tried += n
		}
	}
	if tried == 0 {
		return fmt.Errorf("no %s of any person has a row in %s to try it with", g.typ.Name, g.Table.Name)
	}
	return nil
}

func keyOf(t db.Table) string {
	if t.Key != "" {
		return t.Key
	}
	return "id"
}

// checkRow tries what the policy guards of one row of the type, if there is any.
func (p *Prober) checkRow(ctx context.Context, g guarded, row owned.Row, visibility string, say func(string, ...any)) (tried int, err error) {
	ref := g.Ref(row)
	var own []string // visibilities
	err = scanAll(ctx, p.super, func(found *sql.Rows) error {
		defer func() { own = append(own, visibility) }()
		return found.Scan(&visibility)
	}, fmt.Sprintf(`SELECT COALESCE(to_jsonb(x) ->> 'visibility', $2) FROM app.%q x WHERE %q = $1`, g.Table.Name, ref.Column), ref.ID, visibility)
	if err != nil {
		return 0, fmt.Errorf("find the rows of %s by %s: %w", g.Table.Name, ref.Column, err)
	}
	for _, asker := range cases.Askers {
		viewer, mine := p.people[asker], asker == cases.ByOwner
		if mine {
			viewer = p.owner(row)
		}
		want := len(own) > 0 && mine
		for _, visibility := range own {
			want = want || g.Admits() == db.AdmitsVisible && (visibility == "PUBLIC" || visibility == "MEMBERS" && asker == cases.ByMember)
		}
		if got, err := p.db.Probe(ctx, viewer, g.Policy, ref); err != nil || got != want {
			say("%s at a %v row of a %s: admitted is %v (%v), want %v", asker, own, g.typ.Name, got, err, want)
		}
	}
	return len(own), nil
}

func (p *Prober) owner(row owned.Row) auth.Viewer {
	for _, viewer := range p.people {
		if viewer.Is(row.OwnerID()) {
			return viewer
		}
	}
	return auth.Viewer{}
}

// checkTouched checks that a statement about all rows that reads none, so that no SELECT policy helps, affects only the
// viewer's own rows.
func (p *Prober) checkTouched(ctx context.Context, table db.Table, blind string, say func(string, ...any)) error {
	most := int64(0)
	for viewer, v := range p.people {
		want, err := p.rowsOf(ctx, table, v)
		if err != nil {
			return err
		}
		most = max(most, want)
		if n, err := p.attempt(ctx, v, nil, doing(blind)); err != nil || n != want {
			say("a statement about all rows by the owner of the %s ones touched %d (%v), want %d: %s", viewer, n, err, want, blind)
		}
	}
	if most == 0 {
		return fmt.Errorf("no person has a row in %s to try it with", table.Name)
	}
	return nil
}

func (p *Prober) rowsOf(ctx context.Context, table db.Table, v auth.Viewer) (n int64, err error) {
	query := fmt.Sprintf(`SELECT count(*) FROM app.%q WHERE %q = $1`, table.Name, p.ownerOf(table.Name))
	err = p.super.QueryRowContext(ctx, query, v.UserID).Scan(&n)
	return n, err
}

// checkUpdate also checks that a member cannot give a row away, even after a mistaken grant.
func (p *Prober) checkUpdate(ctx context.Context, table db.Table, say func(string, ...any)) error {
	blind, err := p.blindUpdate(ctx, table)
	if err != nil {
		return err
	}
	if err := p.checkTouched(ctx, table, blind, say); err != nil {
		return err
	}
	owner := p.people["PUBLIC"]
	mine, err := p.rowsOf(ctx, table, owner)
	if err != nil {
		return err
	}
	give := fmt.Sprintf(`UPDATE app.%q SET %q = $1`, table.Name, p.ownerOf(table.Name))
	if n, err := p.attempt(ctx, owner, nil, doing(give, owner.UserID)); err != nil || n != mine {
		say("taking rows over changed %d (%v), want %d", n, err, mine)
	}
	if n, err := p.attempt(ctx, owner, nil, doing(give, p.newborn.UserID)); !isPolicyError(err) {
		say("giving rows away changed %d (%v), want the policy's error", n, err)
	}
	return nil
}

// blindUpdate sets a column without reading any. It sets a value of another row, which the column's checks accept, or a new
// value if the column is unique.
func (p *Prober) blindUpdate(ctx context.Context, table db.Table) (string, error) {
	stored, err := describeTable(ctx, p.super, table.Name)
	if err != nil {
		return "", err
	}
	unique := ""
	for _, c := range stored.columns {
		switch set := fmt.Sprintf(`UPDATE app.%q SET %q = `, table.Name, c.name); {
		case !c.updatable || c.name == p.ownerOf(table.Name):
		case stored.isUnique(c.name) && (c.typ == "text" || c.typ == "uuid"):
			unique = set + "gen_random_uuid()::" + c.typ
		case stored.isUnique(c.name):
		default:
			var literal string
			err := p.super.QueryRowContext(ctx, fmt.Sprintf(`SELECT quote_nullable(%q::text) FROM app.%q LIMIT 1`, c.name, table.Name)).Scan(&literal)
			if err != nil {
				return "", fmt.Errorf("find a value of %s.%s: %w", table.Name, c.name, err)
			}
			return set + literal + "::" + c.typ, nil
		}
	}
	if unique == "" {
		return "", errors.New("the app's role may update no column of " + table.Name + " to try it with")
	}
	return unique, nil
}

// checkInsert checks that viewers can insert rows for themselves and for no other user.
func (p *Prober) checkInsert(ctx context.Context, table db.Table, say func(string, ...any)) error {
	r, err := p.newRow(ctx, table.Name)
	if err != nil {
		return err
	}
	if n, err := p.attempt(ctx, p.newborn, r.prepare, r.insert); err != nil || n != 1 {
		say("inserting an own row made %d rows (%v), want 1", n, err)
	}
	for _, viewer := range []string{cases.ByNobody, cases.ByMember} {
		if n, err := p.attempt(ctx, p.people[viewer], r.prepare, r.insert); !isPolicyError(err) {
			say("inserting another user's row by %s made %d rows (%v), want the policy's error", viewer, n, err)
		}
	}
	if len(r.parent) > 0 {
		r.values[p.ownerOf(table.Name)] = p.people[cases.ByMember].UserID
		if n, err := p.attempt(ctx, p.people[cases.ByMember], r.prepare, r.insert); err == nil {
			say("inserting an own row that refers to another user's row in %s made %d rows, want an error: a foreign key with %s refuses it",
				r.parent[0].table.name, n, p.ownerOf(table.Name))
		}
	}
	return nil
}

func doing(statement string, args ...any) func(context.Context, *sql.Tx) (int64, error) {
	return func(ctx context.Context, tx *sql.Tx) (int64, error) {
		return affected(tx.ExecContext(ctx, statement, args...))
	}
}

// attempt runs a statement as the app's role in a viewer's transaction, after preparations of the superuser, and rolls it
// back.
func (p *Prober) attempt(ctx context.Context, viewer auth.Viewer, prepare func(context.Context, *sql.Tx) error, do func(context.Context, *sql.Tx) (int64, error)) (int64, error) {
	tx, err := p.super.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if prepare != nil {
		if err := prepare(ctx, tx); err != nil {
			return 0, err
		}
	}
	if _, err := tx.ExecContext(ctx, `SET LOCAL ROLE freehold_app`); err != nil {
		return 0, err
	}
	if viewer.IsMember() {
		enter, args := `SELECT app.enter($1, 60000)`, []any{viewer.SessionID}
		if !p.db.HasAccounts() {
			enter, args = `SELECT app.enter_verified($1, $2, $3, '', '60000', '60000', '', '', false)`, []any{viewer.UserID, viewer.SessionID, viewer.Until}
		}
		if _, err := tx.ExecContext(ctx, enter, args...); err != nil {
			return 0, err
		}
	}
	return do(ctx, tx)
}

// isPolicyError distinguishes a policy's refusal of a new row from a missing grant, which has the same code.
func isPolicyError(err error) bool {
	return err != nil && strings.Contains(err.Error(), "row-level security policy")
}
