package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// visitor is a client of a gateway: with a token in a header, or with a browser that has the session in cookies.
type visitor struct {
	*harness.Service
	account harness.Account
	token   string
	browser *harness.Browser
}

func (v *visitor) do(query string, vars harness.Vars) harness.Reply {
	v.T.Helper()
	if v.browser != nil {
		return v.browser.Do(query, vars)
	}
	return v.Do(v.token, query, vars)
}

// browser returns a browser without a session, on a page of the services' own origin.
func (r *routed) browser(g *harness.Service) *harness.Browser {
	return &harness.Browser{Service: g, From: http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {r.tls}}}
}

// visitors returns how a member with a public profile becomes a visitor of a gateway.
func (r *routed) visitors() map[string]func(*harness.Service) *visitor {
	return map[string]func(*harness.Service) *visitor{
		"header": func(g *harness.Service) *visitor {
			a := g.SignUp(harness.Vars{"visibility": "PUBLIC"})
			return &visitor{Service: g, account: a, token: a.Token}
		},
		"cookie": func(g *harness.Service) *visitor {
			a := g.SignUp(harness.Vars{"visibility": "PUBLIC"})
			b := r.browser(g)
			if reply := b.SignIn(a.Email); b.Access == "" || b.Refresh == "" || !strings.Contains(reply.Body, `"tokens":null`) || strings.Contains(reply.Body, b.Access) {
				g.T.Fatalf("no session in two cookies alone: %s %v", reply.Body, reply.Header)
			}
			return &visitor{Service: g, account: a, browser: b}
		},
	}
}

// refusals returns the code and the path of each error, in order.
func refusals(r harness.Reply) (list []string) {
	for _, e := range r.Errors {
		path := make([]string, len(e.Path))
		for i, step := range e.Path {
			path[i] = fmt.Sprint(step)
		}
		list = append(list, e.Extensions.Code+" "+strings.Join(path, "."))
	}
	slices.Sort(list)
	return list
}

// expect checks the data of a reply, and its refusals.
func expect(t *testing.T, what string, r harness.Reply, data string, refused ...string) {
	t.Helper()
	slices.Sort(refused)
	if got := refusals(r); string(r.Data) != data || !slices.Equal(got, refused) {
		t.Errorf("%s: %s\nwant %s and %q", what, r.Body, data, refused)
	}
}

const createNotebook = `mutation($i: CreateNotebookInput!) { createNotebook(input: $i) { notebook { id } } }`

// Each gateway, as docs/federation.md configures it, serves members who hold tokens and members who hold cookies.
func TestGateways(t *testing.T) {
	t.Parallel()
	r := startRouted(t)
	files := programs(t)
	dir := r.compose(t, schemas(t, subgraphSDL))
	starting := map[string]func(*testing.T) *harness.Service{
		"apollo":              r.gateway(t, dir, "apollo.mjs", files["apollo.mjs"]),
		"hive":                r.gateway(t, dir, "hive-own.mjs", ownPlanner(t, files["hive.mjs"])),
		"hive router planner": r.gateway(t, dir, "hive.mjs", files["hive.mjs"]),
	}
	gateways := map[string]*harness.Service{}
	for name, ready := range starting {
		gateways[name] = ready(t)
	}
	for name, g := range gateways {
		for way, visit := range r.visitors() {
			ann, bob := visit(g), visit(g)
			t.Run(name+" "+way, func(t *testing.T) {
				r.expectOwn(t, ann)
				r.expectOthers(t, ann, bob)
				r.expectRefusals(t, ann)
				r.expectApart(t, ann, bob)
			})
		}
		t.Run(name+" pages", func(t *testing.T) { r.expectPages(t, g) })
		t.Run(name+" precedence", func(t *testing.T) { r.expectPrecedence(t, g) })
		t.Run(name+" tokens", func(t *testing.T) { r.expectTokens(t, g) })
	}
	r.expectRenewal(t, gateways)
}

// expectOwn checks that a member reads and changes what is theirs in both subgraphs.
func (r *routed) expectOwn(t *testing.T, ann *visitor) {
	var made struct {
		CreateNotebook struct{ Notebook struct{ ID string } }
	}
	reply := ann.do(`mutation($p: UpdateProfileInput!, $i: CreateNotebookInput!) { updateProfile(input: $p) { profile { displayName } } createNotebook(input: $i) { notebook { id } } }`,
		harness.Vars{"p": harness.Vars{"displayName": "Ann"}, "i": harness.Vars{"title": "plans", "visibility": "PUBLIC"}})
	reply.Into(t, &made)
	id := made.CreateNotebook.Notebook.ID
	expect(t, "a mutation of both subgraphs", reply, fmt.Sprintf(`{"updateProfile":{"profile":{"displayName":"Ann"}},"createNotebook":{"notebook":{"id":%q}}}`, id))
	expect(t, "a note", ann.do(`mutation($i: CreateNoteInput!) { createNote(input: $i) { note { body } } }`, harness.Input("notebookId", id, "body", "secret")),
		`{"createNote":{"note":{"body":"secret"}}}`)
	const notes = `"notebooks":{"nodes":[{"title":"plans","notes":{"nodes":[{"body":"secret"}]}}]}`
	expect(t, "a mutation that returns a field of the other subgraph",
		ann.do(`mutation { updateProfile(input: {bio: "b"}) { profile { user { notebooks { nodes { title notes { nodes { body } } } } } } } }`, nil),
		`{"updateProfile":{"profile":{"user":{`+notes+`}}}}`)
	expect(t, "a query of both subgraphs", ann.do(`{ me { email profile { displayName } notebooks { nodes { title notes { nodes { body } } } } } }`, nil),
		fmt.Sprintf(`{"me":{"email":%q,"profile":{"displayName":"Ann"},%s}}`, ann.account.Email, notes))
}

// expectOthers checks what bob sees of ann, who has called expectOwn: on a root field, and in a batch of entities.
func (r *routed) expectOthers(t *testing.T, ann, bob *visitor) {
	expect(t, "a profile of another user",
		bob.do(`query($u: String!) { profile(username: $u) { birthday owner: user { address: email notebooks { nodes { title notes { nodes { body } } } } } } }`, harness.Vars{"u": ann.account.Username}),
		`{"profile":{"birthday":null,"owner":{"address":null,"notebooks":{"nodes":[{"title":"plans","notes":null}]}}}}`,
		"FORBIDDEN profile.birthday", "FORBIDDEN profile.owner.address", "FORBIDDEN profile.owner.notebooks.nodes.0.notes")
	expect(t, "a change of another user's profile", bob.do(harness.UpdateMutation, harness.Vars{"input": harness.Vars{"id": ann.account.ProfileID, "displayName": "x"}}),
		`{"updateProfile":null}`, "FORBIDDEN updateProfile")

	var list struct {
		Profiles struct {
			Nodes []struct {
				Username string
				User     struct {
					Email     *string
					Notebooks struct{ Nodes []struct{ Title string } }
				}
			}
		}
	}
	reply := bob.do(`{ profiles(first: 50) { nodes { username user { email notebooks { nodes { title } } } } } }`, nil)
	reply.Into(t, &list)
	var refused []string
	found := false
	for i, p := range list.Profiles.Nodes {
		if p.Username != bob.account.Username {
			refused = append(refused, fmt.Sprintf("FORBIDDEN profiles.nodes.%d.user.email", i))
		} else if p.User.Email == nil || *p.User.Email != bob.account.Email {
			t.Errorf("bob's own email in the list: %s", reply.Body)
		}
		if p.Username == ann.account.Username {
			found = len(p.User.Notebooks.Nodes) == 1 && p.User.Notebooks.Nodes[0].Title == "plans"
		}
	}
	slices.Sort(refused)
	if got := refusals(reply); !slices.Equal(got, refused) || len(refused) == 0 || !found {
		t.Errorf("a list of users: %s\nwant %q", reply.Body, refused)
	}
}

// expectRefusals checks that errors of inputs reach the client with their fields, and that headers reach freehold.
func (r *routed) expectRefusals(t *testing.T, ann *visitor) {
	reply := ann.do(`mutation($i: SignUpInput!) { signUp(input: $i) { user { id } } }`, harness.Input("email", "x", "password", "correct horse battery", "username", "!"))
	if got := reply.Fields(); !slices.Equal(got, []string{"input.email INVALID", "input.username INVALID_CHARACTER"}) {
		t.Errorf("the fields of an input: %s", reply.Body)
	}
	const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	from := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "User-Agent": {agent}}
	ann.Send(harness.Request{Query: harness.SignInMutation, Vars: harness.Input("email", ann.account.Email, "password", harness.Password), Header: from})
	ann.Send(harness.Request{Query: `{ notebooks { nodes { id } } }`, Header: from})
	for i := range r.forwarded {
		if got := *r.forwarded[i].Load(); !strings.HasPrefix(got, "203.0.113.9, ") || !strings.HasSuffix(got, "127.0.0.1") {
			t.Errorf("subgraph %d gets X-Forwarded-For %q, without the address of the gateway's client", i, got)
		}
	}
	if reply := ann.do(`{ me { sessions { nodes { ip device } } } }`, nil); !strings.Contains(reply.Body, `{"ip":"203.0.113.9","device":"`+agent+`"}`) {
		t.Errorf("the address and the browser of a session: %s", reply.Body)
	}
	name := fmt.Sprintf("retried-%d", harness.Serial.Add(1))
	retried := harness.Request{
		Query:  harness.SignUpMutation,
		Vars:   harness.Vars{"input": harness.Vars{"email": name + "@example.org", "password": harness.Password, "username": name}},
		Header: http.Header{"Idempotency-Key": {name + "-4d0a6c5e9f"}},
	}
	for range 2 {
		if reply := ann.Send(retried); len(reply.Errors) > 0 {
			t.Errorf("a sign-up with an idempotency key: %s", reply.Body)
		}
	}
}

// expectApart checks that users who ask at the same time get their own answers.
func (r *routed) expectApart(t *testing.T, ann, bob *visitor) {
	var all sync.WaitGroup
	for i := range 20 {
		v := []*visitor{ann, bob}[i%2]
		request := harness.Request{Token: v.token, Query: `{ me { email notebooks { nodes { title notes { nodes { body } } } } } }`}
		if v.browser != nil {
			request.Header = v.browser.Header()
		}
		all.Go(func() {
			reply, err := v.TrySend(t.Context(), request)
			if err != nil || !strings.Contains(reply.Body, v.account.Email) || strings.Contains(reply.Body, "secret") != (v == ann) {
				t.Errorf("%s gets %v %s", v.account.Email, err, reply.Body)
			}
		})
	}
	all.Wait()
}

// expectPages checks which pages can use a browser's cookies, in both subgraphs.
func (r *routed) expectPages(t *testing.T, g *harness.Service) {
	a := g.SignUp(nil)
	b := r.browser(g)
	b.SignIn(a.Email)
	for _, c := range []struct {
		what                   string
		from                   http.Header
		me, create, withBearer string // the codes
	}{
		{"the services' own page", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {r.tls}}, "", "", ""},
		{"the services' own page, in an old browser", http.Header{"Origin": {r.tls}}, "", "", ""},
		{"a server, which sends neither header", http.Header{}, "", "", ""},
		{"a page of another site", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"},
		{"a page of a sibling host", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://blog.example"}}, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"},
		{"a page of another site, in an old browser", http.Header{"Origin": {"https://evil.example"}}, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"},
		{"a link or an image of another site", http.Header{"Sec-Fetch-Site": {"cross-site"}}, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"},
		{"a page of a configured origin", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {corsOrigin}}, "none", "UNAUTHENTICATED", ""},
		{"a page of a configured origin, in an old browser", http.Header{"Origin": {corsOrigin}}, "none", "UNAUTHENTICATED", ""},
	} {
		before := r.notes.Count("notebooks")
		b.From = c.from
		me, create := b.Do(`{ me { email } }`, nil), b.Do(createNotebook, harness.Input("title", c.what))
		created := r.notes.Count("notebooks") != before
		if me.Code() != strings.TrimPrefix(c.me, "none") || strings.Contains(me.Body, a.Email) != (c.me == "") {
			t.Errorf("%s: me: %s, want %q", c.what, me.Body, c.me)
		}
		if create.Code() != c.create || created != (c.create == "") {
			t.Errorf("%s: createNotebook: %s, want %q", c.what, create.Body, c.create)
		}
		for _, reply := range []harness.Reply{me, create} {
			if reply.Header.Get("Access-Control-Allow-Credentials") != "" || strings.Contains(reply.Body, r.accounts.URL) || strings.Contains(reply.Body, r.notes.URL) {
				t.Errorf("%s may read with cookies, or sees the address of a subgraph: %s %v", c.what, reply.Body, reply.Header)
			}
		}
		token := harness.Request{Token: a.Token, Header: c.from, Query: createNotebook, Vars: harness.Input("title", "x")}
		if reply := g.Send(token); reply.Code() != c.withBearer {
			t.Errorf("%s, with a token in Authorization: %s, want %q", c.what, reply.Body, c.withBearer)
		}
	}
	if reply := b.Do(`mutation { signOut { success } }`, nil); b.Access == "" {
		t.Errorf("a page of another origin has signed out the browser: %s", reply.Body)
	}
	b.From = http.Header{"Sec-Fetch-Site": {"same-origin"}}
	if reply := b.Do(`mutation { signOut { success } }`, nil); b.Access != "" || b.Refresh != "" {
		t.Errorf("signOut leaves cookies: %s %v", reply.Body, reply.Header)
	}
}

// expectPrecedence checks that a token in Authorization takes precedence over cookies in both subgraphs, and that another scheme does not.
func (r *routed) expectPrecedence(t *testing.T, g *harness.Service) {
	ann, bob := g.SignUp(nil), g.SignUp(nil)
	b := r.browser(g)
	b.SignIn(ann.Email)
	for authorization, want := range map[string]string{"Bearer " + bob.Token: bob.UserID, "bearer " + bob.Token: bob.UserID, "Basic eDp5": ann.UserID} {
		b.From.Set("Authorization", authorization)
		b.Do(createNotebook, harness.Input("title", authorization[:8]))
		me := b.Do(`{ me { id } }`, nil)
		owner := r.notes.DB.Query(t, `SELECT user_id FROM app.notebooks ORDER BY created_at DESC LIMIT 1`)[0]
		if !strings.Contains(me.Body, want) || owner != want {
			t.Errorf("with cookies and %.8s: me is %s, and the notebook belongs to %s, want %s", authorization, me.Body, owner, want)
		}
	}
}

// expectTokens checks that the reason of a refused token reaches the client, from both subgraphs.
func (r *routed) expectTokens(t *testing.T, g *harness.Service) {
	a := g.SignUp(nil)
	altered, revoked := harness.Alter(a.Token), g.SignIn(a.Email)
	g.Must(revoked, `mutation { signOut { success } }`, nil)
	for _, c := range []struct{ what, token, query, reason string }{
		{"an invalid token", altered, `{ me { email } }`, "invalid"},
		{"an invalid token", altered, `mutation { createNotebook(input: {title: "x"}) { notebook { id } } }`, "invalid"},
		{"a revoked token", revoked, `{ me { email } }`, "revoked"},
		{"no token", "", `mutation { createNotebook(input: {title: "x"}) { notebook { id } } }`, "missing"},
	} {
		reply := g.Do(c.token, c.query, nil)
		challenged := strings.Contains(reply.Header.Get("WWW-Authenticate"), "invalid_token")
		if reply.Code() != "UNAUTHENTICATED" || reply.Errors[0].Extensions.Reason != c.reason || challenged != (c.token != "") {
			t.Errorf("%s, %s: %s %v", c.what, c.query, reply.Body, reply.Header)
		}
	}
}

// expectRenewal checks through each gateway that the session in a browser's cookies is renewed, as docs/federation.md says.
func (r *routed) expectRenewal(t *testing.T, gateways map[string]*harness.Service) {
	browsers, emails, tokens := map[string]*harness.Browser{}, map[string]string{}, map[string]string{}
	for name, g := range gateways {
		a := g.SignUp(nil)
		browsers[name], emails[name], tokens[name] = r.browser(g), a.Email, a.Token
		browsers[name].SignIn(a.Email)
	}
	const both = `{ me { email notebooks { nodes { title } } } }`
	r.ahead.Add(int64(12 * time.Minute)) // less than a third of the lifetime is left
	for name, b := range browsers {
		access, refresh := b.Access, b.Refresh
		b.Do(createNotebook, harness.Input("title", "mine"))
		if b.Access != access {
			t.Errorf("%s: the second subgraph has renewed the session", name)
		}
		if reply := b.Do(both, nil); b.Access == access || b.Refresh == refresh || !strings.Contains(reply.Body, `"mine"`) {
			t.Errorf("%s: no renewal before the token expires: %s %v", name, reply.Body, reply.Header)
		}
	}
	r.ahead.Add(int64(16 * time.Minute))
	for name, b := range browsers {
		g := b.Service
		if reply := g.Do(tokens[name], createNotebook, harness.Input("title", "x")); reply.Code() != "UNAUTHENTICATED" || reply.Errors[0].Extensions.Reason != "expired" {
			t.Errorf("%s: an expired token: %s", name, reply.Body)
		}
		b.Access = "" // the browser deletes it when it expires
		if reply := b.Do(createNotebook, harness.Input("title", "x")); reply.Code() != "UNAUTHENTICATED" || b.Access != "" {
			t.Errorf("%s: the second subgraph without an access token: %s", name, reply.Body)
		}
		if reply := b.Do(both, nil); b.Access == "" || !strings.Contains(reply.Body, emails[name]) || strings.Contains(reply.Body, `"mine"`) {
			t.Errorf("%s: no renewal after the token has expired: %s", name, reply.Body)
		}
		if reply := b.Do(both, nil); !strings.Contains(reply.Body, `"mine"`) {
			t.Errorf("%s: after the renewal: %s", name, reply.Body)
		}
	}
}
