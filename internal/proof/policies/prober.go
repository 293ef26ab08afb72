// Package policies owns the trial of row policies: it runs statements as the app's role for viewers of all kinds, and compares what
// each policy admits with its declaration. It must not know GraphQL, or any particular table.
package policies

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

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
	super   *sql.DB
	tables  map[string]db.Table    // from the registry, by name
	guards  map[string][]guarded   // by policy
	people  map[string]auth.Viewer // cases.ByNobody, cases.ByMember, by the visibility of their rows, and by cases.Related
	newborn auth.Viewer            // an account without further rows
	// subgraph says that viewers enter by tokens, since the database has no sessions.
	subgraph bool
	shared   map[string]map[string]uuid.UUID // by type and visibility: the rows to which people are related

	relations map[string]map[related]string // by type: the relations that people have to rows, which the trials must agree with
}

// related is a user and a row.
type related struct{ user, row uuid.UUID }

// guarded is a policy behind fields or mutations of a type.
type guarded struct {
	owned.Guard

	typ *owned.Type
}

// New returns a prober for the types of a registry and the people of a stage. It adds the mistaken grants that it
// tries.
func New(t testing.TB, s *stage.Stage, r *owned.Registry) *Prober {
	t.Helper()
	p := &Prober{
		super: open(t, s.Maker.DB.Superuser), tables: map[string]db.Table{}, guards: map[string][]guarded{},
		people:    map[string]auth.Viewer{cases.ByNobody: {}, cases.ByMember: stage.ViewerOf(t, s.Another.Token())},
		newborn:   newborn(t, s),
		subgraph:  s.Program.IsSubgraph(),
		relations: map[string]map[related]string{}, shared: map[string]map[string]uuid.UUID{},
	}
	for visibility, person := range s.Targets {
		p.people[visibility] = stage.ViewerOf(t, person.Token())
	}
	for asker, person := range s.Others {
		if _, related := cases.RelationOf(asker); related {
			p.people[asker] = stage.ViewerOf(t, person.Token())
		}
	}
	for _, policy := range r.Guards() {
		p.tables[policy.Table.Name] = policy.Table
		if policy.Command != "UPDATE" {
			continue
		}
		if guardsOwner(policy.Table) {
			p.Alter(t, fmt.Sprintf(`GRANT UPDATE (%q) ON app.%q TO freehold_app`, p.ownerOf(policy.Table.Name), policy.Table.Name))
		}
		if parent := parentOf(policy.Table); parent != "" {
			p.Alter(t, fmt.Sprintf(`GRANT UPDATE (%q) ON app.%q TO freehold_app`, parent, policy.Table.Name))
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
		if err := p.learn(t.Context(), typ, s); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// newborn creates an account.
func newborn(t testing.TB, s *stage.Stage) auth.Viewer {
	t.Helper()
	v := auth.Viewer{UserID: uuid.New(), SessionID: uuid.New(), Until: time.Now().Add(time.Hour).Unix()}
	if s.Program.IsSubgraph() {
		s.Maker.DB.Query(t, `INSERT INTO app.users (id) VALUES ($1)`, v.UserID)
		return v
	}
	d, err := db.Open(db.Options{URL: s.Maker.DB.App})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = d.AsSystem(t.Context(), func(ctx context.Context, tx *db.SystemTx) error {
		return tx.CreateAccount(ctx, db.Account{UserID: v.UserID, Email: "newborn@example.org", EmailKey: "newborn@example.org", PasswordHash: "x",
			Session: db.SessionParams{ID: v.SessionID, RefreshHash: []byte("x"), Idle: time.Hour, Lifetime: time.Hour}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// learn records which relations people have to the rows of a type, and which rows were given relations.
func (p *Prober) learn(ctx context.Context, typ *owned.Type, s *stage.Stage) error {
	known := map[related]string{}
	p.relations[typ.Name] = known
	for _, viewer := range p.people {
		err := p.asViewer(ctx, viewer, fmt.Sprintf(`SELECT %q, %s FROM app.%q`, keyOf(typ.Table), p.relationIn(typ.Table), typ.Table.Name), func(found *sql.Rows) error {
			var row uuid.UUID
			var relation sql.NullString
			defer func() { known[related{viewer.UserID, row}] = relation.String }()
			return found.Scan(&row, &relation)
		})
		if err != nil {
			return fmt.Errorf("find out who is related to rows of %s: %w", typ.Name, err)
		}
	}
	p.shared[typ.Name] = map[string]uuid.UUID{}
	for visibility, target := range s.Targets {
		if id, ok := target.Objects[typ.Name][cases.ID].(string); ok && typ.Table.Relation != "" {
			p.shared[typ.Name][visibility] = uuid.MustParse(id)
		}
	}
	return nil
}

// relationIn returns the SQL expression of the relation of app.viewer_id() to a row.
func (p *Prober) relationIn(table db.Table) string {
	owns := fmt.Sprintf(`CASE WHEN %q = app.viewer_id() THEN 'OWNER' END`, p.ownerOf(table.Name))
	switch {
	case table.OfParent:
		return table.Relation
	case table.Relation != "":
		return fmt.Sprintf(`COALESCE(%s, %s)`, owns, table.Relation)
	default:
		return owns
	}
}

// asViewer scans the rows of a query of the superuser, in which app.viewer_id() is the viewer.
func (p *Prober) asViewer(ctx context.Context, viewer auth.Viewer, query string, scan func(*sql.Rows) error, args ...any) error {
	tx, err := p.super.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	id := ""
	if viewer.IsMember() {
		id = viewer.UserID.String()
	}
	if _, err := tx.ExecContext(ctx, `SELECT set_config('app.viewer_id', $1, true)`, id); err != nil {
		return err
	}
	return scanAll(ctx, tx, scan, query, args...)
}

// Table returns the declaration of a table.
func (p *Prober) Table(name string) db.Table { return p.tables[name] }

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
		err = p.checkUpdate(ctx, declared, say)
	case "DELETE":
		err = p.checkTouched(ctx, declared, fmt.Sprintf(`DELETE FROM app.%q`, table.Name), say)
	case "INSERT":
		err = p.checkInsert(ctx, declared, say)
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
		for r, relation := range p.relations[g.typ.Name] {
			if r.user != owner || relation != db.OwnerRelation {
				continue
			}
			n, err := p.checkRow(ctx, g, &owned.By{ID: r.row, Owner: owner}, visibility, say)
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
	var owners []string
	err = scanAll(ctx, p.super, func(found *sql.Rows) error {
		var owner string
		defer func() { own, owners = append(own, visibility), append(owners, owner) }()
		return found.Scan(&visibility, &owner)
	}, fmt.Sprintf(`SELECT COALESCE(to_jsonb(x) ->> 'visibility', $2), COALESCE(to_jsonb(x) ->> '%s', '') FROM app.%q x WHERE %q = $1`, p.ownerOf(g.Table.Name), g.Table.Name, ref.Column), ref.ID, visibility)
	if err != nil {
		return 0, fmt.Errorf("find the rows of %s by %s: %w", g.Table.Name, ref.Column, err)
	}
	for _, v := range p.viewers(g.Policy) {
		if v.Is(row.OwnerID()) {
			v.name = cases.ByOwner
		} else if v.owns {
			continue // a member like any other
		}
		v.relation = p.relations[g.typ.Name][related{v.UserID, row.RowID()}]
		want := slices.ContainsFunc(own, func(visibility string) bool { return v.isAdmitted(g.Policy, visibility) })
		probe, args := g.ProbeSQL(ref.Column), []any{ref.ID}
		if slices.Contains(owners, v.UserID.String()) && !v.Is(row.OwnerID()) { // the viewer's own rows, such as a membership, show nothing
			probe, args = probe+fmt.Sprintf(` AND %q <> $2`, p.ownerOf(g.Table.Name)), append(args, v.UserID)
		}
		n, err := p.attempt(ctx, v.Viewer, nil, doing(probe, args...))
		if got := n > 0; err != nil || got != want {
			say("%s at a %v row of a %s: admitted is %v (%v), want %v", v.name, own, g.typ.Name, got, err, want)
		}
	}
	return len(own), nil
}

// checkTouched checks that a statement about all rows that reads none, so that no SELECT policy helps, affects only the rows to
// which the policy admits the viewer.
func (p *Prober) checkTouched(ctx context.Context, policy db.Policy, blind string, say func(string, ...any)) error {
	most := int64(0)
	for _, v := range p.viewers(policy) {
		want, err := p.rowsOf(ctx, policy, v.Viewer)
		if err != nil {
			return err
		}
		most = max(most, want)
		if n, err := p.attempt(ctx, v.Viewer, nil, doing(blind)); err != nil || n != want {
			say("a statement about all rows by %s touched %d (%v), want %d: %s", v.name, n, err, want, blind)
		}
	}
	if most == 0 {
		return fmt.Errorf("no person has a row in %s to try it with", policy.Table.Name)
	}
	return nil
}

// rowsOf returns the number of rows to which a policy admits a viewer as their owner, by a relation or by a scope.
func (p *Prober) rowsOf(ctx context.Context, policy db.Policy, v auth.Viewer) (n int64, err error) {
	admitted := []string{db.OwnerRelation}
	if i := slices.Index(policy.Table.Relations, string(policy.Admits())); i >= 0 {
		admitted = append(admitted, policy.Table.Relations[:i+1]...)
	}
	all := v.Scopes.Meets(oneOf(policy.Scopes()))
	query := fmt.Sprintf(`SELECT count(*) FROM app.%q WHERE $1 OR %s = ANY ($2)`, policy.Table.Name, p.relationIn(policy.Table))
	err = p.asViewer(ctx, v, query, func(found *sql.Rows) error { return found.Scan(&n) }, all, pq.Array(admitted))
	return n, err
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
		if p.subgraph {
			enter, args = `SELECT app.enter_verified($1, $2, $3, '', '60000', '60000', '', '', false)`, []any{viewer.UserID, viewer.SessionID, viewer.Until}
		}
		if _, err := tx.ExecContext(ctx, enter, args...); err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, `SELECT set_config('app.scopes', $1, true)`, string(viewer.Scopes)); err != nil {
			return 0, err
		}
	}
	return do(ctx, tx)
}

// isPolicyError distinguishes a policy's refusal of a new row from a missing grant, which has the same code.
func isPolicyError(err error) bool {
	return err != nil && strings.Contains(err.Error(), "row-level security policy")
}
