package directives

import (
	"fmt"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/auth"
)

const permitted = definitions + `
	enum ThingAction { UPDATE GIVE_AWAY NOTHING ADD_PIN }
	input Changes { id: ID! secret: String box: Int box2: Int }
	type Query { q: Int @public(reason: "x") }
	type Mutation {
		updateThing(input: Changes!): Int @owner(of: "Thing", id: "input.id", as: "EDITOR") @owner(of: "Thing", id: "input.id", when: "input.secret")
		giveAwayThing(id: ID!): Int @owner(of: "Thing", id: "id")
		addPin(thingId: ID!, expiresOn: String): Int @owner(of: "Thing", id: "thingId", as: "READER")
		moderateThing(id: ID!, box: Int): Int @owner(of: "Thing", id: "id", orScopes: [["moderate"]])
	}
	extend type Thing { expiresOn: String @visible bareId: ID @public }
	extend enum ThingAction { MODERATE }`

// ViewerCan returns what the rules of fields and mutations would decide, from the row alone.
func TestViewerCan(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: permitted})
	if err != nil {
		t.Fatal(err)
	}
	rules := New(schema, Source{Relations: map[string][]string{"Thing": {"EDITOR", "READER"}}})
	for _, c := range []struct {
		name               string
		viewer             auth.Viewer
		row                Row
		actions, see, edit string
	}{
		{"the owner", bob, sharedRow{}, "[UPDATE GIVE_AWAY ADD_PIN MODERATE]", "[ID SECRET BOX EXPIRES_ON BARE_ID]", "[SECRET BOX]"},
		{"an editor", ann, sharedRow{relation: "EDITOR"}, "[UPDATE ADD_PIN]", "[ID BOX EXPIRES_ON BARE_ID]", "[BOX]"},
		{"a reader", ann, sharedRow{relation: "READER"}, "[ADD_PIN]", "[ID BOX EXPIRES_ON BARE_ID]", "[]"},
		{"another", ann, sharedRow{}, "[]", "[ID BOX EXPIRES_ON BARE_ID]", "[]"},
		{"another, hidden", ann, sharedRow{foreign: foreign{hidden: true}}, "[]", "[BARE_ID]", "[]"},
		{"nobody", nobody, sharedRow{}, "[]", "[ID BOX EXPIRES_ON BARE_ID]", "[]"},
	} {
		actions, see, edit, err := rules.ViewerCan(auth.WithViewer(t.Context(), c.viewer), "Thing", c.row)
		if got, want := fmt.Sprint(actions, see, edit), c.actions+" "+c.see+" "+c.edit; got != want || err != nil {
			t.Errorf("%s can %s, want %s; %v", c.name, got, want, err)
		}
	}
	actions, see, edit, err := rules.ViewerCan(auth.WithViewer(t.Context(), ann), "Box", thing{})
	if actions == nil || len(actions)+len(see)+len(edit) != 0 || err != nil {
		t.Errorf("a type without viewerCan: %#v, %v", actions, err)
	}
}
