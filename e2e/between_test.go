package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/db/dbtest"
)

// barrier stops a service right before a statement, so that something can happen in between.
type barrier struct {
	mu      sync.Mutex
	texts   []string // what the statements to come contain, the last being the one to stop at; empty: none is waited for
	reached chan struct{}
	goOn    chan struct{}
}

// observe is for app.Options.
func (b *barrier) observe(query string) {
	b.mu.Lock()
	waiting := len(b.texts) > 0 && strings.Contains(query, b.texts[0])
	if waiting {
		b.texts = b.texts[1:]
	}
	stop, reached, goOn := waiting && len(b.texts) == 0, b.reached, b.goOn
	b.mu.Unlock()
	if stop {
		close(reached)
		<-goOn
	}
}

// between sends a request, stops it right before the last of the statements with these texts, does something else
// meanwhile, and returns the answer.
func (b *barrier) between(t *testing.T, request func() reply, meanwhile func(), texts ...string) reply {
	t.Helper()
	reached, goOn := make(chan struct{}), make(chan struct{})
	b.mu.Lock()
	b.texts, b.reached, b.goOn = texts, reached, goOn
	b.mu.Unlock()
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	answered := make(chan reply, 1)
	go func() { answered <- request() }()
	select {
	case <-reached:
		meanwhile()
	case r := <-answered:
		t.Fatalf("answered without the statements %q: %s", texts, r.Body)
	}
	release()
	return <-answered
}

// A20: a row changes hands, or is gone, after the rule has found that it is the viewer's and before it is written. The
// write names the owner, so the answer is that of a missing row, and nothing is written, even with the policies away.
func TestRowThatChangesBetweenRuleAndWriteIsNotWritten(t *testing.T) {
	t.Parallel()
	for _, w := range []walls{bothWalls, rulesAlone} {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			var b barrier
			o := appOptions()
			o.Observe = b.observe
			s := startWith(t, dbtest.New(t), w, o)
			for moment, texts := range map[string][]string{
				"before the write's transaction": {"WHERE id = ANY ($1)", "BEGIN"}, // the look-up of the rule, then the next BEGIN
				"before the write":               {"WHERE id = ANY ($1)", "UPDATE app.profiles"},
			} {
				const changesHands = `DELETE FROM app.profiles WHERE user_id = 'ANOTHER'; UPDATE app.profiles SET user_id = 'ANOTHER' WHERE id = 'ROW'`
				for change, statements := range map[string]string{
					"is gone":       `DELETE FROM app.profiles WHERE id = 'ROW'`,
					"changes hands": changesHands,
					"changes hands, and its owner has a new one": changesHands + `;
						INSERT INTO app.profiles (id, user_id, username, username_key, visibility) VALUES (gen_random_uuid(), 'OWNER', 'OWNER', 'OWNER', 'PUBLIC')`,
				} {
					a, another := s.signUp(nil), s.signUp(nil)
					statements = strings.NewReplacer("ROW", a.ProfileID, "OWNER", a.UserID, "ANOTHER", another.UserID).Replace(statements)
					update := func(id string) func() reply {
						return func() reply {
							return s.do(a.Token, updateMutation, vars{"input": vars{"id": id, "displayName": "Mallory", "phoneNumber": "+4911111111"}})
						}
					}
					var changed []string
					r := b.between(t, update(a.ProfileID), func() {
						s.db.Query(t, statements)
						changed = s.everything()
					}, texts...)
					if want := update(nonesuch().ProfileID)(); r.Body != want.Body || r.Status != want.Status || r.code() != "NOT_FOUND" {
						t.Errorf("%s %s: %d %s, want %d %s", change, moment, r.Status, r.Body, want.Status, want.Body)
					}
					if diff := cmp.Diff(changed, s.everything()); diff != "" {
						t.Errorf("%s %s, and something was written (-before +after):\n%s", change, moment, diff)
					}
				}
			}
		})
	}
}

// innerWords are those of the database that no client ever reads: what PostgreSQL says of constraints and policies, and
// the names of whatever there is that the API does not know by the same name.
func (s *service) innerWords() []string {
	s.t.Helper()
	return append(s.db.Query(s.t, `
		SELECT conname FROM pg_constraint WHERE connamespace = 'app'::regnamespace
		UNION SELECT relname FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relname LIKE '%\_%'
		UNION SELECT policyname FROM pg_policies
		UNION SELECT proname FROM pg_proc WHERE pronamespace = 'app'::regnamespace AND proname LIKE '%\_%'
		UNION SELECT attname FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'app'::regnamespace) AND attname LIKE '%\_%'`),
		"constraint", "violates", "duplicate key", "row-level", "relation", "SQLSTATE", "pq:", "app.", "canary")
}

func nothingTold(t *testing.T, what string, r reply, words []string) {
	t.Helper()
	if i := slices.IndexFunc(words, func(word string) bool { return strings.Contains(r.Body, word) }); i >= 0 {
		t.Errorf("%s tells %q: %s", what, words[i], r.Body)
	}
}

// D07: a sign-up with an e-mail or username that a hidden account has tells which field to mend and no more, letter by
// letter what it tells for a seen account; so does one that finds the field free and then runs into the constraint.
func TestTakenFieldsTellNothingMore(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var b barrier
	o := appOptions()
	o.Observe = b.observe
	s, rival := startWith(t, d, bothWalls, o), startWith(t, d, bothWalls, appOptions())
	words := s.innerWords()
	if len(words) < 40 {
		t.Fatalf("the catalog has only %v", words)
	}
	signUp := func(s *service, email, username string) reply {
		return s.do("", signUpMutation, vars{"input": vars{"email": email, "password": password, "username": username}})
	}
	for i, c := range []struct{ name, fields string }{
		{"e-mail", "[input.email TAKEN]"}, {"username", "[input.username TAKEN]"}, {"both", "[input.email TAKEN input.username TAKEN]"},
	} {
		var bodies []string
		for _, way := range []string{"hidden", "seen", "race"} {
			name := fmt.Sprintf("victim-%d-%s", i, way)
			email, username := name+"@example.org", name
			switch c.name {
			case "e-mail":
				username = "free-" + name
			case "username":
				email = "free-" + email
			}
			var r reply
			switch way {
			case "hidden":
				s.signUpAs(name, vars{"visibility": "PRIVATE"})
				r = signUp(s, email, username)
			case "seen":
				s.signUpAs(name, vars{"visibility": "PUBLIC"})
				r = signUp(s, email, username)
			case "race": // stopped after the look-up, which found both free
				r = b.between(t, func() reply { return signUp(s, email, username) }, func() { rival.signUpAs(name, nil) }, "app.find_taken", "app.sign_up")
			}
			if r.code() != "CONFLICT" || fmt.Sprint(r.fields()) != c.fields || string(r.Data) != `{"signUp":null}` {
				t.Errorf("%s, %s: %s", c.name, way, r.Body)
			}
			nothingTold(t, c.name+", "+way, r, append(words, name))
			bodies = append(bodies, fmt.Sprint(r.Status, " ", r.Body))
		}
		if bodies[0] != bodies[1] || bodies[0] != bodies[2] {
			t.Errorf("%s: hidden, seen and race differ:\n%s", c.name, strings.Join(bodies, "\n"))
		}
	}
}

// D07: a constraint of any kind that no look-up comes before, such as one that an adopter adds, is an internal error
// without one word of it.
func TestConstraintsAreNoBusinessOfClients(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(vars{"displayName": "Ann"})
	s.signUp(vars{"phoneNumber": canaryPhone, "displayName": "V"})
	for _, c := range []struct {
		name, statement string
		profile         vars
	}{
		{"check", `ALTER TABLE app.profiles ADD CONSTRAINT canary_check CHECK (bio <> 'cage')`, vars{"bio": "cage"}},
		{"unique", `ALTER TABLE app.profile_private ADD CONSTRAINT canary_unique UNIQUE (phone_number)`, vars{"phoneNumber": canaryPhone}},
		{"foreign key", `CREATE TABLE app.canary_places (name text PRIMARY KEY);
			ALTER TABLE app.profiles ADD CONSTRAINT canary_place FOREIGN KEY (location) REFERENCES app.canary_places`, vars{"location": "Nowhere"}},
		{"not null", `ALTER TABLE app.profiles ALTER display_name SET NOT NULL`, vars{"displayName": nil}},
		{"policy", `CREATE POLICY canary_policy ON app.profiles AS RESTRICTIVE FOR ALL TO freehold_app
			USING (true) WITH CHECK (avatar_url <> 'https://cage.example')`, vars{"avatarUrl": "https://cage.example"}},
	} {
		s.db.Query(t, c.statement)
		s.expectError("update profile: pq: ")
		s.expectError("sign up: create p") // profile, or its private part
		words := s.innerWords()
		before := s.rows(a)
		for act, r := range map[string]reply{
			"update":  s.do(a.Token, updateMutation, vars{"input": c.profile}),
			"sign-up": s.do("", signUpMutation, vars{"input": vars{"email": "new@example.org", "password": password, "username": "new", "profile": c.profile}}),
		} {
			if r.code() != "INTERNAL_SERVER_ERROR" || len(r.fields()) > 0 {
				t.Errorf("%s, %s: %s", c.name, act, r.Body)
			}
			nothingTold(t, c.name+", "+act, r, append(words, canaryPhone, "cage", "Nowhere"))
		}
		if after := s.rows(a); after != before {
			t.Errorf("%s: a refused update changed the row:\n%s\n%s", c.name, before, after)
		}
	}
	if n := s.db.Query(t, `SELECT count(*) FROM app.users`); n[0] != "2" {
		t.Errorf("refused sign-ups left %s users", n[0])
	}
}
