package owned

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
)

// Registry has all owned types of a program.
type Registry struct {
	types  []*Type
	byName map[string]*Type
}

// NewRegistry returns the registry of these types. The error names each type with an invalid declaration, and its place.
func NewRegistry(types ...Type) (*Registry, error) {
	r := &Registry{byName: map[string]*Type{}}
	var faults []error
	for i := range types {
		t := &types[i]
		if other, twice := r.byName[t.Name]; twice {
			faults = append(faults, t.Fault("%s also declares this type", other.Where()))
			continue
		}
		faults = append(faults, t.check())
		r.types, r.byName[t.Name] = append(r.types, t), t
	}
	return r, errors.Join(faults...)
}

// Where returns the file and line of the type's declaration, the file with its folder.
func (t *Type) Where() string { return cmp.Or(t.at, "a module that does not use owned.Declare") }

// Fault returns an error about the declaration, with its place.
func (t *Type) Fault(format string, args ...any) error {
	return fmt.Errorf("%s: owned type %s: %s", t.Where(), t.Name, fmt.Sprintf(format, args...))
}

// check returns the errors of a declaration by itself.
func (t *Type) check() error {
	var faults []error
	if t.Rows == nil {
		faults = append(faults, t.Fault("Rows is missing: provide a function that finds rows by their ids"))
	}
	if t.Remote && t.Table.Name != "" {
		faults = append(faults, t.Fault("the rows are Remote, so Table has no meaning: leave one of them out"))
	}
	if !t.Remote && t.Table.Name == "" {
		faults = append(faults, t.Fault("Table is missing: describe the table of the rows"))
	}
	faults = append(faults, t.checkModel())
	for _, name := range sortedKeys(t.Keys) {
		if k := t.Keys[name]; k.Read == nil || k.Of == nil || k.Rows == nil {
			faults = append(faults, t.Fault("the key %s needs Read, Of and Rows", name))
		}
	}
	for _, name := range sortedKeys(t.Fields) {
		if t.Fields[name].Table.Name == "" {
			faults = append(faults, t.Fault("the field %s has no Table: describe the table that has its value", name))
		}
	}
	return errors.Join(faults...)
}

// checkModel returns an error if the Go struct is not owned, or disagrees with the table about who sees a row.
func (t *Type) checkModel() error {
	typ := reflect.TypeOf(t.Model)
	for typ != nil && typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ == nil || typ.Kind() != reflect.Struct {
		return t.Fault("Model is missing: give a value of its Go struct, such as &model.%s{}", t.Name)
	}
	if !reflect.PointerTo(typ).Implements(reflect.TypeFor[Row]()) {
		return t.Fault("%s is not owned: embed owned.By or owned.ByVisibility in it", typ)
	}
	embeds := func(other reflect.Type) bool {
		f, ok := typ.FieldByName(other.Name())
		return ok && f.Type == other
	}
	byVisibility, visible := typ == reflect.TypeFor[ByVisibility]() || embeds(reflect.TypeFor[ByVisibility]()), t.Table.Admits == db.AdmitsVisible
	switch {
	case t.Remote:
	case byVisibility && !visible:
		return t.Fault("%s embeds owned.ByVisibility, but Table does not have Admits: db.AdmitsVisible", typ)
	case !byVisibility && visible && embeds(reflect.TypeFor[By]()):
		return t.Fault("%s embeds owned.By, but Table has Admits: db.AdmitsVisible", typ)
	}
	return nil
}

// CheckDatabase returns an error that names each type whose tables are not protected in the database as declared.
func (r *Registry) CheckDatabase(ctx context.Context, d *db.DB) error {
	var tables []db.Table
	var types []*Type // of each table
	for _, t := range r.types {
		for _, table := range t.tables() {
			tables, types = append(tables, table), append(types, t)
		}
	}
	problems, err := d.CheckTables(ctx, tables)
	if err != nil {
		return err
	}
	var faults []error
	for i, problem := range problems {
		if problem != nil {
			faults = append(faults, types[i].Fault("%v", problem))
		}
	}
	return errors.Join(faults...)
}

// Types returns the types in the order of their declaration.
func (r *Registry) Types() []*Type { return slices.Clone(r.types) }

// Lookup returns the type of a GraphQL name; nil if it is not an owned type.
func (r *Registry) Lookup(name string) *Type { return r.byName[name] }

// Guards returns the policies of all tables of all types, by their names.
func (r *Registry) Guards() map[string]db.Policy {
	all := map[string]db.Policy{}
	for _, t := range r.types {
		for _, table := range t.tables() {
			for _, p := range table.Policies() {
				all[p.Name()] = p
			}
		}
	}
	return all
}

// Find returns the rows of a type with these ids that the viewer sees, by their ids.
func (r *Registry) Find(ctx context.Context, d *db.DB, viewer auth.Viewer, name string, ids []uuid.UUID) (map[uuid.UUID]Row, error) {
	return find(ctx, d, viewer, []*Type{r.byName[name]}, ids)
}

// FindNodes returns the rows of any type with these ids that the viewer sees, by their ids. It omits types whose rows another
// subgraph has. It always queries each type, so that an
// unknown id takes as long as a hidden one.
func (r *Registry) FindNodes(ctx context.Context, d *db.DB, viewer auth.Viewer, ids []uuid.UUID) (map[uuid.UUID]Row, error) {
	return find(ctx, d, viewer, r.local(), ids)
}

// local returns the types whose rows this database has.
func (r *Registry) local() []*Type {
	return slices.DeleteFunc(r.Types(), func(t *Type) bool { return t.Remote })
}

// find queries each of the types in one transaction.
func find(ctx context.Context, d *db.DB, viewer auth.Viewer, types []*Type, ids []uuid.UUID) (found map[uuid.UUID]Row, err error) {
	err = d.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		found = make(map[uuid.UUID]Row, len(ids))
		for _, t := range types {
			rows, err := t.Rows(ctx, tx, ids)
			if err != nil {
				return err
			}
			for _, row := range rows {
				found[row.RowID()] = row
			}
		}
		return nil
	})
	return found, err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
