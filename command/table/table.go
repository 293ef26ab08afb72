// Package table owns how commands print a table to a terminal. It must not know what is in it.
package table

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"
)

// Format returns rows in columns. Control characters, such as those of a User-Agent, do not reach the terminal.
func Format(rows [][]string) string {
	var b strings.Builder
	columns := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(columns, "\t") //nolint:errcheck // it writes into memory
			}
			fmt.Fprint(columns, strings.Map(visible, cell)) //nolint:errcheck // as above
		}
		fmt.Fprintln(columns) //nolint:errcheck // as above
	}
	columns.Flush() //nolint:errcheck // as above
	return b.String()
}

func visible(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
		return unicode.ReplacementChar
	}
	return r
}
