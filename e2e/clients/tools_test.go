package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
)

// graphql-eslint's rules for schemas and for Relay pass, with the exceptions in eslint.config.mjs, and they notice a fault.
func TestLinterTakesTheSchemaForClients(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link(t, dir)
	config, err := os.ReadFile("eslint.config.mjs")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/eslint.config.mjs", string(config))
	write(t, dir+"/schema.graphql", harness.Program.ClientSDL())
	runTool(t, dir, "", "eslint", "--max-warnings=0", "schema.graphql")
	write(t, dir+"/schema.graphql", harness.Program.ClientSDL()+"\ntype Orphan { name: String }\n")
	out, err := tryTool(t, dir, nil, "", "eslint", "schema.graphql")
	for _, rule := range []string{"no-unreachable-types", "require-description", "strict-id-in-types"} {
		if err == nil || !strings.Contains(out, rule) {
			t.Errorf("%s does not complain about a fault: %v\n%s", rule, err, out)
		}
	}
}

// The code of the pages passes graphql-eslint's rules for documents, with the configuration in docs/frontends/tools.md.
func TestLinterTakesTheCodeOfThePages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link(t, dir)
	write(t, dir+"/eslint.config.mjs", snippet(t, "eslint.config.mjs"))
	write(t, dir+"/schema.graphql", harness.Program.ClientSDL())
	documents := 0
	for _, b := range docs.Blocks(t, pages...) {
		switch {
		case b.Language == "graphql":
			documents++
			write(t, dir+"/src/page.graphql", b.Code)
		case strings.HasPrefix(b.Name, "apollo") && strings.Contains(b.Code, "gql`"):
			documents++
			write(t, filepath.Join(dir, "src", b.Name), b.Code)
		}
	}
	if documents != 3 {
		t.Errorf("there are %d documents", documents)
	}
	runTool(t, dir, "", "eslint", "--max-warnings=0", "src")
	write(t, dir+"/src/broken.graphql", "query Broken { profiles { nodes { nickname } } }")
	if out, err := tryTool(t, dir, nil, "", "eslint", "src"); err == nil || !strings.Contains(out, "fields-on-correct-type") {
		t.Errorf("an unknown field: %v\n%s", err, out)
	}
}

// fieldOf returns a line of a schema with the line before it, which describes it.
func fieldOf(t *testing.T, schema, line string) string {
	t.Helper()
	at := strings.Index(schema, line)
	if at < 0 {
		t.Fatalf("the schema has no %q", line)
	}
	return schema[strings.LastIndex(schema[:at-1], "\n")+1:at] + line
}

func TestBreakingChangesFail(t *testing.T) {
	t.Parallel()
	runTool(t, ".", "", "node", "--test", "breaking.test.mjs")
}

// The script compares with the last tag, and says so if there is none.
func TestBreakingChangesSinceTheLastRelease(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link(t, dir)
	for _, name := range []string{"schema.graphqls", "scripts/breaking.sh", "e2e/clients/breaking.mjs", "e2e/clients/breaking.txt"} {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(text))
	}
	run := func(program string, args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), program, args...)
		command.Dir = dir
		command.Env = environment(map[string]string{"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CEILING_DIRECTORIES": filepath.Dir(dir)})
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if out, err := run("sh", "scripts/breaking.sh"); err != nil || !strings.Contains(out, "no release yet") {
		t.Fatalf("without a tag: %v\n%s", err, out)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "schema.graphqls"}, {"-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-qm", "x"}, {"tag", "v1.2.3"}} {
		if out, err := run("git", args...); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if out, err := run("sh", "scripts/breaking.sh"); err != nil || !strings.Contains(out, "compared with v1.2.3") {
		t.Errorf("without a change: %v\n%s", err, out)
	}
	text, err := os.ReadFile("../../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/schema.graphqls", strings.Replace(string(text), fieldOf(t, string(text), "  birthday: Date @owner\n"), "", 1))
	if out, err := run("sh", "scripts/breaking.sh"); err == nil || !strings.Contains(out, "breaking: Profile.birthday:") {
		t.Errorf("a field less: %v\n%s", err, out)
	}
}
