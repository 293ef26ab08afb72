package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// The viewers of a target.
const (
	byNobody = "nobody"
	byMember = "another member"
	byOwner  = "the owner"
)

var (
	askers       = []string{byNobody, byMember, byOwner}
	visibilities = []string{"PRIVATE", "MEMBERS", "PUBLIC"}
)

// The reasons why a root field does not show an existing target.
const (
	showsTheViewer   = "the row is the viewer's own"
	changesTheViewer = "members change their own row"
	makesTheViewer   = "the viewer of the reply has just proved to be the owner"
	makesASession    = "a viewer who proves the address gets a session; the owner, who has one, gets no tokens (TestVerifyEmail)"
	makesTheAccount  = "the viewer of the reply owns the new row"
)

// ownAnswers are the root fields that return a row of the viewer although the schema does not say so. ownRow finds the
// others: fields without arguments that return an owned type, and mutations with @signedIn.
var ownAnswers = map[string]string{
	"Mutation.signUp":      makesTheAccount,
	"Mutation.signIn":      makesTheViewer,
	"Mutation.verifyEmail": makesASession,
	"Mutation.signOut":     makesTheViewer, // by the refresh token
}

// nullAfter are the fields, by root field, that are null on every path from there, with the reason. On other paths they have
// values.
var nullAfter = map[string]map[string]string{
	"Mutation.signUp":         {"User.pendingEmail": "nothing was changed yet", "User.nextCodeAt": "no code was requested yet"},
	"Mutation.verifyEmail":    {"User.pendingEmail": "all codes are deleted", "User.nextCodeAt": "and so no address is pending"},
	"Mutation.changePassword": {"User.pendingEmail": "all codes are deleted", "User.nextCodeAt": "and so no address is pending"},
	"Mutation.changeEmail":    {"User.nextCodeAt": "the new address was sent one mail only"},
}

// exempt are fields without a case or without a positive twin, as Type.field, with the reason.
var exempt = map[string]string{}

// specification is what the service must satisfy: its schema, and the access matrix.
type specification struct {
	schema *ast.Schema
	matrix map[string]access.Field
	paths  []path
	own    map[string]string // why a root field returns the viewer's own row
}

func newSpecification(schema *ast.Schema, matrix *access.Matrix) specification {
	s := specification{schema: schema, matrix: map[string]access.Field{}, paths: pathsOf(schema), own: map[string]string{}}
	for _, f := range matrix.Fields {
		s.matrix[f.String()] = f
	}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, f := range root.Fields {
			name := root.Name + "." + f.Name
			s.own[name] = cmp.Or(ownAnswers[name], ownRow(schema, root, f), s.listsTheViewers(root, f))
		}
	}
	return s
}

// listsTheViewers reports whether a query for members alone returns rows that only their owners see. Then it can return no
// other rows.
func (s specification) listsTheViewers(root *ast.Definition, f *ast.FieldDefinition) string {
	if root != s.schema.Query || f.Directives.ForName("signedIn") == nil {
		return ""
	}
	for _, t := range ownedBehind(s.schema, f, true) {
		if s.matrix[t.Name+"."+listedID].Answers[access.MemberVisibleTo] != access.Value {
			return showsTheViewer
		}
	}
	return ""
}

func ownSpecification(t testing.TB) specification {
	t.Helper()
	return newSpecification(parseSchema(t, schemaText(t)), harness.Program.Access())
}

// request is one operation: a path, requested by a viewer, about a target of some visibility.
type request struct {
	path       path
	asker      string
	visibility string
	own        string // why the reply is the viewer's own row; "" if it is not
	optional   bool   // the end of the path may be empty: a new account has only the rows of the sign-up and of hooks
}

func (r request) String() string {
	return fmt.Sprintf("%s, %s about a %s target", r.path, r.asker, r.visibility)
}

// isNullAfter reports whether a field is null on every path from this root field.
func (r request) isNullAfter(c call) bool {
	return nullAfter[r.path.rootField().name()][c.name()] != ""
}

// viewer returns how the viewer relates to the target's rows.
func (r request) viewer() access.Viewer {
	switch {
	case r.asker == byOwner, r.own == makesTheViewer, r.own == makesASession, r.own == makesTheAccount:
		return access.Owner
	case r.asker == byMember && r.visibility != "PRIVATE":
		return access.MemberVisibleTo
	case r.asker == byMember:
		return access.Member
	case r.visibility == "PUBLIC":
		return access.NobodyVisibleTo
	default:
		return access.Nobody
	}
}

// requests returns all requests, queries first, because the accounts that mutations create fill the lists.
func (s specification) requests() (list []request) {
	creators := factsOf(s.schema).creators
	for _, p := range s.paths {
		for _, visibility := range visibilities {
			for _, asker := range askers {
				r := request{path: p, asker: asker, visibility: visibility, own: s.own[p.rootField().name()]}
				r.optional = r.own == makesTheAccount && slices.ContainsFunc(p.steps, func(st step) bool {
					return slices.ContainsFunc(ownedBehind(s.schema, st.def, true), func(t *ast.Definition) bool { return creators[t.Name] != nil })
				})
				if (r.own == showsTheViewer || r.own == changesTheViewer) && asker == byMember || (r.own == makesTheAccount || r.own == makesASession) && asker == byOwner {
					continue // a member owns the row that this returns, and no row exists for an anonymous viewer
				}
				list = append(list, r)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b request) int {
		return strings.Compare(b.path.root.Name, a.path.root.Name) // Query, Mutation
	})
	return list
}

// stage is a service, and people to ask about. People are always created with both layers, by a service with the same
// database and signing key.
type stage struct {
	specification
	layers  harness.Layers
	asked   *harness.Service
	ask     asking // asked, or a fake
	maker   *harness.Service
	making  asking              // maker, or a fake
	furnish func(*person) error // gives a person what no mutation can
	rule    func(string) string // for harness.Setup
	dataDir string              // which has the key
	targets map[string]*person  // by visibility
	another *person
}

// newStage returns a stage with one person of each visibility and another person, in a database of its own.
func newStage(t testing.TB, spec specification) *stage {
	t.Helper()
	p := &stage{specification: spec, targets: map[string]*person{}, dataDir: t.TempDir()}
	p.maker = harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+p.dataDir)
	p.asked, p.ask, p.making, p.furnish = p.maker, p.maker.TryDo, p.maker.TryDo, p.addPending
	for _, visibility := range visibilities {
		p.targets[visibility] = p.make(t, visibility)
	}
	p.another = p.make(t, "MEMBERS")
	return p
}

func (p *stage) make(t testing.TB, visibility string) *person {
	t.Helper()
	made := p.newPerson(visibility)
	if err := p.signUp(made); err != nil {
		t.Fatal(err)
	}
	return made
}

// signUp creates a person with a value for everything that can be selected.
func (p *stage) signUp(made *person) error {
	if err := made.signUp(p.making); err != nil || p.furnish == nil {
		return err
	}
	return p.furnish(made)
}

// addPending adds a pending email address and a limit that is reached, so that these fields have values.
func (p *stage) addPending(made *person) error {
	pending := made.plant("pendingEmail", fmt.Sprintf("canary-%06d@example.org", canarySerial.Add(1)))
	p.maker.DB.Query(p.maker.T, `
		INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at)
		VALUES (gen_random_uuid(), 'CHANGE_EMAIL', $1, $1, $2, now() + interval '1 hour')`, pending, made.id("User"))
	p.maker.DB.Query(p.maker.T, `
		INSERT INTO app.rate_limits (bucket, hits, ends_at)
		VALUES ('mailTotal change_email ' || translate(encode(substr(sha256($1::bytea), 1, 15), 'base64'), '+/', '-_') || ' strangers', 1000, now() + interval '1 hour')`, pending)
	return nil
}

// signInAgain starts another session of a person, which they use from then on.
func (p *stage) signInAgain(of *person) error {
	r, err := p.maker.TryDo("", harness.SignInMutation, harness.Input("email", of.seed["email"], "password", harness.Password))
	if err != nil {
		return err
	}
	var data struct {
		SignIn struct{ Tokens map[string]any }
	}
	if err := json.Unmarshal(r.Data, &data); err != nil || len(r.Errors) > 0 {
		return fmt.Errorf("sign in again: %s", r.Body)
	}
	of.objects["Tokens"] = data.SignIn.Tokens
	return nil
}

func (p *stage) newPerson(visibility string) *person {
	made := newPerson(p.schema, visibility)
	made.newCode = p.newCode
	return made
}

// newCode requests a code, and derives it from the id of its mail as the service does.
func (p *stage) newCode(of *person, mutation string) (string, error) {
	ask := map[string]string{"verifyEmail": harness.RequestVerification, "resetPassword": harness.RequestReset}[mutation]
	if ask == "" {
		return "", fmt.Errorf("no code is known for %s: add its mutation to newCode in stage_test.go", mutation)
	}
	if r, err := p.maker.TryDo("", ask, harness.Input("email", of.seed["email"])); err != nil || len(r.Errors) > 0 {
		return "", fmt.Errorf("request a code: %s, %w", r.Body, err)
	}
	return codeOf(p.maker, p.dataDir, `SELECT o.id FROM app.codes k JOIN app.outbox o ON o.code_id = k.id WHERE k.email_key = $1`, of.seed["email"])
}

// codeOf derives a code from the id of its mail as the service does, with the key in the data folder.
func codeOf(s *harness.Service, dataDir, query string, args ...any) (string, error) {
	keys, err := auth.LoadKeys(dataDir+"/signing-key.pem", time.Now)
	if err != nil {
		return "", err
	}
	id, err := uuid.Parse(strings.Join(s.DB.Query(s.T, query, args...), " "))
	return keys.Code(id), err
}

// disarmed replaces the definer functions that refuse a viewer other users' rows by functions that do not refuse. No role
// bypasses these functions, so this is how to test a field rule in front of them alone.
const disarmed = `
	CREATE OR REPLACE FUNCTION app.revoke_session(p_session_id uuid) RETURNS boolean
	  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$
	BEGIN
	  UPDATE app.sessions SET revoked_at = now() WHERE id = p_session_id AND revoked_at IS NULL;
	  RETURN FOUND;
	END
	$$;
	CREATE OR REPLACE FUNCTION app.pending_email(p_user_id uuid) RETURNS text
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$ SELECT k.email FROM app.codes k WHERE k.user_id = p_user_id AND k.purpose = 'CHANGE_EMAIL' $$;
	CREATE OR REPLACE FUNCTION app.has_password(p_user_id uuid) RETURNS boolean
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$ SELECT c.password_hash <> '' FROM app.credentials c WHERE c.user_id = p_user_id $$;
	CREATE OR REPLACE FUNCTION app.reauthenticated_until(p_user_id uuid, p_seconds double precision) RETURNS timestamptz
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$ SELECT max(s.authenticated_at) + make_interval(secs => p_seconds) FROM app.sessions s WHERE s.user_id = p_user_id $$;
	CREATE OR REPLACE FUNCTION app.rate_limited_until(p_user_id uuid, p_buckets text[], p_limits integer[]) RETURNS timestamptz
	  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	  AS $$
	SELECT max(r.ends_at)
	  FROM unnest(p_buckets, p_limits) AS b (bucket, hits) JOIN app.rate_limits r ON r.bucket = b.bucket
	 WHERE r.hits >= b.hits AND r.ends_at > now()
	$$`

// behind returns the same stage, served with other layers.
func (p *stage) behind(t testing.TB, w harness.Layers, o app.Options) *stage {
	t.Helper()
	q := *p
	if q.layers = w; w == harness.RulesAlone {
		p.maker.DB.Query(t, disarmed)
	}
	q.asked = harness.Setup{
		Database: p.maker.DB, Layers: w, Rule: p.rule, Options: o,
		Settings: []string{"FREEHOLD_DATA_DIR=" + p.dataDir, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1/32"},
	}.Start(t)
	q.asked.FromAnywhere = true
	if w == harness.PoliciesAlone { // a refused INSERT is an error of the database, and without rules nothing refuses before it
		q.asked.Allowed = append(q.asked.Allowed, "violates row-level security policy")
	}
	q.ask = q.asked.TryDo
	return &q
}

// cast returns the target and the token of a request. Mutations get people of their own, which they may change.
func (p *stage) cast(r request) (target *person, token string, err error) {
	target, another := p.targets[r.visibility], p.another
	if r.path.isMutation() {
		if target, another, err = p.fresh(r); err != nil {
			return nil, "", err
		}
	}
	switch r.asker {
	case byOwner:
		return target, target.token(), nil
	case byMember:
		return target, another.token(), nil
	default:
		return target, "", nil
	}
}

func (p *stage) fresh(r request) (target, another *person, err error) {
	target, another = p.newPerson(r.visibility), p.another
	if r.own != makesTheAccount {
		if err := p.signUp(target); err != nil {
			return nil, nil, err
		}
	}
	if r.path.rootField().def.Name == "revokeSession" { // not the session of the request, which would sign the viewer out
		if err := p.signInAgain(target); err != nil {
			return nil, nil, err
		}
	}
	if typ, command := subjectOf(p.schema, r.path.rootField().def); command == "DELETE" && target.rows[typ] != nil { // the other row stays
		if target.subject, _, err = target.anotherRow(p.making, typ, factsOf(p.schema).creators[typ]); err != nil {
			return nil, nil, err
		}
	}
	if r.asker == byMember {
		another = p.newPerson("MEMBERS")
		err = p.signUp(another)
	}
	return target, another, err
}
