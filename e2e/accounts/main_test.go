// Package accounts proves over HTTP what happens to accounts: sign-up, verification, recovery, changes, deletion, and what
// strangers cannot take or learn.
package accounts

import (
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }
