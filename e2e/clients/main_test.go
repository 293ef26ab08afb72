// Package clients proves that the clients and tools of others work with freehold, set up as their documentation and
// docs/frontends.md say: GraphQL clients, code generators, linters, proxies, front ends that render on a server.
package clients

import (
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }
