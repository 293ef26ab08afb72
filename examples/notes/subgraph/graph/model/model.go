// Package model has the Go types that only the subgraph has. It has none: the types of freehold and of the modules are elsewhere.
package model
