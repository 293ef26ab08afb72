package operators

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// mailServer starts a mail server that replies to the sign-in with a line. It accepts no mail. It returns its address.
func mailServer(t *testing.T, signIn string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				fmt.Fprint(conn, "220 localhost\r\n")
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					switch verb, _, _ := strings.Cut(lines.Text(), " "); verb {
					case "EHLO":
						fmt.Fprint(conn, "250-localhost\r\n250 AUTH PLAIN\r\n")
					case "AUTH":
						fmt.Fprint(conn, signIn+"\r\n")
					case "MAIL":
						t.Error("a mail was sent")
					default:
						fmt.Fprint(conn, "250 fine\r\n")
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// answering starts a web server that answers with a status.
func answering(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(server.Close)
	return server.URL
}

// patient is a healthy service: everything that can be configured works.
type patient struct {
	dir      string
	db       dbtest.Database
	settings map[string]string
	now      func() time.Time
}

const canary = "canary-s3cret"

// newPatient starts the service with a database of its own.
func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{dir: t.TempDir(), db: dbtest.New(t)}
	s := harness.StartWith(t, p.db, harness.BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+p.dir)
	p.settings = map[string]string{
		"DATABASE_URL": p.db.App, "FREEHOLD_MIGRATE_URL": p.db.Owner, "FREEHOLD_PUBLIC_URL": s.URL, "FREEHOLD_DATA_DIR": p.dir,
		"FREEHOLD_SIGNING_KEY_FILE": p.dir + "/signing-key.pem", "FREEHOLD_ENCRYPTION_KEY_FILE": p.dir + "/encryption-key",
		"FREEHOLD_SMTP_URL": "smtp://mailer:" + canary + "@" + mailServer(t, "235 welcome"), "FREEHOLD_MAIL_FROM": "no-reply@example.org",
		"FREEHOLD_BREACH_URL": strings.Replace(answering(t, http.StatusOK), "//", "//user:"+canary+"@", 1) + "/range/", "FREEHOLD_TRUSTED_PROXIES": "10.0.0.0/8,192.0.2.1",
	}
	for _, setting := range harness.StartProvider().Settings() {
		name, value, _ := strings.Cut(setting, "=")
		p.settings[name] = value
	}
	p.settings["FREEHOLD_OIDC_PROOF_CLIENT_SECRET"] = canary
	return p
}

// clone returns another patient, whose settings and keys a test can change, but not its database.
func (p *patient) clone(t *testing.T) *patient {
	t.Helper()
	c := &patient{dir: t.TempDir(), db: p.db, settings: maps.Clone(p.settings)}
	for setting, file := range map[string]string{"FREEHOLD_SIGNING_KEY_FILE": "signing-key.pem", "FREEHOLD_ENCRYPTION_KEY_FILE": "encryption-key"} {
		text, err := os.ReadFile(filepath.Join(p.dir, file))
		if err != nil {
			t.Fatal(err)
		}
		c.settings[setting] = filepath.Join(c.dir, file)
		write(t, c.settings[setting], string(text))
	}
	c.settings["FREEHOLD_DATA_DIR"] = c.dir
	return c
}

func (p *patient) environ() (list []string) {
	for name, value := range p.settings {
		list = append(list, name+"="+value)
	}
	return list
}

func (p *patient) examine(t *testing.T) []operate.Finding {
	t.Helper()
	c, err := harness.Program.LoadConfig(p.environ())
	if err != nil {
		t.Fatal(err)
	}
	findings, failed := operate.Examine(t.Context(), harness.Program, c, p.now)
	if fails := slices.ContainsFunc(findings, func(f operate.Finding) bool { return f.Level == "FAIL" }); fails != failed {
		t.Errorf("failed is %v", failed)
	}
	return findings
}

// ahead returns a clock.
func ahead(d time.Duration) func(*testing.T, *patient) {
	return func(_ *testing.T, p *patient) { p.now = func() time.Time { return time.Now().Add(d) } }
}

// set changes a setting.
func set(pairs ...string) func(*testing.T, *patient) {
	return func(_ *testing.T, p *patient) {
		for pair := range slices.Chunk(pairs, 2) {
			p.settings[pair[0]] = pair[1]
		}
	}
}

// query changes a database, which no other patient has.
func query(statements string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		p.db = dbtest.New(t)
		p.settings["DATABASE_URL"], p.settings["FREEHOLD_MIGRATE_URL"] = p.db.App, p.db.Owner
		p.db.Query(t, statements)
	}
}

const mailRow = `INSERT INTO app.outbox (id, kind, recipient, created_at, parked_at, last_error) VALUES (gen_random_uuid(), 'x', 'a@example.org', `

// illness is a defect, and the line by which the doctor shows it.
type illness struct {
	name   string
	defect func(*testing.T, *patient)
	level  string
	check  string
	text   string   // part of what was found
	advice string   // part of what to do
	also   []string // other checks that notice
}

// production are settings of production, in which neither the public URL nor the provider answers.
var production = []string{"FREEHOLD_ENV", "production", "FREEHOLD_PUBLIC_URL", "https://127.0.0.1:1", "FREEHOLD_OIDC_PROOF_ISSUER", "https://127.0.0.1:1", "FREEHOLD_OIDC_REDIRECTS", "https://app.example/"}

var unanswered = []string{"public url", "provider proof"}

var illnesses = []illness{
	{"no answer", set("DATABASE_URL", "postgres://freehold_app:"+canary+"@127.0.0.1:1/x?sslmode=disable"), "FAIL", "database", "connection refused", "check DATABASE_URL", nil},
	{"a wrong password", func(_ *testing.T, p *patient) {
		p.settings["DATABASE_URL"] = strings.Replace(p.db.App, "freehold_app:", "freehold_app:"+canary, 1)
	}, "FAIL", "database", "password authentication failed", "check DATABASE_URL", nil},
	{"a malformed URL", set("DATABASE_URL", "postgres://a:"+canary+"@[x"), "FAIL", "database", "malformed", "correct DATABASE_URL", nil},
	{"read-only", func(_ *testing.T, p *patient) { p.settings["DATABASE_URL"] += "&default_transaction_read_only=on" }, "warn", "database", "read-only", "primary", nil},
	{"an encoding", func(t *testing.T, p *patient) {
		p.settings["DATABASE_URL"] = dbtest.NewEmpty(t, `ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`).App
	}, "FAIL", "encoding and pooler", "LATIN1", "docs/deployment.md", nil},
	{"a pooler", func(t *testing.T, p *patient) {
		p.settings["DATABASE_URL"] = dbtest.NewPooler(t, p.db.App).URL(p.db.App)
	}, "FAIL", "encoding and pooler", "max_prepared_statements", "docs/deployment.md", nil},
	{"a role", func(_ *testing.T, p *patient) { p.settings["DATABASE_URL"] = p.db.Bypass }, "FAIL", "role", "BYPASSRLS", "freehold_app", nil},
	{"a superuser", func(_ *testing.T, p *patient) { p.settings["DATABASE_URL"] = p.db.Superuser }, "FAIL", "role", "superuser", "freehold_app", nil},
	{"the owner", func(_ *testing.T, p *patient) { p.settings["FREEHOLD_MIGRATE_URL"] = p.db.App }, "FAIL", "owner role", "not the owner role", "freehold_owner", []string{"migrations", "exports"}},
	{"a malformed URL of the owner", set("FREEHOLD_MIGRATE_URL", "postgres://a:"+canary+"@[x"), "FAIL", "owner role", "malformed", "FREEHOLD_MIGRATE_URL", []string{"migrations"}},
	{"a newer database", query(`COMMENT ON TABLE migrations.freehold IS '9999, serves builds from 9998'`), "FAIL", "migrations", "9998", "newer build", nil},
	{"a changed function", query(`UPDATE migrations.function_files SET sha256 = '' WHERE name = 'viewer_id'`), "warn", "migrations", "1 migrations or functions", "freehold migrate", nil},
	{"a policy", query(`ALTER POLICY profiles_select ON app.profiles USING (true)`), "FAIL", "policies", "profiles", "freehold migrate", nil},
	{"a table without row security", query(`ALTER TABLE app.profiles NO FORCE ROW LEVEL SECURITY`), "FAIL", "policies", "profiles", "freehold migrate", nil},
	{"a column that was added by hand", query(`ALTER TABLE app.profiles ADD COLUMN by_hand text`), "FAIL", "exports", "have changed since the last migration", "freehold migrate", nil},
	{"too many connections", set("FREEHOLD_DATABASE_CONNECTIONS", "500"), "FAIL", "connections", "up to 500 connections", "FREEHOLD_DATABASE_CONNECTIONS", nil},
	{"room for one instance", set("FREEHOLD_DATABASE_CONNECTIONS", "300"), "warn", "connections", "a second one does not fit", "max_connections", nil},
	{"a clock", ahead(5 * time.Second), "warn", "clock", "differ by", "NTP", nil},
	{"a clock far behind", ahead(-2 * time.Minute), "FAIL", "clock", "tokens and codes are refused", "NTP", nil},
	{"a parked mail", query(mailRow + `now(), now(), 'smtp 550 recipient')`), "warn", "mails", "1 mail was given up and parked", "freehold admin mails", nil},
	{"a late mail", query(mailRow + `now() - interval '20 minutes', NULL, 'connection')`), "warn", "mails", "the oldest of 1 waiting mail has waited for 20m0s", "FREEHOLD_SMTP_URL", nil},
	{"a mail that does not go out", query(mailRow + `now() - interval '2 hours', NULL, 'connection')`), "FAIL", "mails", "2h0m0s", "FREEHOLD_SMTP_URL", nil},
	{"a withheld mail", query(mailRow + `now() - interval '2 hours', now(), 'withheld')`), "ok", "mails", "none is late", "", nil},
	{"a secret of another key", query(`WITH u AS (INSERT INTO app.users (id) VALUES (gen_random_uuid()) RETURNING id),
		c AS (INSERT INTO app.credentials (id, user_id, kind, name) SELECT gen_random_uuid(), id, 'TOTP', 'x' FROM u RETURNING id)
		INSERT INTO app.totp_secrets (credential_id, secret) SELECT id, 'sealed with a key that nobody has'::bytea FROM c`), "FAIL", "sealed secrets", "key", "add the key", nil},
	{"a key that others can read", func(t *testing.T, p *patient) { chmod(t, p.dir+"/signing-key.pem", 0o644) }, "FAIL", "signing keys", "mode 0644", "FREEHOLD_SIGNING_KEY_FILE", nil},
	{"no key", set(append(slices.Clone(production), "FREEHOLD_SIGNING_KEY_FILE", "/nowhere/key.pem")...), "FAIL", "signing keys", "no such file", "FREEHOLD_SIGNING_KEY_FILE", unanswered},
	{"an old key", rotated(-400 * 24 * time.Hour), "warn", "signing keys", "signs, 400 days old", "freehold keys rotate", nil},
	{"a next key", rotated(0), "ok", "signing keys", "1 will sign within ten minutes", "", nil},
	{"an encryption key", func(t *testing.T, p *patient) { write(t, p.dir+"/encryption-key", canary) }, "FAIL", "encryption key", "", "FREEHOLD_ENCRYPTION_KEY_FILE", []string{"sealed secrets"}},
	{"no encryption key", set(append(slices.Clone(production), "FREEHOLD_ENCRYPTION_KEY_FILE", "")...), "warn", "encryption key", "no user can add", "FREEHOLD_ENCRYPTION_KEY_FILE", unanswered},
	{"no mail server", set(append(slices.Clone(production), "FREEHOLD_SMTP_URL", "", "FREEHOLD_MAIL_FROM", "")...), "warn", "smtp", "no mail is sent", "FREEHOLD_SMTP_URL", unanswered},
	{"a mail server that is down", set("FREEHOLD_SMTP_URL", "smtp://a:"+canary+"@127.0.0.1:1"), "FAIL", "smtp", "connection refused", "FREEHOLD_SMTP_URL", nil},
	{"a refused sign-in", func(t *testing.T, p *patient) {
		p.settings["FREEHOLD_SMTP_URL"] = "smtp://a:" + canary + "@" + mailServer(t, "535 no "+canary)
	}, "FAIL", "smtp", "smtp 535 sign-in", "FREEHOLD_SMTP_URL", nil},
	{"no TLS", func(t *testing.T, p *patient) {
		p.settings["FREEHOLD_SMTP_URL"] = "smtps://a:" + canary + "@" + mailServer(t, "235 welcome")
	}, "FAIL", "smtp", "TLS", "FREEHOLD_SMTP_URL", nil},
	{"leaked passwords", func(t *testing.T, p *patient) {
		p.settings["FREEHOLD_BREACH_URL"] = answering(t, http.StatusForbidden) + "/"
	}, "warn", "breaches", "403", "leaked passwords are accepted", nil},
	{"leaked passwords, down", set("FREEHOLD_BREACH_URL", "http://a:"+canary+"@127.0.0.1:1/"), "warn", "breaches", "connection refused", "FREEHOLD_BREACH_URL", nil},
	{"a provider that is down", set("FREEHOLD_OIDC_PROOF_ISSUER", "http://127.0.0.1:1"), "FAIL", "provider proof", "connection refused", "FREEHOLD_OIDC_PROOF_ISSUER", nil},
	{"a provider with another name", func(_ *testing.T, p *patient) { p.settings["FREEHOLD_OIDC_PROOF_ISSUER"] += "/" }, "FAIL", "provider proof", "issuer", "FREEHOLD_OIDC_PROOF_ISSUER", nil},
	{"everybody is a proxy", set("FREEHOLD_TRUSTED_PROXIES", "10.0.0.1,0.0.0.0/0"), "FAIL", "proxies", "0.0.0.0/0 is trusted", "FREEHOLD_TRUSTED_PROXIES", nil},
	{"half of everybody", set("FREEHOLD_TRUSTED_PROXIES", "128.0.0.0/1"), "FAIL", "proxies", "128.0.0.0/1 is trusted", "FREEHOLD_TRUSTED_PROXIES", nil},
	{"everybody with IPv6", set("FREEHOLD_TRUSTED_PROXIES", "::/0"), "FAIL", "proxies", "::/0 is trusted", "FREEHOLD_TRUSTED_PROXIES", nil},
	{"a public network", set("FREEHOLD_TRUSTED_PROXIES", "8.0.0.0/9"), "warn", "proxies", "large public network", "FREEHOLD_TRUSTED_PROXIES", nil},
	{"a host without an address", set("FREEHOLD_PUBLIC_URL", "http://nowhere.invalid"), "warn", "dns", "nowhere.invalid: ", "DNS", []string{"public url"}},
	{"a public URL without an answer", set("FREEHOLD_PUBLIC_URL", "http://127.0.0.1:1"), "warn", "public url", "connection refused", "proxy in front", nil},
	{"a public URL of something else", func(t *testing.T, p *patient) { p.settings["FREEHOLD_PUBLIC_URL"] = answering(t, http.StatusNotFound) }, "warn", "public url", "status 404", "proxy in front", nil},
	{"a full disk", set("FREEHOLD_DATA_DIR", "/proc"), "FAIL", "disk", "/proc has 0 MB left", "FREEHOLD_DATA_DIR", nil},
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rotated adds a signing key that was created some time ago.
func rotated(ahead time.Duration) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		t.Helper()
		c := config.Config{SigningKey: p.settings["FREEHOLD_SIGNING_KEY_FILE"]}
		if _, _, err := operate.RotateKeys(c, time.Now().Add(ahead)); err != nil {
			t.Fatal(err)
		}
	}
}

// Each check of `freehold doctor` notices its defect, says what is wrong and what to do, and no other check does. Everything is in order
// without a defect. No finding contains a secret.
func TestDoctor(t *testing.T) {
	t.Parallel()
	healthy := newPatient(t)
	names := map[string]bool{}
	for _, f := range healthy.examine(t) {
		if names[f.Check] = false; f.Level != "ok" || f.Advice != "" {
			t.Errorf("without a defect: %+v", f)
		}
	}
	for _, i := range illnesses {
		if _, known := names[i.check]; !known {
			t.Errorf("%s: there is no check %q", i.name, i.check)
		}
		names[i.check] = true
		t.Run(i.name, func(t *testing.T) {
			t.Parallel()
			p := healthy.clone(t)
			i.defect(t, p)
			findings, seen := p.examine(t), false
			for _, f := range findings {
				switch {
				case f.Check == i.check:
					seen = true
					if string(f.Level) != i.level || !strings.Contains(f.Text, i.text) || !strings.Contains(f.Advice, i.advice) || (f.Advice == "") != (i.level == "ok") {
						t.Errorf("%+v; want %s, %q and %q", f, i.level, i.text, i.advice)
					}
				case f.Level != "ok" && !slices.Contains(i.also, f.Check):
					t.Errorf("another check notices: %+v", f)
				}
				if strings.Contains(fmt.Sprint(f), canary) {
					t.Errorf("a secret is printed: %+v", f)
				}
			}
			if !seen {
				t.Errorf("the check is missing: %+v", findings)
			}
		})
	}
	for name, tested := range maps.All(names) {
		if !tested {
			t.Errorf("no defect is noticed by the check %q", name)
		}
	}
}

// The command prints a line for each check, or JSON, and fails if a check does.
func TestDoctorCommand(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	s := &harness.Service{T: t, DB: p.db}
	output, ok := freehold(s, p.environ(), "doctor")
	if lines := strings.Split(strings.TrimSpace(output), "\n"); !ok || len(lines) != len(p.examine(t)) || !strings.HasPrefix(lines[0], "ok    encoding and pooler   UTF8, ") {
		t.Errorf("without a defect: %v\n%s", ok, output)
	}
	p.settings["FREEHOLD_SMTP_URL"] = "smtp://a:" + canary + "@127.0.0.1:1"
	output, ok = freehold(s, p.environ(), "doctor")
	if ok || !strings.Contains(output, "\nFAIL  smtp                  ") || !strings.Contains(output, ". To do: check FREEHOLD_SMTP_URL") || !strings.HasSuffix(output, "freehold: something does not work: see the lines with FAIL\n") {
		t.Errorf("with a defect: %v\n%s", ok, output)
	}
	output, ok = freehold(s, p.environ(), "doctor", "--json")
	text, _, _ := strings.Cut(output, "\n")
	var report struct {
		Checks []operate.Finding
		Failed bool
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil || ok || !report.Failed || len(report.Checks) != len(p.examine(t)) {
		t.Errorf("as JSON: %v %v %s", ok, err, output)
	}
	if output, ok := freehold(s, p.environ(), "doctor", "--xml"); ok || !strings.Contains(output, "usage: freehold doctor [--json]") {
		t.Errorf("an unknown option: %s", output)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "postgres")); err == nil {
		t.Error("it started a private PostgreSQL")
	}
}
