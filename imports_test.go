package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport lists which of our packages a package may import. docs/architecture.md says what each package owns.
var mayImport = map[string][]string{
	"fault":                 {},
	"devpg":                 {},
	"internal/runes":        {},
	"internal/once":         {},
	"internal/levers":       {},
	"auth":                  {"auth/keys", "fault", "internal/runes"},
	"auth/keys":             {},
	"auth/passwords":        {"auth", "fault", "internal/levers"},
	"auth/passkeys":         {},
	"auth/passkeys/softkey": {},
	"accounts/passkeys":     {"accounts", "accounts/continuations", "accounts/input", "accounts/limits", "auth", "auth/passkeys", "db", "fault", "mail"},
	"mail/outbox":           {},
	"mail/address":          {},
	"mail":                  {"mail/address", "mail/outbox"},
	"db/wire":               {},
	"db/migrate":            {"db/wire"},
	"db":                    {"auth", "db/literal", "db/migrate", "db/scan", "db/wire", "fault", "mail/outbox"},
	"db/backup":             {},
	"doctor":                {"auth", "auth/keys", "db"},
	"db/dbtest":             {"db", "devpg"},
	"db/probe":              {"auth", "db"},
	"accounts/input":        {"auth", "auth/passwords", "fault", "internal/runes", "mail/address"},
	"accounts/limits":       {"auth", "db", "fault", "mail", "mail/address"},
	"accounts/sessions":     {"auth", "db", "fault"},
	"accounts/factors": {
		"accounts", "accounts/continuations", "accounts/input", "accounts/limits", "auth", "auth/totp", "db", "fault", "mail", "mail/outbox",
	},
	"auth/totp":              {"auth/keys", "internal/runes"},
	"accounts/continuations": {"auth", "db", "fault"},
	"accounts/codes":         {"accounts/input", "accounts/limits", "auth", "db", "fault", "mail", "mail/outbox"},
	"accounts/mailcodes":     {"accounts", "accounts/codes", "auth", "db", "fault", "mail"},
	"accounts/anonymous":     {"accounts", "accounts/codes", "auth", "db", "fault", "mail", "mail/outbox"},
	"accounts":               {"accounts/codes", "accounts/continuations", "accounts/input", "accounts/limits", "accounts/sessions", "auth", "auth/passwords", "db", "fault", "mail", "mail/outbox"},
	"owned":                  {"auth", "db"},
	"directives":             {"auth", "fault", "internal/once"},
	"directives/check":       {"directives"},
	"access":                 {"auth", "directives", "fault"},
	"graph/exec":             {"directives", "owned"},
	"graph/model":            {"internal/runes", "owned"},
	"graph":                  {"directives", "graph/exec", "graph/model", "owned"},
	"graph/generate":         {"internal/kept"},
	"resolvers":              {"accounts", "accounts/anonymous", "accounts/export", "accounts/factors", "accounts/mailcodes", "accounts/oauth", "accounts/operators", "accounts/passkeys", "auth", "db", "fault", "graph/exec", "graph/model", "internal/once", "owned"},
	"core/members":           {"accounts", "accounts/anonymous", "accounts/export", "accounts/factors", "accounts/input", "accounts/mailcodes", "accounts/oauth", "accounts/operators", "accounts/passkeys", "auth", "core/types", "db", "fault", "graph/exec", "graph/model", "owned", "resolvers"},
	"core/types":             {"accounts/input", "auth", "db", "graph/model", "owned"},
	"explain":                {"access", "auth", "db", "db/probe", "directives", "fault", "owned"},
	"telemetry":              {"auth/passwords", "db", "fault", "mail/outbox"},
	"edge/address":           {},
	"edge/reply":             {"fault"},
	"edge/document":          {"fault", "graph/model", "internal/runes", "resolvers"},
	"edge":                   {"auth", "directives", "edge/address", "edge/document", "edge/reply", "explain", "fault", "resolvers", "telemetry"},
	"web":                    {"access"},
	"app": {
		"access", "accounts", "accounts/anonymous", "accounts/export", "accounts/input", "accounts/limits", "accounts/mailcodes", "accounts/oauth", "accounts/operators", "app/config", "auth", "auth/passwords", "db", "directives", "directives/check", "edge", "edge/address", "edge/document", "edge/redirect", "explain", "fault", "internal/levers", "accounts/passkeys", "auth/keys", "auth/passkeys", "accounts/factors", "auth/totp",
		"mail", "mail/outbox", "oauth", "owned", "remote", "resolvers", "telemetry", "web",
	},
	"app/config": {"accounts/limits", "auth", "auth/passkeys", "auth/totp", "edge/address", "fault", "mail", "oauth"},
	"app/operate": {
		"accounts/export", "accounts/limits", "accounts/operators", "app", "app/config", "auth", "auth/keys", "auth/passwords", "auth/totp", "db", "db/backup", "doctor", "edge/address", "mail", "oauth",
	},
	"modules":             {"app", "graph", "graph/exec", "resolvers"}, // and the modules that it lists
	"command":             {"access", "app", "app/config", "app/operate", "command/admin", "command/table", "devpg", "scaffold"},
	"command/admin":       {"accounts/operators", "app/operate", "command/table", "fault"},
	"command/table":       {},
	"scaffold":            {"internal/kept"},
	"":                    {"command", "modules"}, // the command
	"internal/kept":       {},
	"subgraph":            {"app", "db", "graph/model", "owned", "resolvers"},
	"remote":              {"auth", "auth/keys", "fault"},
	"accounts/oauth":      {"accounts", "accounts/continuations", "accounts/input", "accounts/limits", "auth", "db", "fault", "mail", "oauth"},
	"oauth":               {},
	"edge/redirect":       {"accounts", "accounts/oauth", "auth", "fault"},
	"db/literal":          {},
	"db/scan":             {},
	"internal/eventually": {},
	"e2e/hostile":         {},
	"e2e/access":          {},
	"e2e/accounts":        {},
	"e2e/anonymous":       {},
	"e2e/clients":         {},
	"e2e/credentials":     {},
	"e2e/edge":            {},
	"e2e/factors":         {},
	"e2e/faults":          {},
	"e2e/faults/load":     {"e2e/harness"},
	"e2e/frontend":        {},
	"e2e/oauth":           {},
	"e2e/mailcodes":       {},
	"e2e/operators":       {},
	"e2e/harness":         {"app", "app/config", "auth", "auth/keys", "db/dbtest", "internal/eventually", "internal/levers", "modules"},
	"e2e/passkeys":        {},
	"e2e/release":         {},
	"e2e/sessions":        {},
	"freeholdtest": {
		"app", "db/dbtest", "e2e/harness", "internal/proof/cases", "internal/proof/core", "internal/proof/disabled", "internal/proof/findings", "internal/proof/people",
		"internal/proof/permissions", "internal/proof/policies", "internal/proof/score", "internal/proof/stage",
	},
	"internal/proof/cases":    {"access", "directives", "internal/proof/findings", "owned"},
	"internal/proof/core":     {"auth", "auth/keys", "auth/passkeys/softkey", "auth/totp", "e2e/harness", "internal/proof/cases", "internal/proof/people"},
	"internal/proof/findings": {},
	"internal/proof/people":   {"directives", "e2e/harness", "fault", "internal/proof/cases", "internal/proof/findings"},
	"internal/proof/policies": {
		"auth", "db", "db/dbtest", "internal/proof/cases", "internal/proof/findings",
		"internal/proof/people", "internal/proof/stage", "owned",
	},
	"internal/proof/score": {
		"access", "db", "directives", "e2e/harness", "internal/proof/cases", "internal/proof/findings",
		"internal/proof/policies", "internal/proof/stage", "owned",
	},
	"internal/proof/stage": {
		"access", "app", "auth", "e2e/harness", "fault",
		"internal/proof/cases", "internal/proof/findings", "internal/proof/people",
	},
	"e2e/harness/chromium":       {},
	"e2e/harness/docs":           {},
	"e2e/harness/node":           {"internal/eventually"},
	"e2e/programs":               {},
	"internal/proof/permissions": {"directives", "e2e/harness", "internal/proof/cases", "internal/proof/people", "internal/proof/stage"},
	"accounts/export":            {"accounts", "auth", "db", "fault"},
	"accounts/operators":         {"accounts/input", "accounts/limits", "auth", "db", "fault", "mail", "mail/outbox"},
	"internal/proof/disabled":    {"e2e/harness", "internal/proof/cases", "internal/proof/stage"},
}

// moduleMayImport lists what the packages of modules may import.
var moduleMayImport = []string{"access", "accounts", "accounts/input", "app", "auth", "core/members", "core/types", "db", "fault", "graph/model", "owned", "resolvers"}

// onlyImportedBy names the only importers of packages that are dangerous elsewhere, whatever mayImport says.
var onlyImportedBy = map[string][]string{
	"core/members":          {"core"},                                 // the resolvers of that module
	"core/types":            {"core", "core/members"},                 // the types of that module
	"internal/eventually":   {"e2e/harness", "e2e/harness/node"},      // for tests
	"auth/passkeys/softkey": {"internal/proof/core"},                  // for tests
	"db/probe":              {"explain"},                              // acts as any user, for an operator at the command line
	"internal/levers":       {"app", "auth/passwords", "e2e/harness"}, // weakens a service, for tests and benchmarks

	// for tests
	"e2e/harness": {"e2e/faults/load", "freeholdtest", "internal/proof/core", "internal/proof/disabled", "internal/proof/people", "internal/proof/permissions", "internal/proof/score", "internal/proof/stage"},
}

// testsMayImport lists what the tests of a package may also import.
var testsMayImport = map[string][]string{
	"fault":               {"fault"},
	"auth/passwords":      {"internal/eventually"},
	"auth/passkeys":       {"auth/passkeys/softkey"},
	"mail":                {"internal/eventually", "mail"},
	"db":                  {"db", "db/dbtest", "internal/eventually"},
	"db/probe":            {"db/dbtest", "db/probe"},
	"accounts":            {"accounts"},
	"owned":               {"owned"},
	"graph/exec":          {"graph", "graph/exec"},
	"explain":             {"core/types", "db/dbtest", "graph"},
	"edge/reply":          {"e2e/hostile", "graph/exec"},
	"app/config":          {"app/config"},
	"edge/document":       {"core/members", "e2e/hostile", "graph"},
	"edge":                {"e2e/hostile", "graph"},
	"web":                 {"db/dbtest", "e2e/harness", "e2e/harness/chromium", "internal/eventually"},
	"app":                 {"app", "core", "core/members", "core/types", "db/dbtest", "graph", "graph/exec", "graph/model", "modules"},
	"command":             {"modules"},
	"":                    {"graph"},
	"remote":              {"remote"},
	"accounts/oauth":      {"accounts", "accounts/continuations", "accounts/input", "accounts/limits", "auth", "db", "fault", "mail", "oauth"},
	"oauth":               {},
	"edge/redirect":       {"accounts", "accounts/oauth", "auth", "fault"},
	"internal/eventually": {"internal/eventually"},
	"internal/kept":       {"internal/kept"},
	"e2e/accounts":        {"accounts", "app", "auth", "auth/keys", "db", "db/dbtest", "e2e/harness", "fault", "internal/eventually", "mail/outbox", "resolvers"},
	"e2e/edge":            {"accounts", "app", "app/operate", "db", "db/dbtest", "e2e/harness", "e2e/hostile", "internal/eventually"},
	"e2e/factors":         {"app", "auth", "auth/totp", "db/dbtest", "e2e/harness", "e2e/harness/docs", "e2e/harness/node", "internal/eventually"},
	"e2e/faults":          {"app", "app/config", "db", "db/dbtest", "e2e/faults/load", "e2e/harness", "internal/eventually"},
	"e2e/frontend":        {"app", "db/dbtest", "e2e/harness", "e2e/harness/chromium", "internal/eventually"},
	"e2e/harness":         {"accounts", "db", "e2e/harness"},
	"e2e/release":         {"app", "db/dbtest", "e2e/harness", "internal/eventually"},
	"e2e/anonymous":       {"accounts", "app", "db", "db/dbtest", "e2e/harness", "e2e/harness/docs", "e2e/harness/node", "fault", "internal/eventually"},
	"e2e/clients":         {"app", "db/dbtest", "e2e/harness", "e2e/harness/chromium", "e2e/harness/docs", "internal/eventually"},
	"e2e/credentials":     {"db/dbtest", "e2e/harness", "e2e/harness/docs", "e2e/harness/node"},
	"e2e/mailcodes":       {"accounts", "app", "db", "db/dbtest", "e2e/harness", "e2e/harness/docs", "e2e/harness/node", "fault"},
	"e2e/passkeys":        {"accounts", "app", "auth/passkeys/softkey", "db", "db/dbtest", "e2e/harness", "e2e/harness/chromium", "e2e/harness/docs", "fault", "internal/eventually"},
	"e2e/operators":       {"accounts", "app", "app/config", "app/operate", "core", "db", "db/dbtest", "e2e/harness", "e2e/harness/docs", "internal/eventually", "modules"},
	"e2e/oauth":           {"accounts", "app", "auth", "auth/passkeys/softkey", "db", "db/dbtest", "e2e/harness", "e2e/harness/docs", "e2e/harness/node", "fault"},
	"e2e/sessions":        {"app", "app/operate", "auth", "db/dbtest", "e2e/harness", "remote"},
	"db/literal":          {"db/literal"},
	"e2e/access": {
		"access", "app", "auth", "db", "db/dbtest", "directives", "e2e/harness", "e2e/hostile", "fault", "freeholdtest",
		"internal/proof/cases", "internal/proof/core", "internal/proof/people", "internal/proof/stage", "modules",
	},
	"freeholdtest":            {"freeholdtest", "modules"},
	"internal/proof/policies": {"e2e/harness", "internal/proof/core"},
	"internal/proof/stage":    {"directives", "internal/proof/core"},
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f",
		`{{.ImportPath}};{{join .Imports " "}};{{join .TestImports " "}} {{join .XTestImports " "}}`, "./...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		parts := strings.Split(strings.TrimSpace(line), ";")
		name := ours(parts[0])
		seen[name] = true
		allowed, known := mayImport[name]
		if isModule(name, string(out)) {
			allowed, known = moduleMayImport, true
		}
		if name == "modules" {
			allowed = append(slices.Clone(allowed), modulesOf(parts[1])...)
		}
		if !known {
			t.Errorf("package %q is not in the table: list what it may import, and write what it owns into its doc comment", name)
		}
		check := func(imports string, allowed []string) {
			for _, path := range strings.Fields(imports) {
				if isOurs(path) && !slices.Contains(allowed, ours(path)) {
					t.Errorf("%s must not import %s", parts[0], path)
				}
			}
		}
		check(parts[1], allowed)
		for _, path := range mayImport[name] {
			if !slices.Contains(strings.Fields(parts[1]), modulePath+"/"+path) {
				t.Errorf("%s does not import %s: remove it from the table", parts[0], path)
			}
		}
		for _, path := range strings.Fields(parts[1]) {
			if importers, limited := onlyImportedBy[ours(path)]; isOurs(path) && limited && !slices.Contains(importers, name) {
				t.Errorf("%s must not import %s: only %v may", parts[0], path, importers)
			}
		}
		check(parts[2], append(slices.Clone(allowed), testsMayImport[name]...))
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("the table names %q, which does not exist", name)
		}
	}
}

// isModule reports whether a package belongs to a module.
func isModule(name, packages string) bool {
	for line := range strings.Lines(packages) {
		if parts := strings.Split(line, ";"); ours(parts[0]) == "modules" {
			return slices.Contains(modulesOf(parts[1]), name)
		}
	}
	return false
}

// modulesOf returns the modules among the imports of package modules.
func modulesOf(imports string) (names []string) {
	for _, path := range strings.Fields(imports) {
		if _, known := mayImport[ours(path)]; isOurs(path) && !known {
			names = append(names, ours(path))
		}
	}
	return names
}

// modulePath is the path of the Go module, whose packages the table names without it.
const modulePath = "freehold.dev/freehold"

// isOurs reports whether a package is one of this Go module.
func isOurs(path string) bool { return path == modulePath || strings.HasPrefix(path, modulePath+"/") }

func ours(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, modulePath), "/")
}
