package access

import (
	"slices"
	"strings"

	"freehold.dev/freehold/directives"
)

// Viewer is a kind of viewer, by their relation to the row that a field belongs to: one of the constants, or a relation of the row's
// type, such as EDITOR. For a root field without a row there are only anonymous viewers, members and operators.
type Viewer string

// The kinds of viewers that every type has. Nobody is an anonymous viewer. Visible-to are viewers who may see the row and have no
// relation to it.
const (
	Nobody          Viewer = "nobody"
	NobodyVisibleTo Viewer = "nobody, visible-to"
	Member          Viewer = "member"
	MemberVisibleTo Viewer = "member, visible-to"
	Owner           Viewer = "owner"
)

// Operator is a member without a relation to the row who has the scopes that a field's rule names or, if it names none, those that
// the row policies name.
const Operator Viewer = "operator"

// Viewers are the kinds that every field distinguishes, in the order of what they get, least first.
var Viewers = []Viewer{Nobody, NobodyVisibleTo, Member, MemberVisibleTo, Owner}

// KindOf returns the kind of a viewer. relation is that of a member to the row: OWNER for its owner, "" for none.
func KindOf(signedIn, sees bool, relation string) Viewer {
	switch {
	case relation == directives.OwnerRelation:
		return Owner
	case relation != "":
		return Viewer(relation)
	case signedIn && sees:
		return MemberVisibleTo
	case signedIn:
		return Member
	case sees:
		return NobodyVisibleTo
	default:
		return Nobody
	}
}

// Columns returns the kinds of viewers that some of the fields distinguish, in the order of what they get: relations between other
// members and owners, the weakest first, and operators last.
func Columns(fields ...Field) []Viewer {
	var relations []Viewer
	operators := false
	for _, f := range fields {
		for _, r := range slices.Backward(f.Relations) {
			if !slices.Contains(relations, Viewer(r)) {
				relations = append(relations, Viewer(r))
			}
		}
		operators = operators || len(f.Scopes) > 0
	}
	columns := slices.Insert(slices.Clone(Viewers), len(Viewers)-1, relations...)
	if operators {
		columns = append(columns, Operator)
	}
	return columns
}

func (v Viewer) signedIn() bool { return v != Nobody && v != NobodyVisibleTo }

// isRelation reports whether a viewer has a relation to the row, and does not own it.
func (v Viewer) isRelation() bool { return !slices.Contains(Viewers, v) && v != Operator }

// hasRelation reports whether a viewer has a relation to a row, or a stronger one. relations are those of the row's type, strongest
// first.
func (v Viewer) hasRelation(relation string, relations []string) bool {
	if v == Owner {
		return true
	}
	has, least := slices.Index(relations, string(v)), slices.Index(relations, relation)
	return has >= 0 && has <= least
}

// Admits is the kind of viewers that a layer in the database lets through: one of the constants, or the weakest relation.
type Admits string

// The viewers that a layer in the database can let through.
const (
	AdmitsOwner     Admits = "owner"
	AdmitsVisible   Admits = "visible-to"
	AdmitsMembers   Admits = "members"
	AdmitsRelated   Admits = "related"   // everyone with a relation to the row
	AdmitsOperators Admits = "operators" // only operators, with a scope of the layer
	AdmitsEveryone  Admits = "everyone"  // of rows that another subgraph has: there is no layer behind them here
)

// Layer is what refuses in the database, independently of the field rule: a row policy, or a definer function.
type Layer struct {
	Name      string
	Admits    Admits
	Relations []string // that a viewer can have to a row, strongest first; in a definer function, nil for those of the rule's type
	Scopes    []string // any one of them admits an operator too
}

// admits reports whether the layer lets a viewer through who has these scopes.
func (l Layer) admits(v Viewer, scopes []string) bool {
	related := v == Owner || slices.Contains(l.Relations, string(v))
	switch {
	case l.Admits == AdmitsEveryone, v.signedIn() && overlap(l.Scopes, scopes):
		return true
	case l.Admits == AdmitsVisible:
		return related || v == NobodyVisibleTo || v == MemberVisibleTo
	case l.Admits == AdmitsMembers:
		return v.signedIn()
	case l.Admits == AdmitsOperators:
		return false
	case l.Admits == AdmitsRelated:
		return related
	default:
		return v.hasRelation(string(l.Admits), l.Relations)
	}
}

// showsVisible reports whether the layer lets viewers through who have no relation to the row.
func (l Layer) showsVisible() bool { return l.Admits == AdmitsVisible || l.Admits == AdmitsMembers }

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

var admitsInWords = map[Admits]string{
	"": "only its owner", AdmitsOwner: "only its owner", AdmitsVisible: "everyone who may see it", AdmitsMembers: "signed-in members",
	AdmitsRelated: "everyone with a relation to it",
}

// InWords names the viewers that a layer lets through.
func (l Layer) InWords() string {
	operators := ""
	if len(l.Scopes) > 0 {
		operators = "operators with " + strings.Join(l.Scopes, " or ")
	}
	if l.Admits == AdmitsOperators {
		return operators
	}
	words, known := admitsInWords[l.Admits]
	if !known {
		words = "its owner"
		for _, r := range l.Relations[:slices.Index(l.Relations, string(l.Admits))+1] {
			words += ", " + r
		}
	}
	if operators != "" {
		words += ", and " + operators
	}
	return words
}

// Layers are the layers in the database behind each field.
type Layers struct {
	Types  map[string]Layer   // by type: the policy under which its row is read
	Fields map[string][]Layer // by Type.field: those of a field whose value is not in the row of its type
	When   map[string][]Layer // by Type.field with argument, as Field.String returns it: further ones of a call with this argument
}

func (w Layers) of(typ, field, when string) []Layer {
	if further := w.When[Field{Type: typ, Name: field, When: when}.String()]; when != "" && len(further) > 0 {
		return slices.Concat(w.of(typ, field, ""), further)
	}
	if layers, ok := w.Fields[typ+"."+field]; ok {
		return layers
	}
	if layer, ok := w.Types[typ]; ok && layer.Admits != AdmitsEveryone {
		return []Layer{layer}
	}
	return nil
}
