package faults

import (
	"testing"
	"time"

	"freehold.dev/freehold/e2e/faults/load"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// The ledger notices what a fault could leave. Without that, TestFaults would prove nothing.
func TestLedgerNotices(t *testing.T) {
	t.Parallel()
	lost := func(r load.Result) []string { return r.Lost }
	half := func(r load.Result) []string { return r.Half }
	signedOut := func(r load.Result) []string { return r.SignedOut }
	wrong := func(r load.Result) []string { return r.Wrong }
	for what, c := range map[string]struct {
		tampering string
		list      func(load.Result) []string
	}{
		"a write that is lost":                  {`UPDATE app.profiles SET bio = 'another'`, lost},
		"an older write":                        {`UPDATE app.profiles SET bio = regexp_replace(bio, '^[0-9]+', '0')`, lost},
		"an account that is lost":               {`DELETE FROM app.users`, lost},
		"a mail that is lost":                   {`DELETE FROM app.outbox WHERE kind = 'reset_password'`, lost},
		"a session that survives its sign-out":  {`UPDATE app.sessions SET revoked_at = NULL, signed_out = false`, lost},
		"half an account":                       {`DELETE FROM app.profile_private`, half},
		"a session that has ended":              {`UPDATE app.sessions SET revoked_at = now()`, signedOut},
		"a token that counts as reused":         {`INSERT INTO app.security_events (user_id, kind) SELECT id, 'REFRESH_TOKEN_REUSED' FROM app.users`, signedOut},
		"a request that ran twice":              {`INSERT INTO app.outbox (id, kind, user_id, recipient) SELECT gen_random_uuid(), kind, user_id, recipient FROM app.outbox`, wrong},
		"a refused sign-up that left something": {`UPDATE app.user_private SET email = 'never-' || email`, wrong},
		"an account of nobody":                  {`UPDATE app.profiles SET username = username || 'x', username_key = username || 'x'`, wrong},
		"nothing":                               {`SELECT 1`, nil},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t)
			l := load.Start(load.Settings{Service: s, Seed: 3, Clients: 4, Pause: 2 * time.Millisecond, Mails: true})
			eventually.True(t, time.Minute, "the clients have done everything", func() bool {
				requests, _ := l.Counts()
				return requests > 120
			})
			l.Stop()
			s.DB.Query(t, c.tampering)
			r := l.Check()
			if c.list == nil {
				if len(r.Lost)+len(r.Half)+len(r.SignedOut)+len(r.Wrong)+r.Failed > 0 {
					t.Errorf("nothing has failed, and the ledger says %+v", r)
				}
			} else if len(c.list(r)) == 0 {
				t.Errorf("the ledger does not notice it: %+v", r)
			}
		})
	}
}
