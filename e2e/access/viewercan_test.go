package access

import (
	"strings"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// viewerCan costs no statement, for any number of rows.
func TestViewerCanCostsNoStatement(t *testing.T) {
	t.Parallel()
	var statements atomic.Int64
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Observe: func(string) { statements.Add(1) }})
	another := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	s.SignUp(harness.Vars{"visibility": "MEMBERS"})
	s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	count := func(field string) int64 {
		before := statements.Load()
		if r := s.Do(another.Token, `{ profiles { nodes { id `+field+` } } }`, nil); len(r.Errors) > 0 || field != "" && strings.Count(r.Body, "viewerCan") < 3 {
			t.Errorf("%s", r.Body)
		}
		return statements.Load() - before
	}
	count("") // prepares the statements of the first request
	if without, with := count(""), count("viewerCan { actions see edit }"); with != without {
		t.Errorf("%d statements with viewerCan, %d without", with, without)
	}
}
