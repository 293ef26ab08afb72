package app

import (
	"context"
	"io"
	"log/slog"

	"github.com/lmittmann/tint"
)

// NewLog returns the logger of the service: for people in development, JSON in production. Every line of a request
// has its id.
func NewLog(w io.Writer, c Config) *slog.Logger {
	var handler slog.Handler = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: c.LogLevel})
	if c.Development() {
		handler = tint.NewTextHandler(w, &tint.Options{Level: c.LogLevel, TimeFormat: "15:04:05.000", NoColor: true})
	}
	return slog.New(withRequestID{handler})
}

type withRequestID struct{ slog.Handler }

func (h withRequestID) Handle(ctx context.Context, record slog.Record) error {
	if id := requestID(ctx); id != "" {
		record.AddAttrs(slog.String("requestId", id))
	}
	return h.Handler.Handle(ctx, record)
}

func (h withRequestID) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequestID{h.Handler.WithAttrs(attrs)}
}

func (h withRequestID) WithGroup(name string) slog.Handler {
	return withRequestID{h.Handler.WithGroup(name)}
}
