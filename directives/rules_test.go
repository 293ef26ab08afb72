package directives

import (
	"context"
	"errors"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold/auth"
	"freehold/fault"
)

var (
	ann    = auth.Viewer{UserID: uuid.New(), SessionID: uuid.New()}
	bob    = auth.Viewer{UserID: uuid.New(), SessionID: uuid.New()}
	nobody = auth.Nobody(fault.Expired)
)

// thing is a row of Ann's.
type thing struct{ hidden bool }

func (thing) OwnerID() uuid.UUID             { return ann.UserID }
func (t thing) VisibleTo(v auth.Viewer) bool { return !t.hidden || v.Is(ann.UserID) }

func code(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return string(f.Code)
	}
	if err != nil {
		return "internal"
	}
	return "resolved"
}

func next(context.Context) (any, error) { return "resolved", nil }

// Each outcome of @owner on a row's field, with an error and with null; what is no refusal stays an error.
func TestOwnerOfALoadedRow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		viewer auth.Viewer
		row    any
		want   string
	}{
		{"the owner", ann, thing{}, "resolved"}, {"the owner of a hidden row", ann, thing{hidden: true}, "resolved"},
		{"another", bob, thing{}, "FORBIDDEN"}, {"another, hidden", bob, thing{hidden: true}, "NOT_FOUND"},
		{"nobody", nobody, thing{}, "UNAUTHENTICATED"}, {"nobody, hidden", nobody, thing{hidden: true}, "UNAUTHENTICATED"},
		{"no row of anybody", ann, "text", "internal"},
	} {
		ctx := auth.WithViewer(t.Context(), c.viewer)
		value, err := Rules{}.Owner(ctx, c.row, next, nil, nil, OtherwiseError)
		if code(err) != c.want || (value != nil) != (c.want == "resolved") {
			t.Errorf("%s: %v, %v; want %s", c.name, value, err, c.want)
		}
		value, err = Rules{}.Owner(ctx, c.row, next, nil, nil, OtherwiseNull)
		wantError := c.want == "internal"
		if (err != nil) != wantError || (value != nil) != (c.want == "resolved") {
			t.Errorf("%s, otherwise NULL: %v, %v", c.name, value, err)
		}
	}
}

// On a root field the row is asked for by the id in the arguments, once, and never for nobody.
func TestOwnerOfARowByItsID(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	for _, c := range []struct {
		name   string
		viewer auth.Viewer
		args   map[string]any
		row    Row
		find   error
		want   string
		asked  int
	}{
		{"the owner", ann, map[string]any{"id": id.String()}, thing{}, nil, "resolved", 1},
		{"another", bob, map[string]any{"id": id.String()}, thing{}, nil, "FORBIDDEN", 1},
		{"another, hidden", bob, map[string]any{"id": id.String()}, thing{hidden: true}, nil, "NOT_FOUND", 1},
		{"missing", ann, map[string]any{"id": id.String()}, nil, fault.Gone(), "NOT_FOUND", 1},
		{"database down", ann, map[string]any{"id": id.String()}, nil, errors.New("down"), "internal", 1},
		{"nobody", nobody, map[string]any{"id": id.String()}, thing{}, nil, "UNAUTHENTICATED", 0},
		{"absent", bob, map[string]any{}, thing{}, nil, "resolved", 0},
		{"null", ann, map[string]any{"id": nil}, thing{}, nil, "BAD_USER_INPUT", 0},
		{"malformed", ann, map[string]any{"id": "x"}, thing{}, nil, "BAD_USER_INPUT", 0},
		{"malformed by nobody", nobody, map[string]any{"id": "x"}, thing{}, nil, "UNAUTHENTICATED", 0},
	} {
		asked := 0
		rules := Rules{Rows: map[string]Rows{"Thing": func(_ context.Context, viewer auth.Viewer, got uuid.UUID) (Row, error) {
			if asked++; got != id || viewer.UserID != c.viewer.UserID {
				t.Errorf("%s: asked for %v as %v", c.name, got, viewer.UserID)
			}
			return c.row, c.find
		}}}
		of, path := "Thing", "id"
		value, err := rules.Owner(field(t.Context(), c.viewer, c.args), nil, next, &of, &path, OtherwiseError)
		if code(err) != c.want || (value != nil) != (c.want == "resolved") || asked != c.asked {
			t.Errorf("%s: %v, %v, asked %d times; want %s, %d", c.name, value, err, asked, c.want, c.asked)
		}
	}
}

// field is the context of a root field that has one optional argument, id, as gqlgen makes it.
func field(ctx context.Context, viewer auth.Viewer, args map[string]any) context.Context {
	ctx = graphql.WithOperationContext(auth.WithViewer(ctx, viewer), &graphql.OperationContext{Variables: args})
	definition := &ast.FieldDefinition{Arguments: ast.ArgumentDefinitionList{{Name: "id", Type: ast.NamedType("ID", nil)}}}
	f := &ast.Field{Definition: definition, Arguments: ast.ArgumentList{{Name: "id", Value: &ast.Value{Kind: ast.Variable, Raw: "id"}}}}
	var coerced *string
	if text, ok := args["id"].(string); ok {
		coerced = &text
	}
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{
		Field: graphql.CollectedField{Field: f}, Args: map[string]any{"id": coerced},
	})
}

func TestVisibleAndSignedIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		viewer            auth.Viewer
		row               any
		visible, signedIn string
	}{
		{ann, thing{hidden: true}, "resolved", "resolved"}, {bob, thing{hidden: true}, "NOT_FOUND", "resolved"},
		{nobody, thing{}, "resolved", "UNAUTHENTICATED"}, {ann, "text", "internal", "resolved"},
	} {
		ctx := auth.WithViewer(t.Context(), c.viewer)
		if _, err := (Rules{}).Visible(ctx, c.row, next); code(err) != c.visible {
			t.Errorf("@visible: %v, want %s", err, c.visible)
		}
		if _, err := (Rules{}).SignedIn(ctx, c.row, next); code(err) != c.signedIn {
			t.Errorf("@signedIn: %v, want %s", err, c.signedIn)
		}
	}
	_, err := Rules{}.SignedIn(auth.WithViewer(t.Context(), nobody), nil, next)
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Reason != fault.Expired {
		t.Errorf("the reason is not told: %v", err)
	}
}
