package command

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"freehold.dev/freehold/app/config"
)

// healthCheckTimeout is longer than /readyz waits for the database.
const healthCheckTimeout = 3 * time.Second

// healthCheck asks the server of this environment whether it is ready. An image without a shell and curl needs it.
func healthCheck(ctx context.Context, environ []string) error {
	url, err := config.ReadyURL(environ)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthCheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("FREEHOLD_ADDR: %w", err)
	}
	// The server is on this machine, so a proxy of the environment must not answer for it.
	client := http.Client{Transport: &http.Transport{}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 200))
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s %s", response.Status, strings.TrimSpace(string(body)))
	}
	return say(strings.TrimSpace(string(body)) + "\n")
}
