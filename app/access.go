package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"freehold/access"
	"freehold/accounts"
	"freehold/auth"
	"freehold/db"
	"freehold/directives"
	"freehold/fault"
	"freehold/graph"
	"freehold/graph/model"
	"freehold/resolvers"
)

// Access returns the access matrix of the schema.
func Access() *access.Matrix { return access.New(graph.NewSchema(), walls()) }

// inquiry is a question to ExplainAccess, and what it needs for the answer.
type inquiry struct {
	app, owners *db.DB
	field       access.Field
	rule        directives.Rule
	viewer      auth.Viewer // without a session
	name        string      // of the viewer
	row         keyed       // nil for a field without one
	typ         string      // of the row
	owner       string      // username of the row's owner
}

// ExplainAccess writes what a viewer gets of a field, written Type.field, and why: what its rule decides, and whether
// the policies behind it let him at the row. The viewer is a username, the id of a user, or nobody; id is that of the
// row, "" where the field has none. It asks the database, so no server has to run.
func ExplainAccess(ctx context.Context, c Config, as, field, id string, w io.Writer) error {
	if c.DatabaseURL == "" || c.MigrateURL == "" {
		return errors.New("explaining needs DATABASE_URL and FREEHOLD_MIGRATE_URL: the app's role, to try the row policies, and the owner's, to find what they hide")
	}
	q := inquiry{}
	var err error
	if q.app, err = db.Open(db.Options{URL: c.DatabaseURL, MaxConnections: 1}); err != nil {
		return err
	}
	defer q.app.Close()
	if q.owners, err = db.Open(db.Options{URL: c.MigrateURL, MaxConnections: 1}); err != nil {
		return err
	}
	defer q.owners.Close()
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
	if q.field, known = Access().Find(name); !known {
		return fmt.Errorf("there is no field %q; `freehold access` lists them as Type.field", name)
	}
	q.rule, _ = directives.RuleOf(graph.NewSchema().Types[q.field.Type].Fields.ForName(q.field.Name))
	return nil
}

func (q *inquiry) findViewer(ctx context.Context, as string) error {
	if q.name = as; as == "nobody" {
		return nil
	}
	p, err := q.find(ctx, as)
	if err != nil {
		return err
	}
	if p == nil {
		return fmt.Errorf("--as: there is no user %q", as)
	}
	q.viewer, q.name = auth.Viewer{UserID: p.Owner}, p.Username
	return nil
}

// find returns a profile by an id, a user's id or a username, whoever may see it.
func (q *inquiry) find(ctx context.Context, text string) (*model.Profile, error) {
	id, _ := auth.ParseID(text) // else the zero id, which nothing has
	key, _ := accounts.UsernameKey(text)
	return (&resolvers.Resolvers{DB: q.owners}).FindProfileByAnyKey(ctx, auth.Viewer{}, id, key)
}

// findRow finds the row that the question is about, if the field belongs to one.
func (q *inquiry) findRow(ctx context.Context, id string) error {
	typ := q.field.Type
	if q.rule.Of != "" {
		typ = q.rule.Of
	}
	if _, owned := ownedTypes[typ]; !owned {
		if id != "" {
			return fmt.Errorf("%s belongs to no row: leave the id out", q.field)
		}
		return nil
	}
	if id == "" {
		return fmt.Errorf("%s belongs to a row: give the id of a %s, or a username", q.field, typ)
	}
	parsed, _ := auth.ParseID(id) // else the zero id, which nothing has
	key, _ := accounts.UsernameKey(id)
	var err error
	if q.row, err = findRow(ctx, q.owners, typ, parsed, key); err != nil {
		return err
	}
	if q.row == nil {
		return fmt.Errorf("there is no %s with the id %q", typ, id)
	}
	owner, err := q.find(ctx, q.row.OwnerID().String())
	if err != nil {
		return err
	}
	q.owner, q.typ = owner.Username, typ
	if wanted, err := uuid.Parse(id); err == nil && q.row.RowID() != wanted {
		return fmt.Errorf("%s is the id of another object than a %s", id, typ)
	}
	return nil
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
	rowPolicy := policyOfType[q.typ]
	names := append([]string{rowPolicy}, policiesBehind(q.field.String())...)
	for i, name := range names {
		p, known := db.FindPolicy(name)
		if !known || slices.Contains(names[:i], name) {
			continue
		}
		admits, err := q.app.ProbeWithoutSession(ctx, q.viewer.UserID, p, probeID(p, q.row))
		if err != nil {
			return false, err
		}
		text, err := q.app.FindPolicyText(ctx, name)
		if err != nil {
			return false, err
		}
		hidden = hidden || name == rowPolicy && !admits
		fmt.Fprintf(w, "  policy  %s on %s for %s %s\n", name, text.Table, text.Command, map[bool]string{true: "admits", false: "refuses"}[admits])
		if text.Using != nil {
			fmt.Fprintf(w, "          USING %s\n", *text.Using)
		}
		if text.WithCheck != nil {
			fmt.Fprintf(w, "          WITH CHECK %s\n", *text.WithCheck)
		}
	}
	if definer, ok := definers[q.field.String()]; ok {
		fmt.Fprintf(w, "  function %s admits %s\n", definer.Name, definer.Admits.InWords())
	}
	return hidden, nil
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
