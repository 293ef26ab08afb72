package harness

import (
	"strings"
	"testing"
)

// Client is a client of a service that holds its session in tokens or, with a Browser, in cookies.
type Client struct {
	*Service
	Browser *Browser
	Token   string
}

// EachClient runs a test with clients that hold tokens, and with clients that hold cookies.
func EachClient(t *testing.T, test func(t *testing.T, newClient func(*Service) *Client)) {
	t.Helper()
	for name, newClient := range map[string]func(*Service) *Client{
		"tokens":  func(s *Service) *Client { return &Client{Service: s} },
		"cookies": func(s *Service) *Client { return &Client{Service: s, Browser: &Browser{Service: s}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newClient)
		})
	}
}

// Send sends an operation with one input, from its names and values.
func (c *Client) Send(query string, pairs ...any) Reply {
	c.T.Helper()
	if c.Browser != nil {
		return c.Browser.Do(query, Input(pairs...))
	}
	return c.Do(c.Token, query, Input(pairs...))
}

// MustSend is Send for an operation that must succeed.
func (c *Client) MustSend(query string, pairs ...any) Reply {
	c.T.Helper()
	r := c.Send(query, pairs...)
	if len(r.Errors) > 0 {
		c.T.Fatalf("%s %v: %s", query, pairs, r.Body)
	}
	return r
}

// Enter is MustSend for a mutation that starts a session, and that returns `tokens { accessToken }`. The client then has the session.
func (c *Client) Enter(query string, pairs ...any) Reply {
	c.T.Helper()
	if c.Browser != nil {
		r := c.MustSend(query, append(pairs, "session", "COOKIE")...)
		if c.Browser.Access == "" || !strings.Contains(r.Body, `"tokens":null`) || strings.Contains(r.Body, c.Browser.Access) {
			c.T.Fatalf("no session in cookies alone: %s %v", r.Body, r.Header)
		}
		return r
	}
	r := c.MustSend(query, pairs...)
	var data map[string]struct {
		Tokens struct{ AccessToken string }
	}
	r.Into(c.T, &data)
	for _, payload := range data {
		c.Token = payload.Tokens.AccessToken
	}
	if c.Token == "" {
		c.T.Fatalf("no session: %s", r.Body)
	}
	return r
}

// ExpectMe checks whose session the client has, by a part of the answer to a query of `me`.
func (c *Client) ExpectMe(what, query, want string) {
	c.T.Helper()
	if r := c.Send(query); !strings.Contains(r.Body, want) {
		c.T.Errorf("%s: %s, want %s", what, r.Body, want)
	}
}
