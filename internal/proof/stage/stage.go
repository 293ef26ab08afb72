// Package stage owns the trial of a program: a service with people to ask about, the requests that it gets, and the comparison of
// each reply with the access matrix. It must not know which requests there are, or any particular type.
package stage

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/people"
)

// Program is a program and what its schema does not say.
type Program struct {
	*app.Program

	Facts people.Facts
}

// specification returns what the program must satisfy. Each has definitions of its own.
func (p Program) specification() cases.Specification {
	return cases.NewSpecification(cases.NewSchema(p.Schema(), p.Registry(), p.Facts.Inserted()...), p.Access(), p.Facts.Known)
}

// Stage is a service, and people to ask about. People are always created with both layers, by a service with the same
// database and signing key.
type Stage struct {
	cases.Specification

	Program Program
	Layers  harness.Layers
	Asked   *harness.Service
	Maker   *harness.Service
	Rule    func(string) string       // for harness.Setup
	Targets map[string]*people.Person // by visibility
	Another *people.Person            // has no relation to the targets' rows
	Others  map[string]*people.Person // by cases.Related and cases.Operator

	ask     people.Asking                        // Asked, or a fake
	making  people.Asking                        // Maker, or a fake
	furnish func(*people.Person) error           // gives a person what no mutation can
	grant   func(*people.Person, []string) error // makes a person an operator
	// insertRow runs the statement of a seed, and returns the row's id; nil for insert.
	insertRow func(of *people.Person, statement string) (string, error)
	// relate makes a person related to a row, if the facts say how, and relationTo returns their relation to a row.
	relate     func(typ string, row any, p *people.Person, relation string) error
	relationTo func(typ string, row any, p *people.Person) (string, error)

	super   *sql.DB
	dataDir string                       // which has the key
	issuer  *harness.Issuer              // of the people's tokens, if the program is a second subgraph
	related map[string]map[string]string // by asker and type: the relation of one of the others to the targets' rows
	lacking []findings.Finding           // seeds without which nobody has some relation
}

// New returns a stage with one person of each visibility and another person, in a database of its own. It fails the test with
// the seeds that are missing.
func New(t testing.TB, program Program) *Stage {
	t.Helper()
	p := &Stage{Program: program, Specification: program.specification(), Targets: map[string]*people.Person{}, dataDir: t.TempDir()}
	if program.IsSubgraph() {
		p.issuer = harness.NewIssuer(t)
	}
	p.Maker = harness.Setup{Program: program.Program, AnyCost: true, Settings: p.settings()}.Start(t)
	p.Asked, p.ask, p.making, p.furnish = p.Maker, p.Maker.TryDo, p.Maker.TryDo, p.furnishByFacts
	var err error
	if p.super, err = sql.Open("postgres", p.Maker.DB.Superuser); err != nil {
		t.Fatal(err)
	}
	p.super.SetMaxIdleConns(2 * atOnce) // opening one takes longer than most statements
	t.Cleanup(func() { p.super.Close() })
	p.relate, p.relationTo, p.grant = p.relateByFacts, p.askRelation, p.grantByFacts
	p.populate(t)
	return p
}

// settings returns those of a service, and further ones.
func (p *Stage) settings(further ...string) []string {
	list := append([]string{"FREEHOLD_DATA_DIR=" + p.dataDir}, further...)
	if p.issuer != nil {
		return append(list, p.issuer.Settings()...)
	}
	return append(list, p.Program.Facts.Settings...)
}

func (p *Stage) populate(t testing.TB) {
	t.Helper()
	for _, visibility := range cases.Visibilities {
		p.Targets[visibility] = p.Make(t, visibility)
	}
	p.Another = p.Make(t, "MEMBERS")
	p.meetOthers(t)
}

// Make creates a person.
func (p *Stage) Make(t testing.TB, visibility string) *people.Person {
	t.Helper()
	made := p.newPerson(visibility)
	if err := p.signUp(made); err != nil {
		findings.ExpectNone(t, findings.All(err))
		t.FailNow()
	}
	return made
}

// Missing returns the seeds and values without which some field cannot be requested.
func (p *Stage) Missing(t testing.TB) (missing []findings.Finding) {
	t.Helper()
	made, tried := p.Make(t, "PUBLIC"), map[string]bool{}
	missing = append(missing, p.lacking...)
	for _, typ := range p.Program.Registry().Types() {
		if made.Objects[typ.Name][cases.ID] == nil {
			missing = append(missing, findings.All(people.NoRow(typ.Name))...)
		}
	}
	for _, path := range p.Paths {
		root := path.RootField().Name() // with the argument that it is about
		if path.IsMutation() && tried[root] {
			continue // its arguments are the same on each path
		}
		tried[root] = true
		if _, _, err := path.Query(made.ArgumentValue); err != nil {
			missing = append(missing, findings.All(err)...)
		}
	}
	return missing
}

// signUp creates a person with a value for everything that can be selected.
func (p *Stage) signUp(made *people.Person) error {
	if err := made.SignUp(p.making); err != nil || p.furnish == nil {
		return err
	}
	return p.furnish(made)
}

func (p *Stage) furnishByFacts(made *people.Person) error {
	for _, furnish := range p.Program.Facts.Furnish {
		if err := furnish(p.Maker, made); err != nil {
			return err
		}
	}
	for typ := range p.Program.Facts.FurnishRow {
		if err := p.furnishRow(typ, made.Objects[typ][cases.ID], made); err != nil {
			return err
		}
	}
	return nil
}

// furnishRow gives a row of a person what no mutation of theirs gives it.
func (p *Stage) furnishRow(typ string, row any, of *people.Person) error {
	for _, statement := range p.Program.Facts.FurnishRow[typ] {
		if err := p.asSuperuser(nil, statement, row, of.RowID("User")); err != nil {
			return &findings.Unseeded{Type: typ, What: "Seed.Furnish of " + typ + " fails", Err: err}
		}
	}
	return nil
}

func (p *Stage) newPerson(visibility string) *people.Person {
	made := people.New(p.Schema, p.Program.Facts, visibility)
	made.NewCode = func(mutation string) (string, error) {
		return p.Program.Facts.NewCode(p.Maker, p.dataDir, made, mutation)
	}
	if p.issuer != nil {
		made.Issue = p.issuer.Token
	}
	insert := p.insertRow
	if insert == nil {
		insert = p.insert
	}
	made.Insert = func(statement string) (string, error) { return insert(made, statement) }
	return made
}

// insert runs the statement of a seed as the superuser.
func (p *Stage) insert(of *people.Person, statement string) (id string, err error) {
	if err := p.asSuperuser(&id, statement, of.RowID("User"), of.Visibility); err != nil {
		return "", err
	}
	_, err = uuid.Parse(id)
	return id, err
}

// asSuperuser runs a statement, with those of the arguments that it has a parameter for, and scans what it returns into result, unless
// that is nil.
func (p *Stage) asSuperuser(result any, statement string, args ...any) (err error) {
	for len(args) > 0 && !strings.Contains(statement, fmt.Sprintf("$%d", len(args))) {
		args = args[:len(args)-1]
	}
	if result == nil {
		_, err = p.super.ExecContext(p.Maker.T.Context(), statement, args...)
	} else {
		err = p.super.QueryRowContext(p.Maker.T.Context(), statement, args...).Scan(result)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// Behind returns the same stage, served with other layers.
func (p *Stage) Behind(t testing.TB, w harness.Layers) *Stage {
	t.Helper()
	q := *p
	if q.Layers = w; w == harness.RulesAlone {
		for _, statement := range p.Program.Facts.Disarm {
			p.Maker.DB.Query(t, statement)
		}
	}
	q.Asked = harness.Setup{
		Program: p.Program.Program, Database: p.Maker.DB, Layers: w, Rule: p.Rule,
		AnyCost:  true,
		Settings: p.settings("FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1/32"),
	}.Start(t)
	q.Asked.FromAnywhere = true
	if w == harness.PoliciesAlone { // a refused INSERT is an error of the database, and without rules nothing refuses before it
		q.Asked.Allowed = append(q.Asked.Allowed, "violates row-level security policy")
	}
	q.ask = q.Asked.TryDo
	return &q
}

// cast returns the target and the token of a request. Mutations get people of their own, which they may change.
func (p *Stage) cast(r cases.Request) (target *people.Person, token string, err error) {
	target, another := p.Targets[r.Visibility], p.Another
	if r.Path.IsMutation() {
		if target, another, err = p.fresh(r); err != nil {
			return nil, "", err
		}
	}
	if r.Asker == cases.ByMember {
		return target, another.Token(), nil
	}
	return target, p.TokenOf(r.Asker, target), nil
}

// TokenOf returns the token with which an asker asks about a target; "" for nobody.
func (p *Stage) TokenOf(asker string, target *people.Person) string {
	switch asker {
	case cases.ByOwner:
		return target.Token()
	case cases.ByNobody:
		return ""
	case cases.ByMember:
		return p.Another.Token()
	default:
		return p.Others[asker].Token()
	}
}

func (p *Stage) fresh(r cases.Request) (target, another *people.Person, err error) {
	target, another = p.newPerson(r.Visibility), p.Another
	if r.Own != cases.CreatesAccount {
		if err := p.signUp(target); err != nil {
			return nil, nil, err
		}
	}
	m := r.Path.RootField().Def
	if err := p.Prepare(target, m.Name); err != nil {
		return nil, nil, err
	}
	if relation, related := cases.RelationOf(r.Asker); related {
		subject, _ := p.Schema.SubjectOf(m)
		return target, another, p.relateRows(target, p.Others[r.Asker], relation, subject)
	}
	if r.Asker == cases.ByMember {
		another = p.newPerson("MEMBERS")
		if err = p.signUp(another); err == nil {
			err = p.Prepare(another, m.Name) // the mutation may be about the one who asks
		}
	}
	return target, another, err
}

// Prepare prepares a person for a mutation, as the facts say, and creates another row for one that deletes.
func (p *Stage) Prepare(target *people.Person, mutation string) error {
	if before := p.Program.Facts.Before[mutation]; before != nil {
		if err := before(p.Maker, target); err != nil {
			return err
		}
	}
	return p.Spare(target, mutation)
}

// Spare creates another row of a person for a mutation that deletes one, so that the row of the person stays.
func (p *Stage) Spare(target *people.Person, mutation string) (err error) {
	typ, command := p.Schema.SubjectOf(p.Schema.Mutation.Fields.ForName(mutation))
	if command == "DELETE" && target.Rows[typ] != nil {
		if target.Subject, _, err = target.AnotherRow(p.making, typ); err == nil && p.furnish != nil {
			err = p.furnishRow(typ, target.Subject.ID, target)
		}
	}
	return err
}

// ViewerOf returns the viewer of a token.
func ViewerOf(t testing.TB, token string) auth.Viewer {
	t.Helper()
	claims := harness.DecodeClaims(t, token)
	expires, _ := claims["exp"].(float64)
	return auth.Viewer{UserID: uuid.MustParse(fmt.Sprint(claims["sub"])), SessionID: uuid.MustParse(fmt.Sprint(claims["sid"])), Until: int64(expires)}
}
