// Package model has the Go types of this program's own schema. Those of freehold's types are in freehold.dev/freehold/graph/model.
package model
