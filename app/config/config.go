// Package config owns the environment of the service: which settings exist, their forms and defaults, the secrets in files, and what
// can be printed of them. Its errors name the variable to fix. It must not know how the service is built from the settings, nor open
// a connection.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"freehold.dev/freehold/edge/address"
	"freehold.dev/freehold/mail"
)

// Config has every setting, read from the environment. docs/configuration.md describes them for operators.
type Config struct {
	Env         string `env:"FREEHOLD_ENV"          envDefault:"development"` // development or production
	Addr        string `env:"FREEHOLD_ADDR"         envDefault:"127.0.0.1:8080"`
	MetricsAddr string `env:"FREEHOLD_METRICS_ADDR"`               // empty: metrics are not served
	PprofAddr   string `env:"FREEHOLD_PPROF_ADDR"`                 // empty: profiles of the process are not served
	PublicURL   string `env:"FREEHOLD_PUBLIC_URL"`                 // default: http:// and Addr
	DatabaseURL string `env:"DATABASE_URL"          secret:"true"` // of the app role; default: a private PostgreSQL
	MigrateURL  string `env:"FREEHOLD_MIGRATE_URL"  secret:"true"` // of the owner role
	BackupURL   string `env:"FREEHOLD_BACKUP_URL"   secret:"true"` // of the backup role
	DataDir     string `env:"FREEHOLD_DATA_DIR"`                   // default: see dataDir
	Issuer      string `env:"FREEHOLD_ISSUER"`                     // of a second subgraph: FREEHOLD_PUBLIC_URL of the service with the accounts
	Audience    string `env:"FREEHOLD_AUDIENCE"`                   // of a second subgraph: its own name among FREEHOLD_TOKEN_AUDIENCES there
	SigningKey  string `env:"FREEHOLD_SIGNING_KEY_FILE"`           // default: created in the data folder

	SMTPURL  string `env:"FREEHOLD_SMTP_URL"  secret:"true"` // empty: a mailbox in development, no mail in production
	MailFrom string `env:"FREEHOLD_MAIL_FROM"`

	AppName          string `env:"FREEHOLD_APP_NAME"`           // default: the host of PublicURL
	AppURL           string `env:"FREEHOLD_APP_URL"`            // of the front end; empty: mails have no link to it
	VerifyEmailURL   string `env:"FREEHOLD_VERIFY_EMAIL_URL"`   // of the page that takes the code, with {email} and {code}
	ResetPasswordURL string `env:"FREEHOLD_RESET_PASSWORD_URL"` // likewise
	ChangeEmailURL   string `env:"FREEHOLD_CHANGE_EMAIL_URL"`   // likewise
	SignInURL        string `env:"FREEHOLD_SIGN_IN_URL"`        // likewise
	MailTemplates    string `env:"FREEHOLD_MAIL_TEMPLATES"`     // a folder whose files replace ours

	DefaultVisibility string        `env:"FREEHOLD_DEFAULT_VISIBILITY"  envDefault:"PRIVATE"`
	PasswordMinLength int           `env:"FREEHOLD_PASSWORD_MIN_LENGTH" envDefault:"8"`   // code points
	PasswordQueue     int           `env:"FREEHOLD_PASSWORD_QUEUE"      envDefault:"128"` // callers waiting for a hash
	AccessTokenTTL    time.Duration `env:"FREEHOLD_ACCESS_TOKEN_TTL"    envDefault:"15m"`
	TokenAudiences    []string      `env:"FREEHOLD_TOKEN_AUDIENCES"` // further ones of access tokens, comma-separated
	SessionIdle       time.Duration `env:"FREEHOLD_SESSION_IDLE"        envDefault:"720h"`
	SessionLifetime   time.Duration `env:"FREEHOLD_SESSION_LIFETIME"    envDefault:"2160h"`
	RefreshGrace      time.Duration `env:"FREEHOLD_REFRESH_GRACE"       envDefault:"10s"` // for retries of a refresh
	EventRetention    time.Duration `env:"FREEHOLD_EVENT_RETENTION"     envDefault:"2160h"`
	ReauthAfter       time.Duration `env:"FREEHOLD_REAUTH_AFTER"        envDefault:"30m"` // before sensitive actions
	CodeLifetime      time.Duration `env:"FREEHOLD_CODE_LIFETIME"       envDefault:"30m"`
	UsernameHold      time.Duration `env:"FREEHOLD_USERNAME_HOLD"       envDefault:"720h"` // of usernames after a change or deletion
	ReservedUsernames string        `env:"FREEHOLD_RESERVED_USERNAMES"`                    // a file; empty: our own list
	RateLimit         string        `env:"FREEHOLD_RATE_LIMIT"          envDefault:"on"`   // on or off

	RequireVerifiedEmail string        `env:"FREEHOLD_REQUIRE_VERIFIED_EMAIL" envDefault:"off"` // on or off
	PendingLifetime      time.Duration `env:"FREEHOLD_PENDING_LIFETIME"       envDefault:"24h"` // of an unverified sign-up
	BreachURL            string        `env:"FREEHOLD_BREACH_URL" secret:"true"`                // empty: passwords are not looked up

	Anonymous     string        `env:"FREEHOLD_ANONYMOUS"      envDefault:"off"`   // on or off
	AnonymousMax  int           `env:"FREEHOLD_ANONYMOUS_MAX"  envDefault:"10000"` // anonymous accounts
	AnonymousIdle time.Duration `env:"FREEHOLD_ANONYMOUS_IDLE" envDefault:"720h"`  // of an anonymous account, until it is deleted

	RequestTimeout      time.Duration `env:"FREEHOLD_REQUEST_TIMEOUT"      envDefault:"10s"`
	DrainDelay          time.Duration `env:"FREEHOLD_DRAIN_DELAY"` // default: 3s in production, 0s in development
	DrainTimeout        time.Duration `env:"FREEHOLD_DRAIN_TIMEOUT"        envDefault:"15s"`
	BodyLimit           int64         `env:"FREEHOLD_BODY_LIMIT"           envDefault:"131072"`   // bytes
	TokenLimit          int           `env:"FREEHOLD_TOKEN_LIMIT"          envDefault:"1000"`     // lexical tokens of a document
	CostLimit           int           `env:"FREEHOLD_COST_LIMIT"           envDefault:"10000"`    // of an operation
	DepthLimit          int           `env:"FREEHOLD_DEPTH_LIMIT"          envDefault:"20"`       // levels of an operation
	AliasLimit          int           `env:"FREEHOLD_ALIAS_LIMIT"          envDefault:"50"`       // aliases of a document
	ReplyLimit          int           `env:"FREEHOLD_REPLY_LIMIT"          envDefault:"1048576"`  // bytes of data of a reply
	ReplyMemory         int64         `env:"FREEHOLD_REPLY_MEMORY"         envDefault:"67108864"` // bytes of all large replies under way
	TrustedProxies      []string      `env:"FREEHOLD_TRUSTED_PROXIES"`                            // addresses and blocks, comma-separated
	CORSOrigins         []string      `env:"FREEHOLD_CORS_ORIGINS"`                               // comma-separated, as browsers send them
	CORSHeaders         []string      `env:"FREEHOLD_CORS_HEADERS"`                               // further headers that pages may send
	Operations          string        `env:"FREEHOLD_OPERATIONS"`                                 // file or folder of trusted documents
	OperationsOnly      string        `env:"FREEHOLD_OPERATIONS_ONLY"      envDefault:"off"`      // on or off
	DatabaseConnections int           `env:"FREEHOLD_DATABASE_CONNECTIONS" envDefault:"20"`
	StatementTimeout    time.Duration `env:"FREEHOLD_STATEMENT_TIMEOUT"    envDefault:"3s"` // of a statement in the database
	Limits
	Passkeys
	Factors
	LogLevel slog.Level `env:"FREEHOLD_LOG_LEVEL"            envDefault:"INFO"`

	OIDCRedirects []string   `env:"FREEHOLD_OIDC_REDIRECTS"` // pages to which users return from a provider, comma-separated
	Providers     []Provider `env:"-"`                       // FREEHOLD_OIDC_<NAME>_…

	subgraph    bool              // whether the settings are those of a second subgraph
	secretFiles map[string]string // by setting: the file that has its value
}

// Development reports whether FREEHOLD_ENV is development.
func (c *Config) Development() bool { return c.Env == "development" }

// PrivateDatabase reports whether the service starts its own PostgreSQL.
func (c *Config) PrivateDatabase() bool { return c.Development() && c.DatabaseURL == "" }

// SigningKeyPath returns the file of the signing keys.
func (c *Config) SigningKeyPath() string {
	return cmp.Or(c.SigningKey, filepath.Join(c.DataDir, "signing-key.pem"))
}

// IsSubgraph reports whether the settings are those of a second subgraph, which has no accounts.
func (c *Config) IsSubgraph() bool { return c.subgraph }

// Load reads the settings of a service with accounts from an environment in the form of os.Environ. The error names every variable
// that is unknown or invalid. It contains no values except those of FREEHOLD_CORS_ORIGINS and FREEHOLD_CORS_HEADERS.
func Load(environ []string) (Config, error) { return load(environ, false) }

// LoadSubgraph is Load for a second subgraph, which has fewer settings.
func LoadSubgraph(environ []string) (Config, error) { return load(environ, true) }

func load(environ []string, subgraph bool) (Config, error) {
	c := Config{subgraph: subgraph}
	vars := env.ToMap(environ)
	var faults []error
	for name, value := range vars {
		if known := isSetting(name); strings.HasPrefix(name, "FREEHOLD_") && !known {
			faults = append(faults, unknownSetting(name))
		} else if known && value != "" && !c.has(name) {
			faults = append(faults, c.meaningless(name))
		}
	}
	vars, ofFiles := c.readSecrets(vars)
	faults = append(faults, ofFiles...)
	if err := env.ParseWithOptions(&c, env.Options{Environment: vars}); err != nil {
		faults = append(faults, nameFaults(err)...)
		return c, sorted(faults)
	}
	var ofProviders []error
	c.Providers, ofProviders = parseProviders(vars)
	c.OIDCRedirects = withoutBlanks(c.OIDCRedirects)
	faults = append(faults, ofProviders...)
	if c.PublicURL == "" && (c.Development() || c.subgraph) {
		c.PublicURL = "http://" + publicAddress(c.Addr)
	}
	if vars["FREEHOLD_DRAIN_DELAY"] == "" && !c.Development() {
		c.DrainDelay = 3 * time.Second
	}
	if c.DataDir == "" {
		c.DataDir = dataDir(vars)
		if c.subgraph {
			c.DataDir = filepath.Join(c.DataDir, "subgraph") // beside that of a service with accounts on the same machine
		}
	}
	c.RequireMFA = strings.FieldsFunc(strings.Join(c.RequireMFA, ","), func(r rune) bool { return r == ',' || r == ' ' })
	c.Issuer = strings.TrimSuffix(c.Issuer, "/")
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	c.TokenAudiences = normalizeAudiences(c.TokenAudiences, c.PublicURL)
	c.AppName = cmp.Or(c.AppName, c.Host())
	var ofOrigins, ofHeaders []error
	c.CORSOrigins, ofOrigins = normalizeOrigins("FREEHOLD_CORS_ORIGINS", c.CORSOrigins)
	c.CORSHeaders, ofHeaders = normalizeHeaders(c.CORSHeaders)
	ofPasskeys := c.completePasskeys()
	if vars["FREEHOLD_ENV"] == "" && c.DatabaseURL != "" && isHostPort(c.Addr) && !address.IsLoopback(c.Addr) {
		faults = append(faults, errors.New("FREEHOLD_ENV: required, since DATABASE_URL is set and FREEHOLD_ADDR is not a loopback address: set it to production, or to development for a developer's instance"))
	}
	return c, sorted(slices.Concat(faults, ofOrigins, ofHeaders, ofPasskeys, c.faults()))
}

func sorted(faults []error) error {
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// isSetting reports whether a variable is a setting.
func isSetting(name string) bool {
	return providerSetting.MatchString(name) || settingOf(name) != "" ||
		slices.ContainsFunc(reflect.VisibleFields(reflect.TypeFor[Config]()), func(f reflect.StructField) bool { return f.Tag.Get("env") == name })
}

// nameFaults converts the errors of the parser, which name Go fields and quote values, to ours.
func nameFaults(err error) (faults []error) {
	aggregate, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return []error{err}
	}
	for _, e := range aggregate.Errors {
		parse, ok := errors.AsType[env.ParseError](e)
		if !ok {
			faults = append(faults, e)
			continue
		}
		f, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
		faults = append(faults, fmt.Errorf("%s: must be a %s", f.Tag.Get("env"), kinds[f.Type.String()]))
	}
	return faults
}

var kinds = map[string]string{
	"int": "whole number", "int64": "whole number", "time.Duration": "duration, such as 15m or 720h", "slog.Level": "log level: DEBUG, INFO, WARN or ERROR",
	"limits.Limit": "limit: a number and a duration, such as 100/15m",
}

// isPrefixURL reports whether a text is a URL that the last part of a path can be appended to.
func isPrefixURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isHTTP(u) && strings.HasSuffix(u.Path, "/") && u.RawQuery == "" && u.Fragment == ""
}

func isHTTP(u *url.URL) bool { return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" }

const tenYears = 87600 * time.Hour

// faults returns what is wrong with settings that were parsed.
func (c *Config) faults() (faults []error) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	oneOf := func(name, value string, values ...string) {
		check(slices.Contains(values, value), "%s: must be one of %s", name, strings.Join(values, ", "))
	}
	oneOf("FREEHOLD_ENV", c.Env, "development", "production")
	oneOf("FREEHOLD_RATE_LIMIT", c.RateLimit, "on", "off")
	oneOf("FREEHOLD_REQUIRE_VERIFIED_EMAIL", c.RequireVerifiedEmail, "on", "off")
	oneOf("FREEHOLD_OPERATIONS_ONLY", c.OperationsOnly, "on", "off")
	oneOf("FREEHOLD_ANONYMOUS", c.Anonymous, "on", "off")
	check(c.AnonymousMax >= 1 && c.AnonymousMax <= 1_000_000, "FREEHOLD_ANONYMOUS_MAX: must be between 1 and 1000000")
	check(c.OperationsOnly != "on" || c.Operations != "", "FREEHOLD_OPERATIONS_ONLY: on requires FREEHOLD_OPERATIONS")
	check(c.RequireVerifiedEmail != "on" || c.Development() || c.SMTPURL != "", "FREEHOLD_REQUIRE_VERIFIED_EMAIL: on requires FREEHOLD_SMTP_URL in production")
	check(c.BreachURL == "" || isPrefixURL(c.BreachURL), "FREEHOLD_BREACH_URL: must be an http or https URL that ends in a slash")
	oneOf("FREEHOLD_DEFAULT_VISIBILITY", c.DefaultVisibility, "PRIVATE", "MEMBERS", "PUBLIC")
	check(isHostPort(c.Addr), "FREEHOLD_ADDR: must be host:port")
	check(c.MetricsAddr == "" || isHostPort(c.MetricsAddr), "FREEHOLD_METRICS_ADDR: must be host:port")
	check(c.PprofAddr == "" || isHostPort(c.PprofAddr) && address.IsLoopback(c.PprofAddr), "FREEHOLD_PPROF_ADDR: must be host:port with a loopback address, such as 127.0.0.1:6060")
	check(c.PasswordMinLength >= 8 && c.PasswordMinLength <= 64, "FREEHOLD_PASSWORD_MIN_LENGTH: must be between 8 and 64")
	check(c.CostLimit >= 100 && c.CostLimit <= 1_000_000, "FREEHOLD_COST_LIMIT: must be between 100 and 1000000")
	check(c.DepthLimit >= 5 && c.DepthLimit <= 100, "FREEHOLD_DEPTH_LIMIT: must be between 5 and 100")
	check(c.AliasLimit >= 0 && c.AliasLimit <= 1000, "FREEHOLD_ALIAS_LIMIT: must be between 0 and 1000")
	check(c.ReplyLimit >= 16384 && c.ReplyLimit <= 64<<20, "FREEHOLD_REPLY_LIMIT: must be between 16384 and 67108864")
	check(c.ReplyMemory >= int64(c.ReplyLimit), "FREEHOLD_REPLY_MEMORY: must be at least FREEHOLD_REPLY_LIMIT")
	check((c.SMTPURL == "") == (c.MailFrom == ""), "FREEHOLD_SMTP_URL and FREEHOLD_MAIL_FROM: set both or neither")
	_, proxiesFine := address.ParseProxies(c.TrustedProxies)
	check(proxiesFine, "FREEHOLD_TRUSTED_PROXIES: each value must be an address or a block of addresses, such as 10.0.0.0/8")
	checkMail := func(name, value string, validate func(string) error) {
		if err := validate(value); value != "" && err != nil {
			check(false, "%s: %v", name, err)
		}
	}
	checkMail("FREEHOLD_SMTP_URL", c.SMTPURL, mail.CheckSMTPURL)
	checkMail("FREEHOLD_MAIL_FROM", c.MailFrom, mail.CheckFrom)
	check(c.PasswordQueue >= 1, "FREEHOLD_PASSWORD_QUEUE: must be at least 1")
	check(c.BodyLimit >= 1024 && c.BodyLimit <= 16<<20, "FREEHOLD_BODY_LIMIT: must be between 1024 and 16777216")
	check(c.TokenLimit >= 100 && c.TokenLimit <= 10000, "FREEHOLD_TOKEN_LIMIT: must be between 100 and 10000")
	check(c.DatabaseConnections >= 2, "FREEHOLD_DATABASE_CONNECTIONS: must be at least 2")
	for name, d := range map[string]time.Duration{
		"FREEHOLD_ACCESS_TOKEN_TTL": c.AccessTokenTTL, "FREEHOLD_SESSION_IDLE": c.SessionIdle, "FREEHOLD_SESSION_LIFETIME": c.SessionLifetime,
		"FREEHOLD_EVENT_RETENTION": c.EventRetention, "FREEHOLD_REAUTH_AFTER": c.ReauthAfter, "FREEHOLD_PENDING_LIFETIME": c.PendingLifetime,
		"FREEHOLD_USERNAME_HOLD": c.UsernameHold, "FREEHOLD_ANONYMOUS_IDLE": c.AnonymousIdle,
		"FREEHOLD_REQUEST_TIMEOUT": c.RequestTimeout, "FREEHOLD_DRAIN_TIMEOUT": c.DrainTimeout,
		"FREEHOLD_STATEMENT_TIMEOUT": c.StatementTimeout,
	} {
		check(d >= time.Second && d <= tenYears, "%s: must be between 1s and 87600h", name)
	}
	// Tokens and codes must expire before their key does. A retired key is kept for a day.
	check(c.AccessTokenTTL <= 12*time.Hour, "FREEHOLD_ACCESS_TOKEN_TTL: must be at most 12h")
	check(c.CodeLifetime >= time.Minute && c.CodeLifetime <= 12*time.Hour, "FREEHOLD_CODE_LIFETIME: must be between 1m and 12h")
	check(c.RefreshGrace >= 0 && c.RefreshGrace <= time.Minute, "FREEHOLD_REFRESH_GRACE: must be between 0s and 1m")
	check(c.DrainDelay >= 0 && c.DrainDelay <= time.Minute, "FREEHOLD_DRAIN_DELAY: must be between 0s and 1m")
	u, err := url.Parse(c.PublicURL)
	check(err == nil && isHTTP(u) && u.RawQuery == "" && u.User == nil,
		"FREEHOLD_PUBLIC_URL: must be an http or https URL")
	faults = append(faults, c.audienceFaults()...)
	faults = append(faults, c.oidcFaults()...)
	faults = append(faults, c.mailFaults()...)
	faults = append(faults, c.Limits.faults()...)
	faults = append(faults, c.passkeyFaults()...)
	faults = append(faults, c.Factors.faults()...)
	faults = append(faults, c.subgraphFaults()...)
	if !c.Development() && c.subgraph {
		check(c.DatabaseURL != "", "DATABASE_URL: required in production")
	} else if !c.Development() {
		check(err != nil || u.Scheme != "http", "FREEHOLD_PUBLIC_URL: must be https in production. Use FREEHOLD_ENV=development to try the service without TLS")
		check(c.DatabaseURL != "", "DATABASE_URL: required in production")
		check(c.SigningKey != "", "FREEHOLD_SIGNING_KEY_FILE: required in production")
	}
	return faults
}

func isHostPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	_, errPort := strconv.ParseUint(port, 10, 16)
	return err == nil && errPort == nil
}

// publicAddress returns the address at which a browser on this machine reaches a listener.
func publicAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return listen
}

// dataDir returns the default folder of the data, which does not depend on the current folder.
func dataDir(vars map[string]string) string {
	if os.Geteuid() == 0 {
		return "/var/lib/freehold" // PostgreSQL does not run as root, and other users cannot read /root
	}
	if dir := vars["XDG_DATA_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "freehold")
	}
	return filepath.Join(vars["HOME"], ".local", "share", "freehold")
}

// Print returns the settings as lines of NAME=value. It masks secrets.
func (c *Config) Print() string {
	var b strings.Builder
	v := reflect.ValueOf(*c)
	for _, f := range reflect.VisibleFields(v.Type()) {
		if name := f.Tag.Get("env"); name == "" || name == "-" || !c.has(name) {
			continue
		}
		if file, ok := c.secretFiles[f.Tag.Get("env")]; ok {
			fmt.Fprintf(&b, "%s_FILE=%s\n", f.Tag.Get("env"), file)
			continue
		}
		value := fmt.Sprint(v.FieldByIndex(f.Index).Interface())
		switch f.Tag.Get("secret") {
		case "":
		case "whole":
			value = strings.Repeat("x", min(len(value), 5))
		default:
			value = mask(value)
		}
		fmt.Fprintf(&b, "%s=%s\n", f.Tag.Get("env"), value)
	}
	return b.String() + c.printProviders()
}
