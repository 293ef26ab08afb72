package policies

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/stage"
)

// Run fails the test unless each row policy in the catalog is declared and does what the declaration says. The access matrix may
// name no other policy.
func Run(t *testing.T, program stage.Program) {
	t.Helper()
	s := stage.New(t, program)
	registry := program.Registry()
	stored := All(t, s.Maker.DB)
	p := New(t, s, registry)
	var faults []findings.Finding
	for _, policy := range stored {
		faults = append(faults, p.Check(t.Context(), policy)...)
	}
	isStored := func(name string) bool {
		return slices.ContainsFunc(stored, func(p Stored) bool { return p.Name == name })
	}
	for _, name := range slices.Sorted(maps.Keys(registry.Guards())) {
		if !isStored(name) {
			faults = append(faults, findings.Finding{What: "an owned type declares " + name + ", which is not in the catalog"})
		}
	}
	others := s.Maker.DB.Query(t, `SELECT oid::regproc::text FROM pg_proc WHERE prosecdef UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal`)
	for _, f := range program.Access().Fields {
		for _, name := range f.Policies {
			if !slices.Contains(others, name) && !isStored(name) {
				faults = append(faults, findings.Finding{
					What: fmt.Sprintf("the access matrix says that %s is protected by %s, which is neither a row policy nor a definer function or a trigger", f, name),
				})
			}
		}
	}
	findings.ExpectNone(t, faults)
}
