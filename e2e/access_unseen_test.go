package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold/access"
)

// bookmarks are the parts of a schema with a type of a kind that the service does not have: several rows per account, a private
// field among visible ones, lists of lists whose elements have no id, and mutations that make, change and delete rows.
var bookmarks = [][2]string{
	{"\ntype Query {\n", "bookmark(id: ID!): Bookmark @public(reason: \"x\")\n"},
	{"\ntype Mutation {\n", `
		createBookmark(input: CreateBookmarkInput!): CreateBookmarkPayload @signedIn
		updateBookmark(input: UpdateBookmarkInput!): UpdateBookmarkPayload @owner(of: "Bookmark", id: "input.id")
		deleteBookmark(input: DeleteBookmarkInput!): DeleteBookmarkPayload @owner(of: "Bookmark", id: "input.id")
	`},
	{"type User implements Node @key(fields: \"id\") {\n", "bookmarks(first: Int): BookmarkConnection @visible\n"},
	{"union _Entity = ", "Bookmark | "},
	{"scalar _Any\n", `
		type Bookmark implements Node @key(fields: "id") {
			id: ID! @visible
			url: URL @visible
			title: String @visible
			note: String @owner
			visibility: ProfileVisibility! @visible
			tags: [[Tag!]!] @visible
			user: User @visible
		}
		type Tag { name: String @inherited }
		type BookmarkConnection { edges: [BookmarkEdge!]! @inherited nodes: [Bookmark]! @inherited pageInfo: PageInfo! @inherited }
		type BookmarkEdge { cursor: String! @inherited node: Bookmark @inherited }
		input CreateBookmarkInput { url: URL! title: String note: String visibility: ProfileVisibility tags: [[String!]!] }
		input UpdateBookmarkInput { id: ID! url: URL title: String note: String visibility: ProfileVisibility tags: [[String!]!] }
		input DeleteBookmarkInput { id: ID! }
		type CreateBookmarkPayload { bookmark: Bookmark @inherited }
		type UpdateBookmarkPayload { bookmark: Bookmark @inherited }
		type DeleteBookmarkPayload { deletedBookmarkId: ID @inherited user: User @inherited }
	`},
}

// bookmarkWalls are the policies that the service would have behind these fields.
func bookmarkWalls() access.Walls {
	visible := func(name string) access.Wall { return access.Wall{Name: name, Admits: access.AdmitsVisible} }
	return access.Walls{
		Types:  map[string]access.Wall{"User": visible("users_select"), "Profile": visible("profiles_select"), "Bookmark": visible("bookmarks_select")},
		Fields: map[string][]access.Wall{"Bookmark.note": {{Name: "bookmark_private_select", Admits: access.AdmitsOwner}}},
	}
}

// withBookmarks is a stage of a fake service with this type. Its hook makes a bookmark of another kind at each sign-up.
func withBookmarks(t *testing.T, changes ...[2]string) (*stage, *fake) {
	t.Helper()
	s := extendedBehind(t, bookmarkWalls(), slices.Concat(bookmarks, changes)...)
	f := &fake{specification: s, hook: []string{"Bookmark"}}
	p := &stage{specification: s, ask: f.do, making: f.do, targets: map[string]*person{}}
	for _, visibility := range visibilities {
		p.targets[visibility] = p.make(t, visibility)
	}
	p.another = p.make(t, "MEMBERS")
	return p, f
}

// aboutBookmarks are the requests that reach bookmarks or what belongs to them, as far as the fake can answer them.
func (p *stage) aboutBookmarks() []request {
	return slices.DeleteFunc(p.requests(), func(r request) bool {
		last := r.path.rootField().def.Name
		if typ, _ := subjectOf(p.schema, r.path.rootField().def); r.path.isMutation() && typ != "Bookmark" && last != "signUp" {
			return true
		}
		if n := len(r.path.steps); n > 0 {
			last = r.path.steps[n-1].on.Name
		}
		return !strings.Contains(last, "ookmark") && last != "Tag"
	})
}

// A type that the tests have never seen is seeded, asked for on every path and judged without a line of test code.
func TestUnseenTypeIsProved(t *testing.T) {
	t.Parallel()
	p, _ := withBookmarks(t)
	for visibility, person := range p.targets {
		made := person.rows["Bookmark"]
		if made == nil || made.id == nil || made.canaries["note"] == "" || made.canaries["tags"] == "" || made.seed["visibility"] != visibility {
			t.Fatalf("the bookmark of the %s target was made with %+v", visibility, made)
		}
	}
	requests := p.aboutBookmarks()
	l := newLedger()
	for _, r := range requests { // one after the other: the fake has no locks
		l.add(p.judge(r))
	}
	findings := slices.DeleteFunc(l.incomplete(p.specification, nil), func(f finding) bool {
		return strings.HasSuffix(f.what, "no path leads to it") && !strings.Contains(f.what, "Bookmark") && !strings.Contains(f.what, "Tag")
	})
	expectNone(t, append(findings, l.faults...))
	for _, field := range []string{"Bookmark.note", "Bookmark.tags", "Tag.name", "BookmarkEdge.node", "Mutation.deleteBookmark"} {
		if l.cases[field] == 0 {
			t.Errorf("%s has no case", field)
		}
	}
}

// The judge finds each lie of a service about a type that it has not seen.
func TestJudgeFindsLies(t *testing.T) {
	t.Parallel()
	p, f := withBookmarks(t)
	others := f.owned("", "Bookmark", 1)
	for name, c := range map[string]struct {
		lie  func(field string, viewer access.Viewer, a *fakeAnswer)
		want string
	}{
		"the note is given to others": {func(field string, viewer access.Viewer, a *fakeAnswer) {
			if field == "Bookmark.note" && viewer == access.MemberVisibleTo {
				*a = fakeAnswer{value: "some note"}
			}
		}, "Bookmark.note has a value for member, visible-to, and should be refused: FORBIDDEN"},
		"the note is refused without an error": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Bookmark.note" && a.code != access.Value {
				a.code = ""
			}
		}, "Bookmark.note has the errors []"},
		"the note is refused with another code": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Bookmark.note" && a.code == "FORBIDDEN" {
				a.code = "NOT_FOUND"
			}
		}, "Bookmark.note has the errors [NOT_FOUND] for member, visible-to"},
		"the owner has no note": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Bookmark.note" {
				a.value = nil
			}
		}, "Bookmark.note has no positive twin"},
		"another bookmark is shown": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Query.bookmark" {
				a.value = others[0]
			}
		}, "Bookmark.id has another value than the row was made with"},
		"the title is another's": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Bookmark.title" && a.value != nil {
				a.value = "some title"
			}
		}, "Bookmark.title has another value than the row was made with"},
		"tags are not there": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Bookmark.tags" {
				a.value = []any{[]any{}}
			}
		}, "Tag.name has no positive twin"},
		"a tag without a name": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Tag.name" {
				a.value = nil
			}
		}, "Tag.name is null, and should have a value"},
		"anybody deletes": {func(field string, viewer access.Viewer, a *fakeAnswer) {
			if field == "Mutation.deleteBookmark" && a.code == "FORBIDDEN" {
				*a = fakeAnswer{value: fakeObject{typ: p.schema.Types["DeleteBookmarkPayload"]}}
			}
		}, "Mutation.deleteBookmark has a value for member, visible-to"},
		"the title has the note": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Bookmark.visibility" && a.value != nil {
				a.value = p.targets["PUBLIC"].rows["Bookmark"].canaries["note"]
			}
		}, "the seed of Bookmark note is in the reply to member, visible-to"},
		"no bookmark is made": {func(field string, _ access.Viewer, a *fakeAnswer) {
			if field == "Mutation.createBookmark" {
				*a = fakeAnswer{code: "BAD_USER_INPUT"}
			}
		}, "no Bookmark to ask about: createBookmark refuses its seed"},
	} {
		f.lie = c.lie
		l := newLedger()
		for _, r := range p.aboutBookmarks() {
			if len(r.path.steps) < 3 {
				l.add(p.judge(r))
			}
		}
		f.lie = nil
		found := causes(append(l.incomplete(p.specification, nil), l.faults...))
		if !slices.ContainsFunc(found, func(line string) bool { return strings.HasPrefix(line, c.want) }) {
			t.Errorf("%s: no finding begins with %q, the first of %d is %.600s", name, c.want, len(found), append(found, "none")[0])
		}
	}
}

// A row is made by the mutation for it: by name or, where the sign-up makes none, by what it returns.
func TestCreatorsFollowFromTheSchema(t *testing.T) {
	t.Parallel()
	keep := func(schema *ast.Schema) string {
		if c := factsOf(schema).creators["Bookmark"]; c != nil {
			return c.Name
		}
		return ""
	}
	if got := keep(extended(t, bookmarks...).schema); got != "createBookmark" {
		t.Errorf("bookmarks are made by %q", got)
	}
	other := [2]string{"\ntype Mutation {\n", "aaa: SaveBookmarkPayload @signedIn\n"}
	payload := [2]string{"scalar _Any\n", "type SaveBookmarkPayload { edge: BookmarkEdge @inherited }\n"}
	if got := keep(extended(t, append(slices.Clone(bookmarks), other, payload)...).schema); got != "createBookmark" {
		t.Errorf("bookmarks are made by %q, although one mutation is called create", got)
	}
	facts := factsOf(ownSpecification(t).schema)
	if len(facts.creators) != 0 || !facts.withSignUp["Profile"] || !facts.withSignUp["User"] || facts.withSignUp["Session"] {
		t.Errorf("of the service itself: made by %v, with a sign-up %v", facts.creators, facts.withSignUp)
	}
}
