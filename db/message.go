package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"freehold.dev/freehold/db/literal"
)

// call is a query with its arguments.
type call struct {
	query string
	args  []any
}

// message returns the text that runs calls as one transaction. It executes prepared statements by name, because PostgreSQL keeps
// their plans. Behind a pooler that may send the next message to another server process, it contains the queries instead.
func (c *conn) message(ctx context.Context, longest time.Duration, calls ...call) (string, error) {
	var text strings.Builder
	text.Grow(512)
	for _, call := range calls {
		if err := c.persist(ctx, longest, call.query); err != nil {
			return "", err
		}
		write, what := literal.Execute, nameOf(call.query)
		if what == "" || c.inlines {
			write, what = literal.Inline, call.query
		}
		if err := write(&text, what, call.args); err != nil {
			return "", err
		}
		text.WriteString("; ")
	}
	return text.String(), nil
}

// persist prepares a query with SQL's PREPARE, so that a message can execute it together with others.
func (c *conn) persist(ctx context.Context, longest time.Duration, query string) error {
	name := nameOf(query)
	if name == "" || c.inlines || c.persisted[name] {
		return nil
	}
	if len(c.persisted) >= maxStatements {
		return errTooMany
	}
	_, err := c.Conn.ExecContext(ctx, limit(longest)+"PREPARE "+name+" AS "+query, nil)
	switch {
	case pq.As(err, pqerror.DuplicatePstatement) != nil:
		c.inlines = true // behind a pooler, another client has prepared it
	case err != nil:
		return c.elsewhere(err)
	}
	c.persisted[name] = true
	return nil
}

var names sync.Map // of prepared statements, by query

// nameOf derives the name of a prepared statement from its query, so that equal names mean equal queries. It returns "" for
// queries that cannot be prepared.
func nameOf(query string) string {
	if name, ok := names.Load(query); ok {
		return name.(string)
	}
	name, verb := "", strings.TrimLeft(query, "( \t\n")
	if end := strings.IndexFunc(verb, func(c rune) bool { return !unicode.IsLetter(c) }); end > 0 {
		verb = verb[:end]
	}
	switch strings.ToUpper(verb) {
	case "SELECT", "UPDATE", "INSERT", "DELETE", "WITH":
		sum := sha256.Sum256([]byte(query))
		name = "freehold_" + hex.EncodeToString(sum[:12])
	}
	names.Store(query, name)
	return name
}

// limit returns the statement that sets the timeout of the statements after it in a transaction.
func limit(longest time.Duration) string {
	const step = 50 * time.Millisecond
	return "SET LOCAL statement_timeout = " + strconv.FormatInt(max(step, longest.Truncate(step)).Milliseconds(), 10) + "; "
}
