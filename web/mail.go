package web

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// Mail is a mail on the pages of the mailbox.
type Mail struct {
	ID, To, Subject string
	Date            time.Time
	Code            string // the one-time code; "" for none
	Link            string // to the page that accepts the code; "" for none
	Text, HTML      string
}

// mailPolicy also allows the inline styles of a mail. Its frame is sandboxed, so that it runs no scripts.
const mailPolicy = policy + "; style-src-attr 'unsafe-inline'; style-src-elem 'self' 'unsafe-inline'"

// WriteMails writes the page that lists mails, in this order.
func WriteMails(w http.ResponseWriter, mails []Mail) {
	writePage(w, policy, http.StatusOK, render("mails", mails))
}

// WriteMail writes the page of a mail.
func WriteMail(w http.ResponseWriter, m Mail) {
	writePage(w, mailPolicy, http.StatusOK, render("mail", m))
}

// WriteMissing writes a page with status 404. The message says what was not found.
func WriteMissing(w http.ResponseWriter, message string) {
	writePage(w, policy, http.StatusNotFound, render("missing.html", message))
}

// render panics if a template does not fit its data, which tests notice.
func render(name string, data any) []byte {
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, name, data); err != nil {
		panic(fmt.Sprintf("web: %v", err))
	}
	return text.Bytes()
}
