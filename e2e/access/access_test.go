// Package access proves over HTTP that each field answers by its rule to every viewer and on every path, with field rules and row
// policies together and with each alone.
package access

import (
	"database/sql"
	"testing"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/freeholdtest"
	"freehold.dev/freehold/internal/proof/core"
	"freehold.dev/freehold/internal/proof/stage"
	"freehold.dev/freehold/modules"
)

func TestMain(m *testing.M) { freeholdtest.Main(m, modules.Program) }

// Each field returns what the access matrix says: to each kind of viewer, about a target of each visibility, on each path that leads
// to the field's type, with both layers and with each alone. Each row policy does what is declared. If any rule or policy is
// weakened, a request notices (`make rules-score`).
func TestAccess(t *testing.T) {
	t.Parallel()
	freeholdtest.Run(t, modules.Program)
}

// newStage returns a service with people who have a value in every field.
func newStage(t testing.TB) *stage.Stage {
	t.Helper()
	return stage.New(t, stage.Program{Program: harness.Program, Facts: core.Facts()})
}

func open(t testing.TB, url string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

func viewerOf(t testing.TB, token string) auth.Viewer {
	t.Helper()
	return stage.ViewerOf(t, token)
}
