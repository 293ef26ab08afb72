package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Start says what an instance consists of, for the first lines of its output. It contains no secret.
type Start struct {
	Build      Build
	Database   string // name, server and version
	Migrations string // the newest of each set
	Keys       string // how many signing keys there are, and how old; "" in a second subgraph
}

// Start asks the database what it is, and returns what the instance consists of.
func (a *App) Start(ctx context.Context) (Start, error) {
	d, err := a.db.Describe(ctx, a.program.Migrations()...)
	if err != nil {
		return Start{}, err
	}
	s := Start{Build: ReadBuild(), Database: fmt.Sprintf("%s on a Unix socket, PostgreSQL %s", d.Name, d.Version)}
	if d.Address != "" {
		s.Database = fmt.Sprintf("%s on %s, PostgreSQL %s", d.Name, d.Address, d.Version)
	}
	var sets []string
	for _, name := range slices.Sorted(maps.Keys(d.Migrations)) {
		sets = append(sets, fmt.Sprintf("%s %d", name, d.Migrations[name]))
	}
	s.Migrations = strings.Join(sets, ", ")
	if count, age := a.keyAges(); count > 0 {
		s.Keys = fmt.Sprintf("%d, the one that signs is %s old", count, days(age))
	}
	return s, nil
}

// keyAges returns how many signing keys there are, and how old the one that signs is. A second subgraph has none.
func (a *App) keyAges() (count int, signing time.Duration) {
	if a.keys == nil {
		return 0, 0
	}
	ages := a.keys.Ages()
	return ages.Count, ages.Signing
}

// days writes an age for people.
func days(age time.Duration) string {
	switch n := int(age / (24 * time.Hour)); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}
