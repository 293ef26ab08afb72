package passwords

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the protocol requires it, and its strength does not matter
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Breaches looks up passwords among leaked ones, at a service with the range protocol of Pwned Passwords. The service learns only
// the first 20 bits of a SHA-1, which about a thousand leaked passwords share (k-anonymity).
type Breaches struct {
	prefix    string // of the URLs
	transport http.RoundTripper
}

const (
	breachTimeout = 2 * time.Second // a user is waiting
	breachPrefix  = 5               // hexadecimal digits that the service gets
	breachBytes   = 1 << 20         // of a response; about 40 KB are usual
)

// NewBreaches returns a look-up at a URL, to which it adds the first digits of a hash.
func NewBreaches(prefix string) *Breaches {
	return &Breaches{prefix: prefix, transport: http.DefaultTransport}
}

// Knows reports whether a normalised password was leaked. The error does not contain the password.
func (b *Breaches) Knows(ctx context.Context, password string) (bool, error) {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // see above
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	ctx, cancel := context.WithTimeout(ctx, breachTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.prefix+digits[:breachPrefix], http.NoBody)
	if err != nil {
		return false, errors.New("look up a leaked password: the service's URL is malformed")
	}
	request.Header.Set("Add-Padding", "true")       // so that the size of the response reveals nothing
	response, err := b.transport.RoundTrip(request) // http.Client follows redirects, and its errors contain URLs
	if err != nil {
		return false, fmt.Errorf("look up a leaked password: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("look up a leaked password: the service answered %d", response.StatusCode)
	}
	return isListed(io.LimitReader(response.Body, breachBytes), digits[breachPrefix:])
}

// isListed reports whether the rest of a hash is in a list of lines of the form REST:COUNT. A count of 0 is padding.
func isListed(list io.Reader, rest string) (bool, error) {
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		hash, count, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if strings.EqualFold(hash, rest) {
			n, err := strconv.Atoi(count)
			return err == nil && n > 0, nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("look up a leaked password: read the answer: %w", err)
	}
	return false, nil
}
