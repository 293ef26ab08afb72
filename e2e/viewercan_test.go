package e2e

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"freehold/app"
	"freehold/db/dbtest"
)

// viewerCan promises an action exactly where its mutation is let through, for each viewer and visibility, and costs no
// query, however many rows are asked for.
func TestViewerCanIsWhatTheMutationsDo(t *testing.T) {
	t.Parallel()
	var statements atomic.Int64
	s := startWith(t, dbtest.New(t), bothWalls, app.Options{UnsafeCheapPasswords: true, Observe: func(string) { statements.Add(1) }})
	another := s.signUp(vars{"visibility": "PUBLIC"})
	asked := 0
	for _, visibility := range []string{"PRIVATE", "MEMBERS", "PUBLIC"} {
		v := s.signUp(vars{"visibility": visibility})
		for who, token := range map[string]string{"owner": v.Token, "another": another.Token, "nobody": ""} {
			var data struct {
				Profile *struct{ ViewerCan []string }
			}
			s.do(token, `{ profile(username: "`+v.Username+`") { viewerCan } }`, nil).into(t, &data)
			if data.Profile == nil {
				continue // hidden: there is nothing to draw buttons for
			}
			asked++
			updated := s.do(token, `mutation { updateProfile(input: {id: "`+v.ProfileID+`"}) { profile { id } } }`, nil)
			if got, want := fmt.Sprint(data.Profile.ViewerCan), map[bool]string{true: "[UPDATE]", false: "[]"}[len(updated.Errors) == 0]; got != want {
				t.Errorf("%s of a %s profile can %s, and updateProfile says %s", who, visibility, got, updated.Body)
			}
		}
	}
	if asked != 6 {
		t.Errorf("%d viewers saw a profile, want 6", asked)
	}
	count := func(field string) int64 {
		before := statements.Load()
		if r := s.do(another.Token, `{ profiles { nodes { id `+field+` } } }`, nil); len(r.Errors) > 0 || field != "" && strings.Count(r.Body, field) < 3 {
			t.Errorf("%s", r.Body)
		}
		return statements.Load() - before
	}
	count("") // prepares what is asked the first time
	if without, with := count(""), count("viewerCan"); with != without {
		t.Errorf("%d statements with viewerCan, %d without", with, without)
	}
}
