module freehold.dev/freehold/bench

go 1.26

// Packages of the peers have Go files.
ignore node_modules

require github.com/lib/pq v1.12.3
