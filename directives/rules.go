// Package directives owns the field rules: what each rule directive of the schema decides before a resolver runs. It knows the viewer, and
// rows through the interfaces Owned and Visible. It must not know tables, resolvers or HTTP. Package check says whether each field has a
// rule that can run.
package directives

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

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
	Related
}

// Related is a loaded row to which viewers can have other relations than to own it.
type Related interface {
	// RelationTo returns the strongest relation of the viewer to the row, OwnerRelation for its owner; "" if there is none.
	RelationTo(viewer auth.Viewer) string
}

// Rows finds rows of an owned type for @owner on root fields. It runs as the viewer, has no side effects, and returns the rows that
// the viewer sees, by their ids.
type Rows func(ctx context.Context, viewer auth.Viewer, typ string, ids []uuid.UUID) (map[uuid.UUID]Row, error)

// Source is what rules know besides the schema.
type Source struct {
	Rows Rows
	// Scopes returns those of the scopes in the viewer's token that the account still has.
	Scopes func(ctx context.Context, viewer auth.Viewer) (auth.Scopes, error)
	// Relations has the relations of each type, strongest first, without OwnerRelation.
	Relations map[string][]string
	// Sees has the scopes that the row policies of each type name. Each of them shows all rows of the type.
	Sees map[string][]string
	// Denied gets each refusal. It may be nil.
	Denied func(context.Context, Denial)
}

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
	source      Source
	fields      map[string][]Rule      // by Type.field, in the order of the schema
	permissions map[string]Permissions // by type
}

// New compiles the rules of a schema. It does not check the schema: package check does.
func New(schema *ast.Schema, s Source) *Rules {
	r := &Rules{source: s, fields: map[string][]Rule{}}
	for _, t := range schema.Types {
		for _, f := range t.Fields {
			if list := r.compile(t.Name, RulesOf(f)); len(list) > 0 {
				r.fields[t.Name+"."+f.Name] = list
			}
		}
	}
	r.permissions = PermissionsOf(schema)
	for typ, p := range r.permissions {
		for _, permission := range slices.Concat(p.Actions, p.See, p.Edit) {
			for _, list := range permission.AnyOf {
				r.compile(typ, list)
			}
		}
	}
	return r
}

// compile gives the rules of a field the relations that they admit.
func (r *Rules) compile(typ string, list []Rule) []Rule {
	for i, rule := range list {
		list[i] = rule.Among(r.source.Relations[cmp.Or(rule.Of, typ)])
	}
	return list
}

// Decide decides about a row, which may be nil if the rule is not about a row. The viewer's scopes must be those that the account
// still has. It returns nil, or the refusal as an error of package fault. @public and @inherited always let through.
func (r *Rule) Decide(viewer auth.Viewer, row any) error {
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
	case "scopes":
		switch {
		case !viewer.IsMember():
			return fault.SignIn(viewer.Reason)
		case !viewer.Scopes.Meets(r.AnyOf):
			return fault.Unscoped()
		}
	case "owner":
		owned, ok := row.(Owned)
		if !ok {
			return fmt.Errorf("@owner on a field of %T, which is not Owned", row)
		}
		return r.decideOwner(viewer, owned)
	}
	return nil
}

// decideOwner decides by the viewer's relation to a row. A hidden row gets the same refusal as a missing one.
func (r *Rule) decideOwner(viewer auth.Viewer, row Owned) error {
	switch seen, ok := row.(Visible); {
	case !viewer.IsMember():
		return fault.SignIn(viewer.Reason)
	case viewer.Is(row.OwnerID()) || r.admitsRelation(viewer, row) || viewer.Scopes.Meets(r.OrScopes):
		return nil
	case ok && !seen.VisibleTo(viewer):
		return fault.Gone()
	default:
		return r.denied()
	}
}

// denied returns the error for a viewer who sees a row, and does not have the relation that the rule requires.
func (r *Rule) denied() *fault.Error {
	if r.As == OwnerRelation {
		return fault.Denied()
	}
	return fault.Unrelated(r.As)
}

func (r *Rule) admitsRelation(viewer auth.Viewer, row Owned) bool {
	if len(r.admits) == 0 {
		return false
	}
	related, ok := row.(Related)
	return ok && slices.Contains(r.admits, related.RelationTo(viewer))
}

// The rules that run, without parameters.
var (
	signedIn = &Rule{Name: "signedIn", text: "@signedIn"}
	visible  = &Rule{Name: "visible", text: "@visible"}
	owner    = &Rule{Name: "owner", As: OwnerRelation, text: "@owner"}
)

// decide lets a rule decide about a loaded row, and reports a refusal.
func (r *Rules) decide(ctx context.Context, rule *Rule, row any) error {
	viewer, err := r.viewer(ctx, rule)
	if err != nil {
		return err
	}
	if err := rule.Decide(viewer, row); err != nil {
		if err = r.shown(ctx, rule, graphql.GetFieldContext(ctx).Object, err); err == nil {
			return nil
		}
		field := FieldOf(ctx)
		if list := r.fields[field]; len(list) == 1 && list[0].Name == rule.Name {
			rule = &list[0] // with its parameters
		}
		return r.deny(ctx, field, rule, row, nil, err)
	}
	return nil
}

// shown returns the answer of a rule that refuses a row of a type as hidden. An operator sees it if they have one of the scopes that
// the type's row policy names.
func (r *Rules) shown(ctx context.Context, rule *Rule, typ string, refusal error) error {
	sees, viewer := r.source.Sees[typ], auth.ViewerFrom(ctx)
	if len(sees) == 0 || viewer.Scopes == "" || !fault.Is(refusal, fault.NotFound) {
		return refusal
	}
	granted, err := r.granted(ctx, viewer)
	switch {
	case err != nil:
		return err
	case !slices.ContainsFunc(sees, granted.Has):
		return refusal
	case rule.Name == "visible":
		return nil
	default:
		return rule.denied()
	}
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

// Scopes runs @scopes, with the parameters that the schema has for the field.
func (r *Rules) Scopes(ctx context.Context, obj any, next graphql.Resolver, _ [][]string) (any, error) {
	if err := r.askField(ctx, obj); err != nil {
		return nil, err
	}
	return next(ctx)
}

// Owner runs @owner, with the parameters that the schema has for the field. A refusal is an error of package fault, or null without
// an error if otherwise is NULL. Of repeated rules, the call for the last one decides about all, so that they decide in the order
// of the schema.
func (r *Rules) Owner(ctx context.Context, obj any, next graphql.Resolver, of, id *string, as string, when *string, orScopes [][]string, otherwise Otherwise) (any, error) {
	var err error
	switch {
	case of == nil && as == OwnerRelation && orScopes == nil:
		err = r.decide(ctx, owner, obj) // without a look at the field's parameters
	case of == nil || r.isLast(ctx, *of, text(id), as, text(when)):
		err = r.askField(ctx, obj)
	}
	if err == nil {
		return next(ctx)
	}
	if otherwise == OtherwiseNull && isRefusal(err) {
		return nil, nil //nolint:nilnil // null without an error is what NULL asks for
	}
	return nil, err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// isLast reports whether these are the parameters of the last rule of the field.
func (r *Rules) isLast(ctx context.Context, of, id, as, when string) bool {
	list := r.fields[FieldOf(ctx)]
	if len(list) < 2 {
		return true
	}
	last := list[len(list)-1]
	return last.Of == of && last.ID == id && last.As == as && last.When == when
}

// askField returns nil if each rule of the field admits the viewer.
func (r *Rules) askField(ctx context.Context, obj any) error {
	name := FieldOf(ctx)
	list, ok := r.fields[name]
	if !ok {
		return fmt.Errorf("the rules of %s were not compiled", name)
	}
	return r.Ask(ctx, obj, list)
}

// Ask returns nil if each of the rules admits the viewer to the field that ctx is in. obj is the loaded row, if the rules are
// about one.
func (r *Rules) Ask(ctx context.Context, obj any, list []Rule) error {
	for i := range list {
		rule := &list[i]
		if rule.when != nil && !isPresent(ctx, rule.when) {
			continue
		}
		var err error
		if rule.Of != "" {
			err = r.ownsAsked(ctx, rule)
		} else {
			err = r.decide(ctx, rule, obj)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ownsAsked returns nil if the rule admits the viewer to every row that the argument of a root field names. An absent id means the
// viewer's own row.
func (r *Rules) ownsAsked(ctx context.Context, rule *Rule) error {
	name := FieldOf(ctx)
	if err := signedIn.Decide(auth.ViewerFrom(ctx), nil); err != nil {
		return r.deny(ctx, name, rule, nil, nil, err)
	}
	ids, err := argumentIDs(ctx, rule.path)
	if err != nil || len(ids) == 0 {
		return err
	}
	viewer, err := r.viewer(ctx, rule)
	if err != nil {
		return err
	}
	rows, err := r.find(ctx, auth.ViewerFrom(ctx), rule.Of, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		row, found := rows[id]
		if !found {
			return r.deny(ctx, name, rule, nil, ids, fault.Gone())
		}
		if err := rule.decideOwner(viewer, row); err != nil {
			err = r.shown(ctx, rule, rule.Of, err)
			return r.deny(ctx, name, rule, row, ids, err)
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
func (r *Rules) deny(ctx context.Context, field string, rule *Rule, row any, ids []uuid.UUID, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || r.source.Denied == nil {
		return err
	}
	d := Denial{Field: field, Rule: *rule, Code: f.Code, Viewer: auth.ViewerFrom(ctx), IDs: ids}
	d.Row, _ = row.(Owned)
	r.source.Denied(ctx, d)
	return &Refusal{err}
}

// FieldOf returns the field that is being resolved, as Type.field.
func FieldOf(ctx context.Context) string {
	field := graphql.GetFieldContext(ctx)
	return field.Object + "." + field.Field.Name
}

func isRefusal(err error) bool {
	return fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden)
}
