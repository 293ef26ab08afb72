package operate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/doctor"
	"freehold.dev/freehold/edge/address"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/oauth"
)

// Finding is the result of a check of Examine.
type Finding = doctor.Finding

// Examine checks everything that the settings name, and changes nothing. now is the clock; nil means time.Now.
func Examine(ctx context.Context, p *app.Program, c config.Config, now func() time.Time) (findings []Finding, failed bool) {
	if now == nil {
		now = time.Now
	}
	proxies, _ := address.ParseProxies(c.TrustedProxies) // checked with the rest of the configuration
	o := doctor.Options{
		Production: !c.Development(), Subgraph: p.IsSubgraph(), Now: now, Pool: c.DatabaseConnections, Encryption: func() (bool, error) {
			v, err := c.Vault()
			return v != nil, err
		},
		Proxies: proxies, PublicURL: c.PublicURL, DataDir: c.DataDir, Issuer: c.Issuer, Secrets: c.Secrets(),
		SigningKeys: c.SigningKeyPath(), Providers: map[string]func(context.Context) error{},
	}
	o.Database, o.Unopened = db.Open(db.Options{URL: c.DatabaseURL, MaxConnections: 4, StatementTimeout: c.StatementTimeout, Subgraph: p.IsSubgraph()})
	if o.Unopened == nil {
		defer o.Database.Close()
		o.Versions = func(ctx context.Context) error { return o.Database.CheckVersion(ctx, p.Migrations()...) }
		o.Policies = func(ctx context.Context) error { return p.Registry().CheckDatabase(ctx, o.Database) }
		o.Sealed = func(ctx context.Context) error { return checkSealed(ctx, c, o.Database) }
	}
	if c.MigrateURL != "" {
		o.Owner, o.NoOwner = db.Open(db.Options{URL: c.MigrateURL, MaxConnections: 2, StatementTimeout: c.StatementTimeout, Subgraph: p.IsSubgraph()})
		o.Pending = pending(p, c)
	}
	if o.Owner != nil {
		defer o.Owner.Close()
	}
	examineOthers(c, &o)
	findings = doctor.Examine(ctx, o)
	for _, f := range findings {
		failed = failed || f.Level == doctor.Fail
	}
	return findings, failed
}

// pending returns what counts the migrations and functions that `freehold migrate` would run.
func pending(p *app.Program, c config.Config) func(context.Context) (int, error) {
	return func(ctx context.Context) (n int, err error) {
		m, err := p.Migrator(c)
		if err != nil {
			return 0, err
		}
		plan, err := m.Plan(ctx)
		for _, change := range plan {
			n += len(change.Migrations) + len(change.Functions)
		}
		return n, err
	}
}

// examineOthers adds the services of others that the settings name.
func examineOthers(c config.Config, o *doctor.Options) {
	if c.SMTPURL != "" {
		o.SMTP = func(ctx context.Context) error {
			sender, err := mail.NewSMTP(mail.SMTPOptions{URL: c.SMTPURL, From: c.MailFrom})
			if err != nil {
				return err
			}
			return sender.Check(ctx)
		}
	}
	if c.BreachURL != "" {
		o.Breaches = func(ctx context.Context) error {
			_, err := passwords.NewBreaches(c.BreachURL).Knows(ctx, "password")
			return err
		}
	}
	providers, err := c.OAuth()
	for i, p := range c.Providers {
		check := func(context.Context) error { return err }
		if err == nil {
			settings := providers[i]
			settings.Now = o.Now
			check = oauth.New(settings).Check
		}
		o.Providers[strings.ToLower(p.Name)] = check
	}
}

// checkSealed returns an error if the database has a secret that no encryption key can open.
func checkSealed(ctx context.Context, c config.Config, d *db.DB) error {
	v, err := c.Vault()
	if err != nil {
		return fmt.Errorf("the encryption keys cannot be read: %w", err)
	}
	var marks [][]byte
	if v != nil {
		marks = v.Marks()
	}
	unreadable, err := d.FindTOTPSecretsExcept(ctx, marks, 1)
	if err == nil && len(unreadable) > 0 {
		err = totp.ErrUnknownKey
	}
	return err
}
