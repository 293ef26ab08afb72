package access

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"pgregory.net/rapid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/e2e/harness"
)

// facts are the stored data of an account. Tests number accounts in their order.
type facts struct {
	Visibility string
	Bio        *string
	Birthday   *string
	Phone      *string
}

// sight is what a viewer sees of an account: nothing, the profile's visibility and bio, or the private fields too.
type sight struct {
	Seen            bool
	Visibility, Bio string
	Private         bool
	Birthday, Phone string
}

// oracle returns what a viewer sees of account i according to the documentation. The viewer is the number of an account, or
// -1 for an anonymous viewer. The oracle shares no code with the service.
func oracle(world []facts, viewer, i int) sight {
	account := world[i]
	text := func(s *string) string {
		if s == nil {
			return "null"
		}
		return *s
	}
	mine := viewer == i
	signedIn := viewer >= 0
	switch account.Visibility {
	case "PUBLIC":
	case "MEMBERS":
		if !signedIn {
			return sight{}
		}
	case "PRIVATE":
		if !mine {
			return sight{}
		}
	}
	s := sight{Seen: true, Visibility: account.Visibility, Bio: text(account.Bio)}
	if mine {
		s.Private, s.Birthday, s.Phone = true, text(account.Birthday), text(account.Phone)
	}
	return s
}

// differential is a service, its database, and accounts whose facts each iteration sets.
type differential struct {
	service  *harness.Service
	db       *db.DB
	super    *sqlx.DB
	accounts []harness.Account
	viewers  []auth.Viewer
}

func newDifferential(t *testing.T) *differential {
	t.Helper()
	const accounts = 12
	d := &differential{service: harness.Start(t)}
	for range accounts {
		a := d.service.SignUp(nil)
		d.accounts, d.viewers = append(d.accounts, a), append(d.viewers, viewerOf(t, a.Token))
	}
	var err error
	if d.db, err = db.Open(db.Options{URL: d.service.DB.App}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.db.Close() })
	d.super = sqlx.NewDb(open(t, d.service.DB.Superuser), "postgres")
	return d
}

// set writes the whole state of the database, so that a replay does not depend on earlier iterations.
func (d *differential) set(t *rapid.T, world []facts) {
	var users, visibilities, bios, birthdays, phones []*string
	for i := range world {
		users, visibilities = append(users, &d.accounts[i].UserID), append(visibilities, &world[i].Visibility)
		bios, birthdays, phones = append(bios, world[i].Bio), append(birthdays, world[i].Birthday), append(phones, world[i].Phone)
	}
	_, err := d.super.ExecContext(t.Context(), `
		WITH new AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::text[]) AS n (user_id, visibility, bio, birthday, phone)),
		     private AS (UPDATE app.profile_private x SET birthday = new.birthday, phone_number = new.phone FROM new WHERE x.user_id = new.user_id)
		UPDATE app.profiles x SET visibility = new.visibility, bio = new.bio FROM new WHERE x.user_id = new.user_id`,
		pq.Array(users), pq.Array(visibilities), pq.Array(bios), pq.Array(birthdays), pq.Array(phones))
	if err != nil {
		t.Fatal(err)
	}
}

// drawWorld draws the stored data of each account.
func drawWorld(t *rapid.T, accounts int) (world []facts) {
	optional := func(label string, values ...string) *string {
		return rapid.Ptr(rapid.SampledFrom(values), true).Draw(t, label)
	}
	for i := range accounts {
		world = append(world, facts{
			Visibility: rapid.SampledFrom([]string{"PRIVATE", "MEMBERS", "PUBLIC"}).Draw(t, fmt.Sprintf("visibility of %d", i)),
			Bio:        optional(fmt.Sprintf("bio of %d", i), "", "a bio", "'; --"),
			Birthday:   optional(fmt.Sprintf("birthday of %d", i), "1961-04-12", "2000-02-29"),
			Phone:      optional(fmt.Sprintf("phone of %d", i), "+4930123456", "+12025550123"),
		})
	}
	return world
}

// The HTTP replies, plain SELECTs in the viewer's transaction and the oracle agree for random rows, visibilities and viewers.
// rapid prints the seed of a failure; -rapid.seed replays it.
func TestLayersAndOracleAgree(t *testing.T) {
	t.Parallel()
	d := newDifferential(t)
	rapid.Check(t, func(t *rapid.T) {
		world := drawWorld(t, len(d.accounts))
		viewer := rapid.IntRange(-1, len(d.accounts)-1).Draw(t, "viewer")
		one := rapid.IntRange(0, len(d.accounts)-1).Draw(t, "account asked for")
		d.set(t, world)
		want := make([]sight, len(world))
		for i := range world {
			want[i] = oracle(world, viewer, i)
		}
		if diff := cmp.Diff(want, d.selected(t, viewer)); diff != "" {
			t.Errorf("SELECT differs from the oracle (-oracle +SELECT):\n%s", diff)
		}
		if diff := cmp.Diff(want, d.listed(t, viewer)); diff != "" {
			t.Errorf("profiles differs from the oracle (-oracle +HTTP):\n%s", diff)
		}
		single := d.single(t, viewer, one)
		for _, query := range slices.Sorted(maps.Keys(single)) { // in order, so that a replay prints the same
			if diff := cmp.Diff(want[one], single[query]); diff != "" {
				t.Errorf("%s differs from the oracle (-oracle +HTTP):\n%s", query, diff)
			}
		}
	})
}

// selected returns what statements without any condition find in a viewer's transaction.
func (d *differential) selected(t *rapid.T, viewer int) []sight {
	as := auth.Viewer{}
	if viewer >= 0 {
		as = d.viewers[viewer]
	}
	var profiles []struct {
		UserID     string `db:"user_id"`
		Visibility string
		Bio        string
	}
	var private []struct {
		UserID   string `db:"user_id"`
		Birthday string
		Phone    string
	}
	var mails []string
	err := d.db.Read(t.Context(), as, func(ctx context.Context, tx *db.Tx) error {
		for dest, query := range map[any]string{
			&profiles: `SELECT user_id, visibility, COALESCE(bio, 'null') AS bio FROM app.profiles`,
			&private:  `SELECT user_id, COALESCE(birthday::text, 'null') AS birthday, COALESCE(phone_number, 'null') AS phone FROM app.profile_private`,
			&mails:    `SELECT user_id FROM app.user_private`,
		} {
			if err := tx.Select(ctx, dest, query); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]sight, len(d.accounts))
	for _, p := range profiles {
		i := d.number(p.UserID)
		seen[i] = sight{Seen: true, Visibility: p.Visibility, Bio: p.Bio}
	}
	for _, p := range private {
		i := d.number(p.UserID)
		seen[i].Private, seen[i].Birthday, seen[i].Phone = slices.Contains(mails, p.UserID), p.Birthday, p.Phone
	}
	if len(mails) != len(private) {
		t.Errorf("%d rows of user_private and %d of profile_private", len(mails), len(private))
	}
	return seen
}

// number returns the number of the account with this user id.
func (d *differential) number(userID string) int {
	return slices.IndexFunc(d.accounts, func(a harness.Account) bool { return a.UserID == userID })
}

const profileSelection = ` { id visibility bio birthday phoneNumber user { id email } } `

type profileJSON struct {
	ID                         string
	Visibility                 string
	Bio, Birthday, PhoneNumber *string
	User                       struct {
		ID    string
		Email *string
	}
}

// as sends a query as a viewer. It ignores errors: other tests check them.
func (d *differential) as(t *rapid.T, viewer int, query string, into any) {
	token := ""
	if viewer >= 0 {
		token = d.accounts[viewer].Token
	}
	r, err := d.service.TryDo(token, query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(r.Data, into); err != nil {
		t.Fatalf("%v: %s", err, r.Body)
	}
}

// listed returns what the list of profiles shows.
func (d *differential) listed(t *rapid.T, viewer int) []sight {
	var data struct {
		Profiles struct{ Nodes []*profileJSON }
	}
	d.as(t, viewer, `{ profiles(first: 100) { nodes`+profileSelection+`} }`, &data)
	seen := make([]sight, len(d.accounts))
	for _, p := range data.Profiles.Nodes {
		seen[d.number(p.User.ID)] = d.sightOf(p)
	}
	return seen
}

// single returns what each way to a single profile shows.
func (d *differential) single(t *rapid.T, viewer, one int) map[string]sight {
	a := d.accounts[one]
	var data struct {
		Profile, Node *profileJSON
		User          *struct{ Profile *profileJSON }
		Entities      []*profileJSON `json:"_entities"`
	}
	d.as(t, viewer, `{ profile(username: "`+a.Username+`")`+profileSelection+`
		node(id: "`+a.ProfileID+`") { ... on Profile`+profileSelection+`}
		user: node(id: "`+a.UserID+`") { ... on User { profile`+profileSelection+`} }
		_entities(representations: [{__typename: "Profile", id: "`+a.ProfileID+`"}]) { ... on Profile`+profileSelection+`} }`, &data)
	seen := map[string]sight{"profile": d.sightOf(data.Profile), "node": d.sightOf(data.Node), "_entities": d.sightOf(data.Entities[0]), "node of the user": {}}
	if data.User != nil {
		seen["node of the user"] = d.sightOf(data.User.Profile)
	}
	return seen
}

// sightOf reads a reply. It finds the account of the private fields by the email address in them; the address of another
// account counts as no sight.
func (d *differential) sightOf(p *profileJSON) sight {
	if p == nil {
		return sight{}
	}
	text := func(s *string) string {
		if s == nil {
			return "null"
		}
		return *s
	}
	s := sight{Seen: d.accounts[d.number(p.User.ID)].ProfileID == p.ID, Visibility: p.Visibility, Bio: text(p.Bio)}
	if s.Private = p.User.Email != nil && *p.User.Email == d.accounts[d.number(p.User.ID)].Email; s.Private || p.Birthday != nil || p.PhoneNumber != nil {
		s.Birthday, s.Phone = text(p.Birthday), text(p.PhoneNumber)
	}
	return s
}
