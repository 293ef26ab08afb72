package literal_test

import (
	"errors"
	"strings"
	"testing"

	"freehold.dev/freehold/db/literal"
)

func inline(query string, args ...any) (string, error) {
	var text strings.Builder
	err := literal.Inline(&text, query, args)
	return text.String(), err
}

// A text that PostgreSQL cannot store is an error, and so are other types and missing arguments.
func TestTextsThatAreNotInlined(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a\x00", "\x00", "\xff", "a\xc3"} {
		if query, err := inline(`SELECT $1`, text); !errors.Is(err, literal.ErrNotStorable) || strings.Contains(query, "'") {
			t.Errorf("%q became %q: %v", text, query, err)
		}
	}
	for _, arg := range []any{[]string{"x"}, struct{}{}} {
		if query, err := inline(`SELECT $1`, arg); err == nil {
			t.Errorf("%v became %q", arg, query)
		}
	}
	for _, query := range []string{`SELECT $2`, `SELECT $0`, `SELECT $x`, `SELECT $`} {
		if query, err := inline(query, "a"); err == nil {
			t.Errorf("got %q", query)
		}
	}
}
