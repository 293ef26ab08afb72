// Command notes is a service that is built on freehold. Run `notes help`.
package main

//go:generate go run freehold.dev/freehold schema --files schema
//go:generate go tool freehold.dev/freehold/graph/generate

import (
	"freehold.dev/freehold/command"

	"example.com/notes/modules"
)

func main() { command.Main(modules.Program) }
