// Package access proves over HTTP that each field answers by its rule to every viewer and on every path, with field rules and row
// policies together and with each alone.
package access

import (
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }
