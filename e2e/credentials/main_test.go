// Package credentials proves over HTTP what happens to the credentials of accounts, of whatever kind: who sees them, how they are
// removed, and when a stranger's are deleted.
package credentials

import (
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }
