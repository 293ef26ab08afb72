package accounts

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// frontEnd returns settings for links to a front end, with a page for each kind of code.
func frontEnd(at string) []string {
	return []string{
		"FREEHOLD_APP_URL=" + at, "FREEHOLD_VERIFY_EMAIL_URL=" + at + "/verify?email={email}&code={code}",
		"FREEHOLD_RESET_PASSWORD_URL=" + at + "/reset?code={code}&email={email}", "FREEHOLD_CHANGE_EMAIL_URL=" + at + "/change?email={email}&code={code}",
	}
}

// A front end can use the code and the address in each link, for any characters in the address. A scanner that opens the link
// first does not use up the code.
func TestMailLeadsToTheFrontEnd(t *testing.T) {
	t.Parallel()
	opened := make(chan *url.URL, 10)
	pages := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { opened <- r.URL }))
	t.Cleanup(pages.Close)
	s := harness.Start(t, frontEnd(pages.URL)...).Work()
	const old, next = "Ann+a&b=c%41#d'?@xn--bcher-kva.example", "{code}/-/%7Bemail%7D+ann@example.org"
	a := harness.Account{Username: "ann", Email: old}
	a.Fill(t, s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": a.Email, "password": harness.Password, "username": a.Username}}))
	follow := func(kind, to, path string) (email, code string) {
		t.Helper()
		m := s.MailTo(to, kind, 1)
		if !strings.Contains(m.Text, "\n\n"+m.Link+"\n\n") || !strings.Contains(m.HTML, `<a href="`+strings.ReplaceAll(m.Link, "&", "&amp;")+`">`) {
			t.Errorf("the link %s is not in %s%s", m.Link, m.Text, m.HTML)
		}
		for range 2 {
			s.Fetch(m.Link)
			got := <-opened
			if got.Path != path || len(got.Query()) != 2 {
				t.Errorf("%s leads to %s", kind, got)
			}
			email, code = got.Query().Get("email"), got.Query().Get("code")
		}
		if email != to || code != harness.CodeInText.FindString(strings.ReplaceAll(m.Text, m.Link, "")) {
			t.Errorf("the page is given %q and %q: %s", email, code, m.Text)
		}
		return email, code
	}
	s.Must("", harness.RequestVerification, harness.Input("email", old))
	email, code := follow("verify_email", old, "/verify")
	s.Must(a.Token, harness.VerifyEmail, harness.Input("email", email, "code", code))
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", next))
	email, code = follow("change_email", next, "/change")
	var v verified
	s.Must(a.Token, harness.VerifyEmail, harness.Input("email", email, "code", code)).Into(t, &v)
	if u := v.VerifyEmail.User; u.Email != next || !u.EmailVerified {
		t.Errorf("changed to %+v", u)
	}
	s.Must("", harness.RequestReset, harness.Input("email", next))
	email, code = follow("reset_password", next, "/reset")
	s.Must("", harness.ResetPassword, harness.Input("email", email, "code", code, "newPassword", harness.NewPassword))
	if r := s.TrySignIn(next, harness.NewPassword); len(r.Errors) > 0 {
		t.Errorf("with the new password: %s", r.Body)
	}
	for kind, to := range map[string]string{"email_changed_old": old, "email_changed_new": next, "password_changed": next} {
		if m := s.MailTo(to, kind, 1); m.Link != "" || !strings.Contains(m.Text, "\n"+pages.URL+"\n") || !strings.Contains(m.HTML, `<a href="`+pages.URL+`">`) {
			t.Errorf("%s does not lead to the front end: %s%s", kind, m.Text, m.HTML)
		}
	}
}

var anyLink = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^\s"'<>]*|href`)

// Without settings, mails have no links: the API has no pages.
func TestMailsLinkNowhereByDefault(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_PUBLIC_URL=https://id.example.org").Work()
	a := s.SignUp(nil)
	s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
	s.Must(a.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword))
	for _, m := range s.Mailbox(4) {
		if found := anyLink.FindAllString(m.Text+m.HTML, -1); len(found) > 0 || m.Link != "" || !strings.Contains(m.Subject, "id.example.org") {
			t.Errorf("%s, %q, links to %q %s", m.Kind, m.Subject, found, m.Link)
		}
	}
}

// W13: the links in a mail come from the configuration, whatever host the request names.
func TestForgedHostChangesNoLink(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, frontEnd("https://app.example")...).Work()
	for i, forged := range []harness.Request{
		{Host: "evil.example"},
		{Header: http.Header{"X-Forwarded-Host": {"evil.example"}}},
		{Header: http.Header{"X-Forwarded-Server": {"evil.example"}}},
		{Header: http.Header{"Forwarded": {"host=evil.example;proto=http"}}},
		{Header: http.Header{"X-Original-Host": {"evil.example"}}},
		{Header: http.Header{"X-Forwarded-Prefix": {"/evil.example"}}},
	} {
		a := s.SignUp(nil)
		forged.Query, forged.Vars = harness.RequestReset, harness.Input("email", a.Email)
		if r := s.Send(forged); r.Status != http.StatusOK || len(r.Errors) > 0 {
			t.Fatalf("request %d: %d %s", i, r.Status, r.Body)
		}
		m := s.MailTo(a.Email, "reset_password", 1)
		if strings.Contains(fmt.Sprint(m), "evil") || !strings.HasPrefix(m.Link, "https://app.example/reset?code=") {
			t.Errorf("request %d: %+v", i, m)
		}
		for _, found := range anyLink.FindAllString(m.Text, -1) {
			if !strings.HasPrefix(found, "https://app.example") {
				t.Errorf("request %d: a link to %s", i, found)
			}
		}
	}
}

// An app's own URL scheme works as a link, in a mail and in the mailbox of development.
func TestLinkToAnApp(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_APP_URL=org.example.app://home", "FREEHOLD_RESET_PASSWORD_URL=org.example.app://reset/{email}?code={code}&a=b").Work()
	a := s.SignUp(nil)
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	m := s.MailTo(a.Email, "reset_password", 1)
	if want := "org.example.app://reset/" + url.QueryEscape(a.Email) + "?code=" + harness.CodeInText.FindString(m.Text) + "&a=b"; m.Link != want {
		t.Errorf("the link is %s, want %s", m.Link, want)
	}
	href := `href="` + strings.ReplaceAll(m.Link, "&", "&amp;") + `"`
	if !strings.Contains(m.HTML, href) || !strings.Contains(m.HTML, `href="org.example.app://home"`) || !strings.Contains(m.Text, "\norg.example.app://home\n") {
		t.Errorf("the mail is %s%s", m.Text, m.HTML)
	}
	if r := s.Fetch("/dev/mail/" + m.ID); !strings.Contains(r.Body, "<p><a "+href) {
		t.Errorf("the mailbox has no link: %s", r.Body)
	}
	s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
	if m := s.MailTo(a.Email, "verify_email", 1); m.Link != "" || strings.Contains(m.Text, "page") { // this kind has none
		t.Errorf("the mail is %s", m.Text)
	}
}

// The product's name is in each mail, and must not be a password.
func TestProductsName(t *testing.T) {
	t.Parallel()
	const name = `Größe & "Söhne" <👩‍👧>`
	s := harness.Start(t, "FREEHOLD_PUBLIC_URL=https://accounting.example.org", "FREEHOLD_APP_NAME="+name).Work()
	a := s.SignUp(nil)
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	m := s.MailTo(a.Email, "reset_password", 1)
	if m.Subject != "Choose a new password for "+name || !strings.Contains(m.Text, "at "+name+".\n") || !strings.Contains(m.Text, "--\n"+name+"\n") ||
		!strings.Contains(m.HTML, "at Größe &amp; &#34;Söhne&#34; &lt;👩‍👧&gt;.") || strings.Contains(m.Text+m.HTML, "accounting") {
		t.Errorf("%q: %s%s", m.Subject, m.Text, m.HTML)
	}
	for _, weak := range []string{"größesöhne", "Accounting1", "example-söhne"} {
		r := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "x@elsewhere.test", "password": weak, "username": "somebody"}})
		s.ExpectFault("the password "+weak, r, "input.password TOO_PERSONAL")
	}
}

// A folder of templates replaces our files and the program's, file by file. An error in it prevents the start.
func TestFolderOfMailTemplates(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("reset_password.txt", `{{define "subject"}}Neues Passwort für {{.Service}}{{end}}{{define "body"}}Hier: {{.Link}} oder {{.Code}}{{end}}`)
	o := app.Options{}
	o.MailTemplates = fstest.MapFS{
		"reset_password.txt": {Data: []byte(`{{define "subject"}}program{{end}}{{define "body"}}{{.Link}} {{.Code}}{{end}}`)},
		"layout.txt":         {Data: []byte(`program: {{template "body" .}}`)},
	}
	setting := "FREEHOLD_MAIL_TEMPLATES=" + dir
	s := harness.StartWith(t, d, harness.BothLayers, o, append(frontEnd("https://app.example"), setting, "FREEHOLD_APP_NAME=Bücherei")...).Work()
	a := s.SignUp(nil)
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	m := s.MailTo(a.Email, "reset_password", 1)
	if want := "program: Hier: " + m.Link + " oder " + harness.CodeInText.FindString(m.Text) + "\n"; m.Subject != "Neues Passwort für Bücherei" || m.Text != want || !strings.Contains(m.HTML, "Someone, probably you") {
		t.Errorf("%q: %s%s, want %s", m.Subject, m.Text, m.HTML, want)
	}
	refused := func(what, setting string, want ...string) {
		t.Helper()
		made, err := harness.Program.New(t.Context(), harness.Config(t, d.App, append(frontEnd("https://app.example"), setting)...), app.Options{})
		if err == nil {
			made.Close()
			t.Errorf("%s is taken", what)
			return
		}
		for _, want := range append(want, "FREEHOLD_MAIL_TEMPLATES: ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", what, err, want)
			}
		}
		if strings.Contains(err.Error(), dir) {
			t.Errorf("%s: the error shows the value: %v", what, err)
		}
	}
	refused("a folder that is not there", setting+"/missing", "folder not found")
	refused("a file", setting+"/reset_password.txt", "folder not found")
	write("change_email.html", "\n{{define \"body\"}}{{.Nothing}}{{end}}")
	refused("a faulty template", setting, "change_email.html:2", "Nothing")
	write("change_email.html", `{{define "body"}}{{.Code}}{{end}}`)
	refused("a template without the link", setting, "change_email", "link")
	if err := os.Rename(filepath.Join(dir, "change_email.html"), filepath.Join(dir, "changeemail.html")); err != nil {
		t.Fatal(err)
	}
	refused("a name with a mistake", setting, "changeemail.html")
}
