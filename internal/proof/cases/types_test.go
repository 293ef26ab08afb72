package cases

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/owned"
)

// The creator of a row, and the subject of each mutation, follow from names, rules and declarations.
func TestCreatorsAndSubjects(t *testing.T) {
	t.Parallel()
	parsed, err := gqlparser.LoadSchema(&ast.Source{Input: `
		directive @signedIn on FIELD_DEFINITION
		directive @visible on FIELD_DEFINITION
		directive @owner(of: String, id: String) on FIELD_DEFINITION
		type Book { id: ID @visible notes: [Note] @owner }
		type Note { id: ID @visible book: Book @visible }
		type Mark { id: ID @visible }
		type Tip { id: ID @visible }
		type Payload { note: Note book: Book }
		type Query { a: Int }
		type Mutation {
			createBook: Payload @signedIn
			createNote(bookId: ID): Payload @owner(of: "Book", id: "bookId")
			moveNote(id: ID): Payload @owner(of: "Note", id: "id")
			deleteNote(id: ID): Payload @owner(of: "Note", id: "id")
			createOrReplace: Mark @signedIn
			giveTip: Tip @signedIn
		}`})
	if err != nil {
		t.Fatal(err)
	}
	registry, err := owned.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	s := NewSchema(parsed, registry, "Tip")
	for typ, want := range map[string]string{"Book": "createBook", "Note": "createNote", "Mark": "createOrReplace", "Tip": ""} {
		got := ""
		if m := s.Creators[typ]; m != nil {
			got = m.Name
		}
		if got != want {
			t.Errorf("%s is created by %q, want %q", typ, got, want)
		}
	}
	if !s.HasOwnRow("Tip") || !s.HasOwnRow("Note") || s.HasOwnRow("Payload") {
		t.Error("a row of Tip, which a seed inserts, or of Note, is not known")
	}
	for mutation, want := range map[string][2]string{
		"createBook": {"Book", "INSERT"}, "createNote": {"Note", "INSERT"}, "moveNote": {"Note", "UPDATE"},
		"deleteNote": {"Note", "DELETE"}, "createOrReplace": {"Mark", "INSERT"}, "giveTip": {},
	} {
		if typ, command := s.SubjectOf(parsed.Mutation.Fields.ForName(mutation)); [2]string{typ, command} != want {
			t.Errorf("%s: %s of %q, want %v", mutation, command, typ, want)
		}
	}
}
