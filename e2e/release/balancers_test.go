package release

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"context"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

const (
	domain    = "id.example.org" // of the samples
	clientIP  = "127.0.0.7"      // of the load's connections
	workers   = 4
	kills     = 4
	drainTime = 2500 * time.Millisecond
	noticed   = 6 * time.Second // in which a balancer uses an instance that is ready again; nginx takes 10 s by default
)

// balancer is one of the samples.
type balancer struct {
	file    string
	program string
	args    []string // before the name of the file
	// replaced are the parts of the file that a test replaces: only addresses, ports and paths.
	replaced func(p place) []string
}

// place is where a test runs a balancer.
type place struct {
	dir, httpPort, httpsPort string
	instances                [2]string
}

var balancers = []balancer{
	{"haproxy.cfg", "haproxy", []string{"-db", "-f"}, func(p place) []string {
		return []string{"bind :80", "bind 127.0.0.1:" + p.httpPort, "bind :443", "bind 127.0.0.1:" + p.httpsPort, "/etc/haproxy/id.example.org.pem", p.dir + "/both.pem"}
	}},
	{"nginx.conf", "nginx", []string{"-e", "stderr", "-g", "daemon off;", "-c"}, func(p place) []string {
		return []string{
			"listen 80;", "listen 127.0.0.1:" + p.httpPort + ";", "listen 443 ", "listen 127.0.0.1:" + p.httpsPort + " ", "pid /run/nginx.pid", "pid " + p.dir + "/pid",
			"/etc/nginx/id.example.org.crt", p.dir + "/cert.pem", "/etc/nginx/id.example.org.key", p.dir + "/key.pem", "$host$request_uri", "$host$request_uri",
		}
	}},
	{"Caddyfile", "caddy", []string{"run", "--adapter", "caddyfile", "--config"}, func(p place) []string {
		return []string{
			"\tadmin off\n", "\tadmin off\n\thttp_port " + p.httpPort + "\n\thttps_port " + p.httpsPort + "\n\tdefault_bind 127.0.0.1\n",
			domain + " {\n", domain + " {\n\ttls " + p.dir + "/cert.pem " + p.dir + "/key.pem\n",
		}
	}},
}

// Each sample, with two instances behind it: clients have TLS and their own address, and an instance that is killed fails only the requests
// that it was answering. One that ends as usual fails none, if the balancer asks /readyz.
func TestBalancers(t *testing.T) {
	t.Parallel()
	pair := startPair(t)
	var loads []*load
	for _, b := range balancers { // all in front of the same instances, since most of the time passes between kills
		at := b.start(t, pair)
		t.Run(b.program, func(t *testing.T) { checkEntrance(t, at, pair.account) }) //nolint:paralleltest // the load follows
		loads = append(loads, startLoad(t, b.program, at, pair.account))
	}
	for i := range kills {
		pair.replace(t, i%2, syscall.SIGKILL)
	}
	killed := make([]result, len(loads))
	for i, l := range loads {
		killed[i] = l.counts()
	}
	pair.replace(t, 0, syscall.SIGTERM)
	for i, l := range loads {
		before, all := killed[i], l.stop()
		t.Logf("%s: kill -9 ×%d: %d of %d requests failed; SIGTERM: %d of %d", l.name, kills, before.failed, before.sent, all.failed-before.failed, all.sent-before.sent)
		if before.failed > kills*workers || before.sent < 100 { // each worker has one request at a time
			t.Errorf("%s: %d of %d requests failed, want at most %d: %v", l.name, before.failed, before.sent, kills*workers, l.last())
		}
		if l.name == "nginx" { // it does not ask /readyz, so a request can arrive just when the instance ends
			before.failed += workers
		}
		if all.failed > before.failed {
			t.Errorf("%s: %d of %d requests failed when an instance ended: %v", l.name, all.failed-killed[i].failed, all.sent-before.sent, l.last())
		}
	}
}

// pair is two instances in production.
type pair struct {
	d         dbtest.Database
	settings  []string
	ports     [2]string
	metrics   [2]string
	processes [2]*exec.Cmd
	account   harness.Account
}

func startPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{d: dbtest.New(t)}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "signing-key"), signingKey(t), 0o400)
	p.settings = []string{
		"FREEHOLD_ENV=production", "FREEHOLD_PUBLIC_URL=https://" + domain, "DATABASE_URL=" + p.d.App, "FREEHOLD_SIGNING_KEY_FILE=" + filepath.Join(dir, "signing-key"),
		"FREEHOLD_TRUSTED_PROXIES=127.0.0.1", "FREEHOLD_RATE_LIMIT=off", fmt.Sprint("FREEHOLD_DRAIN_DELAY=", drainTime), "FREEHOLD_DATABASE_CONNECTIONS=5",
	}
	for i := range 2 {
		p.ports[i], p.metrics[i] = freePort(t), freePort(t)
		p.run(t, i)
	}
	s := &harness.Service{T: t, DB: p.d, URL: "http://127.0.0.1:" + p.ports[0], Logs: &harness.LogBuffer{}}
	p.account = s.SignUp(nil)
	t.Cleanup(func() {
		for _, process := range p.processes {
			process.Process.Kill()
			process.Wait()
		}
	})
	return p
}

// run starts an instance and waits until it is ready.
func (p *pair) run(t *testing.T, i int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path)
	c.Env = append(slices.Clone(p.settings), "FREEHOLD_ADDR=127.0.0.1:"+p.ports[i], "FREEHOLD_METRICS_ADDR=127.0.0.1:"+p.metrics[i])
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	p.processes[i] = c
	eventually.True(t, 30*time.Second, "the instance is ready", func() bool { return p.metric(t, i, "freehold_ready") == 1 })
}

// replace ends an instance by a signal, and starts it again. It returns when all balancers use the new one.
func (p *pair) replace(t *testing.T, i int, signal syscall.Signal) {
	t.Helper()
	p.processes[i].Process.Signal(signal)
	if err := p.processes[i].Wait(); signal == syscall.SIGTERM && err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	time.Sleep(300 * time.Millisecond) // the other one serves alone
	p.run(t, i)
	for _, b := range balancers {
		eventually.True(t, noticed, b.program+" uses the instance", func() bool {
			return p.metric(t, i, `freehold_requests_total{code="ok",kind="query",operation="`+b.program+`"}`) > 0
		})
	}
}

// metric reads a metric of an instance; 0 if it does not answer.
func (p *pair) metric(t *testing.T, i int, name string) (value float64) {
	t.Helper()
	r, err := http.Get("http://127.0.0.1:" + p.metrics[i] + "/metrics")
	if err != nil {
		return 0
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			fmt.Sscan(rest, &value)
		}
	}
	return value
}

// entrance is a balancer that runs, and how to reach it.
type entrance struct {
	http, https string
	client      *http.Client
}

// start runs a sample, changed only in addresses and paths, until the test ends.
func (b balancer) start(t *testing.T, p *pair) entrance {
	t.Helper()
	at := place{dir: t.TempDir(), httpPort: freePort(t), httpsPort: freePort(t), instances: [2]string{"127.0.0.1:" + p.ports[0], "127.0.0.1:" + p.ports[1]}}
	os.Chmod(at.dir, 0o755)
	roots := certify(t, at.dir)
	text := readFile(t, "deploy/balancers/"+b.file)
	changes := append(b.replaced(at), "10.0.0.11:8080", at.instances[0], "10.0.0.12:8080", at.instances[1])
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("%s does not have %q", b.file, changes[i])
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	file := filepath.Join(at.dir, b.file)
	put(t, file, []byte(text), 0o644)
	path := b.program
	if _, err := exec.LookPath(path); err != nil {
		path = "/usr/sbin/" + path // users have no sbin in PATH
	}
	c := exec.Command(path, append(b.args, file)...)
	c.Env = append(os.Environ(), "XDG_DATA_HOME="+at.dir, "XDG_CONFIG_HOME="+at.dir, "HOME="+at.dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // for its workers
	out := &harness.LogBuffer{}
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatalf("%v (scripts/need.sh %s installs it)", err, b.program)
	}
	t.Cleanup(func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		c.Wait()
		if t.Failed() {
			said := out.String()
			t.Logf("%s said:\n%s", b.program, said[:min(len(said), 3000)])
		}
	})
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(clientIP)}}
	e := entrance{http: "http://127.0.0.1:" + at.httpPort, https: "https://" + domain + ":" + at.httpsPort, client: &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: domain}, MaxIdleConnsPerHost: workers, ForceAttemptHTTP2: false,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(address)
				return dialer.DialContext(ctx, network, "127.0.0.1:"+port)
			},
		},
	}}
	eventually.True(t, 30*time.Second, b.program+" serves", func() bool {
		r, err := e.client.Get(e.https + "/readyz")
		if err == nil {
			r.Body.Close()
		}
		return err == nil && r.StatusCode == http.StatusOK
	})
	return e
}

// certify creates a certificate of the domain in a folder.
func certify(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: domain}, DNSNames: []string{domain}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, keyText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	put(t, filepath.Join(dir, "cert.pem"), certificate, 0o644)
	put(t, filepath.Join(dir, "key.pem"), keyText, 0o644)
	put(t, filepath.Join(dir, "both.pem"), append(certificate, keyText...), 0o644)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	return pool
}

// ask sends an operation through the balancer, and returns the response. A response with errors is an error.
func (e entrance) ask(ctx context.Context, token, query string, header http.Header) (text string, received http.Header, err error) {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return "", nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.https+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		return "", nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || strings.Contains(string(all), `"errors"`)) {
		err = fmt.Errorf("status %d: %s", response.StatusCode, all)
	}
	return string(all), response.Header, err
}

// checkEntrance checks what clients see of a balancer, and what freehold sees of them.
func checkEntrance(t *testing.T, e entrance, a harness.Account) {
	t.Helper()
	redirect, err := e.client.Get(e.http + "/graphql")
	if err != nil {
		t.Fatal(err)
	}
	redirect.Body.Close()
	if to := redirect.Header.Get("Location"); redirect.StatusCode/100 != 3 || !strings.HasPrefix(to, "https://") {
		t.Errorf("http: status %d to %q", redirect.StatusCode, to)
	}
	signIn := fmt.Sprintf(`mutation { signIn(input: {email: %q, password: %q}) { user { sessions(first: 5) { nodes { ip current } } } } }`, a.Email, harness.Password)
	text, received, err := e.ask(t.Context(), "", signIn, http.Header{"X-Forwarded-For": {"203.0.113.9"}}) // forged
	if err != nil || !strings.Contains(text, `{"ip":"`+clientIP+`","current":true}`) {
		t.Fatalf("the session's address: %s, %v; want %s", text, err, clientIP)
	}
	if got := received.Get("Strict-Transport-Security"); got != "max-age=63072000" {
		t.Errorf("Strict-Transport-Security: %q", got)
	}
	if id := received.Get("X-Request-Id"); id == "" {
		t.Error("no request id")
	}
	long := http.Header{"X-Long": {strings.Repeat("x", 7000)}, "X-Longer": {strings.Repeat("x", 7000)}}
	if _, _, err := e.ask(t.Context(), a.Token, `{ me { id } }`, long); err != nil {
		t.Errorf("14 KB of headers: %v", err)
	}
	if _, _, err := e.ask(t.Context(), a.Token, `{ me { id } } #`+strings.Repeat("x", 120_000), nil); err != nil {
		t.Errorf("a body of 120 KB: %v", err)
	}
}
