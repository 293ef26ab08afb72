// Package scan scans the rows of lib/pq into values. It owns what sqlx and database/sql would do slowly: they find each field of each
// row by reflection and take locks for each row, which was a third of the work of a page of 50 rows. It must not know queries or
// connections.
package scan

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx/reflectx"
)

// scanner maps the columns of a query to the fields of a type.
type scanner struct {
	fields [][]int // of a struct, by column; nil for a type that takes one column
}

type scannerKey struct {
	typ   reflect.Type
	query string
}

var scanners sync.Map // of scannerKey

// scannerOf returns the scanner of a type for a query. The tag db of a struct's field names its column.
func scannerOf(mapper *reflectx.Mapper, typ reflect.Type, query string, columns []string) (*scanner, error) {
	key := scannerKey{typ, query}
	if known, ok := scanners.Load(key); ok {
		return known.(*scanner), nil
	}
	s := &scanner{}
	if isValue(typ) {
		if len(columns) != 1 {
			return nil, fmt.Errorf("scan %d columns into one %v", len(columns), typ)
		}
	} else {
		s.fields = mapper.TraversalsByName(typ, columns)
		for i, path := range s.fields {
			if len(path) == 0 {
				return nil, fmt.Errorf("%v has no field for the column %s", typ, columns[i])
			}
		}
	}
	scanners.Store(key, s)
	return s, nil
}

// isValue reports whether a type takes one column.
func isValue(typ reflect.Type) bool {
	return typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() || reflect.PointerTo(typ).Implements(reflect.TypeFor[sql.Scanner]())
}

// One scans the first row into the value that dest points to; sql.ErrNoRows if there is none.
func One(mapper *reflectx.Mapper, query string, rows driver.Rows, dest any) error {
	into := reflect.ValueOf(dest).Elem()
	s, err := scannerOf(mapper, into.Type(), query, rows.Columns())
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(rows.Columns()))
	switch err := rows.Next(row); {
	case errors.Is(err, io.EOF):
		return sql.ErrNoRows
	case err != nil:
		return err
	}
	return s.scan(row, into)
}

// All replaces the slice that dest points to with all rows.
func All(mapper *reflectx.Mapper, query string, rows driver.Rows, dest any) error {
	slice := reflect.ValueOf(dest).Elem()
	s, err := scannerOf(mapper, slice.Type().Elem(), query, rows.Columns())
	if err != nil {
		return err
	}
	slice.SetLen(0)
	row := make([]driver.Value, len(rows.Columns()))
	for n := 0; ; n++ {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if n == slice.Cap() {
			slice.Grow(max(8, n))
		}
		slice.SetLen(n + 1)
		slice.Index(n).SetZero()
		if err := s.scan(row, slice.Index(n)); err != nil {
			return err
		}
	}
}

func (s *scanner) scan(row []driver.Value, into reflect.Value) error {
	if s.fields == nil {
		return assign(into, row[0])
	}
	for i, path := range s.fields {
		if err := assign(into.FieldByIndex(path), row[i]); err != nil {
			return err
		}
	}
	return nil
}

// assign sets a field to a value from lib/pq. Only pointers, slices and sql.Scanners accept NULL.
func assign(field reflect.Value, value driver.Value) error {
	switch f := field.Addr().Interface().(type) {
	case *string:
		switch v := value.(type) {
		case string:
			*f = v
			return nil
		case []byte:
			*f = string(v)
			return nil
		}
	case **string:
		if v, ok := value.(string); ok {
			*f = &v
			return nil
		}
	case *uuid.UUID:
		if v, ok := value.([]byte); ok {
			id, err := uuid.ParseBytes(v)
			*f = id
			return err
		}
		return f.Scan(value)
	case *[]byte:
		if v, ok := value.([]byte); ok {
			*f = bytes.Clone(v)
			return nil
		}
	case sql.Scanner:
		return f.Scan(value)
	}
	return assignKind(field, value)
}

func assignKind(field reflect.Value, value driver.Value) error {
	switch v := value.(type) {
	case nil:
		if kind := field.Kind(); kind == reflect.Pointer || kind == reflect.Slice {
			field.SetZero()
			return nil
		}
		return fmt.Errorf("scan NULL into a %v", field.Type())
	case int64:
		if field.CanInt() && !field.OverflowInt(v) {
			field.SetInt(v)
			return nil
		}
	case bool:
		if field.Kind() == reflect.Bool {
			field.SetBool(v)
			return nil
		}
	case string:
		if field.Kind() == reflect.String {
			field.SetString(v)
			return nil
		}
	}
	if given := reflect.ValueOf(value); given.Type().AssignableTo(field.Type()) {
		field.Set(given)
		return nil
	}
	if field.Kind() == reflect.Pointer {
		elem := reflect.New(field.Type().Elem())
		field.Set(elem)
		return assign(elem.Elem(), value)
	}
	return fmt.Errorf("scan a %T into a %v", value, field.Type())
}
