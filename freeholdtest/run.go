// Package freeholdtest proves the access rules of a program that is built on freehold. It owns the API of the proof: what you call
// in a test of your program, and what you say about types that the schema says too little about. It must not know how the proof
// works, nor any particular type.
//
// The proof is generated from the program's schema, its access matrix and its owned types. A new field, or a new type with a
// mutation that creates a row, needs no line of test code:
//
//	func TestMain(m *testing.M) { freeholdtest.Main(m, modules.Program) }
//
//	func TestAccess(t *testing.T) { freeholdtest.Run(t, modules.Program) }
//
// A failure names the cause, how many requests have it, and what to add where: a [Seed] of the test, a rule of the schema, or a
// row policy of a migration. Missing seeds come first.
package freeholdtest

import (
	"fmt"
	"os"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/core"
	"freehold.dev/freehold/internal/proof/disabled"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/people"
	"freehold.dev/freehold/internal/proof/permissions"
	"freehold.dev/freehold/internal/proof/policies"
	"freehold.dev/freehold/internal/proof/score"
	"freehold.dev/freehold/internal/proof/stage"
)

// Main runs the tests of a package with a private PostgreSQL, whose databases have the migrations of the program, and exits. Call
// it from TestMain. PostgreSQL's server binaries must be on the machine.
func Main(m *testing.M, program func() (*app.Program, error)) {
	p, err := program()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if p.IsSubgraph() {
		dbtest.Main(m) // each service gets a database of its own kind
	}
	dbtest.Main(m, p.Migrations()...)
}

// Run proves that each field of the program's schema answers each kind of viewer as its access matrix says. TestMain must call
// [Main]. Run takes about a minute. It runs these subtests, the first one alone and the others in parallel:
//
//   - seeds creates a person with a row of each owned type, and a value for each argument. If something is missing, the others do
//     not run.
//   - fields requests each field on each path that leads to it, as each kind of viewer, about rows of each visibility: with field
//     rules and row policies together, and with each alone. In a schema with very many paths, it takes the shorter ones.
//   - permissions compares viewerCan of each row with what the service permits each viewer.
//   - disabled disables the owners of rows, and requests these rows as everyone else.
//   - policies tries each row policy directly, with every command, and compares it with the declaration of its table.
//   - score weakens each field rule and each row policy in turn, and fails if no request of the proof notices. It does not run with
//     the flag -short.
//
// The people of a second subgraph have tokens that the test issues, and no accounts.
//
// Give a seed for each type about which a failure asks for one.
func Run(t *testing.T, program func() (*app.Program, error), seeds ...Seed) {
	t.Helper()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var facts []people.Facts
	if !p.IsSubgraph() {
		facts = append(facts, core.Facts())
	}
	for _, s := range seeds {
		if err := s.check(p); err != nil {
			t.Fatal(err)
		}
		facts = append(facts, s.facts())
	}
	tried := stage.Program{Program: p, Facts: people.Join(facts...)}
	seeded := t.Run("seeds", func(t *testing.T) {
		findings.ExpectNone(t, stage.New(t, tried).Missing(t))
	})
	if !seeded {
		return
	}
	t.Run("fields", func(t *testing.T) {
		t.Parallel()
		fields(t, tried)
	})
	t.Run("permissions", func(t *testing.T) {
		t.Parallel()
		permissions.Run(t, tried)
	})
	t.Run("disabled", func(t *testing.T) {
		t.Parallel()
		disabled.Run(t, tried)
	})
	t.Run("policies", func(t *testing.T) {
		t.Parallel()
		policies.Run(t, tried)
	})
	if !testing.Short() {
		t.Run("score", func(t *testing.T) {
			t.Parallel()
			score.Run(t, tried)
		})
	}
}

// fields requests every field, with both layers and with each alone.
func fields(t *testing.T, program stage.Program) {
	t.Helper()
	for _, w := range []harness.Layers{harness.BothLayers, harness.RulesAlone, harness.PoliciesAlone} {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			s := stage.New(t, program).Behind(t, w)
			l := s.Run(s.Requests())
			t.Logf("%s: %s", w, l.Summary())
			findings.ExpectNone(t, append(l.Incomplete(s.Specification), l.Faults...))
		})
	}
}
