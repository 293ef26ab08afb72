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
	ByHand    map[string]string            // mutations that may fail for viewers whom their rule admits, with the reason
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

	Relations map[string][]string // by type, strongest first
	Scopes    []string            // all that rules and policies name

	askers []map[string][]string // by path: the viewers who take it, and the visibilities of the rows about which they do
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
	s.Relations, s.Scopes = s.relationsOf(), s.scopes()
	for _, p := range s.Paths {
		s.askers = append(s.askers, s.askersOf(p))
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
	for name := range s.Known.ByHand {
		if s.Matrix[name].Type != "Mutation" {
			faults = append(faults, findings.Finding{What: name + " is not a mutation: remove it from Seed.ByHand"})
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
	Optional   bool // the end of the path may be empty: a new account has only the rows of the sign-up and of hooks, and a new row has no rows below it

	ByHand bool // the mutation may fail

	null map[string]string // the fields that are null on this path
}

func (r Request) String() string {
	return fmt.Sprintf("%s, %s about a %s target", r.Path, r.Asker, r.Visibility)
}

// IsNullAfter reports whether a field is null on every path from this root field.
func (r Request) IsNullAfter(c Call) bool { return r.null[c.Name()] != "" }

// Viewer returns how the viewer relates to rows of the target to which they have no relation but that of an owner.
func (r Request) Viewer() access.Viewer {
	switch {
	case r.Asker == ByOwner, r.Own == ProvesOwner, r.Own == CreatesSession, r.Own == CreatesAccount:
		return access.Owner
	case r.Asker == ByNobody && r.Visibility == "PUBLIC":
		return access.NobodyVisibleTo
	case r.Asker == ByNobody:
		return access.Nobody
	case r.Visibility != "PRIVATE":
		return access.MemberVisibleTo
	default:
		return access.Member
	}
}

// Requests returns all requests, queries first, because the accounts that mutations create fill the lists.
func (s Specification) Requests() (list []Request) {
	for i, p := range s.Paths {
		root, askers := p.RootField().Field(), s.askers[i]
		order := inOrder(askers)
		for _, visibility := range Visibilities {
			for _, asker := range order {
				if !slices.Contains(askers[asker], visibility) {
					continue
				}
				r := Request{Path: p, Asker: asker, Visibility: visibility, Own: s.Own[root], null: s.Known.NullAfter[root]}
				r.Optional = r.Own == CreatesAccount && slices.ContainsFunc(p.Steps, s.leadsToOwnRow) || s.belowNewRow(p)
				if (r.Own == ShowsViewer || r.Own == ChangesViewer) && asker == ByMember || (r.Own == CreatesAccount || r.Own == CreatesSession) && asker == ByOwner {
					continue // a member owns the row that this returns, and no row exists for an anonymous viewer
				}
				if r.ByHand = s.Known.ByHand[root] != ""; r.ByHand && len(p.Steps) > 0 {
					continue
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

// leadsToOwnRow reports whether a step leads to rows that each person gets after the sign-up.
func (s Specification) leadsToOwnRow(st Step) bool {
	return slices.ContainsFunc(s.Schema.OwnedBehind(st.Def, true), func(t *ast.Definition) bool { return s.Schema.HasOwnRow(t.Name) })
}

// belowNewRow reports whether a path leads from a row that its mutation creates to a list of rows, such as the notes of a new
// notebook.
func (s Specification) belowNewRow(p Path) bool {
	typ, command := s.Schema.SubjectOf(p.RootField().Def)
	n := p.SubjectAt(s.Schema)
	if command != "INSERT" || n == 0 || n == len(p.Steps) || p.Steps[n-1].On.Name != typ {
		return false
	}
	f := p.Steps[n].Def
	isList := f.Type.Elem != nil || s.Schema.Types[f.Type.Name()].Fields.ForName("nodes") != nil
	return isList && len(s.Schema.OwnedBehind(f, false)) == 0
}
