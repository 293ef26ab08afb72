// Package directives owns the rules of fields: what each rule directive of the schema decides before a resolver runs,
// and the check that every field has one. It knows the viewer, and rows by the interfaces Owned and Visible; it must
// not know tables or resolvers.
package directives

import (
	"context"
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold/auth"
	"freehold/fault"
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

// Rows finds a row for @owner on a root field, as the viewer and without side effects. Its error is NOT_FOUND when
// there is none that the viewer sees.
type Rows func(ctx context.Context, viewer auth.Viewer, id uuid.UUID) (Row, error)

// Rules are the directives that run, with what they need to find rows by the name of their type.
type Rules struct {
	Rows   map[string]Rows
	Denied func(rule string, code fault.Code) // is told of each refusal, for metrics; nil for none
}

// deny tells of an error of a rule if it is a refusal, and returns it.
func (r Rules) deny(rule string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && isRefusal(err) && r.Denied != nil {
		r.Denied(rule, f.Code)
	}
	return err
}

// SignedIn is @signedIn.
func (r Rules) SignedIn(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if v := auth.ViewerFrom(ctx); !v.IsMember() {
		return nil, r.deny("@signedIn", fault.SignIn(v.Reason))
	}
	return next(ctx)
}

// Visible is @visible. The row policies have let the row through already; this holds when they are away.
func (r Rules) Visible(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	row, ok := obj.(Visible)
	if !ok {
		return nil, fmt.Errorf("@visible on a field of %T, which is not Visible", obj)
	}
	if !row.VisibleTo(auth.ViewerFrom(ctx)) {
		return nil, r.deny("@visible", fault.Gone())
	}
	return next(ctx)
}

// Owner is @owner. A refusal is always one of fault's errors; otherwise: NULL turns it into null.
func (r Rules) Owner(ctx context.Context, obj any, next graphql.Resolver, of, id *string, otherwise Otherwise) (any, error) {
	err := r.owns(ctx, obj, of, id)
	if err == nil {
		return next(ctx)
	}
	err = r.deny("@owner", err)
	if otherwise == OtherwiseNull && isRefusal(err) {
		return nil, nil //nolint:nilnil // null without an error is what NULL asks for
	}
	return nil, err
}

func isRefusal(err error) bool {
	return fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden)
}

// owns returns nil if the viewer owns the row in question: the parent of the field, or the one an argument names.
func (r Rules) owns(ctx context.Context, obj any, of, id *string) error {
	viewer := auth.ViewerFrom(ctx)
	if !viewer.IsMember() {
		return fault.SignIn(viewer.Reason)
	}
	if of == nil {
		row, ok := obj.(Owned)
		if !ok {
			return fmt.Errorf("@owner on a field of %T, which is not Owned", obj)
		}
		return judge(viewer, row)
	}
	rowID, given, err := argumentID(ctx, *id)
	if err != nil {
		return err
	}
	if !given {
		return nil // the viewer's own row
	}
	find, ok := r.Rows[*of]
	if !ok {
		return fmt.Errorf("@owner(of: %q): no such row can be found", *of)
	}
	row, err := find(ctx, viewer, rowID)
	if err != nil {
		return err
	}
	return judge(viewer, row)
}

// judge decides about a loaded row: a hidden one answers like one that is not there.
func judge(viewer auth.Viewer, row Owned) error {
	if viewer.Is(row.OwnerID()) {
		return nil
	}
	if v, ok := row.(Visible); ok && !v.VisibleTo(viewer) {
		return fault.Gone()
	}
	return fault.Denied()
}
