package owned

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
)

// Ref refers to a row by one of its keys. The zero Ref refers to no row.
type Ref struct {
	Type string // "" for a row of any type, which takes an ID
	Name string // of a further key; "" for the id
	ID   uuid.UUID
	Key  string // normalised; "" for a text that cannot be a key
}

// IsZero reports whether the Ref refers to no row.
func (r Ref) IsZero() bool { return r.ID == uuid.Nil && r.Key == "" }

// Ref returns the reference to a row of the type by a key that a client sent, such as an id or a username. For a text that cannot be a
// key, the reference matches no row.
func (t *Type) Ref(name, text string) Ref {
	if name == "id" {
		id, _ := auth.ParseID(text) // otherwise the zero id, which no row has
		return Ref{Type: t.Name, ID: id}
	}
	key, ok := t.Keys[name].Read(text)
	if !ok {
		key = ""
	}
	return Ref{Type: t.Name, Name: name, Key: key}
}

// FindRefs returns, for each list of references, the row that matches all of them, or nil if the viewer sees none. It runs one query
// for each type and key, in one transaction.
func (r *Registry) FindRefs(ctx context.Context, d *db.DB, viewer auth.Viewer, refs [][]Ref) (found []Row, err error) {
	err = d.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		found, err = r.findRefs(ctx, tx, refs)
		return err
	})
	return found, err
}

func (r *Registry) findRefs(ctx context.Context, tx *db.Tx, refs [][]Ref) ([]Row, error) {
	asked := map[Ref]map[Ref]bool{} // by type and name of the key
	for _, ref := range slices.Concat(refs...) {
		kind := Ref{Type: ref.Type, Name: ref.Name}
		if asked[kind] == nil {
			asked[kind] = map[Ref]bool{}
		}
		asked[kind][ref] = true
	}
	known := map[Ref]Row{}
	for kind, wanted := range asked {
		if err := r.byName[kind.Type].findRefs(ctx, tx, kind.Name, wanted, known); err != nil {
			return nil, err
		}
	}
	found := make([]Row, len(refs))
	for i := range refs {
		found[i] = only(known, refs[i])
	}
	return found, nil
}

// findRefs adds the rows with the wanted keys of one name to known.
func (t *Type) findRefs(ctx context.Context, tx *db.Tx, name string, wanted map[Ref]bool, known map[Ref]Row) error {
	var ids []uuid.UUID
	var keys []string
	for ref := range wanted {
		ids, keys = append(ids, ref.ID), append(keys, ref.Key)
	}
	if name == "" {
		rows, err := t.Rows(ctx, tx, ids)
		for _, row := range rows {
			known[Ref{Type: t.Name, ID: row.RowID()}] = row
		}
		return err
	}
	rows, err := t.Keys[name].Rows(ctx, tx, keys)
	for _, row := range rows {
		known[Ref{Type: t.Name, Name: name, Key: t.Keys[name].Of(row)}] = row
	}
	return err
}

// only returns the row that all references match; nil if they match different rows or none.
func only(known map[Ref]Row, refs []Ref) (row Row) {
	for i, ref := range refs {
		found := known[ref]
		if found == nil || i > 0 && found.RowID() != row.RowID() {
			return nil
		}
		row = found
	}
	return row
}

// Locate returns the row of a type whose id or further key is text; nil if the viewer sees none.
func (r *Registry) Locate(ctx context.Context, d *db.DB, viewer auth.Viewer, name, text string) (Row, error) {
	t := r.byName[name]
	refs := [][]Ref{{t.Ref("id", text)}}
	for _, key := range sortedKeys(t.Keys) {
		refs = append(refs, []Ref{t.Ref(key, text)})
	}
	found, err := r.FindRefs(ctx, d, viewer, refs)
	for _, row := range found {
		if row != nil {
			return row, err
		}
	}
	return nil, err
}

// TypeOf returns the type of a row; nil if no type has this struct.
func (r *Registry) TypeOf(row Row) *Type {
	for _, t := range r.types {
		if t.isModelOf(row) {
			return t
		}
	}
	return nil
}
