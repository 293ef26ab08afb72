package organisations

import (
	"strings"
	"testing"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// What is valid is stored, and what is not gets an error that names the field. Access is tested for all types at once, in the
// program's own test.
func TestChangesAreValidated(t *testing.T) {
	t.Parallel()
	if err := (&changes{}).validate(); err != nil {
		t.Errorf("no change: %v", err)
	}
	for name, c := range map[string]changes{
		"name is cleared":  {Name: db.Patch[string]{Set: true}},
		"name is too long": {Name: db.SetTo(strings.Repeat("x", 1001))},
	} {
		if err := c.validate(); !fault.Is(err, fault.BadUserInput) {
			t.Errorf("%s: %v; want BAD_USER_INPUT", name, err)
		}
	}
}
