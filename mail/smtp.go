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

// SMTPOptions say how to reach a mail server, and in whose name.
type SMTPOptions struct {
	URL  string      // see ParseSMTPURL
	From string      // an address, alone or as Name <address>
	Name string      // the sender's name if From has none; "" for none
	TLS  *tls.Config // nil: the system's certificates
}

// SMTP sends through one mail server, with a connection for each message. It is a Sender.
type SMTP struct {
	server server
	name   string
	from   address.Address
	tls    *tls.Config
}

// server is an SMTP server, by its URL.
type server struct {
	host           string
	port           int
	user, password string
	implicitTLS    bool
	plain          bool // on this machine, where nobody listens in between
}

// NewSMTP returns an error if the URL or the sender's address is malformed. It repeats neither, and does not connect.
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

// CheckSMTPURL returns an error unless a text is the URL of a mail server: smtp://user:password@host:port, where STARTTLS
// must be had unless the host is this machine, or smtps:// for TLS from the first byte. User and password can be left
// out, and the port, for 587 or 465.
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

// Send is Sender's. Once the server has taken the message it was sent, however the parting goes.
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

// compose builds the message around its one recipient.
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
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence note answers
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
		gomail.WithoutSMTPUTF8(), // there is nothing in an address that needs it
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

// dialer dials, and cuts the connection when ctx ends: the library looks at ctx only until it is connected. Nor does it
// close the connection if the server has no STARTTLS or refuses the sign-in, so hangUp does.
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

// stages are the words for where in the conversation a server refused.
var stages = map[gomail.SendErrReason]string{
	gomail.ErrSMTPMailFrom: "sender", gomail.ErrSMTPRcptTo: "recipient", gomail.ErrSMTPData: "data", gomail.ErrSMTPDataClose: "data",
}

// failureOf says what kind of failure an error is. What a server says may hold the address, so none of it is kept but the
// number. A refusal of the recipient or the content is for good if the server says so; one of the sender is a fault of
// the configuration, which the next message would meet too.
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
		return &Failure{Kind: "connection", Detail: err.Error()} // before anything was said of the message
	}
	return &Failure{Kind: "connection"}
}
