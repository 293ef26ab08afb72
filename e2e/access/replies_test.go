package access

import (
	"fmt"
	"slices"
	"strings"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/fault"
)

// errors checks the errors at the path of a field: one with this code if a rule refuses it, else none. If the request has no
// token, the error has the rule's reason. Other refusals have other reasons.
func (h *hearing) errors(c call, want access.Answer) {
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
		h.fault(fmt.Sprintf("%s has the errors %v for %s, and should answer: %s", c.name(), codes, h.viewer, want), "%.700s", h.reply.Body)
	}
}

// where returns a path of a response as text, so that decoded paths compare equal to constructed ones.
func where(path []any) string { return fmt.Sprint(path) }

// unexpected checks the errors that are at no checked field. Only refusals for other people's objects in a list are allowed.
func (h *hearing) unexpected() {
	for _, e := range h.reply.Errors {
		known := h.told[where(e.Path)] || h.beside(e.Path) && isRefusal(e.Extensions.Code)
		if !known {
			h.fault(fmt.Sprintf("unexpected error %s on the way to %s", e.Extensions.Code, h.request.path.end()), "at %v: %s", e.Path, e.Message)
		}
	}
}

func isRefusal(code string) bool {
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
	typ, _ := subjectOf(h.schema, h.request.path.rootField().def)
	h.leaksOf("", h.target.sown)
	for typ, row := range h.target.rows {
		h.leaksOf(typ, row)
	}
	if h.target.subject != nil {
		h.leaksOf(typ, h.target.subject)
	}
	for typ, fields := range h.target.objects {
		id, ok := fields[listedID].(string)
		if ok && (h.viewer == access.Nobody || h.viewer == access.Member) && strings.Contains(h.reply.Body, id) {
			h.fault("the id of a hidden "+typ+" is in the reply", "%s", h.reply.Body)
		}
	}
}

// leaksOf looks for the values with which a row of a type was created, or with which the account was if typ is empty.
func (h *hearing) leaksOf(typ string, made *sown) {
	for name, canary := range made.canaries {
		if !h.mayKnow(typ, name) && strings.Contains(h.reply.Body, canary) {
			seed := strings.TrimPrefix(typ+"."+name, ".")
			h.fault("the seed of "+seed+" is in the reply to "+string(h.viewer), "%q is in %s", canary, h.reply.Body)
		}
	}
}

// mayKnow reports whether the field of this name returns its value to the viewer: the field of the type or, if it has none,
// of any type.
func (h *hearing) mayKnow(typ, name string) bool {
	gives := func(f access.Field) bool {
		return f.Answers[h.viewer] == access.Value && !policyRefuses(f, h.viewer)
	}
	if f, known := h.matrix[typ+"."+name]; known {
		return gives(f)
	}
	for _, f := range h.matrix {
		if f.Name == name && gives(f) {
			return true
		}
	}
	return typ != "" && h.viewer == access.Owner // only an input has this name
}
