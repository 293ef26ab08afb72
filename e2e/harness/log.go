package harness

import (
	"bytes"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
)

// LogBuffer holds the log of a service, which writes to it while the test reads it.
type LogBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *LogBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns the log so far.
func (b *LogBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Containing returns the lines of the log that contain a text.
func (b *LogBuffer) Containing(text string) string {
	var found strings.Builder
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, text) {
			found.WriteString(line)
		}
	}
	return found.String()
}

// JSONLog returns a logger that writes as in production, at all levels.
func JSONLog(w io.Writer, c config.Config) *slog.Logger {
	c.Env, c.LogLevel = "production", slog.LevelDebug
	return app.NewLog(w, c)
}

// ExpectError declares that the test causes an error in the log with this text.
func (s *Service) ExpectError(text string) { s.expected = append(s.expected, text) }

// trouble matches a line of a log that a test has to expect: an error in JSON or for a terminal, a panic that was logged or
// that ended the process, and a report of the race detector.
var trouble = regexp.MustCompile(`"level":"ERROR"| ERR |(?i:panic)|DATA RACE`)

// CheckLog fails the test if the log has an error or a panic that the test does not expect, or lacks one that it expects.
func (s *Service) CheckLog() {
	s.T.Helper()
	met := map[string]bool{}
	for line := range strings.Lines(s.Logs.String()) {
		if !trouble.MatchString(line) {
			continue
		}
		known := false
		for _, text := range slices.Concat(s.expected, s.Allowed) {
			if strings.Contains(line, text) {
				known, met[text] = true, true
			}
		}
		if !known {
			s.T.Errorf("the log has an error that the test does not expect: %.2000s", line)
		}
	}
	for _, text := range s.expected {
		if !met[text] {
			s.T.Errorf("the log lacks the error %q", text)
		}
	}
}
