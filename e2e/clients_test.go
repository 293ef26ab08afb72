package e2e

import (
	"os/exec"
	"testing"
)

// node runs a script of this folder, whose packages e2e/package.json names, and returns what it prints. The script gets
// its input on standard input.
func node(t *testing.T, args ...string) string {
	t.Helper()
	if err := exec.Command("node", "-e", `require.resolve("graphql-http")`).Run(); err != nil {
		t.Fatalf("Node.js or its packages are missing; `make e2e/node_modules` installs them: %v", err)
	}
	out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("node %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// The server passes graphql-http's audits of the specification GraphQL over HTTP: each MUST, SHOULD and MAY.
func TestAuditsOfGraphQLOverHTTP(t *testing.T) {
	t.Parallel()
	t.Log(node(t, "clients/audit.mjs", start(t).url+"/graphql"))
}
