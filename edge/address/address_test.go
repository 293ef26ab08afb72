package address

import "testing"

func TestInvalidProxiesAreRefused(t *testing.T) {
	t.Parallel()
	for _, list := range [][]string{{"10.0.0.0/33"}, {"proxy.example.org"}, {""}, {"::ffff:10.0.0.0/104"}} {
		if _, ok := ParseProxies(list); ok {
			t.Errorf("%q was accepted", list)
		}
	}
}
