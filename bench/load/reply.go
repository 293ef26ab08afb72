package load

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A Failure is an error that a reply must have.
type Failure struct {
	Path    string // "profiles.nodes.3.birthday"
	Code    string // of extensions; "" for a server that has none
	Message string // "" for any
}

// Compare returns an error unless a GraphQL reply has exactly this data and these errors, in any order. The data consists of
// maps, slices, strings, bools, float64s and nil.
func Compare(body []byte, data any, failures []Failure) error {
	var reply struct {
		Data   any
		Errors []struct {
			Message    string
			Path       []any
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return fmt.Errorf("read the reply: %w", err)
	}
	if !reflect.DeepEqual(reply.Data, data) {
		want, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("print the data: %w", err)
		}
		return fmt.Errorf("the data is not %s", want)
	}
	got := make([]Failure, len(reply.Errors))
	for i, e := range reply.Errors {
		path := make([]string, len(e.Path))
		for j, part := range e.Path {
			path[j] = fmt.Sprint(part)
		}
		got[i] = Failure{Path: strings.Join(path, "."), Code: e.Extensions.Code, Message: e.Message}
	}
	byPath := func(a, b Failure) int { return strings.Compare(a.Path, b.Path) }
	slices.SortFunc(got, byPath)
	want := slices.SortedFunc(slices.Values(failures), byPath)
	fits := func(got, want Failure) bool {
		return got.Path == want.Path && got.Code == want.Code && (want.Message == "" || got.Message == want.Message)
	}
	if !slices.EqualFunc(got, want, fits) {
		return fmt.Errorf("the errors are %v, not %v", got, want)
	}
	return nil
}
