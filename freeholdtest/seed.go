package freeholdtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// Seed says about one owned type what the proof cannot derive from the schema. Only Type is required. A type needs no seed if a
// mutation with @signedIn creates its rows and accepts generated values, or if each sign-up creates a row. Run fails if a fact of
// a seed is not needed.
type Seed struct {
	Type string // in GraphQL, such as Note

	// Values has values for fields of inputs, such as CreateNoteInput.slug, and for arguments, such as Query.notes.kind. A field
	// without an entry gets a unique value of its type: a text such as "Canary slug 000123", the first value of an enum, the
	// id of a row that the viewer owns for noteId. n is unique: put it into the value if the values of two rows must differ.
	Values map[string]func(n int) any

	// Insert is a statement that inserts a row for the user $1 and returns its id, for a type without a mutation that creates one. It
	// runs as the superuser. If others may see rows of the type, the row's visibility is $2.
	Insert string

	// Relate is a statement that makes the user $2 related to the row $1, as $3, such as EDITOR. It runs as the superuser. A type whose
	// rows have their relations from rows of another type, such as the notes in a notebook, needs none.
	Relate string

	// IDOf has the fields that show the id of a row of another type, by that type: Comment.authorId shows the id of a User, whether or
	// not the reader of the comment sees the user.
	IDOf map[string]string

	// Furnish are statements that give the row $1 of the user $2 what no mutation of its owner gives it, such as members. They run as the
	// superuser, for each row with which the proof begins.
	Furnish []string

	// OwnAnswers has the root fields that return a row of the viewer although neither their rule nor their arguments say so, such
	// as Query.favorite, with the reason.
	OwnAnswers map[string]string

	// NullAfter has, by root field such as Mutation.createNote, the fields that are null on every path from there, such as
	// Note.archivedAt, with the reason.
	NullAfter map[string]map[string]string

	// ByHand has the mutations that need more than the proof can prepare, such as Mutation.acceptInvitation, with the test that calls them
	// successfully. For a viewer whom their rule admits, the proof accepts any error that is not a refusal.
	ByHand map[string]string

	// Exempt has fields that have no value on some path, such as Note.legacyId, with the reason. Prefer Values and NullAfter.
	Exempt map[string]string

	// RuleAlone has fields that their rule refuses to a viewer whom the row policies admit to the value, with the reason.
	RuleAlone map[string]string

	// Equivalent has weakened rules that no request can notice, by the names that the score reports, such as
	// "Mutation.updateNote @owner -> @signedIn", with the reason: the resolver refuses the same viewers with the same error.
	Equivalent map[string]string

	// Disarm are statements that replace definer functions by functions of the same signature that refuse no viewer. No role
	// bypasses such a function, so the field rules in front of it cannot be proved alone without this.
	Disarm []string
}

// check returns an error if the seed is about something that the program does not have.
func (s Seed) check(p *app.Program) error {
	if p.Registry().Lookup(s.Type) == nil {
		var known []string
		for _, t := range p.Registry().Types() {
			known = append(known, t.Name)
		}
		return fmt.Errorf("a Seed has the Type %q, which is not an owned type of the program: these are %s", s.Type, strings.Join(known, ", "))
	}
	if t := p.Registry().Lookup(s.Type); s.Relate != "" && t.Table.Relation == "" {
		return fmt.Errorf("the Seed of %s has Relate, but its Table has no Relation: only owners have a relation to a row", s.Type)
	}
	schema := p.Schema()
	for _, key := range slices.Sorted(maps.Keys(s.Values)) {
		parts := strings.Split(key, ".")
		t := schema.Types[parts[0]]
		known := t != nil && len(parts) > 1 && t.Fields.ForName(parts[1]) != nil
		if known && len(parts) > 2 {
			known = t.Fields.ForName(parts[1]).Arguments.ForName(parts[2]) != nil
		}
		if !known || len(parts) > 3 {
			return fmt.Errorf("the Seed of %s has a value for %q, which is neither a field of an input, such as CreateNoteInput.slug, nor an argument, such as Query.notes.kind", s.Type, key)
		}
	}
	return nil
}

// facts returns the seed as the proof has it.
func (s Seed) facts() people.Facts {
	f := people.Facts{
		Known:  cases.Known{Own: map[string]cases.Own{}, NullAfter: s.NullAfter, ByHand: s.ByHand, Exempt: s.Exempt, RuleAlone: s.RuleAlone},
		Values: map[string]people.Value{}, IDOf: s.IDOf, Insert: map[string]string{}, Relate: map[string]string{}, FurnishRow: map[string][]string{}, Disarm: s.Disarm, Equivalent: s.Equivalent,
	}
	for field := range s.OwnAnswers {
		f.Own[field] = cases.ShowsViewer
		if strings.HasPrefix(field, "Mutation.") {
			f.Own[field] = cases.ChangesViewer
		}
	}
	if s.Insert != "" {
		f.Insert[s.Type] = s.Insert
	}
	if len(s.Furnish) > 0 {
		f.FurnishRow[s.Type] = s.Furnish
	}
	if s.Relate != "" {
		f.Relate[s.Type] = s.Relate
	}
	for key, value := range s.Values {
		f.Values[key] = seeded(key[strings.LastIndex(key, ".")+1:], value)
	}
	return f
}

// seeded returns the values of a seed for a field. The proof looks for a unique text in the replies to other viewers.
func seeded(field string, value func(n int) any) people.Value {
	return func(_ *people.Person, _ cases.Call, into *people.Sown) (any, bool, error) {
		n := int(people.Serial())
		made := value(n)
		text, isText := made.(string)
		if isText && value(n+1) != made {
			return into.Plant(field, text), true, nil
		}
		into.Seed[field] = made
		return made, true, nil
	}
}
