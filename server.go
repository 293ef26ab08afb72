// Command freehold is an accounts-and-profiles GraphQL service in which every row has an owner and every field has a
// rule. Run `freehold help`.
package main

//go:generate go run ./graph/generate

import (
	"embed"

	"freehold.dev/freehold/command"
	"freehold.dev/freehold/modules"
)

//go:embed schema.graphqls federation.graphqls
var schema embed.FS

func main() { command.Command{Program: modules.Program, Schema: schema}.Main() }
