package stage

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/core"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/people"
)

// boards are schema parts with a type that the service does not have: rows that are shared with editors and members and that
// operators see, private parts for some relations, and a mutation with rules for one argument.
var boards = [][2]string{
	{"\ntype Query {\n", "board(id: ID!): Board @public(reason: \"x\")\nledger(id: ID!): Board @owner(of: \"Board\", id: \"id\", as: \"MEMBER\")\n"},
	{"\ntype Mutation {\n", `
		createBoard(input: CreateBoardInput!): BoardPayload @signedIn
		updateBoard(input: UpdateBoardInput!): BoardPayload
			@owner(of: "Board", id: "input.id", as: "EDITOR", orScopes: [["boards:edit", "boards:read"]])
			@owner(of: "Board", id: "input.id", when: "input.visibility")
		deleteBoard(input: DeleteBoardInput!): DeleteBoardPayload @owner(of: "Board", id: "input.id")
	`},
	{"union _Entity = ", "Board | "},
	{"scalar _Any\n", `
		type Board implements Node @key(fields: "id") {
			id: ID! @visible
			title: String @visible
			plan: String @owner(as: "MEMBER")
			budget: String @owner(as: "EDITOR", orScopes: [["boards:audit", "boards:read"]])
			secret: String @owner
			visibility: ProfileVisibility! @visible
			audit: Boolean @scopes(anyOf: [["boards:audit"]])
		}
		input CreateBoardInput { title: String plan: String budget: String secret: String visibility: ProfileVisibility }
		input UpdateBoardInput { id: ID! title: String visibility: ProfileVisibility }
		input DeleteBoardInput { id: ID! }
		type BoardPayload { board: Board @inherited }
		type DeleteBoardPayload { deletedBoardId: ID @inherited }
	`},
}

// boardPolicies are the row policies that the service would have for boards.
func boardPolicies() access.Layers {
	layer := func(name string, admits access.Admits, scopes ...string) access.Layer {
		return access.Layer{Name: name, Admits: admits, Relations: []string{"EDITOR", "MEMBER"}, Scopes: scopes}
	}
	return access.Layers{
		Types: map[string]access.Layer{
			"User": layer("users_select", access.AdmitsVisible), "Profile": layer("profiles_select", access.AdmitsVisible),
			"Board": layer("boards_select", access.AdmitsVisible, "boards:read"),
		},
		Fields: map[string][]access.Layer{
			"Board.plan": {layer("board_plans_select", access.AdmitsRelated)}, "Board.budget": {layer("board_budgets_select", "EDITOR", "boards:audit")},
			"Board.secret": {layer("board_secrets_select", access.AdmitsOwner)}, "Board.audit": {layer("app.audit", access.AdmitsOperators, "boards:audit")},
			"Mutation.updateBoard": {layer("boards_update", "EDITOR", "boards:edit")}, "Mutation.deleteBoard": {layer("boards_delete", access.AdmitsOwner)},
			"Query.ledger": {layer("boards_select", access.AdmitsVisible, "boards:read")},
		},
		When: map[string][]access.Layer{"Mutation.updateBoard with input.visibility": {layer("boards_owner_updates", access.AdmitsOwner)}},
	}
}

// withBoards returns a stage of a fake service with this type.
func withBoards(t *testing.T) (*Stage, *fake) {
	t.Helper()
	layers := boardPolicies()
	for _, typ := range []string{"User", "Profile"} { // which are not shared
		l := layers.Types[typ]
		l.Relations = nil
		layers.Types[typ] = l
	}
	s := extendedBehind(t, layers, boards...)
	f := &fake{Specification: s}
	facts := core.Facts()
	facts.Before = nil // these ask a service
	facts.Relate = map[string]string{"Board": "as the fake does"}
	p := &Stage{
		Specification: s, Program: Program{Facts: facts}, Targets: map[string]*people.Person{},
		ask: f.do, making: f.do, furnish: f.furnish, relate: f.relate, relationTo: f.relationTo, grant: f.grant, insertRow: f.seed(facts),
	}
	p.populate(t)
	return p, f
}

// aboutBoards returns the requests that reach boards in so many steps.
func (p *Stage) aboutBoards(longest int) []cases.Request {
	return slices.DeleteFunc(p.Requests(), func(r cases.Request) bool {
		root := r.Path.RootField().Def
		about := r.Path.End() == "Board" || strings.Contains(root.Name, "oard") || root.Name == "ledger"
		return !about || len(r.Path.Steps) > longest || r.Path.End() == "BoardPermissions"
	})
}

// ofBoards returns the findings about boards, by cause.
func ofBoards(p *Stage) (l *Ledger, causes []string) {
	l = p.run(p.aboutBoards(2), inTurn)
	faults := slices.DeleteFunc(append(l.Incomplete(p.Specification), l.Faults...), func(f findings.Finding) bool {
		return strings.HasSuffix(f.What, "no path leads to it") && !strings.Contains(f.What, "oard")
	})
	return l, findings.Causes(faults)
}

// A type with relations, scopes and conditional rules is proved without a line of test code but for what makes someone related: its
// fields are requested as each relation, with exactly the scopes that rules and policies name, and with less.
func TestSharedTypeIsProved(t *testing.T) {
	t.Parallel()
	p, _ := withBoards(t)
	l, faults := ofBoards(p)
	for _, fault := range faults {
		t.Error(fault)
	}
	if n := l.cases["Mutation.updateBoard with input.visibility"]; n < 3*(3+2) {
		t.Errorf("an update of the visibility has %d cases", n)
	}
	asked := map[string]bool{}
	for _, r := range p.aboutBoards(2) {
		asked[r.Asker] = true
	}
	for _, asker := range []string{
		cases.Related("EDITOR"), cases.Related("MEMBER"), cases.Operator("boards:audit"), cases.Operator("boards:audit", "boards:read"), cases.Operator("boards:read"),
		cases.Operator("boards:edit", "boards:read"), cases.Operator("boards:edit"),
	} {
		if !asked[asker] {
			t.Errorf("no request is sent by %s: %v", asker, asked)
		}
	}
}

// The proof finds each mistake of a service about relations, scopes and conditional rules.
func TestLiesAboutSharedRowsAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mistake func(p *Stage, f *fake) // changes what the fake answers, not what is expected
		want    string
	}{
		"members get what editors get": {func(_ *Stage, f *fake) {
			f.lie = instead("Board.budget", "MEMBER", fakeAnswer{value: "some budget"})
		}, "Board.budget has a value for MEMBER, and should be refused: FORBIDDEN"},
		"editors do not get their own": {func(_ *Stage, f *fake) {
			f.lie = instead("Board.budget", "EDITOR", fakeAnswer{code: "FORBIDDEN"})
		}, "Board.budget has the errors [FORBIDDEN] for EDITOR, and should answer: value"},
		"strangers get what members get": {func(_ *Stage, f *fake) {
			f.lie = instead("Board.plan", access.MemberVisibleTo, fakeAnswer{value: "some plan"})
		}, "Board.plan has a value for member, visible-to, and should be refused: FORBIDDEN"},
		"the condition is ignored": {func(p *Stage, f *fake) {
			f.rules("Mutation.updateBoard with input.visibility", p.Matrix["Mutation.updateBoard"])
		}, "Mutation.updateBoard with input.visibility has a value for EDITOR, and should be refused: FORBIDDEN"},
		"the condition is always applied": {func(p *Stage, f *fake) {
			f.rules("Mutation.updateBoard", p.Matrix["Mutation.updateBoard with input.visibility"])
		}, "Mutation.updateBoard has the errors [FORBIDDEN] for EDITOR, and should answer: value"},
		"one of two scopes is enough": {func(_ *Stage, f *fake) {
			f.also = map[string]string{"Board.budget": "boards:audit"}
		}, "Board.budget has a value for member, visible-to with"},
		"a scope is not enough": {func(p *Stage, f *fake) {
			f.rules("Board.audit", p.Matrix["Board.secret"])
		}, "Board.audit has the errors"},
		"any scope is enough": {func(_ *Stage, f *fake) {
			f.also = map[string]string{"Board.audit": "boards:edit"}
		}, "Board.audit has a value for member with boards:edit"},
		"operators see no row": {func(_ *Stage, f *fake) {
			f.blind = true
		}, "Board."},
	} {
		p, f := withBoards(t)
		c.mistake(p, f)
		_, found := ofBoards(p)
		if !slices.ContainsFunc(found, func(line string) bool { return strings.HasPrefix(line, c.want) }) {
			t.Errorf("%s: no finding begins with %q, the first of %d is %.600s", name, c.want, len(found), append(found, "none")[0])
		}
	}
}

// rules gives a field other rules and policies in the fake.
func (f *fake) rules(name string, row access.Field) {
	f.Matrix = maps.Clone(f.Matrix)
	f.Matrix[name] = row
}

// relate gives a person a relation to a row, if the row's type has the relation.
func (f *fake) relate(_ string, row any, p *people.Person, relation string) error {
	i := slices.IndexFunc(f.rows, func(r *fakeRow) bool { return r.id == row })
	f.rows[i].relations[p.Token()] = relation
	return nil
}

func (f *fake) relationTo(_ string, row any, p *people.Person) (string, error) {
	i := slices.IndexFunc(f.rows, func(r *fakeRow) bool { return r.id == row })
	return f.rows[i].relations[p.Token()], nil
}

// grant makes a person an operator.
func (f *fake) grant(p *people.Person, scopes []string) error {
	if f.scopes == nil {
		f.scopes = map[string][]string{}
	}
	f.scopes[p.Token()] = scopes
	return nil
}

// instead returns a lie: another answer to a kind of viewer.
func instead(field string, viewer access.Viewer, answer fakeAnswer) func(string, access.Viewer, *fakeAnswer) {
	return func(f string, v access.Viewer, a *fakeAnswer) {
		if f == field && v == viewer {
			*a = answer
		}
	}
}
