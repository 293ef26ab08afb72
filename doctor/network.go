package doctor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"freehold.dev/freehold/auth/keys"
)

func (o *Options) smtp(ctx context.Context) Finding {
	switch {
	case o.SMTP != nil:
		return result(o.SMTP(ctx), "the mail server accepts the sign-in (no mail was sent)", "check FREEHOLD_SMTP_URL, and whether this machine can reach the mail server")
	case o.Production:
		return warn("set FREEHOLD_SMTP_URL and FREEHOLD_MAIL_FROM", "there is no mail server, so no mail is sent, and no user can reset a password")
	}
	return ok("mails go to the mailbox at /dev/mail")
}

// breaches is no failure, since passwords are accepted if the service is down.
func (o *Options) breaches(ctx context.Context) Finding {
	if err := o.Breaches(ctx); err != nil {
		return warn("check FREEHOLD_BREACH_URL; until then, leaked passwords are accepted", "%v", err)
	}
	return ok("the service of leaked passwords answers")
}

func (o *Options) issuer(ctx context.Context) Finding {
	const advice = "check FREEHOLD_ISSUER, and whether that service runs; a server that starts without its keys accepts no token"
	status, text, err := get(ctx, http.DefaultClient, o.Issuer+"/.well-known/jwks.json")
	if err != nil {
		return result(err, "", advice)
	}
	if status != http.StatusOK {
		return fail(advice, "it does not publish keys: status %d", status)
	}
	published, err := keys.ParseJWKS([]byte(text))
	if err == nil && published.Equal(new(keys.PublicSet)) {
		err = errors.New("it publishes no key that signs access tokens")
	}
	return result(err, "it publishes the keys of its tokens", advice)
}

// widest are the sizes of blocks that can be the network of a proxy: 10.0.0.0/8 and fd00::/8 are private, others are smaller.
const widest = 8

// proxies checks that no stranger can choose a client's address.
func (o *Options) proxies(context.Context) Finding {
	const advice = "name only the addresses of your proxies in FREEHOLD_TRUSTED_PROXIES"
	for _, p := range o.Proxies {
		switch private := p.Addr().IsPrivate() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() || sharedSpace.Overlaps(p); {
		case p.Bits() < widest:
			return fail(advice, "%s is trusted, so anyone there can claim any address, and the limits of clients have no effect", p)
		case !private && p.Bits() < p.Addr().BitLen()*3/8:
			return warn(advice, "%s is a large public network, in which anyone can claim any address", p)
		}
	}
	if len(o.Proxies) == 0 {
		return ok("none is trusted: the client is the peer of the connection")
	}
	return ok("%s", plural(len(o.Proxies), "block is trusted", "blocks are trusted"))
}

// sharedSpace is the block of carriers and clouds for their own networks (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func (o *Options) host() string {
	u, err := url.Parse(o.PublicURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (o *Options) dns(ctx context.Context) Finding {
	host := o.host()
	if _, err := netip.ParseAddr(host); err == nil {
		return ok("the public URL has the address %s", host)
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		reason := "it cannot be looked up"
		if d, is := errors.AsType[*net.DNSError](err); is {
			reason = d.Err
		}
		return warn("add the host to your DNS, or correct FREEHOLD_PUBLIC_URL", "%s: %s", host, reason)
	}
	return ok("%s has %s", host, strings.Join(addresses, ", "))
}

// publicURL asks for /healthz as clients would. It is no failure if there is no answer, since the server may not run yet.
func (o *Options) publicURL(ctx context.Context) Finding {
	const advice = "if the server runs, check FREEHOLD_PUBLIC_URL, the proxy in front of it and its certificate"
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	status, body, err := get(ctx, &client, o.PublicURL+"/healthz")
	switch {
	case err != nil:
		return warn(advice, "no answer from %s: %v", o.host(), err)
	case status != http.StatusOK || !strings.Contains(body, "alive"):
		return warn(advice, "%s does not answer as freehold: status %d", o.host(), status)
	}
	return ok("freehold answers there")
}

// get fetches the beginning of a document. Its errors do not contain the URL, which may have a password.
func get(ctx context.Context, client *http.Client, address string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, "", errors.New("the URL is malformed")
	}
	response, err := client.Do(request)
	if wrapped, is := errors.AsType[*url.Error](err); is {
		err = wrapped.Err
	}
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, string(text), err
}

// The free space below which the disk of the data folder is almost full.
const (
	littleSpace = 2 << 30
	noSpace     = 200 << 20
)

// disk checks the free space where the private PostgreSQL and the development keys are. If the folder does not exist yet, it is that of
// the first one above it.
func (o *Options) disk(context.Context) Finding {
	dir := o.DataDir
	var s syscall.Statfs_t
	err := syscall.Statfs(dir, &s)
	for errors.Is(err, os.ErrNotExist) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		err = syscall.Statfs(dir, &s)
	}
	if err != nil {
		return warn("check FREEHOLD_DATA_DIR", "%s: %v", dir, err)
	}
	free := s.Bavail * uint64(s.Bsize) // whose type depends on the system
	const advice = "free some space, or move FREEHOLD_DATA_DIR"
	switch {
	case free < noSpace:
		return fail(advice, "%s has %d MB left", dir, free>>20)
	case free < littleSpace:
		return warn(advice, "%s has %d MB left", dir, free>>20)
	}
	return ok("%s has %d GB left", dir, free>>30)
}
