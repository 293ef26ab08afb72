package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	stdmail "net/mail"
	"net/netip"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"freehold.dev/freehold/mail/address"
)

// SMTPOptions say how to reach a mail server, and who the sender is.
type SMTPOptions struct {
	URL  string      // see CheckSMTPURL
	From string      // an address, alone or as Name <address>
	Name string      // the sender's name, if From has none; "" for none
	TLS  *tls.Config // nil means the certificates of the system
}

// SMTP sends messages through one mail server, with a connection for each message. It is a Sender.
type SMTP struct {
	server server
	name   string
	from   address.Address
	tls    *tls.Config
}

// server is a parsed URL of an SMTP server.
type server struct {
	host           string
	port           int
	user, password string
	implicitTLS    bool
	plain          bool // on this machine, so nobody can read the connection
}

// NewSMTP returns an error if the URL or the address of the sender is malformed. The error contains neither. NewSMTP does not
// connect.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	to, err := parseSMTPURL(o.URL)
	if err != nil {
		return nil, err
	}
	name, from, err := parseFrom(o.From)
	if err != nil {
		return nil, err
	}
	config := o.TLS.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.ServerName = to.host
	return &SMTP{server: to, name: cmp.Or(name, o.Name), from: from, tls: config}, nil
}

// CheckSMTPURL returns an error unless a text is the URL of a mail server: smtp://user:password@host:port, which requires
// STARTTLS unless the host is this machine, or smtps://, which uses TLS from the first byte. User and password are optional, and
// so is the port: 587 or 465.
func CheckSMTPURL(text string) error {
	_, err := parseSMTPURL(text)
	return err
}

// CheckFrom returns an error unless a text is a sender: one address, alone or as Name <address>.
func CheckFrom(text string) error {
	_, _, err := parseFrom(text)
	return err
}

func parseSMTPURL(text string) (s server, err error) {
	malformed := errors.New("the value is not a URL such as smtp://user:password@mail.example.org:587")
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return s, malformed
	}
	s.host, s.user = u.Hostname(), u.User.Username()
	s.password, _ = u.User.Password()
	switch u.Scheme {
	case "smtp":
		s.port, s.plain = 587, isThisMachine(s.host)
	case "smtps":
		s.port, s.implicitTLS = 465, true
	default:
		return s, malformed
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return s, malformed
		}
		s.port = int(n)
	}
	return s, nil
}

func isThisMachine(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

func parseFrom(text string) (name string, from address.Address, err error) {
	parsed, err := stdmail.ParseAddress(text)
	if err == nil {
		from, err = address.Parse(parsed.Address)
	}
	if err != nil || strings.ContainsFunc(parsed.Name, unicode.IsControl) {
		return "", address.Address{}, errors.New("the value is not one address, such as no-reply@example.org or Example <no-reply@example.org>")
	}
	return parsed.Name, from, nil
}

// Send sends a message. It succeeds as soon as the server has accepted the message, even if the connection ends badly.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	message, err := s.compose(m)
	if err != nil {
		return &Failure{Kind: "message", Permanent: true}
	}
	dial, hangUp := s.dialer(ctx)
	defer hangUp()
	client, err := gomail.NewClient(s.server.host, s.options(ctx, dial)...)
	if err != nil {
		return &Failure{Kind: "client", Detail: err.Error()}
	}
	err = client.DialAndSendWithContext(ctx, message)
	if err == nil || message.IsDelivered() {
		return nil
	}
	return failureOf(ctx, err)
}

// Check connects and signs in as Send does, and sends nothing.
func (s *SMTP) Check(ctx context.Context) error {
	dial, hangUp := s.dialer(ctx)
	defer hangUp()
	client, err := gomail.NewClient(s.server.host, s.options(ctx, dial)...)
	if err != nil {
		return &Failure{Kind: "client", Detail: err.Error()}
	}
	if err := client.DialWithContext(ctx); err != nil {
		return failureOf(ctx, err)
	}
	client.Close() //nolint:errcheck // the server has accepted the sign-in
	return nil
}

// compose builds a message with one recipient.
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.FromMailAddress(&stdmail.Address{Name: s.name, Address: s.from.String()}) // FromFormat does not escape quotes
	if err := message.To(m.To.String()); err != nil {
		return nil, fmt.Errorf("compose message: %w", err)
	}
	recipients, err := message.GetRecipients()
	if err != nil || len(recipients) != 1 || recipients[0] != "<"+m.To.String()+">" {
		return nil, errors.New("compose message: the message does not have exactly one recipient")
	}
	message.Subject(m.Subject)
	message.SetDateWithValue(m.Date)
	message.SetMessageIDWithValue(m.MessageID)
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no automatic reply comes back
	message.SetBodyString(gomail.TypeTextPlain, m.Text)
	message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return message, nil
}

func (s *SMTP) options(ctx context.Context, dial gomail.DialContextFunc) []gomail.Option {
	timeout := time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(time.Millisecond, time.Until(deadline))
	}
	options := []gomail.Option{
		gomail.WithPort(s.server.port), gomail.WithTimeout(timeout), gomail.WithDialContextFunc(dial), gomail.WithTLSConfig(s.tls),
		gomail.WithoutSMTPUTF8(), // our addresses do not need it
	}
	switch {
	case s.server.implicitTLS:
		options = append(options, gomail.WithSSL())
	case s.server.plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.server.user != "" {
		options = append(options, gomail.WithUsername(s.server.user), gomail.WithPassword(s.server.password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5))
	}
	return options
}

// dialer returns a function that dials, and one that closes the connection. The connection also closes when ctx ends, since the
// library ignores ctx after it has connected. Nor does the library close the connection if the server has no STARTTLS or refuses
// the credentials.
func (s *SMTP) dialer(ctx context.Context) (dial gomail.DialContextFunc, hangUp func()) {
	end := func() {}
	dial = func(dialing context.Context, network, address string) (conn net.Conn, err error) {
		if s.server.implicitTLS {
			conn, err = (&tls.Dialer{Config: s.tls}).DialContext(dialing, network, address)
		} else {
			conn, err = new(net.Dialer).DialContext(dialing, network, address)
		}
		if err == nil {
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			end = func() {
				stop()
				conn.Close()
			}
		}
		return conn, err
	}
	return dial, func() { end() }
}

// stages has the words for the stage at which a server refused a message.
var stages = map[gomail.SendErrReason]string{
	gomail.ErrSMTPMailFrom: "sender", gomail.ErrSMTPRcptTo: "recipient", gomail.ErrSMTPData: "data", gomail.ErrSMTPDataClose: "data",
}

// failureOf returns the failure of an error. A server's reply may contain the address, so only its number is kept. If the server
// refuses the recipient or the content permanently, a retry is useless. A refused sender is an error in the configuration, which
// would affect every other message, too.
func failureOf(ctx context.Context, err error) *Failure {
	var refused *gomail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() != 0 {
		stage := cmp.Or(stages[refused.Reason], "message")
		return &Failure{Kind: fmt.Sprintf("smtp %d %s", refused.ErrorCode(), stage), Permanent: refused.ErrorCode() >= 500 && stage != "sender"}
	}
	var reply *textproto.Error
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var network *net.OpError
	switch {
	case errors.As(err, &reply):
		return &Failure{Kind: fmt.Sprintf("smtp %d sign-in", reply.Code)}
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return &Failure{Kind: "timeout"}
	case errors.As(err, &certificate), errors.As(err, &unknown):
		return &Failure{Kind: "tls", Detail: err.Error()}
	case errors.As(err, &network):
		return &Failure{Kind: "connection", Detail: network.Error()}
	case refused == nil:
		return &Failure{Kind: "connection", Detail: err.Error()} // the conversation about the message had not begun
	}
	return &Failure{Kind: "connection"}
}
