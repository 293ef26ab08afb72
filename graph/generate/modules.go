package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

const modulesFile = "modules/modules.go"

// goPackage is a package that modules.go imports.
type goPackage struct {
	ImportPath string
	Name       string // in modules.go
	Dir        string
	GoFiles    []string
	Standard   bool
	Error      *struct{ Err string }

	types   map[string]bool           // whether a type can be embedded for its methods, by name
	methods map[string]token.Position // by Type.Method
}

// modulePackages returns the packages that modules.go imports, without those of Go itself.
func modulePackages(ctx context.Context) (packages []goPackage, err error) {
	names, err := imports(modulesFile)
	if err != nil {
		return nil, fmt.Errorf("read the list of modules: %w", err)
	}
	if len(names) == 0 {
		return nil, nil
	}
	args := []string{"list", "-e", "-find", "-json=ImportPath,Name,Dir,GoFiles,Standard,Error", "--"}
	out, err := exec.CommandContext(ctx, "go", append(args, slices.Sorted(maps.Keys(names))...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("find the packages of modules: %w", err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("find the packages of modules: %w", err)
		case p.Standard:
			continue
		case len(p.GoFiles) == 0 && p.Error != nil:
			return nil, fmt.Errorf("%s imports %s: %s", modulesFile, p.ImportPath, p.Error.Err)
		}
		if alias := names[p.ImportPath]; alias != "" {
			p.Name = alias
		}
		p.parse()
		packages = append(packages, p)
	}
}

// imports returns the import paths of a Go file, with the names that the file gives to the packages; "" for none.
func imports(name string) (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		if names[path] = ""; i.Name != nil && i.Name.Name != "_" {
			names[path] = i.Name.Name
		}
	}
	return names, nil
}

// parse finds the types and methods of a package, even if the package does not compile. It ignores syntax errors, which the Go
// compiler reports.
func (p *goPackage) parse() {
	p.types, p.methods = map[string]bool{}, map[string]token.Position{}
	for _, name := range p.GoFiles {
		set := token.NewFileSet()
		file, _ := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if file == nil {
			continue
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if t, ok := s.(*ast.TypeSpec); ok {
						_, isStruct := t.Type.(*ast.StructType)
						p.types[t.Name.Name] = isStruct || t.Assign.IsValid()
					}
				}
			case *ast.FuncDecl:
				if d.Recv != nil && len(d.Recv.List) == 1 {
					p.methods[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = set.Position(d.Pos())
				}
			}
		}
	}
}

// receiver returns the name of the type of a method's receiver.
func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	name, _ := e.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name
}
