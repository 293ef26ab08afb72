package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
)

// The composers of Apollo, Hive and Cosmo compose the schemas of `schema --router`, and keep each requirement.
func TestComposersKeepTheRequirementsForRouters(t *testing.T) {
	t.Parallel()
	files := schemas(t, (*app.Program).RouterSDL)
	dir := harness.WriteFiles(t, files)
	c := exec.CommandContext(t.Context(), "node", installed+"/composers.mjs", dir+"/freehold.graphql", dir+"/notes.graphql")
	out, err := c.Output()
	if err != nil {
		failed, _ := errors.AsType[*exec.ExitError](err)
		t.Fatalf("compose: %v: %s", err, failed.Stderr)
	}
	var found map[string]map[string]int
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, p := range []*app.Program{harness.Program, program(t)} {
		for _, d := range p.Schema().Types {
			for _, f := range d.Fields {
				for rule, as := range map[string]string{"signedIn": "authenticated", "scopes": "requiresScopes"} {
					want[as] += len(f.Directives.ForNames(rule))
				}
			}
		}
	}
	for _, composer := range []string{"apollo", "hive", "cosmo"} {
		for directive, n := range want {
			if got := found[composer][directive]; got != n || n == 0 {
				t.Errorf("%s: @%s on %d fields, want %d", composer, directive, got, n)
			}
		}
	}
}

// Hive's composer composes the plain schemas too, by the program of docs/federation.md.
func TestHiveComposesThePlainSchemas(t *testing.T) {
	t.Parallel()
	files := programs(t)
	files["compose.mjs"] = replace(t, files["compose.mjs"], "'@apollo/composition'", "'@theguild/federation-composition'")
	runCompose(t, files, schemas(t, subgraphSDL))
}

// What each gateway does with the requirements: docs/federation.md says it. In front of freehold, a router that verifies tokens refuses
// first, and freehold refuses if the router does not.
func TestGatewaysThatVerifyTokens(t *testing.T) {
	t.Parallel()
	r := startRouted(t)
	files := programs(t)
	dir := r.compose(t, schemas(t, (*app.Program).RouterSDL))
	verifies := replace(t, files["hive-auth.mjs"], "https://id.example.org/.well-known", r.accounts.URL+"/.well-known")
	verifies = replace(t, verifies, "https://id.example.org", r.tls)
	rust := replace(t, verifies, "  cors: false,\n", "  cors: false,\n  unifiedGraphHandler,\n") // the combination of which the page warns
	rust = replace(t, rust, "import { GraphQLError }", "import { unifiedGraphHandler } from '@graphql-hive/router-runtime';\nimport { GraphQLError }")
	starting := map[string]func(*testing.T) *harness.Service{
		"plain":    r.gateway(t, dir, "hive.mjs", files["hive.mjs"]),
		"verifies": r.gateway(t, dir, "hive-auth.mjs", verifies),
		"rust":     r.gateway(t, dir, "hive-rust.mjs", rust),
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "node", "apollo.mjs")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err == nil || !strings.Contains(string(out), "authenticated/v0.1 is for: SECURITY but is unsupported") {
		t.Errorf("Apollo Gateway loads the supergraph: %v %s", err, out)
	}

	a := r.accounts.SignUp(nil)
	r.accounts.DB.Query(t, `SELECT app.grant_scope($1, 'accounts:read', 'a test')`, a.UserID)
	operator, member := r.accounts.SignIn(a.Email), r.accounts.SignUp(nil)
	const create, accounts = `mutation { createNotebook(input: {title: "x"}) { notebook { title } } }`, `{ me { email } accounts { nodes { id } } }`
	for name, ready := range starting {
		g := ready(t)
		nothingLeft := "UNAUTHENTICATED"
		if name == "rust" {
			nothingLeft = "INTERNAL_SERVER_ERROR"
		}
		for _, x := range []struct{ who, token, query, code, data string }{
			{"a member", member.Token, create, "", `{"createNotebook":{"notebook":{"title":"x"}}}`},
			{"nobody", "", create, nothingLeft, `null`},
			{"an altered token", harness.Alter(member.Token), create, nothingLeft, `null`},
			{"a member without scopes", member.Token, accounts, "FORBIDDEN", `"accounts":null`},
			{"nobody, with a public field", "", accounts, "UNAUTHENTICATED", `{"me":null,"accounts":null}`},
			{"an operator", operator, accounts, "", a.UserID},
		} {
			reply := g.Do(x.token, x.query, nil)
			if reply.Code() != x.code || !strings.Contains(string(reply.Data)+"null", x.data) {
				t.Errorf("%s: %s: %s, want %q %s", name, x.who, reply.Body, x.code, x.data)
			}
			// Only a subgraph's error has the name of a service.
			if byFreehold := strings.Contains(reply.Body, `"serviceName"`); x.code != "" && byFreehold != (name == "plain") {
				t.Errorf("%s: %s: refused by a subgraph: %v: %s", name, x.who, byFreehold, reply.Body)
			}
		}
	}
	// The gateway believes a revoked scope as long as the token says so, and freehold does not.
	r.accounts.DB.Query(t, `SELECT app.revoke_scope($1, 'accounts:read')`, a.UserID)
	if reply := starting["verifies"](t).Do(operator, accounts, nil); reply.Code() != "FORBIDDEN" || !strings.Contains(reply.Body, `"serviceName":"freehold"`) {
		t.Errorf("with a revoked scope: %s", reply.Body)
	}
}

// Each program on the page is one that a test runs, and its schema is in one that `make compose` composes.
func TestProgramsOfThePageAreThoseThatRun(t *testing.T) {
	t.Parallel()
	ran := regexp.MustCompile(`^(compose|headers|apollo|hive|hive-auth)\.mjs$`)
	n := 0
	for name := range programs(t) {
		if n++; !ran.MatchString(name) {
			t.Errorf("%s has %s, which no test runs", page, filepath.Base(name))
		}
	}
	if n != 5 {
		t.Errorf("%s has %d programs, want 5", page, n)
	}
	composed, err := os.ReadFile("../../../e2e/compose/posts.graphql")
	if err != nil {
		t.Fatal(err)
	}
	for _, schema := range docs.Snippets(t, page, "graphql") {
		for _, part := range strings.Split(schema, "\n\n") {
			if !strings.Contains(string(composed), strings.TrimSpace(part)) {
				t.Errorf("%s has a schema that nothing composes: %s", page, part)
			}
		}
	}
}
