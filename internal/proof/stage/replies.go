package stage

import (
	"fmt"
	"slices"
	"strings"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// errors checks the errors at the path of a field: one with this code if a rule refuses it, else none. If the request has no
// token, the error has the rule's reason. Other refusals have other reasons.
func (h *hearing) errors(c cases.Call, want access.Answer) {
	var codes []string
	for _, e := range h.reply.Errors {
		if where(e.Path) == where(h.at) {
			codes = append(codes, strings.TrimSpace(e.Extensions.Code+" "+e.Extensions.Reason))
		}
	}
	if want == access.Answer(fault.Unauthenticated) {
		want += access.Answer(" " + fault.Missing)
	}
	h.told[where(h.at)] = true
	switch {
	case want == refusedSomehow && len(codes) < 2:
	case (want == access.Value || want == access.Null) && len(codes) == 0:
	case len(codes) == 1 && codes[0] == string(want):
	default:
		h.fault(fmt.Sprintf("%s has the errors %v for %s, and should answer: %s", c.Name(), codes, h.kind(h.RowType(c)), want), "%.700s", h.reply.Body)
	}
}

// admitted checks that nothing refuses a field to the viewer. Its arguments may be invalid.
func (h *hearing) admitted(c cases.Call) {
	h.told[where(h.at)] = true
	for _, e := range h.reply.Errors {
		refused := e.Extensions.Code == string(fault.Forbidden) || e.Extensions.Code == string(fault.Unauthenticated)
		if where(e.Path) == where(h.at) && refused { // another argument may name something that is not found
			h.fault(fmt.Sprintf("%s has the error %s for %s, whom its rule admits", c.Name(), e.Extensions.Code, h.kind(h.RowType(c))), "%.700s", h.reply.Body)
		}
	}
}

// where returns a path of a response as text, so that decoded paths compare equal to constructed ones.
func where(path []any) string { return fmt.Sprint(path) }

// unexpected checks the errors that are at no checked field. Only refusals for other people's objects in a list are allowed.
func (h *hearing) unexpected() {
	for _, e := range h.reply.Errors {
		known := h.told[where(e.Path)] || h.beside(e.Path) && IsRefusal(e.Extensions.Code)
		if !known {
			h.fault(fmt.Sprintf("unexpected error %s on the way to %s", e.Extensions.Code, h.Request.Path.End()), "at %v: %s", e.Path, e.Message)
		}
	}
}

// IsRefusal reports whether a code is that of a field that a rule refuses.
func IsRefusal(code string) bool {
	return slices.Contains([]fault.Code{fault.Unauthenticated, fault.NotFound, fault.Forbidden}, fault.Code(code))
}

// beside reports whether a path leads to another object than the target's in a list on the way.
func (h *hearing) beside(path []any) bool {
	for i, list := range h.lists {
		inList := len(path) > len(list) && where(path[:len(list)]) == where(list)
		if inList && (i >= len(h.indices) || where(path[len(list):len(list)+1]) != where([]any{h.indices[i]})) {
			return true
		}
	}
	return false
}

// leaks checks that the reply contains nothing of the target that this viewer must not know.
func (h *hearing) leaks() {
	typ, _ := h.Schema.SubjectOf(h.Request.Path.RootField().Def)
	h.leaksOf("", h.target.Sown)
	for typ, row := range h.target.Rows {
		h.leaksOf(typ, row)
	}
	if h.target.Subject != nil {
		h.leaksOf(typ, h.target.Subject)
	}
	known := map[string]bool{} // ids
	for typ, fields := range h.target.Objects {
		if id, ok := fields[cases.ID].(string); ok && h.mayKnowID(typ) {
			known[id] = true
		}
	}
	for typ, fields := range h.target.Objects {
		if id, ok := fields[cases.ID].(string); ok && !known[id] && strings.Contains(h.reply.Body, id) {
			h.fault("the id of a hidden "+typ+" is in the reply", "%s", h.reply.Body)
		}
	}
}

// mayKnowID reports whether the viewer sees the target's row of a type, or may read a field that has the same id.
func (h *hearing) mayKnowID(typ string) bool {
	kind := h.kind(typ)
	if kind.Viewer != access.Nobody && kind.Viewer != access.Member || h.isRemote(typ) {
		return true
	}
	for field, of := range h.Program.Facts.IDOf {
		if of == typ && h.reads(field) {
			return true
		}
	}
	return len(kind.Scopes) > 0 && h.reads(typ+"."+cases.ID)
}

// reads reports whether both layers give a field to the viewer.
func (h *hearing) reads(field string) bool {
	f, known := h.Matrix[field]
	kind := h.kind(f.Type)
	return known && kind.Answer(f) == access.Value && !kind.RefusedByPolicy(f)
}

// isRemote reports whether another subgraph has the rows of a type. The viewer who asks for one has sent its id.
func (p *Stage) isRemote(typ string) bool {
	if p.issuer == nil {
		return false
	}
	t := p.Program.Registry().Lookup(typ)
	return t != nil && t.Remote
}

// leaksOf looks for the values with which a row of a type was created, or with which the account was if typ is empty.
func (h *hearing) leaksOf(typ string, made *people.Sown) {
	for name, canary := range made.Canaries {
		if !h.mayKnow(typ, name) && strings.Contains(h.reply.Body, canary) {
			seed := strings.TrimPrefix(typ+"."+name, ".")
			h.fault("the seed of "+seed+" is in the reply to "+h.kind(typ).String(), "%q is in %s", canary, h.reply.Body)
		}
	}
}

// mayKnow reports whether the field of this name returns its value to the viewer: the field of the type or, if it has none,
// of any type.
func (h *hearing) mayKnow(typ, name string) bool {
	gives := func(f access.Field) bool {
		kind := h.kind(f.Type)
		return kind.Answer(f) == access.Value && !kind.RefusedByPolicy(f)
	}
	if f, known := h.Matrix[typ+"."+name]; known {
		return gives(f)
	}
	for _, f := range h.Matrix {
		if f.Name == name && gives(f) {
			return true
		}
	}
	return typ != "" && h.kind(typ).Viewer == access.Owner // only an input has this name
}
