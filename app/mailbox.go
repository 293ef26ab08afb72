package app

import (
	"html/template"
	"net/http"

	"freehold.dev/freehold/edge"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
)

// mailPolicy allows styles in the page and in its mails, and nothing else: no scripts and no pictures.
const mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

var mailPages = template.Must(template.New("").Funcs(template.FuncMap{
	"link": func(m mail.Message) template.URL { return template.URL(m.Link) }, //nolint:gosec // it comes from the configuration, and may have the scheme of an app
}).Parse(`
{{- define "head"}}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>freehold mail</title>
<style>body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em } td, th { text-align: left; padding: 0 1em .3em 0 } pre { white-space: pre-wrap; border: 1px solid; padding: 1em } iframe { width: 100%; height: 24em; border: 1px solid; background: #fff }</style>
</head>
<body>{{end}}
{{- define "list"}}{{template "head"}}
<h1>Mail</h1>
<p>This page lists the mails since the service started, newest first. No mail leaves this machine while FREEHOLD_SMTP_URL is not set. Also available as <a href="/dev/mail.json">JSON</a>.</p>
{{if .}}<table>
<tr><th scope="col">to</th><th scope="col">subject</th><th scope="col">date</th></tr>
{{range .}}<tr><td>{{.To}}</td><td><a href="/dev/mail/{{.ID}}">{{.Subject}}</a></td><td>{{.Date.UTC.Format "2006-01-02 15:04:05"}}</td></tr>
{{end}}</table>{{else}}<p>No mail yet.</p>{{end}}
</body>
</html>{{end}}
{{- define "mail"}}{{template "head"}}
<p><a href="/dev/mail">All mail</a></p>
<h1>{{.Subject}}</h1>
<p>To {{.To}}, {{.Date.UTC.Format "2006-01-02 15:04:05"}}</p>
{{with link .}}<p><a href="{{.}}" rel="noreferrer">Open the link</a></p>
{{end}}<pre>{{.Text}}</pre>
<iframe sandbox title="The mail as HTML" srcdoc="{{.HTML}}"></iframe>
</body>
</html>{{end}}`))

// HasMailbox reports whether mails go to a mailbox at /dev/mail: in development, on a loopback address, without a mail server.
func (a *App) HasMailbox() bool { return a.HasPlayground() && a.mailer.mailbox != nil }

// serveMailbox serves the mailbox below /dev/mail.
func (a *App) serveMailbox(handle func(pattern string, handler http.HandlerFunc)) {
	box := a.mailer.mailbox
	handle("GET /dev/mail", func(w http.ResponseWriter, _ *http.Request) { writeMailPage(w, "list", box.Messages()) })
	handle("GET /dev/mail/{id}", func(w http.ResponseWriter, r *http.Request) {
		m, found := a.mailer.findMail(r.PathValue("id"))
		if !found {
			edge.WriteError(r.Context(), w, http.StatusNotFound, fault.New(fault.NotFound, "Mail not found."))
			return
		}
		writeMailPage(w, "mail", m)
	})
	handle("GET /dev/mail.json", func(w http.ResponseWriter, _ *http.Request) {
		edge.WriteJSON(w, http.StatusOK, mailsForPrograms(box.Messages()))
	})
}

func writeMailPage(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", mailPolicy)
	mailPages.ExecuteTemplate(w, name, data) //nolint:errcheck // the client may have left
}

type mailForPrograms struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	Link    string `json:"link"`
}

func mailsForPrograms(messages []mail.Message) []mailForPrograms {
	list := make([]mailForPrograms, len(messages))
	for i, m := range messages {
		list[i] = mailForPrograms{m.ID.String(), string(m.Kind), m.To.String(), m.Subject, m.Text, m.HTML, m.Link}
	}
	return list
}
