package db

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
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
		write, what := execute, nameOf(call.query)
		if what == "" || c.inlines {
			write, what = inline, call.query
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
	_, err := c.pqConn.ExecContext(ctx, limit(longest)+"PREPARE "+name+" AS "+query, nil)
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

// execute writes the execution of a prepared statement.
func execute(text *strings.Builder, name string, args []any) error {
	text.WriteString("EXECUTE ")
	text.WriteString(name)
	for i, arg := range args {
		text.WriteByte("(,"[min(i, 1)])
		if err := writeLiteral(text, arg); err != nil {
			return err
		}
	}
	if len(args) > 0 {
		text.WriteByte(')')
	}
	return nil
}

// inline writes a query with its arguments in place of the parameters. After an error, the text is incomplete.
func inline(text *strings.Builder, query string, args []any) error {
	if len(args) == 0 {
		text.WriteString(query)
		return nil
	}
	for rest := query; ; {
		before, after, found := strings.Cut(rest, "$")
		text.WriteString(before)
		if !found {
			return nil
		}
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		n, err := strconv.Atoi(after[:digits])
		if err != nil || n < 1 || n > len(args) {
			return fmt.Errorf("query without an argument for each parameter: %s", query)
		}
		if err := writeLiteral(text, args[n-1]); err != nil {
			return err
		}
		rest = after[digits:]
	}
}

// writeLiteral writes a value as an SQL literal, since the simple protocol has no parameters. Only this function turns values into
// SQL.
func writeLiteral(text *strings.Builder, value any) error {
	switch v := value.(type) {
	case nil:
		text.WriteString("NULL")
	case bool:
		text.WriteString(strconv.FormatBool(v))
	case int64:
		text.WriteString("'" + strconv.FormatInt(v, 10) + "'")
	case float64:
		text.WriteString("'" + strconv.FormatFloat(v, 'g', -1, 64) + "'")
	case int:
		text.WriteString("'" + strconv.Itoa(v) + "'")
	case uuid.UUID:
		text.WriteString("'" + v.String() + "'")
	case time.Time:
		text.WriteString("'" + string(pq.FormatTimestamp(v)) + "'")
	case []byte:
		text.WriteString(pq.QuoteLiteral(`\x` + hex.EncodeToString(v)))
	case string:
		if strings.ContainsRune(v, 0) || !utf8.ValidString(v) { // a NUL would end the message
			return notStorable(errors.New("a text contains NUL or is not UTF-8"))
		}
		text.WriteString(pq.QuoteLiteral(v))
	default:
		converted, err := driver.DefaultParameterConverter.ConvertValue(value)
		if err != nil || reflect.TypeOf(converted) == reflect.TypeOf(value) {
			return fmt.Errorf("no SQL literal for a %T", value)
		}
		return writeLiteral(text, converted)
	}
	return nil
}
