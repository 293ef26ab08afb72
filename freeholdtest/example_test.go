package freeholdtest_test

import (
	"fmt"
	"testing"

	"freehold.dev/freehold/freeholdtest"
	"freehold.dev/freehold/modules"
)

// A test of your program proves all types with one call. Give a seed for each type whose input takes only special values, or whose
// rows no mutation creates.
func Example() {
	_ = func(m *testing.M) { freeholdtest.Main(m, modules.Program) } // TestMain
	_ = func(t *testing.T) {                                         // TestAccess
		freeholdtest.Run(t, modules.Program,
			freeholdtest.Seed{
				Type:   "Note",
				Values: map[string]func(n int) any{"CreateNoteInput.slug": func(n int) any { return fmt.Sprintf("note-%d", n) }},
			},
			freeholdtest.Seed{
				Type:   "Invoice", // a job creates invoices
				Insert: `INSERT INTO app.invoices (user_id, amount) VALUES ($1, 100) RETURNING id`,
			})
	}
}
