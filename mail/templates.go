package mail

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	stdhtml "html"
	html "html/template"
	"io/fs"
	"maps"
	"math"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
	text "text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"freehold.dev/freehold/mail/address"
	"freehold.dev/freehold/mail/outbox"
)

//go:embed templates
var ours embed.FS

// The layouts around the templates of each kind.
const (
	textLayout = "layout.txt"
	htmlLayout = "layout.html"
)

// Templates render mails. Each kind has two templates: <kind>.txt, which defines "subject" and "body", and <kind>.html, which
// defines "body". The layouts layout.txt and layout.html surround the bodies. docs/deployment.md lists the values that templates
// can use.
type Templates struct {
	service string
	url     string
	host    string // of Message-IDs
	kinds   map[Kind]about
	links   map[Kind]link
	text    map[Kind]*text.Template
	html    map[Kind]*html.Template
}

// TemplatesOptions say where templates come from, and which values they get.
type TemplatesOptions struct {
	Replaced  []fs.FS         // folders with files that replace our templates of the same name; the first folder with a file wins
	PublicURL string          // of the service; its host is part of Message-IDs
	Service   string          // the name of the service
	URL       string          // of the front end; see CheckPage; "" for none
	Links     map[Kind]string // the pages that accept the codes; see CheckLink; "" for none
	Extra     []Extra         // further kinds
}

// view has the values that a template can use. URLs have a type that html/template trusts, because it would replace an app's own
// scheme otherwise. They come from the configuration, and parseLink has checked them.
type view struct {
	Service  string            // the name of the service
	URL      html.URL          // the front end; "" for none
	Link     html.URL          // to the page that accepts the code, with the code; "" for none
	Code     string            // the one-time code; "" for kinds without one
	ValidFor string            // how long the code is valid, such as "24 hours"
	Data     map[string]string // the values of the kind; "" for a missing one
}

// NewTemplates reads the templates. The error names a file that does not parse, lacks a definition, uses an unknown value, or
// does not have the name of a template.
func NewTemplates(o TemplatesOptions) (*Templates, error) {
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("read mail templates: the public URL is invalid")
	}
	t := &Templates{service: o.Service, url: o.URL, host: u.Hostname(), kinds: maps.Clone(kinds), text: map[Kind]*text.Template{}, html: map[Kind]*html.Template{}}
	files, links := slices.Clone(o.Replaced), maps.Clone(o.Links)
	for _, e := range o.Extra {
		if _, known := t.kinds[e.Kind]; known {
			return nil, fmt.Errorf("read mail templates: two kinds of mails are called %s", e.Kind)
		}
		t.kinds[e.Kind], files = about{code: e.Secret, secret: e.Secret}, append(files, e.Files)
		if o.URL != "" && e.Page != "" {
			if links == nil {
				links = map[Kind]string{}
			}
			links[e.Kind] = strings.TrimSuffix(o.URL, "/") + e.Page
		}
	}
	if t.links, err = t.parseLinks(o.URL, links); err != nil {
		return nil, err
	}
	for _, replaced := range o.Replaced {
		if err := t.refuseUnknown(replaced); err != nil {
			return nil, err
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		if err := t.read(files, kind); err != nil {
			return nil, fmt.Errorf("read mail templates of %s: %w", kind, err)
		}
		if err := t.try(kind); err != nil {
			return nil, fmt.Errorf("try mail templates of %s: %w", kind, err)
		}
	}
	return t, nil
}

// HasSecret reports whether mails of a kind contain a secret instead of a one-time code.
func (t *Templates) HasSecret(kind Kind) bool { return t.kinds[kind].secret }

func (t *Templates) parseLinks(page string, texts map[Kind]string) (links map[Kind]link, err error) {
	if page != "" {
		if err := CheckPage(page); err != nil {
			return nil, fmt.Errorf("link mails to the front end: %w", err)
		}
	}
	links = map[Kind]link{}
	for kind, text := range texts {
		if text == "" {
			continue
		}
		if !t.kinds[kind].code {
			return nil, fmt.Errorf("link mails of %s: this kind has no code", kind)
		}
		if links[kind], err = parseLink(text); err != nil {
			return nil, fmt.Errorf("link mails of %s: %w", kind, err)
		}
	}
	return links, nil
}

// refuseUnknown returns an error for a template that would never be used because its name is misspelled.
func (t *Templates) refuseUnknown(replaced fs.FS) error {
	for _, pattern := range []string{"*.txt", "*.html"} {
		names, err := fs.Glob(replaced, pattern)
		if err != nil {
			return fmt.Errorf("read mail templates: %w", err)
		}
		for _, name := range names {
			_, known := t.kinds[Kind(strings.TrimSuffix(name, path.Ext(name)))]
			if !known && name != textLayout && name != htmlLayout {
				return fmt.Errorf("read mail templates: %s is not the name of a template", name)
			}
		}
	}
	return nil
}

func (t *Templates) read(replaced []fs.FS, kind Kind) error {
	var errs []error
	source := func(name string) string {
		source, err := readTemplate(replaced, name)
		errs = append(errs, err)
		return source
	}
	asText, err1 := text.New(textLayout).Option("missingkey=error").Parse(source(textLayout))
	asHTML, err2 := html.New(htmlLayout).Option("missingkey=error").Parse(source(htmlLayout))
	if err := errors.Join(append(errs, err1, err2)...); err != nil {
		return err
	}
	_, err1 = asText.New(string(kind) + ".txt").Parse(source(string(kind) + ".txt"))
	_, err2 = asHTML.New(string(kind) + ".html").Parse(source(string(kind) + ".html"))
	if err := errors.Join(append(errs, err1, err2)...); err != nil {
		return err
	}
	for name, missing := range map[string]bool{
		`.txt: "subject"`: asText.Lookup("subject") == nil, `.txt: "body"`: asText.Lookup("body") == nil, `.html: "body"`: asHTML.Lookup("body") == nil,
	} {
		if missing {
			return fmt.Errorf("%s%s is not defined", kind, name)
		}
	}
	t.text[kind], t.html[kind] = asText, asHTML
	return nil
}

func readTemplate(replaced []fs.FS, name string) (string, error) {
	for _, files := range replaced {
		source, err := fs.ReadFile(files, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err == nil && !utf8.Valid(source):
			return "", fmt.Errorf("%s is not UTF-8", name)
		}
		return string(source), err
	}
	source, err := ours.ReadFile("templates/" + name)
	return string(source), err
}

// try renders a mail that is never sent, once with each value and once without.
func (t *Templates) try(kind Kind) error {
	sample := outbox.Claimed{ID: uuid.Nil, Kind: kind, Recipient: "nobody@example.org", Data: map[string]string{}}
	code := ""
	if t.kinds[kind].code {
		code, sample.ValidFor = "0123-4567", time.Hour
	}
	_, bare := t.Render(sample, code)
	for _, name := range t.kinds[kind].data {
		sample.Data[name] = "sample"
	}
	m, full := t.Render(sample, code)
	if err := errors.Join(bare, full); err != nil {
		return err
	}
	for _, body := range []string{m.Text, stdhtml.UnescapeString(m.HTML)} {
		if !strings.Contains(body, m.Link) {
			return errors.New("the link is missing in the text or the HTML; show {{.Link}} in both")
		}
		if m.Link != "" { // the code must also be outside of the link, for people who read the mail on another device
			body = strings.ReplaceAll(body, m.Link, "")
		}
		if !strings.Contains(body, code) {
			return errors.New("the text or the HTML does not show the code; use {{.Code}} in both")
		}
	}
	return nil
}

// errRecipient is the error of a mail whose recipient is not a valid address.
var errRecipient = errors.New("the recipient is not a valid address")

// Render returns the message of a queued mail. The code is its one-time code; "" for kinds without one.
func (t *Templates) Render(m outbox.Claimed, code string) (Message, error) {
	kind := m.Kind
	about, known := t.kinds[kind]
	if !known {
		return Message{}, errors.New("unknown kind of mail")
	}
	if about.code != (code != "") {
		return Message{}, errors.New("only mails of some kinds have a code, and those must have one")
	}
	to, err := address.Parse(m.Recipient)
	if err != nil {
		return Message{}, errRecipient
	}
	data, err := values(about.data, m.Data)
	if err != nil {
		return Message{}, err
	}
	message := Message{ID: m.ID, MessageID: t.messageID(m.ID), Kind: kind, To: to, Date: m.CreatedAt, Code: code, Link: t.links[kind].to(m.Recipient, code)}
	err = t.fill(&message, view{
		Service: t.service, URL: html.URL(t.url), //nolint:gosec // of the configuration; see view
		Link: html.URL(message.Link), Code: code, ValidFor: roughly(m.ValidFor), Data: data, //nolint:gosec // see view
	})
	return message, err
}

func (t *Templates) fill(m *Message, v view) error {
	var subject, body, page bytes.Buffer
	err := errors.Join(
		t.text[m.Kind].ExecuteTemplate(&subject, "subject", v),
		t.text[m.Kind].Execute(&body, v),
		t.html[m.Kind].Execute(&page, v),
	)
	if err != nil {
		return err
	}
	m.Subject, m.Text, m.HTML = strings.TrimSpace(subject.String()), strings.TrimSpace(body.String())+"\n", page.String()
	if m.Subject == "" || strings.ContainsFunc(m.Subject, unicode.IsControl) {
		return errors.New("the subject is empty or has a control character")
	}
	return nil
}

// values returns all values of a kind. It refuses unknown values, and those that could add lines to a mail.
func values(names []string, given map[string]string) (map[string]string, error) {
	all := map[string]string{}
	for _, name := range names {
		all[name] = ""
	}
	for name, value := range given {
		if _, known := all[name]; !known || strings.ContainsFunc(value, unicode.IsControl) {
			return nil, errors.New("unknown value for this kind of mail, or a value with a control character")
		}
		all[name] = value
	}
	return all, nil
}

func (t *Templates) messageID(id uuid.UUID) string {
	host := t.host
	if net.ParseIP(host) != nil {
		host = "[" + host + "]"
	}
	return id.String() + "@" + host
}

// roughly returns a duration in words, rounded to minutes, or to hours from two hours on.
func roughly(d time.Duration) string {
	unit, name := time.Minute, "minute"
	if d >= 2*time.Hour {
		unit, name = time.Hour, "hour"
	}
	n := max(1, int(math.Round(float64(d)/float64(unit))))
	if n == 1 {
		return "1 " + name
	}
	return fmt.Sprintf("%d %ss", n, name)
}
