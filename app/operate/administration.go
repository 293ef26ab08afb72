package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"freehold.dev/freehold/accounts/export"
	"freehold.dev/freehold/accounts/limits"
	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/db"
)

// adminTimeout is how long a statement of the command line may take: an account with many rows takes long to disable.
const adminTimeout = 5 * time.Minute

// Administration has the use cases of the command line `freehold admin`, over the database of FREEHOLD_MIGRATE_URL.
type Administration struct {
	*operators.Service

	Scopes map[string]string // that modules declare, with what each permits

	program *app.Program
	config  config.Config
	db      *db.DB
}

// Administer opens the database as the owner role. Only with keys can codes be sent. Close it after use.
func Administer(ctx context.Context, p *app.Program, c config.Config, withKeys bool) (*Administration, error) {
	if p.IsSubgraph() {
		return nil, errors.New("a second subgraph has no accounts: administer them in the program of FREEHOLD_ISSUER")
	}
	if c.MigrateURL == "" {
		return nil, errors.New("FREEHOLD_MIGRATE_URL: required, with the URL of the owner role")
	}
	a := &Administration{Scopes: p.Scopes(), program: p, config: c}
	var secrets *auth.Secrets
	if withKeys {
		set, err := keys.Load(c.SigningKeyPath(), nil)
		if err != nil {
			return nil, fmt.Errorf("load the service's signing keys (FREEHOLD_SIGNING_KEY_FILE), from which codes are derived: %w", err)
		}
		secrets = auth.NewSecrets(set)
	}
	var err error
	if a.db, err = db.Open(db.Options{URL: c.MigrateURL, MaxConnections: 2, StatementTimeout: adminTimeout}); err != nil {
		return nil, err
	}
	for _, check := range []func() error{
		func() error { return a.db.CheckServer(ctx) }, func() error { return a.db.CheckOwner(ctx) },
		func() error { return a.db.CheckVersion(ctx, p.Migrations()...) },
	} {
		if err := check(); err != nil {
			return nil, errors.Join(fmt.Errorf("open the database (FREEHOLD_MIGRATE_URL): %w", err), a.Close())
		}
	}
	limiter := limits.New(a.db, c.UseCaseLimits(), c.RateLimit == "on")
	a.Service = operators.New(a.db, secrets, limiter, operators.Config{CodeLifetime: c.CodeLifetime, UsernameHold: c.UsernameHold})
	return a, nil
}

// Delete deletes an account as its owner could. The hooks of modules run as the app role, so this needs DATABASE_URL.
func (a *Administration) Delete(ctx context.Context, account *operators.Account) (err error) {
	if a.config.DatabaseURL == "" {
		return errors.New("DATABASE_URL: required to delete an account, with the URL of the app role, as which the hooks of modules run")
	}
	served, err := db.Open(db.Options{URL: a.config.DatabaseURL, MaxConnections: 2, StatementTimeout: adminTimeout})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, served.Close()) }()
	for _, check := range []func(context.Context) error{served.CheckServer, served.CheckRole} {
		if err := check(ctx); err != nil {
			return fmt.Errorf("open the database (DATABASE_URL): %w", err)
		}
	}
	return a.Service.Delete(ctx, served, a.program.Hooks().BeforeDeletion, account)
}

// Export returns everything stored about a user as JSON, and records that.
func (a *Administration) Export(ctx context.Context, account *operators.Account) (document json.RawMessage, err error) {
	rows, err := a.Service.Export(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	return export.Document(account.ID, time.Now(), rows), nil
}

// Close closes the connections to the database.
func (a *Administration) Close() error { return a.db.Close() }
