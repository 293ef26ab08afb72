// Package faults proves that freehold keeps its promises when something fails: a killed server, a silent database, a standby, an
// old build beside a new one, clients that hang up.
package faults

import (
	"os"
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		serveUntilKilled()
		return
	}
	dbtest.Main(m, harness.Program.Migrations()...)
}
