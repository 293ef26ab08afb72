package limits

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Limit is how often something may happen in a window. The window begins with the first hit.
type Limit struct {
	Hits   int
	Window time.Duration
}

var errLimit = errors.New("the value is not a number and a duration, such as 100/15m")

// UnmarshalText reads a limit of the form 100/15m: a number of hits, and a duration.
func (l *Limit) UnmarshalText(text []byte) error {
	hits, window, found := strings.Cut(string(text), "/")
	n, errHits := strconv.Atoi(hits)
	d, errWindow := time.ParseDuration(window)
	if !found || errHits != nil || errWindow != nil {
		return errLimit
	}
	*l = Limit{Hits: n, Window: d}
	return nil
}

// String returns the form that UnmarshalText reads.
func (l Limit) String() string {
	window := l.Window.String()
	if strings.HasSuffix(window, "m0s") {
		window = strings.TrimSuffix(window, "0s")
	}
	if strings.HasSuffix(window, "h0m") {
		window = strings.TrimSuffix(window, "0m")
	}
	return strconv.Itoa(l.Hits) + "/" + window
}
