// Command subgraph serves notes as a second Federation subgraph, beside a freehold that has the accounts, and over a database of its
// own. Run `subgraph help`.
package main

//go:generate go run freehold.dev/freehold schema --subgraph-files schema
//go:generate go tool freehold.dev/freehold/graph/generate

import (
	"freehold.dev/freehold/command"

	"example.com/notes/subgraph/modules"
)

func main() { command.Main(modules.Program) }
