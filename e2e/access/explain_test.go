package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// denial is an entry of extensions.denials.
type denial struct {
	Path                          []any
	Field, Code, Layer, Rule, Why string
	Viewer                        struct{ Kind, UserID, Username, Reason string }
	Policy                        *struct {
		Table, Name, Command, Using, WithCheck string
		Admits                                 *bool
	}
}

// brief returns what tests compare of a denial: the path, the refusal, the viewer, the policy and whether it admits the
// viewer.
func (d denial) brief() string {
	path := strings.ReplaceAll(strings.Trim(fmt.Sprint(d.Path), "[]"), " ", ".")
	text := fmt.Sprintf("%s %s %s %s %s [%s %s%s]", path, d.Field, d.Code, d.Layer, d.Rule, d.Viewer.Kind, d.Viewer.Username, d.Viewer.Reason)
	if d.Policy != nil {
		text += " " + d.Policy.Table + " " + d.Policy.Name
		if d.Policy.Admits != nil {
			text += fmt.Sprint(" admits=", *d.Policy.Admits)
		}
	}
	return text
}

// explain asks for explanations, and reports whether the reply has any.
func explain(s *harness.Service, token, query string) (list []denial, answered bool) {
	s.T.Helper()
	var answer struct {
		Extensions struct{ Denials *[]denial }
	}
	r := s.Send(harness.Request{Token: token, Query: query, Extensions: harness.Vars{"explain": true}})
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil {
		s.T.Fatalf("%s: %v", r.Body, err)
	}
	if answer.Extensions.Denials == nil {
		return nil, false
	}
	return *answer.Extensions.Denials, true
}

// Each refused field is explained: the rule or policy that refused it, the kind of viewer, and whether the other layer would
// have refused too. A missing row is not explained.
func TestDenialsAreExplained(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_MIGRATE_URL="+d.Owner)
	ann, bob := s.SignUp(harness.Vars{"visibility": "PRIVATE"}), s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	member := func(v harness.Account, kind string) string { return "[" + kind + " " + v.Username + "]" }
	const missing = "3b241101-e2bb-4255-8caf-4136c566a962"
	for _, c := range []struct {
		name, token, query string
		want               []string
	}{
		{"a field of a visible row", ann.Token, `{ profile(username: "` + bob.Username + `") { birthday user { id email } } }`, []string{
			"profile.birthday Profile.birthday FORBIDDEN rule @owner " + member(ann, "member, visible-to") + " app.profile_private profile_private_select admits=false",
			"profile.user.email User.email FORBIDDEN rule @owner " + member(ann, "member, visible-to") + " app.user_private user_private_select admits=false",
		}},
		{"nobody", "", `{ a: profile(username: "` + bob.Username + `") { user { email } } }`, []string{
			"a.user.email User.email UNAUTHENTICATED rule @owner [nobody, visible-to missing] app.user_private user_private_select admits=false",
		}},
		{"hidden rows", bob.Token, `{ profile(username: "` + ann.Username + `") { id } nodes(ids: ["` + missing + `", "` + ann.UserID + `", "` + ann.ProfileID + `", "` + bob.UserID + `", "x"]) { id } node(id: "` + ann.ProfileID + `") { id } }`, []string{
			"node Query.node  policy  " + member(bob, "member") + " app.profiles profiles_select admits=false",
			"nodes.1 Query.nodes  policy  " + member(bob, "member") + " app.profiles profiles_select admits=false",
			"nodes.2 Query.nodes  policy  " + member(bob, "member") + " app.profiles profiles_select admits=false",
			"profile Query.profile  policy  " + member(bob, "member") + " app.profiles profiles_select admits=false",
		}},
		{"hidden entities", "", `{ _entities(representations: [{__typename: "Profile", username: "` + ann.Username + `"}, {__typename: "User", id: "` + missing + `"}]) { __typename } }`, []string{
			"_entities.0 Query._entities  policy  [nobody missing] app.profiles profiles_select admits=false",
		}},
		{"a mutation of a visible row", ann.Token, `mutation { updateProfile(input: {id: "` + bob.ProfileID + `"}) { profile { id } } }`, []string{
			`updateProfile Mutation.updateProfile FORBIDDEN rule @owner(of: "Profile", id: "input.id") ` + member(ann, "member, visible-to") + " app.profiles profiles_update admits=false",
		}},
		{"a mutation of a hidden row", bob.Token, `mutation { updateProfile(input: {id: "` + ann.ProfileID + `"}) { profile { id } } }`, []string{
			`updateProfile Mutation.updateProfile NOT_FOUND policy @owner(of: "Profile", id: "input.id") ` + member(bob, "member") + " app.profiles profiles_select admits=false",
		}},
		{"a mutation of a missing row", bob.Token, `mutation { updateProfile(input: {id: "` + missing + `"}) { profile { id } } }`, []string{
			`updateProfile Mutation.updateProfile NOT_FOUND rule @owner(of: "Profile", id: "input.id") ` + member(bob, "member"),
		}},
		{"a mutation of another user's session", bob.Token, `mutation { revokeSession(input: {id: "` + harness.DecodeClaims(t, ann.Token)["sid"].(string) + `"}) { revokedSessionId } }`, []string{
			`revokeSession Mutation.revokeSession NOT_FOUND policy @owner(of: "Session", id: "input.id") ` + member(bob, "member") + " app.sessions sessions_select admits=false",
		}},
		{"a mutation by an anonymous viewer", "", `mutation { revokeOtherSessions { count } updateProfile(input: {}) { profile { id } } }`, []string{
			"revokeOtherSessions Mutation.revokeOtherSessions UNAUTHENTICATED rule @signedIn [nobody missing]",
			`updateProfile Mutation.updateProfile UNAUTHENTICATED rule @owner(of: "Profile", id: "input.id") [nobody missing] app.profiles profiles_update`,
		}},
		{"an invalid token", "x", `mutation { revokeOtherSessions { count } }`, []string{"revokeOtherSessions Mutation.revokeOtherSessions UNAUTHENTICATED rule @signedIn [nobody invalid]"}},
		{"nothing refused", bob.Token, `{ me { email } node(id: "` + missing + `") { id } profile(username: "nobody-has-this") { id } }`, nil},
	} {
		list, answered := explain(s, c.token, c.query)
		var got []string
		for _, x := range list {
			if got = append(got, x.brief()); x.Why == "" {
				t.Errorf("%s: no sentence for %v", c.name, x.Path)
			}
		}
		if !answered || strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
	list, _ := explain(s, ann.Token, `mutation { updateProfile(input: {id: "`+bob.ProfileID+`"}) { profile { id } } }`)
	if p := list[0].Policy; p.Command != "UPDATE" || p.Using != "(user_id = app.viewer_id())" || p.WithCheck != "(user_id = app.viewer_id())" {
		t.Errorf("the policy's text: %+v", p)
	}
	if r := s.Do(bob.Token, `{ node(id: "`+ann.ProfileID+`") { id } }`, nil); strings.Contains(r.Body, "extensions") {
		t.Errorf("explained without being asked: %s", r.Body)
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.profiles WHERE updated_at <> created_at`); n[0] != "0" {
		t.Errorf("trying policies changed %s rows", n[0])
	}
}

// An explanation says when only a rule refuses, and when a policy refuses what the rule admits.
func TestExplanationsNameTheLayerThatRefused(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	seed := harness.StartWith(t, d, harness.BothLayers, app.Options{})
	bob, ann := seed.SignUp(harness.Vars{"visibility": "PUBLIC"}), seed.SignUp(nil)
	update := `mutation { updateProfile(input: {id: "` + bob.ProfileID + `"}) { profile { id } } }`

	policies := harness.StartWith(t, d, harness.PoliciesAlone, app.Options{}, "FREEHOLD_MIGRATE_URL="+d.Owner)
	list, _ := explain(policies, policies.SignIn(ann.Email), update)
	if want := "updateProfile Mutation.updateProfile NOT_FOUND policy  [member " + ann.Username + "] app.profiles profiles_update"; len(list) != 1 || list[0].brief() != want {
		t.Errorf("without rules: %+v, want %s", list, want)
	}

	rules := harness.StartWith(t, d, harness.BothLayers, app.Options{}) // the start refuses such a policy
	d.Query(t, `ALTER POLICY user_private_select ON app.user_private USING (true)`)
	list, _ = explain(rules, rules.SignIn(ann.Email), `{ profile(username: "`+bob.Username+`") { user { email } } }`)
	if len(list) != 1 || list[0].Policy == nil || list[0].Policy.Admits == nil || !*list[0].Policy.Admits || !strings.Contains(list[0].Why, "only the rule refuses") {
		t.Errorf("with a policy that admits every viewer: %+v", list)
	}
	// Without the owner's URL the server cannot distinguish a hidden row from a missing one, and it claims nothing.
	hidden := rules.SignUp(harness.Vars{"visibility": "PRIVATE"})
	list, _ = explain(rules, "", `{ node(id: "`+hidden.ProfileID+`") { id } }`)
	if len(list) != 0 {
		t.Errorf("without the owner's URL: %+v", list)
	}
}

// An explanation distinguishes a hidden row from a missing one. So production gives none, nor does a server that others can
// reach.
func TestProductionExplainsNothing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	production := harness.Production(t, d)
	v := harness.StartWith(t, d, harness.BothLayers, app.Options{}).SignUp(harness.Vars{"visibility": "PRIVATE"})
	for name, c := range map[string]struct {
		further  []string
		explains bool
	}{
		"production":                    {production, false},
		"development, open to all":      {[]string{"FREEHOLD_ENV=development", "FREEHOLD_ADDR=0.0.0.0:8080"}, false},
		"development, open, by name":    {[]string{"FREEHOLD_ENV=development", "FREEHOLD_ADDR=:8080"}, false},
		"development, loopback":         {[]string{"FREEHOLD_ADDR=127.0.0.7:8080"}, true},
		"development, loopback by IPv6": {[]string{"FREEHOLD_ADDR=[::1]:8080"}, true},
	} {
		s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, append([]string{"FREEHOLD_MIGRATE_URL=" + d.Owner}, c.further...)...)
		list, answered := explain(s, "", `{ profile(username: "`+v.Username+`") { id } }`)
		if answered != c.explains || !c.explains && list != nil {
			t.Errorf("%s: explained: %v, want %v (%v)", name, answered, c.explains, list)
		}
	}
}

// Production logs, with the request's id, which fields and rules refused. It logs nothing about the rows.
func TestDenialsAreLogged(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	seed := harness.StartWith(t, d, harness.BothLayers, app.Options{})
	ann, bob := seed.SignUp(harness.Vars{"visibility": "PUBLIC"}), seed.SignUp(harness.Vars{"visibility": "PUBLIC"})
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{})
	logs := s.Logs
	token := s.SignIn(ann.Email)
	r := s.Do(token, `{ nodes(ids: ["`+ann.ProfileID+`", "`+bob.ProfileID+`", "`+bob.ProfileID+`"]) { ... on Profile { birthday } } profile(username: "nobody-has-this") { id } }`, nil)
	var line struct {
		Msg, RequestID string
		Denials        []struct {
			Field, Rule, Code, Viewer string
			Count                     int
		}
	}
	for text := range bytes.Lines([]byte(logs.String())) {
		if bytes.Contains(text, []byte("fields were refused")) {
			if err := json.Unmarshal(text, &line); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := "[{Profile.birthday @owner FORBIDDEN member 2} {Query.profile   member 1}]"
	if fmt.Sprint(line.Denials) != want || line.RequestID != r.Header.Get("X-Request-Id") || line.RequestID == "" {
		t.Errorf("the log has %+v, want %s under %s\n%s", line, want, r.Header.Get("X-Request-Id"), logs.String())
	}
	for _, secret := range []string{bob.ProfileID, bob.UserID, bob.Username, bob.Email} {
		if strings.Contains(logs.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

// The command explains, without a server and without a token, what a field returns and what each layer decides.
func TestAccessIsExplainedOffline(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{})
	ann, bob := s.SignUp(harness.Vars{"visibility": "PRIVATE"}), s.SignUp(harness.Vars{"visibility": "MEMBERS"})
	c := harness.Config(t, d.App, "FREEHOLD_MIGRATE_URL="+d.Owner)
	for _, x := range []struct {
		as, field, id string
		want          []string
	}{
		{ann.Username, "Profile.birthday", bob.ProfileID, []string{
			"Profile.birthday of " + bob.ProfileID + ", which is " + bob.Username + "'s, as " + ann.Username + " (member, visible-to)\n",
			"answer  null, and an error with the code FORBIDDEN\n", "rule    @owner refuses",
			"profiles_select on app.profiles for SELECT admits", "profile_private_select on app.profile_private for SELECT refuses\n          USING (user_id = app.viewer_id())\n",
		}},
		{ann.UserID, "Profile.birthday", ann.Username, []string{"(owner)", "answer  the value\n", "rule    @owner lets the viewer through", "profile_private_select on app.profile_private for SELECT admits"}},
		{bob.Username, "Profile.bio", ann.ProfileID, []string{"(member)", "answer  none: this viewer does not see the row", "rule    @visible refuses", "profiles_select on app.profiles for SELECT refuses"}},
		{bob.Username, "User.email", ann.UserID, []string{"(member)", "answer  none: this viewer does not see the row", "profiles_select on app.profiles for SELECT refuses", "user_private_select on app.user_private for SELECT refuses"}},
		{"nobody", "Profile.bio", bob.ProfileID, []string{"(nobody)", "answer  none: this viewer does not see the row", "profiles_select on app.profiles for SELECT refuses"}},
		{ann.Username, "Mutation.updateProfile", bob.ProfileID, []string{"the code FORBIDDEN", "profiles_update on app.profiles for UPDATE refuses", "WITH CHECK (user_id = app.viewer_id())"}},
		{bob.Username, "Mutation.updateProfile", bob.ProfileID, []string{"the value", "profiles_update on app.profiles for UPDATE admits", "profile_private_update on app.profile_private for UPDATE admits"}},
		{bob.Username, "Mutation.revokeSession", harness.DecodeClaims(t, ann.Token)["sid"].(string), []string{"which is " + ann.Username + "'s, as " + bob.Username + " (member)", "the code NOT_FOUND", "sessions_select on app.sessions for SELECT refuses"}},
		{"nobody", "Mutation.revokeOtherSessions", "", []string{"Mutation.revokeOtherSessions, as nobody (nobody)", "the code UNAUTHENTICATED"}},
		{ann.Username, "User.hasPassword", bob.UserID, []string{"(member, visible-to)", "the code FORBIDDEN", "profiles_select on app.profiles for SELECT admits", "function app.has_password admits only its owner\n"}},
		{bob.Username, "Session.device", harness.DecodeClaims(t, ann.Token)["sid"].(string), []string{"(member)", "answer  none: this viewer does not see the row", "rule    @visible refuses", "sessions_select on app.sessions for SELECT refuses"}},
		{"nobody", "SessionEdge.cursor", "", []string{"if the viewer gets there: ask about User.sessions"}},
	} {
		var out strings.Builder
		if err := harness.Program.ExplainAccess(t.Context(), c, x.as, x.field, x.id, &out); err != nil {
			t.Fatal(err)
		}
		for _, want := range x.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s as %s: want %q in\n%s", x.field, x.as, want, &out)
			}
		}
	}
	for want, x := range map[string][3]string{
		`field "User.phone" not found`:               {"nobody", "User.phone", ""},
		`user "eve" not found`:                       {"eve", "User.email", ann.UserID},
		"give the id or username of a User":          {"nobody", "User.email", ""},
		`User with the id or username "x" not found`: {"nobody", "User.email", "x"},
		`Session with the id "` + ann.Username:       {"nobody", "Session.device", ann.Username},
		"is the id of a Profile, not of a User":      {"nobody", "User.email", ann.ProfileID},
		"belongs to no row: omit the id":             {"nobody", "Query.me", ann.UserID},
	} {
		if err := harness.Program.ExplainAccess(t.Context(), c, x[0], x[1], x[2], io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", x, err, want)
		}
	}
	if err := harness.Program.ExplainAccess(t.Context(), harness.Config(t, d.App), "nobody", "Query.me", "", io.Discard); err == nil || !strings.Contains(err.Error(), "FREEHOLD_MIGRATE_URL") {
		t.Errorf("without the owner's URL: %v", err)
	}
	if n := d.Query(t, `SELECT count(*) FROM app.profiles WHERE updated_at <> created_at`); n[0] != "0" {
		t.Errorf("explaining changed %s rows", n[0])
	}
}
