// Package graph is what gqlgen makes of schema.graphqls: execution, and the interfaces that resolvers implement. Nothing
// here is written by hand but this file; `go generate ./...` makes the rest.
package graph
