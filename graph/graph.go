// Package graph is what gqlgen makes of schema.graphqls: execution, and the interfaces that resolvers implement. Nothing
// here is written by hand but this file.
package graph

//go:generate go tool gqlgen generate --config ../gqlgen.yml
