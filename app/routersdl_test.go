package app

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

func routerSDLOf(sdl string) (string, error) {
	p := Program{graph: Graph{SDL: func() string { return sdl }}}
	return p.RouterSDL()
}

// Only the two rules, the version of Federation and its imports differ from the schema that the server prints.
func TestRouterSDLChangesTheTwoRulesOnly(t *testing.T) {
	t.Parallel()
	sdl := testGraph().SDL()
	got, err := routerSDLOf(sdl)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(got, "@authenticated") < 10 || strings.Count(got, "@requiresScopes(scopes: ") < 5 || regexp.MustCompile(`\) *: \w+ @(signedIn|scopes)`).MatchString(got) {
		t.Errorf("the rules were not replaced:\n%s", got)
	}
	back := strings.NewReplacer(`federation/v2.5`, `federation/v2.1`, `,"@authenticated","@requiresScopes"`, ``, `@authenticated`, `@signedIn`, `@requiresScopes(scopes:`, `@scopes(anyOf:`)
	got = back.Replace(got)
	same := cmp.Options{cmpopts.IgnoreTypes(&ast.Position{}, &ast.CommentGroup{}), cmpopts.EquateEmpty()}
	if d := cmp.Diff(parsed(t, sdl), parsed(t, got), same); d != "" {
		t.Errorf("more has changed:\n%s", d)
	}
}

func parsed(t *testing.T, sdl string) *ast.SchemaDocument {
	t.Helper()
	d, err := parser.ParseSchema(&ast.Source{Input: sdl})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRouterSDLLinksAVersionThatHasTheDirectives(t *testing.T) {
	t.Parallel()
	const link, extension = `@link(url: "https://specs.apollo.dev/federation/`, `extend schema @link(url: "https://other.example/v1.0", import: ["@other"]) `
	for given, want := range map[string]string{
		link + `v2.0", import: ["@key"])`:  link + `v2.5", import: ["@key","@authenticated","@requiresScopes"])`,
		link + `v2.4", import: [])`:        link + `v2.5", import: ["@authenticated","@requiresScopes"])`,
		link + `v2.11", import: ["@key"])`: link + `v2.11", import: ["@key","@authenticated","@requiresScopes"])`,
		link + `v2.1")`:                    "",
		link + `v3.0", import: ["@key"])`:  "",
		"":                                 "",
	} {
		got, err := routerSDLOf(extension + given + ` type Query { a: Int @signedIn }`)
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "no @link to") {
				t.Errorf("%s: %v, %s", given, err, got)
			}
		} else if err != nil || !strings.Contains(got, want) || !strings.Contains(got, "a: Int @authenticated") {
			t.Errorf("%s: %v, %s\nwant %s", given, err, got, want)
		}
	}
}
