package explain

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/owned"
)

// Explanation is an entry of extensions.denials, which a request with extensions.explain gets in development.
type Explanation struct {
	Path   ast.Path         `json:"path"`
	Field  string           `json:"field"`
	Code   fault.Code       `json:"code,omitempty"` // none for a row that is hidden: null without an error
	Layer  string           `json:"layer"`          // rule or policy: what refused first
	Rule   string           `json:"rule,omitempty"` // none where a policy hid the row before any rule was asked
	Viewer explainedViewer  `json:"viewer"`
	Policy *explainedPolicy `json:"policy,omitempty"` // the one that refused, or the one behind the rule
	Why    string           `json:"why"`
}

type explainedViewer struct {
	Kind     access.Viewer `json:"kind"`
	UserID   *uuid.UUID    `json:"userId,omitempty"`
	Username string        `json:"username,omitempty"`
	Scopes   []string      `json:"scopes,omitempty"` // that the token claims
	Reason   fault.Reason  `json:"reason,omitempty"`
}

type explainedPolicy struct {
	Table     string  `json:"table"`
	Name      string  `json:"name"`
	Command   string  `json:"command"`
	Using     *string `json:"using"`
	WithCheck *string `json:"withCheck"`
	Admits    *bool   `json:"admits,omitempty"` // whether it lets this viewer reach this row; absent if there is no row to try
}

// Explainer finds out why something was refused, in transactions of its own. It distinguishes a hidden row from a missing one,
// so only a developer may ask it.
type Explainer struct {
	layers *Layers
	db     *db.DB // as the app role
	owners *db.DB // as the owner role, which sees every row; nil if its URL is not known
}

// New returns an explainer that asks d as the app role. ownerURL is the URL of the owner role. Without it, explanations omit what only
// that role can see. Close the explainer after use.
func New(layers *Layers, d *db.DB, ownerURL string) (*Explainer, error) {
	e := &Explainer{layers: layers, db: d}
	if ownerURL == "" {
		return e, nil
	}
	var err error
	e.owners, err = db.Open(db.Options{URL: ownerURL, MaxConnections: 2})
	return e, err
}

// Close closes the connections of the owner role. It is safe on nil.
func (e *Explainer) Close() error {
	if e == nil || e.owners == nil {
		return nil
	}
	return e.owners.Close()
}

// Explain explains the refusals that were kept, in any order. The error says what could not be found out; the list has the rest.
func (e *Explainer) Explain(ctx context.Context, d *Denials) ([]Explanation, error) {
	list, usernames := []Explanation{}, map[uuid.UUID]string{}
	var faults []error
	for _, t := range d.refused {
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
	return list, errors.Join(faults...)
}

// username asks as the viewer. A second subgraph does not know usernames.
func (e *Explainer) username(ctx context.Context, viewer auth.Viewer) string {
	if !e.db.HasAccounts() {
		return ""
	}
	row, err := e.db.FindProfileOfUser(ctx, viewer, viewer.UserID)
	if err != nil {
		return "" // the session may have ended since; the id is enough
	}
	return row.Username
}

// explainOne explains one refusal. refused is false for a row that was missed because it does not exist.
func (e *Explainer) explainOne(ctx context.Context, t refusal) (x Explanation, refused bool, err error) {
	x = Explanation{Path: t.path, Field: t.Field, Code: t.Code, Rule: t.Rule}
	switch {
	case t.missed != nil:
		return e.explainMissed(ctx, x, t)
	case t.denial == nil:
		x.Layer, x.Viewer = "policy", newViewer(t.viewer, nil)
		x.Why = "The rule let this through, but the database found no row that the viewer may change: the viewer no longer owns it, or it was deleted."
		x.Policy, err = e.behind(ctx, t.viewer, t.Field, nil)
	case t.denial.Row != nil:
		err = e.explainRow(ctx, &x, *t.denial)
	case t.Code == fault.NotFound:
		err = e.explainHidden(ctx, &x, t.denial.Viewer, t.denial.Rule.Of, t.denial.IDs)
	default:
		x.Layer, x.Viewer = "rule", newViewer(t.denial.Viewer, nil)
		x.Why = "The viewer is anonymous (" + string(cmp.Or(t.denial.Viewer.Reason, fault.Missing)) + ")."
		if t.Code == fault.Forbidden {
			x.Why = withoutScopes
		}
		x.Policy, err = e.behind(ctx, t.denial.Viewer, t.Field, nil)
	}
	return x, true, err
}

// explainRow explains why a rule refused a row that was loaded.
func (e *Explainer) explainRow(ctx context.Context, x *Explanation, d directives.Denial) (err error) {
	row, ok := d.Row.(owned.Row)
	if !ok {
		return nil
	}
	x.Layer, x.Viewer = "rule", newViewer(d.Viewer, row)
	x.Policy, err = e.behind(ctx, d.Viewer, d.Field, row)
	x.Why = whyRefused(d, row)
	if x.Policy != nil && x.Policy.Admits != nil {
		x.Why += whyBehind(*x.Policy.Admits)
	}
	if f := e.layers.behind[d.Field].function; f != nil {
		x.Why += " Behind the rule, " + f.Name + " admits " + f.InWords() + "."
	}
	return err
}

// withoutScopes is why @scopes refuses a member.
const withoutScopes = "The account of the viewer does not have the scopes that the rule names, or its token does not contain them."

func whyRefused(d directives.Denial, row owned.Row) string {
	relation := row.RelationTo(d.Viewer)
	switch {
	case d.Code == fault.Unauthenticated:
		return "The viewer is anonymous (" + string(cmp.Or(d.Viewer.Reason, fault.Missing)) + "), and the row has an owner."
	case d.Code == fault.NotFound:
		return "The row is not visible to the viewer."
	case d.Rule.Name == "scopes":
		return withoutScopes
	case relation != "":
		return "The viewer's relation to the row is " + relation + ", and the rule requires " + d.Rule.As + "."
	case d.Rule.As != directives.OwnerRelation:
		return "The viewer has no relation to the row, and the rule requires " + d.Rule.As + "."
	default:
		return "The viewer does not own the row."
	}
}

func whyBehind(admits bool) string {
	if admits {
		return " The row policy behind the rule would admit the viewer: only the rule refuses."
	}
	return " The row policy behind the rule refuses as well."
}

// explainHidden explains why a rule did not find one of the rows that it looked up by id.
func (e *Explainer) explainHidden(ctx context.Context, x *Explanation, viewer auth.Viewer, typ string, ids []uuid.UUID) error {
	x.Layer, x.Viewer, x.Why = "rule", newViewer(viewer, nil), "The row does not exist"
	if e.owners == nil {
		x.Why += ", or a row policy hides it (set FREEHOLD_MIGRATE_URL to find out)"
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
		policy, err := e.policy(ctx, viewer, e.layers.registry.Lookup(typ).Guard(), row)
		if err != nil {
			return err
		}
		if policy.Admits != nil && !*policy.Admits {
			x.Layer, x.Viewer, x.Policy = "policy", newViewer(viewer, row), policy
			x.Why = "The row exists, but a row policy hides it from the viewer, so the rule answers as for a missing row."
			return nil
		}
	}
	return nil
}

// explainMissed explains why a query found nothing. That is a refusal only if a policy hides the row.
func (e *Explainer) explainMissed(ctx context.Context, x Explanation, t refusal) (_ Explanation, refused bool, err error) {
	row, err := e.findMissed(ctx, *t.missed)
	if row == nil || err != nil {
		return x, false, err
	}
	x.Layer, x.Viewer = "policy", newViewer(t.viewer, row)
	x.Why = "The row exists, but a row policy hides it from the viewer."
	x.Policy, err = e.policy(ctx, t.viewer, e.layers.registry.TypeOf(row).Guard(), row)
	return x, true, err
}

// findMissed returns the row that a query has missed, of any owner. It returns nil if there is none or if that is unknown.
func (e *Explainer) findMissed(ctx context.Context, ref owned.Ref) (owned.Row, error) {
	registry := e.layers.registry
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

// find returns rows of any owner by their ids. It returns none without the owner's role.
func (e *Explainer) find(ctx context.Context, typ string, ids []uuid.UUID) (map[uuid.UUID]owned.Row, error) {
	if e.owners == nil {
		return map[uuid.UUID]owned.Row{}, nil
	}
	return e.layers.registry.Find(ctx, e.owners, auth.Viewer{}, typ, ids)
}

// behind returns the policy behind a field: the first that refuses the viewer, else the first.
func (e *Explainer) behind(ctx context.Context, viewer auth.Viewer, field string, row owned.Row) (first *explainedPolicy, err error) {
	for _, guard := range e.layers.behind[field].guards {
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

// policy returns a policy as PostgreSQL prints it, and tries it as the viewer if there is a row.
func (e *Explainer) policy(ctx context.Context, viewer auth.Viewer, guard owned.Guard, row owned.Row) (*explainedPolicy, error) {
	text, err := e.db.FindPolicyText(ctx, guard.Name())
	if err != nil {
		return nil, err
	}
	x := &explainedPolicy{Table: text.Table, Name: text.Name, Command: text.Command, Using: text.Using, WithCheck: text.WithCheck}
	if row == nil || guard.Command == "INSERT" { // which has no row yet
		return x, nil
	}
	admits, err := e.db.Probe(ctx, viewer, guard.Policy, guard.Ref(row))
	if fault.Is(err, fault.Unauthenticated) {
		return x, nil // the session has ended since
	}
	x.Admits = &admits
	return x, err
}

func newViewer(v auth.Viewer, row directives.Row) explainedViewer {
	x := explainedViewer{Kind: kindOf(v)}
	if v.IsMember() {
		x.UserID, x.Scopes = &v.UserID, strings.Fields(string(v.Scopes))
	} else {
		x.Reason = cmp.Or(v.Reason, fault.Missing)
	}
	if row != nil {
		x.Kind = access.KindOf(v.IsMember(), row.VisibleTo(v), row.RelationTo(v))
	}
	return x
}

// kindOf distinguishes only anonymous viewers from members. It is for fields without a row.
func kindOf(v auth.Viewer) access.Viewer { return access.KindOf(v.IsMember(), false, "") }
