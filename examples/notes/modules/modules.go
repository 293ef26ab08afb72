// Package modules lists the modules of this program.
package modules

import (
	"example.com/notes/comments"
	"example.com/notes/notebooks"
	"example.com/notes/notes"
	"example.com/notes/organisations"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/core"
)

// Program returns the program of these modules. `go generate ./...` composes the resolvers of all of them.
func Program() (*app.Program, error) {
	return app.NewProgram(Graph(), []app.Module{
		core.Module(),
		notebooks.Module(),
		notes.Module(),
		comments.Module(),
		organisations.Module(),
	}...)
}
