package config

import (
	"strings"
	"testing"
	"time"
)

func TestOriginsAndHeadersAreNormalized(t *testing.T) {
	t.Parallel()
	_, err := Load([]string{"FREEHOLD_CORS_ORIGINS=https://a.example, https://b.example/path,*", "FREEHOLD_CORS_HEADERS=x-fine,x bad,*", "FREEHOLD_OPERATIONS_ONLY=on"})
	for _, want := range []string{`"https://b.example/path" is not an origin`, `"*" is not an origin`, `"x bad" is not the name of a header`, `"*" is not the name of a header`, "FREEHOLD_OPERATIONS_ONLY: on requires FREEHOLD_OPERATIONS"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	if c, err := Load([]string{"FREEHOLD_CORS_ORIGINS= https://a.example:443 ,,capacitor://localhost,"}); err != nil || strings.Join(c.CORSOrigins, " ") != "https://a.example capacitor://localhost" {
		t.Errorf("%v, %v", c.CORSOrigins, err)
	}
}

func TestEveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	_, err := Load([]string{
		"FREEHOLD_ADRR=x", "FREEHOLD_ENV=prod", "FREEHOLD_ADDR=8080", "FREEHOLD_METRICS_ADDR=9090", "FREEHOLD_PPROF_ADDR=6060", "FREEHOLD_RATE_LIMIT=yes", "FREEHOLD_DEFAULT_VISIBILITY=public",
		"FREEHOLD_PASSWORD_MIN_LENGTH=4", "FREEHOLD_PUBLIC_URL=secret-value", "FREEHOLD_SESSION_IDLE=1ms", "OTHER=x", "PATH=/bin",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{
		"FREEHOLD_ADRR: unknown setting", "FREEHOLD_ENV: must be one of development, production", "FREEHOLD_ADDR: ", "FREEHOLD_METRICS_ADDR: ", "FREEHOLD_PPROF_ADDR: ",
		"FREEHOLD_RATE_LIMIT: ", "FREEHOLD_DEFAULT_VISIBILITY: ", "FREEHOLD_PASSWORD_MIN_LENGTH: ", "FREEHOLD_PUBLIC_URL: ", "FREEHOLD_SESSION_IDLE: ",
		"DATABASE_URL: required in production", "FREEHOLD_SIGNING_KEY_FILE: required in production",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not say %q:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "secret-value") || strings.Contains(err.Error(), "OTHER") {
		t.Errorf("the error says too much:\n%v", err)
	}
	_, err = Load([]string{"FREEHOLD_BODY_LIMIT=lots", "FREEHOLD_SESSION_IDLE=long", "FREEHOLD_LOG_LEVEL=loud"})
	for _, want := range []string{"FREEHOLD_BODY_LIMIT: must be a whole number", "FREEHOLD_SESSION_IDLE: must be a duration", "FREEHOLD_LOG_LEVEL: must be a log level"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

// Profiles show how the service works, so other machines never reach them.
func TestPprofIsOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for addr, allowed := range map[string]bool{
		"127.0.0.1:6060": true, "localhost:6060": true, "[::1]:0": true,
		":6060": false, "0.0.0.0:6060": false, "[::]:6060": false, "10.0.0.1:6060": false, "127.0.0.1": false, "id.example.org:6060": false,
	} {
		_, err := Load([]string{"FREEHOLD_PPROF_ADDR=" + addr})
		if (err == nil) != allowed || err != nil && !strings.Contains(err.Error(), "FREEHOLD_PPROF_ADDR: must be host:port with a loopback address") {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// W15: unsafe settings of production are refused, and the error says how to fix them.
func TestUnsafeSetupsAreRefused(t *testing.T) {
	t.Parallel()
	database, open := "DATABASE_URL=postgres://x", "FREEHOLD_ADDR=0.0.0.0:8080"
	production := []string{"FREEHOLD_ENV=production", database, "FREEHOLD_SIGNING_KEY_FILE=x"}
	for name, c := range map[string]struct {
		settings []string
		want     string // of the error; "" for none
	}{
		"production by https":             {append(production, "FREEHOLD_PUBLIC_URL=https://id.example.org"), ""},
		"production by http":              {append(production, "FREEHOLD_PUBLIC_URL=http://id.example.org"), "FREEHOLD_PUBLIC_URL: must be https in production"},
		"production on localhost by http": {append(production, "FREEHOLD_PUBLIC_URL=http://localhost:8080"), "FREEHOLD_PUBLIC_URL: must be https in production"},
		"development by http":             {[]string{"FREEHOLD_PUBLIC_URL=http://dev.example.org"}, ""},
		"by default, open":                {[]string{database, open}, "FREEHOLD_ENV: required"},
		"empty, open":                     {[]string{"FREEHOLD_ENV=", database, open}, "FREEHOLD_ENV: required"},
		"by default, on all addresses":    {[]string{database, "FREEHOLD_ADDR=:8080"}, "FREEHOLD_ENV: required"},
		"by default, by a name":           {[]string{database, "FREEHOLD_ADDR=db.example.org:8080"}, "FREEHOLD_ENV: required"},
		"chosen, open":                    {[]string{"FREEHOLD_ENV=development", database, open}, ""},
		"by default, on loopback":         {[]string{database, "FREEHOLD_ADDR=[::1]:8080"}, ""},
		"by default, private database":    {[]string{open}, ""},
	} {
		_, err := Load(c.settings)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A server in production still serves while its balancer notices that it stops. A developer's does not wait.
func TestDrainDelay(t *testing.T) {
	t.Parallel()
	production := []string{"FREEHOLD_ENV=production", "DATABASE_URL=postgres://x", "FREEHOLD_SIGNING_KEY_FILE=x", "FREEHOLD_PUBLIC_URL=https://id.example.org"}
	for want, settings := range map[time.Duration][]string{0: nil, 3 * time.Second: production, 1: append(production, "FREEHOLD_DRAIN_DELAY=1ns")} {
		if c, err := Load(settings); err != nil || c.DrainDelay != want {
			t.Errorf("%v: %v, %v; want %v", settings, c.DrainDelay, err, want)
		}
	}
	if c, err := Load(append(production, "FREEHOLD_DRAIN_DELAY=0s")); err != nil || c.DrainDelay != 0 {
		t.Errorf("no delay: %v, %v", c.DrainDelay, err)
	}
}

func TestPublicURLOfDevelopment(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		":8080": "http://localhost:8080", "0.0.0.0:8080": "http://localhost:8080", "[::]:80": "http://localhost:80",
		"127.0.0.1:8080": "http://127.0.0.1:8080", "[::1]:8080": "http://[::1]:8080", "dev.example:8080": "http://dev.example:8080",
	} {
		if c, err := Load([]string{"FREEHOLD_ADDR=" + addr}); err != nil || c.PublicURL != want {
			t.Errorf("%s: %s, %v; want %s", addr, c.PublicURL, err, want)
		}
	}
}

func TestDefaultsAndPrintMasksSecrets(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://app:s3cret@db.example/freehold?sslmode=verify-full", "host=db.example user=app password=s3cret dbname=freehold",
		"host=db.example password='s3cret with \\' quote' user=app", "postgres://db.example/freehold?user=app&password=s3cret", "postgres://app:s3cret%zz@x",
		"postgres://db.example/freehold?user=app&sslpassword=s3cret", "postgres://db.example/freehold?PASSWORD=s3cret&password=s3cret", "host=db.example sslpassword = s3cret",
		"postgres:app:s3cret@db.example password=s3cret", "smtp://mail:s3cret@mail.example:587", "https://range:s3cret@breaches.example/range/",
	} {
		c, err := Load([]string{"DATABASE_URL=" + url, "FREEHOLD_MIGRATE_URL=" + url, "HOME=/home/ann"})
		if err != nil {
			t.Fatal(err)
		}
		printed := c.Print()
		for _, want := range []string{"FREEHOLD_ENV=development\n", "FREEHOLD_ADDR=127.0.0.1:8080\n", "FREEHOLD_PUBLIC_URL=http://127.0.0.1:8080\n", "DATABASE_URL=", "FREEHOLD_MIGRATE_URL=", "FREEHOLD_ACCESS_TOKEN_TTL=15m0s\n"} {
			if !strings.Contains(printed, want) {
				t.Errorf("the settings lack %q:\n%s", want, printed)
			}
		}
		if strings.Contains(printed, "s3cret") || strings.Contains(printed, "quote'") {
			t.Errorf("a secret is printed:\n%s", printed)
		}
	}
}
