package stage

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"testing"

	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/people"
)

// meetOthers creates the operators, and a person for each relation, who then has it to the rows of each target.
func (p *Stage) meetOthers(t testing.TB) {
	t.Helper()
	p.Others = map[string]*people.Person{}
	for _, asker := range p.Operators() {
		p.Others[asker] = p.Make(t, "PRIVATE")
		if err := p.grant(p.Others[asker], cases.ScopesOf(asker)); err != nil {
			t.Fatal(err)
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(p.Relations)) {
		for _, relation := range p.Relations[typ] {
			if asker := cases.Related(relation); p.Others[asker] == nil {
				p.Others[asker] = p.Make(t, "PRIVATE")
			}
		}
	}
	if len(p.Relations) == 0 {
		return
	}
	for _, visibility := range cases.Visibilities {
		for _, asker := range slices.Sorted(maps.Keys(p.Others)) {
			relation, related := cases.RelationOf(asker)
			if !related {
				continue
			}
			if err := p.relateRows(p.Targets[visibility], p.Others[asker], relation, ""); err != nil {
				p.lacking = append(p.lacking, findings.All(err)...)
			}
		}
	}
	if len(p.lacking) == 0 {
		p.learnRelations(t)
	}
}

// relateRows gives a person a relation to the target's rows of each type that has the relation and whose facts say how. A mutation
// may be about another row of the target, of the type subject.
func (p *Stage) relateRows(target, other *people.Person, relation, subject string) error {
	for _, typ := range slices.Sorted(maps.Keys(p.Relations)) {
		if !slices.Contains(p.Relations[typ], relation) {
			continue
		}
		rows := []any{target.Objects[typ][cases.ID]}
		if subject == typ && target.Subject != nil {
			rows = append(rows, target.Subject.ID)
		}
		for _, row := range rows {
			if row == nil {
				continue
			}
			if err := p.relate(typ, row, other, relation); err != nil {
				return &findings.Unseeded{Type: typ, What: fmt.Sprintf("Seed.Relate of %s makes nobody %s", typ, relation), Err: err}
			}
		}
	}
	return nil
}

// Relate gives the person who asks as a relation this relation to the rows of a target. It does nothing for other askers.
func (p *Stage) Relate(target *people.Person, asker string) error {
	relation, related := cases.RelationOf(asker)
	if !related {
		return nil
	}
	return p.relateRows(target, p.Others[asker], relation, "")
}

// learnRelations finds out which relations the others have to the targets' rows, by what the row policies call. A person with a
// relation may have one to other types too, and no one else may have any.
func (p *Stage) learnRelations(t testing.TB) {
	t.Helper()
	p.related = map[string]map[string]string{}
	askers := maps.Clone(p.Others)
	askers[cases.ByMember] = p.Another
	for _, asker := range slices.Sorted(maps.Keys(askers)) {
		p.related[asker] = map[string]string{}
		for _, typ := range slices.Sorted(maps.Keys(p.Relations)) {
			for _, visibility := range cases.Visibilities {
				row := p.Targets[visibility].Objects[typ][cases.ID]
				if row == nil {
					continue // which is missing itself
				}
				is, err := p.relationTo(typ, row, askers[asker])
				if err != nil {
					t.Fatal(err)
				}
				p.related[asker][typ] = is
				p.expectRelation(asker, typ, is)
			}
		}
	}
}

// RelationFaults returns whose relations differ from those that they had when the stage began: a function has changed.
func (p *Stage) RelationFaults() (faults []findings.Finding) {
	for asker, types := range p.related {
		other := p.Others[asker]
		if asker == cases.ByMember {
			other = p.Another
		}
		for typ, was := range types {
			is, err := p.relationTo(typ, p.Targets["PUBLIC"].Objects[typ][cases.ID], other)
			if err != nil || is != was {
				faults = append(faults, findings.Finding{What: fmt.Sprintf("the relation of %s to a %s is %q (%v), want %q", asker, typ, is, err, was), Type: typ})
			}
		}
	}
	return faults
}

// expectRelation records what is missing if a person does not have the relation to a row that they should have.
func (p *Stage) expectRelation(asker, typ, is string) {
	relation, related := cases.RelationOf(asker)
	f := findings.Finding{Type: typ, Missing: true}
	switch {
	case !related && is != "":
		f.What = fmt.Sprintf("the relation of a %s makes a stranger %s: its SQL function must return NULL to members without a relation", typ, is)
	case !related || is == relation || !slices.Contains(p.Relations[typ], relation):
		return
	case p.Program.Facts.Relate[typ] == "":
		f.What = fmt.Sprintf("nobody is %s of a %s to ask as: add a Seed of type %[2]s with Relate, or of the type from which it has the relation", relation, typ)
	default:
		f.What = fmt.Sprintf("Seed.Relate of %s makes nobody %s: after it, the SQL function of the relation returns %q", typ, relation, cmp.Or(is, "NULL"))
	}
	p.lacking = append(p.lacking, f)
}

// relateByFacts runs the statement of a seed as the superuser.
func (p *Stage) relateByFacts(typ string, row any, other *people.Person, relation string) error {
	statement := p.Program.Facts.Relate[typ]
	if statement == "" {
		return nil // the type may have the relation of another one
	}
	return p.asSuperuser(nil, statement, row, other.RowID("User"), relation)
}

// askRelation asks the function that the row policies of the type's table call.
func (p *Stage) askRelation(typ string, row any, of *people.Person) (string, error) {
	t := p.Program.Registry().Lookup(typ)
	if t == nil || t.Table.Relation == "" {
		return "", nil
	}
	var relation sql.NullString
	err := p.asSuperuser(&relation, fmt.Sprintf(`
		SELECT %s FROM app.%q, set_config('app.viewer_id', $2, true) WHERE %q = $1`, t.Table.Relation, t.Table.Name, cmp.Or(t.Table.Key, "id")),
		row, of.RowID("User").String())
	return relation.String, err
}

// grantByFacts makes a person an operator.
func (p *Stage) grantByFacts(other *people.Person, scopes []string) error {
	if p.issuer != nil {
		return other.TakeToken(scopes...)
	}
	if p.Program.Facts.Grant == nil {
		return findings.Missing("", "no fact says how to grant the scopes %v", scopes)
	}
	return p.Program.Facts.Grant(p.Maker, other, scopes)
}
