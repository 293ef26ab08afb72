package app

import (
	"net/http"

	"freehold.dev/freehold/edge"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/web"
)

// HasMailbox reports whether mails go to a mailbox at /dev/mail: in development, on a loopback address, without a mail server.
func (a *App) HasMailbox() bool { return a.HasPlayground() && a.mailer.mailbox != nil }

// serveMailbox serves the mailbox below /dev/mail.
func (a *App) serveMailbox(handle func(pattern string, handler http.HandlerFunc)) {
	box := a.mailer.mailbox
	handle("GET /dev/mail", func(w http.ResponseWriter, _ *http.Request) {
		messages := box.Messages()
		list := make([]web.Mail, len(messages))
		for i, m := range messages {
			list[i] = mailForPage(m)
		}
		web.WriteMails(w, list)
	})
	handle("GET /dev/mail/{id}", func(w http.ResponseWriter, r *http.Request) {
		switch m, found := a.mailer.findMail(r.PathValue("id")); {
		case found:
			web.WriteMail(w, mailForPage(m))
		case edge.WantsPage(r):
			web.WriteMissing(w, "Mail not found")
		default:
			edge.WriteError(r.Context(), w, http.StatusNotFound, fault.New(fault.NotFound, "Mail not found."))
		}
	})
	handle("GET /dev/mail.json", func(w http.ResponseWriter, _ *http.Request) {
		edge.WriteJSON(w, http.StatusOK, mailsForPrograms(box.Messages()))
	})
}

func mailForPage(m mail.Message) web.Mail {
	return web.Mail{ID: m.ID.String(), To: m.To.String(), Subject: m.Subject, Date: m.Date, Code: m.Code, Link: m.Link, Text: m.Text, HTML: m.HTML}
}

type mailForPrograms struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	Code    string `json:"code"`
	Link    string `json:"link"`
}

func mailsForPrograms(messages []mail.Message) []mailForPrograms {
	list := make([]mailForPrograms, len(messages))
	for i, m := range messages {
		list[i] = mailForPrograms{m.ID.String(), string(m.Kind), m.To.String(), m.Subject, m.Text, m.HTML, m.Code, m.Link}
	}
	return list
}
