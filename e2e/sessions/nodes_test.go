package sessions

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

const sessionNode = `query ($id: ID!) { node(id: $id) { __typename id ... on Session { device ip createdAt lastUsedAt expiresAt current } } }`

// Only its owner finds a live session by its id. For other viewers, and once it has ended, it looks like an unknown id.
func TestSessionsAreNodes(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, another := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil)
	phone := signInFrom(s, "Phone", a.Email)
	list := sessions(s, phone).Me.Sessions.Nodes
	for i, x := range list {
		want := fmt.Sprintf(`{"node":{"__typename":"Session","id":%q,"device":%q,"ip":%q,"createdAt":%q,"lastUsedAt":%q,"expiresAt":%q,"current":%t}}`,
			x.ID, x.Device, x.IP, x.CreatedAt, x.LastUsedAt, x.ExpiresAt, i == 0)
		if r := s.Must(phone, sessionNode, harness.Vars{"id": strings.ToUpper(x.ID)}); string(r.Data) != want {
			t.Errorf("got  %s\nwant %s", r.Data, want)
		}
	}
	mine, laptop := list[0].ID, list[1].ID
	r := s.Must(phone, `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`, harness.Vars{"ids": []string{laptop, a.UserID, "x", mine, a.ProfileID, sessions(s, another.Token).Me.Sessions.Nodes[0].ID}})
	if want := fmt.Sprintf(`{"nodes":[{"__typename":"Session","id":%q},{"__typename":"User","id":%q},null,{"__typename":"Session","id":%q},{"__typename":"Profile","id":%q},null]}`,
		laptop, a.UserID, mine, a.ProfileID); string(r.Data) != want {
		t.Errorf("got  %s\nwant %s", r.Data, want)
	}
	revoked := sessions(s, signInFrom(s, "Tablet", a.Email)).Me.Sessions.Nodes[0].ID
	s.Must(phone, revokeSession, harness.Vars{"id": revoked})
	expired := sessions(s, signInFrom(s, "Watch", a.Email)).Me.Sessions.Nodes[0].ID
	s.DB.Query(t, `UPDATE app.sessions SET idle_expires_at = now() WHERE id = $1`, expired)
	for what, c := range map[string]struct{ token, id string }{
		"another's": {another.Token, mine}, "by an anonymous viewer": {"", mine}, "revoked": {phone, revoked}, "expired": {phone, expired},
		"missing": {phone, "3b241101-e2bb-4255-8caf-4136c566a962"}, "malformed": {phone, "../../" + mine}, "with a prefix": {phone, "Session:" + mine},
	} {
		if r := s.Do(c.token, sessionNode, harness.Vars{"id": c.id}); strings.TrimSpace(r.Body) != `{"data":{"node":null}}` || r.Status != 200 {
			t.Errorf("%s: %s", what, r.Body)
		}
	}
	if r := s.Do(phone, `query ($r: [_Any]!) { _entities(representations: $r) { __typename } }`, harness.Vars{"r": []harness.Vars{{"__typename": "Session", "id": mine}}}); r.Code() != "BAD_USER_INPUT" {
		t.Errorf("a session is no entity: %s", r.Body)
	}
}

// Another user's session takes as long as an unknown id.
func TestHiddenSessionsTakeTheSameTime(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a, another := s.SignUp(nil), s.SignUp(nil)
	id := sessions(s, a.Token).Me.Sessions.Nodes[0].ID
	for who, token := range map[string]string{"a member": another.Token, "anonymous": ""} {
		try := func(id string) func() {
			return func() { s.Do(token, sessionNode, harness.Vars{"id": id}) }
		}
		harness.SameTime(t, 150, who+" at a hidden session", try(id), "at a missing one", try("3b241101-e2bb-4255-8caf-4136c566a962"))
	}
}

// A look-up by ids runs the same statements for any ids.
func TestNodesRunTheSameStatements(t *testing.T) {
	t.Parallel()
	statements := make(chan string, 1000)
	o := app.Options{}
	o.Observe = func(query string) { statements <- query }
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, o)
	a, another := s.SignUp(harness.Vars{"visibility": "PUBLIC"}), s.SignUp(nil)
	session := sessions(s, a.Token).Me.Sessions.Nodes[0].ID
	run := func(token, id string) (list []string) {
		for len(statements) > 0 {
			<-statements
		}
		s.Do(token, `query ($id: ID!) { node(id: $id) { __typename } }`, harness.Vars{"id": id})
		for len(statements) > 0 {
			list = append(list, <-statements)
		}
		return list
	}
	for who, token := range map[string]string{"the owner": a.Token, "another": another.Token, "anonymous": ""} {
		want := run(token, "x")
		if len(want) == 0 {
			t.Errorf("%s: no statement was seen", who)
		}
		for _, id := range []string{session, a.UserID, a.ProfileID, "3b241101-e2bb-4255-8caf-4136c566a962"} {
			if got := run(token, id); !slices.Equal(got, want) {
				t.Errorf("%s: %q, and for a malformed id %q", who, got, want)
			}
		}
	}
}

// Payloads have the ids of ended sessions, so that a client can remove them from its lists.
func TestPayloadsNameWhatWasEnded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	phone := signInFrom(s, "Phone", a.Email)
	laptop := sessions(s, phone).Me.Sessions.Nodes[1].ID
	r := s.Must(phone, revokeSession, harness.Vars{"id": strings.ToUpper(laptop)})
	if want := `{"revokeSession":{"revokedSessionId":"` + laptop + `","user":{"id":"` + a.UserID + `"}}}`; string(r.Data) != want {
		t.Errorf("got %s, want %s", r.Data, want)
	}
	tablet, watch := signInFrom(s, "Tablet", a.Email), signInFrom(s, "Watch", a.Email)
	list := sessions(s, watch).Me.Sessions.Nodes
	r = s.Must(watch, revokeOthers, nil)
	if want := fmt.Sprintf(`{"revokeOtherSessions":{"count":2,"revokedSessionIds":[%q,%q],"user":{"id":%q}}}`, list[1].ID, list[2].ID, a.UserID); string(r.Data) != want {
		t.Errorf("got %s, want %s", r.Data, want)
	}
	s.ExpectNoSession(tablet, "revoked")
	r = s.Must(watch, `mutation ($id: ID!) { revokeSession(input: {id: $id}) { revokedSessionId user { email } } }`, harness.Vars{"id": list[0].ID})
	if want := `{"revokeSession":{"revokedSessionId":"` + list[0].ID + `","user":null}}`; string(r.Data) != want {
		t.Errorf("the session that asks: got %s, want %s", r.Data, want)
	}
}

// The reply is bounded for any number of sessions.
func TestManyRevokedSessionsAreCounted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	s.DB.Query(t, `
		INSERT INTO app.sessions (id, user_id, refresh_hash, idle_expires_at, expires_at)
		SELECT gen_random_uuid(), $1, 'x', now() + interval '1 hour', now() + interval '1 hour' FROM generate_series(1, 1200)`, a.UserID)
	var data struct {
		RevokeOtherSessions struct {
			Count             int
			RevokedSessionIds []string
		}
	}
	s.Must(a.Token, revokeOthers, nil).Into(t, &data)
	if got := data.RevokeOtherSessions; got.Count != 1200 || len(got.RevokedSessionIds) != 1000 {
		t.Errorf("%d were ended, and %d are named", got.Count, len(got.RevokedSessionIds))
	}
}
