// Package model owns the Go types of the GraphQL schema: the generated ones, and the scalars. It must not know where rows come
// from.
package model

import (
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/99designs/gqlgen/graphql"

	"freehold.dev/freehold/internal/runes"
)

// The errors of scalars say what is expected. They never contain the value that the client sent.
var (
	errDateTime = errors.New("This is not a valid RFC 3339 date and time, such as 2026-01-31T09:30:00Z.") //nolint:staticcheck // a sentence for people
	errDate     = errors.New("This is not a valid date, such as 1970-12-31.")                             //nolint:staticcheck // as above
	errURL      = errors.New("This is not a valid absolute http or https URL.")                           //nolint:staticcheck // as above
)

const maxURLBytes = 2048

// MarshalDateTime writes the scalar DateTime: RFC 3339, in UTC, with microseconds, which is the precision of PostgreSQL.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.MarshalString(t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano))
}

// UnmarshalDateTime reads the scalar DateTime.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, errDateTime
	}
	return t.UTC(), nil
}

// MarshalDate writes the scalar Date. The time is midnight in UTC.
func MarshalDate(t time.Time) graphql.Marshaler {
	return graphql.MarshalString(t.Format(time.DateOnly))
}

// UnmarshalDate reads the scalar Date. There is no year 0.
func UnmarshalDate(v any) (time.Time, error) {
	s, _ := v.(string)
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return time.Time{}, errDate
	}
	return t, nil
}

// MarshalURL writes the scalar URL.
func MarshalURL(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalURL reads the scalar URL: absolute, http or https, with a host and without credentials. It keeps the spelling, but
// removes white space and format characters at both ends. It refuses control characters, spaces and invisible characters.
func UnmarshalURL(v any) (string, error) {
	s, _ := v.(string)
	s = runes.Trim(s)
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURLBytes || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar }) {
		return "", errURL
	}
	return s, nil
}

// MarshalJSON writes the scalar JSON: any value.
func MarshalJSON(text json.RawMessage) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { w.Write(text) }) //nolint:errcheck // gqlgen's writer is a buffer
}

// UnmarshalJSON reads the scalar JSON.
func UnmarshalJSON(v any) (json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, errors.New("This is not a valid JSON value.") //nolint:staticcheck // a sentence for people
	}
	return text, nil
}
