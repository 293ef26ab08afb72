package app

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/owned"
)

// explained is one refusal as extensions.denials tells it, in development, to a request with extensions.explain.
type explained struct {
	Path   ast.Path         `json:"path"`
	Field  string           `json:"field"`
	Code   fault.Code       `json:"code,omitempty"` // none for a row that is hidden: null without an error
	Wall   string           `json:"wall"`           // rule or policy: what refused first
	Rule   string           `json:"rule,omitempty"` // none where a policy hid the row before any rule was asked
	Viewer explainedViewer  `json:"viewer"`
	Policy *explainedPolicy `json:"policy,omitempty"` // that refused, or that stands behind the rule
	Why    string           `json:"why"`
}

type explainedViewer struct {
	Kind     access.Viewer `json:"kind"`
	UserID   *uuid.UUID    `json:"userId,omitempty"`
	Username string        `json:"username,omitempty"`
	Reason   fault.Reason  `json:"reason,omitempty"`
}

type explainedPolicy struct {
	Table     string  `json:"table"`
	Name      string  `json:"name"`
	Command   string  `json:"command"`
	Using     *string `json:"using"`
	WithCheck *string `json:"withCheck"`
	Admits    *bool   `json:"admits,omitempty"` // whether it lets this viewer at this row; none where there is no row to try
}

// explainer finds out why something was refused, in transactions of its own. It tells a hidden row from a missing one,
// so it exists for a developer alone; see local.
type explainer struct {
	program *Program
	db      *db.DB // as the app's role
	owners  *db.DB // as the owner's role, which sees every row; nil where its URL is not known
}

// newExplainer returns nil where nothing may be explained: in production, and where others than this machine can ask.
func newExplainer(c Config, d *db.DB, p *Program) (*explainer, error) {
	if !c.Development() || !newLocal(c).listening {
		return nil, nil //nolint:nilnil // nil explains nothing
	}
	e := &explainer{program: p, db: d}
	if c.MigrateURL == "" {
		return e, nil
	}
	var err error
	e.owners, err = db.Open(db.Options{URL: c.MigrateURL, MaxConnections: 2})
	return e, err
}

func (e *explainer) close() error {
	if e == nil || e.owners == nil {
		return nil
	}
	return e.owners.Close()
}

// explain tells of each refusal why it was. What can't be found out is left out of the explanation, not of the list.
func (e *explainer) explain(ctx context.Context, all []told) ([]explained, error) {
	list, usernames := []explained{}, map[uuid.UUID]string{}
	var faults []error
	for _, t := range all {
		x, refused, err := e.explainOne(ctx, t)
		faults = append(faults, err)
		if !refused {
			continue
		}
		if id := x.Viewer.UserID; id != nil {
			if _, known := usernames[*id]; !known {
				usernames[*id] = e.username(ctx, t.viewer)
			}
			x.Viewer.Username = usernames[*id]
		}
		list = append(list, x)
	}
	slices.SortStableFunc(list, func(a, b explained) int { return slices.CompareFunc(a.Path, b.Path, compareSteps) })
	return list, errors.Join(faults...)
}

// username asks as the viewer himself.
func (e *explainer) username(ctx context.Context, viewer auth.Viewer) string {
	row, err := e.db.FindProfileOfUser(ctx, viewer, viewer.UserID)
	if err != nil {
		return "" // the id has to do: the session may have ended meanwhile
	}
	return row.Username
}

// explainOne explains one refusal. What was missed and does not exist was not refused.
func (e *explainer) explainOne(ctx context.Context, t told) (x explained, refused bool, err error) {
	x = explained{Path: t.path, Field: t.Field, Code: t.Code, Rule: t.Rule}
	switch {
	case t.missed != nil:
		return e.explainMissed(ctx, x, t)
	case t.denial == nil:
		x.Wall, x.Viewer = "policy", newViewer(t.viewer, nil)
		x.Why = "The rule let this through, and the database found no row that the viewer may touch: it is not his any more, or gone."
		x.Policy, err = e.behind(ctx, t.viewer, t.Field, nil)
	case t.denial.Row != nil:
		err = e.explainRow(ctx, &x, *t.denial)
	case t.Code == fault.NotFound:
		err = e.explainHidden(ctx, &x, t.denial.Viewer, t.denial.Rule.Of, t.denial.IDs)
	default:
		x.Wall, x.Viewer = "rule", newViewer(t.denial.Viewer, nil)
		x.Why = "Nobody is signed in (" + string(cmp.Or(t.denial.Viewer.Reason, fault.Missing)) + ")."
		x.Policy, err = e.behind(ctx, t.denial.Viewer, t.Field, nil)
	}
	return x, true, err
}

// explainRow: a rule refused a row that was loaded.
func (e *explainer) explainRow(ctx context.Context, x *explained, d directives.Denial) (err error) {
	row, ok := d.Row.(owned.Row)
	if !ok {
		return nil
	}
	x.Wall, x.Viewer = "rule", newViewer(d.Viewer, row)
	x.Policy, err = e.behind(ctx, d.Viewer, d.Field, row)
	x.Why = whyRefused(d.Code, d.Viewer)
	if x.Policy != nil && x.Policy.Admits != nil {
		x.Why += whyBehind(*x.Policy.Admits)
	}
	if f := e.program.behinds[d.Field].function; f != nil {
		x.Why += " Behind the rule, " + f.Name + " answers " + f.Admits.InWords() + "."
	}
	return err
}

func whyRefused(code fault.Code, viewer auth.Viewer) string {
	switch code {
	case fault.Unauthenticated:
		return "Nobody is signed in (" + string(cmp.Or(viewer.Reason, fault.Missing)) + "), and the row has an owner."
	case fault.NotFound:
		return "The row is not visible to the viewer."
	default:
		return "The row belongs to somebody else."
	}
}

func whyBehind(admits bool) string {
	if admits {
		return " The row policy behind the rule would let the viewer at the row: only the rule refuses."
	}
	return " Behind the rule, the row policy refuses as well."
}

// explainHidden: a rule asked for rows by their ids, and the viewer does not see one of them.
func (e *explainer) explainHidden(ctx context.Context, x *explained, viewer auth.Viewer, typ string, ids []uuid.UUID) error {
	x.Wall, x.Viewer, x.Why = "rule", newViewer(viewer, nil), "There is no such row"
	if e.owners == nil {
		x.Why += ", or a row policy hides it (with FREEHOLD_MIGRATE_URL it can be told)"
	}
	x.Why += "."
	rows, err := e.find(ctx, typ, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		row := rows[id]
		if row == nil {
			continue
		}
		policy, err := e.policy(ctx, viewer, e.program.registry.Lookup(typ).Guard(), row)
		if err != nil {
			return err
		}
		if policy.Admits != nil && !*policy.Admits {
			x.Wall, x.Viewer, x.Policy = "policy", newViewer(viewer, row), policy
			x.Why = "The row is there, and a row policy hides it from the viewer; so the rule answers as for a row that is missing."
			return nil
		}
	}
	return nil
}

// explainMissed: a query found nothing. That is a refusal only if a policy hides the row.
func (e *explainer) explainMissed(ctx context.Context, x explained, t told) (_ explained, refused bool, err error) {
	row, err := e.findMissed(ctx, *t.missed)
	if row == nil || err != nil {
		return x, false, err
	}
	x.Wall, x.Viewer = "policy", newViewer(t.viewer, row)
	x.Why = "The row is there, and a row policy hides it from the viewer, as if it were missing."
	x.Policy, err = e.policy(ctx, t.viewer, e.program.registry.TypeOf(row).Guard(), row)
	return x, true, err
}

// findMissed returns the row that a query has missed, of any viewer; nil if there is none or it cannot be known.
func (e *explainer) findMissed(ctx context.Context, ref owned.Ref) (owned.Row, error) {
	registry := e.program.registry
	switch {
	case e.owners == nil:
		return nil, nil //nolint:nilnil // as documented
	case ref.Type == "":
		found, err := registry.FindNodes(ctx, e.owners, auth.Viewer{}, []uuid.UUID{ref.ID})
		return found[ref.ID], err
	}
	found, err := registry.FindRefs(ctx, e.owners, auth.Viewer{}, [][]owned.Ref{{ref}})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// find returns rows of any viewer by their ids; none if they cannot be known.
func (e *explainer) find(ctx context.Context, typ string, ids []uuid.UUID) (map[uuid.UUID]owned.Row, error) {
	if e.owners == nil {
		return map[uuid.UUID]owned.Row{}, nil
	}
	return e.program.registry.Find(ctx, e.owners, auth.Viewer{}, typ, ids)
}

// behind returns the policy that stands behind a field: the first that refuses the viewer the row, else the first.
func (e *explainer) behind(ctx context.Context, viewer auth.Viewer, field string, row owned.Row) (first *explainedPolicy, err error) {
	for _, guard := range e.program.behinds[field].guards {
		p, err := e.policy(ctx, viewer, guard, row)
		if err != nil {
			return nil, err
		}
		if p.Admits != nil && !*p.Admits {
			return p, nil
		}
		first = cmp.Or(first, p)
	}
	return first, nil
}

// policy returns a policy as PostgreSQL has it, and tries it as the viewer if there is a row.
func (e *explainer) policy(ctx context.Context, viewer auth.Viewer, guard owned.Guard, row owned.Row) (*explainedPolicy, error) {
	text, err := e.db.FindPolicyText(ctx, guard.Name())
	if err != nil {
		return nil, err
	}
	x := &explainedPolicy{Table: text.Table, Name: text.Name, Command: text.Command, Using: text.Using, WithCheck: text.WithCheck}
	if row == nil {
		return x, nil
	}
	admits, err := e.db.Probe(ctx, viewer, guard.Policy, guard.Ref(row))
	if fault.Is(err, fault.Unauthenticated) {
		return x, nil // the session has ended meanwhile
	}
	x.Admits = &admits
	return x, err
}

func newViewer(v auth.Viewer, row directives.Row) explainedViewer {
	x := explainedViewer{Kind: kindOf(v)}
	if v.IsMember() {
		x.UserID = &v.UserID
	} else {
		x.Reason = cmp.Or(v.Reason, fault.Missing)
	}
	if row != nil {
		x.Kind = access.KindOf(v.IsMember(), row.VisibleTo(v), v.Is(row.OwnerID()))
	}
	return x
}

// kindOf tells nobody from members, where there is no row to stand to.
func kindOf(v auth.Viewer) access.Viewer { return access.KindOf(v.IsMember(), false, false) }
