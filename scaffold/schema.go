package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// checkSchema returns an error that names each type and field of a new type that the program's schema has already.
func checkSchema(root string, t Type) error {
	types := map[string]string{} // the files of types and fields, by Type or Type.field
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && isOfAnother(path):
			return filepath.SkipDir
		case filepath.Ext(path) != ".graphqls":
			return nil
		}
		text, err := os.ReadFile(path) //nolint:gosec // a developer runs this in their own program
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		doc, err := parser.ParseSchema(&ast.Source{Name: name, Input: string(text)})
		if err != nil {
			return err
		}
		for _, d := range doc.Definitions {
			types[d.Name] = name
		}
		for _, d := range append(doc.Definitions, doc.Extensions...) {
			for _, f := range d.Fields {
				types[d.Name+"."+f.Name] = name
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	var faults []error
	for _, name := range t.names() {
		if file, taken := types[name]; taken {
			faults = append(faults, fmt.Errorf("the schema has %s already, in %s", name, filepath.ToSlash(file)))
		}
	}
	return errors.Join(faults...)
}

// isOfAnother reports whether the folder has nothing of the program's own schema: it is hidden, has files for tests or of others, or is
// another Go module.
func isOfAnother(folder string) bool {
	name := filepath.Base(folder)
	if strings.HasPrefix(name, ".") || slices.Contains([]string{"node_modules", "testdata", "vendor"}, name) {
		return true
	}
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// names are the types and fields that a type adds to the schema.
func (t Type) names() []string {
	names := []string{t.Name, t.Name + "Action", t.Name + "Field", t.Name + "Permissions", t.Name + "Connection", t.Name + "Edge", "User." + t.List()}
	if t.Visible {
		names = append(names, "Query."+t.List())
	}
	for _, verb := range []string{"Create", "Update", "Delete"} {
		names = append(names, verb+t.Name+"Input", verb+t.Name+"Payload", "Mutation."+strings.ToLower(verb)+t.Name)
	}
	return names
}
