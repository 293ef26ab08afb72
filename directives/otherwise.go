package directives

import (
	"fmt"
	"io"
	"strconv"
)

// Otherwise is what a refused field returns.
type Otherwise string

// The values of the schema's enum.
const (
	OtherwiseError Otherwise = "ERROR"
	OtherwiseNull  Otherwise = "NULL"
)

// UnmarshalGQL reads the enum.
func (o *Otherwise) UnmarshalGQL(v any) error {
	s, _ := v.(string)
	if *o = Otherwise(s); *o != OtherwiseError && *o != OtherwiseNull {
		return fmt.Errorf("not a value of Otherwise: %v", v)
	}
	return nil
}

// MarshalGQL writes the enum.
func (o Otherwise) MarshalGQL(w io.Writer) { io.WriteString(w, strconv.Quote(string(o))) } //nolint:errcheck // as gqlgen's own
