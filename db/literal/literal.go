// Package literal writes values as SQL literals, for the messages of the simple protocol, which have no parameters. Nothing else turns
// values into SQL. It must not know connections.
package literal

import (
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// ErrNotStorable is the error for a text that PostgreSQL cannot store.
var ErrNotStorable = errors.New("a text contains NUL or is not UTF-8")

// Execute writes the execution of a prepared statement.
func Execute(text *strings.Builder, name string, args []any) error {
	text.WriteString("EXECUTE ")
	text.WriteString(name)
	for i, arg := range args {
		text.WriteByte("(,"[min(i, 1)])
		if err := write(text, arg); err != nil {
			return err
		}
	}
	if len(args) > 0 {
		text.WriteByte(')')
	}
	return nil
}

// Inline writes a query with its arguments in place of the parameters. After an error, the text is incomplete.
func Inline(text *strings.Builder, query string, args []any) error {
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
		if err := write(text, args[n-1]); err != nil {
			return err
		}
		rest = after[digits:]
	}
}

// write writes a value as an SQL literal.
func write(text *strings.Builder, value any) error {
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
			return ErrNotStorable
		}
		text.WriteString(pq.QuoteLiteral(v))
	default:
		converted, err := driver.DefaultParameterConverter.ConvertValue(value)
		if err != nil || reflect.TypeOf(converted) == reflect.TypeOf(value) {
			return fmt.Errorf("no SQL literal for a %T", value)
		}
		return write(text, converted)
	}
	return nil
}
