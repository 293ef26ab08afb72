package reply

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"freehold.dev/freehold/fault"
)

// maxErrorBytes bounds the errors of a reply.
const maxErrorBytes = 64 << 10

// encodeErrors sorts errors by their paths, since fields run concurrently and fail in any order, and encodes them as JSON. It cuts a
// list that is too large, and adds an error with the number of those that it omits.
func encodeErrors(errs gqlerror.List) (bounded gqlerror.List, text []byte) {
	slices.SortStableFunc(errs, func(a, b *gqlerror.Error) int { return ComparePaths(a.Path, b.Path) })
	if len(errs) == 0 {
		return errs, []byte("null")
	}
	const usual = 192 // bytes of an error
	text = append(make([]byte, 0, usual*min(len(errs), 100)), '[')
	size := 0 // without the commas
	for i, err := range errs {
		if i > 0 {
			text = append(text, ',')
		}
		begun := len(text)
		var ok bool
		text, ok = appendError(text, err)
		if size += len(text) - begun; size > maxErrorBytes || !ok {
			rest := &gqlerror.Error{Message: fmt.Sprintf("There are %d more errors.", len(errs)-i), Extensions: map[string]any{"code": err.Extensions["code"]}}
			text, _ = appendError(text[:begun], rest)
			errs = append(errs[:i:i], rest)
			break
		}
	}
	return errs, append(text, ']')
}

// appendError writes an error as encoding/json does. It returns false if the extensions cannot be written.
func appendError(b []byte, e *gqlerror.Error) (_ []byte, ok bool) {
	b = appendText(append(b, `{"message":`...), e.Message)
	for i, step := range e.Path {
		if i == 0 {
			b = append(b, `,"path":[`...)
		} else {
			b = append(b, ',')
		}
		switch step := step.(type) {
		case ast.PathName:
			b = appendText(b, string(step))
		case ast.PathIndex:
			b = strconv.AppendInt(b, int64(step), 10)
		}
	}
	if len(e.Path) > 0 {
		b = append(b, ']')
	}
	for i, at := range e.Locations {
		if i == 0 {
			b = append(b, `,"locations":[`...)
		} else {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"line":`...), int64(at.Line), 10)
		b = append(strconv.AppendInt(append(b, `,"column":`...), int64(at.Column), 10), '}')
	}
	if len(e.Locations) > 0 {
		b = append(b, ']')
	}
	switch code, only := e.Extensions["code"].(fault.Code); {
	case len(e.Extensions) == 0:
	case only && len(e.Extensions) == 1: // most refusals
		b = append(appendText(append(b, `,"extensions":{"code":`...), string(code)), '}')
	default:
		text, err := json.Marshal(e.Extensions)
		if err != nil {
			return b, false
		}
		b = append(append(b, `,"extensions":`...), text...)
	}
	return append(b, '}'), true
}

// appendText writes a string as encoding/json does.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || mayEscape[c] {
			quoted, err := json.Marshal(text)
			if err != nil {
				panic(err) // a string always encodes
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// ComparePaths orders the paths of a reply as the reply has them, list entries by their index.
func ComparePaths(a, b ast.Path) int { return slices.CompareFunc(a, b, compareSteps) }

func compareSteps(a, b ast.PathElement) int {
	switch a := a.(type) {
	case ast.PathIndex:
		if b, ok := b.(ast.PathIndex); ok {
			return cmp.Compare(a, b)
		}
	case ast.PathName:
		if b, ok := b.(ast.PathName); ok {
			return cmp.Compare(a, b)
		}
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
