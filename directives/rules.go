// Package directives owns the field rules: what each rule directive of the schema decides before a resolver runs, and the check
// that every field has one. It knows the viewer, and rows through the interfaces Owned and Visible. It must not know tables,
// resolvers or HTTP.
package directives

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

// Owned is a loaded row that has an owner.
type Owned interface {
	// OwnerID returns the id of the user who owns the row.
	OwnerID() uuid.UUID
}

// Visible is a loaded row that may be hidden from some viewers.
type Visible interface {
	// VisibleTo reports whether the viewer may see the row. It must agree with the row policy of its table.
	VisibleTo(auth.Viewer) bool
}

// Row is a row that a rule can decide about.
type Row interface {
	Owned
	Visible
}

// Rows finds rows of an owned type for @owner on root fields. It runs as the viewer, has no side effects, and returns the rows that
// the viewer sees, by their ids.
type Rows func(ctx context.Context, viewer auth.Viewer, typ string, ids []uuid.UUID) (map[uuid.UUID]Row, error)

// Denial is a field that its rule refused.
type Denial struct {
	Field  string // Type.field
	Rule   Rule
	Code   fault.Code
	Viewer auth.Viewer
	Row    Owned       // the row that the rule decided about; nil if there was none
	IDs    []uuid.UUID // the ids in the argument of a root field
}

// Rules are the compiled rules of a schema. The generated code calls them before each resolver.
type Rules struct {
	rows    Rows
	fields  map[string]compiled // by Type.field
	actions map[string][]action // by type
	denied  func(context.Context, Denial)
}

// compiled is the rule of a field.
type compiled struct {
	Rule
	path []string // of @owner on a root field: to the argument with the id
}

// New compiles the rules of a schema. rows finds the rows of any owned type. New reports each refusal to denied, which may be nil.
// It does not check the schema; see Check.
func New(schema *ast.Schema, rows Rows, denied func(context.Context, Denial)) *Rules {
	r := &Rules{rows: rows, fields: map[string]compiled{}, actions: actionsOf(schema), denied: denied}
	for _, t := range schema.Types {
		for _, f := range t.Fields {
			if rule, ok := RuleOf(f); ok {
				r.fields[t.Name+"."+f.Name] = compiled{rule, strings.Split(rule.ID, ".")}
			}
		}
	}
	return r
}

// Decide decides about a row, which may be nil if the rule is not about a row. It returns nil, or the refusal as an error of
// package fault. @public and @inherited always let through.
func (r Rule) Decide(viewer auth.Viewer, row any) error {
	switch r.Name {
	case "visible":
		seen, ok := row.(Visible)
		if !ok {
			return fmt.Errorf("@visible on a field of %T, which is not Visible", row)
		}
		if !seen.VisibleTo(viewer) {
			return fault.Gone()
		}
	case "signedIn":
		if !viewer.IsMember() {
			return fault.SignIn(viewer.Reason)
		}
	case "owner":
		owned, ok := row.(Owned)
		if !ok {
			return fmt.Errorf("@owner on a field of %T, which is not Owned", row)
		}
		return decideOwner(viewer, owned)
	}
	return nil
}

// decideOwner decides by the owner of a row. A hidden row gets the same refusal as a missing one.
func decideOwner(viewer auth.Viewer, row Owned) error {
	switch seen, ok := row.(Visible); {
	case !viewer.IsMember():
		return fault.SignIn(viewer.Reason)
	case viewer.Is(row.OwnerID()):
		return nil
	case ok && !seen.VisibleTo(viewer):
		return fault.Gone()
	default:
		return fault.Denied()
	}
}

// The rules that run, without parameters.
var (
	signedIn = Rule{Name: "signedIn", text: "@signedIn"}
	visible  = Rule{Name: "visible", text: "@visible"}
	owner    = Rule{Name: "owner", text: "@owner"}
)

// decide lets a rule decide about a loaded row, and reports a refusal.
func (r *Rules) decide(ctx context.Context, rule Rule, row any) error {
	err := rule.Decide(auth.ViewerFrom(ctx), row)
	if err != nil {
		field := fieldOf(ctx)
		if c, ok := r.fields[field]; ok && c.Name == rule.Name {
			rule = c.Rule // with its parameters
		}
		return r.deny(ctx, field, rule, row, nil, err)
	}
	return nil
}

// SignedIn runs @signedIn.
func (r *Rules) SignedIn(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if err := r.decide(ctx, signedIn, nil); err != nil {
		return nil, err
	}
	return next(ctx)
}

// Visible runs @visible. The row policies have let the row through already; the rule still refuses if they fail.
func (r *Rules) Visible(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	if err := r.decide(ctx, visible, obj); err != nil {
		return nil, err
	}
	return next(ctx)
}

// Owner runs @owner. A refusal is an error of package fault, or null without an error if otherwise is NULL.
func (r *Rules) Owner(ctx context.Context, obj any, next graphql.Resolver, of, _ *string, otherwise Otherwise) (any, error) {
	var err error
	if of == nil {
		err = r.decide(ctx, owner, obj)
	} else {
		err = r.ownsAsked(ctx)
	}
	if err == nil {
		return next(ctx)
	}
	if otherwise == OtherwiseNull && isRefusal(err) {
		return nil, nil //nolint:nilnil // null without an error is what NULL asks for
	}
	return nil, err
}

// ownsAsked returns nil if the viewer owns every row that the argument of a root field names. An absent id means the viewer's own
// row.
func (r *Rules) ownsAsked(ctx context.Context) error {
	viewer, name := auth.ViewerFrom(ctx), fieldOf(ctx)
	rule, ok := r.fields[name]
	if !ok {
		return fmt.Errorf("@owner on %s: the rule was not compiled", name)
	}
	if err := signedIn.Decide(viewer, nil); err != nil {
		return r.deny(ctx, name, rule.Rule, nil, nil, err)
	}
	ids, err := argumentIDs(ctx, rule.path)
	if err != nil || len(ids) == 0 {
		return err
	}
	rows, err := r.find(ctx, viewer, rule.Of, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		row, found := rows[id]
		if !found {
			return r.deny(ctx, name, rule.Rule, nil, ids, fault.Gone())
		}
		if err := decideOwner(viewer, row); err != nil {
			return r.deny(ctx, name, rule.Rule, row, ids, err)
		}
	}
	return nil
}

// Refusal is the error of a field that its rule refused, and whose Denial was reported. It wraps the error of package fault.
type Refusal struct{ Err error }

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the error of package fault.
func (r *Refusal) Unwrap() error { return r.Err }

// deny reports the error of a rule if it is a refusal, and returns the error.
func (r *Rules) deny(ctx context.Context, field string, rule Rule, row any, ids []uuid.UUID, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || r.denied == nil {
		return err
	}
	d := Denial{Field: field, Rule: rule, Code: f.Code, Viewer: auth.ViewerFrom(ctx), IDs: ids}
	d.Row, _ = row.(Owned)
	r.denied(ctx, d)
	return &Refusal{err}
}

// fieldOf returns the field that is being resolved, as Type.field.
func fieldOf(ctx context.Context) string {
	field := graphql.GetFieldContext(ctx)
	return field.Object + "." + field.Field.Name
}

func isRefusal(err error) bool {
	return fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden)
}
