package command

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

// sharedTypes are the types of freehold's schema that a second subgraph has too, besides the rules and the id of User.
var sharedTypes = []string{"Otherwise", "DateTime", "Date", "URL", "Node", "PageInfo", "ProfileVisibility"}

// subgraphFiles returns the schema files of a second subgraph by their names: what it shares with freehold's schema, and a User of whom
// it knows the id.
func (c Command) subgraphFiles() (map[string]string, error) {
	files, err := c.schemaFiles()
	if err != nil {
		return nil, err
	}
	text, err := sharedSchema(files["freehold.graphqls"])
	if err != nil {
		return nil, err
	}
	return map[string]string{"subgraph.graphqls": text, "federation.graphqls": files["federation.graphqls"]}, nil
}

func sharedSchema(text string) (string, error) {
	whole, err := parser.ParseSchema(&ast.Source{Name: "freehold.graphqls", Input: text})
	if err != nil {
		return "", fmt.Errorf("read freehold's schema: %w", err)
	}
	shared := &ast.SchemaDocument{SchemaExtension: whole.SchemaExtension, Directives: whole.Directives}
	for _, name := range sharedTypes {
		shared.Definitions = append(shared.Definitions, whole.Definitions.ForName(name))
	}
	user := *whole.Definitions.ForName("User")
	user.Interfaces, user.Fields = nil, ast.FieldList{user.Fields.ForName("id")}
	shared.Definitions = append(shared.Definitions, &user)
	if slices.Contains(shared.Definitions, nil) {
		return "", fmt.Errorf("freehold's schema lacks one of the types %v", sharedTypes)
	}
	var b bytes.Buffer
	b.WriteString("# What a second subgraph shares with freehold's schema. `freehold schema --subgraph-files` writes this file.\n\n")
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchemaDocument(shared)
	return b.String(), nil
}
