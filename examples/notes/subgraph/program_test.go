package main

import (
	"testing"

	"freehold.dev/freehold/freeholdtest"

	"example.com/notes/seeds"
	"example.com/notes/subgraph/modules"
)

func TestMain(m *testing.M) {
	trustTestServers()
	freeholdtest.Main(m, modules.Program)
}

// Each field of each type answers to each viewer what its rule says: with rules and policies together, and with each alone.
func TestAccess(t *testing.T) { freeholdtest.Run(t, modules.Program, seeds.Notebook, seeds.Comment) }
