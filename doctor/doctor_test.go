package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/db"
)

// A second subgraph is no use without the keys of its issuer.
func TestIssuer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{200, `{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`, "ok it publishes the keys of its tokens"},
		{200, `{"keys": []}`, "FAIL it publishes no key"},
		{200, `not found`, "FAIL parse JWKS"},
		{404, ``, "FAIL it does not publish keys: status 404"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/.well-known/jwks.json" {
				w.WriteHeader(c.status)
				w.Write([]byte(c.body))
			}
		}))
		o := Options{Subgraph: true, Issuer: server.URL, Unopened: errors.New("closed"), PublicURL: server.URL, DataDir: "/"}
		expect(t, o, "issuer", c.want)
		server.Close()
		expect(t, o, "issuer", "FAIL dial tcp")
	}
}

// expect checks the finding of a check, and that a subgraph is not asked about what only accounts have.
func expect(t *testing.T, o Options, check, want string) {
	t.Helper()
	seen := false
	for _, f := range Examine(t.Context(), o) {
		switch f.Check {
		case check:
			if seen = true; !strings.HasPrefix(string(f.Level)+" "+f.Text, want) || (f.Advice == "") != (f.Level == OK) {
				t.Errorf("%+v, want %s", f, want)
			}
		case "signing keys", "encryption key", "smtp", "mails":
			t.Errorf("a second subgraph has no %s: %+v", f.Check, f)
		}
	}
	if !seen {
		t.Errorf("the check %s is missing", check)
	}
}

func TestOldServers(t *testing.T) {
	t.Parallel()
	for number, want := range map[int]Level{140012: Fail, 150000: OK, 170005: OK} {
		if f := version(db.Facts{Version: number}); f.Level != want {
			t.Errorf("%d: %+v", number, f)
		}
	}
}

// Secrets are removed, even if an error of a library contains them. A check that does not end in time says so.
func TestFindingsAreSafe(t *testing.T) {
	t.Parallel()
	o := Options{
		Unopened: errors.New("the password s3cret is wrong"), Secrets: []string{"s3cret"}, PublicURL: "http://127.0.0.1:1", DataDir: "/", Now: time.Now,
		Encryption: func() (bool, error) { return false, nil }, SMTP: func(context.Context) error { return context.DeadlineExceeded },
	}
	seen := 0
	for _, f := range Examine(t.Context(), o) {
		switch f.Check {
		case "database":
			if seen++; f.Text != "the password xxxxx is wrong" {
				t.Errorf("%+v", f)
			}
		case "smtp":
			if seen++; f.Level != Fail || f.Text != "no answer within 10s" {
				t.Errorf("%+v", f)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d of 2 checks ran", seen)
	}
}
