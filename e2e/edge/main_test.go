// Package edge proves what freehold does with requests before and after an operation runs: malformed and hostile ones, limits,
// origins, persisted documents, federation, telemetry.
package edge

import (
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }
