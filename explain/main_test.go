package explain

import (
	"testing"

	"freehold.dev/freehold/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }
