package policies

import (
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }
