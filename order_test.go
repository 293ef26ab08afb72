package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Go does not say whether `return n, find(&n)` returns n from before or after the call. So no statement uses a variable beside
// a call that gets its address, or a function that assigns it. (A method that changes its own receiver is not recognised.)
func TestNoResultDependsOnTheOrderOfEvaluation(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	for _, path := range goFiles(t) {
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range orderDependent(file) {
			t.Errorf("%s: %s is used beside a call that may change it: call first, in a statement of its own", fset.Position(found.Pos()), found.Name)
		}
	}
}

func TestOrderDependentIsFound(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		`return n, find(&n)`:                                   true,
		`return noticed(find(&n), &n)`:                         true,
		`return n.email, wrap(find(&n))`:                       true,
		`use(n, func() { find(&n) })`:                          false, // the function value runs later
		`return n, read(func() { n, err = find() })`:           true,
		`a, b := n, find(&n)`:                                  true,
		`a := n + find(&n)`:                                    true,
		`a := []int{n, find(&n)}`:                              true,
		`a := pair{first: n, second: find(&n)}`:                true,
		`err := find(&n); return n, err`:                       false,
		`return find(&n), other(&m)`:                           false,
		`return find(&n, n)`:                                   false, // both are evaluated before the call
		`return x.n, find(&n)`:                                 false, // another n
		`find(&n).use(n)`:                                      true,
		`return pair{n: 1}, find(&n)`:                          false,
		`return func() int { return n }, find(&n)`:             false,
		`return n, read(func() { inner := 1; inner = 2 })`:     false,
		`return find(n), other(&n)`:                            false, // calls run from left to right
		`return other(&n), find(n)`:                            true,
		`return one(&n), two(&n)`:                              false,
		`return find((*T)(&x), (*T)(&x.field))`:                false,
		`return x, find(&x.field)`:                             true,
		`return inner, read(func() { inner := 1; use(inner)})`: false,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() {\n"+source+"\n}", parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(orderDependent(file)) > 0; got != want {
			t.Errorf("%s: found %v, want %v", source, got, want)
		}
	}
}

// goFiles returns the paths of the repository's Go files, except generated ones.
func goFiles(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "dist", "testdata"}, d.Name())):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go") && path != filepath.Join("graph", "generated.go"):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// orderDependent returns the variables of a file that one operand uses and a call in another operand may change.
func orderDependent(file *ast.File) (found []*ast.Ident) {
	ast.Inspect(file, func(node ast.Node) bool {
		operands := operandsOf(node)
		for i, changing := range operands {
			changed := changedBy(changing)
			for j, using := range operands {
				if i == j || len(changed) == 0 {
					continue
				}
				for _, used := range usedBy(using, j < i) {
					if slices.Contains(changed, used.Name) {
						found = append(found, used)
					}
				}
			}
		}
		return true
	})
	return found
}

// operandsOf returns the expressions that a node evaluates in no given order.
func operandsOf(node ast.Node) []ast.Expr {
	switch n := node.(type) {
	case *ast.CallExpr:
		return append([]ast.Expr{n.Fun}, n.Args...)
	case *ast.ReturnStmt:
		return n.Results
	case *ast.AssignStmt:
		return n.Rhs
	case *ast.CompositeLit:
		return n.Elts
	case *ast.BinaryExpr:
		if n.Op != token.LAND && n.Op != token.LOR {
			return []ast.Expr{n.X, n.Y}
		}
	}
	return nil
}

// changedBy returns the names of the variables that the calls in an expression may change: those whose address they take, and
// those that a function which they get assigns.
func changedBy(expr ast.Expr) (names []string) {
	ast.Inspect(expr, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || isConversion(call) {
			_, isFunc := node.(*ast.FuncLit)
			return !isFunc
		}
		for _, arg := range call.Args {
			ast.Inspect(arg, func(node ast.Node) bool {
				switch n := node.(type) {
				case *ast.UnaryExpr:
					if name := variableOf(n.X); name != nil && n.Op == token.AND {
						names = append(names, name.Name)
					}
				case *ast.AssignStmt:
					for _, left := range n.Lhs {
						if name := variableOf(left); name != nil && n.Tok != token.DEFINE {
							names = append(names, name.Name)
						}
					}
				}
				return true
			})
		}
		return true
	})
	return names
}

// isConversion reports whether a call is a conversion to a pointer type, such as (*T)(&x).
func isConversion(call *ast.CallExpr) bool {
	if typ, ok := call.Fun.(*ast.ParenExpr); ok {
		_, ok = typ.X.(*ast.StarExpr)
		return ok
	}
	return false
}

// usedBy returns the names whose values an expression uses outside of calls, and unless it is evaluated first, in their arguments:
// calls run from left to right. An address has no value that changes, but an operand that is one is as confusing.
func usedBy(expr ast.Expr, first bool) (names []*ast.Ident) {
	if address, ok := expr.(*ast.UnaryExpr); ok && address.Op == token.AND {
		expr = address.X
	}
	ast.Inspect(expr, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.Ident:
			names = append(names, n)
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			return !first
		case *ast.UnaryExpr:
			return n.Op != token.AND
		case *ast.SelectorExpr:
			names = append(names, usedBy(n.X, first)...)
			return false
		case *ast.KeyValueExpr:
			names = append(names, usedBy(n.Value, first)...)
			return false
		}
		return true
	})
	return names
}

// variableOf returns the variable that an expression such as x.field[i] is part of; nil for none.
func variableOf(expr ast.Expr) *ast.Ident {
	switch e := expr.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return variableOf(e.X)
	case *ast.IndexExpr:
		return variableOf(e.X)
	}
	return nil
}
