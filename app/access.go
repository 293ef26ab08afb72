package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/probe"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/owned"
)

// inquiry is a question to ExplainAccess, and what it needs for the answer.
type inquiry struct {
	program     *Program
	app, owners *db.DB
	prober      *probe.Prober
	field       access.Field
	rule        directives.Rule
	viewer      auth.Viewer // without a session
	name        string      // of the viewer
	row         owned.Row   // nil for a field without one
	typ         *owned.Type // of the row
	owner       string      // username of the row's owner
}

// ExplainAccess writes what a viewer gets of a field, written Type.field, and why: what its rule decides, and whether the
// policies behind it let the viewer at the row. The viewer is a username, the id of a user, or nobody. The row is named by its
// id or by a further key of its type, such as a username, and by "" where the field has none. It asks the database, so no
// server has to run.
func (p *Program) ExplainAccess(ctx context.Context, c Config, as, field, id string, w io.Writer) error {
	if c.DatabaseURL == "" || c.MigrateURL == "" {
		return errors.New("explaining needs DATABASE_URL and FREEHOLD_MIGRATE_URL: the app's role, to try the row policies, and the owner's, to find what they hide")
	}
	q := inquiry{program: p}
	var err error
	if q.app, err = db.Open(db.Options{URL: c.DatabaseURL, MaxConnections: 1}); err != nil {
		return err
	}
	defer q.app.Close()
	if q.owners, err = db.Open(db.Options{URL: c.MigrateURL, MaxConnections: 1}); err != nil {
		return err
	}
	defer q.owners.Close()
	if q.prober, err = probe.Open(c.DatabaseURL); err != nil {
		return err
	}
	defer q.prober.Close() //nolint:errcheck // it only reads
	if err := errors.Join(q.findField(field), q.findViewer(ctx, as)); err != nil {
		return err
	}
	if err := q.findRow(ctx, id); err != nil {
		return err
	}
	return q.answer(ctx, w)
}

func (q *inquiry) findField(name string) error {
	var known bool
	if q.field, known = q.program.Access().Find(name); !known {
		return fmt.Errorf("there is no field %q; `freehold access` lists them as Type.field", name)
	}
	q.rule, _ = directives.RuleOf(q.program.Schema().Types[q.field.Type].Fields.ForName(q.field.Name))
	return nil
}

func (q *inquiry) findViewer(ctx context.Context, as string) error {
	if q.name = as; as == "nobody" {
		return nil
	}
	p, err := q.findProfile(ctx, as)
	if fault.Is(err, fault.NotFound) {
		return fmt.Errorf("--as: there is no user %q", as)
	}
	if err != nil {
		return err
	}
	q.viewer, q.name = auth.Viewer{UserID: p.UserID}, p.Username
	return nil
}

// findProfile returns the profile of a user, by the user's id or username.
func (q *inquiry) findProfile(ctx context.Context, user string) (*db.Profile, error) {
	if id, ok := auth.ParseID(user); ok {
		return q.owners.FindProfileOfUser(ctx, auth.Viewer{}, id)
	}
	key, _ := accounts.UsernameKey(user) // else no key, which nobody has
	return q.owners.FindProfileByUsernameKey(ctx, auth.Viewer{}, key)
}

// findRow finds the row that the question is about, if the field belongs to one.
func (q *inquiry) findRow(ctx context.Context, key string) error {
	name := q.field.Type
	if q.rule.Of != "" {
		name = q.rule.Of
	}
	if q.typ = q.program.registry.Lookup(name); q.typ == nil {
		if key != "" {
			return fmt.Errorf("%s belongs to no row: leave the id out", q.field)
		}
		return nil
	}
	keys := strings.Join(append([]string{"id"}, slices.Sorted(maps.Keys(q.typ.Keys))...), " or ")
	if key == "" {
		return fmt.Errorf("%s belongs to a row: give the %s of a %s", q.field, keys, name)
	}
	var err error
	if q.row, err = q.program.registry.Locate(ctx, q.owners, auth.Viewer{}, name, key); err != nil {
		return err
	}
	if q.row == nil {
		return q.notFound(ctx, name, keys, key)
	}
	owner, err := q.owners.FindProfileOfUser(ctx, auth.Viewer{}, q.row.OwnerID())
	if err != nil {
		return err
	}
	q.owner = owner.Username
	return nil
}

// notFound returns the error about a key that no row of the type has. An id may be that of another type.
func (q *inquiry) notFound(ctx context.Context, name, keys, key string) error {
	id, _ := auth.ParseID(key) // else the zero id, which nothing has
	found, err := q.program.registry.FindNodes(ctx, q.owners, auth.Viewer{}, []uuid.UUID{id})
	if err != nil {
		return err
	}
	if row := found[id]; row != nil {
		return fmt.Errorf("%s is the id of a %s, not of a %s", key, q.program.registry.TypeOf(row).Name, name)
	}
	return fmt.Errorf("there is no %s with the %s %q", name, keys, key)
}

func (q *inquiry) answer(ctx context.Context, w io.Writer) error {
	kind := kindOf(q.viewer)
	title := q.field.String()
	if q.row != nil {
		kind = access.KindOf(q.viewer.IsMember(), q.row.VisibleTo(q.viewer), q.viewer.Is(q.row.OwnerID()))
		title += fmt.Sprintf(" of %s, which is %s's", q.row.RowID(), q.owner)
	}
	refusal := q.rule.Judge(q.viewer, q.row)
	var text strings.Builder
	hidden, err := q.policies(ctx, &text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s, as %s (%s)\n  answer  %s\n  rule    %s\n%s", title, q.name, kind, q.outcome(refusal, hidden), q.ruleInWords(refusal), &text)
	return err
}

// policies tries what stands behind the field, and tells whether the row itself is hidden.
func (q *inquiry) policies(ctx context.Context, w *strings.Builder) (hidden bool, err error) {
	if q.row == nil {
		return false, nil
	}
	behind := q.program.behinds[q.field.String()]
	own := q.typ.Guard()
	guards := append([]owned.Guard{own}, behind.guards...)
	for i, guard := range guards {
		if slices.ContainsFunc(guards[:i], func(g owned.Guard) bool { return g.Name() == guard.Name() }) {
			continue
		}
		admits, err := q.try(ctx, guard, w)
		if err != nil {
			return false, err
		}
		hidden = hidden || i == 0 && !admits
	}
	if f := behind.function; f != nil {
		fmt.Fprintf(w, "  function %s admits %s\n", f.Name, f.Admits.InWords())
	}
	return hidden, nil
}

// try tries a policy, and writes whether it admits the viewer and how PostgreSQL has it.
func (q *inquiry) try(ctx context.Context, guard owned.Guard, w *strings.Builder) (admits bool, err error) {
	if admits, err = q.prober.Admits(ctx, q.viewer.UserID, guard.Policy, guard.Ref(q.row)); err != nil {
		return false, err
	}
	text, err := q.app.FindPolicyText(ctx, guard.Name())
	if err != nil {
		return false, err
	}
	fmt.Fprintf(w, "  policy  %s on %s for %s %s\n", text.Name, text.Table, text.Command, map[bool]string{true: "admits", false: "refuses"}[admits])
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
		return "the value, to whoever gets there: ask about " + strings.Join(q.field.DecidedBy, ", ")
	case hidden && q.rule.Of == "":
		return "none: the row is not there for this viewer, so whatever leads to it is null or leaves it out"
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
	return q.field.Rule + " lets through"
}
