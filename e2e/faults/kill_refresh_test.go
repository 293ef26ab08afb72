package faults

import (
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// R02: if the server is killed at any step of a refresh, the client can continue with the token that it has.
func TestServerKilledAtEachStepOfRefresh(t *testing.T) {
	t.Parallel()
	harness.EachWay(t, func(t *testing.T, start harness.Starter) {
		dir := t.TempDir() // one key for all
		s := start(t, "FREEHOLD_DATA_DIR="+dir)
		steps := 0
		for step := 1; step <= 10; step++ {
			a := s.SignUp(nil)
			victim := startVictim(t, s.DB, "app.refresh_session", step, dir)
			request := harness.Request{Query: harness.RefreshMutation, Vars: harness.Vars{"t": a.Refresh}}
			if s.ByCookie {
				b := harness.Browser{Service: victim, Refresh: a.Refresh}
				request = harness.Request{Header: b.Header(), Query: `{ __typename }`}
			}
			if r, err := victim.TrySend(t.Context(), request); err == nil {
				if len(r.Errors) > 0 || s.ByCookie && len(harness.SetCookies(r)) == 0 {
					t.Errorf("the surviving refresh failed: %s", r.Body)
				}
				break
			}
			steps++
			access, _, reason := s.Refresh(a.Refresh)
			if reason != "" {
				t.Errorf("killed before statement %d: the client is signed out: %s", step, reason)
				continue
			}
			s.ExpectMember(access, a.Email)
		}
		if steps < 2 {
			t.Errorf("only %d steps were killed", steps)
		}
	})
}
