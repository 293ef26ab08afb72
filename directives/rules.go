// Package directives owns the rules of fields: what each rule directive of the schema decides before a resolver runs,
// and the check that every field has one. It knows the viewer, and rows by the interfaces Owned and Visible; it must
// not know tables or resolvers.
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

// Visible is a loaded row that not everybody may see.
type Visible interface {
	// VisibleTo reports whether the viewer may see the row. It says what the row policy of its table says, in Go.
	VisibleTo(auth.Viewer) bool
}

// Row is what a rule needs of a row.
type Row interface {
	Owned
	Visible
}

// Rows finds rows of an owned type for @owner on root fields, as the viewer and without side effects: those that the viewer
// sees, by their ids.
type Rows func(ctx context.Context, viewer auth.Viewer, typ string, ids []uuid.UUID) (map[uuid.UUID]Row, error)

// Denial is a field that its rule refused.
type Denial struct {
	Field  string // Type.field
	Rule   Rule
	Code   fault.Code
	Viewer auth.Viewer
	Row    Owned       // the row that was looked at; nil where there was none
	IDs    []uuid.UUID // that a root field's argument named
}

// Rules are the rules of a schema, compiled: what the generated code calls before each resolver.
type Rules struct {
	rows    Rows
	fields  map[string]compiled // by Type.field
	actions map[string][]action // by type
	denied  func(context.Context, Denial)
}

// compiled is the rule of a field.
type compiled struct {
	Rule
	path []string // to the argument with the id, of @owner on a root field
}

// New compiles the rules of a schema. Rows finds the rows of any owned type. Each refusal is reported to denied, unless that is
// nil. What is wrong with the schema is for Check to say.
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

// Judge decides about a row, or about none where the rule asks for none. It returns nil, or the refusal as an error of
// package fault. What @public and @inherited let through was decided elsewhere.
func (r Rule) Judge(viewer auth.Viewer, row any) error {
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
		return judgeOwner(viewer, owned)
	}
	return nil
}

// judgeOwner: a hidden row answers like one that is not there.
func judgeOwner(viewer auth.Viewer, row Owned) error {
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

// decide lets a rule judge a loaded row, and tells of a refusal.
func (r *Rules) decide(ctx context.Context, rule Rule, row any) error {
	err := rule.Judge(auth.ViewerFrom(ctx), row)
	if err != nil {
		field := fieldOf(ctx)
		if c, ok := r.fields[field]; ok && c.Name == rule.Name {
			rule = c.Rule // with its parameters
		}
		return r.deny(ctx, field, rule, row, nil, err)
	}
	return nil
}

// SignedIn is @signedIn.
func (r *Rules) SignedIn(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if err := r.decide(ctx, signedIn, nil); err != nil {
		return nil, err
	}
	return next(ctx)
}

// Visible is @visible. The row policies have let the row through already; this holds when they are away.
func (r *Rules) Visible(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	if err := r.decide(ctx, visible, obj); err != nil {
		return nil, err
	}
	return next(ctx)
}

// Owner is @owner. A refusal is always one of fault's errors; otherwise: NULL turns it into null.
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

// ownsAsked returns nil if the viewer owns every row that the argument of a root field names. No id means the viewer's
// own row.
func (r *Rules) ownsAsked(ctx context.Context) error {
	viewer, name := auth.ViewerFrom(ctx), fieldOf(ctx)
	rule, ok := r.fields[name]
	if !ok {
		return fmt.Errorf("@owner on %s: the rule was not compiled", name)
	}
	if err := signedIn.Judge(viewer, nil); err != nil {
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
		if err := judgeOwner(viewer, row); err != nil {
			return r.deny(ctx, name, rule.Rule, row, ids, err)
		}
	}
	return nil
}

// Refusal is the error of a field that its rule refused. The Denial of it has been reported. It wraps the error of package
// fault.
type Refusal struct{ Err error }

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the error of package fault.
func (r *Refusal) Unwrap() error { return r.Err }

// deny reports an error of a rule if it is a refusal, and returns it.
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

// fieldOf names the field that is being resolved, as Type.field.
func fieldOf(ctx context.Context) string {
	field := graphql.GetFieldContext(ctx)
	return field.Object + "." + field.Field.Name
}

func isRefusal(err error) bool {
	return fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden)
}
