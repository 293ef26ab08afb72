package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"

	"example.com/notes/subgraph/modules"
)

const audience = "https://notes.example.org"

// place is where a service listens. Its URL is known before the service is configured.
type place struct {
	url     string
	handler atomic.Pointer[http.Handler]
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := p.handler.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		http.Error(w, "not started", http.StatusBadGateway)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// serve starts a service there.
func (p *place) serve(t *testing.T, x harness.Setup) *harness.Service {
	t.Helper()
	s := x.Prepare(t)
	handler := s.App.Handler()
	p.handler.Store(&handler)
	s.URL = p.url
	return s
}

// clock is the clock of several services.
type clock struct{ ahead atomic.Int64 }

func (c *clock) options() app.Options {
	return app.Options{Now: func() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }}
}

// pair is a service with accounts and a second subgraph, each with a database of its own.
type pair struct {
	clock
	at       *place           // the service with accounts
	accounts *harness.Service // which issues the tokens
	dir      string           // its data folder, with its keys
	notes    *harness.Service // the second subgraph
}

func start(t *testing.T) *pair {
	t.Helper()
	p := &pair{at: newPlace(t), dir: t.TempDir()}
	p.accounts = p.at.serve(t, harness.Setup{Options: p.options(), Settings: []string{
		"FREEHOLD_PUBLIC_URL=" + p.at.url, "FREEHOLD_DATA_DIR=" + p.dir, "FREEHOLD_TOKEN_AUDIENCES=" + audience,
	}})
	p.notes = p.subgraph(t)
	return p
}

func (p *pair) subgraph(t *testing.T) *harness.Service {
	t.Helper()
	return harness.Setup{Program: program(t), Options: p.options(), Settings: []string{"FREEHOLD_ISSUER=" + p.at.url, "FREEHOLD_AUDIENCE=" + audience}}.Start(t)
}

func program(t *testing.T) *app.Program {
	t.Helper()
	p, err := modules.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// notebook creates a notebook with a note, and returns the ids of both.
func (p *pair) notebook(t *testing.T, token, visibility string) (id, note string) {
	t.Helper()
	var made struct {
		CreateNotebook struct{ Notebook struct{ ID string } }
		CreateNote     struct{ Note struct{ ID string } }
	}
	p.notes.Must(token, `mutation($i: CreateNotebookInput!) { createNotebook(input: $i) { notebook { id } } }`,
		harness.Input("title", "of "+visibility, "visibility", visibility)).Into(t, &made)
	id = made.CreateNotebook.Notebook.ID
	p.notes.Must(token, `mutation($i: CreateNoteInput!) { createNote(input: $i) { note { id } } }`,
		harness.Input("notebookId", id, "body", "secret")).Into(t, &made)
	return id, made.CreateNote.Note.ID
}

const entities = `query($r: [_Any]!) { _entities(representations: $r) { ... on User { id notebooks { nodes { title } } } } }`

// titles returns the titles of a user's notebooks that a viewer sees, by the entity that a router asks for.
func (p *pair) titles(t *testing.T, token, userID string) string {
	t.Helper()
	var got struct {
		Entities []struct {
			ID        string
			Notebooks struct{ Nodes []struct{ Title string } }
		} `json:"_entities"`
	}
	p.notes.Must(token, entities, harness.Vars{"r": []any{harness.Vars{"__typename": "User", "id": userID}}}).Into(t, &got)
	if len(got.Entities) != 1 || got.Entities[0].ID != userID {
		t.Fatalf("the entity of %s is %+v", userID, got)
	}
	var list []string
	for _, n := range got.Entities[0].Notebooks.Nodes {
		list = append(list, n.Title)
	}
	return strings.Join(list, ", ")
}

// A member of the service with accounts has rows in the subgraph's own database. Its field rules and row policies decide who sees and
// changes them.
func TestMembersHaveRowsInTheSubgraph(t *testing.T) {
	t.Parallel()
	p := start(t)
	ann, bob := p.accounts.SignUp(nil), p.accounts.SignUp(nil)
	ids, notes := map[string]string{}, map[string]string{}
	for _, visibility := range []string{"PRIVATE", "MEMBERS", "PUBLIC"} {
		ids[visibility], notes[visibility] = p.notebook(t, ann.Token, visibility)
	}
	for _, c := range []struct {
		who, token   string
		titles       string
		read         string // the code of reading the notes of the MEMBERS notebook
		write, other string // the codes of changing the PUBLIC and the PRIVATE notebook
	}{
		{"the owner", ann.Token, "of PUBLIC, of MEMBERS, of PRIVATE", "", "", ""},
		{"another member", bob.Token, "of PUBLIC, of MEMBERS", "FORBIDDEN", "FORBIDDEN", "NOT_FOUND"},
		{"nobody", "", "of PUBLIC", "", "UNAUTHENTICATED", "UNAUTHENTICATED"},
	} {
		if got := p.titles(t, c.token, ann.UserID); got != c.titles {
			t.Errorf("%s sees %q, want %q", c.who, got, c.titles)
		}
		r := p.notes.Do(c.token, `query($r: [_Any]!) { _entities(representations: $r) { ... on Notebook { notes { nodes { body } } } ... on Note { body } } }`,
			harness.Vars{"r": []any{harness.Vars{"__typename": "Notebook", "id": ids["MEMBERS"]}, harness.Vars{"__typename": "Note", "id": notes["MEMBERS"]}}})
		if r.Code() != c.read || strings.Contains(r.Body, "secret") != (c.who == "the owner") {
			t.Errorf("%s reads the notes: %s", c.who, r.Body)
		}
		for id, want := range map[string]string{ids["PUBLIC"]: c.write, ids["PRIVATE"]: c.other} {
			r := p.notes.Do(c.token, `mutation($i: UpdateNotebookInput!) { updateNotebook(input: $i) { notebook { id } } }`, harness.Input("id", id, "title", p.title(t, id)))
			if r.Code() != want {
				t.Errorf("%s changes %s: %s, want %s", c.who, p.title(t, id), r.Body, want)
			}
		}
	}
	if users := p.notes.DB.Query(t, `SELECT id FROM app.users`); len(users) != 1 || users[0] != ann.UserID {
		t.Errorf("the subgraph knows the users %v; only ann has written", users)
	}
	if n := p.accounts.DB.Query(t, `SELECT count(*) FROM pg_class WHERE relname = 'notebooks'`)[0]; n != "0" {
		t.Error("the service with accounts has notebooks")
	}
}

func (p *pair) title(t *testing.T, id string) string {
	t.Helper()
	return p.notes.DB.Query(t, `SELECT title FROM app.notebooks WHERE id = $1`, id)[0]
}

// Each layer alone protects the rows, as in a service with accounts.
func TestEachLayerAloneProtectsTheRows(t *testing.T) {
	t.Parallel()
	p := start(t)
	ann, bob := p.accounts.SignUp(nil), p.accounts.SignUp(nil)
	id, _ := p.notebook(t, ann.Token, "PRIVATE")
	for layers, want := range map[harness.Layers]string{harness.RulesAlone: "NOT_FOUND", harness.PoliciesAlone: "NOT_FOUND"} {
		s := harness.Setup{
			Program: program(t), Database: p.notes.DB, Layers: layers, Options: p.options(),
			Settings: []string{"FREEHOLD_ISSUER=" + p.at.url, "FREEHOLD_AUDIENCE=" + audience},
		}.Start(t)
		r := s.Do(bob.Token, `mutation($i: DeleteNotebookInput!) { deleteNotebook(input: $i) { deletedNotebookId } }`, harness.Input("id", id))
		if r.Code() != want {
			t.Errorf("%s: %s, want %s", layers, r.Body, want)
		}
		if n := p.notes.Count("notebooks"); n != "1" {
			t.Errorf("%s: %s notebooks are left", layers, n)
		}
	}
}

// The subgraph accepts the tokens of its issuer that name it and are valid now, and no others.
func TestOnlyItsTokensAreAccepted(t *testing.T) {
	t.Parallel()
	p := start(t)
	ann := p.accounts.SignUp(nil)
	elsewhere := newPlace(t)
	other := elsewhere.serve(t, harness.Setup{Options: p.options(), Settings: []string{"FREEHOLD_PUBLIC_URL=" + elsewhere.url, "FREEHOLD_TOKEN_AUDIENCES=" + audience}})
	forged := harness.Setup{Options: p.options(), Settings: []string{"FREEHOLD_PUBLIC_URL=" + p.at.url, "FREEHOLD_TOKEN_AUDIENCES=" + audience}}.Start(t)
	closed := harness.Setup{Options: p.options(), Database: p.accounts.DB, Settings: []string{"FREEHOLD_PUBLIC_URL=" + p.at.url, "FREEHOLD_DATA_DIR=" + p.dir}}.Start(t)
	p.expect(t, "its own", ann.Token, "")
	p.expect(t, "of another issuer", other.SignUp(nil).Token, "invalid")
	p.expect(t, "signed by an unknown key", forged.SignUp(nil).Token, "invalid")
	p.expect(t, "for another audience", closed.SignIn(ann.Email), "invalid")
	p.expect(t, "altered", harness.Alter(ann.Token), "invalid")
	p.expect(t, "none", "", "missing")

	if _, _, err := operate.RotateKeys(harness.Config(t, p.accounts.DB.App, "FREEHOLD_DATA_DIR="+p.dir), time.Now()); err != nil {
		t.Fatal(err)
	}
	p.ahead.Add(int64(11 * time.Minute))
	next := p.accounts.SignIn(ann.Email)
	p.expect(t, "of the new key", next, "")
	p.expect(t, "of the old key", ann.Token, "")
	p.ahead.Add(int64(5 * time.Minute))
	p.expect(t, "expired", ann.Token, "expired")
}

// expect creates a notebook with a token. reason is that of the refusal, or "" if the subgraph accepts the token.
func (p *pair) expect(t *testing.T, what, token, reason string) {
	t.Helper()
	r := p.notes.Do(token, `mutation { createNotebook(input: {title: "x"}) { notebook { title } } }`, nil)
	challenged := strings.Contains(r.Header.Get("WWW-Authenticate"), "invalid_token")
	got := ""
	if len(r.Errors) > 0 {
		got = r.Errors[0].Extensions.Code + " " + r.Errors[0].Extensions.Reason
	}
	if want := strings.TrimSuffix("UNAUTHENTICATED "+reason, "UNAUTHENTICATED "); got != want || challenged != (reason != "" && reason != "missing") {
		t.Errorf("a token %s: %q, challenged %v, want %q: %s", what, got, challenged, want, r.Body)
	}
}

// A session that was revoked keeps working until its token expires, as docs/federation.md says. A user who was forgotten has no rows
// any more, and the tokens that are still valid do not create any.
func TestRevocationAndForgetting(t *testing.T) {
	t.Parallel()
	p := start(t)
	ann, bob := p.accounts.SignUp(nil), p.accounts.SignUp(nil)
	p.notebook(t, ann.Token, "PUBLIC")
	p.notebook(t, bob.Token, "PUBLIC")
	p.accounts.Must(ann.Token, `mutation { signOut { success } }`, nil)
	p.expect(t, "of a revoked session", ann.Token, "")
	next := p.accounts.SignIn(ann.Email)
	p.accounts.Must(next, `mutation($p: String!) { deleteAccount(input: {password: $p}) { deletedUserId } }`, harness.Vars{"p": harness.Password})
	if got := p.titles(t, "", ann.UserID); got != "of PUBLIC" {
		t.Errorf("the deletion of the account reached the subgraph: %q", got)
	}
	c, err := program(t).LoadConfig([]string{"DATABASE_URL=" + p.notes.DB.App, "FREEHOLD_MIGRATE_URL=" + p.notes.DB.Owner, "FREEHOLD_ISSUER=" + p.at.url, "FREEHOLD_AUDIENCE=" + audience})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := operate.Forget(t.Context(), program(t), c, ann.UserID); err != nil || !found {
		t.Fatalf("forget: %v, %v", found, err)
	}
	p.expect(t, "of a user who was forgotten", next, "invalid")
	for _, userID := range []string{ann.UserID, bob.UserID} {
		if got, want := p.titles(t, "", userID), map[string]string{bob.UserID: "of PUBLIC"}[userID]; got != want {
			t.Errorf("%s has the notebooks %q, want %q", userID, got, want)
		}
	}
	if _, err := operate.Forget(t.Context(), program(t), c, "ann"); err == nil || !strings.Contains(err.Error(), "is not the id of a user") {
		t.Errorf("forget ann: %v", err)
	}
}

// The subgraph starts before its issuer. Until then, members get UNAVAILABLE, and nobody is mistaken for an anonymous viewer.
func TestIssuerMayStartLater(t *testing.T) {
	t.Parallel()
	p := &pair{at: newPlace(t), dir: t.TempDir()}
	p.notes = p.subgraph(t)
	p.notes.ExpectError("failed to fetch the keys of FREEHOLD_ISSUER")
	const list = `{ notebooks { nodes { id } } }`
	p.notes.Must("", list, nil)
	stranger := harness.Start(t, "FREEHOLD_PUBLIC_URL="+p.at.url).SignUp(nil)
	if r := p.notes.Do(stranger.Token, list, nil); r.Code() != "UNAVAILABLE" || r.Errors[0].Extensions.RetryAfter == 0 {
		t.Errorf("without keys: %s", r.Body)
	}
	p.accounts = p.at.serve(t, harness.Setup{Settings: []string{"FREEHOLD_PUBLIC_URL=" + p.at.url, "FREEHOLD_TOKEN_AUDIENCES=" + audience}})
	ann := p.accounts.SignUp(nil)
	p.ahead.Add(int64(6 * time.Second)) // the keys are fetched again after five seconds
	p.expect(t, "once the issuer has started", ann.Token, "")
}

// A subgraph has nothing of accounts: no keys, no cookies, no mailbox.
func TestSubgraphHasNoAccounts(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, path := range []string{"/.well-known/jwks.json", "/dev/mail"} {
		if status, _ := p.notes.Get(path); status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := p.notes.Get(path); status != http.StatusOK {
			t.Errorf("%s: status %d: %s", path, status, body)
		}
	}
	ann := p.accounts.SignUp(nil)
	r := p.notes.Send(harness.Request{
		Query:  `mutation { createNotebook(input: {title: "x"}) { notebook { title } } }`,
		Header: http.Header{"Cookie": {"access=" + ann.Token, "__Host-access=" + ann.Token}, "Origin": {p.notes.URL}},
	})
	if r.Code() != "UNAUTHENTICATED" || len(r.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("with a cookie: %s %v", r.Body, r.Header)
	}
	_, err := program(t).New(t.Context(), p.config(t, dbtest.New(t)), app.Options{})
	if err == nil || !strings.Contains(err.Error(), "use another database") {
		t.Errorf("on a database with accounts: %v", err)
	}
	if _, _, err := operate.RotateKeys(p.config(t, p.notes.DB), time.Now()); err == nil {
		t.Error("the subgraph has keys to rotate")
	}
}

func (p *pair) config(t *testing.T, d dbtest.Database) config.Config {
	t.Helper()
	c, err := program(t).LoadConfig([]string{
		"DATABASE_URL=" + d.App, "FREEHOLD_MIGRATE_URL=" + d.Owner, "FREEHOLD_ISSUER=" + p.at.url, "FREEHOLD_AUDIENCE=" + audience, "FREEHOLD_DATA_DIR=" + t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
