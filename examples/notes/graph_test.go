package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// thing is a row of a random graph. Everything in a notebook has the notebook's owner, roles and visibility.
type thing struct {
	id    string
	typ   string
	in    *thing            // the notebook of a note, or the note of a comment
	owner string            // the id of a user; "" unless it is a notebook or an organisation
	shows string            // the visibility of a notebook
	roles map[string]string // by the id of a user
}

// graph is a random graph of users, what they own, and with whom they share it.
type graph struct {
	users    []harness.Account
	disabled map[string]bool
	things   []*thing
}

// newGraph returns a graph that a seed determines.
func newGraph(r *rand.Rand, users []harness.Account) *graph {
	g := &graph{users: users, disabled: map[string]bool{}}
	newID := func() string {
		return uuid.UUID{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 6: 0x40, 8: 0x80, 15: byte(len(g.things))}.String()
	}
	add := func(x thing) *thing {
		x.id = newID()
		g.things = append(g.things, &x)
		return &x
	}
	for _, u := range users {
		g.disabled[u.UserID] = r.IntN(5) == 0
	}
	roles := func(owner string, names ...string) map[string]string {
		all := map[string]string{}
		for _, u := range users {
			if u.UserID != owner && r.IntN(2) == 0 {
				all[u.UserID] = names[r.IntN(len(names))]
			}
		}
		return all
	}
	for range 1 + r.IntN(4) {
		owner := users[r.IntN(len(users))].UserID
		book := add(thing{typ: "Notebook", owner: owner, shows: []string{"PRIVATE", "MEMBERS", "PUBLIC"}[r.IntN(3)], roles: roles(owner, "EDITOR", "MEMBER")})
		if g.disabled[owner] {
			book.shows = "PRIVATE" // as when the account is disabled
		}
		for range r.IntN(3) {
			note := add(thing{typ: "Note", in: book})
			for range r.IntN(3) {
				add(thing{typ: "Comment", in: note})
			}
		}
	}
	for range r.IntN(3) {
		owner := users[r.IntN(len(users))].UserID
		add(thing{typ: "Organisation", owner: owner, shows: "PRIVATE", roles: roles(owner, "ADMIN", "MEMBER")})
	}
	return g
}

// root returns the notebook or organisation that a thing is in.
func (x *thing) root() *thing {
	for x.in != nil {
		x = x.in
	}
	return x
}

// strength returns how strong the relation of a user to a thing is: 3 for its owner, 2 for an editor or admin, 1 for a member.
func (g *graph) strength(user string, x *thing) int {
	x = x.root()
	switch {
	case user == "":
		return 0
	case x.owner == user:
		return 3
	case g.disabled[x.owner]:
		return 0
	}
	return map[string]int{"EDITOR": 2, "ADMIN": 2, "MEMBER": 1}[x.roles[user]]
}

// sees reports whether a user sees a thing.
func (g *graph) sees(user string, x *thing) bool {
	return g.strength(user, x) > 0 || x.typ == "Notebook" && (x.shows == "PUBLIC" || x.shows == "MEMBERS" && user != "")
}

// needed has the strength that each action takes. Those of fields begin with a dot.
var needed = map[string]map[string]int{
	"Notebook": {
		"UPDATE": 2, "DELETE": 3, "CREATE_NOTE": 2, "INVITE_TO": 2, "REVOKE_INVITATION": 3, "LEAVE": 1, "CHANGE_MEMBER_ROLE": 3,
		"REMOVE_MEMBER": 3, "TRANSFER": 3, ".TITLE": 2, ".VISIBILITY": 3,
	},
	"Note":    {"UPDATE": 2, "DELETE": 2, "CREATE_COMMENT": 1, ".BODY": 2, ".PINNED": 2},
	"Comment": {"DELETE": 2},
	"Organisation": {
		"UPDATE": 2, "DELETE": 3, "MOVE": 3, "SET_ORGANISATION_MEMBER": 2, "REMOVE_ORGANISATION_MEMBER": 2, "LEAVE": 1, ".NAME": 2,
	},
}

// can returns what a user may do with a thing, sorted.
func (g *graph) can(user string, x *thing) (list []string) {
	for action, strength := range needed[x.typ] {
		if g.strength(user, x) >= strength {
			list = append(list, action)
		}
	}
	slices.Sort(list)
	return list
}

// store replaces everything in the database by the graph.
func (g *graph) store(t *testing.T, d dbtest.Database) {
	t.Helper()
	d.Query(t, `DELETE FROM app.notebooks`)
	d.Query(t, `DELETE FROM app.organisations`)
	for _, u := range g.users {
		d.Query(t, `UPDATE app.accounts SET disabled_at = CASE WHEN $2 THEN now() END WHERE user_id = $1`, u.UserID, g.disabled[u.UserID])
	}
	for _, x := range g.things {
		switch x.typ {
		case "Notebook":
			d.Query(t, `INSERT INTO app.notebooks (id, user_id, title, visibility) VALUES ($1, $2, 'x', $3)`, x.id, x.owner, x.shows)
		case "Note":
			d.Query(t, `INSERT INTO app.notes (id, user_id, notebook_id, body) VALUES ($1, $2, $3, 'x')`, x.id, x.in.owner, x.in.id)
		case "Comment":
			d.Query(t, `INSERT INTO app.comments (id, note_id, body) VALUES ($1, $2, 'x')`, x.id, x.in.id)
		case "Organisation":
			d.Query(t, `INSERT INTO app.organisations (id, user_id, name) VALUES ($1, $2, 'x')`, x.id, x.owner)
		}
		for user, role := range x.roles {
			table := strings.ToLower(x.typ)
			d.Query(t, `INSERT INTO app.`+table+`_members (`+table+`_id, user_id, role) VALUES ($1, $2, $3)`, x.id, user, role)
		}
	}
}

// Who sees what, and who may do what with it, is what a naive oracle computes from random graphs: by the field rules alone, and by
// the row policies alone.
func TestRandomGraphs(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	rules := harness.Setup{Program: program(t), Database: d, Layers: harness.RulesAlone}.Start(t)
	var users []harness.Account
	for range 6 {
		users = append(users, rules.SignUp(nil))
	}
	policies, err := sql.Open("postgres", d.App)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { policies.Close() })
	first := rand.Uint64()
	for n := range uint64(25) {
		seed := first + n
		g := newGraph(rand.New(rand.NewPCG(seed, 0)), users)
		g.store(t, d)
		for _, u := range append([]harness.Account{{}}, users...) {
			if g.disabled[u.UserID] {
				continue // they have no session
			}
			if diff := g.compare(u.UserID, g.askRules(t, rules, u.Token), g.askPolicies(t, policies, u.UserID)); len(diff) > 0 {
				t.Fatalf("seed %d, user %q:\n%s", seed, u.UserID, strings.Join(diff, "\n"))
			}
		}
	}
}

// answers are what a layer lets a user do with each thing that they see, by the thing's id.
type answers map[string][]string

// compare returns how the answers of the two layers differ from those of the oracle. The policies know fewer actions.
func (g *graph) compare(user string, rules, policies answers) (diff []string) {
	for _, x := range g.things {
		want := answers{}
		if g.sees(user, x) {
			want[x.id] = g.can(user, x)
		}
		byPolicies := slices.DeleteFunc(slices.Clone(want[x.id]), func(action string) bool { return !slices.Contains(tried[x.typ], action) })
		for layer, c := range map[string]struct{ got, want []string }{"rules": {rules[x.id], want[x.id]}, "policies": {policies[x.id], byPolicies}} {
			_, sees := map[string]answers{"rules": rules, "policies": policies}[layer][x.id]
			if sees != g.sees(user, x) || !slices.Equal(c.got, c.want) {
				diff = append(diff, fmt.Sprintf("%s about %s %s: sees it %t and may %v; want %t and %v", layer, x.typ, x.id, sees, c.got, g.sees(user, x), c.want))
			}
		}
	}
	return diff
}

// askRules asks the service, whose database refuses nothing.
func (g *graph) askRules(t *testing.T, s *harness.Service, token string) answers {
	t.Helper()
	var ids []string
	for _, x := range g.things {
		ids = append(ids, x.id)
	}
	r := s.Do(token, `query ($ids: [ID!]!) { nodes(ids: $ids) {
		... on Notebook { id notebook: viewerCan { actions edit } } ... on Note { id note: viewerCan { actions edit } }
		... on Comment { id comment: viewerCan { actions } } ... on Organisation { id organisation: viewerCan { actions edit } } } }`, harness.Vars{"ids": ids})
	type can struct{ Actions, Edit []string }
	var data struct {
		Nodes []*struct {
			ID                                    string
			Notebook, Note, Comment, Organisation can // that of its type
		}
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		t.Fatalf("%s: %v", r.Body, err)
	}
	found := answers{}
	for _, n := range data.Nodes {
		if n == nil {
			continue
		}
		var all []string
		for _, c := range []can{n.Notebook, n.Note, n.Comment, n.Organisation} {
			all = append(all, c.Actions...)
			for _, field := range c.Edit {
				all = append(all, "."+field)
			}
		}
		slices.Sort(all)
		found[n.ID] = all
	}
	return found
}

// tried are the actions that row policies decide about.
var tried = map[string][]string{
	"Notebook":     {"UPDATE", "DELETE", "CREATE_NOTE", ".TITLE", ".VISIBILITY"},
	"Note":         {"UPDATE", "DELETE", "CREATE_COMMENT", ".BODY", ".PINNED"},
	"Comment":      {"DELETE"},
	"Organisation": {"UPDATE", "DELETE", "SET_ORGANISATION_MEMBER", ".NAME"},
}

// statements try an action on the row $1. An UPDATE of the visibility must change it.
var statements = map[string]map[string]string{
	"Notebook": {
		"UPDATE": `UPDATE app.notebooks SET title = title WHERE id = $1`, ".TITLE": `UPDATE app.notebooks SET title = 'y' WHERE id = $1`,
		".VISIBILITY": `UPDATE app.notebooks SET visibility = CASE visibility WHEN 'PRIVATE' THEN 'PUBLIC' ELSE 'PRIVATE' END WHERE id = $1`,
		"DELETE":      `DELETE FROM app.notebooks WHERE id = $1`,
		"CREATE_NOTE": `INSERT INTO app.notes (id, user_id, notebook_id, body) SELECT gen_random_uuid(), user_id, id, 'y' FROM app.notebooks WHERE id = $1`,
	},
	"Note": {
		"UPDATE": `UPDATE app.notes SET body = body WHERE id = $1`, ".BODY": `UPDATE app.notes SET body = 'y' WHERE id = $1`,
		".PINNED": `UPDATE app.notes SET pinned = true WHERE id = $1`, "DELETE": `DELETE FROM app.notes WHERE id = $1`,
		"CREATE_COMMENT": `INSERT INTO app.comments (id, note_id, body) VALUES (gen_random_uuid(), $1, 'y')`,
	},
	"Comment": {"DELETE": `DELETE FROM app.comments WHERE id = $1`},
	"Organisation": {
		"UPDATE": `UPDATE app.organisations SET name = name WHERE id = $1`, ".NAME": `UPDATE app.organisations SET name = 'y' WHERE id = $1`,
		"DELETE": `DELETE FROM app.organisations WHERE id = $1`,
		"SET_ORGANISATION_MEMBER": `INSERT INTO app.organisation_members (organisation_id, user_id, role) SELECT $1, user_id, 'MEMBER' FROM app.profiles LIMIT 1
			ON CONFLICT (user_id, organisation_id) DO UPDATE SET role = excluded.role`,
	},
}

// askPolicies tries everything in the database as a user, and undoes it.
func (g *graph) askPolicies(t *testing.T, pool *sql.DB, user string) answers {
	t.Helper()
	tx, err := pool.BeginTx(context.WithoutCancel(t.Context()), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	exec := func(query string, args ...any) (n int64, err error) {
		result, err := tx.ExecContext(t.Context(), query, args...)
		if err == nil {
			n, err = result.RowsAffected()
		}
		return n, err
	}
	if _, err := exec(`SELECT set_config('app.viewer_id', $1, true)`, user); err != nil {
		t.Fatal(err)
	}
	found := answers{}
	for _, x := range g.things {
		if n, err := exec(`SELECT FROM app.`+strings.ToLower(x.typ)+`s WHERE id = $1`, x.id); err != nil {
			t.Fatal(err)
		} else if n > 0 {
			found[x.id] = nil
		}
		for _, action := range slices.Sorted(maps.Keys(statements[x.typ])) {
			if _, err := exec(`SAVEPOINT before`); err != nil {
				t.Fatal(err)
			}
			n, err := exec(statements[x.typ][action], x.id)
			if e := pq.As(err); e != nil && e.Code != "42501" && e.Code != "FH009" {
				t.Fatalf("%s: %v", statements[x.typ][action], err)
			}
			if n > 0 {
				found[x.id] = append(found[x.id], action)
			}
			if _, err := exec(`ROLLBACK TO before`); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(found[x.id])
	}
	return found
}
