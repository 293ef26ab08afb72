package app_test

import (
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/modules"
)

func TestMain(m *testing.M) { dbtest.Main(m, modules.MustProgram().Migrations()...) }

func TestSchemaIsValid(t *testing.T) {
	t.Parallel()
	if err := modules.MustProgram().CheckSchema(); err != nil {
		t.Error(err)
	}
}
