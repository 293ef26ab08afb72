package clients

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
)

// pages are the pages for front ends, all of whose code runs.
var pages = []string{
	"docs/frontends.md", "docs/frontends/apollo.md", "docs/frontends/urql.md", "docs/frontends/relay.md", "docs/frontends/graphql-request.md",
	"docs/frontends/tools.md", "docs/frontends/servers.md",
}

// seeds are what the tests in Node and in the browser find in the service.
type seeds struct {
	Accounts map[string]seed `json:"accounts"`
	Members  string          `json:"members"` // the username of a profile that members see
	Visible  string          `json:"visible"` // that of a public profile with a birthday
}

type seed struct {
	Email    string `json:"email"`
	Username string `json:"username"`
	Token    string `json:"token"`
	Refresh  string `json:"refresh"`
}

func seedOf(a harness.Account) seed { return seed{a.Email, a.Username, a.Token, a.Refresh} }

// startSeeded starts a service with seeds. The access tokens of accounts named <client>-<number> have expired, and their sessions have not.
func startSeeded(t *testing.T, clients []string, settings ...string) (*harness.Service, seeds) {
	t.Helper()
	var clock harness.Clock
	s := harness.Setup{Options: app.Options{Now: clock.Now}, Settings: settings}.Start(t)
	found := seeds{Accounts: map[string]seed{}}
	clock.Put(-20 * time.Minute)
	for _, client := range clients {
		for _, n := range []string{"1", "2", "3", "4", "5"} {
			found.Accounts[client+"-"+n] = seedOf(s.SignUp(nil))
		}
		revoked := s.SignUp(nil)
		s.Do("", `mutation ($i: SignOutInput) { signOut(input: $i) { success } }`, harness.Input("refreshToken", revoked.Refresh))
		found.Accounts[client+"-revoked"] = seedOf(revoked)
	}
	clock.Put(0)
	found.Accounts["valid"] = seedOf(s.SignUp(nil))
	found.Members = s.SignUp(harness.Vars{"visibility": "MEMBERS"}).Username
	for range 12 {
		found.Visible = s.SignUp(harness.Vars{"visibility": "PUBLIC", "birthday": harness.CanaryBirthday, "phoneNumber": harness.CanaryPhone}).Username
	}
	return s, found
}

// snippet returns the code block of the pages that is a file of this name.
func snippet(t *testing.T, name string) string {
	t.Helper()
	for _, b := range docs.Blocks(t, pages...) {
		if b.Name == name {
			return b.Code
		}
	}
	t.Fatalf("no page has the file %s", name)
	return ""
}

// ofOthers are the files that other tests than TestFrontEnds run.
var ofOthers = []string{"codegen.ts", "eslint.config.mjs", "nginx.conf", "Caddyfile"}

// writeSnippets writes the code of the pages for clients below docs in a folder, as code for a service.
func writeSnippets(t *testing.T, dir, url string) {
	t.Helper()
	for _, b := range docs.Blocks(t, pages...) {
		switch {
		case slices.Contains(ofOthers, b.Name):
		case b.Page == "docs/frontends/servers.md": // TestProxies and TestNext run these; here, their types are checked
			write(t, filepath.Join(dir, "servers", b.Name), b.Code)
		case b.Name != "" && (b.Language == "ts" || b.Language == "tsx"):
			write(t, filepath.Join(dir, "docs", b.Name), strings.ReplaceAll(b.Code, "https://id.example.org", url))
		case b.Language == "json" && b.Page == "docs/frontends/relay.md":
			write(t, filepath.Join(dir, "docs", "relay.config.json"), b.Code)
		case b.Language == "graphql":
			checkQuery(t, b.Code)
			write(t, filepath.Join(dir, "docs", "page.graphql"), b.Code)
		case b.Language == "sh" && strings.HasPrefix(b.Code, "npx "): // the tests of these tools run them
		default:
			t.Errorf("no test runs this code of %s:\n%s", b.Page, b.Code)
		}
	}
}

// checkQuery checks that the schema for clients has all that a query selects.
func checkQuery(t *testing.T, query string) {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: harness.Program.ClientSDL()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules()); err != nil {
		t.Errorf("%v:\n%s", err, query)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The clients do what docs/frontends.md says, with the code on its pages.
func TestFrontEnds(t *testing.T) {
	t.Parallel()
	clients := []string{"apollo3", "apollo4", "urql", "request", "mobile"}
	s, found := startSeeded(t, clients)
	dir := t.TempDir()
	link(t, dir)
	if err := os.CopyFS(filepath.Join(dir, "tests"), os.DirFS("tests")); err != nil {
		t.Fatal(err)
	}
	writeSnippets(t, dir, s.URL)
	write(t, filepath.Join(dir, "docs", "schema.graphql"), harness.Program.ClientSDL())
	if err := os.CopyFS(filepath.Join(dir, "docs", "src"), os.DirFS("tests/src")); err != nil {
		t.Fatal(err)
	}
	runTool(t, filepath.Join(dir, "docs"), "", "relay-compiler", "relay.config.json")
	runTool(t, ".", "", "node", "build.mjs", dir)

	text, err := json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"BASE": s.URL, "SEEDS": string(text), "PASSWORD": harness.Password}
	tests, err := filepath.Glob(filepath.Join(dir, "out", "*.test.mjs"))
	if err != nil || len(tests) != len(clients) {
		t.Fatalf("the tests are %v, %v", tests, err)
	}
	t.Run("types", func(t *testing.T) {
		t.Parallel()
		checkTypes(t, dir)
	})
	t.Run("browser", func(t *testing.T) {
		t.Parallel()
		w := visit(t, dir, s.URL)
		t.Run("tabs", w.testTabs)
		t.Run("tracing", w.testTracing)
		t.Run("relay", w.testRelay)
	})
	for _, path := range tests {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".test.mjs"), func(t *testing.T) {
			t.Parallel()
			runToolWith(t, dir, env, "", "node", "--test", "--test-reporter=spec", path)
		})
	}
}

// checkTypes checks the types of all snippets, strictly.
func checkTypes(t *testing.T, dir string) {
	t.Helper()
	third := filepath.Join(dir, "docs", "apollo-3.ts")
	text, err := os.ReadFile(third)
	if err != nil {
		t.Fatal(err)
	}
	write(t, third, strings.ReplaceAll(string(text), "'@apollo/client", "'apollo-client-3"))
	options := map[string]any{
		"target": "ES2022", "lib": []string{"ES2022", "DOM", "DOM.Iterable"}, "module": "ESNext", "moduleResolution": "Bundler", "jsx": "react-jsx",
		"strict": true, "noUncheckedIndexedAccess": true, "noEmit": true, "skipLibCheck": true, "types": []string{"node"},
	}
	config, err := json.Marshal(map[string]any{"compilerOptions": options, "include": []string{"docs", "servers"}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "tsconfig.json"), string(config))
	runTool(t, dir, "", "tsc", "--project", ".")
}

// environment returns the variables of this process and further ones.
func environment(further map[string]string) []string {
	env := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(further)) {
		env = append(env, name+"="+further[name])
	}
	return env
}
