package stage

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
	"freehold.dev/freehold/internal/proof/core"
	"freehold.dev/freehold/internal/proof/findings"
	"freehold.dev/freehold/internal/proof/people"
)

// extended returns the specification of our schema with changes. Each change is a text, and what to insert after it.
func extended(t *testing.T, changes ...[2]string) cases.Specification {
	t.Helper()
	return extendedBehind(t, access.Layers{}, changes...)
}

// extendedBehind is extended, with row policies for the new fields.
func extendedBehind(t *testing.T, layers access.Layers, changes ...[2]string) cases.Specification {
	t.Helper()
	text := harness.Program.Text()
	for _, c := range changes {
		if strings.Count(text, c[0]) != 1 {
			t.Fatalf("the schema has %q %d times", c[0], strings.Count(text, c[0]))
		}
		text = strings.Replace(text, c[0], c[0]+c[1], 1)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return cases.NewSpecification(cases.NewSchema(schema, harness.Program.Registry(), core.Facts().Inserted()...), access.New(schema, layers), core.Facts().Known)
}

// pretend returns the ledger of a run in which every field returned its value to every viewer.
func pretend(s cases.Specification, gives func(field string) bool) *Ledger {
	l := newLedger(harness.BothLayers)
	for _, r := range s.Requests() {
		v := &Verdict{Request: r}
		for _, c := range r.Path.Leaves {
			if gives(c.Name()) {
				v.twins = append(v.twins, c.Name())
			}
		}
		l.add(v)
	}
	return l
}

// own returns the specification of the program of this module.
func own(t *testing.T) cases.Specification {
	t.Helper()
	return extended(t)
}

func all(string) bool { return true }

const profileType = "type Profile implements Node @key(fields: \"id\") @key(fields: \"username\") {\n"

// A new field, or a new type that a field leads to, has cases on every path without a line of test code. The field gets a
// seed if an input has a field of its name.
func TestNewFieldsAndTypesHaveCases(t *testing.T) {
	t.Parallel()
	s := extended(t,
		[2]string{profileType, "pronouns: String @owner\npets: [Pet!] @visible\n"},
		[2]string{"input ProfileFieldsInput {\n", "pronouns: String\n"},
		[2]string{"scalar _Any\n", "type Pet { name: String @inherited }\n"})
	l := pretend(s, all)
	if faults := l.Incomplete(s); len(faults) > 0 {
		t.Errorf("incomplete: %v", faults)
	}
	if n := l.cases["Profile.pronouns"]; n != l.cases["Profile.birthday"] || n < 100 {
		t.Errorf("pronouns have %d cases, the birthday %d", n, l.cases["Profile.birthday"])
	}
	if n := l.cases["Pet.name"]; n < 100 {
		t.Errorf("the pets' name has %d cases", n)
	}
	p := people.New(s.Schema, core.Facts(), "PUBLIC")
	signUp := cases.Call{Parent: s.Schema.Mutation, Def: s.Schema.Mutation.Fields.ForName("signUp")}
	if _, _, err := p.ArgumentValue(signUp, signUp.Def.Arguments[0]); err != nil || p.Canaries["pronouns"] == "" {
		t.Errorf("pronouns are not seeded (%v): %v", err, p.Canaries)
	}
}

// The report names what has no path, no positive twin or no value for an argument, and exemptions that are not needed.
func TestUntestedFieldsAreNamed(t *testing.T) {
	t.Parallel()
	s := extended(t, [2]string{"scalar _Any\n", "type Pet { name: String @public }\n"})
	butEmail := func(field string) bool { return field != "User.email" }
	for _, c := range []struct {
		name   string
		gives  func(string) bool
		exempt map[string]string
		want   string // the beginning of the only kind of fault; "" for none
	}{
		{"no path", all, nil, "Pet.name has no case"},
		{"no path, exempt", all, map[string]string{"Pet.name": "said why"}, ""},
		{"no twin", butEmail, map[string]string{"Pet.name": "said why"}, "User.email has no positive twin"},
		{"stale", all, map[string]string{"Pet.name": "said why", "User.email": "not any more"}, "User.email is exempt, but"},
		{"stale, no such field", all, map[string]string{"Pet.name": "said why", "User.shoeSize": "gone"}, "User.shoeSize is exempt, but"},
	} {
		s.Known.Exempt = c.exempt
		faults := pretend(s, c.gives).Incomplete(s)
		wrong := slices.ContainsFunc(faults, func(f findings.Finding) bool { return c.want == "" || !strings.Contains(f.What, c.want) })
		if wrong || (len(faults) == 0) != (c.want == "") {
			t.Errorf("%s: got %v, want %q", c.name, faults, c.want)
		}
	}
}

func TestArgumentWithoutAValueIsNamed(t *testing.T) {
	t.Parallel()
	s := extended(t,
		[2]string{"\ntype Query {\n", "pet(kind: Int!): Int @public(reason: \"x\")\nother(size: Int): Int @public(reason: \"x\")\nherd(id: ID!): Pet @public(reason: \"x\")\n"},
		[2]string{"scalar _Any\n", "type Pet implements Node @key(fields: \"id\") { id: ID! @public }\n"},
		[2]string{"input SignInInput {\n", "proof: _Any!\n"})
	for _, c := range []struct{ root, want string }{
		{"pet", "no value is known for the argument kind of Query.pet: add \"Query.pet.kind\" to Seed.Values"},
		{"other", ""},
		{"herd", "Add such a mutation, or a Seed of type Pet with Insert: no Pet.id is known for Query.herd"},
		{"signIn", "no value is known for SignInInput.proof of Mutation.signIn: add \"SignInInput.proof\" to Seed.Values"},
	} {
		i := slices.IndexFunc(s.Paths, func(p cases.Path) bool { return p.RootField().Def.Name == c.root })
		_, _, err := s.Paths[i].Query(people.New(s.Schema, core.Facts(), "PUBLIC").ArgumentValue)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.root, err, c.want)
		}
	}
}

// Paths go around a cycle once, reach abstract types in each style, and find entities by each key.
func TestPathsAreEveryWay(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range own(t).Paths {
		names = append(names, p.String())
	}
	for _, want := range []string{
		"Query me", "Query me (User)", "Query profile user profile user", "Query profiles edges node user profile user",
		"Query node(inline User) profile", "Query node(named Profile)", "Query nodes(interface User)",
		"Query node(inline Session)", "Query nodes(interface Session)", "Mutation revokeSession user sessions",
		"Query by id _entities(interface Profile)", "Query by username _entities(inline Profile) user profile user",
		"Mutation signUp user profile", "Mutation updateProfile profile user", "Mutation signOut", "Query _service",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("no path is called %q", want)
		}
	}
	slices.Sort(names)
	if n := len(names); n != len(slices.Compact(names)) || n < 70 {
		t.Errorf("%d paths, %d of them different", n, len(slices.Compact(names)))
	}
}

// A11: no argument of a query, and no value of one, has the name of an owner-only field to filter or sort by.
func TestNoArgumentAsksByAnOwnersField(t *testing.T) {
	t.Parallel()
	if found := askedByOwnersFields(own(t).Schema); len(found) > 0 {
		t.Errorf("arguments can ask by owner-only fields: %v", found)
	}
	s := extended(t,
		[2]string{"\ntype Query {\n", "a(emailVerified: Boolean): Int @public(reason: \"x\")\nb(by: By): Int @public(reason: \"x\")\nc(order: Order): Int @public(reason: \"x\")\n"},
		[2]string{"scalar _Any\n", "enum Order { NEWEST PHONE_NUMBER_ASC }\ninput By { any: [By!] birthday_lt: Date }\n"})
	want := []string{"Query.a emailVerified", "Query.b birthday_lt", "Query.c PHONE_NUMBER_ASC"}
	if found := askedByOwnersFields(s.Schema); !slices.Equal(found, want) {
		t.Errorf("got %v, want %v", found, want)
	}
}

func askedByOwnersFields(schema *cases.Schema) (found []string) {
	var owners []string
	plain := func(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
	for _, t := range schema.Types {
		for _, f := range t.Fields {
			if f.Directives.ForName("owner") != nil && t != schema.Mutation {
				owners = append(owners, plain(f.Name))
			}
		}
	}
	for _, t := range schema.Types {
		if t == schema.Mutation || t.Kind != ast.Object {
			continue
		}
		for _, f := range t.Fields {
			if f.Directives.ForName("owner") != nil && t != schema.Query || f.Directives.ForName("scopes") != nil {
				continue // the owner asks, or an operator
			}
			for _, name := range namesIn(schema, f.Arguments, map[string]bool{}) {
				if slices.ContainsFunc(owners, func(owner string) bool { return strings.Contains(plain(name), owner) }) {
					found = append(found, t.Name+"."+f.Name+" "+name)
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// namesIn returns the names of arguments, of the fields of their input types, and of the values of their enums.
func namesIn(schema *cases.Schema, arguments ast.ArgumentDefinitionList, seen map[string]bool) (names []string) {
	for _, a := range arguments {
		names = append(names, a.Name)
		t := schema.Types[a.Type.Name()]
		if seen[t.Name] {
			continue
		}
		seen[t.Name] = true
		for _, v := range t.EnumValues {
			names = append(names, v.Name)
		}
		var fields ast.ArgumentDefinitionList
		for _, f := range t.Fields {
			fields = append(fields, &ast.ArgumentDefinition{Name: f.Name, Type: f.Type})
		}
		names = append(names, namesIn(schema, fields, seen)...)
	}
	return names
}
