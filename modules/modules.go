// Package modules owns the list of the modules of this program, which the commands, the server and the tests use. It must not know
// what a module does.
package modules

import (
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/core"
)

// list has one line per module. `make generate` composes their resolvers.
func list() []app.Module {
	return []app.Module{
		core.Module(),
	}
}

// Program returns the program of these modules. The error names each invalid declaration.
func Program() (*app.Program, error) { return app.NewProgram(Graph(), list()...) }

// MustProgram is Program for tests. It panics if a declaration is invalid.
func MustProgram() *app.Program {
	p, err := Program()
	if err != nil {
		panic(err)
	}
	return p
}
