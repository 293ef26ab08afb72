package directives

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

// argumentIDs returns the ids at a path of a field's arguments, such as input, id: one, or those of a list. It returns none if the
// argument is absent. An explicit null is an error.
func argumentIDs(ctx context.Context, path []string) ([]uuid.UUID, error) {
	v, present := argumentAt(ctx, path)
	if !present {
		return nil, nil
	}
	where := strings.Join(path, ".")
	if v.Kind() != reflect.Slice || v.IsNil() {
		id, err := readID(where, v)
		return []uuid.UUID{id}, err
	}
	ids := make([]uuid.UUID, v.Len())
	for i := range ids {
		var err error
		if ids[i], err = readID(fmt.Sprintf("%s.%d", where, i), v.Index(i)); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// isPresent reports whether a client gave a value, or null, at a path of a field's arguments.
func isPresent(ctx context.Context, path []string) bool {
	_, present := argumentAt(ctx, path)
	return present
}

// argumentAt returns the value at a path of a field's arguments, and whether it is present. It reads the coerced values. The raw
// values show only whether an argument is present, since they differ between literals and variables.
func argumentAt(ctx context.Context, path []string) (v reflect.Value, present bool) {
	field := graphql.GetFieldContext(ctx)
	if _, present := field.Field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)[path[0]]; !present {
		return v, false
	}
	v = reflect.ValueOf(field.Args[path[0]])
	for _, step := range path[1:] {
		if v, present = inputField(v, step); !present {
			return v, false
		}
	}
	return v, true
}

func readID(where string, v reflect.Value) (uuid.UUID, error) {
	text, null, ok := stringOf(v)
	switch {
	case null:
		return uuid.Nil, fault.Input(where, "NULL", "The id must not be null. Omit it instead.")
	case !ok:
		return uuid.Nil, fmt.Errorf("@owner: the argument %s is a %s, not an ID", where, v.Kind())
	}
	id, ok := auth.ParseID(text)
	if !ok {
		return uuid.Nil, fault.Input(where, "INVALID", "This is not a valid id.")
	}
	return id, nil
}

// omittable is gqlgen's graphql.Omittable[T] for any T.
type omittable interface{ IsSet() bool }

// inputField returns the field of an input object that has this GraphQL name, and whether it is present. A nullable
// parent that is null has no fields.
func inputField(v reflect.Value, name string) (reflect.Value, bool) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return v, false
		}
		v = v.Elem()
	}
	for i := range v.NumField() {
		tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if tag != name {
			continue
		}
		field := v.Field(i)
		if o, ok := field.Interface().(graphql.Omittable[*string]); ok { // most are; reflection is slower
			return reflect.ValueOf(o.Value()), o.IsSet()
		}
		if o, ok := field.Interface().(omittable); ok {
			return field.MethodByName("Value").Call(nil)[0], o.IsSet()
		}
		return field, true
	}
	return v, false
}

// stringOf returns the text of a string or a pointer to one. A nil pointer or list is null.
func stringOf(v reflect.Value) (text string, null, ok bool) {
	if kind := v.Kind(); (kind == reflect.Pointer || kind == reflect.Slice) && v.IsNil() {
		return "", true, true
	}
	if v.Kind() == reflect.Pointer {
		return stringOf(v.Elem())
	}
	return v.String(), false, v.Kind() == reflect.String
}
