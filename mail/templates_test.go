package mail

import (
	"html"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/mail/outbox"
)

const (
	testURL  = "https://people.example.org/start"
	testName = `Ann's "Größe" & Söhne`
	testCode = "7K3D-9QXW"
)

// testOptions are those of a service with a front end.
func testOptions(replaced ...fs.FS) TemplatesOptions {
	return TemplatesOptions{
		Replaced: replaced, PublicURL: "https://id.example.org", Service: testName, URL: testURL,
		Links: map[Kind]string{
			VerifyEmail:   "https://people.example.org/verify?a=1&email={email}&code={code}",
			ResetPassword: "https://people.example.org/#/reset/{code}?email={email}",
			ChangeEmail:   "people.app://change/{email}/{code}",
			SignInCode:    "https://people.example.org/enter#{code}/{email}",
		},
	}
}

func newTemplates(t *testing.T, replaced ...fs.FS) *Templates {
	t.Helper()
	templates, err := NewTemplates(testOptions(replaced...))
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

// queued returns a mail of a kind with all values that it can have, and its code.
func queued(kind Kind) (m outbox.Claimed, code string) {
	m = outbox.Claimed{ID: uuid.New(), Kind: kind, Recipient: "ada@example.com", CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Attempt: 1, Data: map[string]string{}}
	for _, name := range kinds[kind].data {
		m.Data[name] = "ada_" + name
	}
	if kinds[kind].code {
		m.HasCode, m.Expires, m.ValidFor, code = true, true, 24*time.Hour, testCode
	}
	return m, code
}

var links = regexp.MustCompile(`(?i)[a-z.]+://[^\s"'<>]+`)

// testLinks are the links of testOptions, for the mails of queued.
var testLinks = map[Kind]string{
	VerifyEmail:   "https://people.example.org/verify?a=1&email=ada%40example.com&code=7K3D-9QXW",
	ResetPassword: "https://people.example.org/#/reset/7K3D-9QXW?email=ada%40example.com",
	ChangeEmail:   "people.app://change/ada%40example.com/7K3D-9QXW",
	SignInCode:    "https://people.example.org/enter#7K3D-9QXW/ada%40example.com",
}

func TestRender(t *testing.T) {
	t.Parallel()
	templates := newTemplates(t)
	for kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			queued, code := queued(kind)
			m, err := templates.Render(queued, code)
			if err != nil {
				t.Fatal(err)
			}
			if m.ID != queued.ID || m.MessageID != queued.ID.String()+"@id.example.org" || m.Kind != kind || m.To.String() != queued.Recipient || !m.Date.Equal(queued.CreatedAt) {
				t.Errorf("%+v was rendered as %+v", queued, m)
			}
			if !strings.Contains(m.Subject, testName) || strings.ContainsAny(m.Subject, "\r\n") {
				t.Errorf("the subject is %q", m.Subject)
			}
			if m.Link != testLinks[kind] {
				t.Errorf("the link is %q, want %q", m.Link, testLinks[kind])
			}
			wantLinks := []string{testURL}
			if m.Link != "" {
				wantLinks = []string{m.Link, testURL}
				if !strings.Contains(m.Text, "\n\n"+m.Link+"\n\n") {
					t.Errorf("the link is not on a line of its own: %s", m.Text)
				}
			}
			if found := hrefs(t, m.HTML); !slices.Equal(found, wantLinks) {
				t.Errorf("HTML links to %q, want %q", found, wantLinks)
			}
			for part, body := range map[string]string{"text": m.Text, "HTML": html.UnescapeString(m.HTML)} {
				if found := links.FindAllString(body, -1); !slices.Equal(found, wantLinks) {
					t.Errorf("%s links to %q, want %q", part, found, wantLinks)
				}
				if !strings.Contains(body, testName) {
					t.Errorf("%s does not name the service: %s", part, body)
				}
				if m.Link != "" { // what it holds is shown beside it, too
					body = strings.ReplaceAll(body, m.Link, "")
				}
				wanted := slices.Collect(maps.Values(queued.Data))
				if code != "" {
					wanted = append(wanted, code, "24 hours")
				}
				for _, want := range wanted {
					if !strings.Contains(body, want) {
						t.Errorf("%s does not contain %q: %s", part, want, body)
					}
				}
			}
			if strings.Contains(m.HTML, "src=") {
				t.Errorf("HTML loads something: %s", m.HTML)
			}
			if strings.Contains(m.Text, "<") || strings.Contains(m.Text+m.HTML, "no value") {
				t.Errorf("text is %s, HTML is %s", m.Text, m.HTML)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	templates := newTemplates(t)
	for name, change := range map[string]func(m *outbox.Claimed, code *string){
		"unknown kind":            func(m *outbox.Claimed, _ *string) { m.Kind = "advertisement" },
		"no code":                 func(_ *outbox.Claimed, code *string) { *code = "" },
		"code of a kind without":  func(m *outbox.Claimed, _ *string) { m.Kind, m.Data = AccountDeleted, nil },
		"two recipients":          func(m *outbox.Claimed, _ *string) { m.Recipient = "a@x.org,b@y.org" },
		"unknown value":           func(m *outbox.Claimed, _ *string) { m.Data["link"] = "https://elsewhere.example" },
		"value for the unproved":  func(m *outbox.Claimed, _ *string) { m.Kind = VerifyEmail },
		"line break in a value":   func(m *outbox.Claimed, _ *string) { m.Data["username"] = "ada\nVisit elsewhere.example" },
		"CR in a value":           func(m *outbox.Claimed, _ *string) { m.Data["username"] = "ada\rBcc: b@y.org" },
		"other control character": func(m *outbox.Claimed, _ *string) { m.Data["username"] = "ada\u0085" },
	} {
		m, code := queued(ResetPassword)
		if _, err := templates.Render(m, code); err != nil {
			t.Fatal(err)
		}
		change(&m, &code)
		_, err := templates.Render(m, code)
		if err == nil {
			t.Errorf("%s: %+v was rendered", name, m)
			continue
		}
		for _, canary := range []string{"x.org", "elsewhere", "ada", testCode} {
			if strings.Contains(err.Error(), canary) {
				t.Errorf("%s: the error repeats %q: %v", name, canary, err)
			}
		}
	}
}

func TestHTMLIsEscaped(t *testing.T) {
	t.Parallel()
	m, code := queued(ResetPassword)
	m.Data["username"] = `<a href="//elsewhere.example">&amp;`
	message, err := newTemplates(t).Render(m, code)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(message.HTML, "<a href=\"//") || !strings.Contains(message.HTML, "&lt;a href=&#34;//elsewhere.example&#34;&gt;&amp;amp;") {
		t.Errorf("HTML is %s", message.HTML)
	}
	if !strings.Contains(message.Text, m.Data["username"]) {
		t.Errorf("text is %s", message.Text)
	}
}

func TestReplacedTemplates(t *testing.T) {
	t.Parallel()
	templates := newTemplates(t, fstest.MapFS{
		"verify_email.txt": {Data: []byte(`{{define "subject"}}Bestätigen: {{.Service}}{{end}}{{define "body"}}Code {{.Code}} ({{.ValidFor}}) {{.Link}}{{end}}`)},
		"layout.html":      {Data: []byte(`<main>{{template "body" .}}</main>`)},
		"README.md":        {Data: []byte("not a template")},
	})
	m, code := queued(VerifyEmail)
	m.ValidFor = 59*time.Minute + 40*time.Second
	message, err := templates.Render(m, code)
	if err != nil {
		t.Fatal(err)
	}
	if message.Subject != "Bestätigen: "+testName || !strings.HasPrefix(message.Text, "Code "+code+" (60 minutes) "+message.Link+"\n") {
		t.Errorf("subject is %q, text is %s", message.Subject, message.Text)
	}
	if !strings.Contains(message.Text, testURL) {
		t.Errorf("our layout is not around an adopter's body: %s", message.Text)
	}
	if !strings.HasPrefix(message.HTML, "<main>\n<p>Someone") {
		t.Errorf("an adopter's layout is not around our body: %s", message.HTML)
	}
}

// If several folders have a file, the first one wins. Our own folder is the last.
func TestReplacedTemplatesHaveAnOrder(t *testing.T) {
	t.Parallel()
	first := fstest.MapFS{"layout.txt": {Data: []byte(`first {{template "body" .}}`)}}
	second := fstest.MapFS{
		"layout.txt":  {Data: []byte(`second {{template "body" .}}`)},
		"layout.html": {Data: []byte(`second {{template "body" .}}`)},
	}
	m, code := queued(PasswordChanged)
	message, err := newTemplates(t, first, second).Render(m, code)
	if err != nil || !strings.HasPrefix(message.Text, "first The password") || !strings.HasPrefix(message.HTML, "second \n<p>The password") {
		t.Errorf("text is %s, HTML is %s, %v", message.Text, message.HTML, err)
	}
}

// Without a front end, mails have no link, but still the code.
func TestMailsWithoutFrontEnd(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates(TemplatesOptions{PublicURL: testURL, Service: "people", Links: map[Kind]string{VerifyEmail: ""}})
	if err != nil {
		t.Fatal(err)
	}
	for kind := range kinds {
		m, code := queued(kind)
		message, err := templates.Render(m, code)
		if err != nil {
			t.Fatal(err)
		}
		if all := message.Text + message.HTML + message.Link; strings.Contains(all, "://") || strings.Contains(all, "href") || strings.Contains(all, "people.example") || strings.Contains(all, "page") {
			t.Errorf("%s has a link: %s%s", kind, message.Text, message.HTML)
		}
		if !strings.Contains(message.Text, code) || !strings.Contains(message.HTML, code) {
			t.Errorf("%s has no code: %s", kind, message.Text)
		}
	}
}

func TestFaultyTemplatesAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, source string
		want         []string
	}{
		"text does not parse":   {"verify_email.txt", `{{define "subject"}}`, []string{"verify_email.txt:1"}},
		"HTML does not parse":   {"verify_email.html", "\n{{if}}", []string{"verify_email.html:2"}},
		"layout does not parse": {"layout.txt", `{{`, []string{"layout.txt:1"}},
		"no subject":            {"verify_email.txt", `{{define "body"}}{{.Code}}{{end}}`, []string{`verify_email.txt`, `"subject"`}},
		"no text body":          {"verify_email.txt", `{{define "subject"}}a{{end}}`, []string{`verify_email.txt`, `"body"`}},
		"no HTML body":          {"verify_email.html", `<p>{{.Code}}</p>`, []string{`verify_email.html`, `"body"`}},
		"unknown field":         {"verify_email.html", `{{define "body"}}{{.Code}}{{.Token}}{{end}}`, []string{"verify_email.html:1", "Token"}},
		"unknown value":         {"password_changed.txt", `{{define "subject"}}a{{end}}{{define "body"}}{{.Data.email}}{{end}}`, []string{"password_changed.txt:1", "email"}},
		"value of other kinds":  {"verify_email.txt", `{{define "subject"}}a{{end}}{{define "body"}}{{.Code}}{{.Data.username}}{{end}}`, []string{"verify_email.txt:1", "username"}},
		"unknown name":          {"verify_mail.txt", `a`, []string{"verify_mail.txt"}},
		"unknown layout":        {"layouts.html", `a`, []string{"layouts.html"}},
		"no code in the text":   {"reset_password.txt", `{{define "subject"}}{{.Code}}{{end}}{{define "body"}}{{.Link}}{{end}}`, []string{"reset_password", "code"}},
		"no code in the HTML":   {"reset_password.html", `{{define "body"}}<a href="{{.Link}}">a</a>{{end}}`, []string{"reset_password", "code"}},
		"no link in the text":   {"verify_email.txt", `{{define "subject"}}a{{end}}{{define "body"}}{{.Code}}{{end}}`, []string{"verify_email", "link"}},
		"no link in the HTML":   {"verify_email.html", `{{define "body"}}{{.Code}}{{end}}`, []string{"verify_email", "link"}},
		"filtered link":         {"change_email.html", `{{define "body"}}{{.Code}}<a href="{{print .Link}}">a</a>{{end}}`, []string{"change_email", "link"}},
		"not UTF-8":             {"layout.html", "\xfcber {{template \"body\" .}}", []string{"layout.html is not UTF-8"}},
		"layout drops the body": {"layout.txt", `a`, []string{"change_email", "link"}},
		"subject of two lines":  {"account_deleted.txt", "{{define \"subject\"}}a\nb{{end}}{{define \"body\"}}a{{end}}", []string{"account_deleted", "subject"}},
		"empty subject":         {"account_deleted.txt", `{{define "subject"}} {{.Data.username}}{{end}}{{define "body"}}a{{end}}`, []string{"account_deleted", "subject"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewTemplates(testOptions(fstest.MapFS{c.file: {Data: []byte(c.source)}}))
			if err == nil {
				t.Fatal("was taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, and does not name %s", err, want)
				}
			}
		})
	}
	for what, change := range map[string]func(o *TemplatesOptions){
		"no public URL": func(o *TemplatesOptions) { o.PublicURL = "" }, "a host for a public URL": func(o *TemplatesOptions) { o.PublicURL = "people.example.org" },
		"a public URL without host": func(o *TemplatesOptions) { o.PublicURL = "https://" }, "no URL": func(o *TemplatesOptions) { o.PublicURL = "::" },
		"a script for the front end": func(o *TemplatesOptions) { o.URL = "javascript://a" }, "a link without code": func(o *TemplatesOptions) { o.Links[VerifyEmail] = testURL },
		"a link in a mail without code": func(o *TemplatesOptions) { o.Links[AccountDeleted] = o.Links[VerifyEmail] },
	} {
		o := testOptions()
		change(&o)
		if _, err := NewTemplates(o); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}

// A module adds kinds of mails with templates of its own. Their links lead to a page of the front end.
func TestModulesAddKinds(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"invitation.txt":  {Data: []byte(`{{define "subject"}}An invitation{{end}}{{define "body"}}{{.Link}} or {{.Code}}{{end}}`)},
		"invitation.html": {Data: []byte(`{{define "body"}}<a href="{{.Link}}">here</a> or {{.Code}}{{end}}`)},
	}
	o := testOptions()
	o.Extra = []Extra{{Kind: "invitation", Secret: true, Page: "/invitation#{code}", Files: files}}
	templates, err := NewTemplates(o)
	if err != nil {
		t.Fatal(err)
	}
	mail := outbox.Claimed{ID: uuid.New(), Kind: "invitation", Recipient: "ada@example.com", ValidFor: time.Hour}
	m, err := templates.Render(mail, "secret_-1")
	if want := testURL + "/invitation#secret_-1"; err != nil || m.Link != want || !strings.Contains(m.Text, want+" or secret_-1") || m.Subject != "An invitation" {
		t.Errorf("got %+v, %v", m, err)
	}
	if !templates.HasSecret("invitation") || templates.HasSecret(VerifyEmail) {
		t.Error("only the new kind has a secret")
	}
	o.Replaced = []fs.FS{fstest.MapFS{"invitation.txt": {Data: []byte(`{{define "subject"}}Welcome{{end}}{{define "body"}}{{.Link}} {{.Code}}{{end}}`)}}}
	replaced, err := NewTemplates(o)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = replaced.Render(mail, "x"); err != nil || m.Subject != "Welcome" {
		t.Errorf("replaced: %+v, %v", m, err)
	}
	o.Replaced = nil
	for want, extra := range map[string][]Extra{
		"two kinds of mails are called verify_email": {{Kind: VerifyEmail, Files: files}},
		"invitation.html":         {{Kind: "invitation", Files: fstest.MapFS{"invitation.txt": files["invitation.txt"]}}},
		"the value has no {code}": {{Kind: "invitation", Secret: true, Page: "/invitation", Files: files}},
		"this kind has no code":   {{Kind: "invitation", Page: "/{code}", Files: files}},
	} {
		o.Extra = extra
		if _, err := NewTemplates(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestRoughly(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "1 minute", 80 * time.Second: "1 minute", 15 * time.Minute: "15 minutes", time.Hour: "60 minutes", 2 * time.Hour: "2 hours", 23*time.Hour + 59*time.Minute: "24 hours",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
