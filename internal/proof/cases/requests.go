// Package cases owns the requests of the proof and the answers that they must get. Both follow from a schema and its access
// matrix: paths to every field, kinds of viewers, and the visibility of the rows. It must not know a service, a database, or
// any particular type.
package cases

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/internal/proof/findings"
)

// The viewers of a target.
const (
	ByNobody = "nobody"
	ByMember = "another member"
	ByOwner  = "the owner"
)

// Askers has all viewers of a target, and Visibilities all visibilities of its rows.
var (
	Askers       = []string{ByNobody, ByMember, ByOwner}
	Visibilities = []string{"PRIVATE", "MEMBERS", "PUBLIC"}
)

// Own is the reason why a root field returns a row of the viewer instead of an existing target.
type Own string

// The reasons.
const (
	ShowsViewer    Own = "the row is the viewer's own"
	ChangesViewer  Own = "members change their own row"
	ProvesOwner    Own = "the viewer of the reply has just proved to be the owner"
	CreatesSession Own = "a viewer who proves the address gets a session; the owner, who has one, gets no tokens"
	CreatesAccount Own = "the viewer of the reply owns the new row"
)

// Known is what a schema does not say about the answers.
type Known struct {
	Own       map[string]Own               // root fields, as Type.field, that return a row of the viewer although the schema does not say so
	NullAfter map[string]map[string]string // by root field: the fields that are null on every path from there, with the reason
	Exempt    map[string]string            // fields without a case or without a value on some path, with the reason
	RuleAlone map[string]string            // fields that only the rule refuses to some viewers, with the reason
}

// Specification is what a program must satisfy: its schema and its access matrix.
type Specification struct {
	Schema *Schema
	Matrix map[string]access.Field
	Paths  []Path
	Own    map[string]Own // why a root field returns the viewer's own row
	Known  Known
}

// NewSpecification returns the specification of a program.
func NewSpecification(schema *Schema, matrix *access.Matrix, known Known) Specification {
	s := Specification{Schema: schema, Matrix: map[string]access.Field{}, Paths: pathsOf(schema), Own: map[string]Own{}, Known: known}
	for _, f := range matrix.Fields {
		s.Matrix[f.String()] = f
	}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, f := range root.Fields {
			name := root.Name + "." + f.Name
			s.Own[name] = cmp.Or(known.Own[name], schema.ownRow(root, f), s.listsTheViewers(root, f))
		}
	}
	return s
}

// listsTheViewers reports whether a query for members alone returns rows that only their owners see. Then it can return no
// other rows.
func (s Specification) listsTheViewers(root *ast.Definition, f *ast.FieldDefinition) Own {
	if root != s.Schema.Query || f.Directives.ForName("signedIn") == nil {
		return ""
	}
	for _, t := range s.Schema.OwnedBehind(f, true) {
		if s.Matrix[t.Name+"."+ID].Answers[access.MemberVisibleTo] != access.Value {
			return ShowsViewer
		}
	}
	return ""
}

// Stale returns the facts that are not needed, because they follow from the schema or name nothing in it.
func (s Specification) Stale() (faults []findings.Finding) {
	for name := range s.Known.Own {
		typ, field, _ := strings.Cut(name, ".")
		root := s.Schema.Types[typ]
		if root == nil || root.Fields.ForName(field) == nil || s.Schema.ownRow(root, root.Fields.ForName(field)) != "" {
			faults = append(faults, findings.Finding{What: name + " follows from the schema, or does not exist: remove it from Seed.OwnAnswers"})
		}
	}
	for from, fields := range s.Known.NullAfter {
		for name := range fields {
			if s.Matrix[from].Name == "" || s.Matrix[name].Name == "" {
				faults = append(faults, findings.Finding{What: from + " or " + name + " does not exist: remove it from Seed.NullAfter"})
			}
		}
	}
	return faults
}

// Request is one operation: a path, requested by a viewer, about a target of some visibility.
type Request struct {
	Path       Path
	Asker      string
	Visibility string
	Own        Own  // why the reply is the viewer's own row; "" if it is not
	Optional   bool // the end of the path may be empty: a new account has only the rows of the sign-up and of hooks

	null map[string]string // the fields that are null on this path
}

func (r Request) String() string {
	return fmt.Sprintf("%s, %s about a %s target", r.Path, r.Asker, r.Visibility)
}

// IsNullAfter reports whether a field is null on every path from this root field.
func (r Request) IsNullAfter(c Call) bool { return r.null[c.Name()] != "" }

// Viewer returns how the viewer relates to the target's rows.
func (r Request) Viewer() access.Viewer {
	switch {
	case r.Asker == ByOwner, r.Own == ProvesOwner, r.Own == CreatesSession, r.Own == CreatesAccount:
		return access.Owner
	case r.Asker == ByMember && r.Visibility != "PRIVATE":
		return access.MemberVisibleTo
	case r.Asker == ByMember:
		return access.Member
	case r.Visibility == "PUBLIC":
		return access.NobodyVisibleTo
	default:
		return access.Nobody
	}
}

// Requests returns all requests, queries first, because the accounts that mutations create fill the lists.
func (s Specification) Requests() (list []Request) {
	for _, p := range s.Paths {
		root := p.RootField().Name()
		for _, visibility := range Visibilities {
			for _, asker := range Askers {
				r := Request{Path: p, Asker: asker, Visibility: visibility, Own: s.Own[root], null: s.Known.NullAfter[root]}
				r.Optional = r.Own == CreatesAccount && slices.ContainsFunc(p.Steps, func(st Step) bool {
					return slices.ContainsFunc(s.Schema.OwnedBehind(st.Def, true), func(t *ast.Definition) bool { return s.Schema.HasOwnRow(t.Name) })
				})
				if (r.Own == ShowsViewer || r.Own == ChangesViewer) && asker == ByMember || (r.Own == CreatesAccount || r.Own == CreatesSession) && asker == ByOwner {
					continue // a member owns the row that this returns, and no row exists for an anonymous viewer
				}
				list = append(list, r)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Request) int {
		return strings.Compare(b.Path.Root.Name, a.Path.Root.Name) // Query, Mutation
	})
	return list
}

// IsInherited reports whether a field answers every viewer who reaches it.
func IsInherited(f access.Field) bool { return strings.HasPrefix(f.Rule, "@inherited") }

// PolicyRefuses reports whether, according to the matrix, the database refuses a field to a viewer.
func PolicyRefuses(f access.Field, v access.Viewer) bool {
	byRule, once := f.Answers[v] != access.Value, slices.Contains(f.HeldOnce, v)
	return !IsInherited(f) && byRule != once
}
