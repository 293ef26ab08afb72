package clients

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// runTool runs a client tool in a folder and returns its output. The program is node itself or one of the packages in e2e/package.json.
func runTool(t *testing.T, dir, input, program string, args ...string) string {
	t.Helper()
	return runToolWith(t, dir, nil, input, program, args...)
}

// runToolWith is runTool with further variables of the environment.
func runToolWith(t *testing.T, dir string, env map[string]string, input, program string, args ...string) string {
	t.Helper()
	out, err := tryTool(t, dir, env, input, program, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return out
}

// tryTool is runToolWith for a tool that may fail.
func tryTool(t *testing.T, dir string, env map[string]string, input, program string, args ...string) (string, error) {
	t.Helper()
	path, err := filepath.Abs("../node_modules/.bin/" + program)
	if program == "node" {
		path, err = exec.LookPath("node")
	}
	if _, missing := os.Stat("../node_modules/.bin"); err != nil || missing != nil {
		t.Fatalf("Node.js or its packages are missing; `make e2e/node_modules` installs them: %v", errors.Join(err, missing))
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	command := exec.CommandContext(ctx, path, args...)
	command.Dir, command.Env, command.Stdin = dir, environment(env), strings.NewReader(input)
	out, err := command.CombinedOutput()
	return string(out), err
}

// link makes the packages available in a folder.
func link(t *testing.T, dir string) {
	t.Helper()
	packages, err := filepath.Abs("../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(packages, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
}

// The server passes graphql-http's audits of the specification GraphQL over HTTP: each MUST, SHOULD and MAY.
func TestAuditsOfGraphQLOverHTTP(t *testing.T) {
	t.Parallel()
	t.Log(runTool(t, ".", "", "node", "audit.mjs", harness.Start(t).URL+"/graphql"))
}

// graphql-js accepts the schema for clients. It equals the introspection of the server, without what routers need.
func TestSchemaForClientsIsWhatIsServed(t *testing.T) {
	t.Parallel()
	t.Log(runTool(t, ".", harness.Program.ClientSDL(), "node", "schema.mjs", harness.Start(t).URL+"/graphql"))
}

// graphql-codegen accepts the schema for clients with the configuration in docs/frontends/tools.md, and an app that uses the generated
// types compiles.
func TestCodegenTakesTheSchemaForClients(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link(t, dir)
	if err := os.CopyFS(dir, os.DirFS("codegen")); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/schema.graphql", harness.Program.ClientSDL())
	write(t, dir+"/codegen.ts", snippet(t, "codegen.ts"))
	runTool(t, dir, "", "graphql-codegen")
	runTool(t, dir, "", "tsc", "--project", ".")

	write(t, dir+"/codegen.ts", strings.Replace(snippet(t, "codegen.ts"), "URL: 'string',", "", 1))
	if out, err := tryTool(t, dir, nil, "", "graphql-codegen"); err == nil || !strings.Contains(out, "Unknown scalar type URL") {
		t.Errorf("a scalar without a type: %v\n%s", err, out)
	}
}
