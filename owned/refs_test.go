package owned

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"freehold.dev/freehold/db"
)

type note struct {
	By

	slug string
}

// noteType finds notes among those of the test, and notes what it was asked for.
func noteType(all []*note, asked *[]string) Type {
	find := func(match func(*note) bool) []Row {
		var rows []Row
		for _, n := range all {
			if match(n) {
				rows = append(rows, n)
			}
		}
		return rows
	}
	return Declare(Type{
		Name: "Note", Model: &note{}, Table: db.Table{Name: "notes"},
		Rows: func(_ context.Context, _ *db.Tx, ids []uuid.UUID) ([]Row, error) {
			for _, id := range ids {
				*asked = append(*asked, id.String())
			}
			return find(func(n *note) bool { return slices.Contains(ids, n.ID) }), nil
		},
		Keys: map[string]Key{"slug": {
			Read: func(text string) (string, bool) { return strings.ToLower(text), text != "" },
			Of:   func(row Row) string { return row.(*note).slug },
			Rows: func(_ context.Context, _ *db.Tx, keys []string) ([]Row, error) {
				*asked = append(*asked, keys...)
				return find(func(n *note) bool { return slices.Contains(keys, n.slug) }), nil
			},
		}},
	})
}

// Each row is found by all of its keys, in any spelling. Each key is asked for once, and a text that cannot be a key is asked
// for like an unknown one.
func TestRefsAreFoundByAllTheirKeys(t *testing.T) {
	t.Parallel()
	a, b := &note{By: By{ID: uuid.New()}, slug: "a"}, &note{By: By{ID: uuid.New()}, slug: "b"}
	var asked []string
	r, err := NewRegistry(noteType([]*note{a, b}, &asked))
	if err != nil {
		t.Fatal(err)
	}
	n := r.Lookup("Note")
	id := func(text string) Ref { return n.Ref("id", text) }
	slug := func(text string) Ref { return n.Ref("slug", text) }
	for _, c := range []struct {
		name string
		refs []Ref
		want *note
	}{
		{"by id", []Ref{id(a.ID.String())}, a},
		{"by id, spelled otherwise", []Ref{id(strings.ToUpper(a.ID.String()))}, a},
		{"by another key", []Ref{slug("B")}, b},
		{"by both", []Ref{id(b.ID.String()), slug("b")}, b},
		{"by keys of two rows", []Ref{id(a.ID.String()), slug("b")}, nil},
		{"by a key that is unknown", []Ref{slug("c")}, nil},
		{"by one that is known and one that is not", []Ref{id(a.ID.String()), slug("c")}, nil},
		{"by no id", []Ref{id("x")}, nil},
		{"by no key", []Ref{slug("")}, nil},
		{"by nothing", nil, nil},
	} {
		asked = nil
		found, err := r.findRefs(t.Context(), nil, [][]Ref{c.refs, c.refs})
		if err != nil || len(found) != 2 {
			t.Fatalf("%s: %v, %v", c.name, found, err)
		}
		for _, row := range found {
			if got, _ := row.(*note); got != c.want {
				t.Errorf("%s: found %v, want %v", c.name, row, c.want)
			}
		}
		if len(asked) != len(c.refs) {
			t.Errorf("%s: asked for %q", c.name, asked)
		}
	}
}

// A type whose rows another subgraph has finds a row for every id, so nothing looks for nodes there. It has no table to check.
func TestRowsOfAnotherSubgraphAreNoNodes(t *testing.T) {
	t.Parallel()
	var asked []string
	far := noteType(nil, &asked)
	far.Name, far.Table, far.Remote = "Far", db.Table{}, true
	r, err := NewRegistry(noteType(nil, &asked), far)
	if err != nil {
		t.Fatal(err)
	}
	if local := r.local(); len(local) != 1 || local[0].Name != "Note" {
		t.Errorf("nodes are looked for among %v", local)
	}
	if tables := r.Lookup("Far").tables(); len(tables) > 0 {
		t.Errorf("it has the tables %v", tables)
	}
}
