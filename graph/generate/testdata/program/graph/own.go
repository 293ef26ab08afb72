// Package graph has a file of its own besides what is generated.
package graph

func own() int { return 1 }
