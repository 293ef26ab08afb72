// Package modules lists the modules of the second subgraph. They are those of the program in the folder above, without accounts.
package modules

import (
	"example.com/notes/comments"
	"example.com/notes/notebooks"
	"example.com/notes/notes"
	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/subgraph"
)

// Program returns the program of these modules. `go generate ./...` composes the resolvers of all of them.
func Program() (*app.Program, error) {
	return app.NewSubgraph(Graph(), []app.Module{
		subgraph.Module(),
		withoutHooks(notebooks.Module()),
		withoutHooks(notes.Module()),
		withoutHooks(comments.Module()),
	}...)
}

// withoutHooks returns a module whose hooks do not run, because nobody signs up here.
func withoutHooks(m app.Module) app.Module {
	m.Hooks = accounts.Hooks{}
	return m
}
