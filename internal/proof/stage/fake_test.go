package stage

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/people"
)

// fake is a service that answers any schema as its access matrix says, with both layers. It lies where lie changes a reply.
type fake struct {
	cases.Specification

	rows   []*fakeRow
	scopes map[string][]string // by token: of operators
	hook   map[string]string   // the types of which a hook creates a row at each sign-up, with the row's visibility; "" for that of the profile
	also   map[string]string   // fields that give their value to operators with this scope too
	blind  bool                // operators see no hidden row
	lie    func(field string, viewer access.Viewer, a *fakeAnswer)
}

// fakeRow is a row of an owned type.
type fakeRow struct {
	typ, owner, id, visibility string
	deleted                    bool
	relations                  map[string]string // by token
	fields                     map[string]any
}

// fakeAnswer is the value or the error of one field.
type fakeAnswer struct {
	value any
	code  access.Answer // of its error; "" for none
}

// fakeReply is a reply that fake is building.
type fakeReply struct {
	*fake
	viewer    string // the id of a user
	variables map[string]any
	fragments ast.FragmentDefinitionList
	errors    []map[string]any
}

// do is an asking. A token is the id of the user that it proves.
func (f *fake) do(token, query string, v harness.Vars) (r harness.Reply, err error) {
	doc, errs := gqlparser.LoadQueryWithRules(f.Schema.Schema, query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return r, fmt.Errorf("%s: %w", query, errs)
	}
	x := &fakeReply{fake: f, viewer: token, fragments: doc.Fragments}
	sent, err := json.Marshal(v)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(sent, &x.variables); err != nil {
		return r, err
	}
	root := fakeObject{typ: f.Schema.Query}
	if doc.Operations[0].Operation == ast.Mutation {
		root.typ = f.Schema.Mutation
	}
	data := x.object(root, doc.Operations[0].SelectionSet, nil)
	body, err := json.Marshal(map[string]any{"data": data, "errors": x.errors})
	if err != nil {
		return r, err
	}
	r.Body = string(body)
	err = json.Unmarshal(body, &r)
	return r, err
}

// seed returns what inserts a row for a person instead of the statements of the facts.
func (f *fake) seed(facts people.Facts) func(of *people.Person, statement string) (string, error) {
	return func(of *people.Person, statement string) (string, error) {
		for typ, s := range facts.Insert {
			if s == statement {
				return f.insert(typ, of.Token(), nil).id, nil
			}
		}
		return "", fmt.Errorf("no type is inserted by %s", statement)
	}
}

// fakeObject is an object to select from: a row, or a value with its fields.
type fakeObject struct {
	typ    *ast.Definition
	row    *fakeRow
	fields map[string]any
}

func (x *fakeReply) object(o fakeObject, set ast.SelectionSet, at []any) map[string]any {
	out := map[string]any{}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if s.Name == "__typename" {
				out[s.Alias] = o.typ.Name
			} else {
				out[s.Alias] = x.field(o, s, append(slices.Clone(at), s.Alias))
			}
		case *ast.InlineFragment:
			x.fragment(out, o, s.TypeCondition, s.SelectionSet, at)
		case *ast.FragmentSpread:
			d := x.fragments.ForName(s.Name)
			x.fragment(out, o, d.TypeCondition, d.SelectionSet, at)
		}
	}
	return out
}

func (x *fakeReply) fragment(out map[string]any, o fakeObject, on string, set ast.SelectionSet, at []any) {
	if on == o.typ.Name || slices.Contains(o.typ.Interfaces, on) {
		maps.Copy(out, x.object(o, set, at))
	}
}

func (x *fakeReply) kind(row *fakeRow) cases.Kind {
	if row == nil {
		return cases.Kind{Viewer: access.KindOf(x.viewer != "", false, ""), Scopes: x.scopes[x.viewer]}
	}
	relation := row.relations[x.viewer]
	if x.viewer == row.owner {
		relation = "OWNER"
	}
	sees := row.visibility == "PUBLIC" || row.visibility == "MEMBERS" && x.viewer != ""
	return cases.Kind{Viewer: access.KindOf(x.viewer != "", sees, relation), Scopes: x.scopes[x.viewer]}
}

func (x *fakeReply) sees(row *fakeRow) bool {
	if row == nil || row.deleted {
		return false
	}
	f, k := x.Matrix[row.typ+".id"], x.kind(row)
	if x.blind {
		k.Scopes = nil
	}
	return k.Answer(f) == access.Value && !k.RefusedByPolicy(f)
}

// gives returns the answer of a field with both layers.
func (x *fakeReply) gives(name string, kind cases.Kind) access.Answer {
	f := x.Matrix[name]
	if slices.Contains(kind.Scopes, x.also[name]) {
		return access.Value
	}
	if a := kind.Answer(f); a != access.Value || cases.IsInherited(f) || !kind.RefusedByPolicy(f) {
		return a
	}
	return access.Null
}

func (x *fakeReply) field(o fakeObject, s *ast.Field, at []any) any {
	arguments := s.ArgumentMap(x.variables)
	name := o.typ.Name + "." + s.Name
	var a fakeAnswer
	kind := x.kind(o.row)
	if a.code = x.gives(name, kind); o.row == nil && o.typ != x.Schema.Mutation {
		a.code = access.Value // for any viewer who reaches the field
	}
	if o.typ == x.Schema.Mutation || o.typ == x.Schema.Query && s.Definition.Directives.ForName("owner") != nil {
		a.code = x.allows(o.typ.Name, s, arguments)
	}
	if a.code == access.Value {
		a = fakeAnswer{value: x.value(o, s, arguments)}
	}
	if x.lie != nil {
		x.lie(name, kind.Viewer, &a)
	}
	if a.code != "" && a.code != access.Null {
		extensions := map[string]any{"code": string(a.code)}
		if a.code == access.Answer(fault.Unauthenticated) {
			extensions["reason"] = string(fault.Missing)
		}
		x.errors = append(x.errors, map[string]any{"message": "refused", "path": at, "extensions": extensions})
	}
	return x.complete(a.value, s, at)
}

func (x *fakeReply) complete(value any, s *ast.Field, at []any) any {
	switch v := value.(type) {
	case []any:
		list := []any{}
		for i, e := range v {
			list = append(list, x.complete(e, s, append(slices.Clone(at), i)))
		}
		return list
	case *fakeRow:
		if !x.sees(v) {
			return nil
		}
		return x.object(fakeObject{typ: x.Schema.Types[v.typ], row: v}, s.SelectionSet, at)
	case fakeObject:
		return x.object(v, s.SelectionSet, at)
	default:
		return v
	}
}

// value returns the value of a field for the viewers whom its rule admits.
func (x *fakeReply) value(o fakeObject, s *ast.Field, arguments map[string]any) any {
	t := x.Schema.Types[s.Definition.Type.Name()]
	switch {
	case o.typ == x.Schema.Mutation:
		return x.mutate(s, arguments)
	case o.typ == x.Schema.Query:
		return x.query(t, arguments)
	case o.row == nil:
		return o.fields[s.Name]
	case x.Schema.IsOwned(t) && s.Definition.Type.Elem != nil:
		return x.seen(x.owned(o.row.owner, t.Name, 100))
	case x.Schema.IsOwned(t):
		return x.owned(o.row.owner, t.Name, 1)[0]
	case t.Fields.ForName("nodes") != nil:
		return x.connection(t, o.row.owner)
	case s.Name == cases.ID:
		return o.row.id
	}
	return o.row.fields[s.Name]
}

// connection returns a page of the rows of an owner, or of all owners for "", that the viewer sees.
func (x *fakeReply) connection(t *ast.Definition, owner string) fakeObject {
	rows := x.seen(x.owned(owner, t.Fields.ForName("nodes").Type.Name(), 100))
	var edges []any
	edge := x.Schema.Types[t.Fields.ForName("edges").Type.Name()]
	for _, r := range rows {
		edges = append(edges, fakeObject{typ: edge, fields: map[string]any{"cursor": "c", "node": r}})
	}
	page := fakeObject{typ: x.Schema.Types["PageInfo"], fields: map[string]any{"hasNextPage": false, "hasPreviousPage": false, "startCursor": "c", "endCursor": "c"}}
	return fakeObject{typ: t, fields: map[string]any{"nodes": rows, "edges": edges, "pageInfo": page}}
}

// seen returns those of the rows that the viewer sees.
func (x *fakeReply) seen(rows []any) []any {
	return slices.DeleteFunc(rows, func(r any) bool { return r == nil || !x.sees(r.(*fakeRow)) })
}

// owned returns the rows of an owner, or of all owners for "", oldest first, so that rows of hooks come before others. It has
// at least one entry.
func (f *fake) owned(owner, typ string, most int) (rows []any) {
	for _, r := range f.rows {
		if r.typ == typ && !r.deleted && (owner == "" || r.owner == owner) && len(rows) < most {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		rows = []any{nil}
	}
	return rows
}

// findRow returns the row with this id or username, whether or not the viewer sees it, or nil.
func (x *fakeReply) findRow(key any) *fakeRow {
	i := slices.IndexFunc(x.rows, func(r *fakeRow) bool { return key != nil && !r.deleted && (r.id == key || r.fields["username"] == key) })
	if i < 0 {
		return nil
	}
	return x.rows[i]
}

func (x *fakeReply) query(t *ast.Definition, arguments map[string]any) any {
	list := func(key string) (found []any) {
		for _, k := range arguments[key].([]any) {
			if representation, ok := k.(map[string]any); ok {
				k = cmp.Or(representation["id"], representation["username"])
			}
			found = append(found, x.findRow(k))
		}
		return found
	}
	switch {
	case arguments["ids"] != nil:
		return list("ids")
	case arguments["representations"] != nil:
		return list("representations")
	case arguments["id"] != nil:
		return x.findRow(arguments["id"])
	case arguments["username"] != nil && t.Kind == ast.Object:
		return x.findRow(arguments["username"])
	case t.Fields.ForName("nodes") != nil:
		return x.connection(t, "")
	case x.Schema.IsOwned(t) && x.viewer != "":
		return x.owned(x.viewer, t.Name, 1)[0]
	}
	return nil
}

// rowOf returns the row that a mutation with @owner is about.
func (x *fakeReply) rowOf(arguments map[string]any) *fakeRow {
	in, _ := arguments["input"].(map[string]any)
	return x.findRow(cmp.Or(arguments[cases.ID], in[cases.ID]))
}

// allows returns the answer of the rules of a root field: those that always apply, and then those of each argument that the call has.
func (x *fakeReply) allows(root string, s *ast.Field, arguments map[string]any) access.Answer {
	row := x.rowOf(arguments)
	kind := x.kind(row)
	if row != nil && !x.sees(row) {
		kind.Viewer = access.KindOf(x.viewer != "", false, "")
	}
	names := []string{root + "." + s.Name}
	for _, r := range directives.RulesOf(s.Definition) {
		in, _ := arguments["input"].(map[string]any)
		if _, present := in[strings.TrimPrefix(r.When, "input.")]; present && r.When != "" {
			names = append(names, access.Field{Type: root, Name: s.Name, When: r.When}.String())
		}
	}
	for _, name := range names {
		if a := x.gives(name, kind); a != access.Value {
			return a
		}
	}
	return access.Value
}

func (x *fakeReply) mutate(s *ast.Field, arguments map[string]any) any {
	in, _ := arguments["input"].(map[string]any)
	payload := fakeObject{typ: x.Schema.Types[s.Definition.Type.Name()], fields: map[string]any{}}
	typ, command := x.Schema.SubjectOf(s.Definition)
	var row *fakeRow
	switch command {
	case "INSERT":
		row = x.insert(typ, x.viewer, in)
	case "UPDATE":
		row = x.rowOf(arguments)
		row.set(x.Schema, in)
	case "DELETE":
		row = x.rowOf(arguments)
		row.deleted = true
		payload.fields["deleted"+typ+"Id"] = row.id
	default:
		if s.Name != "signUp" {
			return nil
		}
		x.viewer = uuid.NewString() // for the payload
		profile, _ := in["profile"].(map[string]any)
		user := map[string]any{"email": in["email"], "visibility": profile["visibility"], "pendingEmail": nil, "nextCodeAt": nil}
		x.insert("User", x.viewer, user).id = x.viewer
		row = x.insert("Profile", x.viewer, profile)
		row.fields["username"] = in["username"]
		for typ, visibility := range x.hook {
			x.insert(typ, x.viewer, map[string]any{"visibility": cmp.Or(visibility, row.visibility)})
		}
		payload.fields["tokens"] = fakeObject{typ: x.Schema.Types["Tokens"], fields: map[string]any{"accessToken": x.viewer, "refreshToken": "r", "expiresAt": "2030-01-01T00:00:00Z"}}
	}
	payload.fields["user"] = x.owned(x.viewer, "User", 1)[0]
	for _, f := range payload.typ.Fields {
		if f.Type.Name() == row.typ {
			payload.fields[f.Name] = row
		}
	}
	return payload
}

// insert creates a row. Fields that the input omits get a value of their type.
func (f *fake) insert(typ, owner string, in map[string]any) *fakeRow {
	row := &fakeRow{typ: typ, owner: owner, id: uuid.NewString(), visibility: "PRIVATE", fields: map[string]any{}}
	for _, d := range f.Schema.Types[typ].Fields {
		switch t := f.Schema.Types[d.Type.Name()]; {
		case d.Type.Elem != nil:
			row.fields[d.Name] = []any{}
		case d.Name == "viewerCan":
			row.fields[d.Name] = fakeObject{typ: t, fields: map[string]any{"actions": []any{}, "see": []any{}, "edit": []any{}}}
		case t.Name == "Boolean":
			row.fields[d.Name] = true
		case t.Name == "DateTime":
			row.fields[d.Name] = "2026-01-01T00:00:00Z"
		case t.Kind == ast.Scalar:
			row.fields[d.Name] = "some " + d.Name
		}
	}
	row.fields["visibility"], row.relations = row.visibility, map[string]string{}
	row.set(f.Schema, in)
	f.rows = append(f.rows, row)
	return row
}

func (r *fakeRow) set(schema *cases.Schema, in map[string]any) {
	for name, value := range in {
		if d := schema.Types[r.typ].Fields.ForName(name); d != nil && schema.Types[d.Type.Name()].Kind == ast.Object {
			value = objects(schema.Types[d.Type.Name()], value)
		}
		if r.fields[name] = value; name == "visibility" {
			r.visibility, _ = value.(string)
		}
	}
}

// furnish gives a person what exists after a sign-up.
func (f *fake) furnish(p *people.Person) error {
	i := slices.IndexFunc(f.rows, func(r *fakeRow) bool { return r.id == p.Token() })
	f.rows[i].fields["pendingEmail"], f.rows[i].fields["nextCodeAt"] = p.Plant("pendingEmail", p.Token()+"@example.org"), "2026-01-01T00:00:00Z"
	return nil
}
