package directives

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold/auth"
	"freehold/fault"
)

// argumentID returns the id at a path of a field's arguments, such as "input.id", and whether it was given: an absent
// field is not given, an explicit null is an error. It reads the coerced values; the raw ones differ by whether the id
// came as a literal or a variable, and serve only to tell whether an argument was given at all.
func argumentID(ctx context.Context, path string) (id uuid.UUID, given bool, err error) {
	field := graphql.GetFieldContext(ctx)
	first, rest, _ := strings.Cut(path, ".")
	if _, present := field.Field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)[first]; !present {
		return uuid.Nil, false, nil
	}
	v := reflect.ValueOf(field.Args[first])
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, ".")
		var present bool
		if v, present = inputField(v, name); !present {
			return uuid.Nil, false, nil
		}
	}
	text, null, ok := stringOf(v)
	switch {
	case !ok:
		return uuid.Nil, false, fmt.Errorf("@owner: the argument %s is a %s, not an ID", path, v.Type())
	case null:
		return uuid.Nil, false, fault.Input(path, "NULL", "The id may be left out, but it can't be null.")
	}
	if id, ok = auth.ParseID(text); !ok {
		return uuid.Nil, false, fault.Input(path, "INVALID", "This is not an id.")
	}
	return id, true, nil
}

// omittable is gqlgen's graphql.Omittable[T], whatever its T.
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
		if o, ok := field.Interface().(omittable); ok {
			return field.MethodByName("Value").Call(nil)[0], o.IsSet()
		}
		return field, true
	}
	return v, false
}

// stringOf returns the text of a string or a pointer to one.
func stringOf(v reflect.Value) (text string, null, ok bool) {
	if v.Kind() == reflect.Pointer {
		if v.Type().Elem().Kind() != reflect.String {
			return "", false, false
		}
		if v.IsNil() {
			return "", true, true
		}
		v = v.Elem()
	}
	return v.String(), false, v.Kind() == reflect.String
}
