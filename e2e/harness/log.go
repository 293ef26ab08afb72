package harness

import (
	"bytes"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"freehold.dev/freehold/app"
)

type LogBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *LogBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *LogBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// JSONLog is the log of a service in the form of production, at all levels.
func JSONLog(w io.Writer, c app.Config) *slog.Logger {
	c.Env, c.LogLevel = "production", slog.LevelDebug
	return app.NewLog(w, c)
}

// ExpectError says that the test causes errors in the log with this text.
func (s *Service) ExpectError(text string) { s.expected = append(s.expected, text) }

// CheckLog fails the test if the log has a panic or an ERROR that the test does not expect, or lacks one that it expects.
func (s *Service) CheckLog() {
	s.T.Helper()
	met := map[string]bool{}
	for line := range strings.Lines(s.Logs.String()) {
		if !strings.Contains(line, `"level":"ERROR"`) && !strings.Contains(line, `"msg":"a panic"`) {
			continue
		}
		known := false
		for _, text := range slices.Concat(s.expected, s.Allowed) {
			if strings.Contains(line, text) {
				known, met[text] = true, true
			}
		}
		if !known {
			s.T.Errorf("the log has an error that the test did not ask for: %.2000s", line)
		}
	}
	for _, text := range s.expected {
		if !met[text] {
			s.T.Errorf("the log lacks the error %q", text)
		}
	}
}
