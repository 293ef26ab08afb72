package auth

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // what the protocol is made of; nothing rests on its strength
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Breaches looks passwords up among leaked ones at a service that speaks the range protocol of Pwned Passwords. That
// service learns the first 20 bits of a SHA-1, which some thousand leaked passwords share (k-anonymity), and no more.
type Breaches struct {
	prefix string // of URLs
	client *http.Client
}

const (
	breachTimeout = 2 * time.Second // somebody waits for his sign-up
	breachPrefix  = 5               // hexadecimal digits that are told
	breachBytes   = 1 << 20         // of an answer: some 40 KB are usual
)

// NewBreaches returns the look-up at a URL, to which the beginning of a hash is added.
func NewBreaches(prefix string) *Breaches {
	return &Breaches{prefix: prefix, client: &http.Client{
		Timeout:       breachTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Knows reports whether a normalised password is among them. The error says nothing of the password.
func (b *Breaches) Knows(ctx context.Context, password string) (bool, error) {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // see above
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.prefix+digits[:breachPrefix], http.NoBody)
	if err != nil {
		return false, fmt.Errorf("look for a leaked password: %w", err)
	}
	request.Header.Set("Add-Padding", "true") // so that the size of the answer tells nothing
	response, err := b.client.Do(request)
	if err != nil {
		return false, fmt.Errorf("look for a leaked password: %w", withoutURL(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("look for a leaked password: the service answered %d", response.StatusCode)
	}
	return isListed(io.LimitReader(response.Body, breachBytes), digits[breachPrefix:])
}

// withoutURL drops from an error of the client the URL, which holds the beginning of the hash.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// isListed looks for the rest of a hash among lines of the form REST:COUNT. A count of 0 is padding.
func isListed(list io.Reader, rest string) (bool, error) {
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		hash, count, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if strings.EqualFold(hash, rest) {
			return strings.Trim(count, "0") != "", nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("look for a leaked password: read the answer: %w", err)
	}
	return false, nil
}
