package operators

import (
	"regexp"
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// The command says what it would do to a database, what it has done, and how the versions of the database and of the build compare.
func TestMigrateSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	d := dbtest.NewEmpty(t, "")
	s := &harness.Service{T: t, DB: d}
	const (
		status = `SET +DATABASE +BUILD +STATUS\n`
		files  = `(  \d{4}_[a-z_]+\.sql\n)`
	)
	run := func(want string, args ...string) {
		t.Helper()
		output, ok := freehold(s, nil, append([]string{"migrate"}, args...)...)
		if !ok || !regexp.MustCompile(`^`+want+`$`).MatchString(output) {
			t.Errorf("freehold migrate %v: %q, want %q", args, output, want)
		}
	}
	run(status+`freehold +0 +(\d+) +\d+ migrations to run: .*\n`, "status")
	run(`freehold: would be migrated from 0 to \d+, with \d{3} new or changed functions\n`+files+`+`, "--dry-run")
	run(`freehold: migrated from 0 to \d+, with \d{3} new or changed functions\n` + files + `+`)
	run(status+`freehold +(\d+) +(\d+) +up to date; serves builds from \d+\n`, "status")
	run(`freehold: is up to date, at \d+\n`, "--dry-run")
	run(`freehold: up to date, at \d+\n`)
	s.DB.Query(t, `UPDATE migrations.function_files SET sha256 = '' WHERE name = 'viewer_id'`)
	run(status+`freehold +(\d+) +(\d+) +1 functions to change: .*\n`, "status")
	run(`freehold: migrated from (\d+) to (\d+), with 1 new or changed functions\n`)
	s.DB.Query(t, `COMMENT ON TABLE migrations.freehold IS '9999, serves builds from 2'`)
	run(status+`freehold +9999 +\d+ +newer; serves builds from 2, so this build can serve it\n`, "status")
	run(`freehold: up to date, by a newer build\n`)
	s.DB.Query(t, `COMMENT ON TABLE migrations.freehold IS '9999, serves builds from 9998'`)
	run(status+`freehold +9999 +\d+ +newer; serves builds from 9998, so this build cannot serve it: .*\n`, "status")
	if output, ok := freehold(s, nil, "migrate", "now"); ok {
		t.Errorf("an unknown argument: %s", output)
	}
}
