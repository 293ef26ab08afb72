package scaffold

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"freehold.dev/freehold/internal/kept"
)

// listFile lists the modules of a program.
const listFile = "modules/modules.go"

// NewType adds an owned type to the program that dir is in: a package with its schema, SQL, resolvers, migration and test, and a line
// in modules/modules.go. It runs the generator and builds the program. If a step fails, the program is as it was before. out gets the
// names of the files.
func NewType(ctx context.Context, dir string, t Type, out io.Writer) (err error) {
	root, module, err := findProgram(dir)
	if err != nil {
		return err
	}
	if err := checkSchema(root, t); err != nil {
		return err
	}
	list := filepath.Join(root, filepath.FromSlash(listFile))
	before, err := os.ReadFile(list)
	if err != nil {
		return fmt.Errorf("read the list of modules: %w", err)
	}
	after, err := register(before, module+"/"+t.Package(), t.Package())
	if err != nil {
		return err
	}
	files, err := render("type", typeData{t, module}, func(path string) string {
		name := strings.NewReplacer("type.graphqls", t.Package()+".graphqls", "module.go", t.Package()+".go", "module_test.go", t.Package()+"_test.go").Replace(path)
		return filepath.Join(root, t.Package(), filepath.FromSlash(name))
	})
	if err != nil {
		return err
	}
	former, err := kept.Read(filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"), filepath.Join(root, "graph"), filepath.Join(root, "modules"))
	if err != nil {
		return err
	}
	undo, err := create(files)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, undo(), former.Restore())
		}
	}()
	if err := os.WriteFile(list, after, 0o644); err != nil { //nolint:gosec // source code is not secret
		return fmt.Errorf("register the module: %w", err)
	}
	if err := generate(ctx, root); err != nil {
		return err
	}
	for _, f := range files {
		name, err := filepath.Rel(root, f.path)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "wrote    %s\n", filepath.ToSlash(name)) //nolint:errcheck // the files are written, even if nobody reads this
	}
	fmt.Fprintf(out, "changed  %s\nrun      go test ./...\n", listFile) //nolint:errcheck // as above
	return nil
}

// typeData is what the templates of a type see.
type typeData struct {
	Type

	Module string // the path of the program's Go module
}

// Set is the number of the parameter that says whether an update changes a column. $1 and $2 are the id and the owner.
func (typeData) Set(i int) int { return 3 + 2*i }

// Value is the number of the parameter with the new value of a column.
func (typeData) Value(i int) int { return 4 + 2*i }

// findProgram returns the folder of the program that dir is in, and the path of its Go module.
func findProgram(dir string) (root, module string, err error) {
	root, err = filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(root, "go.mod"))
		if err == nil {
			m := regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`).FindSubmatch(text)
			if _, missing := os.Stat(filepath.Join(root, filepath.FromSlash(listFile))); missing != nil || m == nil {
				return "", "", fmt.Errorf("%s has no %s, so it is not a program that is built on freehold: create one with `freehold init`", root, listFile)
			}
			return root, string(m[1]), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", "", fmt.Errorf("find the program: %w", err)
		}
		if root == filepath.Dir(root) {
			return "", "", fmt.Errorf("%s is not in a Go module: create a program with `freehold init`", dir)
		}
		root = filepath.Dir(root)
	}
}

// register adds a module to the text of modules/modules.go: an import, and a line in the list.
func register(text []byte, path, name string) ([]byte, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, listFile, text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("read the list of modules: %w", err)
	}
	var list *ast.CompositeLit
	ast.Inspect(file, func(n ast.Node) bool {
		if c, ok := n.(*ast.CompositeLit); ok && list == nil {
			if array, ok := c.Type.(*ast.ArrayType); ok {
				if s, ok := array.Elt.(*ast.SelectorExpr); ok && s.Sel.Name == "Module" {
					list = c
				}
			}
		}
		return true
	})
	if list == nil {
		return nil, fmt.Errorf("%s has no list []app.Module{…} to add the module to", listFile)
	}
	var imports *ast.GenDecl
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT && g.Rparen.IsValid() {
			imports = g
		}
	}
	if imports == nil {
		return nil, fmt.Errorf("%s has no import (…) to add the module to", listFile)
	}
	for _, i := range file.Imports {
		if strings.Trim(i.Path.Value, `"`) == path || i.Name != nil && i.Name.Name == name {
			return nil, fmt.Errorf("%s imports %s already", listFile, name)
		}
	}
	at, end := set.Position(imports.Rparen).Offset, set.Position(list.Rbrace).Offset
	separator := "\n"
	if trimmed := bytes.TrimRight(text[:end], " \t\n"); trimmed[len(trimmed)-1] != ',' && trimmed[len(trimmed)-1] != '{' {
		separator = ",\n"
	}
	changed := fmt.Appendf(nil, "%s\t%q\n%s%s%s.Module(),\n%s", text[:at], path, bytes.TrimRight(text[at:end], " \t\n"), separator, name, text[end:])
	return format.Source(changed)
}

// generate runs the generator in a program, adds to its go.mod what the new code imports, and builds it.
func generate(ctx context.Context, root string) error {
	for _, args := range [][]string{{"generate", "./..."}, {"mod", "tidy"}, {"build", "./..."}} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(out))
		}
	}
	return nil
}
