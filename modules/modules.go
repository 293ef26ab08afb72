// Package modules lists the modules of this program. The commands, the server and the tests use the same list.
package modules

import (
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/core"
)

// list has one line for each module. `make generate` then composes the resolvers of all of them.
func list() []app.Module {
	return []app.Module{
		core.Module(),
	}
}

// Program returns the program of these modules. The error names each declaration that is wrong.
func Program() (*app.Program, error) { return app.NewProgram(Graph(), list()...) }

// MustProgram returns the program, and panics if a declaration is wrong. It is for tests.
func MustProgram() *app.Program {
	p, err := Program()
	if err != nil {
		panic(err)
	}
	return p
}
