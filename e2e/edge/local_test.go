package edge

import (
	"net/http"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// asHost sends a request with a Host, and returns the status and the body.
func asHost(s *harness.Service, method, path, host, body string) (status int, text string) {
	s.T.Helper()
	r := s.Send(harness.Request{Method: method, Path: path, Host: host, Body: body})
	return r.Status, r.Body
}

// W14: the server gives what is for developers only on a loopback address, to requests for this machine or the public URL. A
// page whose name an attacker resolves to this machine gets nothing.
func TestForeignHostsGetNothingOfDevelopment(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	explain := `{"query": "{ profile(username: \"hidden\") { id } }", "extensions": {"explain": true}}`
	open := []string{"FREEHOLD_ENV=development", "FREEHOLD_ADDR=0.0.0.0:8080"}
	for name, c := range map[string]struct {
		settings []string
		host     string
		names    string // the setting in the refusal; "" for none
	}{
		"this machine":                           {nil, "127.0.0.1:8080", ""},
		"another address of it":                  {nil, "127.8.8.8", ""},
		"localhost":                              {nil, "LocalHost:3000", ""},
		"IPv6":                                   {nil, "[::1]:8080", ""},
		"the public URL":                         {[]string{"FREEHOLD_PUBLIC_URL=https://Dev.Example/"}, "dev.example", ""},
		"the public URL by port":                 {[]string{"FREEHOLD_PUBLIC_URL=https://dev.example:8443"}, "DEV.example:8443", ""},
		"a foreign name":                         {nil, "evil.example", "FREEHOLD_PUBLIC_URL"},
		"a foreign name with a port":             {nil, "evil.example:8080", "FREEHOLD_PUBLIC_URL"},
		"a name that begins as ours":             {nil, "localhost.evil.example", "FREEHOLD_PUBLIC_URL"},
		"a name that begins as an address":       {nil, "127.0.0.1.evil.example:8080", "FREEHOLD_PUBLIC_URL"},
		"an address of the network":              {nil, "192.168.1.5:8080", "FREEHOLD_PUBLIC_URL"},
		"a name below the public URL":            {[]string{"FREEHOLD_PUBLIC_URL=https://dev.example"}, "x.dev.example", "FREEHOLD_PUBLIC_URL"},
		"a listener that others reach":           {open, "localhost:8080", "FREEHOLD_ADDR"},
		"the same, by a foreign name":            {open, "evil.example", "FREEHOLD_ADDR"},
		"the same, by all addresses of the host": {[]string{"FREEHOLD_ENV=development", "FREEHOLD_ADDR=:8080"}, "127.0.0.1:8080", "FREEHOLD_ADDR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, c.settings...)
			for _, path := range []string{"/", "/playground/access", "/playground/x.js", "/dev/mail", "/dev/mail.json", "/dev/mail/x"} {
				status, body := asHost(s, http.MethodGet, path, c.host, "")
				refused := status == http.StatusMisdirectedRequest && strings.Contains(body, `"code":"BAD_REQUEST"`)
				if refused != (c.names != "") || refused && !strings.Contains(body, c.names) {
					t.Errorf("%s: %d %.300s", path, status, body)
				}
			}
			status, body := asHost(s, http.MethodPost, "/graphql", c.host, explain)
			if explained := strings.Contains(body, `"denials"`); explained != (c.names == "") || (status == http.StatusMisdirectedRequest) != (c.names == "FREEHOLD_PUBLIC_URL") {
				t.Errorf("explanations: %d %s", status, body)
			}
			// GraphQL itself is for other devices as well.
			if status, body := asHost(s, http.MethodPost, "/graphql", c.host, `{"query": "{ me { id } }"}`); status != 200 || !strings.Contains(body, `"me":null`) {
				t.Errorf("GraphQL: %d %s", status, body)
			}
		})
	}
}
