package access

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// barrier stops a service before a statement, so that a test can do something in between.
type barrier struct {
	mu      sync.Mutex
	texts   []string // parts of the next statements, of which the last is the one to stop before; empty if the barrier waits for none
	reached chan struct{}
	goOn    chan struct{}
}

// observe is app.Options.Observe.
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

// between sends a request, stops it before the last of the statements with these texts, calls meanwhile, and returns the
// reply.
func (b *barrier) between(t *testing.T, request func() harness.Reply, meanwhile func(), texts ...string) harness.Reply {
	t.Helper()
	reached, goOn := make(chan struct{}), make(chan struct{})
	b.mu.Lock()
	b.texts, b.reached, b.goOn = texts, reached, goOn
	b.mu.Unlock()
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	answered := make(chan harness.Reply, 1)
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

// A20: a row gets another owner, or is deleted, after the rule found that the viewer owns it and before the write. The write
// names the owner, so the reply is the one for a missing row and nothing is written, even without the row policies.
func TestRowThatChangesBetweenRuleAndWriteIsNotWritten(t *testing.T) {
	t.Parallel()
	for _, w := range []harness.Layers{harness.BothLayers, harness.RulesAlone} {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			var b barrier
			o := app.Options{}
			o.Observe = b.observe
			s := harness.StartWith(t, dbtest.New(t), w, o)
			for moment, texts := range map[string][]string{
				"before the write's transaction": {"WHERE id = ANY ($1)", "BEGIN"}, // the look-up of the rule, then the next BEGIN
				"before the write":               {"WHERE id = ANY ($1)", "UPDATE app.profiles"},
			} {
				const changesHands = `DELETE FROM app.profiles WHERE user_id = 'ANOTHER'; UPDATE app.profiles SET user_id = 'ANOTHER' WHERE id = 'ROW'`
				for change, statements := range map[string]string{
					"is deleted":         `DELETE FROM app.profiles WHERE id = 'ROW'`,
					"gets another owner": changesHands,
					"gets another owner, and the viewer a new row": changesHands + `;
						INSERT INTO app.profiles (id, user_id, username, username_key, visibility) VALUES (gen_random_uuid(), 'OWNER', 'OWNER', 'OWNER', 'PUBLIC')`,
				} {
					a, another := s.SignUp(nil), s.SignUp(nil)
					statements = strings.NewReplacer("ROW", a.ProfileID, "OWNER", a.UserID, "ANOTHER", another.UserID).Replace(statements)
					update := func(id string) func() harness.Reply {
						return func() harness.Reply {
							return s.Do(a.Token, harness.UpdateMutation, harness.Vars{"input": harness.Vars{"id": id, "displayName": "Mallory", "phoneNumber": "+4911111111"}})
						}
					}
					var changed []string
					r := b.between(t, update(a.ProfileID), func() {
						s.DB.Query(t, statements)
						changed = s.AllRows()
					}, texts...)
					if want := update(nonesuch().ProfileID)(); r.Body != want.Body || r.Status != want.Status || r.Code() != "NOT_FOUND" {
						t.Errorf("%s %s: %d %s, want %d %s", change, moment, r.Status, r.Body, want.Status, want.Body)
					}
					if diff := cmp.Diff(changed, s.AllRows()); diff != "" {
						t.Errorf("%s %s, and something was written (-before +after):\n%s", change, moment, diff)
					}
				}
			}
		})
	}
}

// innerWords returns words of the database that no client may read: PostgreSQL's texts about constraints and policies, and
// the names that the API does not have.
func innerWords(s *harness.Service) []string {
	s.T.Helper()
	return append(s.DB.Query(s.T, `
		SELECT conname FROM pg_constraint WHERE connamespace = 'app'::regnamespace
		UNION SELECT relname FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relname LIKE '%\_%'
		UNION SELECT policyname FROM pg_policies
		UNION SELECT proname FROM pg_proc WHERE pronamespace = 'app'::regnamespace AND proname LIKE '%\_%'
		UNION SELECT attname FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'app'::regnamespace) AND attname LIKE '%\_%'`),
		"constraint", "violates", "duplicate key", "row-level", "relation", "SQLSTATE", "pq:", "app.", "canary")
}

func nothingTold(t *testing.T, what string, r harness.Reply, words []string) {
	t.Helper()
	if i := slices.IndexFunc(words, func(word string) bool { return strings.Contains(r.Body, word) }); i >= 0 {
		t.Errorf("%s reveals %q: %s", what, words[i], r.Body)
	}
}

// D07: a sign-up with the email or username of a hidden account reveals which field is taken and nothing more, exactly as for
// a visible account. The same holds for a sign-up that finds the value free and then violates the constraint.
func TestTakenFieldsRevealNothingMore(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var b barrier
	o := app.Options{}
	o.Observe = b.observe
	s, rival := harness.StartWith(t, d, harness.BothLayers, o), harness.StartWith(t, d, harness.BothLayers, app.Options{})
	words := innerWords(s)
	if len(words) < 40 {
		t.Fatalf("the catalog has only %v", words)
	}
	signUp := func(s *harness.Service, email, username string) harness.Reply {
		return s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": username}})
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
			var r harness.Reply
			switch way {
			case "hidden":
				s.SignUpAs(name, harness.Vars{"visibility": "PRIVATE"})
				r = signUp(s, email, username)
			case "seen":
				s.SignUpAs(name, harness.Vars{"visibility": "PUBLIC"})
				r = signUp(s, email, username)
			case "race": // stopped after the look-up, which finds both free
				r = b.between(t, func() harness.Reply { return signUp(s, email, username) }, func() { rival.SignUpAs(name, nil) }, "app.find_taken", "app.sign_up")
			}
			if r.Code() != "CONFLICT" || fmt.Sprint(r.Fields()) != c.fields || string(r.Data) != `{"signUp":null}` {
				t.Errorf("%s, %s: %s", c.name, way, r.Body)
			}
			nothingTold(t, c.name+", "+way, r, append(words, name))
			bodies = append(bodies, fmt.Sprint(r.Status, " ", r.Body))
		}
		if bodies[0] != bodies[1] || bodies[0] != bodies[2] {
			t.Errorf("%s: hidden, visible and race differ:\n%s", c.name, strings.Join(bodies, "\n"))
		}
	}
}

// D07: a violated constraint that no look-up precedes, such as one that an adopter adds, is an internal error. The reply has
// none of its words.
func TestViolatedConstraintsAreInternalErrors(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(harness.Vars{"displayName": "Ann"})
	s.SignUp(harness.Vars{"phoneNumber": harness.CanaryPhone, "displayName": "V"})
	for _, c := range []struct {
		name, statement string
		profile         harness.Vars
	}{
		{"check", `ALTER TABLE app.profiles ADD CONSTRAINT canary_check CHECK (bio <> 'cage')`, harness.Vars{"bio": "cage"}},
		{"unique", `ALTER TABLE app.profile_private ADD CONSTRAINT canary_unique UNIQUE (phone_number)`, harness.Vars{"phoneNumber": harness.CanaryPhone}},
		{"foreign key", `CREATE TABLE app.canary_places (name text PRIMARY KEY);
			ALTER TABLE app.profiles ADD CONSTRAINT canary_place FOREIGN KEY (location) REFERENCES app.canary_places`, harness.Vars{"location": "Nowhere"}},
		{"not null", `ALTER TABLE app.profiles ALTER display_name SET NOT NULL`, harness.Vars{"displayName": nil}},
		{"policy", `CREATE POLICY canary_policy ON app.profiles AS RESTRICTIVE FOR ALL TO freehold_app
			USING (true) WITH CHECK (avatar_url <> 'https://cage.example')`, harness.Vars{"avatarUrl": "https://cage.example"}},
	} {
		s.DB.Query(t, c.statement)
		s.ExpectError("update profile: pq: ")
		s.ExpectError("sign up: create p") // the profile, or its private part
		words := innerWords(s)
		before := rows(s, a)
		for act, r := range map[string]harness.Reply{
			"update":  s.Do(a.Token, harness.UpdateMutation, harness.Vars{"input": c.profile}),
			"sign-up": s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "new@example.org", "password": harness.Password, "username": "new", "profile": c.profile}}),
		} {
			if r.Code() != "INTERNAL_SERVER_ERROR" || len(r.Fields()) > 0 {
				t.Errorf("%s, %s: %s", c.name, act, r.Body)
			}
			nothingTold(t, c.name+", "+act, r, append(words, harness.CanaryPhone, "cage", "Nowhere"))
		}
		if after := rows(s, a); after != before {
			t.Errorf("%s: a refused update changed the row:\n%s\n%s", c.name, before, after)
		}
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.users`); n[0] != "2" {
		t.Errorf("refused sign-ups left %s users", n[0])
	}
}
