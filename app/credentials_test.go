package app

import (
	"testing"

	"freehold.dev/freehold/app/config"
)

// A misspelled scope would need no second factor, so it is an error.
func TestScopesThatNeedTwoFactorsAreKnown(t *testing.T) {
	t.Parallel()
	p := &Program{modules: []Module{{Scopes: map[string]string{"notes:moderate": "", "accounts:read": ""}}}}
	for value, want := range map[string]string{
		"": "", "*": "", " , ": "", "accounts:read, notes:moderate": "", "accounts:reed": `FREEHOLD_REQUIRE_MFA: this program has no scope "accounts:reed"; it has ["accounts:read" "notes:moderate"]`,
	} {
		c, err := config.Load([]string{"FREEHOLD_REQUIRE_MFA=" + value})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.checkStrongScopes(c); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
}
