package explain

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

// Denials collects what one request was refused: by rules, and by rows that its viewer does not see. The log gets the number of
// refusals of each kind. A single refusal is kept only if it will be explained.
type Denials struct {
	mu      sync.Mutex
	counts  map[denialKind]int
	keep    bool
	refused []refusal
}

type denialsKey struct{}

// WithDenials returns a context that collects refusals.
func WithDenials(ctx context.Context) (context.Context, *Denials) {
	d := &Denials{}
	return context.WithValue(ctx, denialsKey{}, d), d
}

// DenialsOf returns the denials that ctx collects. Without any, it returns new ones that nothing reads.
func DenialsOf(ctx context.Context) *Denials {
	if d, ok := ctx.Value(denialsKey{}).(*Denials); ok {
		return d
	}
	return &Denials{}
}

// Keep keeps each refusal for Explain. Call it before the operation runs.
func (d *Denials) Keep() { d.keep = true }

// denialKind is what the log shows of a refusal: names of the schema, nothing of a row.
type denialKind struct {
	Field  string        `json:"field"`
	Rule   string        `json:"rule,omitempty"` // none: no such row, or a row policy hid it
	Code   fault.Code    `json:"code,omitempty"`
	Viewer access.Viewer `json:"viewer"` // nobody or member
}

// refusal is one refusal, or an error that no rule accounts for, with its place in the response.
type refusal struct {
	denialKind
	path   ast.Path
	viewer auth.Viewer
	denial *directives.Denial
	missed *owned.Ref // a key under which the viewer sees no row
}

// add counts a refusal of a field, or of an entry, which ctx is in.
func (d *Denials) add(ctx context.Context, r refusal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts == nil {
		d.counts = map[denialKind]int{}
	}
	d.counts[r.denialKind]++
	if d.keep && len(d.refused) < maxExplained {
		r.path = graphql.GetPath(ctx)
		d.refused = append(d.refused, r)
	}
}

// Reset drops the refusals of an operation whose response is not sent.
func (d *Denials) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts, d.refused = nil, nil
}

// Denied notes that a rule refused the field that ctx is in.
func Denied(ctx context.Context, d directives.Denial) {
	all := DenialsOf(ctx)
	r := refusal{denialKind: denialKind{d.Field, d.Rule.String(), d.Code, kindOf(d.Viewer)}, viewer: d.Viewer}
	if all.keep {
		kept := d // moves to the heap
		r.denial = &kept
	}
	all.add(ctx, r)
}

// NoteError notes an error if it is a refusal that no rule accounts for: the database let the viewer touch no row.
func NoteError(ctx context.Context, code fault.Code, err error) {
	f := graphql.GetFieldContext(ctx)
	if _, byRule := errors.AsType[*directives.Refusal](err); byRule || code != fault.NotFound || f == nil {
		return
	}
	viewer := auth.ViewerFrom(ctx)
	DenialsOf(ctx).add(ctx, refusal{
		denialKind: denialKind{Field: f.Object + "." + f.Field.Name, Code: code, Viewer: kindOf(viewer)}, viewer: viewer,
	})
}

// Missed notes that a query found nothing under a key.
func Missed(ctx context.Context, ref owned.Ref) {
	f := graphql.GetFieldContext(ctx)
	for f.Parent != nil && f.Object == "" {
		f = f.Parent // from an entry to its list
	}
	viewer := auth.ViewerFrom(ctx)
	DenialsOf(ctx).add(ctx, refusal{
		denialKind: denialKind{Field: f.Object + "." + f.Field.Name, Viewer: kindOf(viewer)}, viewer: viewer, missed: &ref,
	})
}

// counted is an entry of the log: one kind of refusal and how often it occurred.
type counted struct {
	denialKind
	Count int `json:"count"`
}

// String is for the text log of development. The JSON log has the fields.
func (c counted) String() string {
	refusal := "no visible row"
	if c.Rule != "" || c.Code != "" {
		refusal = strings.TrimSpace(c.Rule + " " + string(c.Code))
	}
	return fmt.Sprintf("%s by %s: %s ×%d", c.Field, c.Viewer, refusal, c.Count)
}

// Log logs how many refusals of each kind there were.
func (d *Denials) Log(ctx context.Context, log *slog.Logger) {
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
