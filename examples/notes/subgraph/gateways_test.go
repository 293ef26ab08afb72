package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/docs"
	"freehold.dev/freehold/e2e/harness/node"
)

// installed is the folder whose node_modules has the gateways.
const installed = "../../../e2e/gateways"

// page is where the configurations of the gateways are.
const page = "docs/federation.md"

// corsOrigin is a page of another origin that may call the services, with tokens.
const corsOrigin = "https://app.example"

// routed is a service with accounts at an https URL, a second subgraph, and gateways in front of both.
type routed struct {
	clock
	accounts, notes *harness.Service
	tls             string                    // FREEHOLD_PUBLIC_URL of the accounts
	forwarded       [2]atomic.Pointer[string] // X-Forwarded-For of the latest request to each service
}

// noting returns a handler that notes X-Forwarded-For.
func noting(place *atomic.Pointer[string], next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := strings.Join(r.Header.Values("X-Forwarded-For"), ", ")
		place.Store(&text)
		next.ServeHTTP(w, r)
	})
}

func startRouted(t *testing.T) *routed {
	t.Helper()
	r := &routed{}
	at := newPlace(t)
	tls := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*at.handler.Load()).ServeHTTP(w, r) }))
	t.Cleanup(tls.Close)
	r.tls = tls.URL
	accounts, notes := documentedSettings(t, map[string]string{"https://id.example.org": tls.URL})
	further := []string{"FREEHOLD_TRUSTED_PROXIES=127.0.0.1,::1", "FREEHOLD_CORS_ORIGINS=" + corsOrigin}
	r.accounts = at.serve(t, harness.Setup{Options: r.options(), Settings: append(accounts, further...)})
	handler := noting(&r.forwarded[0], *at.handler.Load())
	at.handler.Store(&handler)
	r.notes = harness.Setup{
		Program: program(t), Options: r.options(), Settings: append(notes, further...),
		Wrap: func(next http.Handler) http.Handler { return noting(&r.forwarded[1], next) },
	}.Start(t)
	return r
}

// documentedSettings returns the settings of the two services on the page, with their hosts replaced.
func documentedSettings(t *testing.T, hosts map[string]string) (accounts, notes []string) {
	t.Helper()
	for _, block := range docs.Snippets(t, page, "sh") {
		for line := range strings.Lines(block) {
			settings := regexp.MustCompile(`FREEHOLD_\w+=\S+`).FindAllString(line, -1)
			for i := range settings {
				for from, to := range hosts {
					settings[i] = strings.ReplaceAll(settings[i], from, to)
				}
			}
			switch command := strings.Fields(line); command[len(command)-1] {
			case "freehold":
				accounts = append(accounts, settings...)
			case "notes":
				notes = append(notes, settings...)
			}
		}
	}
	if len(accounts) < 2 || len(notes) < 2 {
		t.Fatalf("%s has the settings %q for freehold and %q for notes", page, accounts, notes)
	}
	return accounts, notes
}

// programs returns the programs of the page by the file that their first line names.
func programs(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, block := range docs.Snippets(t, page, "js") {
		name := strings.TrimPrefix(strings.SplitN(block, "\n", 2)[0], "// ")
		if !strings.HasSuffix(name, ".mjs") || files[name] != "" {
			t.Fatalf("%s has a program that does not name its file, or names that of another: %s", page, block)
		}
		files[name] = block
	}
	return files
}

// replace replaces a text of a program that must be there.
func replace(t *testing.T, program, from, to string) string {
	t.Helper()
	if !strings.Contains(program, from) {
		t.Fatalf("the program lacks %q:\n%s", from, program)
	}
	return strings.ReplaceAll(program, from, to)
}

// compose composes the schemas in a new folder with the gateways' programs, and returns the folder.
func (r *routed) compose(t *testing.T, schemas map[string]string) (dir string) {
	t.Helper()
	files := programs(t)
	compose := replace(t, files["compose.mjs"], "http://freehold.internal:8080", r.accounts.URL)
	files["compose.mjs"] = replace(t, compose, "http://notes.internal:8080", r.notes.URL)
	files["headers.mjs"] = replace(t, files["headers.mjs"], "https://id.example.org", r.tls)
	return runCompose(t, files, schemas)
}

// runCompose runs compose.mjs in a new folder with these programs and schemas, and returns the folder.
func runCompose(t *testing.T, programs, schemas map[string]string) (dir string) {
	t.Helper()
	dir = harness.WriteFiles(t, programs)
	modules, err := filepath.Abs(installed + "/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	for name, text := range schemas {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), "node", "compose.mjs")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("compose: %v: %s", err, out)
	}
	return dir
}

// schemas returns what `freehold schema` and `notes schema` print, as files.
func schemas(t *testing.T, print func(*app.Program) (string, error)) map[string]string {
	t.Helper()
	files := map[string]string{}
	for name, p := range map[string]*app.Program{"freehold.graphql": harness.Program, "notes.graphql": program(t)} {
		text, err := print(p)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	return files
}

func subgraphSDL(p *app.Program) (string, error) { return p.SDL(), nil }

// gateway starts a program of the page on a port of its own. ready waits for it, and returns the service with accounts as its clients
// reach it through the gateway.
func (r *routed) gateway(t *testing.T, dir, file, program string) (ready func(t *testing.T) *harness.Service) {
	t.Helper()
	port := harness.FreePort(t)
	program = replace(t, program, "4000", strconv.Itoa(port))
	if err := os.WriteFile(filepath.Join(dir, file), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	wait := node.Serve(t, filepath.Join(dir, file), port, "METADATA_SERVER_DETECTION=none") // otherwise, Apollo Gateway looks for a cloud that it runs in
	return func(t *testing.T) *harness.Service {
		t.Helper()
		wait(t)
		s := *r.accounts
		s.T, s.URL = t, fmt.Sprintf("http://127.0.0.1:%d", port)
		return &s
	}
}

// trustTestServers makes this process trust the certificate of httptest, which is the same for all servers.
func trustTestServers() {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}
}

// ownPlanner returns a program of Hive Gateway without the lines about Hive Router's query planner.
func ownPlanner(t *testing.T, program string) string {
	t.Helper()
	return replace(t, replace(t, program, "import { unifiedGraphHandler } from '@graphql-hive/router-runtime';\n", ""), "  unifiedGraphHandler,\n", "")
}
