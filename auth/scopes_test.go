package auth

import "testing"

func TestScopesMeet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scopes Scopes
		anyOf  [][]string
		want   bool
	}{
		{"", [][]string{{"a"}}, false},
		{"a", [][]string{{"a"}}, true},
		{"a b", [][]string{{"b"}}, true},
		{"ab", [][]string{{"a"}}, false},
		{"a", [][]string{{"a", "b"}}, false},
		{"b a", [][]string{{"a", "b"}}, true},
		{"c", [][]string{{"a", "b"}, {"c"}}, true},
		{"a", nil, false},
		{"a", [][]string{{}}, false},
	} {
		if got := c.scopes.Meets(c.anyOf); got != c.want {
			t.Errorf("%q meets %v: %v, want %v", c.scopes, c.anyOf, got, c.want)
		}
	}
}
