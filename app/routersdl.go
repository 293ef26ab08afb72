package app

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

// authorizing is the first version of Federation that has @authenticated and @requiresScopes, as minor version of 2.
const authorizing = 5

var federationURL = regexp.MustCompile(`^https://specs\.apollo\.dev/federation/v2\.([0-9]+)$`)

// RouterSDL returns the schema as a Federation subgraph for routers that verify access tokens: with Federation's @authenticated for
// @signedIn, and its @requiresScopes for @scopes. The server itself keeps its own rules, whatever a router has checked.
func (p *Program) RouterSDL() (string, error) {
	d, err := parser.ParseSchema(&ast.Source{Name: "schema", Input: p.SDL()})
	if err != nil {
		return "", fmt.Errorf("read the schema: %w", err)
	}
	for _, t := range slices.Concat(d.Definitions, d.Extensions) {
		for _, f := range t.Fields {
			for _, rule := range f.Directives {
				switch rule.Name {
				case "signedIn":
					rule.Name = "authenticated"
				case "scopes":
					rule.Name = "requiresScopes"
					rule.Arguments.ForName("anyOf").Name = "scopes"
				}
			}
		}
	}
	if !importAuthorization(slices.Concat(d.Schema, d.SchemaExtension)) {
		return "", errors.New("the schema has no @link to https://specs.apollo.dev/federation/v2.1 or later with a list of imports")
	}
	var b bytes.Buffer
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchemaDocument(d)
	return b.String(), nil
}

// importAuthorization imports the two directives from Federation, of a version that has them.
func importAuthorization(schemas []*ast.SchemaDefinition) bool {
	for _, s := range schemas {
		for _, link := range s.Directives.ForNames("link") {
			url, imported := link.Arguments.ForName("url"), link.Arguments.ForName("import")
			if url == nil || imported == nil {
				continue
			}
			m := federationURL.FindStringSubmatch(url.Value.Raw)
			if m == nil {
				continue
			}
			if minor, err := strconv.Atoi(m[1]); err == nil && minor < authorizing {
				url.Value.Raw = fmt.Sprintf("https://specs.apollo.dev/federation/v2.%d", authorizing)
			}
			for _, name := range []string{"@authenticated", "@requiresScopes"} {
				imported.Value.Children = append(imported.Value.Children, &ast.ChildValue{Value: &ast.Value{Kind: ast.StringValue, Raw: name}})
			}
			return true
		}
	}
	return false
}
