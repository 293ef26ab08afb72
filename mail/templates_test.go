package mail

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
)

func sample(kind Kind) (Queued, string) {
	q, code := Queued{ID: uuid.New(), Kind: string(kind), Recipient: "ann@example.org", CreatedAt: time.Now(), Data: map[string]string{}}, ""
	for _, name := range kinds[kind].data {
		q.Data[name] = "<i>ann"
	}
	if kinds[kind].code {
		code, q.Expires, q.ValidFor = "0123-ABCD", true, time.Hour
	}
	return q, code
}

// Each kind of mail has both parts, its code if it has one, and no link but the service's own.
func TestEachKindIsRendered(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates(nil, "https://id.example")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`https?://[^\s"<]+`)
	for kind := range kinds {
		q, code := sample(kind)
		m, err := templates.Render(q, code)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		for part, text := range map[string]string{"text": m.Text, "HTML": m.HTML} {
			if len(text) < 80 || !strings.Contains(text, code) || strings.Contains(text, "no value") {
				t.Errorf("%s, %s: %s", kind, part, text)
			}
			for _, found := range link.FindAllString(text, -1) {
				if found != "https://id.example" {
					t.Errorf("%s, %s: a link to %s", kind, part, found)
				}
			}
		}
		if strings.Contains(m.HTML, "<i>ann") || m.Subject == "" || m.MessageID != q.ID.String()+"@id.example" || m.To.String() != "ann@example.org" {
			t.Errorf("%s: %+v", kind, m)
		}
	}
}

func TestWhatCannotBeRendered(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates(nil, "https://id.example")
	if err != nil {
		t.Fatal(err)
	}
	q, code := sample(ResetPassword)
	for name, change := range map[string]func(q *Queued, code *string){
		"an unknown kind":          func(q *Queued, _ *string) { q.Kind = "spam" },
		"two recipients":           func(q *Queued, _ *string) { q.Recipient = "a@x.org,b@y.org" },
		"no code":                  func(_ *Queued, code *string) { *code = "" },
		"a value of several lines": func(q *Queued, _ *string) { q.Data = map[string]string{"username": "ann\nBcc: b@y.org"} },
		"an unknown value":         func(q *Queued, _ *string) { q.Data = map[string]string{"password": "x"} },
	} {
		changed, with := q, code
		change(&changed, &with)
		if m, err := templates.Render(changed, with); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// An adopter's templates replace ours by their names; a mistake in one is found before anything is sent.
func TestTemplatesCanBeReplaced(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	const good = `{{define "subject"}}Hello{{end}}{{define "body"}}Your code, {{.Data.username}}: {{.Code}}{{end}}`
	templates, err := NewTemplates(fstest.MapFS{"reset_password.txt": file(good)}, "https://id.example")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := templates.Render(sample(ResetPassword)); err != nil || m.Subject != "Hello" || !strings.HasPrefix(m.Text, "Your code, <i>ann: 0123-ABCD") || !strings.Contains(m.HTML, "0123-ABCD") {
		t.Errorf("%+v, %v", m, err)
	}
	for want, replaced := range map[string]fstest.MapFS{
		"reset_password":                {"reset_password.txt": file(`{{`)},
		`"subject" is not defined`:      {"reset_password.txt": file(`{{define "body"}}{{.Code}}{{end}}`)},
		"the code is not shown":         {"reset_password.html": file(`{{define "body"}}Ask somebody.{{end}}`)},
		"Passwort":                      {"password_changed.html": file(`{{define "body"}}{{.Passwort}}{{end}}`)},
		"reset_pasword.txt replaces no": {"reset_pasword.txt": file(good)},
	} {
		if _, err := NewTemplates(replaced, "https://id.example"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
