package people

import (
	"maps"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
)

// Value returns a value for a field of an input, or for an argument, of a call about a person, and whether to send one. It
// records what the row then has in into.
type Value func(p *Person, c cases.Call, into *Sown) (value any, known bool, err error)

// Facts are what a program's schema does not say about its types.
type Facts struct {
	cases.Known

	Values map[string]Value  // by CreateNoteInput.slug for a field of an input, or by Query.notes.kind for an argument
	IDOf   map[string]string // by Type.field: the owned type whose rows have the same id
	Insert map[string]string // by type: inserts a row for the user $1, with the visibility $2, and returns its id

	// Relate has statements by type: each makes the user $2 related to the row $1, as $3.
	Relate map[string]string
	// FurnishRow has statements by type, for the row $1 of the user $2: what no mutation of its owner gives it.
	FurnishRow map[string][]string

	Equivalent map[string]string // mutants of the score that no request can notice, by their names, with the reason

	// Furnish gives a person what no mutation can, through the database of a service. Before prepares a person for a mutation,
	// by its name.
	Furnish []func(*harness.Service, *Person) error
	Before  map[string]func(*harness.Service, *Person) error
	// NewCode creates the one-time code that a mutation needs. The folder has the signing key of the service.
	NewCode func(s *harness.Service, dataDir string, p *Person, mutation string) (string, error)
	// Settings are further ones of the service, as NAME=value. A second subgraph has none of them.
	Settings []string
	// Grant makes a person an operator with these scopes, and gives them a token that claims the scopes.
	Grant func(s *harness.Service, p *Person, scopes []string) error
	// Disarm are statements that replace definer functions by functions that refuse no viewer. No role bypasses these functions,
	// so this is how to test a field rule in front of them alone.
	Disarm []string
}

// Join returns the facts of several sources. A later one has priority.
func Join(all ...Facts) Facts {
	f := Facts{
		Known: cases.Known{
			Own: map[string]cases.Own{}, NullAfter: map[string]map[string]string{}, ByHand: map[string]string{}, Exempt: map[string]string{}, RuleAlone: map[string]string{},
		},
		Equivalent: map[string]string{},
		Values:     map[string]Value{}, IDOf: map[string]string{}, Insert: map[string]string{}, Relate: map[string]string{}, FurnishRow: map[string][]string{}, Before: map[string]func(*harness.Service, *Person) error{},
	}
	for _, g := range all {
		maps.Copy(f.Own, g.Own)
		for root, fields := range g.NullAfter {
			if f.NullAfter[root] == nil {
				f.NullAfter[root] = map[string]string{}
			}
			maps.Copy(f.NullAfter[root], fields)
		}
		maps.Copy(f.ByHand, g.ByHand)
		maps.Copy(f.Exempt, g.Exempt)
		maps.Copy(f.RuleAlone, g.RuleAlone)
		maps.Copy(f.Values, g.Values)
		maps.Copy(f.IDOf, g.IDOf)
		maps.Copy(f.Insert, g.Insert)
		maps.Copy(f.Relate, g.Relate)
		maps.Copy(f.FurnishRow, g.FurnishRow)
		maps.Copy(f.Before, g.Before)
		maps.Copy(f.Equivalent, g.Equivalent)
		f.Furnish = append(f.Furnish, g.Furnish...)
		f.Disarm = append(f.Disarm, g.Disarm...)
		f.Settings = append(f.Settings, g.Settings...)
		if g.NewCode != nil {
			f.NewCode = g.NewCode
		}
		if g.Grant != nil {
			f.Grant = g.Grant
		}
	}
	return f
}

// Inserted returns the types of which a seed inserts a row for each person.
func (f Facts) Inserted() (types []string) {
	for typ := range f.Insert {
		types = append(types, typ)
	}
	return types
}
