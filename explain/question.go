package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/probe"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/owned"
)

// Question asks what a viewer gets of a field, and why.
type Question struct {
	As    string // a username, the id of a user, or nobody
	Field string // Type.field
	Key   string // of the row: its id or a further key of its type, such as a username; "" if the field has no row

	Schema      *ast.Schema
	Layers      *Layers
	UsernameKey func(username string) (key string, ok bool)
	AppURL      string // of the app role, to try the row policies
	OwnerURL    string // of the owner role, to find the rows that they hide
	Subgraph    bool   // whether the database has no accounts; then users have only ids
}

// Answer writes what the rule of the field decides, and whether the policies behind it admit the viewer. It asks the database, so
// no server has to run.
func (q Question) Answer(ctx context.Context, w io.Writer) error {
	if q.AppURL == "" || q.OwnerURL == "" {
		return errors.New("DATABASE_URL and FREEHOLD_MIGRATE_URL are required: the app role tries the row policies, and the owner role finds the rows that they hide")
	}
	i := inquiry{Question: q}
	var err error
	if i.app, err = db.Open(db.Options{URL: q.AppURL, MaxConnections: 1, Subgraph: q.Subgraph}); err != nil {
		return err
	}
	defer i.app.Close()
	if i.owners, err = db.Open(db.Options{URL: q.OwnerURL, MaxConnections: 1, Subgraph: q.Subgraph}); err != nil {
		return err
	}
	defer i.owners.Close()
	if i.prober, err = probe.Open(q.AppURL); err != nil {
		return err
	}
	defer i.prober.Close() //nolint:errcheck // it only reads
	if err := errors.Join(i.findField(), i.findViewer(ctx)); err != nil {
		return err
	}
	if err := i.findRow(ctx); err != nil {
		return err
	}
	return i.answer(ctx, w)
}

// inquiry is a question and what was found for its answer.
type inquiry struct {
	Question
	app, owners *db.DB
	prober      *probe.Prober
	field       access.Field
	rules       []directives.Rule // that apply
	rule        directives.Rule   // the main one
	viewer      auth.Viewer       // without a session
	name        string            // of the viewer
	row         owned.Row         // nil for a field without one
	typ         *owned.Type       // of the row
	owner       string            // username of the row's owner
}

func (q *inquiry) findField() error {
	var known bool
	if q.field, known = access.New(q.Schema, q.Layers.Access()).Find(q.Field); !known {
		return fmt.Errorf("field %q not found; `freehold access` lists all fields as Type.field", q.Field)
	}
	def := q.Schema.Types[q.field.Type].Fields.ForName(q.field.Name)
	q.rule, _ = directives.RuleOf(def)
	for _, r := range directives.RulesOf(def) {
		if t := q.Layers.registry.Lookup(cmp.Or(r.Of, q.field.Type)); t != nil {
			r = r.Among(t.Relations())
		}
		if r.When == "" || r.When == q.field.When {
			q.rules = append(q.rules, r)
		}
	}
	return nil
}

func (q *inquiry) findViewer(ctx context.Context) error {
	if q.name = q.As; q.As == "nobody" {
		return nil
	}
	if q.Subgraph {
		id, ok := auth.ParseID(q.As)
		if q.viewer = (auth.Viewer{UserID: id}); !ok {
			return fmt.Errorf("--as: %q is not the id of a user: a second subgraph knows no usernames", q.As)
		}
		return nil
	}
	p, err := q.findProfile(ctx)
	if fault.Is(err, fault.NotFound) {
		return fmt.Errorf("--as: user %q not found", q.As)
	}
	if err != nil {
		return err
	}
	q.viewer, q.name = auth.Viewer{UserID: p.UserID}, p.Username
	return q.findScopes(ctx)
}

// findScopes finds the scopes of the viewer, as if their token claimed all of them.
func (q *inquiry) findScopes(ctx context.Context) error {
	return q.owners.AsSystem(ctx, func(ctx context.Context, tx *db.SystemTx) error {
		grants, err := tx.FindGrants(ctx)
		var scopes []string
		for _, g := range grants {
			if g.Username == q.name {
				scopes = append(scopes, g.Scope)
			}
		}
		q.viewer.Scopes = auth.Scopes(strings.Join(scopes, " "))
		return err
	})
}

// findProfile returns the profile of the viewer.
func (q *inquiry) findProfile(ctx context.Context) (*db.Profile, error) {
	if id, ok := auth.ParseID(q.As); ok {
		return q.owners.FindProfileOfUser(ctx, auth.Viewer{}, id)
	}
	key, _ := q.UsernameKey(q.As) // "" for an invalid username, which no user has
	return q.owners.FindProfileByUsernameKey(ctx, auth.Viewer{}, key)
}

// findRow finds the row of the question, if the field has one.
func (q *inquiry) findRow(ctx context.Context) error {
	name := q.field.Type
	if q.rule.Of != "" {
		name = q.rule.Of
	}
	if q.typ = q.Layers.registry.Lookup(name); q.typ == nil {
		if q.Key != "" {
			return fmt.Errorf("%s belongs to no row: omit the id", q.field)
		}
		return nil
	}
	keys := strings.Join(append([]string{"id"}, slices.Sorted(maps.Keys(q.typ.Keys))...), " or ")
	if q.Key == "" {
		return fmt.Errorf("%s belongs to a row: give the %s of a %s", q.field, keys, name)
	}
	var err error
	if q.row, err = q.Layers.registry.Locate(ctx, q.owners, auth.Viewer{}, name, q.Key); err != nil {
		return err
	}
	if q.row == nil {
		return q.notFound(ctx, name, keys)
	}
	if !q.typ.Remote {
		relation, err := q.prober.Relation(ctx, q.viewer, q.typ.Table, q.typ.Guard().Ref(q.row))
		if err != nil {
			return err
		}
		q.row = related{q.row, relation}
	}
	if q.Subgraph {
		q.owner = q.row.OwnerID().String()
		return nil
	}
	owner, err := q.owners.FindProfileOfUser(ctx, auth.Viewer{}, q.row.OwnerID())
	if err != nil {
		return err
	}
	q.owner = owner.Username
	return nil
}

// related is a row that was loaded for nobody, with the relation of one viewer to it.
type related struct {
	owned.Row

	relation string
}

// RelationTo returns the relation of the viewer to whom it belongs.
func (r related) RelationTo(v auth.Viewer) string { return cmp.Or(r.Row.RelationTo(v), r.relation) }

// VisibleTo reports whether this viewer sees the row.
func (r related) VisibleTo(v auth.Viewer) bool { return r.relation != "" || r.Row.VisibleTo(v) }

// notFound returns the error for a key that no row of the type has. It names the type of the row if the key is the id of another one.
func (q *inquiry) notFound(ctx context.Context, name, keys string) error {
	id, _ := auth.ParseID(q.Key) // the zero id for another key, which no row has
	found, err := q.Layers.registry.FindNodes(ctx, q.owners, auth.Viewer{}, []uuid.UUID{id})
	if err != nil {
		return err
	}
	if row := found[id]; row != nil {
		return fmt.Errorf("%s is the id of a %s, not of a %s", q.Key, q.Layers.registry.TypeOf(row).Name, name)
	}
	return fmt.Errorf("%s with the %s %q not found", name, keys, q.Key)
}

func (q *inquiry) answer(ctx context.Context, w io.Writer) error {
	kind := string(kindOf(q.viewer))
	title := q.field.String()
	if q.row != nil {
		kind = string(access.KindOf(q.viewer.IsMember(), q.row.VisibleTo(q.viewer), q.row.RelationTo(q.viewer)))
		title += fmt.Sprintf(" of %s, which is %s's", q.row.RowID(), q.owner)
	}
	if q.viewer.Scopes != "" {
		kind += ", with the scopes " + strings.ReplaceAll(string(q.viewer.Scopes), " ", ", ")
	}
	refusal := q.decide()
	var text strings.Builder
	hidden, err := q.policies(ctx, &text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s, as %s (%s)\n  answer  %s\n  rule    %s\n%s", title, q.name, kind, q.outcome(refusal, hidden), q.ruleInWords(refusal), &text)
	return err
}

// decide returns the refusal of the first rule that refuses; nil if none does.
func (q *inquiry) decide() error {
	for _, r := range q.rules {
		if err := r.Decide(q.viewer, q.row); err != nil {
			return err
		}
	}
	return nil
}

// policies tries the row policies behind the field, and reports whether the row itself is hidden.
func (q *inquiry) policies(ctx context.Context, w *strings.Builder) (hidden bool, err error) {
	if q.row == nil {
		return false, nil
	}
	behind := q.Layers.behind[q.field.String()]
	var guards []owned.Guard
	if !q.typ.Remote {
		guards = append(guards, q.typ.Guard())
	}
	guards = append(guards, behind.guards...)
	for i, guard := range guards {
		if slices.ContainsFunc(guards[:i], func(g owned.Guard) bool { return g.Name() == guard.Name() }) {
			continue
		}
		admits, err := q.try(ctx, guard, w)
		if err != nil {
			return false, err
		}
		hidden = hidden || i == 0 && !q.typ.Remote && !admits
	}
	if f := behind.function; f != nil {
		fmt.Fprintf(w, "  function %s admits %s\n", f.Name, f.InWords())
	}
	return hidden, nil
}

// try tries a policy, and writes whether it admits the viewer and how PostgreSQL prints it. A policy for INSERT has no row to try.
func (q *inquiry) try(ctx context.Context, guard owned.Guard, w *strings.Builder) (admits bool, err error) {
	verdict := "is not tried"
	if guard.Command != "INSERT" {
		if admits, err = q.prober.Admits(ctx, q.viewer, guard.Policy, guard.Ref(q.row)); err != nil {
			return false, err
		}
		verdict = map[bool]string{true: "admits", false: "refuses"}[admits]
	}
	text, err := q.app.FindPolicyText(ctx, guard.Name())
	if err != nil {
		return false, err
	}
	fmt.Fprintf(w, "  policy  %s on %s for %s %s\n", text.Name, text.Table, text.Command, verdict)
	if text.Using != nil {
		fmt.Fprintf(w, "          USING %s\n", *text.Using)
	}
	if text.WithCheck != nil {
		fmt.Fprintf(w, "          WITH CHECK %s\n", *text.WithCheck)
	}
	return admits, nil
}

func (q *inquiry) outcome(refusal error, hidden bool) string {
	f, refused := errors.AsType[*fault.Error](refusal)
	switch {
	case len(q.field.DecidedBy) > 0:
		return "the value, if the viewer gets there: ask about " + strings.Join(q.field.DecidedBy, ", ")
	case hidden && q.rule.Of == "":
		return "none: this viewer does not see the row, so the fields that lead to it are null or omit it"
	case !refused:
		return "the value"
	case q.rule.Otherwise == directives.OtherwiseNull:
		return "null"
	default:
		return "null, and an error with the code " + string(f.Code)
	}
}

func (q *inquiry) ruleInWords(refusal error) string {
	if f, refused := errors.AsType[*fault.Error](refusal); refused {
		return q.field.Rule + " refuses: " + f.Message
	}
	return q.field.Rule + " lets the viewer through"
}
