package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each secret can be in a file, of which the settings that are printed show only the name.
func TestSecretsInFiles(t *testing.T) {
	t.Parallel()
	names := strings.Join(secretSettings(), " ")
	if names != "DATABASE_URL FREEHOLD_MIGRATE_URL FREEHOLD_BACKUP_URL FREEHOLD_SMTP_URL FREEHOLD_BREACH_URL" {
		t.Fatalf("the secrets: %s", names)
	}
	values := map[string]string{
		"DATABASE_URL": "postgres://app:s3cret@db.example/freehold", "FREEHOLD_MIGRATE_URL": "host=db.example password=s3cret", "FREEHOLD_BACKUP_URL": "postgres://backup:s3cret@db.example/freehold",
		"FREEHOLD_SMTP_URL": "smtp://mail:s3cret@mail.example:587", "FREEHOLD_BREACH_URL": "https://range:s3cret@breaches.example/range/",
	}
	settings := []string{"FREEHOLD_MAIL_FROM=a@example.org"}
	for name, value := range values {
		settings = append(settings, name+"_FILE="+write(t, value+"\n"))
	}
	c, err := Load(settings)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"DATABASE_URL": c.DatabaseURL, "FREEHOLD_MIGRATE_URL": c.MigrateURL, "FREEHOLD_BACKUP_URL": c.BackupURL, "FREEHOLD_SMTP_URL": c.SMTPURL, "FREEHOLD_BREACH_URL": c.BreachURL,
	} {
		if got != values[name] {
			t.Errorf("%s is %q, want %q", name, got, values[name])
		}
	}
	printed := c.Print()
	for _, setting := range settings {
		if !strings.Contains(printed, setting+"\n") {
			t.Errorf("the settings lack %s:\n%s", setting, printed)
		}
	}
	if strings.Contains(printed, "s3cret") || strings.Contains(printed, "\nDATABASE_URL=") {
		t.Errorf("a secret is printed:\n%s", printed)
	}
}

func TestSecretsInFilesAreRefused(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none")
	for want, settings := range map[string][]string{
		"DATABASE_URL and DATABASE_URL_FILE: set only one of them": {"DATABASE_URL=postgres://db/x", "DATABASE_URL_FILE=" + write(t, "postgres://db/y")},
		"DATABASE_URL_FILE: open " + missing:                       {"DATABASE_URL_FILE=" + missing},
		"DATABASE_URL_FILE: the file is empty":                     {"DATABASE_URL_FILE=" + write(t, " \n")},
		"FREEHOLD_SMTP_URL: ":                                      {"FREEHOLD_MAIL_FROM=a@example.org", "FREEHOLD_SMTP_URL_FILE=" + write(t, "s3cret")},
		"FREEHOLD_ADDR_FILE: ":                                     {"FREEHOLD_ADDR_FILE=" + write(t, "x")},
	} {
		if _, err := Load(settings); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: %v, want %s", settings, err, want)
		}
	}
	_, err := LoadSubgraph([]string{"FREEHOLD_SMTP_URL_FILE=" + write(t, "smtp://mail.example")})
	if err == nil || !strings.Contains(err.Error(), "FREEHOLD_SMTP_URL_FILE: must not be set") {
		t.Errorf("a setting of accounts in a second subgraph: %v", err)
	}
}
