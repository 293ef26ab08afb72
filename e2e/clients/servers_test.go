package clients

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// startTime is for the start of a program and its first response; a few seconds on an idle machine.
const startTime = 2 * time.Minute

// freeAddress returns an address of this machine at which nothing listens. Its port is below those that systems give to other listeners, so
// that no test takes it before the program that it is for.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 15000+rand.IntN(15000)))
		if err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// run runs a program in a folder until the test ends, and waits until the service responds at its address.
func run(t *testing.T, dir, address string, env map[string]string, program string, args ...string) {
	t.Helper()
	command := exec.Command(program, args...)
	command.Dir, command.Env = dir, environment(env)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // for its children
	said, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		t.Fatalf("this test needs %s: run make test, which installs it: %v", program, err)
	}
	t.Cleanup(func() {
		if err := syscall.Kill(-command.Process.Pid, syscall.SIGKILL); err != nil {
			t.Errorf("stop %s: %v", program, err)
		}
		command.Wait() // it was killed
		if text, err := os.ReadFile(said.Name()); t.Failed() {
			t.Logf("%s said: %s %v", program, text, err)
		}
	})
	// It is not enough that something listens: Vite does so for a moment to find out whether the port is free.
	eventually.True(t, startTime, program+" responds", func() bool {
		response, err := (&http.Client{Timeout: startTime}).Get("http://" + address + "/graphql")
		if err == nil {
			response.Body.Close()
		}
		return err == nil
	})
}

// get requests a page as a browser does for a link on another site, and returns its text and the cookies that it sets.
func get(t *testing.T, url string, header http.Header) (string, []*http.Cookie) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), response.Cookies()
}

const signUpWithCookies = `mutation ($i: SignUpInput!) { signUp(input: $i) { user { email } } }`

// visitor returns a browser on a page at an address in front of a service, which claims to be a proxy for another client.
func visitor(t *testing.T, s *harness.Service, base string) *harness.Browser {
	proxied := *s
	proxied.T, proxied.URL = t, base
	return &harness.Browser{Service: &proxied, From: http.Header{
		"Origin": {base}, "Sec-Fetch-Site": {"same-origin"}, "X-Forwarded-For": {"203.0.113.9"},
	}}
}

// signUp signs up in the browser, through the proxy.
func signUp(t *testing.T, b *harness.Browser) (name string) {
	t.Helper()
	name = fmt.Sprintf("visitor-%d", harness.Serial.Add(1))
	r := b.Do(signUpWithCookies, harness.Input("email", name+"@example.org", "password", harness.Password, "username", name, "session", "COOKIE"))
	if len(r.Errors) > 0 || b.Access == "" || b.Refresh == "" {
		t.Fatalf("sign up: %s %v", r.Body, r.Header)
	}
	return name
}

// showForwarded makes a service show the X-Forwarded-For of each request.
func showForwarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Seen-For", strings.Join(r.Header["X-Forwarded-For"], ", "))
		next.ServeHTTP(w, r)
	})
}

// checkProxy checks that pages behind a proxy have cookies, that pages of other sites have nothing, and which X-Forwarded-For freehold gets.
func checkProxy(t *testing.T, s *harness.Service, base, forwarded string) {
	t.Helper()
	b := visitor(t, s, base)
	name := signUp(t, b)
	const me = `{ me { email } }`
	r := b.Do(me, nil)
	if !strings.Contains(r.Body, name+"@example.org") {
		t.Errorf("a page: %s", r.Body)
	}
	if got := r.Header.Get("Seen-For"); got != forwarded {
		t.Errorf("X-Forwarded-For is %s, want %s", got, forwarded)
	}
	b.From.Del("Sec-Fetch-Site")
	if r := b.Do(me, nil); !strings.Contains(r.Body, name+"@example.org") {
		t.Errorf("a page in an old browser: %s", r.Body)
	}
	for _, site := range []string{"cross-site", "same-site", ""} {
		b.From = http.Header{"Origin": {"https://other.example"}}
		if site != "" {
			b.From.Set("Sec-Fetch-Site", site)
		}
		if r := b.Do(me, nil); r.Status != http.StatusForbidden {
			t.Errorf("a page of another site (%q): %d %s", site, r.Status, r.Body)
		}
	}
	if text, _ := get(t, base+"/oauth/unknown/start", nil); !strings.HasPrefix(text, `{"errors":`) {
		t.Errorf("/oauth/: %s", text)
	}
}

// The configurations of nginx, Caddy and Vite in docs/frontends/servers.md give pages the cookies of the service behind them.
func TestProxies(t *testing.T) {
	t.Parallel()
	nginx, caddy, vite := freeAddress(t), freeAddress(t), freeAddress(t)
	s := harness.Setup{Wrap: showForwarded, Settings: []string{"FREEHOLD_PUBLIC_URL=http://" + vite, "FREEHOLD_TRUSTED_PROXIES=127.0.0.1"}}.Start(t)
	code := func(name string, pairs ...string) string {
		return strings.NewReplacer(append(pairs, "127.0.0.1:8080", strings.TrimPrefix(s.URL, "http://"))...).Replace(snippet(t, name))
	}
	t.Run("nginx", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, dir+"/nginx.conf", "daemon off; master_process off; pid pid; events {} http { access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"+
			"server { listen "+nginx+";\n"+code("nginx.conf")+"}}\n")
		program, err := exec.LookPath("nginx")
		if err != nil {
			program = "/usr/sbin/nginx" // users have no sbin in PATH
		}
		run(t, dir, nginx, nil, program, "-p", dir, "-e", "stderr", "-c", "nginx.conf")
		checkProxy(t, s, "http://"+nginx, "203.0.113.9, 127.0.0.1")
	})
	t.Run("Caddy", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, dir+"/Caddyfile", "{\n\tadmin off\n\tauto_https off\n}\n"+code("Caddyfile", "app.example.org", "http://"+caddy, "/srv/app", dir+"/app"))
		write(t, dir+"/app/index.html", "the app")
		run(t, dir, caddy, map[string]string{"XDG_DATA_HOME": dir, "XDG_CONFIG_HOME": dir}, "caddy", "run", "--config", "Caddyfile")
		checkProxy(t, s, "http://"+caddy, "127.0.0.1")
		if text, _ := get(t, "http://"+caddy+"/", nil); text != "the app" {
			t.Errorf("the front end: %s", text)
		}
	})
	t.Run("Vite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		link(t, dir)
		write(t, dir+"/vite.config.ts", code("vite.config.ts"))
		write(t, dir+"/index.html", "the app")
		host, port, _ := strings.Cut(vite, ":")
		run(t, dir, vite, nil, dir+"/node_modules/.bin/vite", "--host", host, "--port", port, "--strictPort")
		checkProxy(t, s, "http://"+vite, "203.0.113.9")
	})
}

// A Next.js app with the code of docs/frontends/servers.md renders pages for the user of the cookies, and renews them.
func TestNext(t *testing.T) {
	t.Parallel()
	packages, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(packages, ".next-") // Next.js looks for packages in folders above, and follows no links out of its root
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{"next.config.ts", "lib/freehold.ts", "app/page.tsx", "proxy.ts"} {
		write(t, filepath.Join(dir, name), snippet(t, name))
	}
	write(t, dir+"/app/layout.tsx", `export default ({ children }: { children: React.ReactNode }) => <html lang="en"><body>{children}</body></html>;`)

	address := freeAddress(t)
	base := "http://" + address
	var clock harness.Clock
	var renewals atomic.Int32 // responses with new cookies
	s := harness.Setup{
		Options: app.Options{Now: clock.Now}, Settings: []string{"FREEHOLD_PUBLIC_URL=" + base, "FREEHOLD_TRUSTED_PROXIES=127.0.0.1"},
		Wrap: func(next http.Handler) http.Handler {
			next = showForwarded(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r)
				if len(w.Header()["Set-Cookie"]) > 0 {
					renewals.Add(1)
				}
			})
		},
	}.Start(t)
	_, port, _ := strings.Cut(address, ":")
	run(t, dir, address, map[string]string{"FREEHOLD_URL": s.URL, "NEXT_TELEMETRY_DISABLED": "1"}, packages+"/node_modules/.bin/next", "dev", "--hostname", "127.0.0.1", "--port", port)

	checkProxy(t, s, base, "203.0.113.9")
	b := visitor(t, s, base)
	name := signUp(t, b)
	b.From = nil
	page := func(what, want string, renews int32) {
		t.Helper()
		before := renewals.Load()
		text, cookies := get(t, base+"/", b.Header())
		if !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %s", what, text, want)
		}
		if got := renewals.Load() - before; got != renews || len(cookies) != int(2*renews) {
			t.Errorf("%s: %d renewals and the cookies %v, want %d", what, got, cookies, renews)
		}
		for _, cookie := range cookies {
			switch cookie.Name {
			case "freehold":
				b.Access = cookie.Value
			case "freehold-refresh":
				b.Refresh = cookie.Value
			}
		}
	}
	page("a page", "Hello, "+name, 0)
	clock.Put(12 * time.Minute)
	page("a token that expires soon", "Hello, "+name, 1)
	page("a renewed token", "Hello, "+name, 0)
	clock.Put(time.Hour)
	page("an expired token", "Hello, "+name, 1)
	elsewhere := *b
	elsewhere.Do(`mutation { signOut { success } }`, nil)
	page("a session that has ended", "You are signed out.", 1)
	page("a visitor", "You are signed out.", 0)
}
