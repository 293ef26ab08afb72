package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"freehold.dev/freehold/auth/passwords"
	"freehold.dev/freehold/auth/totp"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/doctor"
	"freehold.dev/freehold/edge"
	"freehold.dev/freehold/mail"
)

// Finding is the result of a check of Examine.
type Finding = doctor.Finding

// Examine checks everything that the settings name, and changes nothing. now is the clock; nil means time.Now.
func (p *Program) Examine(ctx context.Context, c Config, now func() time.Time) (findings []Finding, failed bool) {
	if now == nil {
		now = time.Now
	}
	proxies, _ := edge.ParseProxies(c.TrustedProxies) // LoadConfig has checked them
	o := doctor.Options{
		Production: !c.Development(), Subgraph: p.subgraph, Now: now, Pool: c.DatabaseConnections, Encryption: c.hasVault,
		Proxies: proxies, PublicURL: c.PublicURL, DataDir: c.DataDir, Issuer: c.Issuer, Secrets: c.secrets(),
		SigningKeys: cmp.Or(c.SigningKey, c.developmentKey()), Providers: map[string]func(context.Context) error{},
	}
	o.Database, o.Unopened = db.Open(db.Options{URL: c.DatabaseURL, MaxConnections: 4, StatementTimeout: c.StatementTimeout, Subgraph: p.subgraph})
	if o.Unopened == nil {
		defer o.Database.Close()
		o.Versions = func(ctx context.Context) error { return o.Database.CheckVersion(ctx, p.Migrations()...) }
		o.Policies = func(ctx context.Context) error { return p.registry.CheckDatabase(ctx, o.Database) }
		o.Sealed = func(ctx context.Context) error { return c.checkSealed(ctx, o.Database) }
	}
	if c.MigrateURL != "" {
		o.Owner, o.NoOwner = db.Open(db.Options{URL: c.MigrateURL, MaxConnections: 2, StatementTimeout: c.StatementTimeout, Subgraph: p.subgraph})
		o.Pending = p.pending(c)
	}
	if o.Owner != nil {
		defer o.Owner.Close()
	}
	c.examineOthers(&o)
	findings = doctor.Examine(ctx, o)
	for _, f := range findings {
		failed = failed || f.Level == doctor.Fail
	}
	return findings, failed
}

// pending returns what counts the migrations and functions that `freehold migrate` would run.
func (p *Program) pending(c Config) func(context.Context) (int, error) {
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
func (c *Config) examineOthers(o *doctor.Options) {
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
	providers, err := c.newProviders(o.Now)
	for i, settings := range c.Providers {
		check := func(context.Context) error { return err }
		if err == nil {
			check = providers[i].Check
		}
		o.Providers[strings.ToLower(settings.Name)] = check
	}
}

// hasVault reports whether there are encryption keys. Unlike vault, it creates none.
func (c *Config) hasVault() (bool, error) {
	v, err := c.existingVault()
	return v != nil, err
}

func (c *Config) existingVault() (*totp.Vault, error) {
	if c.EncryptionKey != "" || c.EncryptionKeyFile != "" || !c.Development() {
		return c.vault()
	}
	v, err := totp.LoadVault(filepath.Join(c.DataDir, "encryption-key"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // as vault does
	}
	return v, err
}

// checkSealed returns an error if the database has a secret that no encryption key can open.
func (c *Config) checkSealed(ctx context.Context, d *db.DB) error {
	v, err := c.existingVault()
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

var dsnPasswords = regexp.MustCompile(`password\s*=\s*('(?:\\.|[^'])*'|\S+)`)

// secrets returns the secrets of the settings, to keep them out of what is printed.
func (c *Config) secrets() (list []string) {
	add := func(secret string) {
		if len(secret) >= 4 { // a shorter text is part of many words
			list = append(list, secret)
		}
	}
	for _, text := range []string{c.DatabaseURL, c.MigrateURL, c.BackupURL, c.SMTPURL, c.BreachURL} {
		for _, m := range dsnPasswords.FindAllStringSubmatch(text, -1) {
			add(strings.Trim(m[1], "'"))
		}
		u, err := url.Parse(text)
		if err != nil {
			continue
		}
		if password, ok := u.User.Password(); ok {
			add(password)
			add(url.QueryEscape(password))
		}
		for name, values := range u.Query() {
			if queryPassword.MatchString(name) {
				add(values[0])
			}
		}
	}
	add(c.EncryptionKey)
	for _, p := range c.Providers {
		add(p.ClientSecret)
	}
	return list
}
