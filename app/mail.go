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

	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/mail/outbox"
)

// purgeInterval is how often an instance deletes expired rows. Several instances may do so at once.
const purgeInterval = 10 * time.Minute

// mailer sends the mails of the service. Without a mail server, they go to the mailbox in development, and stay in the outbox until
// they are purged in production.
type mailer struct {
	worker  *mail.Worker  // nil if no mail is sent
	mailbox *mail.Mailbox // nil if a mail server is configured
}

func (p *Program) newMailer(c config.Config, o Options, d *db.DB, secrets *auth.Secrets, log *slog.Logger, settled func(outbox.Kind, outbox.Outcome)) (*mailer, error) {
	templates, err := p.newTemplates(c, o)
	if err != nil {
		return nil, err
	}
	send := &mailer{}
	var sender mail.Sender
	switch {
	case c.SMTPURL != "":
		if sender, err = mail.NewSMTP(mail.SMTPOptions{URL: c.SMTPURL, From: c.MailFrom, Name: c.SenderName()}); err != nil {
			return nil, fmt.Errorf("send mail (FREEHOLD_SMTP_URL, FREEHOLD_MAIL_FROM): %w", err)
		}
	case c.Development():
		send.mailbox = &mail.Mailbox{}
		sender = send.mailbox
	default:
		return send, nil
	}
	send.worker = mail.NewWorker(mail.WorkerOptions{
		Outbox: d, Templates: templates, Sender: sender, Code: secrets.Code, Secret: secrets.Secret, Log: log, Settled: settled,
		FirstRetry: o.MailFirstRetry,
	})
	return send, nil
}

// newTemplates reads the templates. The operator's folder overrides the program's files, which override ours.
func (p *Program) newTemplates(c config.Config, o Options) (*mail.Templates, error) {
	var replaced []fs.FS
	if c.MailTemplates != "" {
		if info, err := os.Stat(c.MailTemplates); err != nil || !info.IsDir() {
			return nil, errors.New("FREEHOLD_MAIL_TEMPLATES: folder not found")
		}
		replaced = append(replaced, os.DirFS(c.MailTemplates))
	}
	if o.MailTemplates != nil {
		replaced = append(replaced, o.MailTemplates)
	}
	templates, err := mail.NewTemplates(mail.TemplatesOptions{
		Replaced: replaced, PublicURL: c.PublicURL, Service: c.AppName, URL: c.AppURL, Links: c.Links(), Extra: p.mails(),
	})
	if err != nil && c.MailTemplates != "" {
		return nil, fmt.Errorf("FREEHOLD_MAIL_TEMPLATES: %w", err)
	}
	return templates, err
}

// nudge makes the worker read the outbox. It is safe on nil.
func (m *mailer) nudge() {
	if m != nil {
		m.worker.Nudge()
	}
}

// Work sends mails, deletes expired rows, and seals secrets with the newest key, until ctx ends. Serve calls it. Call it yourself only if you serve the Handler by other
// means.
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
		a.reseal(ctx)
		select {
		case <-time.After(purgeInterval/2 + rand.N(purgeInterval)): //nolint:gosec // so that instances run at different times
		case <-ctx.Done():
		}
	}
	<-done
}

func (a *App) purge(ctx context.Context) {
	deleted, err := a.db.Purge(ctx, a.config.EventRetention, a.config.Events)
	if err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "failed to purge some expired rows; will retry", "error", err)
	}
	if a.anonymous != nil {
		n, err := a.anonymous.Purge(ctx)
		if err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "failed to delete some idle anonymous accounts; will retry", "error", err)
		}
		deleted["users (anonymous)"] = n
	}
	for table, n := range deleted {
		if n > 0 {
			a.log.InfoContext(ctx, "purged expired rows", "table", table, "rows", n)
		}
	}
}

// reseal seals the secrets of older encryption keys with the newest one.
func (a *App) reseal(ctx context.Context) {
	if a.factors == nil {
		return
	}
	n, err := a.factors.Reseal(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "failed to seal some secrets with the newest encryption key; will retry", "error", err)
	}
	if n > 0 {
		a.log.InfoContext(ctx, "sealed secrets with the newest encryption key", "secrets", n)
	}
}

// findMail returns a mail of the mailbox.
func (m *mailer) findMail(id string) (mail.Message, bool) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return mail.Message{}, false
	}
	return m.mailbox.Find(parsed)
}
