package oauth

import (
	"context"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

const (
	maxBody = 1 << 20 // of an answer, in bytes
	maxOpen = 32      // connections to one host: further requests wait, until their time is over
)

// client sends all requests to providers. It follows no redirect, which could carry a code or a secret to another host.
var client = &http.Client{
	Timeout:       patience,
	Transport:     bounded{transport()},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func transport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // a program has replaced it
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxConnsPerHost, t.ResponseHeaderTimeout, t.IdleConnTimeout = maxOpen, patience, time.Minute
	return t
}

// bounded cuts long answers off.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxBody), response.Body}
	return response, nil
}

// converse begins a conversation with a provider, which ends after a while.
func (p *Provider) converse(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(withClient(ctx), patience)
}

// withClient makes x/oauth2 and go-oidc, which read it from there, use our client.
func withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, client)
}
