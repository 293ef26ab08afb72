package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/owned"
)

// maxExplained bounds how many refusals of a request are explained.
const maxExplained = 100

// denials are what one request was refused: by rules, and by rows that its viewer does not see. The log gets how many
// there were of each kind; each one by itself is kept only where it is to be explained.
type denials struct {
	mu      sync.Mutex
	counts  map[denialKind]int
	explain bool
	told    []told
}

// denialKind is what the log tells of a refusal: names of the schema, nothing of a row.
type denialKind struct {
	Field  string        `json:"field"`
	Rule   string        `json:"rule,omitempty"` // none: no such row, or a row policy hid it
	Code   fault.Code    `json:"code,omitempty"`
	Viewer access.Viewer `json:"viewer"` // nobody or member
}

// told is one refusal, or an error that no rule accounts for, with its place in the response.
type told struct {
	denialKind
	path   ast.Path
	viewer auth.Viewer
	denial *directives.Denial
	missed *owned.Ref // a key under which the viewer sees no row
}

// add counts a refusal of a field, or of an entry, which ctx is in.
func (d *denials) add(ctx context.Context, t told) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts == nil {
		d.counts = map[denialKind]int{}
	}
	d.counts[t.denialKind]++
	if d.explain && len(d.told) < maxExplained {
		t.path = graphql.GetPath(ctx)
		d.told = append(d.told, t)
	}
}

// reset forgets the refusals of an operation whose response is not sent.
func (d *denials) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts, d.told = nil, nil
}

// denied notes that a rule refused the field that ctx is in.
func (a *App) denied(ctx context.Context, d directives.Denial) {
	a.telemetry.metrics.denied("@"+d.Rule.Name, d.Code)
	all := exchangeOf(ctx).denials
	t := told{denialKind: denialKind{d.Field, d.Rule.String(), d.Code, kindOf(d.Viewer)}, viewer: d.Viewer}
	if all.explain {
		kept := d // moves to the heap
		t.denial = &kept
	}
	all.add(ctx, t)
}

// noteError notes a refusal that no rule accounts for: the database let the viewer touch no row.
func noteError(ctx context.Context, code fault.Code, err error) {
	f, d := graphql.GetFieldContext(ctx), exchangeOf(ctx).denials
	if _, byRule := errors.AsType[*directives.Refusal](err); byRule || code != fault.NotFound || f == nil || d == nil {
		return
	}
	viewer := auth.ViewerFrom(ctx)
	d.add(ctx, told{
		denialKind: denialKind{Field: f.Object + "." + f.Field.Name, Code: code, Viewer: kindOf(viewer)}, viewer: viewer,
	})
}

// missed notes that a query found nothing under a key.
func (a *App) missed(ctx context.Context, ref owned.Ref) {
	f := graphql.GetFieldContext(ctx)
	for f.Parent != nil && f.Object == "" {
		f = f.Parent // of an entry to its list
	}
	viewer := auth.ViewerFrom(ctx)
	exchangeOf(ctx).denials.add(ctx, told{
		denialKind: denialKind{Field: f.Object + "." + f.Field.Name, Viewer: kindOf(viewer)}, viewer: viewer, missed: &ref,
	})
}

// counted is a line of the breakdown that the log gets.
type counted struct {
	denialKind
	Count int `json:"count"`
}

// String is for logs that people read; others have the fields.
func (c counted) String() string {
	refusal := "no row that is seen"
	if c.Rule != "" || c.Code != "" {
		refusal = strings.TrimSpace(c.Rule + " " + string(c.Code))
	}
	return fmt.Sprintf("%s by %s: %s ×%d", c.Field, c.Viewer, refusal, c.Count)
}

// log tells how many refusals of each kind a request met.
func (d *denials) log(ctx context.Context, log *slog.Logger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.counts) == 0 {
		return
	}
	list := make([]counted, 0, len(d.counts))
	for kind, n := range d.counts {
		list = append(list, counted{kind, n})
	}
	slices.SortFunc(list, func(x, y counted) int {
		return cmp.Or(cmp.Compare(x.Field, y.Field), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Code, y.Code))
	})
	log.InfoContext(ctx, "fields were refused", "denials", list)
}
