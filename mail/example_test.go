package mail_test

import (
	"fmt"
	"io/fs"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// A program replaces one of the texts by a file of its own. All other texts and layouts stay.
func ExampleNewTemplates() {
	own := fstest.MapFS{"reset_password.txt": {Data: []byte(`
{{- define "subject"}}Neues Passwort für {{.Service}}{{end}}
{{- define "body"}}Hallo {{.Data.username}}, der Code ist {{.Code}}. Er gilt {{.ValidFor}}.
{{.Link}}{{end}}`)}}
	templates, err := mail.NewTemplates(mail.TemplatesOptions{
		Replaced: []fs.FS{own}, PublicURL: "https://api.example.org", Service: "Example",
		Links: map[mail.Kind]string{mail.ResetPassword: "https://app.example.org/reset?email={email}&code={code}"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := templates.Render(outbox.Claimed{
		ID: uuid.New(), Kind: mail.ResetPassword, Recipient: "ann@example.org", HasCode: true, ValidFor: 30 * time.Minute,
		Data: map[string]string{"username": "ann"},
	}, "0123-4567")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Subject)
	fmt.Print(m.Text)
	// Output:
	// Neues Passwort für Example
	// Hallo ann, der Code ist 0123-4567. Er gilt 30 minutes.
	// https://app.example.org/reset?email=ann%40example.org&code=0123-4567
	//
	// --
	// Example
}

// A template that would never be used is an error when the server starts.
func ExampleNewTemplates_misspelled() {
	own := fstest.MapFS{"reset_pasword.txt": {Data: []byte(`{{define "subject"}}x{{end}}{{define "body"}}x{{end}}`)}}
	_, err := mail.NewTemplates(mail.TemplatesOptions{Replaced: []fs.FS{own}, PublicURL: "https://api.example.org", Service: "Example"})
	fmt.Println(err)
	// Output: read mail templates: reset_pasword.txt is not the name of a template
}
