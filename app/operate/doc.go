// Package operate owns what operators do with a program beside serving it: administer accounts, forget a user of a second subgraph,
// list and replace signing keys, and check a backup or everything that is configured. It must not know the command line, which package
// command owns, nor anything about requests.
package operate
