package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var outputs = []string{"graph/generated.go", "graph/model/models_gen.go", "modules/resolvers_gen.go", "graph/bridge_gen.go"}

func TestGenerate(t *testing.T) {
	t.Parallel()
	// The generator runs as a program of its own: gqlgen works in the current folder, and keeps state in the process.
	p := program{t.TempDir(), filepath.Join(t.TempDir(), "generate")}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.generator, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	p.copyFrom(t, "testdata/program")
	p.requireFreehold(t)
	if out, err := p.generate(t); err != nil {
		t.Fatalf("generate: %v\n%s", err, out)
	}
	if out, err := p.run(t, "go", "build", "./..."); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	t.Run("structs", p.testStructs)
	t.Run("resolver methods", p.testResolverMethods)
	t.Run("entities", p.testEntities)
	t.Run("goroutines", p.testGoroutines)
	t.Run("direct fields", p.testDirectFields)
	t.Run("again", p.testAgain)
	t.Run("composition", p.testComposition)
	t.Run("failures", p.testFailures)
	t.Run("unfinished module", p.testUnfinishedModule)
}

var (
	structs    = regexp.MustCompile(`(?ms)^type (\w+) struct \{\n(.*?)^\}`)
	interfaces = regexp.MustCompile(`(?ms)^type (\w+)Resolver interface \{\n(.*?)^\}`)
	firstWord  = regexp.MustCompile(`(?m)^\t([\w.]+)`)
)

// members returns the first words of the lines of each declaration in a text, by its name.
func members(declaration *regexp.Regexp, text string) map[string]string {
	all := map[string]string{}
	for _, m := range declaration.FindAllStringSubmatch(text, -1) {
		var words []string
		for _, line := range firstWord.FindAllStringSubmatch(m[2], -1) {
			words = append(words, line[1])
		}
		all[m[1]] = strings.Join(words, " ")
	}
	return all
}

func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s has %s; want %s", name, got[name], want[name])
		}
	}
	for name := range got {
		if _, known := want[name]; !known {
			t.Errorf("there is a %s with %s", name, got[name])
		}
	}
}

// Owned types embed their struct, which has their fields id and visibility. What a resolver method answers is in no struct.
func (p program) testStructs(t *testing.T) {
	t.Parallel()
	text := p.read(t, "graph/model/models_gen.go")
	if strings.Contains(text, ") IsNode()") || strings.Contains(text, ") IsEntity()") {
		t.Error("a struct has a method that marks an interface")
	}
	compare(t, members(structs, text), map[string]string{
		"Bookmark":        "owned.ByVisibility URL Owner",
		"BookmarkPayload": "ID Visibility Actions Receipt",
		"Draft":           "owned.By Secret Shared Operated Either",
		"Person":          "owned.ByVisibility Nickname CreatedAt",
		"ReadReceipt":     "At",
	})
}

func (p program) testResolverMethods(t *testing.T) {
	t.Parallel()
	text := p.read(t, "graph/generated.go")
	compare(t, members(interfaces, text), map[string]string{
		"Bookmark":        "Note ViewerCan",
		"BookmarkPayload": "Bookmark",
		"Draft":           "Length", // by gqlgen.yml; the other one is in the row, which only the owner sees
		"Mutation":        "MakeBookmark ChangeBookmark",
		"Person":          "Email Bookmarks",
		"Query":           "Node Bookmark",
	})
	for _, want := range []string{
		"Bookmark(ctx context.Context, id string) (*model.Bookmark, error)", // an argument is a string
		"Node(ctx context.Context, id string) (owned.Row, error)",
		"marshalNID2githubᚗcomᚋgoogleᚋuuidᚐUUID", // the id of an owned type is none
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the generated code does not have %s", want)
		}
	}
}

// Fields without arguments are resolved directly, after their rule; all others, as gqlgen does.
func (p program) testDirectFields(t *testing.T) {
	t.Parallel()
	text := p.read(t, "graph/generated.go")
	var byGqlgen []string
	for _, m := range regexp.MustCompile(`executionContext\) _([A-Z]\w+)\(.*\n\treturn graphql.ResolveField`).FindAllStringSubmatch(text, -1) {
		byGqlgen = append(byGqlgen, m[1])
	}
	const want = "BookmarkPayload_bookmark Draft_either Mutation_changeBookmark Mutation_makeBookmark Person_bookmarks Query___schema Query___type Query__entities Query_bookmark Query_node"
	slices.Sort(byGqlgen)
	if got := strings.Join(byGqlgen, " "); got != want {
		t.Errorf("gqlgen resolves %s; want %s", got, want)
	}
	for _, want := range []string{
		// A text that is read.
		`_Draft_secret(ctx context.Context, obj *model.Draft) graphql.Marshaler {
	if answer, err := ec.Directives.Owner(ctx, obj, exec.Allow, nil, nil, "OWNER", nil, nil, "ERROR"); err != nil || answer != exec.Allowed {
		return exec.Refuse(ctx, ec.OperationContext, err)
	}
	return exec.TextOrNull(obj.Secret)
`, `ec._Draft_secret(out.At(ctx, "Draft", &fields[i]), obj)`,
		// Parameters of rules.
		`_Draft_shared(ctx context.Context, obj *model.Draft) graphql.Marshaler {
	if answer, err := ec.Directives.Owner(ctx, obj, exec.Allow, nil, nil, "EDITOR", nil, nil, "ERROR"); err`,
		`_Draft_operated(ctx context.Context, obj *model.Draft) graphql.Marshaler {
	if answer, err := ec.Directives.Scopes(ctx, obj, exec.Allow, nil); err`,
		`return ec.Directives.Owner(ctx, obj, directive0, nil, nil, as, nil, orScopes, otherwise)`,
		`return ec.Directives.Owner(ctx, nil, directive1, of, id, as, when, nil, otherwise)`,
		// Another value, of a type with an underscore and without a rule.
		`_Read_Receipt_at(ctx context.Context, obj *model.ReadReceipt) graphql.Marshaler {
	return ec.marshalOProfileVisibility2`, `out.At(ctx, "Read_Receipt", &fields[i])`,
		// A resolver method.
		`	defer exec.OrNull(ctx, ec.OperationContext, &ret)
	if answer, err := ec.Directives.Visible(ctx, obj, exec.Allow); err != nil || answer != exec.Allowed {
		return exec.Refuse(ctx, ec.OperationContext, err)
	}
	v, err := ec.Resolvers.Bookmark().ViewerCan(ctx, obj)
`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the generated code does not have %s", want)
		}
	}
}

// Only fields that may wait on their own are resolved at the same time as others, and gqlgen's ways that package graph/exec replaces are
// gone.
func (p program) testGoroutines(t *testing.T) {
	t.Parallel()
	if text := p.read(t, "graph/bridge_gen.go"); !strings.Contains(text, `= exec.Concurrent{"bookmark": true, "bookmarks": true, "length": true}`) {
		t.Error(text)
	}
	text := p.read(t, "graph/generated.go")
	for _, gone := range []string{"graphql.NewFieldSet(", "graphql.MarshalSliceConcurrently(", "graphql.NewDeferredGroup("} {
		if strings.Contains(text, gone) {
			t.Errorf("the generated code has %s", gone)
		}
	}
}

// The union names all types with a key, in the order of the schema.
func (p program) testEntities(t *testing.T) {
	t.Parallel()
	text := p.read(t, "graph/generated.go")
	for _, want := range []string{
		`{Name: "../entities.graphqls", Input: `, "union _Entity = Person | Bookmark\n", "_entities(",
		"__Entity(ctx context.Context, sel ast.SelectionSet, obj owned.Row) graphql.Marshaler",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the generated code does not have %s", want)
		}
	}
}

// A second run changes nothing.
func (p program) testAgain(t *testing.T) {
	t.Parallel()
	c := p.clone(t)
	before := c.outputs(t)
	if out, err := c.generate(t); err != nil || out != "" {
		t.Errorf("generate: %v\n%s", err, out)
	}
	compare(t, c.outputs(t), before)
}

type edit struct{ file, before, after string }

// Each field is resolved by exactly one module, or the program does not compile.
func (p program) testComposition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		generate bool // whether the edit changes what is generated
		edit     edit
		want     string
	}{
		{"a field without a resolver", false, edit{"bookmarks/bookmarks.go", "(*BookmarkResolver) Note(", "(*BookmarkResolver) Other("},
			"*bookmarkResolver does not implement graph.BookmarkResolver (missing method Note)"},
		{"a module that is not listed", true, edit{"modules/modules.go", `"example.org/program/bookmarks"`, ""},
			"*queryResolver does not implement graph.QueryResolver (missing method Bookmark)"},
		{"two resolvers of a field", false, edit{"bookmarks/bookmarks.go", "type BookmarkResolver struct", "func (*PersonResolver) Email() {}\n\ntype BookmarkResolver struct"},
			"*personResolver does not implement graph.PersonResolver (ambiguous selector *personResolver.Email)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			changed := p.clone(t)
			changed.edit(t, c.edit)
			if c.generate {
				if out, err := changed.generate(t); err != nil {
					t.Fatalf("generate: %v\n%s", err, out)
				}
			}
			if out, err := changed.run(t, "go", "build", "./modules"); err == nil || !strings.Contains(out, c.want) {
				t.Errorf("go build: %v\n%s\nwant %s", err, out, c.want)
			}
		})
	}
}

// A failure says what to change and where, and leaves the files as they were: those of a program that was generated before,
// and of one that was not.
func (p program) testFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		first bool // whether the program was not generated before
		edit  edit
		want  string
	}{
		{"schema that is no GraphQL", false, edit{"schema.graphqls", "type Draft implements", "type Draft impements"}, "schema.graphqls:42:12: Unexpected Name"},
		{"rows without an owner", false, edit{"schema.graphqls", "type BookmarkPayload {", `type Stray implements Node { id: ID! } type Odd @key(fields: "x") { x: Int } type BookmarkPayload {`},
			"graph/generate: schema.graphqls:51: type Stray has @key or is a Node, so its rows need an owner: give its fields @visible or @owner\n" +
				"schema.graphqls:51: type Odd has @key or is a Node, so its rows need an owner"},
		{"another visibility", false, edit{"schema.graphqls", "visibility: ProfileVisibility! @visible", "visibility: BookmarkAction! @visible"},
			"schema.graphqls:37: the type of Bookmark.visibility is BookmarkAction"},
		{"method that never runs", false, edit{"bookmarks/bookmarks.go", "type QueryResolver struct", "func (*DraftResolver) Secret() {}\n\ntype QueryResolver struct"},
			"bookmarks/bookmarks.go:11: the method never runs, since Draft.secret is a field of the Go struct"},
		{"module that does not exist", false, edit{"modules/modules.go", "example.org/program/bookmarks", "example.org/program/bookmark"}, "modules/modules.go imports example.org/program/bookmark: "},
		{"list of modules that is no Go", false, edit{"modules/modules.go", "import (", "imports ("}, "modules/modules.go:3:1: "},
		{"generated code that does not compile", false, edit{"graph/own.go", "return 1", "return nil"}, "graph/own.go:4:25: cannot use nil"},
		{"panic of gqlgen", false, edit{"schema.graphqls", "scalar _Any", `scalar _Any directive @goModel(model: String) on UNION union Any @goModel(model: "freehold.dev/freehold/owned.Any") = Person`},
			"gqlgen panicked: "},
		{"code that is not as expected", false, edit{"gqlgen.yml", "  package: graph\n", "  package: graph\n  worker_limit: 5\n"}, "the code that gqlgen generated does not have \"graphql.MarshalSliceConcurrently(ctx, len(v), 0"},
		{"first generation", true, edit{"graph/own.go", "return 1", "return nil"}, "graph/own.go:4:25: cannot use nil"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			changed := p.clone(t)
			changed.edit(t, edit{"schema.graphqls", "url: String @visible", "url: String @visible title: String @visible"})
			changed.edit(t, c.edit)
			if c.first {
				for _, name := range outputs {
					if err := os.Remove(filepath.Join(changed.dir, name)); err != nil {
						t.Fatal(err)
					}
				}
			}
			before := changed.outputs(t)
			if out, err := changed.generate(t); err == nil || !strings.Contains(out, c.want) {
				t.Errorf("generate: %v\n%s\nwant %s", err, out, c.want)
			}
			compare(t, changed.outputs(t), before)
		})
	}
}

// The schema comes first, and the Go code that resolves it later: code that does not compile yet is composed like any other.
func (p program) testUnfinishedModule(t *testing.T) {
	t.Parallel()
	c := p.clone(t)
	c.edit(t, edit{"bookmarks/bookmarks.go", "type QueryResolver struct", "var x = undefined()\n\ntype QueryResolver struct"})
	c.edit(t, edit{"bookmarks/bookmarks.go", "obj *model.Draft) (*int, error) { return nil, nil }", "obj *model.Draft) {\n\tfor {\n"})
	before := c.outputs(t)
	if out, err := c.generate(t); err != nil {
		t.Errorf("generate: %v\n%s", err, out)
	}
	compare(t, c.outputs(t), before)
}

// program is a copy of the program in testdata, a Go module of its own that requires this one.
type program struct{ dir, generator string }

// requireFreehold writes the go.mod of the program, with the versions of this module.
func (p program) requireFreehold(t *testing.T) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	freehold := program{dir: root}
	p.write(t, "go.sum", freehold.read(t, "go.sum"))
	p.write(t, "go.mod", strings.Replace(freehold.read(t, "go.mod"), "module freehold.dev/freehold\n", "module example.org/program\n", 1)+
		"\nrequire freehold.dev/freehold v0.0.0\n\nreplace freehold.dev/freehold => "+root+"\n")
}

func (p program) copyFrom(t *testing.T, dir string) {
	t.Helper()
	if err := os.CopyFS(p.dir, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
}

func (p program) clone(t *testing.T) program {
	t.Helper()
	c := program{t.TempDir(), p.generator}
	c.copyFrom(t, p.dir)
	return c
}

func (p program) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (p program) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// edit replaces a part that a file has once.
func (p program) edit(t *testing.T, e edit) {
	t.Helper()
	text := p.read(t, e.file)
	if n := strings.Count(text, e.before); n != 1 {
		t.Fatalf("%s has %q %d times", e.file, e.before, n)
	}
	p.write(t, e.file, strings.Replace(text, e.before, e.after, 1))
}

// outputs returns what is generated, by the names of the files, and the name of each temporary file that was left behind.
func (p program) outputs(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range outputs {
		if text, err := os.ReadFile(filepath.Join(p.dir, name)); err == nil {
			found[name] = string(text)
		}
		left, err := filepath.Glob(filepath.Join(p.dir, filepath.Dir(name), ".*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range left {
			found[l] = ""
		}
	}
	return found
}

func (p program) generate(t *testing.T) (output string, err error) {
	t.Helper()
	return p.run(t, p.generator)
}

// run runs a command in the program's folder.
func (p program) run(t *testing.T, name string, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
