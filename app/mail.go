package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// purgeInterval is how often an instance deletes what is long over. Several may do it at once.
const purgeInterval = 10 * time.Minute

// mailer sends what the service has to say by e-mail. Without a server to send through, a developer gets a mailbox to
// read in, and in production mails stay in the outbox until they are purged.
type mailer struct {
	worker  *mail.Worker  // nil where nothing is sent
	mailbox *mail.Mailbox // nil where mails are really sent
}

func newMailer(c Config, o Options, d *db.DB, keys *auth.Keys, log *slog.Logger, settled func(outbox.Kind, outbox.Outcome)) (*mailer, error) {
	templates, err := newTemplates(c, o)
	if err != nil {
		return nil, err
	}
	send := &mailer{}
	var sender mail.Sender
	switch {
	case c.SMTPURL != "":
		if sender, err = mail.NewSMTP(mail.SMTPOptions{URL: c.SMTPURL, From: c.MailFrom, Name: senderName(c)}); err != nil {
			return nil, fmt.Errorf("send mail (FREEHOLD_SMTP_URL, FREEHOLD_MAIL_FROM): %w", err)
		}
	case c.Development():
		send.mailbox = &mail.Mailbox{}
		sender = send.mailbox
	default:
		return send, nil
	}
	send.worker = mail.NewWorker(mail.WorkerOptions{
		Outbox: d, Templates: templates, Sender: sender, Code: keys.Code, Log: log, Settled: settled,
		FirstRetry: o.MailFirstRetry,
	})
	return send, nil
}

// newTemplates reads the templates. The operator's folder wins over the program's files, and these over ours.
func newTemplates(c Config, o Options) (*mail.Templates, error) {
	var replaced []fs.FS
	if c.MailTemplates != "" {
		if info, err := os.Stat(c.MailTemplates); err != nil || !info.IsDir() {
			return nil, errors.New("FREEHOLD_MAIL_TEMPLATES: there is no such folder")
		}
		replaced = append(replaced, os.DirFS(c.MailTemplates))
	}
	if o.MailTemplates != nil {
		replaced = append(replaced, o.MailTemplates)
	}
	templates, err := mail.NewTemplates(mail.TemplatesOptions{
		Replaced: replaced, PublicURL: c.PublicURL, Service: c.AppName, URL: c.AppURL, Links: c.links(),
	})
	if err != nil && c.MailTemplates != "" {
		return nil, fmt.Errorf("FREEHOLD_MAIL_TEMPLATES: %w", err)
	}
	return templates, err
}

// senderName is the sender's name if FREEHOLD_MAIL_FROM has none: that of the product, or "" if it is only the host. A host
// would look like another sender's address.
func senderName(c Config) string {
	if c.AppName == c.host() {
		return ""
	}
	return c.AppName
}

// nudge makes the worker look at the outbox, if there is one yet.
func (m *mailer) nudge() {
	if m != nil {
		m.worker.Nudge()
	}
}

// Work does what is to be done beside requests until ctx ends: it sends mails, and deletes what is long over. Serve calls
// it; whoever serves the Handler by other means has to.
func (a *App) Work(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if a.mailer.worker != nil {
			a.mailer.worker.Run(ctx)
		}
	}()
	for ctx.Err() == nil {
		a.purge(ctx)
		select {
		case <-time.After(purgeInterval/2 + rand.N(purgeInterval)): //nolint:gosec // so that instances do not meet
		case <-ctx.Done():
		}
	}
	<-done
}

func (a *App) purge(ctx context.Context) {
	deleted, err := a.db.Purge(ctx, a.config.EventRetention, a.config.Events)
	if err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "what is long over could not all be deleted; it is tried again", "error", err)
	}
	for table, n := range deleted {
		if n > 0 {
			a.log.InfoContext(ctx, "deleted what was long over", "table", table, "rows", n)
		}
	}
}

// findMail returns a mail of the developer's mailbox.
func (m *mailer) findMail(id string) (mail.Message, bool) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return mail.Message{}, false
	}
	return m.mailbox.Find(parsed)
}
