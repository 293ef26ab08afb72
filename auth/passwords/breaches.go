package passwords

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // what the protocol is made of; nothing rests on its strength
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Breaches looks passwords up among leaked ones at a service that speaks the range protocol of Pwned Passwords. That
// service learns the first 20 bits of a SHA-1, which some thousand leaked passwords share (k-anonymity), and no more.
type Breaches struct {
	prefix    string // of URLs
	transport http.RoundTripper
}

const (
	breachTimeout = 2 * time.Second // somebody waits for his sign-up
	breachPrefix  = 5               // hexadecimal digits that are told
	breachBytes   = 1 << 20         // of an answer: some 40 KB are usual
)

// NewBreaches returns the look-up at a URL, to which the beginning of a hash is added.
func NewBreaches(prefix string) *Breaches {
	return &Breaches{prefix: prefix, transport: http.DefaultTransport}
}

// Knows reports whether a normalised password is among them. The error says nothing of the password.
func (b *Breaches) Knows(ctx context.Context, password string) (bool, error) {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // see above
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	ctx, cancel := context.WithTimeout(ctx, breachTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.prefix+digits[:breachPrefix], http.NoBody)
	if err != nil {
		return false, errors.New("look up a leaked password: the service's URL is malformed")
	}
	request.Header.Set("Add-Padding", "true")       // so that the size of the answer tells nothing
	response, err := b.transport.RoundTrip(request) // a Client would follow redirects, and put URLs into its errors
	if err != nil {
		return false, fmt.Errorf("look up a leaked password: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("look up a leaked password: the service answered %d", response.StatusCode)
	}
	return isListed(io.LimitReader(response.Body, breachBytes), digits[breachPrefix:])
}

// isListed looks for the rest of a hash among lines of the form REST:COUNT. A count of 0 is padding.
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
